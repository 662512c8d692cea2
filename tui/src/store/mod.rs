//! Everything that was seen and is still remembered: processes, connections,
//! exchanges. The pipeline writes, the views read.
//!
//! The store holds no more than its memory budget; the oldest finished
//! exchanges go first, and are counted. Reads of what a screen shows cost the
//! same whatever the history's length.

mod budget;
mod changes;
mod departed;
mod facet;
mod family;
mod figures;
mod index;
mod judging;
mod model;
mod moments;
mod pulse;
mod ring;
mod roster;
mod seen;
mod session;
mod shared;
mod sums;
mod tally;
mod timeline;
pub mod words;
mod write;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use llmtop_parsers::Timestamp;
use llmtop_parsers::conversation::ConversationId;
use llmtop_parsers::price::PriceTable;
use llmtop_probe::ConnId;

use budget::Budget;
pub use changes::Changes;
use changes::Noted;
use departed::Departed;
pub use facet::{Facet, client, model};
use family::Family;
pub use figures::Figures;
use index::Index;
pub use index::Scope;
use judging::Judging;
pub use judging::Sieve;
pub use model::{
    Connection, ExchangeId, ProcessKey, ProcessTotals, Record, Totals, grown, hidden,
    is_cost_estimated, is_failed, is_limited, is_over,
};
use moments::Moments;
pub use moments::{CONNECTIONS, Moment};
pub use pulse::{Beat, Pulse};
pub use roster::Roster;
pub use seen::{Seen, canonical, messages};
pub use session::{Recording, Session, Status};
pub use shared::Shared;
use sums::Groups;
pub use sums::{OTHERS, Quota, Sums};
pub use tally::Tally;
pub use timeline::{Second, Timeline};
pub(crate) use write::grow;

/// See the module.
#[derive(Debug, Default)]
pub struct Store {
    version: u64,
    totals: Totals,
    processes: Roster,
    departed: Departed,
    groups: Groups,
    timeline: Timeline,
    moments: Moments,
    /// The latest moment of which anything is known.
    latest: Timestamp,
    connections: BTreeMap<ConnId, Connection>,
    records: BTreeMap<ExchangeId, Record>,
    conversations: HashMap<ConversationId, Vec<ExchangeId>>,
    family: Family,
    prices: Arc<PriceTable>,
    index: Index,
    budget: Budget,
    judging: Judging,
    changes: Noted,
    /// Closed connections that carried no exchange that is kept, oldest first.
    retired: VecDeque<ConnId>,
    /// How many kept exchanges a connection carried.
    carried: HashMap<ConnId, usize>,
}

/// Reading, for the views.
impl Store {
    /// Grows with every change: a screen drawn at this version is still true.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// What exchanges are priced by, and how large context windows are.
    pub fn prices(&self) -> &PriceTable {
        &self.prices
    }

    /// Sums over everything seen.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Processes with exchanges, in order of their first.
    pub fn processes(&self) -> impl DoubleEndedIterator<Item = &ProcessTotals> {
        self.processes.iter()
    }

    /// How many those are.
    pub fn process_count(&self) -> usize {
        self.processes.len()
    }

    /// One process.
    pub fn process(&self, key: ProcessKey) -> Option<&ProcessTotals> {
        self.processes.get(key)
    }

    /// Groups of exchanges with their sums, by name.
    pub fn groups(&self, facet: Facet) -> impl Iterator<Item = (&str, &Sums)> {
        self.groups.of(facet)
    }

    /// The last quarter of an hour.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The latest moment of which an exchange tells anything; 0: there is none.
    pub fn latest(&self) -> Timestamp {
        self.latest
    }

    /// Connections, in order of opening.
    pub fn connections(&self) -> impl DoubleEndedIterator<Item = &Connection> {
        self.connections.values()
    }

    /// One connection.
    pub fn connection(&self, id: ConnId) -> Option<&Connection> {
        self.connections.get(&id)
    }

    /// Exchanges, in order of beginning.
    pub fn exchanges(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.records.values()
    }

    /// One exchange.
    pub fn exchange(&self, id: ExchangeId) -> Option<&Record> {
        self.records.get(&id)
    }

    /// The exchanges of a conversation, in order.
    pub fn conversation(&self, id: ConversationId) -> &[ExchangeId] {
        self.conversations.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The conversations of a process, in order of their beginning.
    pub fn conversations_of(&self, process: ProcessKey) -> &[ConversationId] {
        self.index.conversations(process)
    }

    /// How many exchanges are in scope.
    pub fn count(&self, scope: Scope) -> usize {
        self.index.scope(scope).map_or(0, |ranked| ranked.len())
    }

    /// The exchange of a rank in scope, 0 for the oldest. Costs the same
    /// whatever the history's length.
    pub fn exchange_at(&self, scope: Scope, rank: usize) -> Option<&Record> {
        self.index.scope(scope)?.at(rank).and_then(|id| self.records.get(&id))
    }

    /// Whether an exchange is in scope.
    pub fn contains(&self, scope: Scope, id: ExchangeId) -> bool {
        self.index.contains(scope, id)
    }

    /// The rank of an exchange in scope, or of the first after it.
    pub fn rank_of(&self, scope: Scope, id: ExchangeId) -> usize {
        self.index.scope(scope).map_or(0, |ranked| ranked.rank(id))
    }
}

#[cfg(test)]
mod tests;
