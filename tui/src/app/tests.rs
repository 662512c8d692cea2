//! The screen driven by real events, drawn into a buffer, and compared.

use llmtop_parsers::{Delta, DeltaKind, State, Timestamp};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::json;

use super::{App, Code, Effect, Event, Exit, Key, Mouse, MouseKind, Signal, UiOptions};
use crate::action::ACTIONS;
use crate::store::{ExchangeId, Session, Status, Store};
use crate::theme::{Depth, Theme};
use crate::ui;
use crate::view::Show;
use fixture::{NOW, answered, asks, machine, pending, streaming};

#[path = "../../benches/fixture/mod.rs"]
mod fixture;

/// A person before a screen.
struct Person {
    app: App,
    store: Store,
    session: Session,
    now: Timestamp,
    size: (u16, u16),
    effects: Vec<Effect>,
}

impl Person {
    fn at(width: u16, height: u16) -> Self {
        Person::with(machine(), width, height)
    }

    fn with(store: Store, width: u16, height: u16) -> Self {
        let options = UiOptions {
            theme: Theme::dark(Depth::None),
            show: Show::Smart,
            show_secrets: false,
            mouse: true,
            utc_offset: 0,
        };
        let session = Session { source: "live".into(), probes: 34, ..Session::default() };
        let app = App::new(options, (width, height), NOW);
        let size = (width, height);
        let mut person = Person { app, store, session, now: NOW, size, effects: Vec::new() };
        person.look();
        person
    }

    fn does(&mut self, event: Event) -> &mut Self {
        self.effects.extend(self.app.update(event, &self.store, self.now));
        self.look();
        self
    }

    fn keys(&mut self, names: &str) -> &mut Self {
        for name in names.split_whitespace() {
            let key = Key::parse(name).unwrap_or_else(|| panic!("{name} is a key"));
            self.does(Event::Key(key));
        }
        self
    }

    fn types(&mut self, text: &str) -> &mut Self {
        for character in text.chars() {
            self.does(Event::Key(Key::plain(Code::Char(character))));
        }
        self
    }

    fn waits(&mut self, ms: u64) -> &mut Self {
        self.now = Timestamp(self.now.0 + ms * 1_000_000);
        self.does(Event::Tick)
    }

    fn buffer(&mut self) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, self.size.0, self.size.1));
        let theme = *self.app.theme();
        self.app.screen(&self.store, &self.session, self.now);
        while self.app.work() {
            self.app.screen(&self.store, &self.session, self.now);
        }
        let screen = self.app.screen(&self.store, &self.session, self.now);
        ui::render(&mut buffer, screen, &theme);
        buffer
    }

    /// What is on the screen, a line a row.
    fn look(&mut self) -> String {
        let buffer = self.buffer();
        let mut out = String::new();
        for y in 0..self.size.1 {
            let mut skip = 0;
            let mut row = String::new();
            for x in 0..self.size.0 {
                let symbol = buffer[(x, y)].symbol();
                if skip == 0 {
                    row.push_str(symbol);
                    skip = unicode_width::UnicodeWidthStr::width(symbol).max(1);
                }
                skip -= 1;
            }
            out.push_str(row.trim_end());
            out.push('\n');
        }
        out
    }
}

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
        let mut person = Person::with(Store::default(), 80, 24);
        person.session = Session { status, ..Session::default() };
        insta::assert_snapshot!(format!("empty_{name}"), person.look());
    }
}

#[test]
fn a_newcomer_drills_down_and_comes_back() {
    let mut person = Person::at(100, 30);
    let main = person.look();
    assert!(person.keys("1 Enter").look().contains("claude · conversation"));
    assert!(person.keys("d").look().contains("Timing"));
    assert!(person.keys("Esc").look().contains("claude · conversation"));
    person.keys("Esc Esc");
    assert_eq!(person.look(), main);
    person.keys("q");
    assert_eq!(person.effects, [Effect::Exit(Exit::Quit)]);
}

#[test]
fn an_answer_grows_before_ones_eyes() {
    let mut person = Person::at(100, 30);
    assert!(!person.look().contains("moreover"));
    let delta = Delta { at: person.now, kind: DeltaKind::Text, text: " moreover".into() };
    person.store.add_delta(ExchangeId(7), &delta);
    person.does(Event::StoreChanged);
    assert!(person.look().contains("moreover"), "{}", person.look());
}

