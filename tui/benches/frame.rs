//! What a frame costs at 200x50, and that it does not grow with what is
//! remembered: `cargo bench -p llmtop --bench frame`.
//!
//! A frame is: the answer grew by a token, the view was built from the store,
//! and all of it was drawn into a buffer. Writing the difference to a terminal
//! is not part of it. "first" is the first frame after the view was opened,
//! which may have a long request to parse. Times are of the processor, so that a busy
//! machine gives the same; ratios are to a frame of a screen with nothing on it.

#[allow(dead_code, reason = "shared with tests, which use all of it")]
mod fixture;

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

    /// The first frame, the median of many, and the slowest of them.
    fn measure(&mut self) -> Figures {
        let first = self.frame();
        // A long body is laid out over several frames; those come first.
        for _ in 0..30 {
            self.frame();
        }
        let mut times: Vec<Duration> = (0..FRAMES).map(|_| self.frame()).collect();
        times.sort_unstable();
        let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
        Figures { first, median, slowest }
    }
}

#[derive(Clone, Copy)]
struct Figures {
    first: Duration,
    median: Duration,
    slowest: Duration,
}

/// What was measured so far.
struct Table {
    empty: Duration,
    slowest: Duration,
}

impl Table {
    /// Begins with what a screen costs that has nothing to show.
    fn begin() -> Self {
        let empty = Screen::new(Store::default(), 0).measure();
        let mut table = Table { empty: empty.median, slowest: Duration::ZERO };
        println!("{:<44} {:>10} {:>9} {:>9} {:>6}", "", "first", "median", "slowest", "ratio");
        table.row("nothing", empty);
        table
    }

    fn row(&mut self, name: &str, Figures { first, median, slowest }: Figures) {
        let ratio = median.as_secs_f64() / self.empty.as_secs_f64();
        println!("{name:<44} {first:>10.1?} {median:>9.1?} {slowest:>9.1?} {ratio:>6.2}");
        self.slowest = self.slowest.max(median);
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

fn main() {
    let mut table = Table::begin();
    for exchanges in [100, 10_000, 100_000] {
        let mut screen = history(exchanges);
        let mut case = |what: &str, keys: &str| {
            screen.keys(keys);
            table.row(&format!("{exchanges} exchanges: {what}"), screen.measure());
        };
        case("the newest", "");
        case("the oldest", "g");
        case("by first token", "> > >");
        case("filtered", "< < < \\ t e x t : g r o w s Space o r Space t t f t > 1 s Enter G");
        case("by agents", "Esc 1 b");
        case("by containers", "b");
        case("by models", "b");
        case("by providers", "b");
        case("as a tree", "b t");
        case("connections", "t 4");
        case("overview", "5");
        case("overview, stepped back", "Space Left Left");
        case("lists, stepped back", "5 2");
    }
    for (name, bytes) in [("50 kB", 50_000), ("50 MB", 50_000_000)] {
        let mut screen = conversation(bytes);
        let mut case = |what: &str, keys: &str| {
            screen.keys(keys);
            table.row(&format!("{name} {what}"), screen.measure());
        };
        case("conversation, at the end", "Enter");
        case("conversation, near the beginning", "g PgDn PgDn");
        case("request, as JSON", "d ]");
        case("request, as JSON, at the end", "G");
        for (what, before, line) in [("an answer", "", PROSE), ("code", "```rust\n", CODE)] {
            let mut screen = answer(bytes, before, line);
            table.row(&format!("{name} of {what}, growing"), screen.measure());
            screen.keys("3 z g");
            table.row(&format!("{name} of {what}, at its beginning"), screen.measure());
        }
    }
    let slowest = table.slowest;
    println!("slowest median {slowest:.1?}, allowed {MOST:?}");
    assert!(cfg!(debug_assertions) || slowest <= MOST, "a frame costs too much");
}
