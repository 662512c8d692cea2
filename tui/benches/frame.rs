//! What a frame costs at 200x50, and that it does not grow with what is
//! remembered: `cargo bench -p llmtop --bench frame`.
//!
//! A frame is: the answer grew by a token, the view was built from the store,
//! and all of it was drawn into a buffer. Writing the difference to a terminal
//! is not part of it. What does not fit into a frame is done in pieces between them:
//! a piece keeps a key waiting as a frame does, and counts like one.
//!
//! Each view is opened several times. "opening" is the longest that the screen was
//! busy at once from the keys on until all of it was there, of more than a hundred pieces
//! the 99th percentile, in the best of those times: what others do on the machine only ever
//! adds. "until" is how long it was busy in all.
//! Then frames are drawn: the median of all, and the 99th percentile in the best of those
//! times. Times are of the processor, as the kernel tells them, which on a virtual machine
//! counts what its host does meanwhile; ratios are to a frame of a screen with nothing on it.

#![allow(clippy::expect_used, reason = "a bench")]

#[allow(dead_code, reason = "shared with tests, which use all of it")]
mod fixture;
mod support;

use std::time::Duration;

use llmtop::app::{App, Event, Key, UiOptions};
use llmtop::store::{ExchangeId, ProcessKey, Session, Store};
use llmtop::theme::{Depth, Theme};
use llmtop::ui;
use llmtop::view::Show;
use llmtop_parsers::conversation::ConversationId;
use llmtop_parsers::{Delta, DeltaKind, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use support::percentile;

const SIZE: (u16, u16) = (200, 50);

/// How often each view is opened, and how many frames of it are drawn each time.
const TIMES: usize = 5;
const FRAMES: usize = 100;

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

    /// Presses keys, and goes on until all that they ask for is there: how long each
    /// uninterrupted piece of that took.
    fn keys(&mut self, names: &str) -> Vec<Duration> {
        let mut pieces = Vec::new();
        for key in names.split_whitespace().filter_map(Key::parse) {
            let begun = processor_time();
            self.app.update(Event::Key(key), &self.store, self.now);
            let pressed = processor_time() - begun;
            pieces.push(pressed + self.frame());
            pieces.extend(self.pieces());
        }
        pieces
    }

    /// Does what did not fit into the last frame.
    fn pieces(&mut self) -> Vec<Duration> {
        let mut pieces = Vec::new();
        loop {
            while self.app.is_behind() {
                let begun = processor_time();
                self.app.catch_up(&mut self.store);
                pieces.push(processor_time() - begun);
            }
            if !self.app.is_reading() {
                return pieces;
            }
            // By a thread, which takes nobody's time here.
            std::thread::sleep(Duration::from_millis(1));
            pieces.push(self.frame());
        }
    }

    fn frame(&mut self) -> Duration {
        self.now.0 += 33_000_000;
        let delta = Delta::new(self.now, DeltaKind::Text, "another token ".into());
        self.store.add_delta(self.live, &delta);
        let begun = processor_time();
        self.app.update(Event::StoreChanged, &self.store, self.now);
        let theme = *self.app.theme();
        self.buffer.reset();
        let screen = self.app.screen(&mut self.store, &self.session, self.now);
        ui::render(&mut self.buffer, screen, &theme);
        self.app.work();
        processor_time() - begun
    }

    /// Goes through views several times, each from the one before. The last keys lead
    /// back to the beginning.
    fn measure(&mut self, cases: &[(&str, &str)]) -> Vec<Figures> {
        let mut all = vec![Measured::default(); cases.len()];
        for _ in 0..TIMES {
            for ((_, keys), measured) in cases.iter().zip(&mut all) {
                let mut pieces = self.keys(keys);
                pieces.sort_unstable();
                measured.openings.push(percentile(&pieces, 99));
                measured.until.push(pieces.iter().sum());
                let mut frames = Vec::new();
                for _ in 0..FRAMES {
                    frames.push(self.frame());
                    frames.extend(self.pieces());
                }
                frames.sort_unstable();
                measured.highs.push(percentile(&frames, 99));
                measured.frames.extend(frames);
            }
        }
        all.into_iter().map(Measured::figures).collect()
    }
}

/// What a view took, each time.
#[derive(Clone, Default)]
struct Measured {
    openings: Vec<Duration>,
    until: Vec<Duration>,
    highs: Vec<Duration>,
    frames: Vec<Duration>,
}

#[derive(Clone, Copy)]
struct Figures {
    opening: Duration,
    until: Duration,
    median: Duration,
    high: Duration,
    slowest: Duration,
}

impl Measured {
    fn figures(mut self) -> Figures {
        self.frames.sort_unstable();
        let least = |times: &[Duration]| times.iter().min().copied().unwrap_or_default();
        Figures {
            opening: least(&self.openings),
            until: least(&self.until),
            median: percentile(&self.frames, 50),
            high: least(&self.highs),
            slowest: percentile(&self.frames, 100),
        }
    }
}

/// What was measured so far.
struct Table {
    empty: Duration,
    worst: Duration,
}

impl Table {
    /// Begins with what a screen costs that has nothing to show.
    fn begin() -> Self {
        let titles = ["opening", "until", "median", "99 %", "slowest", "ratio"];
        print!("{:<52}", "");
        titles.iter().for_each(|title| print!(" {title:>9}"));
        println!();
        let mut table = Table { empty: Duration::from_micros(1), worst: Duration::ZERO };
        table.rows("", Screen::new(Store::default(), 0), &[("nothing", "")]);
        table
    }

