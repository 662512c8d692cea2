//! Writing, for the pipeline.

use std::sync::Arc;

use llmtop_parsers::price::PriceTable;
use llmtop_parsers::{Arrival, Delta, DeltaKind, Exchange, State, Timestamp as ParsersTimestamp};
use llmtop_probe::{ConnId, Process, Timestamp};

use super::model::latest;
use super::pulse::Share;
use super::sums::Change;
use super::tally::Tally;
use super::{
    Connection, ExchangeId, ProcessKey, ProcessTotals, Record, Sieve, Store, Sums, is_over,
};

/// Closed connections without a kept exchange that are remembered.
const RETIRED: usize = 256;

impl Store {
    /// A store with a memory budget for exchanges, in bytes.
    pub fn with_budget(bytes: u64) -> Self {
        let mut store = Store::default();
        store.budget.limit(bytes);
        store
    }

    /// What exchanges are priced by.
    pub fn set_prices(&mut self, prices: Arc<PriceTable>) {
        self.version += 1;
        self.prices = prices;
    }

    /// A process showed up, or became another program.
    pub fn put_process(&mut self, key: ProcessKey, process: Arc<Process>, now: Timestamp) {
        self.version += 1;
        let before = self.processes.get(key).map(|known| Arc::clone(&known.process));
        if before.as_ref().is_some_and(|before| *before != process) {
            let ids: Vec<_> =
                self.records.values().filter(|it| it.process == key).map(|it| it.id).collect();
            self.judge_again(ids);
        }
        self.reparent(before.as_ref().and_then(|before| before.parent), process.parent);
        match before {
            Some(_) => self.processes.change(key, |totals| totals.process = process),
            None => {
                let sums = Sums { last_active: ParsersTimestamp(now.0), ..Sums::default() };
                self.processes.put(ProcessTotals { key, process, ended: None, sums, folded: 0 });
            }
        }
        self.weigh();
    }

    /// A process ended.
    pub fn end_process(&mut self, key: ProcessKey, at: Timestamp) {
        self.version += 1;
        self.processes.change(key, |process| process.ended = Some(at));
        self.depart(key);
    }

    /// A connection opened, or more is known of it.
    pub fn put_connection(&mut self, connection: Connection) {
        self.version += 1;
        let (id, closed) = (connection.id, connection.closed.is_some());
        let process = connection.process;
        let before = self.connections.insert(id, connection);
        if before.as_ref().map(|before| before.process) != Some(process) {
            self.refer(process);
            before.iter().for_each(|before| self.unrefer(before.process));
        }
        if closed && before.is_none_or(|before| before.closed.is_none()) {
            self.retire(id);
        }
    }

