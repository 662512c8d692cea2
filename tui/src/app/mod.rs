//! The screen's behaviour: events in, changes of state and effects out.
//!
//! [`App`] knows no terminal. [`run()`] drives it with one: it turns keys,
//! signals and the store's bell into [`Event`]s, carries out [`Effect`]s, and
//! draws what [`App::screen`] builds, when something changed and at most 30
//! times a second.

mod build;
mod clock;
mod columns;
mod compare;
mod copy;
mod event;
mod export;
mod filter;
mod keyboard;
mod keys;
mod kill;
mod main_page;
mod mouse;
mod moves;
mod open;
mod page;
mod palette;
mod pause;
mod prompt;
mod record;
mod remember;
mod run;
mod scope;
mod search;
mod seek;
mod tally;
#[cfg(test)]
mod tests;
mod tick;
mod viewpoint;

use std::path::{Path, PathBuf};

use llmtop_parsers::Timestamp;

use crate::config::Remembered;
use crate::filter::Names;
use crate::keymap::KeyMap;
use crate::kill::Kill;
use crate::sink::export::Format;
use crate::store::{ExchangeId, Session, Store};
use crate::theme::Theme;
use crate::view::gist::Gists;
use crate::view::text::TextDocument;
use crate::view::{Pattern, Role, Screen, Show, Span};

pub use crate::store::Shared;
pub use event::{Code, Event, Key, Mouse, MouseKind, Signal};
pub use kill::Victim;
pub use open::{Programs, With};
pub use run::run;

use filter::Filtering;
use main_page::MainPage;
use page::Page;
use palette::Palette;
use pause::Past;
use prompt::Prompt;
use scope::Narrowed;
use seek::Seek;
use viewpoint::Viewpoint;

/// How the screen is set up.
#[derive(Clone, Debug)]
pub struct UiOptions {
    /// Its colours.
    pub theme: Theme,
    /// Which exchanges are shown at first.
    pub show: Show,
    /// Credentials are shown as they are.
    pub show_secrets: bool,
    /// The mouse is used at first.
    pub mouse: bool,
    /// What is shown happens now, on this machine: no recording.
    pub live: bool,
    /// What texts are opened with.
    pub programs: Programs,
    /// Which keys do what.
    pub keys: KeyMap,
    /// Seconds east of Greenwich, for times of day.
    pub utc_offset: i32,
    /// The filter at first, as it is written.
    pub filter: Option<String>,
    /// What filters may name.
    pub names: Names,
    /// How the screen was left the last time.
    pub remembered: Remembered,
    /// What the person is told first.
    pub notice: Option<String>,
}

impl Default for UiOptions {
    fn default() -> Self {
        UiOptions {
            theme: Theme::detected(),
            show: Show::Smart,
            show_secrets: false,
            mouse: true,
            live: false,
            programs: Programs::default(),
            keys: KeyMap::default(),
            utc_offset: chrono::Local::now().offset().local_minus_utc(),
            filter: None,
            names: Names::default(),
            remembered: Remembered::default(),
            notice: None,
        }
    }
}

/// Plays a recording; tells what it did, or why it did not.
pub type Play = dyn FnMut(&Path) -> Result<String, String>;

/// Records in a file, or, without one, no more; tells what it did, or why it did not.
pub type Record = dyn FnMut(Option<&Path>) -> Result<String, String>;

/// What the screen asks others to do.
pub struct Hooks {
    /// Writes an exchange to a file of its own; returns where.
    pub export: Box<dyn FnMut(ExchangeId, Format) -> Result<PathBuf, String>>,
    /// Plays a recording in the place of what is captured or played; the store is
    /// another one then.
    pub play: Box<Play>,
    /// Records what comes from now on in a file, or ends that.
    pub record: Box<Record>,
    /// Keeps how the screen was left, for the next time.
    pub remember: Box<dyn FnMut(&Remembered)>,
}

/// Why the screen ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The person asked for it.
    Quit,
    /// A signal did.
    Signal,
}

