//! The figures of some of the exchanges: those that pass a filter, or belong to what is
//! chosen. They are counted exchange by exchange, so many in a frame.

use llmtop_parsers::Timestamp;

use super::Reader;
use crate::store::{ExchangeId, Figures, Scope};

/// Exchanges that are counted in one frame. With more of them, counting goes on in the
/// frames that follow, and what was counted before is shown until it is done.
const AT_ONCE: usize = 1000;

/// Milliseconds between two counts that take more than a frame.
const PATIENCE: f64 = 1000.0;

/// Some of the exchanges, with their figures.
#[derive(Clone, Debug)]
pub struct Part {
    /// Which ones.
    pub scope: Scope,
    /// Of what was asked: with each filter, and each choice, another.
    pub question: u64,
    /// What they add up to.
    pub figures: Figures,
    /// Another one has other figures.
    pub version: u64,
}

/// Keeps the figures of a part up to date.
#[derive(Debug, Default)]
pub struct Counting {
    part: Option<Part>,
    /// What was counted, and when that was done.
    counted: Option<(Wanted, Timestamp)>,
    /// Half done: what is counted, as far as the last of these.
    begun: Option<(Wanted, Part, Option<ExchangeId>)>,
    versions: u64,
}

/// What figures depend on: the verdicts, the exchanges, and the moment.
type Wanted = (u64, u64, Option<Timestamp>);

impl Counting {
    /// What is known; `None`: nothing is, or figures are those of everything.
    pub fn part(&self) -> Option<&Part> {
        self.part.as_ref()
    }

    /// Whether there is more to count.
    pub fn is_behind(&self) -> bool {
        self.begun.is_some()
    }

    /// Brings the figures of a scope up to date; `None`: those of everything are wanted.
    pub fn refresh(&mut self, reader: &Reader<'_>, scope: Option<Scope>) {
        let Some(scope) = scope else {
            (self.part, self.counted, self.begun) = (None, None, None);
            return;
        };
        let store = reader.store();
        let wanted = (store.verdicts(), reader.version(), reader.paused());
        let part = |versions: &mut u64| {
            *versions += 1;
            let (figures, version) = (Figures::default(), *versions);
            Part { scope, question: store.questions(), figures, version }
        };
        // Something else was asked: the old figures would be taken for its.
        let known = self.part.as_ref().map(|part| (part.scope, part.question));
        if known != Some((scope, store.questions())) {
            self.part = Some(part(&mut self.versions));
            (self.counted, self.begun) = (None, None);
        }
        if self.begun.is_none() {
            let many = store.count(scope) > AT_ONCE;
            let stands = self.counted.is_some_and(|(counted, at)| {
                let rested = reader.now().millis_since(at) >= PATIENCE;
                let same_moment = counted.2 == wanted.2;
                counted == wanted || (many && same_moment && !rested)
            });
            if stands {
                return;
            }
            self.begun = Some((wanted, part(&mut self.versions), None));
        }
        self.count(reader);
    }

    /// Goes on counting. What changes meanwhile is counted the next time.
    fn count(&mut self, reader: &Reader<'_>) {
        let Some((_, part, last)) = &mut self.begun else { return };
        let store = reader.store();
        let from = last.map_or(0, |last| store.rank_of(part.scope, ExchangeId(last.0 + 1)));
        let records = (from..).map_while(|rank| store.exchange_at(part.scope, rank));
        let mut counted = 0;
        for record in records.take(AT_ONCE) {
            *last = Some(record.id);
            counted += 1;
            part.figures.add_to_timeline(record);
            if let Some(shown) = reader.exchange(record.id) {
                part.figures.add(shown);
            }
        }
        if counted < AT_ONCE
            && let Some((wanted, part, _)) = self.begun.take()
        {
            self.counted = Some((wanted, reader.now()));
            self.part = Some(part);
        }
    }
}
