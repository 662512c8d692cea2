//! Which exchanges the screen's filter matches, and which of those belong to what is
//! chosen there, kept up to date by looking at those that changed.

use std::collections::BTreeSet;

use super::index::Ranked;
use super::sums::Change;
use super::{ExchangeId, Figures, Record, Scope, Seen, Store};

/// By what exchanges are judged. What the filter leaves out is not chosen either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sieve {
    /// The filter.
    Filter,
    /// What is chosen.
    Choice,
}

/// What is still to be judged, by each.
#[derive(Debug, Default)]
pub(super) struct Judging {
    filter: Waiting,
    choice: Waiting,
    /// Their answers grew: the filter judges them again now and then.
    grown: BTreeSet<ExchangeId>,
    /// How often something else was asked, and how often a verdict was another one
    /// than before.
    questions: u64,
    verdicts: u64,
}

/// What one is still to judge. Nothing is noted down unless it judges.
#[derive(Debug, Default)]
struct Waiting {
    on: bool,
    /// New, or known better than when they were judged.
    changed: BTreeSet<ExchangeId>,
    /// Those before it were never judged: one after the other they are, the newest first.
    unseen: ExchangeId,
    /// All from here on had their turn: those that change often must not keep
    /// others waiting.
    turn: Option<ExchangeId>,
    /// What those that passed add up to.
    figures: Figures,
}

impl Sieve {
    /// Both.
    pub const ALL: [Sieve; 2] = [Sieve::Filter, Sieve::Choice];

    /// What passes.
    pub fn scope(self) -> Scope {
        match self {
            Sieve::Filter => Scope::Matching,
            Sieve::Choice => Scope::Chosen,
        }
    }
}

impl Judging {
    pub(super) fn changed(&mut self, id: ExchangeId) {
        self.filter.changed(id);
        self.choice.changed(id);
    }

    pub(super) fn grew(&mut self, id: ExchangeId) {
        if self.filter.on {
            self.grown.insert(id);
        }
    }

    pub(super) fn gone(&mut self, id: ExchangeId) {
        self.filter.changed.remove(&id);
        self.choice.changed.remove(&id);
        self.grown.remove(&id);
    }

    /// What those that passed add up to.
    pub(super) fn figures(&mut self, sieve: Sieve) -> &mut Figures {
        &mut self.of(sieve).figures
    }

    fn of(&mut self, sieve: Sieve) -> &mut Waiting {
        match sieve {
            Sieve::Filter => &mut self.filter,
            Sieve::Choice => &mut self.choice,
        }
    }
}

impl Waiting {
    /// It judges all.
    fn all(&mut self) {
        self.on = true;
        self.changed.clear();
        (self.unseen, self.turn) = (ExchangeId(u64::MAX), None);
    }

    fn changed(&mut self, id: ExchangeId) {
        if self.on && id >= self.unseen {
            self.changed.insert(id);
        }
    }

    /// Whose turn it is of `all`: the newest first, round and round.
    fn next(&mut self, all: &Ranked) -> Option<ExchangeId> {
        let under = |turn: ExchangeId| {
            let changed = self.changed.range(..turn).next_back().copied();
            changed.max(all.before(turn.min(self.unseen)))
        };
        let last = ExchangeId(u64::MAX);
        let next = under(self.turn.unwrap_or(last)).or_else(|| under(last))?;
        if !self.changed.remove(&next) {
            self.unseen = next;
        }
        self.turn = Some(next);
        Some(next)
    }

    fn count(&self, all: &Ranked) -> usize {
        self.changed.len() + all.rank(self.unseen)
    }
}

/// Judging: [`Scope::Matching`] and [`Scope::Chosen`] hold what passed.
impl Store {
    /// From now on exchanges are judged: all of them anew.
    pub fn judge_all(&mut self, sieve: Sieve) {
        self.stop_judging(sieve);
        self.judging.of(sieve).all();
    }

    /// It judges no more, and lets nothing pass.
    pub fn stop_judging(&mut self, sieve: Sieve) {
        self.version += 1;
        self.judging.questions += 1;
        *self.judging.of(sieve) = Waiting::default();
        self.index.clear(sieve.scope());
        if sieve == Sieve::Filter {
            self.judging.grown.clear();
            if self.judging.choice.on {
                // What was left out may pass now.
                self.judging.choice.all();
            }
        }
    }

    /// These are to be judged again.
    pub fn judge_again(&mut self, ids: impl IntoIterator<Item = ExchangeId>) {
        for id in ids.into_iter().filter(|id| self.records.contains_key(id)) {
            self.judging.changed(id);
        }
    }

    /// The filter is to judge those again whose answers grew since the last time.
    pub fn judge_grown(&mut self) {
        for id in std::mem::take(&mut self.judging.grown) {
            self.judging.filter.changed(id);
        }
    }

    /// How many are still to be judged.
    pub fn unjudged(&self) -> usize {
        let Some(all) = self.index.scope(Scope::All) else { return 0 };
        self.judging.filter.count(all) + self.judging.choice.count(all)
    }

    /// What those that pass add up to.
    pub fn figures(&self, sieve: Sieve) -> &Figures {
        match sieve {
            Sieve::Filter => &self.judging.filter.figures,
            Sieve::Choice => &self.judging.choice.figures,
        }
    }

