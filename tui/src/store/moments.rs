//! The store as it was at moments of the last minutes, so that one can step back
//! while it is written on.

use std::collections::VecDeque;
use std::sync::Arc;

use llmtop_parsers::{Exchange, Response, Timestamp};
use llmtop_probe::ConnId;

use super::{ExchangeId, Facet, Record, Roster, Scope, Store, Sums, Totals, budget};

/// Nanoseconds between two moments, at least.
const BETWEEN: u64 = 1_000_000_000;

/// The latest moments, which are all kept: two minutes in which something happens all
/// the time.
const FINE: usize = 120;

/// Nanoseconds between two of those before, at least.
const COARSE: u64 = 5_000_000_000;

/// Moments that are kept: ten such minutes.
const KEPT: usize = FINE + 96;

/// Part of the memory budget that moments may take.
const SHARE: u64 = 8;

/// The latest connections whose bytes are kept.
pub const CONNECTIONS: usize = 512;

/// What the store said at one moment, where that changes. What did not change
/// until the next moment is shared with it.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The moment.
    pub at: Timestamp,
    /// The store's version.
    pub version: u64,
    /// Sums over everything.
    pub totals: Totals,
    /// Every process.
    pub processes: Roster,
    /// By facet.
    pub groups: [Vec<(Arc<str>, Arc<Sums>)>; 3],
    /// The first exchange that had not begun.
    pub next: ExchangeId,
    /// Open connections among the latest, with bytes captured and lost, by id.
    pub connections: Vec<(ConnId, u64, u64)>,
    unfinished: Vec<Unfinished>,
}

/// An exchange that had not ended, without what is still known of it.
#[derive(Clone, Debug)]
struct Unfinished {
    id: ExchangeId,
    deltas: u64,
    exchange: Exchange,
    text: Option<usize>,
    reasoning: Option<usize>,
    arrivals: usize,
}

/// The moments that are kept.
#[derive(Debug, Default)]
pub(super) struct Moments {
    on: bool,
    /// The oldest first, with the bytes that go with each.
    kept: VecDeque<(Arc<Moment>, u64)>,
    bytes: u64,
    /// When the latest was.
    last: Timestamp,
}

impl Moments {
    /// Bytes that they take.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The one that is not among the latest any more goes, if it is near the one before.
    fn thin(&mut self) {
        let Some(at) = self.kept.len().checked_sub(FINE + 1).filter(|&at| at > 0) else { return };
        let ends = [at - 1, at + 1].map(|at| self.kept.get(at).map(|(moment, _)| moment.clone()));
        let (Some((old, _)), [Some(before), Some(next)]) = (self.kept.get(at), ends) else {
            return;
        };
        if old.at.0 >= before.at.0.saturating_add(COARSE) {
            return;
        }
        if let Some((_, bytes)) = self.kept.remove(at) {
            self.bytes -= bytes;
        }
        if let Some((_, bytes)) = self.kept.get_mut(at - 1) {
            self.bytes -= *bytes;
            *bytes = before.size() + before.left_behind(&next);
            self.bytes += *bytes;
        }
    }
}

impl Moment {
    /// The store as it is, at this moment.
    pub fn new(store: &Store, at: Timestamp) -> Self {
        let newest = store.count(Scope::All).checked_sub(1);
        let newest = newest.and_then(|rank| store.exchange_at(Scope::All, rank));
        let latest = store.connections().rev().take(CONNECTIONS);
        let open = latest.filter(|connection| connection.closed.is_none());
        let mut connections: Vec<_> =
            open.map(|it| (it.id, it.captured_bytes, it.lost_bytes)).collect();
        connections.reverse();
        Moment {
            at,
            version: store.version,
            totals: store.totals,
            processes: store.processes.clone(),
            groups: Facet::ALL.map(|facet| store.groups.shared(facet).collect()),
            next: ExchangeId(newest.map_or(0, |record| record.id.0 + 1)),
            connections,
            unfinished: (0..store.count(Scope::Active))
                .filter_map(|rank| store.exchange_at(Scope::Active, rank))
                .map(Unfinished::new)
                .collect(),
        }
    }

    /// What had not ended, as it was then; without what was forgotten since. In order.
    pub fn unfinished(&self, store: &Store) -> Vec<Record> {
        let then = |it: &Unfinished| store.exchange(it.id).map(|record| it.of(record));
        self.unfinished.iter().filter_map(then).collect()
    }

    /// Bytes that it takes for itself, about.
    fn size(&self) -> u64 {
        let unfinished = self.unfinished.iter().map(|it| budget::size(&it.exchange));
        let groups = self.groups.iter().map(Vec::len).sum::<usize>();
        let shared = groups * 24 + self.connections.len() * 24;
        shared as u64 + unfinished.sum::<u64>()
    }