#[test]
fn pause_freezes_the_screen_and_only_the_screen() {
    let mut person = Person::at(100, 30);
    person.keys("Space");
    let frozen = person.look();
    assert!(frozen.contains("PAUSED"));
    let delta = Delta { at: person.now, kind: DeltaKind::Text, text: " moreover".into() };
    person.store.add_delta(ExchangeId(7), &delta);
    person.store.put_exchange(pending(8, 1, 0, asks("newer")));
    person.waits(5000).does(Event::StoreChanged);
    assert_eq!(person.look(), frozen);
    let thawed = person.keys("Space").look();
    assert!(!thawed.contains("PAUSED") && thawed.contains("newer"), "{thawed}");
}

#[test]
fn scrolling_ends_following() {
    let mut person = Person::at(100, 30);
    person.keys("k");
    let selected = person.app.main.exchanges.selected;
    person.store.put_exchange(pending(8, 1, 0, asks("newer")));
    person.does(Event::StoreChanged);
    assert_eq!(person.app.main.exchanges.selected, selected);
    // Going to the end takes it up again.
    person.keys("G");
    person.store.put_exchange(pending(9, 1, 0, asks("newest")));
    person.does(Event::StoreChanged);
    assert_eq!(person.app.main.exchanges.selected, Some(ExchangeId(9)));
}

#[test]
fn a_long_answer_stays_put_while_it_grows_below() {
    let mut store = machine();
    let text = (0..200).map(|line| format!("line {line}\n")).collect::<String>();
    streaming(&mut store, pending(8, 1, 2000, asks("count")), &text, 1000);
    let mut person = Person::with(store, 100, 30);
    assert!(person.keys("3").look().contains("line 199"));
    let scrolled = person.keys("PgUp").look();
    assert!(!scrolled.contains("▌ line 199"));
    let text_part = |screen: &str| -> Vec<String> {
        let lines = screen.lines().filter(|line| line.starts_with("▌ line 1"));
        lines.map(str::to_owned).collect()
    };
    let before = text_part(&scrolled);
    assert!(!before.is_empty());
    let delta = Delta { at: person.now, kind: DeltaKind::Text, text: "line 200\n".into() };
    person.store.add_delta(ExchangeId(8), &delta);
    person.does(Event::StoreChanged);
    assert_eq!(text_part(&person.look()), before);
    assert!(person.keys("G").look().contains("▌ line 200"));
}

#[test]
fn search_finds_and_goes_on() {
    let mut person = Person::at(100, 30);
    person.types("/haiku").keys("Enter");
    assert_eq!(person.app.main.exchanges.selected, Some(ExchangeId(6)));
    person.types("/rate limit").keys("Enter");
    assert_eq!(person.app.main.exchanges.selected, Some(ExchangeId(3)));
    person.types("/no such words").keys("Enter");
    assert!(person.look().contains("not found: no such words"));
    // In a text, from match to match.
    person.keys("g d").types("/lifetime").keys("Enter");
    assert!(person.look().contains("A lifetime says"));
}

#[test]
fn search_in_json_unfolds_what_hides_the_match() {
    let mut person = Person::at(100, 30);
    person.keys("d ]").keys("O");
    assert!(!person.look().contains("tool_use_id"));
    person.types("/tool_use_id").keys("Enter");
    assert!(person.look().contains("tool_use_id"), "{}", person.look());
}

#[test]
fn json_folds_at_the_cursor() {
    let mut person = Person::at(100, 40);
    person.keys("d ] j j j j");
    let open = person.look();
    assert!(open.contains("\"role\": \"user\""));
    let folded = person.keys("o").look();
    assert!(folded.contains("\"messages\": [ … ") && !folded.contains("\"role\""), "{folded}");
    assert_eq!(person.keys("Enter").look(), open);
}

#[test]
fn copy_takes_the_value_under_the_cursor() {
    let mut person = Person::at(100, 40);
    person.keys("d ] j y");
    assert_eq!(person.effects.pop(), Some(Effect::Copy("\"claude-sonnet-4-5\"".into())));
    person.keys("j j j y");
    let Some(Effect::Copy(messages)) = person.effects.pop() else { panic!("copied") };
    let messages: serde_json::Value = serde_json::from_str(&messages).unwrap();
    assert_eq!(messages[0]["role"], json!("user"));
    person.keys("Esc y");
    assert!(
        matches!(person.effects.pop(), Some(Effect::Copy(text)) if text.starts_with("No: `main`"))
    );
}

