//! Filtering the list of exchanges, by keys.

use llmtop_parsers::{Delta, DeltaKind, State};

use super::Person;
use super::fixture::{answered, asks, pending, process};
use crate::app::{App, Event};
use crate::store::{ExchangeId, Pulse, Scope, Store};

/// The exchanges that are listed.
fn listed(person: &Person) -> Vec<u64> {
    let scope = person.app.main.scope();
    let at = |rank| person.store.exchange_at(scope, rank).map(|record| record.id.0);
    (0..person.store.count(scope)).filter_map(at).collect()
}

#[test]
fn the_list_follows_what_is_typed() {
    let mut person = Person::at(120, 30);
    let all = person.look();
    assert!(person.keys("\\").types("proc:claude").look().contains("3 of 7 pass"));
    assert_eq!(listed(&person), [1, 2, 7]);
    // What is wrong changes nothing, and says where.
    let wrong = person.types(" modle:x").look();
    assert!(wrong.contains("13: no key is called `modle`; did you mean `model`?"), "{wrong}");
    assert_eq!(listed(&person), [1, 2, 7]);
    // It cannot be kept.
    assert!(person.keys("Enter").look().contains("did you mean"));
    assert!(person.app.filtering.is_typed());
    // Dropped, everything is as before.
    assert_eq!(person.keys("Esc").look(), all);
    // Kept, it stays, and is there to be changed.
    person.keys("\\").types("proc:claude").keys("Enter");
    assert!(person.look().contains("Exchanges of proc:claude"));
    person.keys("\\").types(" text:look").keys("Enter");
    assert_eq!(listed(&person), [2]);
    // Dropping a change keeps what was before.
    person.keys("\\ C-u").types("pid:808").keys("Esc");
    assert_eq!(listed(&person), [2]);
    // Esc ends it; so does an empty one.
    person.keys("Esc");
    assert_eq!(listed(&person).len(), 7);
    person.keys("\\").types("proc:claude").keys("Enter \\ C-u Enter");
    assert_eq!(listed(&person).len(), 7);
}

#[test]
fn keys_go_through_what_passes() {
    let mut person = Person::at(120, 30);
    person.keys("\\").types("proc:python3 or proc:node llm:yes").keys("Enter g");
    assert_eq!(person.app.main.exchanges.selected, Some(ExchangeId(3)));
    person.keys("j");
    assert_eq!(person.app.main.exchanges.selected, Some(ExchangeId(5)));
    person.keys("j j j");
    assert_eq!(person.app.main.exchanges.selected, Some(ExchangeId(6)));
    person.types("/summarise").keys("Enter");
    assert_eq!(person.app.main.exchanges.selected, Some(ExchangeId(3)));
    // The kind that is shown is another question.
    person.keys("Esc Esc \\").types("status:200").keys("Enter");
    assert_eq!(listed(&person), [1, 2, 4, 5, 6, 7]);
    person.keys("a");
    assert_eq!(listed(&person), [1, 2, 5, 6, 7]);
}

#[test]
fn tab_completes() {
    let mut person = Person::at(120, 30);
    person.keys("\\").types("mod").keys("Tab").types("gp").keys("Tab");
    assert!(person.look().contains("filter: model:gpt-4o-mini"), "{}", person.look());
    assert_eq!(listed(&person), [3]);
    // Several, one after the other, and back.
    person.keys("C-u").types("state:").keys("Tab Tab");
    assert!(person.look().contains("filter: state:streaming"));
    assert_eq!(listed(&person), [7]);
    person.keys("S-Tab");
    assert!(person.look().contains("filter: state:pending"));
    person.keys("C-u").types("@").keys("Tab Enter");
    assert_eq!(listed(&person), [1, 7]);
}

