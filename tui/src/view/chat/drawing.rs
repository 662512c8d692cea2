//! Drawing a chat: whole, some of it at a time, or anew from one turn on.

use super::{Chat, Group, Target, Turn};
use crate::store::ExchangeId;
use crate::view::text::{Look, Mark, TextDocument};
use crate::view::{Reader, Role, Span};

/// Messages and turns that are drawn at once.
pub(super) const AT_ONCE: usize = 100;

/// A drawing that is not whole yet: what was drawn before is shown meanwhile.
#[derive(Debug, Default)]
pub(super) struct Drawing {
    document: TextDocument,
    groups: Vec<Group>,
    turns: Vec<Turn>,
    pub(super) at: Cursor,
}

/// How far a drawing is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor {
    /// The turn.
    pub(super) turn: usize,
    /// The message of its request.
    pub(super) message: usize,
    /// Where the turn begins.
    pub(super) begun: (Mark, usize),
}

impl Chat {
    /// From this turn on what is shown is another.
    pub(super) fn draw_from(&mut self, turn: usize) {
        self.from = Some(self.from.map_or(turn, |from| from.min(turn)));
    }

    /// All of it is to be drawn anew.
    pub(super) fn draw_all(&mut self) {
        self.drawing = Some(Drawing::default());
        self.from = None;
    }

    /// Whether there is more to draw.
    pub fn is_behind(&self) -> bool {
        self.drawing.is_some() || (self.sent.is_none() && self.from.is_some())
    }

    /// Draws what is to be drawn, as far as there is time.
    pub fn draw_on(&mut self, reader: &Reader<'_>) {
        if self.sent.is_some() {
            return self.refresh_sent(reader);
        }
        if !self.echo(reader) {
            return;
        }
        if let Some(mut drawing) = self.drawing.take() {
            self.swap(&mut drawing);
            let done = self.draw(reader, &mut drawing.at);
            if !done {
                self.swap(&mut drawing);
                self.drawing = Some(drawing);
            }
            return;
        }
        let Some(from) = self.from else { return };
        if from > self.turns.len() || self.weight(from) > AT_ONCE {
            return self.draw_all();
        }
        self.from = None;
        if let Some(&Turn { begun: (mark, groups), .. }) = self.turns.get(from) {
            self.document.cut(mark);
            self.groups.truncate(groups);
            self.turns.truncate(from);
        }
        self.draw_tail(reader, from);
    }

    /// Draws the turns from one on, which are few.
    pub(super) fn draw_tail(&mut self, reader: &Reader<'_>, from: usize) {
        let mut at = Cursor { turn: from, ..Cursor::default() };
        while !self.draw(reader, &mut at) {}
    }

    /// How much there is to draw from a turn on.
    fn weight(&self, from: usize) -> usize {
        let members = self.members.iter().skip(from);
        let fresh = |id: &ExchangeId| self.told.get(id)?.1.as_ref().map(|told| told.fresh.len());
        members.map(|id| 1 + fresh(id).unwrap_or(0)).sum()
    }

    /// Draws on. `true`: it is whole.
    fn draw(&mut self, reader: &Reader<'_>, at: &mut Cursor) -> bool {
        if at.turn == 0 && at.message == 0 {
            self.preface(reader);
        }
        let mut budget = AT_ONCE;
        while at.turn < self.members.len() {
            if budget == 0 {
                return false;
            }
            self.turn(reader, at, &mut budget);
        }
        true
    }

    /// Draws what comes before the first turn.
    fn preface(&mut self, reader: &Reader<'_>) {
        self.document = TextDocument::default();
        self.groups.clear();
        self.turns.clear();
        self.parent(reader);
        if let Some((id, earlier)) = self.earlier {
            self.begin(Target { exchange: id, link: None });
            let text = format!("… {earlier} earlier exchanges are not read here");
            self.document.line(vec![Span::new(text, Role::Faint)], Look::default());
        }
        self.linked(reader, ExchangeId(0), self.members.first().copied(), &[]);
    }

    /// What is shown, and what is being drawn, change places.
    pub(super) fn swap(&mut self, drawing: &mut Drawing) {
        std::mem::swap(&mut self.document, &mut drawing.document);
        std::mem::swap(&mut self.groups, &mut drawing.groups);
        std::mem::swap(&mut self.turns, &mut drawing.turns);
    }
}
