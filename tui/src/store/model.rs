//! What the store holds, and what its figures mean.

use std::sync::Arc;

use llmtop_parsers::conversation::ConversationId;
use llmtop_parsers::{CostSource, Exchange, State, UsageSource};
use llmtop_probe::{ConnId, Endpoint, Process, Timestamp, Tls};

use super::{Sums, Tally};

/// Names an exchange in the store; in order of their beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// What they add up to.
    pub sums: Sums,
    /// How many processes that ended it stands for, of which nothing else is known any
    /// more; 0: it is one.
    pub folded: usize,
}

impl ProcessTotals {
    /// How many processes it is.
    pub fn many(&self) -> usize {
        self.folded.max(1)
    }
}

/// Sums over everything seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// What exchanges add up to.
    pub tally: Tally,
    /// All exchanges, LLM or not.
    pub all_exchanges: u64,
    /// Bytes captured.
    pub captured_bytes: u64,
    /// Bytes lost.
    pub lost_bytes: u64,
    /// Exchanges forgotten to stay inside the memory budget.
    pub evicted: u64,
}

/// Whether nothing more will come of an exchange.
pub fn is_over(exchange: &Exchange) -> bool {
    matches!(exchange.state, State::Complete | State::Aborted)
}

/// Whether an exchange's cost was reckoned from tokens that are an estimate.
pub fn is_cost_estimated(exchange: &Exchange) -> bool {
    exchange.cost.source == CostSource::Priced && exchange.usage.source == UsageSource::Estimated
}

/// Whether an exchange broke off, or the API or the protocol said no.
pub fn is_failed(exchange: &Exchange) -> bool {
    exchange.error.is_some()
        || exchange.state == State::Aborted
        || exchange.response.status.is_some_and(|status| status >= 400)
}

/// Whether a rate limit was exceeded, or a quota used up: HTTP's 429, or one of
/// the names that APIs give to it.
pub fn is_limited(exchange: &Exchange) -> bool {
    const NAMES: [&str; 5] = [
        "rate_limit",
        "insufficient_quota",
        "resource_exhausted",
        "throttling",
        "too_many_requests",
    ];
    let kind = exchange.error.as_ref().and_then(|error| error.kind.as_deref()).unwrap_or("");
    // Longer ones are not names.
    let kind = kind.get(..kind.len().min(64)).unwrap_or("").to_ascii_lowercase();
    exchange.response.status == Some(429) || NAMES.iter().any(|name| kind.contains(name))
}

/// The latest moment of which an exchange tells anything.
pub(super) fn latest(exchange: &Exchange) -> llmtop_parsers::Timestamp {
    let timing = &exchange.timing;
    let later = [timing.sent, timing.first_byte, timing.last_token, timing.ended];
    later.into_iter().flatten().fold(timing.started, Ord::max)
}

/// Bytes of the answer that have come: text, reasoning, arguments of calls.
pub fn grown(exchange: &Exchange) -> usize {
    let answer = &exchange.response;
    answer.text.as_ref().map_or(0, String::len)
        + answer.reasoning.as_ref().map_or(0, String::len)
        + answer.tool_calls.iter().map(|call| call.arguments.len()).sum::<usize>()
}

/// Tokens of reasoning that was not sent: they were made before the first that was.
pub fn hidden(exchange: &Exchange) -> u64 {
    match exchange.response.reasoning {
        Some(_) => 0,
        None => exchange.usage.reasoning_tokens.unwrap_or(0),
    }
}