/// What [`App::update`] asks the driver to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// End.
    Exit(Exit),
    /// Write this exchange to a file.
    Export(ExchangeId, Format),
    /// Send a process a signal.
    Kill(Kill, Victim),
    /// Give the terminal to a program that shows this text.
    Open {
        /// Which one.
        with: With,
        /// How a file of the text is called.
        extension: &'static str,
        /// The text, as captured.
        text: String,
    },
    /// Play this recording in the place of what is shown.
    Play(PathBuf),
    /// Record what comes from now on in this file; without one, no more.
    Record(Option<PathBuf>),
    /// Put this on the clipboard.
    Copy(String),
    /// Take the mouse, or leave it to the terminal.
    Mouse(bool),
    /// Stop like any program does on Ctrl-Z.
    Suspend,
    /// Take the terminal again: somebody else had it.
    Resume,
}

/// Milliseconds for which a message stays.
const MESSAGE_MS: u64 = 6000;

/// The screen's state. Drive it with [`update`](Self::update), and draw
/// [`screen`](Self::screen) whenever [`dirty`](Self::dirty) says so.
pub struct App {
    options: UiOptions,
    size: (u16, u16),
    viewpoint: Viewpoint,
    main: MainPage,
    /// Above the main page, the last on top.
    pages: Vec<Page>,
    past: Past,
    gists: Gists,
    prompt: Option<Prompt>,
    filtering: Filtering,
    narrowed: Narrowed,
    palette: Option<Palette>,
    /// An exchange that is to be exported, once it is said how.
    exporting: Option<ExchangeId>,
    /// What is recorded, as last drawn.
    tape: record::Tape,
    /// A signal that is to be sent, once it is said which.
    asking: Option<kill::Asking>,
    /// What is searched for.
    pattern: Option<Pattern>,
    /// It is searched for among the exchanges.
    seek: Option<Seek>,
    message: Option<(Span, Timestamp)>,
    mouse: bool,
    /// The theme was chosen on the screen.
    theme_chosen: bool,
    dirty: bool,
    /// A long text is still being laid out, or code is still being read.
    behind: bool,
    /// Lists and figures are not up to date.
    behind_store: bool,
    /// As last built: where the mouse finds things.
    drawn: Screen,
    /// When time alone changes the screen.
    tick: Option<Timestamp>,
}

impl App {
    /// A screen of this size, at this time.
    pub fn new(options: UiOptions, size: (u16, u16), now: Timestamp) -> Self {
        let (remembered, notice) = (options.remembered.clone(), options.notice.clone());
        let mut app = App {
            main: MainPage::new(options.show),
            filtering: Filtering::new(options.names.clone(), options.filter.as_deref()),
            narrowed: Narrowed::default(),
            mouse: options.mouse,
            viewpoint: Viewpoint::new(now, options.utc_offset),
            options,
            size,
            pages: Vec::new(),
            past: Past::default(),
            gists: Gists::default(),
            prompt: None,
            palette: None,
            exporting: None,
            tape: record::Tape::default(),
            asking: None,
            pattern: None,
            seek: None,
            message: None,
            theme_chosen: false,
            dirty: true,
            behind: false,
            behind_store: false,
            drawn: Screen::default(),
            tick: None,
        };
        app.recall(&remembered);
        if let Some(notice) = notice {
            app.tell(&notice, Role::Warning);
        }
        app
    }

    /// Begins again with another store, which holds a recording. How the lists are set
    /// stays, and so does the filter.
    pub fn restart(&mut self) {
        let mut options = self.options.clone();
        (options.live, options.notice) = (false, None);
        (options.mouse, options.show) = (self.mouse, self.main.show);
        (options.remembered, options.filter) =
            (self.remembered(), self.filtering.text().map(str::to_owned));
        *self = App::new(options, self.size, self.viewpoint.now);
    }

    /// Whether what is drawn is out of date.
    pub fn dirty(&self) -> bool {
        self.dirty
    }

    /// Whether [`Event::StoreChanged`] would make a difference now.
    pub fn listens(&self) -> bool {
        !self.dirty && self.viewpoint.frozen.is_none()
    }

    /// When [`Event::Tick`] is due, if at all.
    pub fn next_tick(&self) -> Option<Timestamp> {
        self.tick
    }

    /// Whether the mouse is wanted.
    pub fn mouse(&self) -> bool {
        self.mouse
    }

