//! Bytes and events that nobody would wish for.

use llmtop_parsers::{Delta, DeltaKind, State, Usage};
use proptest::prelude::*;

use super::Person;
use super::fixture::{NOW, answered, asks, machine, pending, process};
use crate::action::ACTIONS;
use crate::app::{Code, Event, Key, Mouse, MouseKind};
use crate::store::{ExchangeId, Status};

#[test]
fn nothing_captured_reaches_the_terminal_unescaped() {
    let hostile = "\x1b]0;owned\x07\x1b[31m\u{9b}2J\u{202e}\u{200b}\r\x08\u{7f}";
    let mut store = machine();
    let mut record = answered(pending(8, 2, 100, asks(hostile)), hostile, 50);
    record.exchange.request.model = Some(hostile.into());
    record.exchange.response.model = Some(hostile.into());
    record.exchange.request.target = Some(hostile.into());
    record.exchange.request.authority = Some(hostile.into());
    record.exchange.request.headers = vec![(hostile.into(), hostile.into())];
    record.exchange.response.finish_reason = Some(hostile.into());
    record.exchange.response.id = Some(hostile.into());
    store.put_exchange(record);
    process(&mut store, 2, 31_337, hostile);
    let mut person = Person::with(store, 200, 50);
    person.session.source = hostile.into();
    person.session.filters = vec![hostile.into()];
    person.session.status = Status::Starting(hostile.into());
    for keys in ["", "1", "3", "4", "2 Enter", "d", "]", "]", "]", "]", "]", "?"] {
        person.keys(keys);
        let buffer = person.buffer();
        for cell in &buffer.content {
            let symbol = cell.symbol();
            assert!(
                !symbol
                    .chars()
                    .any(|c| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}')),
                "{symbol:?} after {keys}"
            );
        }
    }
}

/// Figures that no API means add up to no panic.
#[test]
fn figures_of_any_size_are_shown() {
    let mut store = machine();
    for id in [8, 9] {
        let mut record = answered(pending(id, 2, 100, asks("how many?")), "Many.", 50);
        let most = Some(u64::MAX);
        record.exchange.usage = Usage {
            input_tokens: most,
            output_tokens: most,
            cache_read_tokens: most,
            cache_write_tokens: most,
            cache_write_1h_tokens: most,
            reasoning_tokens: most,
            input_audio_tokens: most,
            output_audio_tokens: most,
            search_units: most,
            classifications: most,
            ..record.exchange.usage
        };
        store.put_exchange(record);
    }
    let mut person = Person::with(store, 200, 50);
    for keys in ["1", "3", "4", "5", "2 Enter", "d", "[", "[", "]", "]", "]"] {
        person.keys(keys).look();
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let keys: Vec<Key> =
        ACTIONS.iter().flat_map(|entry| entry.keys).filter_map(|key| Key::parse(key)).collect();
    let kind =
        prop_oneof![Just(MouseKind::Press), Just(MouseKind::ScrollUp), Just(MouseKind::ScrollDown)];
    prop_oneof![
        12 => prop::sample::select(keys).prop_map(Event::Key),
        2 => any::<char>().prop_map(|c| Event::Key(Key::plain(Code::Char(c)))),
        3 => (kind, 0u16..210, 0u16..60).prop_map(|(kind, x, y)| Event::Mouse(Mouse { kind, x, y })),
        1 => (0u16..210, 0u16..60).prop_map(|(width, height)| Event::Resize { width, height }),
        1 => "\\PC{0,20}".prop_map(Event::Paste),
        1 => Just(Event::StoreChanged),
        1 => Just(Event::Tick),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_events_at_any_size_break_it(
        events in prop::collection::vec(any_event(), 1..60),
        (width, height) in (0u16..210, 0u16..60),
    ) {
        let mut person = Person::at(width, height);
        for (at, event) in events.into_iter().enumerate() {
            if let Event::Resize { width, height } = event {
                person.size = (width, height);
            }
            let id = ExchangeId(1 + at as u64 % 7);
            match at % 9 {
                4 => person.store.put_exchange(pending(8 + at as u64, 1, 5, asks("more"))),
                6 => drop(person.store.remove_exchange(id)),
                7 => drop(person.store.add_delta(id, &Delta::new(
                    NOW, DeltaKind::Text, "\u{1b}字👩‍👩‍👧 and ".repeat(at),
                ))),
                8 => if let Some(record) = person.store.exchange(id) {
                    let mut record = record.clone();
                    record.exchange.response.text = Some(String::new());
                    record.exchange.state = State::Aborted;
                    person.store.put_exchange(record);
                },
                _ => {}
            }
            person.does(event);
        }
    }
}
