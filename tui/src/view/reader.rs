//! What the views read: the store as it is, or as it was when the screen was
//! paused.

use std::collections::HashMap;

use llmtop_parsers::conversation::ConversationId;
use llmtop_parsers::{Exchange, Timestamp, UsageSource};

use crate::store::{
    Connection, ExchangeId, Facet, ProcessKey, ProcessTotals, Record, Scope, Store, Sums, Timeline,
    Totals, grown, is_over,
};

/// Which exchanges are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Show {
    /// Those with an LLM, others dimmed.
    #[default]
    Smart,
    /// Those with an LLM.
    LlmOnly,
    /// All, alike.
    All,
}

/// What the store said when the screen was paused, where that changes.
/// Finished exchanges do not.
#[derive(Clone, Debug)]
pub struct Frozen {
    now: Timestamp,
    totals: Totals,
    processes: Vec<ProcessTotals>,
    groups: [Vec<(String, Sums)>; 3],
    next: ExchangeId,
    unfinished: HashMap<ExchangeId, Record>,
}

/// The store at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    store: &'a Store,
    frozen: Option<&'a Frozen>,
    now: Timestamp,
    /// Seconds east of Greenwich.
    pub utc_offset: i32,
}

impl Frozen {
    /// Keeps what is going to change.
    pub fn new(store: &Store, now: Timestamp) -> Self {
        let unfinished = (0..store.count(Scope::Active))
            .filter_map(|rank| store.exchange_at(Scope::Active, rank))
            .map(|record| (record.id, record.clone()))
            .collect();
        let newest = store.count(Scope::All).checked_sub(1);
        let newest = newest.and_then(|rank| store.exchange_at(Scope::All, rank));
        Frozen {
            now,
            totals: *store.totals(),
            processes: store.processes().cloned().collect(),
            groups: [Facet::Agent, Facet::Model, Facet::Provider].map(|facet| groups(store, facet)),
            next: ExchangeId(newest.map_or(0, |record| record.id.0 + 1)),
            unfinished,
        }
    }

    /// What had not ended.
    pub fn unfinished(&self) -> impl Iterator<Item = ExchangeId> {
        self.unfinished.keys().copied()
    }

    /// An exchange that had not ended, as it was.
    pub fn exchange(&self, id: ExchangeId) -> Option<&Record> {
        self.unfinished.get(&id)
    }
}

impl<'a> Reader<'a> {
    /// Reads `store` at `now`, or what `frozen` kept of it.
    pub fn new(
        store: &'a Store,
        frozen: Option<&'a Frozen>,
        now: Timestamp,
        utc_offset: i32,
    ) -> Self {
        let now = frozen.map_or(now, |frozen| frozen.now);
        Reader { store, frozen, now, utc_offset }
    }