#[test]
fn export_names_the_exchange_that_is_looked_at() {
    let mut person = Person::at(100, 30);
    person.keys("g e Enter e");
    assert_eq!(person.effects, [Effect::Export(ExchangeId(1)), Effect::Export(ExchangeId(1))]);
}

#[test]
fn secrets_are_redacted_unless_asked_for() {
    for (show, seen) in [(false, false), (true, true)] {
        let mut person = Person::at(120, 50);
        person.app.options.show_secrets = show;
        let screen = person.keys("d [ [ [").look();
        assert!(screen.contains("x-api-key"), "{screen}");
        assert_eq!(screen.contains("sekret"), seen, "{screen}");
        assert_eq!(screen.contains("SECRETS SHOWN"), seen);
    }
}

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
    fixture::process(&mut store, 2, 31_337, hostile);
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

#[test]
fn the_mouse_selects_opens_and_scrolls() {
    let mut person = Person::at(200, 50);
    let row = |person: &mut Person, text: &str| {
        let screen = person.look();
        screen.lines().position(|line| line.contains(text)).unwrap() as u16
    };
    let y = row(&mut person, "429");
    let press = Event::Mouse(Mouse { kind: MouseKind::Press, x: 20, y });
    person.does(press.clone());
    assert_eq!(person.app.main.exchanges.selected, Some(ExchangeId(3)));
    person.does(press.clone());
    assert!(person.look().contains("python3 · conversation"));
    person.keys("d");
    let x = person.look().lines().nth(3).unwrap().find("Timing").unwrap() as u16;
    person.does(Event::Mouse(Mouse { kind: MouseKind::Press, x, y: 3 }));
    assert!(person.look().contains("request sent"), "{}", person.look());
    // Switched off, it is the terminal's own.
    person.keys("Esc Esc m");
    assert_eq!(person.effects.pop(), Some(Effect::Mouse(false)));
    let before = person.look();
    person.does(press);
    assert_eq!(person.look(), before);
}

#[test]
fn nothing_is_drawn_when_nothing_changed() {
    let mut store = Store::default();
    fixture::process(&mut store, 1, 4242, "claude");
    store.put_exchange(answered(pending(1, 1, 9000, asks("hi")), "hello", 10));
    let mut person = Person::with(store, 100, 30);
    person.look();
    assert!(!person.app.dirty());
    // Nothing moves by itself either: no tick is asked for.
    assert_eq!(person.app.next_tick(), None);
    person.app.update(Event::Resize { width: 100, height: 30 }, &person.store, NOW);
    assert!(!person.app.dirty());
    person.app.update(Event::StoreChanged, &person.store, NOW);
    assert!(person.app.dirty());
    // An answer that streams moves eight times a second, once it is silent
    // once a second.
    person.store.put_exchange(pending(2, 1, 100, asks("more")));
    person.look();
    assert_eq!(person.app.next_tick().map(|at| at.millis_since(NOW)), Some(125.0));
    person.waits(60_000);
    assert_eq!(person.app.next_tick().map(|at| at.millis_since(person.now)), Some(1000.0));
}

#[test]
fn signals_end_it_and_stop_it() {
    let mut person = Person::at(80, 24);
    person.does(Event::Signal(Signal::Stop)).keys("C-z").does(Event::Signal(Signal::Quit));
    let want = [Effect::Suspend, Effect::Suspend, Effect::Exit(Exit::Signal)];
    assert_eq!(person.effects, want);
}

#[test]
fn an_exchange_that_is_gone_is_said_to_be() {
    let mut person = Person::at(100, 30);
    person.keys("d");
    person.store.remove_exchange(ExchangeId(7));
    person.does(Event::StoreChanged);
    assert!(person.look().contains("forgotten"));
    for keys in ["]", "]", "y", "e", "n", "o", "j", "G", "Esc", "Enter", "Esc"] {
        person.keys(keys);
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
                7 => drop(person.store.add_delta(id, &Delta {
                    at: NOW, kind: DeltaKind::Text, text: "\u{1b}字👩‍👩‍👧 and ".repeat(at),
                })),
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
