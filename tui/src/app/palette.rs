//! The command palette: an action is found by its name, and carried out.

use super::prompt::{Prompt, Typed};
use super::{App, Code, Effect, Key};
use crate::action::{BESIDE_HELP, Context, Entry};
use crate::store::Store;
use crate::view::area::inner;
use crate::view::table::keep_visible;
use crate::view::{Area, Content, Footer, Panel, Role, Span, palette};

/// Rows of commands that are shown at once.
const ROWS: u16 = 12;

/// Commands to choose from, while one is looked for.
#[derive(Debug)]
pub(super) struct Palette {
    prompt: Prompt,
    /// Where it was opened.
    here: Context,
    paused: bool,
    found: Vec<&'static Entry>,
    selected: usize,
    /// The first row shown.
    top: usize,
}

impl Palette {
    /// Of what means something here. Where the screen can be paused, it can be
    /// stepped back, which pauses it.
    pub(super) fn of(here: Context, paused: bool) -> Self {
        let (prompt, found) = (Prompt::default(), Vec::new());
        let mut palette = Palette { prompt, here, paused, found, selected: 0, top: 0 };
        palette.find();
        palette
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.prompt.paste(text);
        self.find();
    }

    fn find(&mut self) {
        let all = [self.here, Context::Paused];
        let pauses = self.paused || BESIDE_HELP.contains(&self.here);
        let contexts = if pauses { &all[..] } else { &all[..1] };
        self.found = palette::find(self.prompt.text(), contexts);
        (self.selected, self.top) = (0, 0);
    }

    /// Selects another by rows; beyond the end it begins again.
    fn step(&mut self, rows: isize) {
        let count = self.found.len().max(1) as isize;
        self.selected = (self.selected as isize + rows).rem_euclid(count) as usize;
    }
}

impl App {
    /// A key while a command is looked for.
    pub(super) fn type_command(&mut self, key: Key, store: &Store, effects: &mut Vec<Effect>) {
        let Some(palette) = &mut self.palette else { return };
        match (key.code, key.ctrl) {
            (Code::Down | Code::Tab, _) | (Code::Char('n'), true) => return palette.step(1),
            (Code::Up | Code::BackTab, _) | (Code::Char('p'), true) => return palette.step(-1),
            _ => {}
        }
        match palette.prompt.key(key) {
            Typed::On => palette.find(),
            Typed::Cancelled => self.palette = None,
            Typed::Done => self.run_command(store, effects),
        }
    }

    /// Carries out the selected command.
    fn run_command(&mut self, store: &Store, effects: &mut Vec<Effect>) {
        let palette = self.palette.take();
        let chosen = palette.and_then(|palette| palette.found.get(palette.selected).copied());
        match chosen {
            Some(entry) => self.act(entry.action, store, effects),
            None => self.tell("no such command here", Role::Warning),
        }
    }

    /// A click on a row carries it out, one elsewhere ends the palette.
    pub(super) fn click_command(
        &mut self,
        row: Option<usize>,
        store: &Store,
        effects: &mut Vec<Effect>,
    ) {
        let Some(palette) = &mut self.palette else { return };
        match row.map(|row| palette.top + row).filter(|&at| at < palette.found.len()) {
            Some(at) => {
                palette.selected = at;
                self.run_command(store, effects);
            }
            None => self.palette = None,
        }
    }

    /// The wheel, while a command is looked for.
    pub(super) fn scroll_commands(&mut self, rows: isize) {
        if let Some(palette) = &mut self.palette {
            let last = palette.found.len().saturating_sub(1);
            palette.selected = palette.selected.saturating_add_signed(rows).min(last);
        }
    }

    /// The commands, at the body's bottom.
    pub(super) fn palette_panel(&mut self, body: Area) -> Option<Panel> {
        let palette = self.palette.as_mut()?;
        let rows = (palette.found.len().max(1) as u16).min(ROWS);
        // A title and the columns' titles are above the rows.
        let (_, area) = body.split_top(body.height.saturating_sub(rows + 2));
        let inner = inner(area, false);
        let size = (inner.width.saturating_sub(2), inner.height.saturating_sub(1));
        let Palette { found, selected, top, here, paused, .. } = palette;
        *top = keep_visible(*top, *selected, found.len(), usize::from(size.1));
        let content = if found.is_empty() {
            Content::Notice(vec![vec![Span::new("no such command here", Role::Dim)]])
        } else {
            // Those that step back mean something else until the screen is paused.
            let holds = |entry: &Entry| *paused || entry.contexts.contains(here);
            let keys = |entry: &Entry| match holds(entry) {
                true => self.options.keys.names(entry.action),
                false => String::new(),
            };
            Content::Table(palette::table(found, keys, *selected, *top, size))
        };
        Some(Panel {
            area,
            title: vec![Span::new("Commands", Role::Accent)],
            note: vec![Span::new(format!("{}", found.len()), Role::Dim)],
            focused: true,
            content,
            ..Panel::default()
        })
    }

    /// The last row meanwhile.
    pub(super) fn palette_footer(&self) -> Option<Footer> {
        let (before, after) = self.palette.as_ref()?.prompt.parts();
        let [before, after] = [before, after].map(|text| vec![Span::new(text, Role::Text)]);
        Some(Footer::Prompt { label: ":", before, after, hint: None })
    }
}
