//! The events of one answer, read and told.

use std::collections::VecDeque;

use crate::llm::{Answer, Dialect, Repeat};
use crate::{Delta, DeltaKind, Event, Exchange, Timestamp};

/// Reads the events of one answer.
pub(super) struct Reader {
    pub(super) answer: Answer,
    repeat: Repeat,
}

/// Whose answer it is, and where what it adds is told.
pub(super) struct Telling<'a> {
    pub(super) exchange: &'a mut Exchange,
    pub(super) time: Timestamp,
    pub(super) queue: &'a mut VecDeque<Event>,
}

impl Reader {
    /// `limit`: bytes of text that are kept.
    pub(super) fn new(limit: usize) -> Self {
        Reader { answer: Answer::with_limit(limit), repeat: Repeat::default() }
    }

    /// Reads an event. Of what it is a piece, if of anything that is told.
    pub(super) fn event(
        &mut self,
        dialect: &dyn Dialect,
        name: &[u8],
        data: &[u8],
        telling: &mut Telling<'_>,
    ) -> Option<DeltaKind> {
        if let Some(told) = self.again(dialect, name, data, telling) {
            return told;
        }
        self.repeat.event(dialect, name, data, &mut self.answer);
        let told = self.answer.deltas.first().map(|(kind, _)| *kind);
        for (kind, text) in self.answer.deltas.drain(..) {
            telling.delta(kind, text);
        }
        told
    }

    /// The same, of one that says again what the one before said. `None`: it does
    /// not, and was not read.
    pub(super) fn again(
        &mut self,
        dialect: &dyn Dialect,
        name: &[u8],
        data: &[u8],
        telling: &mut Telling<'_>,
    ) -> Option<Option<DeltaKind>> {
        let (slot, piece) = self.repeat.again(dialect, name, data)?;
        let told = self.answer.grow(slot, &piece);
        if let Some((kind, text)) = told {
            telling.more(kind, text);
        }
        Some(told.map(|(kind, _)| kind))
    }
}

impl Telling<'_> {
    fn delta(&mut self, kind: DeltaKind, text: String) {
        let (at, timing) = (self.time, &mut self.exchange.timing);
        timing.first_token.get_or_insert(at);
        timing.last_token = Some(at);
        self.queue.push_back(Event::Delta(self.exchange.seq, Delta::new(at, kind, text)));
    }

    /// More of what the last event told.
    fn more(&mut self, kind: DeltaKind, text: &str) {
        match self.queue.back_mut() {
            Some(Event::Delta(seq, last))
                if *seq == self.exchange.seq && last.at == self.time && last.kind == kind =>
            {
                last.push(text);
            }
            _ => self.delta(kind, text.to_owned()),
        }
    }
}
