//! Every view, at sizes from small to a wall.

use llmtop_probe::ConnId;

use super::conversation::agents;
use super::overview::busy;
use super::processes::{ended, family};
use super::{Person, at_every_size};
use crate::fixture::{asks, machine, pending, process};
use crate::store::{Session, Status, Store};

/// How it is called, what has happened, and which keys lead there.
type View = (&'static str, fn() -> Store, &'static str);

const VIEWS: &[View] = &[
    ("main", machine, ""),
    ("zoomed", machine, "z"),
    ("processes", machine, "1"),
    ("by_cost", family, "1 z > > > > >"),
    ("tree", family, "1 z t"),
    ("ended", ended, "1 z"),
    ("by_command", family, "1 z b"),
    ("by_agent", family, "1 z b b"),
    ("by_container", family, "1 z b b b"),
    ("by_model", family, "1 z b b b b"),
    ("by_provider", family, "1 z b b b b b"),
    ("by_ttft", machine, "2 > > >"),
    ("answer", machine, "3"),
    ("hostile", machine, "k k 3 z"),
    ("connections", machine, "4"),
    ("columns", machine, "C j Enter j >"),
    ("columns_of_processes", machine, "1 C"),
    ("conversation", machine, "1 Enter g"),
    ("conversation_live", machine, "Enter"),
    ("agents", agents, "Enter"),
    ("agents_unfolded", agents, "Enter O g"),
    ("as_sent", machine, "Enter w"),
    ("detail_answer", machine, "g d"),
    ("detail_request", machine, "d ]"),
    ("detail_response", machine, "g d ] ]"),
    ("detail_events", machine, "g d ] ] ]"),
    ("detail_events_live", machine, "d ] ] ] G"),
    ("detail_headers", machine, "g d [ [ ["),
    ("detail_timing", machine, "g d [ ["),
    ("detail_usage", machine, "g d ["),
    ("comparison", machine, "g x j x"),
    ("overview", busy, "5"),
    ("help", machine, "?"),
    ("palette", machine, "1 : 'sort"),
    ("palette_of_json", machine, "g d ] :"),
    ("theme", machine, "T"),
    ("search", machine, "/ 'lifetime"),
    ("found", machine, "/ 'lifetime Enter"),
    ("path", machine, "d ] . 'messages[4]"),
    ("filter_keys", machine, "\\ 'to"),
    ("filter_values", machine, "\\ 'proc:claude Space 'model:"),
    ("filter_wrong", machine, "\\ 'proc:claude Space 'modle:x Space 'ttft>1s"),
    ("filter_kept", machine, "\\ 'proc:claude Space 'text:lifetime Enter"),
    ("filter_nothing", machine, "\\ 'proc:nobody Enter"),
    ("export", machine, "e"),
    ("signal", machine, "1 g F9"),
    ("signal_confirmed", machine, "1 g F9 t"),
    ("paused", machine, "Space"),
    ("nothing_in_the_overview", Store::default, "5"),
];

#[test]
fn views() {
    for &(name, store, keys) in VIEWS {
        at_every_size(name, keys, |width, height| Person::with(store(), width, height));
    }
}

#[test]
fn states() {
    let live = || Session { source: "live".into(), probes: 34, ..Session::default() };
    let recorded = || Session { recorded: true, source: "demo".into(), ..Session::default() };
    let is = |status| Session { status, ..live() };
    let starting = "starting: looking through the programs of 312 processes";
    let other: fn() -> Store = || {
        let mut store = Store::default();
        process(&mut store, 1, 10, "curl");
        let mut record = pending(1, 1, 100, asks(""));
        record.exchange.dialect = None;
        store.put_exchange(record);
        store
    };
    let lost: fn() -> Store = || {
        let mut store = machine();
        store.add_bytes(ConnId(1), 0, 4096);
        store
    };
    let nothing: fn() -> Store = Store::default;
    let only = vec!["pid 4242".into()];
    let problems = vec!["HTTP without TLS is not seen: the kernel has no BTF".into()];
    let states = [
        ("listening", nothing, "", live()),
        ("starting", nothing, "", Session { probes: 0, ..is(Status::Starting(starting.into())) }),
        ("failed", nothing, "", is(Status::Failed("the ring buffer is gone".into()))),
        ("ended", nothing, "", is(Status::Ended)),
        ("recording_plays", nothing, "", recorded()),
        ("recording_empty", nothing, "", Session { status: Status::Ended, ..recorded() }),
        // No covered program runs; and only one is watched.
        ("nothing_covered", nothing, "", Session { filters: only, probes: 0, ..live() }),
        ("problems", nothing, "", Session { problems, ..live() }),
        ("others_unlisted", other, "a", live()),
        ("lost", lost, "", live()),
        ("lost_in_recording", lost, "", recorded()),
    ];
    for (name, store, keys, session) in states {
        at_every_size(&format!("state_{name}"), keys, |width, height| {
            let mut person = Person::with(store(), width, height);
            person.session = session.clone();
            person
        });
    }
}

#[test]
fn a_wall() {
    let mut person = Person::at(300, 100);
    for keys in ["", "Enter", "d", "]", "?"] {
        let screen = person.keys(keys).look();
        assert_eq!(screen.lines().count(), 100);
        assert!(screen.contains("llmtop"));
    }
}
