//! What the views read: the store as it is, or as it was when the screen was
//! paused.

use llmtop_parsers::conversation::ConversationId;
use llmtop_parsers::{Exchange, Timestamp, UsageSource};

use super::{Frozen, Part};
use crate::store::{
    CONNECTIONS, Connection, ExchangeId, Facet, ProcessKey, ProcessTotals, Record, Scope, Store,
    Sums, Timeline, Totals, grown, hidden, is_over,
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

/// The store at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    store: &'a Store,
    frozen: Option<&'a Frozen>,
    /// Only these exchanges count.
    part: Option<Part<'a>>,
    now: Timestamp,
    /// Seconds east of Greenwich.
    pub utc_offset: i32,
}

impl<'a> Reader<'a> {
    /// Reads `store` at `now`, or what `frozen` kept of it.
    pub fn new(
        store: &'a Store,
        frozen: Option<&'a Frozen>,
        now: Timestamp,
        utc_offset: i32,
    ) -> Self {
        let now = frozen.map_or(now, |frozen| frozen.moment.at);
        Reader { store, frozen, part: None, now, utc_offset }
    }

    /// The same, with the figures of some of the exchanges alone.
    #[must_use]
    pub fn within(self, part: Option<Part<'a>>) -> Self {
        Reader { part, ..self }
    }

