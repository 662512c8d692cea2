//! What holds of the events of any connection.

use std::collections::HashMap;

use llmtop_parsers::{Body, DeltaKind, Event, Exchange, Limits};

/// Dialects whose answers only grow: each piece of text is told once, as it
/// comes. Others repeat the whole at its end, and may contradict themselves.
pub(crate) const GROWING: [&str; 2] = ["openai.chat", "anthropic.messages"];

/// `Started` comes first and once, `Finished` last and once; what was told of
/// the text as it grew is the text; nothing is larger than its bound.
///
/// # Panics
/// It does not hold.
pub fn check(events: &[Event], limits: Limits) {
    let mut open = HashMap::new();
    for event in events {
        match event {
            Event::Started(exchange) => {
                bounded(exchange, limits);
                assert!(open.insert(exchange.seq, 0).is_none(), "started twice");
            }
            Event::Updated(exchange) => {
                bounded(exchange, limits);
                let told = open.get(&exchange.seq).expect("updated while open");
                grown(exchange, *told);
            }
            Event::Delta(seq, delta) => {
                let told = open.get_mut(seq).expect("grows while open");
                if delta.kind == DeltaKind::Text {
                    *told += delta.text.len();
                }
            }
            Event::Finished(exchange) => {
                bounded(exchange, limits);
                grown(exchange, open.remove(&exchange.seq).expect("finished once"));
            }
            Event::Verdict(_) => {}
        }
    }
    assert!(open.is_empty(), "started and not finished: {:?}", open.keys());
}

/// The exchange's text is as long as what was `told` of it.
fn grown(exchange: &Exchange, told: usize) {
    let grows = exchange.dialect.is_some_and(|dialect| GROWING.contains(&dialect));
    if grows && told > 0 {
        let text = exchange.response.text.as_deref().unwrap_or_default();
        assert_eq!(text.len(), told, "told of {text:?}");
    }
}

fn bounded(exchange: &Exchange, limits: Limits) {
    let (request, response) = (&exchange.request, &exchange.response);
    for body in request.body.iter().chain(&response.body) {
        whole(body, limits);
    }
    let calls = response.tool_calls.iter().flat_map(|call| {
        [call.id.as_deref(), call.name.as_deref(), Some(&call.arguments[..])].into_iter().flatten()
    });
    let texts = response.text.iter().chain(&response.reasoning).chain(&response.other_choices);
    let said: usize = texts.map(String::len).sum::<usize>() + calls.map(str::len).sum::<usize>();
    // Paragraphs between pieces of reasoning, each of at least a byte, come on top.
    assert!(said <= 3 * limits.body, "an answer of {said} bytes");
    let heads = request.headers.iter().chain(&response.headers);
    let size: usize = heads.map(|(name, value)| name.len() + value.len()).sum();
    // Of both messages and trailers; a byte that is not UTF-8 takes three.
    assert!(size <= 3 * 3 * limits.head, "heads of {size} bytes");
    assert!(exchange.findings.len() < 1000, "{} findings", exchange.findings.len());
}

fn whole(body: &Body, limits: Limits) {
    assert!(body.bytes.len() <= limits.body);
    assert!(body.elided.iter().all(|hole| hole.at <= body.bytes.len()));
    assert!(body.elided.is_sorted_by_key(|hole| hole.at));
}
