//! Shows the screen with made-up traffic, without root: for working on it.
//!
//! `cargo run --example screen` grows an answer for as long as it is watched;
//! `cargo run --example screen -- 100000` adds a history of so many exchanges.

#[path = "../benches/fixture/mod.rs"]
mod fixture;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use llmtop::app::{Hooks, Shared, UiOptions, run};
use llmtop::store::{ExchangeId, Session};
use llmtop_parsers::{Delta, DeltaKind, Timestamp};

const WORDS: &str = "Every token that a model streams arrives as a small event; the screen shows \
    it within a frame. 流れる言葉 flow by, and 🚀 so do emoji.\n";

fn main() -> anyhow::Result<()> {
    let mut store = fixture::machine();
    store.keep_moments();
    let history = std::env::args().nth(1).and_then(|arg| arg.parse().ok()).unwrap_or(0);
    for id in 8..8 + history {
        let record = fixture::pending(id, 1 + id % 3, 1000, fixture::asks("Once more, please"));
        store.put_exchange(fixture::answered(record, "Of course. Once more.", 500));
    }
    let now = || {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(since.as_nanos() as u64)
    };
    let live = 8 + history;
    let mut record = fixture::pending(live, 1, 0, fixture::asks("Tell me how streaming works"));
    record.exchange.timing.started = now();
    store.put_exchange(record);
    let session = Session { source: "example".into(), probes: 34, ..Session::default() };
    let shared = Arc::new(Shared::new(store, session)?);

    let writer = Arc::clone(&shared);
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(400));
        for word in WORDS.split_inclusive(' ').cycle() {
            let delta = Delta::new(now(), DeltaKind::Text, word.to_owned());
            writer.store().add_delta(ExchangeId(live), &delta);
            writer.changed();
            thread::sleep(Duration::from_millis(30));
        }
    });
    let export = Box::new(|_, _| Err("the example writes no files".to_owned()));
    let play = Box::new(|_: &_| Err("the example plays nothing".to_owned()));
    let record = Box::new(|_: Option<&_>| Err("the example records nothing".to_owned()));
    let remember = Box::new(|_: &_| {});
    run(shared, UiOptions::default(), Hooks { export, play, record, remember })?;
    Ok(())
}
