//! Exchanges by rank: what a list needs to show any window of a long history
//! at the same cost.

use std::collections::{HashMap, VecDeque};

use llmtop_parsers::State;
use llmtop_parsers::conversation::ConversationId;

use super::{ExchangeId, ProcessKey, Record};

/// A list of exchanges that can be asked for any window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Every exchange.
    All,
    /// Those with an LLM.
    Llm,
    /// Those whose answer has not ended.
    Active,
    /// Those of one process with an LLM.
    ProcessLlm(ProcessKey),
    /// Those that the screen's filter matches, as far as they were judged.
    Matching,
    /// Those of them that belong to what is chosen on the screen, likewise.
    Chosen,
}

/// Ids in order, by rank. Ids come almost in order and leave almost from the
/// front, so both ends are cheap and the middle is rare.
#[derive(Debug, Default)]
pub(super) struct Ranked(VecDeque<ExchangeId>);

impl Ranked {
    pub(super) fn insert(&mut self, id: ExchangeId) {
        if self.0.back().is_none_or(|&last| last < id) {
            self.0.push_back(id);
        } else if let Err(rank) = self.0.binary_search(&id) {
            self.0.insert(rank, id);
        }
    }

    pub(super) fn remove(&mut self, id: ExchangeId) {
        if let Ok(rank) = self.0.binary_search(&id) {
            self.0.remove(rank);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn at(&self, rank: usize) -> Option<ExchangeId> {
        self.0.get(rank).copied()
    }

    pub(super) fn contains(&self, id: ExchangeId) -> bool {
        self.0.binary_search(&id).is_ok()
    }

    /// The last before `id`.
    pub(super) fn before(&self, id: ExchangeId) -> Option<ExchangeId> {
        self.at(self.rank(id).checked_sub(1)?)
    }

    /// The rank of `id`, or of the first after it.
    pub(super) fn rank(&self, id: ExchangeId) -> usize {
        self.0.partition_point(|&other| other < id)
    }
}

/// One [`Ranked`] a scope, and each process's conversations.
#[derive(Debug, Default)]
pub(super) struct Index {
    scopes: HashMap<Scope, Ranked>,
    conversations: HashMap<ProcessKey, Vec<ConversationId>>,
}

impl Index {
    pub(super) fn scope(&self, scope: Scope) -> Option<&Ranked> {
        self.scopes.get(&scope)
    }

    pub(super) fn conversations(&self, process: ProcessKey) -> &[ConversationId] {
        self.conversations.get(&process).map_or(&[], Vec::as_slice)
    }

    /// Files what is now known of an exchange; `before` is what was filed.
    pub(super) fn put(&mut self, before: Option<&Record>, now: &Record) {
        if let Some(before) = before {
            let old = memberships(before);
            let new = memberships(now);
            for scope in old.into_iter().flatten().filter(|scope| !new.contains(&Some(*scope))) {
                self.leave(scope, now.id);
            }
        }
        for scope in memberships(now).into_iter().flatten() {
            self.scopes.entry(scope).or_default().insert(now.id);
        }
    }

    /// Files a conversation.
    pub(super) fn put_conversation(&mut self, process: ProcessKey, id: ConversationId) {
        let known = self.conversations.entry(process).or_default();
        if let Err(place) = known.binary_search(&id) {
            known.insert(place, id);
        }
    }

    /// Forgets an exchange.
    pub(super) fn remove(&mut self, record: &Record) {
        for scope in memberships(record).into_iter().flatten() {
            self.leave(scope, record.id);
        }
        self.leave(Scope::Matching, record.id);
        self.leave(Scope::Chosen, record.id);
    }

    /// Whether an exchange is in scope.
    pub(super) fn contains(&self, scope: Scope, id: ExchangeId) -> bool {
        self.scope(scope).is_some_and(|ranked| ranked.contains(id))
    }

    /// Files whether an exchange is in a scope of which others are the judges. `true`:
    /// that is new.
    pub(super) fn judged(&mut self, scope: Scope, id: ExchangeId, passes: bool) -> bool {
        let before = self.contains(scope, id);
        match (before, passes) {
            (false, true) => self.scopes.entry(scope).or_default().insert(id),
            (true, false) => self.leave(scope, id),
            _ => {}
        }
        before != passes
    }

    /// Nothing is in this scope.
    pub(super) fn clear(&mut self, scope: Scope) {
        self.scopes.remove(&scope);
    }

    /// Forgets a conversation none of whose exchanges is left.
    pub(super) fn remove_conversation(&mut self, process: ProcessKey, id: ConversationId) {
        if let Some(known) = self.conversations.get_mut(&process) {
            if let Ok(place) = known.binary_search(&id) {
                known.remove(place);
            }
            if known.is_empty() {
                self.conversations.remove(&process);
            }
        }
    }

    fn leave(&mut self, scope: Scope, id: ExchangeId) {
        if let Some(ranked) = self.scopes.get_mut(&scope) {
            ranked.remove(id);
            if ranked.len() == 0 {
                self.scopes.remove(&scope);
            }
        }
    }
}

fn memberships(record: &Record) -> [Option<Scope>; 4] {
    let llm = record.exchange.dialect.is_some();
    let active = matches!(record.exchange.state, State::Pending | State::Streaming);
    [
        Some(Scope::All),
        llm.then_some(Scope::Llm),
        active.then_some(Scope::Active),
        llm.then_some(Scope::ProcessLlm(record.process)),
    ]
}

#[cfg(test)]
mod tests {
    use super::{ExchangeId, Ranked};

    #[test]
    fn ids_are_ranked_however_they_come() {
        let mut ranked = Ranked::default();
        for id in [1, 4, 9, 3, 4, 12] {
            ranked.insert(ExchangeId(id));
        }
        let ids: Vec<u64> = (0..ranked.len()).filter_map(|rank| Some(ranked.at(rank)?.0)).collect();
        assert_eq!(ids, [1, 3, 4, 9, 12]);
        assert_eq!(ranked.rank(ExchangeId(9)), 3);
        assert_eq!(ranked.rank(ExchangeId(10)), 4);
        ranked.remove(ExchangeId(4));
        ranked.remove(ExchangeId(5));
        assert_eq!(ranked.len(), 4);
        assert_eq!(ranked.at(2), Some(ExchangeId(9)));
    }
}
