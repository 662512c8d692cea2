//! Which exchanges the screen's filter matches, kept up to date by looking at
//! those that changed.

use std::collections::BTreeSet;

use super::{ExchangeId, Seen, Store};

/// What is still to be judged. Nothing is noted down unless somebody judges.
#[derive(Debug, Default)]
pub(super) struct Judging {
    on: bool,
    /// New, or known better than when they were judged.
    changed: BTreeSet<ExchangeId>,
    /// Their answers grew: they are judged again now and then.
    grown: BTreeSet<ExchangeId>,
    /// All from here on had their turn: those that change often must not keep
    /// others waiting.
    turn: Option<ExchangeId>,
}

impl Judging {
    pub(super) fn changed(&mut self, id: ExchangeId) {
        if self.on {
            self.changed.insert(id);
        }
    }

    pub(super) fn grew(&mut self, id: ExchangeId) {
        if self.on {
            self.grown.insert(id);
        }
    }

    pub(super) fn gone(&mut self, id: ExchangeId) {
        self.changed.remove(&id);
        self.grown.remove(&id);
    }

    /// Whose turn it is: the newest first, round and round.
    fn next(&mut self) -> Option<ExchangeId> {
        let before = self.turn.and_then(|turn| self.changed.range(..turn).next_back().copied());
        let next = before.or_else(|| self.changed.last().copied())?;
        self.changed.remove(&next);
        self.turn = Some(next);
        Some(next)
    }
}

/// Judging: [`Scope::Matching`](super::Scope::Matching) holds what passed.
impl Store {
    /// From now on exchanges are judged: all of them anew.
    pub fn judge_all(&mut self) {
        self.stop_judging();
        self.judging.on = true;
        self.judging.changed = self.records.keys().copied().collect();
    }

    /// Nobody judges any more, and none matches.
    pub fn stop_judging(&mut self) {
        self.version += 1;
        self.judging = Judging::default();
        self.index.clear_matching();
    }

    /// These are to be judged again.
    pub fn judge_again(&mut self, ids: impl IntoIterator<Item = ExchangeId>) {
        for id in ids.into_iter().filter(|id| self.records.contains_key(id)) {
            self.judging.changed(id);
        }
    }

    /// Those whose answers grew since the last time are to be judged again.
    pub fn judge_grown(&mut self) {
        let mut grown = std::mem::take(&mut self.judging.grown);
        self.judging.changed.append(&mut grown);
    }

    /// How many are still to be judged.
    pub fn unjudged(&self) -> usize {
        self.judging.changed.len()
    }

    /// Judges what changed, until `budget` is used up: `judge` says whether an
    /// exchange matches, and what finding that out cost.
    pub fn judge(&mut self, mut budget: usize, judge: impl Fn(Seen<'_>) -> (bool, usize)) {
        while budget > 0
            && let Some(id) = self.judging.next()
        {
            let record = self.records.get(&id);
            let seen = record.and_then(|record| Seen::of(self, record));
            let (matches, cost) = seen.map_or((false, 1), &judge);
            budget = budget.saturating_sub(cost);
            self.index.match_of(id, matches);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::super::tests::exchanges;
    use super::super::{ExchangeId, Scope, Store};

    fn ids(store: &Store, scope: Scope) -> Vec<u64> {
        let at = |rank| store.exchange_at(scope, rank).map(|record| record.id.0);
        (0..store.count(scope)).filter_map(at).collect()
    }

    #[test]
    fn what_changed_is_judged_and_the_rest_is_not() {
        let mut store = exchanges(6);
        assert_eq!(store.unjudged(), 0);
        let judged = RefCell::new(Vec::new());
        let even = |seen: super::Seen<'_>| {
            judged.borrow_mut().push(seen.record.id.0);
            (seen.record.id.0.is_multiple_of(2), 10)
        };
        store.judge_all();
        // As many as the budget is for, the newest first.
        store.judge(30, even);
        assert_eq!(judged.take(), [6, 5, 4]);
        assert_eq!(ids(&store, Scope::Matching), [4, 6]);
        // One that changes again and again waits for the others.
        store.judge_again([ExchangeId(6)]);
        store.judge(20, even);
        assert_eq!(judged.take(), [3, 2]);
        store.judge(1000, even);
        assert_eq!(judged.take(), [1, 6]);
        assert_eq!(ids(&store, Scope::Matching), [2, 4, 6]);
        store.judge(1000, even);
        assert_eq!(judged.take(), [0; 0]);
        // What does not match any more leaves, and so does what is gone.
        store.judge_again([ExchangeId(4)]);
        store.judge(1000, |_| (false, 1));
        store.remove_exchange(ExchangeId(2));
        assert_eq!(ids(&store, Scope::Matching), [6]);
        store.stop_judging();
        assert_eq!(store.count(Scope::Matching), 0);
    }

    #[test]
    fn growth_is_judged_when_asked_to() {
        let mut store = exchanges(2);
        store.judge_all();
        store.judge(1000, |_| (false, 1));
        let delta = llmtop_parsers::Delta::new(
            llmtop_parsers::Timestamp(5),
            llmtop_parsers::DeltaKind::Text,
            "more".into(),
        );
        store.add_delta(ExchangeId(1), &delta);
        assert_eq!(store.unjudged(), 0);
        store.judge_grown();
        assert_eq!(store.unjudged(), 1);
        store.judge(1000, |_| (true, 1));
        assert_eq!(ids(&store, Scope::Matching), [1]);
    }
}
