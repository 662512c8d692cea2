//! What a part of the exchanges adds up to: those that pass a filter, or belong to what
//! is chosen.

use std::collections::BTreeMap;

use super::sums::{Change, Groups};
use super::tally::Tally;
use super::{Facet, ProcessKey, Record, Sums, Timeline, Totals};

/// Sums over some of the exchanges that are remembered, by whatever they can be grouped.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    totals: Totals,
    processes: BTreeMap<ProcessKey, Sums>,
    groups: Groups,
    timeline: Timeline,
}

impl Figures {
    /// Counts an exchange, as it is at the moment that is shown.
    pub fn add(&mut self, record: &Record) {
        let change = Change::new(None, record);
        self.totals.add(&Tally::of(record));
        self.processes.entry(record.process).or_default().put(&change);
        self.groups.put(None, &change);
    }

    /// Puts an exchange on the timeline, as far as it is known by now: a paused screen
    /// shows on it what came after, too.
    pub fn add_to_timeline(&mut self, record: &Record) {
        self.timeline.put(None, Some(record));
        if let Some(share) = Change::new(None, record).share {
            self.timeline.add(share);
        }
    }

    /// Sums over all of them; of bytes, they know nothing.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Those of a process; `None`: it has none of them.
    pub fn process(&self, key: ProcessKey) -> Option<&Sums> {
        self.processes.get(&key)
    }

    /// The processes that have some of them.
    pub fn processes(&self) -> impl ExactSizeIterator<Item = ProcessKey> {
        self.processes.keys().copied()
    }

    /// Their groups.
    pub fn groups(&self, facet: Facet) -> impl Iterator<Item = (&str, &Sums)> {
        self.groups.of(facet)
    }

    /// Their last quarter of an hour.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }
}