    /// Its colours.
    pub fn theme(&self) -> &Theme {
        &self.options.theme
    }

    /// Takes in what happened at `now`.
    pub fn update(&mut self, event: Event, store: &Store, now: Timestamp) -> Vec<Effect> {
        self.viewpoint.now = self.viewpoint.now.max(now);
        let mut effects = Vec::new();
        match event {
            Event::Key(key) => {
                self.dirty = true;
                // Whoever does something else does not want to be taken to a match then.
                self.seek = None;
                self.key(key, store, &mut effects);
            }
            Event::Mouse(mouse) if self.mouse => {
                self.dirty = true;
                self.seek = None;
                self.mouse_event(mouse, store, &mut effects);
            }
            Event::Mouse(_) => {}
            Event::Resize { width, height } => {
                self.dirty |= self.size != (width, height);
                self.size = (width, height);
            }
            Event::Paste(text) => {
                if self.filtering.is_typed() {
                    self.filtering.paste(&text, store);
                    self.dirty = true;
                } else if let Some(palette) = &mut self.palette {
                    palette.paste(&text);
                    self.dirty = true;
                } else if let Some(prompt) = &mut self.prompt {
                    prompt.paste(&text);
                    self.dirty = true;
                }
            }
            // A frozen screen shows nothing of it.
            Event::StoreChanged => self.dirty |= self.listens(),
            Event::Tick => self.dirty = true,
            Event::Signal(Signal::Quit) => effects.push(Effect::Exit(Exit::Signal)),
            Event::Signal(Signal::Stop) => effects.push(Effect::Suspend),
            Event::Signal(Signal::Resumed) => {
                self.dirty = true;
                effects.push(Effect::Resume);
            }
        }
        if self.message.as_ref().is_some_and(|(_, until)| self.viewpoint.now >= *until) {
            self.message = None;
            self.dirty = true;
        }
        effects
    }

    /// Tells the person something, for a while.
    pub fn tell(&mut self, text: &str, role: Role) {
        let until = Timestamp(self.viewpoint.now.0 + MESSAGE_MS * 1_000_000);
        self.message = Some((Span::shown(text, role), until));
        self.dirty = true;
    }

    /// Builds what is to be drawn, at `now`. The store keeps what the person is
    /// looking at until another screen is built, whatever its memory budget.
    pub fn screen(&mut self, store: &mut Store, session: &Session, now: Timestamp) -> &Screen {
        self.viewpoint.now = self.viewpoint.now.max(now);
        self.viewpoint.clock.follow(store, session, self.viewpoint.now);
        self.tape = record::Tape::of(session);
        self.gists.begin();
        self.narrow(store);
        let mut screen = self.build(store, session);
        self.mark_matches(&mut screen);
        self.behind |= self.awaits_colours();
        self.drawn = screen;
        self.dirty = false;
        self.behind_store = self.lags(store);
        self.tick = self.due(store);
        let looked_at = self.looked_at(store);
        store.pin(looked_at);
        store.watch(self.main.processes.process());
        &self.drawn
    }

    /// The selected exchange, and those of the pages above.
    fn looked_at(&self, store: &Store) -> Vec<ExchangeId> {
        let reader = self.viewpoint.reader(store);
        let pages = self.pages.iter().flat_map(|page| page.looks_at(&reader));
        let list = [self.main.exchanges.selected, self.main.exchanges.marked];
        list.into_iter().flatten().chain(pages).collect()
    }

    /// Whether code is plain that will have colours soon.
    fn awaits_colours(&mut self) -> bool {
        let page = self.pages.last_mut().map(Page::text);
        let awaits = |document: &TextDocument| document.awaits_colours();
        page.map_or(awaits(&self.main.answer.document), |text| {
            text.is_some_and(|(document, _)| awaits(document))
        })
    }

    /// Does what takes longer than a frame may and needs no store: call it
    /// after each [`screen`](Self::screen). `true`: there is more to draw.
    pub fn work(&mut self) -> bool {
        let found = match self.pages.last_mut() {
            Some(Page::Conversation(page)) => page.chat.work(),
            _ => false,
        };
        self.dirty |= found;
        found
    }
}
