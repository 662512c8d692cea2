//! The figures of some of the exchanges: those that pass a filter, or belong to what is
//! chosen.

use llmtop_parsers::Timestamp;

use super::Reader;
use crate::store::{ExchangeId, Figures, Scope, Sieve, Store};

/// Exchanges that are counted at once: what a part of a frame has time for.
const AT_ONCE: usize = 500;

/// Some of the exchanges, with their figures.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Which ones.
    pub scope: Scope,
    /// Of what was asked: with each filter, and each choice, another.
    pub question: u64,
    /// What they add up to.
    pub figures: &'a Figures,
    /// Another one has other figures.
    pub version: u64,
}

impl<'a> Part<'a> {
    /// What passes, as it is now: the store has its figures at hand.
    pub fn now(store: &'a Store, sieve: Sieve) -> Self {
        Part {
            scope: sieve.scope(),
            question: store.questions(),
            figures: store.figures(sieve),
            version: store.version() + store.verdicts(),
        }
    }
}

/// What passes, as it was at the moment that a paused screen shows. It is counted
/// exchange by exchange, some at a time; until that is done, what was counted before is
/// shown.
#[derive(Debug)]
pub struct Counting {
    sieve: Sieve,
    figures: Figures,
    counted: Option<Wanted>,
    /// Half done: what is counted, as far as the last of these.
    begun: Option<(Wanted, Figures, Option<ExchangeId>)>,
    version: u64,
}

/// What figures depend on: what was asked, the verdicts, and the moment.
type Wanted = (u64, u64, Option<Timestamp>);

impl Counting {
    /// Begins with what is known at the moment of a pause.
    pub fn new(store: &Store, sieve: Sieve, moment: Timestamp) -> Self {
        let known = (store.questions(), store.verdicts(), Some(moment));
        let figures = store.figures(sieve).clone();
        Counting { sieve, figures, counted: Some(known), begun: None, version: 0 }
    }

    /// What is known.
    pub fn part(&self) -> Part<'_> {
        Part {
            scope: self.sieve.scope(),
            question: self.counted.map_or(0, |(question, ..)| question),
            figures: &self.figures,
            version: self.version,
        }
    }

    /// Whether there is more to count.
    pub fn is_behind(&self) -> bool {
        self.begun.is_some()
    }

    /// Brings the figures up to date, as far as there is time.
    pub fn refresh(&mut self, reader: &Reader<'_>) {
        let store = reader.store();
        let wanted = (store.questions(), store.verdicts(), reader.paused());
        // Something else was asked: the old figures would be taken for its.
        if self.counted.is_none_or(|(question, ..)| question != wanted.0) {
            self.figures = Figures::default();
            self.counted = Some((wanted.0, 0, None));
            self.version += 1;
        }
        if self.begun.as_ref().map_or(self.counted, |(begun, ..)| Some(*begun)) != Some(wanted) {
            self.begun = Some((wanted, Figures::default(), None));
        }
        self.count(reader);
    }

    /// Goes on counting.
    fn count(&mut self, reader: &Reader<'_>) {
        let Some((_, figures, last)) = &mut self.begun else { return };
        let store = reader.store();
        let scope = self.sieve.scope();
        let from = last.map_or(0, |last| store.rank_of(scope, ExchangeId(last.0 + 1)));
        let records = (from..).map_while(|rank| store.exchange_at(scope, rank));
        let mut counted = 0;
        for record in records.take(AT_ONCE) {
            *last = Some(record.id);
            counted += 1;
            figures.add_to_timeline(record);
            if let Some(shown) = reader.exchange(record.id) {
                figures.add(shown);
            }
        }
        if counted < AT_ONCE
            && let Some((wanted, figures, _)) = self.begun.take()
        {
            (self.counted, self.figures) = (Some(wanted), figures);
            self.version += 1;
        }
    }
}
