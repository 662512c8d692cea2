//! The tabs of an exchange: events with their times, what it cost, Markdown.

use std::sync::Arc;

use llmtop_parsers::usage::{Pass, PassKind};
use llmtop_parsers::{Arrival, Body, BodyKind, CostSource, Delta, DeltaKind, Timestamp, Usage};
use ratatui::style::{Color, Modifier};

use super::Person;
use super::fixture::{answered, asks, machine, pending, process, streaming};
use crate::app::Event;
use crate::store::{ExchangeId, Store};
use crate::theme::{Depth, Theme};
use crate::view::Reader;

/// A streamed answer of three events, whose texts were kept.
fn streamed() -> Store {
    let mut store = machine();
    let mut record = answered(pending(8, 1, 9000, asks("hi")), "Hello you", 4000);
    let began = record.exchange.timing.started.0;
    let at = |ms: u64| Timestamp(began + ms * 1_000_000);
    let response = &mut record.exchange.response;
    let said = [
        "event: message_start\ndata: {\"type\":\"message_start\"}\n\n",
        "data: {\"delta\":\"Hello\x1b[2J\"}\n\n",
        "data: {\"delta\":\" you\"}\n\n",
    ];
    response.events = 3;
    response.arrivals = vec![
        Arrival::new(at(800), 24, None),
        Arrival::new(at(850), 17, Some(DeltaKind::Text)),
        Arrival::new(at(3900), 16, Some(DeltaKind::Text)),
    ];
    let bytes = said.concat().into_bytes();
    response.body = Some(Arc::new(Body { bytes, elided: Vec::new(), kind: BodyKind::Text }));
    record.exchange.cost = store.prices().price(&record.exchange);
    store.put_exchange(record);
    store
}

#[test]
fn events_have_their_times_and_their_texts() {
    let mut person = Person::with(streamed(), 120, 30);
    let screen = person.keys("d ] ] ]").look();
    for row in [
        "     1    +800ms                       message_start {\"type\":\"message_start\"}",
        "     2    +850ms     50ms  text        {\"delta\":\"Hello^[[2J\"}",
        "     3     +3.9s     3.0s  text        {\"delta\":\" you\"}",
    ] {
        assert!(screen.contains(row), "{row:?}: {screen}");
    }
    // One more that was not kept: nobody knows which is which.
    let mut record = person.store.exchange(ExchangeId(8)).unwrap().clone();
    record.exchange.response.events = 4;
    person.store.put_exchange(record);
    let screen = person.keys("[ ]").look();
    assert!(!screen.contains("message_start") && screen.contains("17 B"), "{screen}");
    assert!(screen.contains("not known one by one"), "{screen}");
    assert!(screen.contains("1 later events"), "{screen}");
}

#[test]
fn events_come_in_while_one_watches() {
    let mut store = Store::default();
    process(&mut store, 1, 100, "client");
    streaming(&mut store, pending(1, 1, 2000, asks("count")), "one two", 1000);
    let mut person = Person::with(store, 100, 30);
    let screen = person.keys("d ] ] ]").look();
    assert!(screen.contains("       2     +1.0s     10ms  text"), "{screen}");
    assert!(!screen.contains("\n       3 "), "{screen}");
    let delta = Delta::new(person.now, DeltaKind::Reasoning, " three".into());
    person.store.add_delta(ExchangeId(1), &delta);
    let screen = person.does(Event::StoreChanged).look();
    assert!(screen.contains("       3     +2.0s    990ms  reasoning   6 B"), "{screen}");
}

#[test]
fn the_waterfall_shows_the_pauses_of_the_stream() {
    let mut person = Person::with(streamed(), 120, 50);
    let screen = person.keys("d [ [").look();
    assert!(screen.contains("  pause               3.0s +850ms"), "{screen}");
    assert!(screen.contains("3.0s, 850ms after the beginning"), "{screen}");
}

#[test]
fn a_cost_is_worked_out_line_by_line() {
    let mut person = Person::with(streamed(), 100, 50);
    let screen = person.keys("d [").look();
    for line in [
        "input                     200 ×   $3 a million =  $0.000600",
        "cache read               1000 × $0.3 a million =  $0.000300",
        "output                      2 ×  $15 a million =  $0.000030",
        "total                                             $0.000930",
        "of                 anthropic claude-sonnet-4-5",
        "figures from       unknown",
        "size               200000 tokens",
    ] {
        assert!(screen.contains(line), "{line:?}: {screen}");
    }
    insta::assert_snapshot!("detail_cost_100x50", screen);
    // What is not known is said to be.
    let mut record = person.store.exchange(ExchangeId(8)).unwrap().clone();
    record.exchange.cost = Default::default();
    record.exchange.response.model = Some("house-model".into());
    record.exchange.request.model = None;
    person.store.put_exchange(record.clone());
    let screen = person.keys("[ ]").look();
    assert!(screen.contains("unpriced: no price is known"), "{screen}");
    assert!(screen.contains("unknown for this model") && !screen.contains("a million"), "{screen}");
    // What the API reports is taken as it is.
    record.exchange.cost.usd = Some(0.5);
    record.exchange.cost.source = CostSource::Reported;
    person.store.put_exchange(record);
    let screen = person.keys("[ ]").look();
    assert!(screen.contains("$0.50") && screen.contains("reported by the API"), "{screen}");
}

