//! What a part of the exchanges adds up to: those that pass a filter, or belong to what
//! is chosen.

use std::collections::BTreeMap;

use super::pulse::Share;
use super::sums::{Change, Groups};
use super::tally::Tally;
use super::{Facet, ProcessKey, Record, Sums, Timeline, Totals};

/// Sums over some of the exchanges that are remembered, by whatever they can be grouped.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    totals: Totals,
    processes: BTreeMap<ProcessKey, Part>,
    groups: Groups,
    timeline: Timeline,
}

/// What a process has of them.
#[derive(Clone, Debug, Default)]
struct Part {
    sums: Sums,
    /// How many, of any kind.
    exchanges: usize,
}

impl Figures {
    /// Counts an exchange, as it is at the moment that is shown.
    pub fn add(&mut self, record: &Record) {
        self.count(None, &Change::new(None, record));
    }

    /// Puts an exchange on the timeline, as far as it is known by now: a paused screen
    /// shows on it what came after, too.
    pub fn add_to_timeline(&mut self, record: &Record) {
        self.mark(None, &Change::new(None, record));
    }

    /// An exchange that was counted as it was `before` has changed, or is counted from
    /// now on.
    pub(super) fn put(&mut self, before: Option<&Record>, change: &Change<'_>) {
        self.count(before, change);
        self.mark(before, change);
    }

    /// The answer of an exchange that is counted grew.
    pub(super) fn grow(&mut self, change: &Change<'_>) {
        self.count(Some(change.record), change);
        if let Some(share) = change.share {
            self.timeline.add(share);
        }
    }

    /// An exchange is not counted any more.
    pub(super) fn take(&mut self, record: &Record) {
        self.totals.take(&Tally::of(record));
        self.groups.take(record);
        self.timeline.put(Some(record), None);
        if let Some(share) = Share::of_all_but_taken(record) {
            self.timeline.add(share);
        }
        self.leave(record);
    }

    fn count(&mut self, before: Option<&Record>, change: &Change<'_>) {
        if let Some(before) = &change.before {
            self.totals.take(before);
        }
        self.totals.add(&change.now);
        self.groups.put(before, change);
        let moved = before.filter(|before| before.process != change.record.process);
        if let Some(before) = moved {
            self.leave(before);
        }
        let part = self.processes.entry(change.record.process).or_default();
        if before.is_none() || moved.is_some() {
            part.exchanges += 1;
            part.sums.put(&Change::new(None, change.record));
        } else {
            part.sums.put(change);
        }
    }

    fn mark(&mut self, before: Option<&Record>, change: &Change<'_>) {
        self.timeline.put(before, Some(change.record));
        if let Some(share) = change.share {
            self.timeline.add(share);
        }
    }

    /// It is not its process's any more.
    fn leave(&mut self, record: &Record) {
        let Some(part) = self.processes.get_mut(&record.process) else { return };
        part.exchanges -= 1;
        part.sums.take(&Tally::of(record), Share::of_all_but_taken(record));
        if part.exchanges == 0 {
            self.processes.remove(&record.process);
        }
    }

    /// Sums over all of them; of bytes, they know nothing.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Those of a process; `None`: it has none of them.
    pub fn process(&self, key: ProcessKey) -> Option<&Sums> {
        self.processes.get(&key).map(|part| &part.sums)
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

#[cfg(test)]
mod tests {
    use llmtop_parsers::{Delta, DeltaKind, State};

    use super::super::{ExchangeId, Scope, Sieve, Store};
    use super::{Facet, Figures, ProcessKey, Tally};
    use crate::fixture::{NOW, ago, answered, asks, machine, pending};

    /// What those that pass add up to, counted one by one.
    fn counted(store: &Store) -> Figures {
        let mut figures = Figures::default();
        let passing = 0..store.count(Scope::Matching);
        for record in passing.filter_map(|rank| store.exchange_at(Scope::Matching, rank)) {
            figures.add_to_timeline(record);
            figures.add(record);
        }
        figures
    }

    /// All that is exact in them, but for how sums of dollars are rounded.
    fn facts(figures: &Figures) -> String {
        let tally = |tally: &Tally| {
            let usd = (tally.usd * 1e6).round() / 1e6;
            format!("{:?}", Tally { usd, ..*tally })
        };
        let processes = (0..9).filter_map(|key| figures.process(ProcessKey(key)));
        let processes: Vec<String> = processes.map(|sums| tally(&sums.tally)).collect();
        let groups = [Facet::Agent, Facet::Model, Facet::Provider].map(|facet| {
            let groups = figures.groups(facet);
            groups.map(|(name, sums)| (name.to_owned(), tally(&sums.tally))).collect::<Vec<_>>()
        });
        let seconds = figures.timeline().seconds(NOW, 100);
        let seconds: Vec<_> =
            seconds.iter().map(|it| [it.begun, it.ended, it.errors, it.running]).collect();
        let of = figures.processes().len();
        let all = figures.totals().all_exchanges;
        format!("{all} {of} {processes:#?} {groups:#?} {seconds:?}")
    }

    #[test]
    fn what_is_kept_is_what_would_be_counted() {
        let mut store = machine();
        store.judge_all(Sieve::Filter);
        let judge = |store: &mut Store, leaves: u64| {
            store.judge(Sieve::Filter, usize::MAX, |seen| {
                (seen.record.exchange.dialect.is_some() && seen.record.id.0 != leaves, 1)
            });
            assert_eq!(facts(store.figures(Sieve::Filter)), facts(&counted(store)));
            store.figures(Sieve::Filter).totals().all_exchanges
        };
        assert_eq!(judge(&mut store, 0), 6);
        // One grows, ends, and turns out to be another's.
        store.add_delta(ExchangeId(7), &Delta::new(NOW, DeltaKind::Text, "and on".into()));
        assert_eq!(judge(&mut store, 0), 6);
        let mut record = store.exchange(ExchangeId(7)).unwrap().clone();
        record.exchange.state = State::Complete;
        record.exchange.timing.ended = Some(ago(10));
        record.exchange.usage.output_tokens = Some(70);
        store.put_exchange(record.clone());
        assert_eq!(judge(&mut store, 0), 6);
        record.process = ProcessKey(3);
        record.exchange.response.model = Some("another".into());
        store.put_exchange(record);
        assert_eq!(judge(&mut store, 0), 6);
        // One comes, one passes no more, one is gone.
        store.put_exchange(answered(pending(8, 2, 900, asks("more")), "x", 100));
        store.judge_again([ExchangeId(1)]);
        assert_eq!(judge(&mut store, 1), 6);
        store.remove_exchange(ExchangeId(2));
        assert_eq!(judge(&mut store, 1), 5);
        store.stop_judging(Sieve::Filter);
        assert_eq!(store.figures(Sieve::Filter).totals().all_exchanges, 0);
    }
}
