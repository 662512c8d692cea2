//! Stepping back from a pause.

use llmtop_parsers::{Delta, DeltaKind, Timestamp};

use super::{Person, at_every_size};
use crate::app::Event;
use crate::fixture::{NOW, answered, asks, machine, pending, process};
use crate::store::{ExchangeId, Scope, Store};

/// Seconds from now.
fn later(seconds: u64) -> Timestamp {
    Timestamp(NOW.0 + seconds * 1_000_000_000)
}

/// A machine on which one answer grows by a word a second for a minute; half a
/// minute from now another begins and ends.
fn minute() -> Store {
    let mut store = machine();
    store.keep_moments();
    for second in 0..60 {
        let text = format!(" word{second}");
        let delta = Delta::new(later(second), DeltaKind::Text, text);
        store.add_delta(ExchangeId(7), &delta);
        if second == 30 {
            let mut record = answered(pending(8, 3, 0, asks("a later question")), "x", 900);
            record.exchange.timing.started = later(30);
            record.exchange.timing.ended = Some(later(31));
            store.put_exchange(record);
        }
    }
    // It ends while the screen is not yet paused.
    let mut record = store.exchange(ExchangeId(7)).unwrap().clone();
    record.exchange.state = llmtop_parsers::State::Complete;
    record.exchange.timing.ended = Some(later(60));
    record.exchange.usage.output_tokens = Some(500);
    store.put_exchange(record);
    store
}

fn paused(width: u16, height: u16) -> Person {
    let mut person = Person::with(minute(), width, height);
    person.now = later(61);
    person.does(Event::StoreChanged).keys("Space");
    person
}

#[test]
fn every_page_shows_the_moment() {
    let mut person = paused(120, 40);
    assert!(person.look().contains("PAUSED"));
    assert!(person.look().contains("0 active") && person.look().contains("a later question"));
    // Back to about 25 seconds from the beginning.
    person.keys("Left Left Left Left Left Left , , , ,");
    let screen = person.look();
    assert!(screen.contains("PAUSED 14:03:4"), "{screen}");
    assert!(screen.contains("1 active") && !screen.contains("a later question"), "{screen}");
    assert!(screen.contains("word24") && !screen.contains("word30"), "{screen}");
    let selected = person.app.main.exchanges.selected;
    assert_eq!(selected, Some(ExchangeId(7)));
    // In groups, it is told how fast it grew.
    let groups = person.keys("1 z b b b b").look();
    assert!(groups.contains(" 3.1 "), "{groups}");
    let conversation = person.keys("z b b Enter").look();
    assert!(conversation.contains("word24") && !conversation.contains("word30"), "{conversation}");
    person.keys("Right Right Right Right Right Right Right Right Right Right");
    assert!(person.look().contains("this is where you paused"));
    assert!(person.look().contains("word59"), "{}", person.look());
    assert!(!person.keys("Space").look().contains("PAUSED"));
}

#[test]
fn what_comes_after_the_pause_is_not_in_the_past() {
    let mut person = paused(120, 40);
    let before = person.look();
    let newest = person.app.past.len();
    for id in 20..40 {
        person.store.put_exchange(pending(id, 1, 0, asks("after the pause")));
    }
    person.waits(60_000);
    assert_eq!(person.look(), before);
    person.keys("Left");
    assert_ne!(person.look(), before);
    assert_eq!(person.app.past.len(), newest);
    person.waits(7000).keys("Right").waits(7000);
    assert_eq!(person.look(), before);
}

#[test]
fn every_size_shows_the_moment() {
    for (name, keys) in [("main_earlier", ""), ("overview_earlier", "5")] {
        at_every_size(name, "", |width, height| {
            let mut person = paused(width, height);
            person.keys(keys).keys("Left Left Left Left Left Left").waits(7000);
            person
        });
    }
}

#[test]
fn an_exchange_that_had_not_begun_is_said_to() {
    let mut person = paused(120, 40);
    person.keys("G d");
    assert_eq!(person.app.subject(), Some(ExchangeId(8)));
    for _ in 0..9 {
        person.keys("Left");
    }
    assert!(person.look().contains("had not begun at this moment"), "{}", person.look());
}