#[test]
fn what_changes_is_judged_again() {
    let mut person = Person::at(120, 30);
    person.keys("\\").types("text:moreover or state:aborted").keys("Enter");
    assert_eq!(listed(&person), [6]);
    // A new one, one that ends, and one that grows.
    let mut new = answered(pending(8, 1, 500, asks("x")), "moreover", 100);
    new.exchange.state = State::Complete;
    person.store.put_exchange(new);
    let mut cut = person.store.exchange(ExchangeId(3)).unwrap().clone();
    cut.exchange.state = State::Aborted;
    person.store.put_exchange(cut);
    let delta = Delta::new(person.now, DeltaKind::Text, " moreover".into());
    person.store.add_delta(ExchangeId(7), &delta);
    person.does(Event::StoreChanged);
    assert_eq!(listed(&person), [3, 6, 8]);
    person.waits(1000);
    assert_eq!(listed(&person), [3, 6, 7, 8]);
    person.store.remove_exchange(ExchangeId(3));
    person.does(Event::StoreChanged);
    assert_eq!(listed(&person), [6, 7, 8]);
}

#[test]
fn a_paused_screen_is_filtered_as_it_was() {
    let mut person = Person::at(120, 30);
    person.keys("Space");
    let mut ended = person.store.exchange(ExchangeId(7)).unwrap().clone();
    ended.exchange.state = State::Complete;
    person.store.put_exchange(ended);
    person.store.put_exchange(pending(8, 1, 10, asks("newer")));
    person.keys("\\").types("state:streaming or state:pending").keys("Enter");
    let screen = person.look();
    assert!(screen.contains("1/1 of 7") && screen.contains("PAUSED"), "{screen}");
    let screen = person.keys("Space").look();
    assert!(screen.contains("1/1 of 8"), "{screen}");
    assert_eq!(listed(&person), [8]);
}

#[test]
fn a_long_history_is_judged_bit_by_bit_and_then_costs_nothing() {
    let mut store = Store::default();
    process(&mut store, 1, 100, "client");
    let long = "long ".repeat(20_000);
    for id in 1..=200 {
        store.put_exchange(answered(pending(id, 1, 900, asks(&long)), "hello", 10));
    }
    let mut person = Person::with(store, 120, 30);
    person.keys("\\").types("prompt:long").keys("Enter");
    for _ in 0..20 {
        person.waits(40);
    }
    assert_eq!(person.store.count(Scope::Matching), 200);
    let mut app = App::new(
        crate::app::UiOptions { filter: Some("prompt:long".into()), ..person.app.options.clone() },
        (120, 30),
        person.now,
    );
    app.screen(&mut person.store, &person.session, person.now);
    let left = person.store.unjudged();
    assert!(left > 100, "one frame has time for a part: {left} of 200 are left");
    assert!(app.is_behind(), "and asks for another");
    for _ in 0..200 {
        app.catch_up(&mut person.store);
    }
    assert!(!app.is_behind());
    for _ in 0..20 {
        app.screen(&mut person.store, &person.session, person.now);
    }
    assert_eq!(person.store.unjudged(), 0);
    assert_eq!(person.store.count(Scope::Matching), 200);
    // What is left to come is what processes spent lately, seconds on.
    assert_eq!(app.next_tick(), Some(Pulse::next(person.now)));
}

#[test]
fn hostile_values_do_not_reach_the_prompt() {
    let mut person = Person::at(120, 30);
    let mut record = answered(pending(8, 1, 500, asks("x")), "hi", 100);
    record.exchange.request.model = Some("evil\u{1b}]52;c;aG9z\u{7}".into());
    record.exchange.response.model = Some("evil\u{202e}model".into());
    person.store.put_exchange(record);
    person.keys("\\").types("model:evil").keys("Tab");
    let screen = person.look();
    assert!(!screen.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{screen}");
    person.does(Event::Paste("\u{1b}[31m\u{202e}x".into()));
    let screen = person.look();
    assert!(!screen.contains(['\u{1b}', '\u{202e}']), "{screen}");
}