#[test]
fn answers_are_styled_and_their_code_is_coloured() {
    let text = "# Title\nuse **this** `x`\n```rust\nlet a = 1; // one\n```\nfrom 1 let go\n";
    let mut store = Store::default();
    process(&mut store, 1, 100, "client");
    store.put_exchange(answered(pending(1, 1, 2000, asks("how?")), text, 1000));
    let mut person = Person::with(store, 100, 30);
    person.app.options.theme = Theme::dark(Depth::Ansi);
    let screen = person.keys("d").look();
    assert!(screen.contains("use **this** `x`"), "nothing is hidden: {screen}");
    // A thread reads the code, and frames follow until it has.
    while person.app.awaits_colours() {
        assert!(person.app.next_tick().is_some());
        person.waits(33);
    }
    let buffer = person.buffer();
    let style = |row: &str, part: &str| {
        let y = screen.lines().position(|line| line.contains(row)).unwrap();
        let line = screen.lines().nth(y).unwrap();
        let x = line[..line.find(part).unwrap()].chars().count();
        let cell = &buffer[(x as u16, y as u16)];
        (cell.fg, cell.modifier.contains(Modifier::BOLD))
    };
    let theme = Theme::dark(Depth::Ansi);
    let plain = theme.style(crate::view::Role::Text).fg.unwrap_or(Color::Reset);
    assert!(style("# Title", "Title").1);
    assert_eq!(style("use **this**", "use"), (plain, false));
    assert!(style("use **this**", "this").1);
    assert_eq!(style("let a = 1", "let").0, Color::LightMagenta);
    assert_ne!(style("let a = 1", "1").0, plain);
    assert_eq!(style("from 1 let go", "let"), (plain, false), "code has ended");
}

/// What was paid for is not what is left in the window, and what is not billed by
/// tokens has no price.
#[test]
fn what_is_billed_otherwise_is_told() {
    let mut store = streamed();
    let mut record = store.exchange(ExchangeId(8)).unwrap().clone();
    let usage = record.exchange.usage;
    let pass = |input, output, kind| {
        let (input_tokens, output_tokens) = (Some(input), Some(output));
        Pass { kind, usage: Usage { input_tokens, output_tokens, ..Usage::default() } }
    };
    record.exchange.usage.input_tokens = Some(203_000);
    record.exchange.passes =
        vec![pass(180_000, 3500, PassKind::Compaction), pass(23_000, 1000, PassKind::Answer)];
    store.put_exchange(record.clone());
    let screen = Person::with(store, 100, 50).keys("d [").look();
    assert!(screen.contains("203000") && screen.contains("24000 tokens"), "{screen}");

    let mut store = streamed();
    record.exchange.usage =
        Usage { search_units: Some(3), source: usage.source, ..Usage::default() };
    record.exchange.passes = Vec::new();
    record.exchange.cost = Default::default();
    store.put_exchange(record);
    let screen = Person::with(store, 100, 50).keys("d [").look();
    assert!(screen.contains("search units                3"), "{screen}");
    assert!(screen.contains("unpriced: it is not billed by tokens"), "{screen}");
}

#[test]
fn the_rate_of_an_answer_is_of_what_was_sent() {
    let mut exchange = answered(pending(8, 2, 100, asks("why?")), "So.", 50).exchange;
    let second =
        |seconds: u64| Some(Timestamp(exchange.timing.started.0 + seconds * 1_000_000_000));
    (exchange.timing.first_token, exchange.timing.last_token) = (second(30), second(31));
    exchange.usage.output_tokens = Some(3030);
    exchange.usage.reasoning_tokens = Some(3000);
    let store = Store::with_budget(0);
    let reader = Reader::new(&store, None, Timestamp(0), 0);
    assert_eq!(reader.output(&exchange).rate, Some(30.0));
    exchange.response.reasoning = Some("Because.".into());
    assert_eq!(reader.output(&exchange).rate, Some(3030.0));
}
