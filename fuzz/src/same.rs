//! Whether two accounts of a connection say the same.

use llmtop_parsers::{Event, Exchange};

/// All exchanges, as they ended, in words.
pub(crate) fn finished(events: &[Event]) -> Vec<String> {
    let finished = events.iter().filter_map(|event| match event {
        Event::Finished(exchange) => Some(in_words(exchange)),
        _ => None,
    });
    finished.collect()
}

/// Whether what an exchange tells may depend on how its bytes came: some were
/// lost, or the framing of its connection was, which is found again here or
/// there, or a body is corrupt, of which a decoder gives more or less.
pub(crate) fn depends(events: &[Event]) -> bool {
    let kinds = ["bytes_lost", "unframed", "unread_message", "unread_messages", "content_encoding"];
    events.iter().any(|event| match event {
        Event::Finished(exchange) => {
            exchange.lost_bytes > 0 || kinds.iter().any(|kind| has(exchange, kind))
        }
        _ => false,
    })
}

fn has(exchange: &Exchange, kind: &str) -> bool {
    exchange.findings.iter().any(|finding| finding.kind == kind)
}

fn in_words(exchange: &Exchange) -> String {
    let mut exchange = exchange.clone();
    let bodies = [exchange.request.body.take(), exchange.response.body.take()];
    // Bytes print at length, a number each: as text they are readable, too.
    let bodies = bodies.map(|body| {
        body.map(|body| (body.kind, body.elided.clone(), body.bytes.escape_ascii().to_string()))
    });
    format!("{exchange:?} {bodies:?}")
}
