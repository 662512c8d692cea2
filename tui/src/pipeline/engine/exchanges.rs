//! What parsers find: exchanges, as they grow.

use std::io;

use llmtop_parsers::{self as parsers, Delta, Event, Exchange, Role, Timestamp, Verdict};
use llmtop_probe::ConnId;

use super::Engine;
use crate::pipeline::both_ends::ViewId;
use crate::pipeline::entry::{Entry, is_wanted};
use crate::pipeline::facts::Facts;
use crate::pipeline::ulid::ulid;
use crate::store::{ExchangeId, Seen, grow};

impl Engine {
    /// Takes what a parser found.
    pub(super) fn drain(&mut self, id: ConnId) -> io::Result<()> {
        while let Some(event) = self
            .conns
            .get_mut(&id)
            .and_then(|conn| conn.parser.as_mut())
            .and_then(parsers::Connection::poll)
        {
            match event {
                Event::Started(exchange) => self.started(id, exchange)?,
                Event::Updated(exchange) => self.updated(id, exchange)?,
                Event::Delta(seq, delta) => self.delta(ViewId { conn: id, seq }, delta)?,
                Event::Finished(exchange) => self.finished(id, exchange)?,
                Event::Verdict(Verdict::Interesting) => {}
                Event::Verdict(Verdict::Unremarkable | Verdict::Unknown) => self.ignore(id)?,
            }
        }
        Ok(())
    }

    pub(super) fn started(&mut self, conn_id: ConnId, exchange: Box<Exchange>) -> io::Result<()> {
        let id = ViewId { conn: conn_id, seq: exchange.seq };
        let Some(conn) = self.conns.get_mut(&conn_id) else { return Ok(()) };
        conn.entries += 1;
        if conn.info.role.is_none() || conn.info.protocol != Some(exchange.protocol) {
            // Of one where either end may ask, it does not follow from who does.
            let role = conn.parser.as_ref().and_then(parsers::Connection::role);
            conn.info.role = role.or(Some(exchange.role));
            conn.info.protocol = Some(exchange.protocol);
            self.store.store().put_connection(conn.info.clone());
        }
        self.next_id += 1;
        let entry = Entry {
            id: ExchangeId(self.next_id),
            ulid: ulid(exchange.timing.started, conn_id, exchange.seq),
            process: conn.process.key,
            connection: conn_id,
            conversation: None,
            deltas: 0,
            chosen: exchange.role == Role::Client || self.options.both_ends,
            wanted: false,
            told: false,
            reported: false,
            ended: false,
            kept: None,
            untold: Vec::new(),
            passes: self.options.filter.is_none().then_some(true),
        };
        self.entries.insert(id, entry);
        let facts = Facts::of(conn.process.key.0, &exchange);
        self.ends.started(id, facts);
        self.put(id, exchange);
        self.decide()?;
        self.look_up_client(conn_id)
    }

    pub(super) fn updated(&mut self, conn: ConnId, exchange: Box<Exchange>) -> io::Result<()> {
        let id = ViewId { conn, seq: exchange.seq };
        if let Some(process) = self.conns.get(&conn).map(|conn| conn.process.key.0) {
            self.ends.updated(id, Facts::of(process, &exchange));
        }
        self.put(id, exchange);
        self.decide()
    }

    pub(super) fn delta(&mut self, id: ViewId, delta: Delta) -> io::Result<()> {
        let Some(entry) = self.entries.get_mut(&id) else { return Ok(()) };
        entry.deltas += 1;
        let started = match &mut entry.kept {
            Some(kept) => {
                grow(kept, &delta);
                kept.timing.started
            }
            None => self.store.store().add_delta(entry.id, &delta).unwrap_or(delta.at),
        };
        if !self.wants_deltas || entry.passes == Some(false) {
            return Ok(());
        }
        entry.untold.push(delta);
        self.tell_deltas(id, started)
    }

    /// Tells sinks of deltas, once it is sure that they want to know.
    pub(super) fn tell_deltas(&mut self, id: ViewId, started: Timestamp) -> io::Result<()> {
        let Some(entry) = self.entries.get_mut(&id) else { return Ok(()) };
        if !entry.is_shown() || entry.passes != Some(true) {
            return Ok(());
        }
        for delta in std::mem::take(&mut entry.untold) {
            entry.told = true;
            let ulid = &entry.ulid;
            self.sinks.iter_mut().try_for_each(|sink| sink.delta(ulid, started, &delta))?;
        }
        Ok(())
    }

    /// Finds out whether an exchange that goes on is sure to pass the filter.
    fn judge(&mut self, id: ViewId) {
        let Some(filter) = self.options.filter.as_ref().filter(|_| self.wants_deltas) else {
            return;
        };
        let Some(entry) = self.entries.get_mut(&id).filter(|entry| entry.passes.is_none()) else {
            return;
        };
        let store = self.store.store();
        let record = store.exchange(entry.id);
        if let Some(seen) = record.and_then(|record| Seen::of(&store, record)) {
            // What has ended is judged with all that is told of it.
            entry.passes = filter.decide(&seen).filter(|_| !entry.ended);
            if entry.passes == Some(false) {
                entry.untold.clear();
            }
        }
    }

    pub(super) fn finished(&mut self, conn: ConnId, mut exchange: Box<Exchange>) -> io::Result<()> {
        let id = ViewId { conn, seq: exchange.seq };
        let Some(entry) = self.entries.get_mut(&id) else { return Ok(()) };
        entry.ended = true;
        if exchange.dialect.is_some() {
            exchange.cost = self.options.prices.price(&exchange);
        }
        if let Some(process) = self.conns.get(&conn).map(|conn| conn.process.key.0) {
            let ended = exchange.timing.ended.unwrap_or(self.now);
            self.ends.ended(id, Facts { ended: Some(ended), ..Facts::of(process, &exchange) });
        }
        self.put(id, exchange);
        self.decide()?;
        if !self.ends.is_undecided(id) {
            self.report(id)?;
        }
        Ok(())
    }

    /// Keeps what is now known of an exchange: in the store where it is
    /// shown, else here.
    pub(super) fn put(&mut self, id: ViewId, exchange: Box<Exchange>) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.wanted |= is_wanted(self.options.mode, &exchange);
        if !entry.is_shown() {
            entry.kept = Some(exchange);
            return;
        }
        entry.kept = None;
        let process = entry.process.0;
        if exchange.dialect.is_some() && exchange.timing.sent.is_some() {
            let conversation =
                *entry.conversation.get_or_insert_with(|| self.tracker.place(process, &exchange));
            if entry.ended {
                self.tracker.answered(process, conversation, &exchange);
            }
        }
        let record = entry.record(*exchange);
        let mut store = self.store.store();
        if let Some(conversation) = record.conversation
            && let Some(parent) = self.tracker.parent(conversation)
        {
            store.set_parent(conversation, parent);
        }
        store.put_exchange(record);
        drop(store);
        self.judge(id);
    }
}
