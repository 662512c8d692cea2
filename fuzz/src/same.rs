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

/// Whether the framing of a connection was lost while an exchange was open.
/// Where it is found again depends on how the bytes come.
pub(crate) fn was_torn(events: &[Event]) -> bool {
    events.iter().any(|event| match event {
        Event::Finished(exchange) => {
            ["bytes_lost", "unframed", "unread_messages"].iter().any(|kind| has(exchange, kind))
        }
        _ => false,
    })
}

fn has(exchange: &Exchange, kind: &str) -> bool {
    exchange.findings.iter().any(|finding| finding.kind == kind)
}

fn in_words(exchange: &Exchange) -> String {
    if has(exchange, "content_encoding") {
        // How much of a corrupt body a decoder gives depends on what it had.
        let bytes = [exchange.request.body_bytes, exchange.response.body_bytes];
        return format!("{:?} {:?} {bytes:?}", exchange.seq, exchange.state);
    }
    let mut exchange = exchange.clone();
    let bodies = [exchange.request.body.take(), exchange.response.body.take()];
    // Bytes print at length, a number each: as text they are readable, too.
    let bodies = bodies.map(|body| {
        body.map(|body| (body.kind, body.elided.clone(), body.bytes.escape_ascii().to_string()))
    });
    format!("{exchange:?} {bodies:?}")
}