    /// A connection moved bytes.
    pub fn add_bytes(&mut self, id: ConnId, captured: u64, lost: u64) {
        self.version += 1;
        self.totals.captured_bytes += captured;
        self.totals.lost_bytes = self.totals.lost_bytes.saturating_add(lost);
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.captured_bytes += captured;
            connection.lost_bytes = connection.lost_bytes.saturating_add(lost);
        }
    }

    /// The source ended, having moved so much.
    pub fn set_source_totals(&mut self, totals: &llmtop_probe::Totals) {
        self.version += 1;
        self.totals.captured_bytes = totals.captured_bytes;
        self.totals.lost_bytes = totals.lost_bytes;
    }

    /// An exchange began, or more is known of it.
    pub fn put_exchange(&mut self, mut record: Record) {
        self.passes(latest(&record.exchange));
        self.version += 1;
        if is_over(&record.exchange) {
            // Grown piece by piece, they have room for as much again.
            let response = &mut record.exchange.response;
            for text in [&mut response.text, &mut response.reasoning].into_iter().flatten() {
                text.shrink_to_fit();
            }
            response.arrivals.shrink_to_fit();
        }
        if let Some(conversation) = record.conversation {
            let members = self.conversations.entry(conversation).or_default();
            if members.is_empty() {
                self.index.put_conversation(record.process, conversation);
            }
            if let Err(place) = members.binary_search(&record.id) {
                members.insert(place, record.id);
            }
        }
        let before = self.records.get(&record.id);
        let change = Change::new(before, &record);
        if let Some(before) = before {
            self.totals.take(&Tally::of(before));
        } else {
            *self.carried.entry(record.connection).or_default() += 1;
        }
        for sieve in Sieve::ALL {
            if self.index.contains(sieve.scope(), record.id) {
                self.judging.figures(sieve).put(before, &change);
            }
        }
        self.index.put(before, &record);
        self.judging.changed(record.id);
        self.changes.note(record.id);
        self.budget.resize(before, &record);
        self.totals.add(&change.now);
        self.groups.put(before, &change);
        self.timeline.put(before, Some(&record));
        if let Some(share) = change.share {
            self.timeline.add(share);
        }
        self.latest = self.latest.max(latest(&record.exchange));
        if let Some(before) = before.filter(|before| before.process != record.process) {
            if let Some(sums) = self.processes.sums(before.process) {
                sums.take(&Tally::of(before), Share::of_all_but_taken(before));
            }
            if let Some(sums) = self.processes.sums(record.process) {
                sums.put(&Change::new(None, &record));
            }
        } else if let Some(sums) = self.processes.sums(record.process) {
            sums.put(&change);
        }
        self.refer(record.process);
        if let Some(before) = self.records.insert(record.id, record) {
            self.unrefer(before.process);
        }
        self.shrink();
    }

    /// An answer grew; gives when its exchange began.
    pub fn add_delta(&mut self, id: ExchangeId, delta: &Delta) -> Option<ParsersTimestamp> {
        self.passes(delta.at);
        self.version += 1;
        let record = self.records.get_mut(&id)?;
        let was = (Tally::of(record), is_over(&record.exchange));
        record.deltas += 1;
        grow(&mut record.exchange, delta);
        // Of an answer that goes on only its pulse changes.
        let (tally, over) = was;
        let tokens = if over || record.exchange.dialect.is_none() { 0 } else { delta.text.len() };
        let grew = tokens > 0 && delta.kind != DeltaKind::ToolCall;
        let share = grew.then(|| Share::grown(tokens, delta.at));
        let change =
            Change { before: Some(tally), now: Tally::of(record), share, quota: None, record };
        self.totals.take(&tally);
        self.totals.add(&change.now);
        self.groups.put(Some(record), &change);
        if let Some(share) = share {
            self.timeline.add(share);
        }
        self.latest = self.latest.max(delta.at);
        if let Some(sums) = self.processes.sums(record.process) {
            sums.put(&change);
        }
        for sieve in Sieve::ALL {
            if self.index.contains(sieve.scope(), id) {
                self.judging.figures(sieve).grow(&change);
            }
        }
        let bytes = delta.text.len() + size_of::<Arrival>();
        self.budget.grow(record, bytes as u64);
        self.judging.grew(id);
        self.changes.note(id);
        Some(record.exchange.timing.started)
    }

    /// An exchange ended and everybody was told: it may be forgotten.
    pub fn settle(&mut self, id: ExchangeId) {
        if let Some(record) = self.records.get(&id) {
            self.budget.ended(record);
            self.shrink();
        }
    }

    /// It turned out to be the other end of one that is shown: gives it back.
    pub fn remove_exchange(&mut self, id: ExchangeId) -> Option<Record> {
        self.version += 1;
        let record = self.drop_record(id)?;
        let tally = Tally::of(&record);
        self.totals.take(&tally);
        self.groups.take(&record);
        self.timeline.put(Some(&record), None);
        let share = Share::of_all_but_taken(&record);
        if let Some(share) = share {
            self.timeline.add(share);
        }
        if let Some(sums) = self.processes.sums(record.process) {
            sums.take(&tally, share);
        }
        Some(record)
    }

    /// These exchanges are looked at: they are not forgotten until others are.
    pub fn pin(&mut self, ids: impl IntoIterator<Item = ExchangeId>) {
        self.budget.pin(ids);
        self.shrink();
    }

    /// Forgets exchanges until the rest is within the budget. Their part of
    /// the sums stays.
    pub(super) fn shrink(&mut self) {
        while let Some(id) = self.budget.surplus() {
            self.version += 1;
            self.totals.evicted += 1;
            self.drop_record(id);
        }
    }

    /// What exchanges leave room for, beside them.
    pub(super) fn weigh(&mut self) {
        self.budget.beside(self.moments.bytes() + self.processes.bytes());
        self.shrink();
    }

    fn drop_record(&mut self, id: ExchangeId) -> Option<Record> {
        let record = self.records.remove(&id)?;
        self.budget.remove(&record);
        self.leaves(&record);
        self.index.remove(&record);
        self.judging.gone(id);
        self.changes.note(id);
        if let Some(conversation) = record.conversation
            && let Some(members) = self.conversations.get_mut(&conversation)
        {
            if let Ok(place) = members.binary_search(&id) {
                members.remove(place);
            }
            if members.is_empty() {
                self.conversations.remove(&conversation);
                self.family.forget(conversation);
                self.index.remove_conversation(record.process, conversation);
            }
        }
        if let Some(carried) = self.carried.get_mut(&record.connection) {
            *carried -= 1;
            if *carried == 0 {
                self.carried.remove(&record.connection);
                if self.connections.get(&record.connection).is_some_and(|c| c.closed.is_some()) {
                    self.retire(record.connection);
                }
            }
        }
        self.unrefer(record.process);
        Some(record)
    }

    /// Remembers the latest closed connections that carry nothing kept.
    fn retire(&mut self, id: ConnId) {
        if self.carried.contains_key(&id) {
            return;
        }
        self.retired.push_back(id);
        while self.retired.len() > RETIRED {
            if let Some(oldest) = self.retired.pop_front()
                && !self.carried.contains_key(&oldest)
            {
                let gone = self.connections.remove(&oldest);
                gone.iter().for_each(|gone| self.unrefer(gone.process));
            }
        }
    }
}

/// Adds a delta to an exchange: between two updates, this is how its answer
/// grows.
pub(crate) fn grow(exchange: &mut Exchange, delta: &Delta) {
    // An answer that ended stays so (and stays out of the active index).
    if exchange.state == State::Pending {
        exchange.state = State::Streaming;
    }
    exchange.timing.first_token.get_or_insert(delta.at);
    exchange.timing.last_token = Some(delta.at);
    let response = &mut exchange.response;
    // Until the exchange ends, pieces of the answer stand for the events.
    for piece in delta.pieces() {
        response.arrived(Arrival::new(delta.at, piece.len(), Some(delta.kind)));
    }
    match delta.kind {
        DeltaKind::Text => response.text.get_or_insert_default().push_str(&delta.text),
        DeltaKind::Reasoning => response.reasoning.get_or_insert_default().push_str(&delta.text),
        DeltaKind::ToolCall => {}
    }
}
