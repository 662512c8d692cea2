//! How much memory exchanges take, and which go first.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

use llmtop_parsers::{Arrival, Exchange, Finding, Timestamp, ToolCall};

use super::{ExchangeId, Record};

/// Memory for exchanges unless another size is given.
pub(super) const DEFAULT: u64 = 256 << 20;

/// What one exchange takes wherever it is filed: its record, half as much again for
/// places in trees that are free, and some two hundred bytes in indexes.
const OVERHEAD: usize = size_of::<Record>() * 3 / 2 + 200;

/// What the allocator adds to an allocation, about: its head, and rounding up.
const ALLOCATION: usize = 24;

/// Ended exchanges in the order in which they are forgotten.
type Order = (Timestamp, Reverse<u64>, ExchangeId);

#[derive(Debug)]
pub(super) struct Budget {
    limit: u64,
    used: u64,
    /// What others take of it.
    beside: u64,
    sizes: HashMap<ExchangeId, u64>,
    /// Those that may be forgotten: the oldest first; of those that ended at
    /// the same time, the largest.
    ended: BTreeSet<Order>,
    pinned: HashSet<ExchangeId>,
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            limit: DEFAULT,
            used: 0,
            beside: 0,
            sizes: HashMap::new(),
            ended: BTreeSet::new(),
            pinned: HashSet::new(),
        }
    }
}

impl Budget {
    pub(super) fn limit(&mut self, bytes: u64) {
        self.limit = bytes;
    }

    /// All of it.
    pub(super) fn whole(&self) -> u64 {
        self.limit
    }

    /// So much of it is taken by others than exchanges.
    pub(super) fn beside(&mut self, bytes: u64) {
        self.beside = bytes;
    }

    /// These are not forgotten, others are again.
    pub(super) fn pin(&mut self, ids: impl IntoIterator<Item = ExchangeId>) {
        self.pinned = ids.into_iter().collect();
    }

    /// An exchange has this size now. `before` and `now` are what is stored.
    pub(super) fn resize(&mut self, before: Option<&Record>, now: &Record) {
        let size = size(&now.exchange);
        let old = self.sizes.insert(now.id, size).unwrap_or(0);
        self.used = self.used - old + size;
        if let Some(before) = before
            && self.ended.remove(&order(before, old))
        {
            self.ended.insert(order(now, size));
        }
    }

    /// An exchange grew.
    pub(super) fn grow(&mut self, record: &Record, bytes: u64) {
        if let Some(size) = self.sizes.get_mut(&record.id) {
            let was_ended = self.ended.remove(&order(record, *size));
            *size += bytes;
            self.used += bytes;
            if was_ended {
                self.ended.insert(order(record, *size));
            }
        }
    }

    /// An exchange ended for good: it may be forgotten.
    pub(super) fn ended(&mut self, record: &Record) {
        if let Some(&size) = self.sizes.get(&record.id) {
            self.ended.insert(order(record, size));
        }
    }

    /// An exchange is gone.
    pub(super) fn remove(&mut self, record: &Record) {
        if let Some(size) = self.sizes.remove(&record.id) {
            self.used -= size;
            self.ended.remove(&order(record, size));
        }
    }

    /// The exchange to forget next, if one has to be.
    pub(super) fn surplus(&self) -> Option<ExchangeId> {
        if self.used.saturating_add(self.beside) <= self.limit {
            return None;
        }
        self.ended.iter().map(|&(_, _, id)| id).find(|id| !self.pinned.contains(id))
    }
}

fn order(record: &Record, size: u64) -> Order {
    let ended = record.exchange.timing.ended.unwrap_or(record.exchange.timing.started);
    (ended, Reverse(size), record.id)
}

/// What an exchange takes: its parts by their capacity, with what the allocator
/// adds to each.
pub(super) fn size(exchange: &Exchange) -> u64 {
    let (request, response) = (&exchange.request, &exchange.response);
    let text = |text: &String| match text.capacity() {
        0 => 0,
        bytes => ALLOCATION + bytes,
    };
    let maybe = |it: &Option<String>| it.as_ref().map_or(0, text);
    let headers = |headers: &Vec<(String, String)>| {
        headers.capacity() * size_of::<(String, String)>()
            + headers.iter().map(|(name, value)| text(name) + text(value)).sum::<usize>()
    };
    let body = |body: &Option<std::sync::Arc<llmtop_parsers::Body>>| {
        body.as_ref().map_or(0, |body| {
            size_of::<llmtop_parsers::Body>() + 2 * ALLOCATION + body.bytes.capacity()
        })
    };
    let call = |call: &ToolCall| {
        size_of::<ToolCall>() + maybe(&call.id) + maybe(&call.name) + text(&call.arguments)
    };
    let strings = [
        &exchange.session,
        &request.method,
        &request.target,
        &request.authority,
        &request.model,
        &response.model,
        &response.id,
        &response.finish_reason,
        &response.text,
        &response.reasoning,
    ];
    let bytes = headers(&request.headers)
        + headers(&response.headers)
        + response.arrivals.capacity() * size_of::<Arrival>()
        + body(&request.body)
        + body(&response.body)
        + strings.into_iter().map(maybe).sum::<usize>()
        + response.tool_calls.iter().map(call).sum::<usize>()
        + response.other_choices.iter().map(|it| size_of::<String>() + text(it)).sum::<usize>()
        + exchange.findings.iter().map(|it| size_of::<Finding>() + text(&it.detail)).sum::<usize>();
    (OVERHEAD + bytes) as u64
}
