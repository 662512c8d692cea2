//! Which exchanges changed, for a list that is kept in an order of its own.

use std::collections::BTreeSet;

use super::{ExchangeId, Store};

/// So many that changed are told one by one.
const MOST: usize = 10_000;

/// What changed since it was last asked for. Nothing is noted down unless somebody asks.
#[derive(Debug, Default)]
pub(super) struct Noted {
    on: bool,
    changes: Changes,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// These exchanges did: they are new, known better, gone, or judged otherwise.
    Of(BTreeSet<ExchangeId>),
    /// Any may have.
    Any,
}

impl Default for Changes {
    fn default() -> Self {
        Changes::Of(BTreeSet::new())
    }
}

impl Noted {
    pub(super) fn note(&mut self, id: ExchangeId) {
        let Changes::Of(ids) = &mut self.changes else { return };
        if self.on {
            ids.insert(id);
            if ids.len() > MOST {
                self.changes = Changes::Any;
            }
        }
    }
}

impl Store {
    /// What changed since this was last called; from now on that is noted down.
    pub fn take_changes(&mut self) -> Changes {
        let changes = std::mem::take(&mut self.changes.changes);
        if std::mem::replace(&mut self.changes.on, true) { changes } else { Changes::Any }
    }

    /// Nobody wants to know any more.
    pub fn forget_changes(&mut self) {
        self.changes = Noted::default();
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::exchanges;
    use super::super::{ExchangeId, Scope, Sieve};
    use super::{Changes, MOST};

    #[test]
    fn what_changed_is_told_once() {
        let of = |ids: &[u64]| Changes::Of(ids.iter().copied().map(ExchangeId).collect());
        let mut store = exchanges(3);
        assert_eq!(store.take_changes(), Changes::Any, "nothing was noted down before");
        assert_eq!(store.take_changes(), of(&[]));
        let record = store.exchange_at(Scope::All, 0).unwrap().clone();
        store.put_exchange(record);
        store.remove_exchange(ExchangeId(2));
        store.judge_all(Sieve::Filter);
        store.judge(Sieve::Filter, 1000, |seen| (seen.record.id.0 == 3, 1));
        assert_eq!(store.take_changes(), of(&[1, 2, 3]));
        for id in 0..=MOST as u64 {
            store.changes.note(ExchangeId(id));
        }
        assert_eq!(store.take_changes(), Changes::Any);
        assert_eq!(store.take_changes(), of(&[]));
        store.forget_changes();
        store.changes.note(ExchangeId(1));
        assert_eq!(store.take_changes(), Changes::Any);
    }
}
