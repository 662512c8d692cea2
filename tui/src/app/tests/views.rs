//! Every view, at sizes from small to a wall.

use llmtop_probe::ConnId;

use super::Person;
use crate::fixture::{asks, pending, process};
use crate::store::{Session, Status, Store};

const SIZES: [(u16, u16); 3] = [(40, 12), (80, 24), (200, 50)];

/// The view that keys lead to, at three sizes.
fn views(name: &str, keys: &str) {
    for (width, height) in SIZES {
        let mut person = Person::at(width, height);
        person.keys(keys);
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), person.look());
    }
}

#[test]
fn main_screen() {
    views("main", "");
}

#[test]
fn processes_pane() {
    views("processes", "1");
}

#[test]
fn answer_pane() {
    views("answer", "3");
}

#[test]
fn connections_pane() {
    views("connections", "4");
}

#[test]
fn hostile_answer() {
    views("hostile", "k k 3 z");
}

#[test]
fn conversation() {
    views("conversation", "1 Enter g");
}

#[test]
fn conversation_live() {
    views("conversation_live", "Enter");
}

#[test]
fn detail_answer() {
    views("detail_answer", "g d");
}

#[test]
fn detail_request() {
    views("detail_request", "d ]");
}

#[test]
fn detail_events() {
    views("detail_events", "g d ] ] ]");
}

#[test]
fn detail_events_live() {
    views("detail_events_live", "d ] ] ] G");
}

#[test]
fn detail_headers() {
    views("detail_headers", "g d [ [ [");
}

#[test]
fn detail_timing() {
    views("detail_timing", "g d [ [");
}

#[test]
fn detail_usage() {
    views("detail_usage", "g d [");
}

#[test]
fn comparison() {
    views("comparison", "g x j x");
}

#[test]
fn help() {
    views("help", "?");
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

#[test]
fn states_without_exchanges() {
    for (name, status) in [
        ("listening", Status::Running),
        ("starting", Status::Starting("attaching probes".into())),
        ("failed", Status::Failed("the ring buffer is gone".into())),
        ("ended", Status::Ended),
    ] {
        for (width, height) in [(80, 24), (40, 12)] {
            let mut person = Person::with(Store::default(), width, height);
            let status = status.clone();
            person.session = Session { status, probes: 34, ..Session::default() };
            let size = if width == 80 { "" } else { "_40x12" };
            insta::assert_snapshot!(format!("empty_{name}{size}"), person.look());
        }
    }
}

#[test]
fn what_else_leaves_the_list_empty() {
    let look = |session: Session, store: Store, keys: &str| {
        let mut person = Person::with(store, 80, 24);
        person.session = session;
        person.keys(keys).look()
    };
    // No covered program runs; and only one is watched.
    let session = Session { filters: vec!["pid 4242".into()], ..Session::default() };
    insta::assert_snapshot!("empty_nothing_covered", look(session, Store::default(), ""));
    let ended = || Session { recorded: true, status: Status::Ended, ..Session::default() };
    insta::assert_snapshot!("empty_recording", look(ended(), Store::default(), ""));
    let mut store = Store::default();
    process(&mut store, 1, 10, "curl");
    let mut record = pending(1, 1, 100, asks(""));
    record.exchange.dialect = None;
    store.put_exchange(record);
    let screen = look(Session { probes: 34, ..Session::default() }, store, "a");
    assert!(screen.contains("no exchange with an LLM, 1 of another kind"), "{screen}");
    assert!(screen.contains("a lists those, too"), "{screen}");
}

#[test]
fn what_is_lost_says_what_to_do() {
    for (name, recorded) in [("live", false), ("recording", true)] {
        let mut person = Person::at(120, 30);
        person.session.recorded = recorded;
        person.store.add_bytes(ConnId(1), 0, 4096);
        insta::assert_snapshot!(format!("lost_{name}"), person.look());
    }
}