    fn rows(&mut self, name: &str, mut screen: Screen, cases: &[(&str, &str)]) {
        for ((what, _), figures) in cases.iter().zip(screen.measure(cases)) {
            if what.is_empty() {
                continue;
            }
            if name.is_empty() {
                self.empty = figures.median;
            }
            let Figures { opening, until, median, high, slowest } = figures;
            let ratio = median.as_secs_f64() / self.empty.as_secs_f64();
            print!("{:<52}", format!("{name} {what}"));
            [opening, until, median, high, slowest].iter().for_each(|it| print!(" {it:>9.1?}"));
            println!(" {ratio:>9.2}");
            self.worst = self.worst.max(opening).max(high);
        }
    }
}

/// What this thread has used of a processor.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
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

/// A conversation of so many exchanges, each of which sends all that was said before. It
/// goes on: its last answer grows.
fn turns(count: u64) -> Screen {
    let mut store = Store::default();
    fixture::process(&mut store, 1, 4242, "claude");
    let mut messages = Vec::new();
    for id in 1..=count {
        let (asks, says) = (format!("Go on with {id}"), format!("That was {id}. ").repeat(8));
        messages.push(json!({"role": "user", "content": asks}));
        let mut record = fixture::pending(id, 1, 1000, Value::Array(messages.clone()));
        record.conversation = Some(ConversationId(1));
        if id == count {
            fixture::streaming(&mut store, record, "Now it grows.", 900);
        } else {
            store.put_exchange(fixture::answered(record, &says, 500));
        }
        messages.push(json!({"role": "assistant", "content": says}));
    }
    Screen::new(store, count)
}

/// An answer of so many bytes: of this line, over and over.
fn answer(bytes: usize, before: &str, line: &str) -> Screen {
    let mut store = Store::default();
    fixture::process(&mut store, 1, 4242, "claude");
    fixture::streaming(
        &mut store,
        fixture::pending(1, 1, 1000, fixture::asks("?")),
        "It grows.",
        900,
    );
    let text = format!("{before}{}", line.repeat(bytes / line.len()));
    store.add_delta(ExchangeId(1), &Delta::new(fixture::NOW, DeltaKind::Text, text));
    Screen::new(store, 1)
}

const PROSE: &str = "A line of an answer that has been growing for a very long time now.\n";
const CODE: &str = "    let word = text.get(at..end).map_or(\"none\", |word| &word[..12]); // 12\n";

/// Views of lists; those without a name only lead to others.
const LISTS: &[(&str, &str)] = &[
    ("the newest", ""),
    ("searched through for what is not there", "/ z q z q Enter"),
    ("the oldest", "Esc g"),
    ("by first token", "> > >"),
    ("by how long they took, the other way round", "> S"),
    ("filtered by a text", "< < < < \\ t e x t : g r o w s Space o r Space t t f t > 1 s Enter G"),
    ("a filter typed that nearly all pass", "Esc \\ p r o c : e"),
    ("filtered so", "Enter"),
    ("filtered so, by first token", "> > >"),
    ("filtered so, the overview", "< < < 5"),
    ("a process chosen, too", "5 1 g 2"),
    ("a process chosen, too, by first token", "> > >"),
    ("a process chosen, too, the overview", "5"),
    ("a process chosen, too, stepped back", "5 < < < Space Left Left"),
    ("a process chosen, too, going on", "Space"),
    ("a process chosen", "Esc 1 g \\ C-u Enter"),
    ("a process chosen, the overview", "5"),
    ("", "5 Esc"),
    ("by agents", "1 b b"),
    ("by containers", "b"),
    ("by models", "b"),
    ("a model chosen", "g"),
    ("by providers", "Esc b"),
    ("as a tree", "b t"),
    ("connections", "t 4"),
    ("overview", "5"),
    ("overview, stepped back", "Space Left Left"),
    ("lists, stepped back", "5 2"),
    ("by cost, stepped back", "<"),
    ("", "> Space Esc Esc Esc 2 G"),
];

const CONVERSATION: &[(&str, &str)] = &[
    ("conversation, at the end", "Enter"),
    ("conversation, near the beginning", "g PgDn PgDn"),
    ("conversation, folded", "Z"),
    ("conversation, unfolded", "Z"),
    ("request as sent", "w"),
    ("request as JSON", "Esc d ]"),
    ("request as JSON, at the end", "G"),
    ("", "Esc Esc"),
];

fn main() {
    let mut table = Table::begin();
    for exchanges in [100, 100_000] {
        table.rows(&format!("{exchanges} exchanges:"), history(exchanges), LISTS);
    }
    for (name, bytes) in [("50 kB", 50_000), ("50 MB", 50_000_000)] {
        table.rows(name, conversation(bytes), CONVERSATION);
        let exchanges = if bytes > 1_000_000 { 600 } else { 20 };
        table.rows(&format!("{exchanges} turns:"), turns(exchanges), CONVERSATION);
        for (what, before, line) in [("an answer", "", PROSE), ("code", "```rust\n", CODE)] {
            let growing = format!("{what}, growing");
            let cases = [(growing.as_str(), "3 G"), ("its beginning", "z g"), ("", "z")];
            table.rows(name, answer(bytes, before, line), &cases);
        }
    }
    let worst = table.worst;
    println!("the worst {worst:.1?}, allowed {MOST:?}");
    assert!(cfg!(debug_assertions) || worst <= MOST, "a frame costs too much");
}