    /// Grows whenever something else is asked.
    pub fn questions(&self) -> u64 {
        self.judging.questions
    }

    /// Grows whenever a verdict is another one than before.
    pub fn verdicts(&self) -> u64 {
        self.judging.verdicts
    }

    /// Judges what changed, until `budget` is used up: `judge` says whether an
    /// exchange passes, and what finding that out cost. Gives what is left of it.
    pub fn judge(
        &mut self,
        sieve: Sieve,
        mut budget: usize,
        judge: impl Fn(Seen<'_>) -> (bool, usize),
    ) -> usize {
        let filtered = sieve == Sieve::Choice && self.judging.filter.on;
        while budget > 0
            && let Some(all) = self.index.scope(Scope::All)
            && let Some(id) = self.judging.of(sieve).next(all)
        {
            let left_out = filtered && !self.index.contains(Scope::Matching, id);
            let record = self.records.get(&id).filter(|_| !left_out);
            let seen = record.and_then(|record| Seen::of(self, record));
            let (passes, cost) = seen.map_or((false, 1), &judge);
            budget = budget.saturating_sub(cost);
            if self.index.judged(sieve.scope(), id, passes) {
                self.judging.verdicts += 1;
                self.changes.note(id);
                if sieve == Sieve::Filter {
                    self.judging.choice.changed(id);
                }
                if let Some(record) = self.records.get(&id) {
                    let figures = self.judging.figures(sieve);
                    match passes {
                        true => figures.put(None, &Change::new(None, record)),
                        false => figures.take(record),
                    }
                }
            }
        }
        budget
    }

    /// An exchange that has passed is gone.
    pub(super) fn leaves(&mut self, record: &Record) {
        for sieve in Sieve::ALL {
            if self.index.contains(sieve.scope(), record.id) {
                self.judging.figures(sieve).take(record);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::super::tests::exchanges;
    use super::super::{ExchangeId, Scope, Store};
    use super::Sieve::{Choice, Filter};

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
        store.judge_all(Filter);
        // As many as the budget is for, the newest first.
        store.judge(Filter, 30, even);
        assert_eq!(judged.take(), [6, 5, 4]);
        assert_eq!(ids(&store, Scope::Matching), [4, 6]);
        // One that changes again and again waits for the others.
        store.judge_again([ExchangeId(6)]);
        store.judge(Filter, 20, even);
        assert_eq!(judged.take(), [3, 2]);
        store.judge(Filter, 1000, even);
        assert_eq!(judged.take(), [1, 6]);
        assert_eq!(ids(&store, Scope::Matching), [2, 4, 6]);
        store.judge(Filter, 1000, even);
        assert_eq!(judged.take(), [0; 0]);
        // What does not match any more leaves, and so does what is gone.
        store.judge_again([ExchangeId(4)]);
        store.judge(Filter, 1000, |_| (false, 1));
        store.remove_exchange(ExchangeId(2));
        assert_eq!(ids(&store, Scope::Matching), [6]);
        store.stop_judging(Filter);
        assert_eq!(store.count(Scope::Matching), 0);
    }

    #[test]
    fn growth_is_judged_when_asked_to() {
        let mut store = exchanges(2);
        store.judge_all(Filter);
        store.judge(Filter, 1000, |_| (false, 1));
        let delta = llmtop_parsers::Delta::new(
            llmtop_parsers::Timestamp(5),
            llmtop_parsers::DeltaKind::Text,
            "more".into(),
        );
        store.add_delta(ExchangeId(1), &delta);
        assert_eq!(store.unjudged(), 0);
        store.judge_grown();
        assert_eq!(store.unjudged(), 1);
        store.judge(Filter, 1000, |_| (true, 1));
        assert_eq!(ids(&store, Scope::Matching), [1]);
    }

    #[test]
    fn what_is_chosen_passes_the_filter_too() {
        let mut store = exchanges(6);
        let ids = |store: &Store| ids(store, Scope::Chosen);
        store.judge_all(Choice);
        store.judge(Choice, 1000, |seen| (seen.record.id.0 > 2, 1));
        assert_eq!(ids(&store), [3, 4, 5, 6]);
        // A filter is set, changes its mind, and ends.
        let verdicts = store.verdicts();
        store.judge_all(Filter);
        store.judge(Filter, 1000, |seen| (seen.record.id.0.is_multiple_of(2), 1));
        let judge = |store: &mut Store| store.judge(Choice, 1000, |it| (it.record.id.0 > 2, 1));
        store.judge_all(Choice);
        judge(&mut store);
        assert_eq!(ids(&store), [4, 6]);
        assert!(store.verdicts() > verdicts);
        store.judge_again([ExchangeId(4), ExchangeId(5)]);
        store.judge(Filter, 1000, |seen| (seen.record.id.0 == 5, 1));
        judge(&mut store);
        assert_eq!(ids(&store), [5, 6]);
        store.stop_judging(Filter);
        judge(&mut store);
        assert_eq!((ids(&store), store.unjudged()), (vec![3, 4, 5, 6], 0));
    }
}