    /// Whose figures are read, if not those of everything.
    pub fn part(&self) -> Option<Part<'a>> {
        self.part
    }

    /// The exchanges whose figures are read, if there are less than `whole`.
    pub fn scope(&self, whole: Scope) -> Scope {
        self.part.map_or(whole, |part| part.scope)
    }

    /// The moment.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The store itself, for what does not change or does not matter.
    pub fn store(&self) -> &'a Store {
        self.store
    }

    /// Sums; those of bytes, and of what was forgotten, are always over everything.
    pub fn totals(&self) -> Totals {
        let whole = self.frozen.map_or_else(|| self.store.totals(), |it| &it.moment.totals);
        let Some(part) = self.part else { return *whole };
        Totals {
            captured_bytes: whole.captured_bytes,
            lost_bytes: whole.lost_bytes,
            evicted: whole.evicted,
            ..*part.figures.totals()
        }
    }

    /// The last quarter of an hour.
    pub fn timeline(&self) -> &'a Timeline {
        if let Some(part) = self.part {
            return part.figures.timeline();
        }
        self.frozen.map_or_else(|| self.store.timeline(), |frozen| &frozen.timeline)
    }

    /// Until when there is anything to show: now, or when the screen was paused.
    pub fn until(&self) -> Timestamp {
        self.frozen.map_or(self.now, |frozen| frozen.until)
    }

    /// The moment that a paused screen shows.
    pub fn paused(&self) -> Option<Timestamp> {
        self.frozen.map(|frozen| frozen.moment.at)
    }

    /// The same, and the first exchange that had not begun.
    pub fn moment(&self) -> Option<(Timestamp, ExchangeId)> {
        self.frozen.map(|frozen| (frozen.moment.at, frozen.moment.next))
    }

    /// Grows with every change of what is read.
    pub fn version(&self) -> u64 {
        if let Some(part) = self.part {
            return part.version;
        }
        self.frozen.map_or_else(|| self.store.version(), |frozen| frozen.moment.version)
    }

    /// Whether an exchange has begun.
    pub fn has_begun(&self, id: ExchangeId) -> bool {
        self.frozen.is_none_or(|frozen| frozen.has_begun(id))
    }

    /// Open connections among the latest, newest first.
    pub fn open_connections(&self) -> Vec<&'a Connection> {
        match self.frozen {
            Some(Frozen { moment, .. }) => {
                let ids = moment.connections.iter().rev().map(|&(id, ..)| id);
                ids.filter_map(|id| self.store.connection(id)).collect()
            }
            None => {
                let latest = self.store.connections().rev().take(CONNECTIONS);
                latest.filter(|connection| connection.closed.is_none()).collect()
            }
        }
    }

    /// Bytes captured and lost on a connection; `None`: it is not open.
    pub fn open_bytes(&self, connection: &Connection) -> Option<(u64, u64)> {
        match self.frozen {
            Some(frozen) => frozen.bytes(connection.id),
            None if connection.closed.is_some() => None,
            None => Some((connection.captured_bytes, connection.lost_bytes)),
        }
    }

    /// Every process.
    pub fn processes(&self) -> Box<dyn Iterator<Item = &'a ProcessTotals> + 'a> {
        match self.frozen {
            Some(frozen) => Box::new(frozen.moment.processes.iter()),
            None => Box::new(self.store.processes()),
        }
    }

    /// One process.
    pub fn process(&self, key: ProcessKey) -> Option<&'a ProcessTotals> {
        match self.frozen {
            Some(Frozen { moment, .. }) => moment.processes.get(key),
            None => self.store.process(key),
        }
    }

    /// What a process's exchanges add up to.
    pub fn sums(&self, key: ProcessKey) -> Option<&'a Sums> {
        match self.part {
            Some(part) => part.figures.process(key),
            None => self.process(key).map(|process| &process.sums),
        }
    }

    /// Whether a process has exchanges with an LLM.
    pub fn talks(&self, key: ProcessKey) -> bool {
        self.sums(key).is_some_and(|sums| sums.tally.exchanges > 0)
    }

    /// Groups of exchanges with their sums.
    pub fn groups(&self, facet: Facet) -> Vec<(String, Sums)> {
        let owned = |(name, sums): (&str, &Sums)| (name.to_owned(), sums.clone());
        if let Some(part) = self.part {
            return part.figures.groups(facet).map(owned).collect();
        }
        match self.frozen {
            Some(frozen) => {
                let groups = frozen.moment.groups[facet as usize].iter();
                groups.map(|(name, sums)| owned((name, sums))).collect()
            }
            None => self.store.groups(facet).map(owned).collect(),
        }
    }

    /// One exchange.
    pub fn exchange(&self, id: ExchangeId) -> Option<&'a Record> {
        match self.frozen {
            Some(frozen) if !frozen.has_begun(id) => None,
            Some(frozen) => frozen.exchange(id).or_else(|| self.store.exchange(id)),
            None => self.store.exchange(id),
        }
    }

    /// How many exchanges are in scope.
    pub fn count(&self, scope: Scope) -> usize {
        match self.frozen {
            // What ended since is not among the store's any more.
            Some(frozen) if scope == Scope::Active => frozen.unfinished.len(),
            Some(frozen) => self.store.rank_of(scope, frozen.moment.next),
            None => self.store.count(scope),
        }
    }

    /// The exchange of a rank in scope, 0 for the oldest.
    pub fn exchange_at(&self, scope: Scope, rank: usize) -> Option<&'a Record> {
        if let Some(frozen) = self.frozen.filter(|_| scope == Scope::Active) {
            return frozen.unfinished.get(rank);
        }
        let record = self.store.exchange_at(scope, rank)?;
        self.exchange(record.id)
    }

    /// The rank of an exchange in scope, or of the first after it.
    pub fn rank_of(&self, scope: Scope, id: ExchangeId) -> usize {
        if let Some(frozen) = self.frozen.filter(|_| scope == Scope::Active) {
            return frozen.unfinished.partition_point(|record| record.id < id);
        }
        self.store.rank_of(scope, id).min(self.count(scope))
    }

    /// Whether an exchange is one of those whose figures are read.
    pub fn counts(&self, record: &Record) -> bool {
        self.part.is_none_or(|part| self.store.contains(part.scope, record.id))
    }

    /// The latest exchanges of a process with an LLM, the newest first.
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
        let next = self.frozen.map(|frozen| frozen.moment.next);
        let last = all.iter().rev().find(|&&id| next.is_none_or(|next| id < next));
        last.map(|&last| (all.len(), last))
    }

    /// The exchanges of a conversation, in order.
    pub fn members(&self, id: ConversationId) -> Vec<ExchangeId> {
        let all = self.store.conversation(id);
        let next = self.frozen.map(|frozen| frozen.moment.next);
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
        let shown =
            tokens.map(|tokens| tokens.saturating_sub(known.map_or(0, |_| hidden(exchange))));
        let rate = shown.filter(|&shown| shown > 0).zip(seconds);
        let rate = rate.map(|(tokens, seconds)| tokens as f64 / seconds);
        let estimated = known.is_none() || exchange.usage.source == UsageSource::Estimated;
        Output { tokens, estimated, rate }
    }
}

/// Output tokens of an exchange.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Output {
    /// How many, if any are known of.
    pub tokens: Option<u64>,
    /// Told by the text's length, not by the API.
    pub estimated: bool,
    /// A second, since the first; without reasoning that was not sent, which was made
    /// before.
    pub rate: Option<f64>,
}
