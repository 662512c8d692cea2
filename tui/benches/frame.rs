//! What a frame costs at 200x50, and that it does not grow with what is
//! remembered: `cargo bench -p llmtop --bench frame`.
//!
//! A frame is: the answer grew by a token, the view was built from the store,
//! and all of it was drawn into a buffer. Writing the difference to a terminal
//! is not part of it. "first" is the first frame after the view was opened,
//! which may have a long request to parse.

#[allow(dead_code, reason = "shared with tests, which use all of it")]
mod fixture;

use std::time::{Duration, Instant};

use llmtop::app::{App, Event, Key, UiOptions};
use llmtop::store::{ExchangeId, ProcessKey, Session, Store};
use llmtop::theme::{Depth, Theme};
use llmtop::ui;
use llmtop::view::Show;
use llmtop_parsers::conversation::ConversationId;
use llmtop_parsers::{Delta, DeltaKind, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Value, json};

const SIZE: (u16, u16) = (200, 50);
const FRAMES: u32 = 300;

/// What a frame may cost.
const MOST: Duration = Duration::from_millis(2);

struct Screen {
    app: App,
    store: Store,
    session: Session,
    buffer: Buffer,
    now: Timestamp,
    /// The answer that grows.
    live: ExchangeId,
}

impl Screen {
    fn new(store: Store, live: u64) -> Self {
        let options = UiOptions {
            theme: Theme::dark(Depth::True),
            show: Show::Smart,
            utc_offset: 0,
            ..UiOptions::default()
        };
        let buffer = Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1));
        let app = App::new(options, SIZE, fixture::NOW);
        let (session, now) = (Session::default(), fixture::NOW);
        let mut screen = Screen { app, store, session, buffer, now, live: ExchangeId(live) };
        screen.frame();
        screen
    }

    fn keys(&mut self, names: &str) {
        for key in names.split_whitespace().filter_map(Key::parse) {
            self.app.update(Event::Key(key), &self.store, self.now);
        }
    }

    fn frame(&mut self) -> Duration {
        self.now.0 += 33_000_000;
        let delta = Delta { at: self.now, kind: DeltaKind::Text, text: "another token ".into() };
        self.store.add_delta(self.live, &delta);
        let begun = Instant::now();
        self.app.update(Event::StoreChanged, &self.store, self.now);
        let theme = *self.app.theme();
        self.buffer.reset();
        let screen = self.app.screen(&mut self.store, &self.session, self.now);
        ui::render(&mut self.buffer, screen, &theme);
        self.app.work();
        begun.elapsed()
    }

    /// The first frame, the median of many, and the slowest of them.
    fn measure(&mut self, name: &str) -> Duration {
        let first = self.frame();
        // A long body is laid out over several frames; those come first.
        for _ in 0..30 {
            self.frame();
        }
        let mut times: Vec<Duration> = (0..FRAMES).map(|_| self.frame()).collect();
        times.sort_unstable();
        let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
        println!("{name:<44} first {first:>10.1?}  median {median:>8.1?}  slowest {slowest:>8.1?}");
        median
    }
}

fn history(exchanges: u64) -> Screen {
    let mut store = fixture::machine();
    store.keep_moments();
    for id in 8..8 + exchanges {
        let record = fixture::pending(id, 1 + id % 3, 1000, fixture::asks("Once more, please"));
        store.put_exchange(fixture::answered(record, "Of course. Once more.", 500));
    }
    let live = 8 + exchanges;
    let record = fixture::pending(live, 1, 1000, fixture::asks("And now?"));
    fixture::streaming(&mut store, record, "Now it grows.", 900);
    Screen::new(store, live)
}

/// A conversation whose request is of so many bytes.
fn conversation(bytes: usize) -> Screen {
    let mut store = Store::default();
    fixture::process(&mut store, 1, 4242, "claude");
    let text = "Words of a long conversation, which goes on and on.\n".repeat(200);
    let turns = (bytes / text.len() / 2).max(1);
    let messages: Vec<Value> = (0..turns)
        .flat_map(|_| {
            [
                json!({"role": "user", "content": text}),
                json!({"role": "assistant", "content": text}),
            ]
        })
        .chain([json!({"role": "user", "content": "And now?"})])
        .collect();
    let mut record = fixture::pending(1, 1, 1000, Value::Array(messages));
    record.process = ProcessKey(1);
    record.conversation = Some(ConversationId(1));
    fixture::streaming(&mut store, record, "Now it grows.", 900);
    Screen::new(store, 1)
}

/// An answer of so many bytes.
fn answer(bytes: usize) -> Screen {
    let mut store = Store::default();
    fixture::process(&mut store, 1, 4242, "claude");
    fixture::streaming(
        &mut store,
        fixture::pending(1, 1, 1000, fixture::asks("?")),
        "It grows.",
        900,
    );
    let line = "A line of an answer that has been growing for a very long time now.\n";
    let delta =
        Delta { at: fixture::NOW, kind: DeltaKind::Text, text: line.repeat(bytes / line.len()) };
    store.add_delta(ExchangeId(1), &delta);
    Screen::new(store, 1)
}

fn main() {
    let mut medians = Vec::new();
    for exchanges in [100, 10_000, 100_000] {
        let mut screen = history(exchanges);
        medians.push(screen.measure(&format!("main, {exchanges} exchanges")));
        screen.keys("g");
        medians.push(screen.measure(&format!("main, {exchanges} exchanges, at the oldest")));
        screen.keys("\\ t e x t : g r o w s Space o r Space t t f t > 1 s Enter G");
        medians.push(screen.measure(&format!("main, {exchanges} exchanges, filtered")));
        screen.keys("Esc 1 b");
        for group in ["agents", "containers", "models", "providers"] {
            medians.push(screen.measure(&format!("main, {exchanges} exchanges, by {group}")));
            screen.keys("b");
        }
        screen.keys("t");
        medians.push(screen.measure(&format!("main, {exchanges} exchanges, as a tree")));
        screen.keys("t 4");
        medians.push(screen.measure(&format!("connections, {exchanges} exchanges")));
        screen.keys("5");
        medians.push(screen.measure(&format!("overview, {exchanges} exchanges")));
        screen.keys("Space Left Left");
        medians.push(screen.measure(&format!("overview, {exchanges} exchanges, stepped back")));
        screen.keys("5 2");
        medians.push(screen.measure(&format!("main, {exchanges} exchanges, stepped back")));
    }
    for (name, bytes) in [("50 kB", 50_000), ("50 MB", 50_000_000)] {
        let mut screen = conversation(bytes);
        screen.keys("Enter");
        medians.push(screen.measure(&format!("conversation, {name}, at the end")));
        screen.keys("g PgDn PgDn");
        medians.push(screen.measure(&format!("conversation, {name}, near the beginning")));
        screen.keys("d ]");
        medians.push(screen.measure(&format!("request JSON, {name}")));
        screen.keys("G");
        medians.push(screen.measure(&format!("request JSON, {name}, at the end")));
        let mut screen = answer(bytes);
        medians.push(screen.measure(&format!("one answer of {name}, growing")));
        screen.keys("3 z g");
        medians.push(screen.measure(&format!("one answer of {name}, at its beginning")));
    }
    let slowest = medians.into_iter().max().unwrap_or_default();
    println!("slowest median {slowest:.1?}, allowed {MOST:?}");
    assert!(cfg!(debug_assertions) || slowest <= MOST, "a frame costs too much");
}
