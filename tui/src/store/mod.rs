//! Everything that was seen and is still remembered: processes, connections,
//! exchanges. The pipeline writes, the views read.
//!
//! The store holds no more than its memory budget; the oldest finished
//! exchanges go first, and are counted. Reads of what a screen shows cost the
//! same whatever the history's length.

mod index;
mod session;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use llmtop_parsers::conversation::ConversationId;
use llmtop_parsers::{Delta, DeltaKind, Exchange, State};
use llmtop_probe::{ConnId, Endpoint, Process, Timestamp, Tls};

use index::Index;
pub use index::Scope;
pub use session::{Session, Status};

/// Names an exchange in the store; in order of their beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId(pub u64);

/// Names a process run: pids are used again, these are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessKey(pub u64);

/// What is known of a connection.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The probe's name for it.
    pub id: ConnId,
    /// Whose it is.
    pub process: ProcessKey,
    /// The thread first seen using it.
    pub tid: u32,
    /// Whose plaintext.
    pub tls: Tls,
    /// Its ends.
    pub endpoint: Endpoint,
    /// Its role, once a request was seen.
    pub role: Option<llmtop_parsers::Role>,
    /// Its protocol, once detected.
    pub protocol: Option<llmtop_parsers::Protocol>,
    /// Seen from its middle on.
    pub joined_midway: bool,
    /// When it opened.
    pub opened: Timestamp,
    /// When it closed.
    pub closed: Option<Timestamp>,
    /// Bytes captured, both directions.
    pub captured_bytes: u64,
    /// Bytes lost, both directions.
    pub lost_bytes: u64,
    /// Bytes counted and deliberately not copied.
    pub ignored_bytes: u64,
    /// The process at the other end, where it is on this machine.
    pub peer_process: Option<Arc<Process>>,
}

/// An exchange with where it belongs.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its name here.
    pub id: ExchangeId,
    /// Its name outside: a ULID.
    pub ulid: String,
    /// Whom it is credited to.
    pub process: ProcessKey,
    /// What carries it.
    pub connection: ConnId,
    /// What it continues.
    pub conversation: Option<ConversationId>,
    /// The exchange.
    pub exchange: Exchange,
    /// Deltas so far.
    pub deltas: u64,
}

/// A process and what its exchanges add up to.
#[derive(Clone, Debug)]
pub struct ProcessTotals {
    /// Its name here.
    pub key: ProcessKey,
    /// The facts.
    pub process: Arc<Process>,
    /// When it ended, if it did.
    pub ended: Option<Timestamp>,
    /// LLM exchanges.
    pub exchanges: u64,
    /// Exchanges whose answer has not ended.
    pub active: u64,
    /// Exchanges that failed.
    pub errors: u64,
    /// Sums over ended exchanges; estimates included.
    pub input_tokens: u64,
    /// Likewise.
    pub output_tokens: u64,
    /// Likewise.
    pub cache_read_tokens: u64,
    /// Some of the figures are estimates.
    pub estimated: bool,
    /// Sum of known costs, US dollars.
    pub usd: f64,
    /// Exchanges whose cost is unknown.
    pub unpriced: u64,
    /// Latest activity.
    pub last_active: Timestamp,
}

/// Sums over everything seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// LLM exchanges.
    pub exchanges: u64,
    /// All exchanges, LLM or not.
    pub all_exchanges: u64,
    /// Exchanges whose answer has not ended.
    pub active: u64,
    /// Tokens in.
    pub input_tokens: u64,
    /// Tokens out.
    pub output_tokens: u64,
    /// Known costs, US dollars.
    pub usd: f64,
    /// Exchanges whose cost is unknown.
    pub unpriced: u64,
    /// Bytes captured.
    pub captured_bytes: u64,
    /// Bytes lost.
    pub lost_bytes: u64,
    /// Exchanges forgotten to stay inside the memory budget.
    pub evicted: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Store {
    version: u64,
    totals: Totals,
    processes: BTreeMap<ProcessKey, ProcessTotals>,
    connections: BTreeMap<ConnId, Connection>,
    records: BTreeMap<ExchangeId, Record>,
    conversations: HashMap<ConversationId, Vec<ExchangeId>>,
    index: Index,
}

/// Reading, for the views.
impl Store {
    /// Grows with every change: a screen drawn at this version is still true.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Sums over everything seen.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Processes with exchanges, in order of their first.
    pub fn processes(&self) -> impl DoubleEndedIterator<Item = &ProcessTotals> {
        self.processes.values()
    }

    /// How many processes there are.
    pub fn process_count(&self) -> usize {
        self.processes.len()
    }

    /// One process.
    pub fn process(&self, key: ProcessKey) -> Option<&ProcessTotals> {
        self.processes.get(&key)
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

    /// The rank of an exchange in scope, or of the first after it.
    pub fn rank_of(&self, scope: Scope, id: ExchangeId) -> usize {
        self.index.scope(scope).map_or(0, |ranked| ranked.rank(id))
    }
}

/// Writing, for the pipeline.
impl Store {
    /// A process showed up, or became another program.
    pub fn put_process(&mut self, key: ProcessKey, process: Arc<Process>, now: Timestamp) {
        self.version += 1;
        self.processes
            .entry(key)
            .and_modify(|totals| totals.process = Arc::clone(&process))
            .or_insert_with(|| ProcessTotals {
                key,
                process,
                ended: None,
                exchanges: 0,
                active: 0,
                errors: 0,
                input_tokens: 0,
                output_tokens: 0,
                cache_read_tokens: 0,
                estimated: false,
                usd: 0.0,
                unpriced: 0,
                last_active: now,
            });
    }

    /// A connection opened, or more is known of it.
    pub fn put_connection(&mut self, connection: Connection) {
        self.version += 1;
        self.connections.insert(connection.id, connection);
    }

    /// An exchange began, or more is known of it.
    pub fn put_exchange(&mut self, record: Record) {
        self.version += 1;
        if let Some(conversation) = record.conversation {
            let members = self.conversations.entry(conversation).or_default();
            if !members.contains(&record.id) {
                members.push(record.id);
            }
        }
        self.index.put(self.records.get(&record.id), &record);
        self.records.insert(record.id, record);
    }

    /// An answer grew.
    pub fn add_delta(&mut self, id: ExchangeId, delta: &Delta) {
        self.version += 1;
        let Some(record) = self.records.get_mut(&id) else {
            return;
        };
        record.deltas += 1;
        let exchange = &mut record.exchange;
        // An answer that ended stays so (and stays out of the active index).
        if exchange.state == State::Pending {
            exchange.state = State::Streaming;
        }
        let at = llmtop_parsers::Timestamp(delta.at.0);
        exchange.timing.first_token.get_or_insert(at);
        exchange.timing.last_token = Some(at);
        match delta.kind {
            DeltaKind::Text => {
                exchange.response.text.get_or_insert_default().push_str(&delta.text);
            }
            DeltaKind::Reasoning => {
                exchange.response.reasoning.get_or_insert_default().push_str(&delta.text);
            }
            DeltaKind::ToolCall => {}
        }
    }

    /// It turned out to be the other end of one that is shown.
    pub fn remove_exchange(&mut self, id: ExchangeId) {
        self.version += 1;
        let Some(record) = self.records.remove(&id) else {
            return;
        };
        self.index.remove(&record);
        let Some(conversation) = record.conversation else {
            return;
        };
        if let Some(members) = self.conversations.get_mut(&conversation) {
            members.retain(|&other| other != id);
            if members.is_empty() {
                self.conversations.remove(&conversation);
                self.index.remove_conversation(record.process, conversation);
            }
        }
    }
}
