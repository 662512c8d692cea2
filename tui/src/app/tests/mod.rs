//! The screen driven by real events, drawn into a buffer, and compared.

mod behaviour;
mod bindings;
mod columns;
mod conversation;
mod detail;
mod filter;
mod hostile;
mod keys;
mod overview;
mod past;
mod processes;
mod scope;
mod search;
mod silent;
mod views;

use llmtop_parsers::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{App, Code, Effect, Event, Key, Programs, UiOptions};
use crate::filter::Names;
use crate::fixture::{self, NOW, machine};
use crate::keymap::KeyMap;
use crate::store::{Session, Store};
use crate::theme::{Depth, Theme};
use crate::ui;
use crate::view::Show;

/// The filters that this person has saved.
fn names() -> Names {
    let saved = [("slow".to_owned(), "ttft>1s".to_owned())].into();
    Names { saved, ..Names::default() }
}

/// From small to a wall.
const SIZES: [(u16, u16); 4] = [(40, 12), (80, 24), (200, 50), (300, 100)];

/// Compares a view with how it looked before, at every size. `open` gives a person
/// who is before the screen, and the keys lead to the view.
fn at_every_size(name: &str, keys: &str, open: impl Fn(u16, u16) -> Person) {
    for (width, height) in SIZES {
        let screen = open(width, height).keys(keys).look();
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), screen);
    }
}

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
            live: true,
            programs: Programs::default(),
            keys: KeyMap::default(),
            utc_offset: 0,
            filter: None,
            names: names(),
            ..UiOptions::default()
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

    /// Presses keys, named one after the other; a word after an apostrophe is typed.
    fn keys(&mut self, names: &str) -> &mut Self {
        for name in names.split_whitespace() {
            if let Some(word) = name.strip_prefix('\'') {
                self.types(word);
                continue;
            }
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
        self.app.screen(&mut self.store, &self.session, self.now);
        while self.app.work() || self.app.is_behind() || self.app.is_reading() {
            self.app.catch_up(&mut self.store);
            self.app.screen(&mut self.store, &self.session, self.now);
        }
        let screen = self.app.screen(&mut self.store, &self.session, self.now);
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