    /// Bytes of what it shared with nobody once `next` has come.
    fn left_behind(&self, next: &Moment) -> u64 {
        let groups = self.groups.iter().zip(&next.groups).map(|(these, those)| {
            let mut those = those.iter();
            let changed = these.iter().filter(|(name, sums)| {
                let same = those.find(|(other, _)| other >= name);
                same.is_none_or(|(_, same)| !Arc::ptr_eq(same, sums))
            });
            changed.count()
        });
        let groups = groups.sum::<usize>() * (size_of::<Sums>() + Sums::HEAP);
        self.processes.left_behind(&next.processes) + groups as u64
    }
}

impl Unfinished {
    fn new(record: &Record) -> Self {
        let exchange = &record.exchange;
        let Exchange { seq, role, protocol, timing, response, .. } = exchange;
        let then = Exchange {
            state: exchange.state,
            lost_bytes: exchange.lost_bytes,
            provider: exchange.provider,
            operation: exchange.operation,
            dialect: exchange.dialect,
            response: Response {
                text: None,
                reasoning: None,
                body: None,
                arrivals: Vec::new(),
                status: response.status,
                headers: response.headers.clone(),
                model: response.model.clone(),
                id: response.id.clone(),
                finish_reason: response.finish_reason.clone(),
                tier: response.tier.clone(),
                tool_calls: response.tool_calls.clone(),
                other_choices: response.other_choices.clone(),
                limits: response.limits.clone(),
                retry_after_ms: response.retry_after_ms,
                events: response.events,
                body_bytes: response.body_bytes,
            },
            usage: exchange.usage,
            passes: exchange.passes.clone(),
            cost: exchange.cost,
            timing: *timing,
            error: exchange.error.clone(),
            findings: exchange.findings.clone(),
            ..Exchange::new(*seq, *role, *protocol, timing.started)
        };
        Unfinished {
            id: record.id,
            deltas: record.deltas,
            exchange: then,
            text: response.text.as_ref().map(String::len),
            reasoning: response.reasoning.as_ref().map(String::len),
            arrivals: response.arrivals.len(),
        }
    }

    /// The exchange as it was. Its text has only grown since, and so have its events.
    fn of(&self, now: &Record) -> Record {
        let Record { exchange, .. } = now;
        let arrivals = exchange.response.arrivals.iter();
        let begun = |text: &Option<String>, length: Option<usize>| {
            let text = text.as_deref().unwrap_or("");
            length.map(|length| text.get(..length).unwrap_or(text).to_owned())
        };
        Record {
            ulid: now.ulid.clone(),
            deltas: self.deltas,
            exchange: Exchange {
                joined_midway: exchange.joined_midway,
                stream_id: exchange.stream_id,
                session: exchange.session.clone(),
                request: exchange.request.clone(),
                response: Response {
                    text: begun(&exchange.response.text, self.text),
                    reasoning: begun(&exchange.response.reasoning, self.reasoning),
                    arrivals: arrivals.take(self.arrivals).copied().collect(),
                    ..self.exchange.response.clone()
                },
                ..self.exchange.clone()
            },
            ..*now
        }
    }
}

impl Store {
    /// From now on moments are kept, to step back to.
    pub fn keep_moments(&mut self) {
        self.moments.on = true;
    }

    /// The moments that are kept, the oldest first.
    pub fn moments(&self) -> impl Iterator<Item = &Arc<Moment>> {
        self.moments.kept.iter().map(|(moment, _)| moment)
    }

    /// Something is about to be written that happened `at`: what the store said until
    /// then is kept, if it was long enough since the last time.
    pub(super) fn passes(&mut self, at: Timestamp) {
        let last = self.moments.last;
        let due = last < self.latest && at.0 >= last.0.saturating_add(BETWEEN);
        if !self.moments.on || !due {
            return;
        }
        let moment = Arc::new(Moment::new(self, self.latest));
        let moments = &mut self.moments;
        moments.last = self.latest;
        if let Some((before, bytes)) = moments.kept.back_mut() {
            let left = before.left_behind(&moment);
            *bytes += left;
            moments.bytes += left;
        }
        let size = moment.size();
        moments.bytes += size;
        moments.kept.push_back((moment, size));
        moments.thin();
        let most = self.budget.whole() / SHARE;
        while (moments.bytes > most || moments.kept.len() > KEPT)
            && let Some((_, bytes)) = moments.kept.pop_front()
        {
            moments.bytes -= bytes;
        }
        self.weigh();
    }
}
