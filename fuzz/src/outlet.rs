//! What is made of finished exchanges: conversations, prices, and what leaves
//! for a screen or a file.

use std::sync::LazyLock;

use llmtop_parsers::conversation::Tracker;
use llmtop_parsers::price::PriceTable;
use llmtop_parsers::{Event, Exchange, escape, redact, usage};

static PRICES: LazyLock<PriceTable> = LazyLock::new(|| {
    PriceTable::parse(include_str!("../../assets/prices.json")).expect("the table is one")
});

/// Everything that is done with the exchanges of a connection.
///
/// # Panics
/// Something that must not leaves.
pub fn check(events: &[Event]) {
    let mut tracker = Tracker::default();
    for event in events {
        if let Event::Finished(exchange) = event {
            let conversation = tracker.place(1, exchange);
            tracker.answered(1, conversation, exchange);
            let parent = tracker.parent(conversation);
            assert_ne!(parent, Some(conversation), "its own parent");
            figures(exchange);
            shown(exchange);
        }
    }
}

/// Usage and price are numbers, or none.
fn figures(exchange: &Exchange) {
    let cost = PRICES.price(exchange).usd;
    assert!(cost.is_none_or(|usd| usd.is_finite() && usd >= 0.0), "it costs {cost:?}");
    if let Some(bill) = PRICES.bill(exchange) {
        assert!(bill.usd().is_finite());
    }
    let _ = usage::estimate(exchange);
    let mut settled = exchange.clone();
    usage::settle(&mut settled);
    assert_eq!(settled.usage, exchange.usage, "it was settled");
}

fn shown(exchange: &Exchange) {
    let (request, response) = (&exchange.request, &exchange.response);
    for (name, value) in request.headers.iter().chain(&response.headers) {
        let out = redact::header(name, value);
        let key = value.len() >= 16 && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
        assert!(!key || !redact::is_credential(name) || out != value.as_str(), "{name} leaves");
        harmless(&out);
    }
    if let Some(target) = &request.target {
        harmless(&redact::url(target));
    }
    let texts = [&response.text, &response.reasoning, &response.id, &response.model];
    for text in texts.into_iter().flatten().chain(&response.other_choices) {
        harmless(text);
    }
    for body in request.body.iter().chain(&response.body) {
        no_controls(&escape::visible_bytes(&body.bytes));
    }
    let args: Vec<&str> =
        response.text.as_deref().unwrap_or_default().split_whitespace().take(16).collect();
    assert_eq!(redact::args(&args).len(), args.len());
}

fn harmless(text: &str) {
    no_controls(&escape::visible(text));
}

fn no_controls(shown: &str) {
    let control = shown.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(control, None, "a terminal would obey");
}