#[test]
fn the_filter_judges_what_is_shown() {
    let mut person = paused(120, 40);
    person.types("\\text:word50").keys("Enter");
    assert_eq!(person.store.count(Scope::Matching), 1);
    for _ in 0..9 {
        person.keys("Left");
    }
    assert_eq!(person.store.count(Scope::Matching), 0, "{}", person.look());
    for _ in 0..9 {
        person.keys("Right");
    }
    assert_eq!(person.store.count(Scope::Matching), 1);
}

#[test]
fn nothing_earlier_is_said_to_be_missing() {
    let mut person = Person::at(120, 30);
    assert!(person.keys("Space Left").look().contains("nothing earlier is kept"));
}

#[test]
fn moments_stay_within_their_part_of_the_budget() {
    const BUDGET: u64 = 1 << 20;
    let mut store = Store::with_budget(BUDGET);
    store.keep_moments();
    for key in 1..200 {
        process(&mut store, key, 100 + key as u32, "x");
    }
    for second in 0..3000 {
        let mut record = pending(second, 1 + second % 199, 0, asks("hi"));
        record.exchange.timing.started = later(second);
        record = answered(record, "hello", 900);
        store.put_exchange(record);
        store.settle(ExchangeId(second));
    }
    let count = store.moments().count();
    assert!((10..=250).contains(&count), "{count}");
    let times: Vec<_> = store.moments().map(|moment| moment.at).collect();
    assert!(times.windows(2).all(|pair| pair[1].millis_since(pair[0]) >= 1000.0));
    assert!(times.last().unwrap() > &later(2990));
    // With more room, they are a second apart for two minutes, and five before.
    let mut store = Store::default();
    store.keep_moments();
    process(&mut store, 1, 1, "x");
    for second in 0..900 {
        let mut record = pending(second, 1, 0, asks("hi"));
        record.exchange.timing.started = later(second);
        store.put_exchange(answered(record, "hello", 900));
    }
    let times: Vec<_> = store.moments().map(|moment| moment.at).collect();
    let (old, latest) = times.split_at(times.len() - 120);
    let apart = |times: &[Timestamp], from: f64, to: f64| {
        times.windows(2).all(|pair| (from..to).contains(&pair[1].millis_since(pair[0])))
    };
    assert!(old.len() > 90 && apart(old, 4900.0, 6100.0), "{old:?}");
    assert!(apart(latest, 900.0, 1100.0), "{latest:?}");
    // A budget in which none has room keeps none, and goes on.
    let mut store = Store::with_budget(1000);
    store.keep_moments();
    process(&mut store, 1, 1, "x");
    for second in 0..100 {
        let mut record = pending(second, 1, 0, asks("hi"));
        record.exchange.timing.started = later(second);
        store.put_exchange(record);
    }
    assert_eq!(store.moments().count(), 0);
}

#[test]
fn another_order_lists_what_the_moment_has() {
    let mut person = paused(120, 40);
    person.keys("2 < < <");
    assert!(person.look().contains("a later question"));
    // Of the title: `2 Exchanges 1/8`.
    let rows = |screen: &str| -> usize {
        let title = screen.split_once("Exchanges").unwrap().1;
        let count = title.split_once('/').unwrap().1;
        count[..count.find(|digit: char| !digit.is_ascii_digit()).unwrap()].parse().unwrap()
    };
    let then = rows(&person.look());
    person.keys("Left Left Left Left Left Left Left , , , , , , , , , ,");
    let past = person.look();
    assert!(!past.contains("a later question") && rows(&past) == then - 1, "{past}");
    // What is put in order meanwhile is put in order as of then.
    person.store.put_exchange(pending(20, 1, 0, asks("after the pause")));
    person.does(Event::StoreChanged).look();
    let now = person.keys("Space").look();
    assert!(now.contains("a later question") && now.contains("after the pause"), "{now}");
    assert_eq!(rows(&now), then + 1, "{now}");
}