    /// The moment.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The store itself, for what does not change or does not matter.
    pub fn store(&self) -> &'a Store {
        self.store
    }

    /// Sums over everything.
    pub fn totals(&self) -> &'a Totals {
        self.frozen.map_or_else(|| self.store.totals(), |frozen| &frozen.totals)
    }

    /// The last quarter of an hour.
    pub fn timeline(&self) -> &'a Timeline {
        self.store.timeline()
    }

    /// The moment at which the screen is paused, if it is.
    pub fn paused(&self) -> Option<Timestamp> {
        self.frozen.map(|frozen| frozen.now)
    }

    /// Every process.
    pub fn processes(&self) -> Box<dyn Iterator<Item = &'a ProcessTotals> + 'a> {
        match self.frozen {
            Some(frozen) => Box::new(frozen.processes.iter()),
            None => Box::new(self.store.processes()),
        }
    }

    /// One process.
    pub fn process(&self, key: ProcessKey) -> Option<&'a ProcessTotals> {
        match self.frozen {
            Some(frozen) => frozen
                .processes
                .binary_search_by_key(&key, |process| process.key)
                .ok()
                .and_then(|at| frozen.processes.get(at)),
            None => self.store.process(key),
        }
    }

    /// Groups of exchanges with their sums.
    pub fn groups(&self, facet: Facet) -> Vec<(String, Sums)> {
        match self.frozen {
            Some(frozen) => frozen.groups[facet as usize].clone(),
            None => groups(self.store, facet),
        }
    }

    /// One exchange.
    pub fn exchange(&self, id: ExchangeId) -> Option<&'a Record> {
        let kept = self.frozen.and_then(|frozen| frozen.exchange(id));
        kept.or_else(|| self.store.exchange(id))
    }

    /// How many exchanges are in scope.
    pub fn count(&self, scope: Scope) -> usize {
        match self.frozen {
            Some(frozen) => self.store.rank_of(scope, frozen.next),
            None => self.store.count(scope),
        }
    }

    /// The exchange of a rank in scope, 0 for the oldest.
    pub fn exchange_at(&self, scope: Scope, rank: usize) -> Option<&'a Record> {
        let record = self.store.exchange_at(scope, rank)?;
        self.exchange(record.id)
    }

    /// The rank of an exchange in scope, or of the first after it.
    pub fn rank_of(&self, scope: Scope, id: ExchangeId) -> usize {
        self.store.rank_of(scope, id).min(self.count(scope))
    }

    /// The exchanges of a process that are still answered, among its latest.
    pub fn latest_of(&self, process: ProcessKey, at_most: usize) -> Vec<&'a Record> {
        let scope = Scope::ProcessLlm(process);
        let count = self.count(scope);
        (count.saturating_sub(at_most)..count)
            .rev()
            .filter_map(|rank| self.exchange_at(scope, rank))
            .collect()
    }

    /// The latest exchange that a connection carries, among its process's latest.
    pub fn latest_on(&self, connection: &Connection) -> Option<&'a Record> {
        let latest = self.latest_of(connection.process, 256);
        latest.into_iter().find(|record| record.connection == connection.id)
    }

    /// How many exchanges a conversation has, and the latest.
    pub fn extent(&self, id: ConversationId) -> Option<(usize, ExchangeId)> {
        let all = self.store.conversation(id);
        let next = self.frozen.map(|frozen| frozen.next);
        let last = all.iter().rev().find(|&&id| next.is_none_or(|next| id < next));
        last.map(|&last| (all.len(), last))
    }

    /// The exchanges of a conversation, in order.
    pub fn members(&self, id: ConversationId) -> Vec<ExchangeId> {
        let all = self.store.conversation(id);
        let next = self.frozen.map(|frozen| frozen.next);
        all.iter().copied().filter(|&id| next.is_none_or(|next| id < next)).collect()
    }

    /// Milliseconds an exchange has lasted. One that has not ended lasts until
    /// now.
    pub fn elapsed(&self, exchange: &Exchange) -> f64 {
        let timing = &exchange.timing;
        let last = timing.ended.unwrap_or_else(|| {
            let last = timing.last_token.or(timing.first_byte).or(timing.sent);
            let last = last.unwrap_or(timing.started);
            self.now.max(last)
        });
        last.millis_since(timing.started)
    }

    /// Output tokens so far (estimated while the answer grows), and their
    /// rate a second since the first.
    pub fn output(&self, exchange: &Exchange) -> Output {
        let known = exchange.usage.output_tokens.filter(|_| is_over(exchange));
        let grown = grown(exchange);
        // About four bytes a token, the usual rule of thumb.
        let tokens = known.or((grown > 0).then_some(grown as u64 / 4 + 1));
        let timing = &exchange.timing;
        let end = if is_over(exchange) {
            timing.last_token
        } else {
            timing.last_token.max(Some(self.now))
        };
        let seconds = timing
            .first_token
            .zip(end)
            .map(|(first, last)| last.millis_since(first) / 1e3)
            .filter(|&seconds| (0.02..86_400.0).contains(&seconds));
        let rate = tokens.zip(seconds).map(|(tokens, seconds)| tokens as f64 / seconds);
        let estimated = known.is_none() || exchange.usage.source == UsageSource::Estimated;
        Output { tokens, estimated, rate }
    }
}

fn groups(store: &Store, facet: Facet) -> Vec<(String, Sums)> {
    store.groups(facet).map(|(name, sums)| (name.to_owned(), sums.clone())).collect()
}

/// Output tokens of an exchange.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Output {
    /// How many, if any are known of.
    pub tokens: Option<u64>,
    /// Told by the text's length, not by the API.
    pub estimated: bool,
    /// A second, since the first.
    pub rate: Option<f64>,
}
