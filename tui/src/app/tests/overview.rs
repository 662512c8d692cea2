//! The overview, and the time it goes by.

use llmtop_parsers::{RateLimit, Timestamp};

use super::Person;
use crate::app::Event;
use crate::fixture::{NOW, answered, asks, machine, pending, process};
use crate::store::{ProcessKey, Session, Status, Store};
use crate::view::Pane;

/// A machine that has been busy for a quarter of an hour.
pub(super) fn busy() -> Store {
    let mut store = machine();
    for id in 0..90 {
        let before = 10_000 + id * id * 100;
        let mut record = pending(100 + id, 1 + id % 3, before, asks("Once more"));
        record = answered(record, &"words ".repeat(id as usize + 10), 800 + id * 37 % 5000);
        if id % 30 == 7 {
            record.exchange.response.status = Some(529);
            record.exchange.cost.usd = None;
        }
        let left = RateLimit { limit: Some(100), remaining: Some(37), ..RateLimit::default() };
        record.exchange.response.limits = vec![left];
        store.put_exchange(record);
    }
    store
}

#[test]
fn all_of_it_can_be_read_on_a_small_screen() {
    let mut person = Person::with(busy(), 40, 12);
    person.keys("5");
    let mut seen = person.look();
    for _ in 0..30 {
        seen.push_str(&person.keys("Down").look());
    }
    for part in ["tokens a second", "running", "failed", "spent", "latency", "top spenders"] {
        assert!(seen.contains(part), "{part}");
    }
    assert!(seen.contains("quotas left") && seen.contains("latest failures"));
}

#[test]
fn it_is_opened_and_left_by_its_key() {
    let mut person = Person::at(80, 24);
    assert!(person.keys("5").look().contains("Overview"));
    assert!(!person.keys("5").look().contains("Overview"));
    // Beside a conversation, it is there once.
    person.keys("Enter 5 ? Esc 5");
    assert!(person.look().contains("conversation"));
    person.keys("5 1");
    assert!(person.app.pages.is_empty());
    assert_eq!(person.app.main.focus, Pane::Processes);
}

#[test]
fn without_exchanges_it_says_why() {
    let mut person = Person::with(Store::default(), 80, 24);
    assert!(person.keys("5").look().contains("no exchange yet"));
}

#[test]
fn figures_follow_within_a_second() {
    let mut person = Person::at(80, 24);
    person.keys("5");
    let answers = "latency of the latest 4";
    assert!(person.look().contains(answers), "{}", person.look());
    person.store.put_exchange(answered(pending(50, 3, 900, asks("more")), "x", 100));
    person.does(Event::StoreChanged);
    let due = person.app.next_tick().unwrap();
    assert!(due <= Timestamp(NOW.0 + 1_000_000_000));
    assert!(person.look().contains(answers));
    assert!(person.waits(1000).look().contains("latency of the latest 5"));
}

#[test]
fn a_screen_on_which_nothing_moves_sleeps() {
    let mut store = Store::default();
    process(&mut store, 1, 10, "x");
    store.put_exchange(answered(pending(1, 1, 9000, asks("hi")), "hello", 10));
    let mut person = Person::with(store, 80, 24);
    person.keys("5");
    assert!(person.app.next_tick().is_some());
    person.waits(1_000_000);
    assert_eq!(person.app.next_tick(), None);
}

#[test]
fn an_old_recording_shows_its_own_time() {
    let mut person = Person::with(busy(), 200, 50);
    person.session = Session { recorded: true, status: Status::Ended, ..Session::default() };
    // It is played years later.
    person.now = Timestamp(NOW.0 * 2);
    let screen = person.keys("5").look();
    assert!(screen.contains("14:03:1"), "{screen}");
    assert!(!screen.contains("peak 0") && !screen.contains(" $0 "), "{screen}");
    // What processes did lately is that of the recording, too.
    person.keys("5 1 z");
    let sums = &person.store.process(ProcessKey(1)).unwrap().sums;
    assert!(sums.pulse.usd_per_hour(NOW) > 0.005);
    assert!(person.look().contains('▇') || person.look().contains('█'), "{}", person.look());
    // It ended: time alone changes nothing.
    assert_eq!(person.app.next_tick(), None);
}
