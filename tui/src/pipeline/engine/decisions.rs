//! Which view of an exchange is shown, and when sinks are told.

use std::io;
use std::sync::Arc;

use llmtop_parsers::Role;
use llmtop_probe::ConnId;

use super::Engine;
use crate::pipeline::both_ends::{Decision, ViewId};
use crate::pipeline::entry::Entry;
use crate::store::{ProcessKey, Seen};

impl Engine {
    /// Shows what is kept here, as it is to be shown now.
    pub(super) fn show(&mut self, id: ViewId) -> io::Result<()> {
        let Some(kept) = self.entries.get_mut(&id).and_then(|entry| entry.kept.take()) else {
            return Ok(());
        };
        let started = kept.timing.started;
        self.put(id, kept);
        self.tell_deltas(id, started)
    }

    /// Takes an exchange off the screen; it may come back.
    pub(super) fn hide(&mut self, id: ViewId) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.chosen = false;
        if entry.kept.is_none() {
            let record = self.store.store().remove_exchange(entry.id);
            entry.kept = record.map(|record| Box::new(record.exchange));
        }
    }

    /// Tells the sinks of the end of a shown exchange that passes the filter,
    /// once.
    pub(super) fn report(&mut self, id: ViewId) -> io::Result<()> {
        let Some(entry) = self.entries.get_mut(&id) else { return Ok(()) };
        let enough = self.options.count.is_some_and(|count| self.exchanges >= count);
        if !entry.is_shown() || entry.reported || enough {
            return Ok(());
        }
        let Some(conn) = self.conns.get(&id.conn) else { return Ok(()) };
        entry.reported = true;
        entry.told = true;
        // What one end does not know of its addresses, the other may.
        let mut connection = conn.info.clone();
        let partner = self.ends.partner(id).and_then(|other| self.conns.get(&other.conn));
        if let Some(other) = partner {
            let (ends, theirs) = (&mut connection.endpoint, &other.info.endpoint);
            ends.local = ends.local.or(theirs.peer);
            ends.peer = ends.peer.or(theirs.local);
        }
        let mut store = self.store.store();
        if let Some(record) = store.exchange(entry.id) {
            let own = Arc::clone(&conn.process.facts);
            let other = conn.info.peer_process.clone();
            let (process, peer) = if record.process == conn.process.key {
                (own, other)
            } else {
                let credited = store.process(record.process);
                (credited.map_or(Arc::clone(&own), |c| Arc::clone(&c.process)), Some(own))
            };
            let seen = Seen {
                record,
                connection: &connection,
                process: &process,
                peer_process: peer.as_deref(),
            };
            let filter = self.options.filter.as_ref();
            let judge = || filter.is_none_or(|filter| filter.matches(&seen));
            if entry.passes.unwrap_or_else(judge) {
                self.exchanges += 1;
                let (ulid, started) = (&entry.ulid, record.exchange.timing.started);
                for delta in std::mem::take(&mut entry.untold) {
                    self.sinks.iter_mut().try_for_each(|sink| sink.delta(ulid, started, &delta))?;
                }
                self.sinks.iter_mut().try_for_each(|sink| sink.finished(seen))?;
            }
        }
        store.settle(entry.id);
        drop(store);
        if self.options.count.is_some_and(|count| self.exchanges >= count)
            && let Some(control) = &self.control
        {
            control.stop();
        }
        Ok(())
    }

    /// Acts on what became clear about views.
    pub(super) fn decide(&mut self) -> io::Result<()> {
        while let Some(decision) = self.ends.poll() {
            match decision {
                Decision::Pair { client, server, .. } => self.pair(client, server)?,
                Decision::Part { client, server } => self.part(client, server)?,
                Decision::Alone(id) => {
                    let credited = self.credit(id.conn);
                    if let Some(entry) = self.entries.get_mut(&id) {
                        // Whom it was shown for already keeps it.
                        if !entry.chosen
                            && let Some(credited) = credited
                        {
                            entry.process = credited;
                        }
                        entry.chosen = true;
                    }
                    self.show(id)?;
                    if self.entries.get(&id).is_some_and(|entry| entry.ended) {
                        self.report(id)?;
                    }
                }
                Decision::Forget(id) => self.forget(id),
            }
        }
        Ok(())
    }

    pub(super) fn pair(&mut self, client: ViewId, server: ViewId) -> io::Result<()> {
        self.introduce(client.conn, server.conn);
        self.introduce(server.conn, client.conn);
        if !self.options.both_ends {
            // What was told cannot be taken back. Else the client's view is
            // the one to show, unless it does not know what was asked.
            let told = |id| self.entries.get(&id).is_some_and(|entry: &Entry| entry.told);
            let better = !self.ends.sees_request(client) && self.ends.sees_request(server);
            let by_server = !told(client) && (told(server) || better);
            let (shown, hidden) = if by_server { (server, client) } else { (client, server) };
            if by_server {
                self.recredit(server, client.conn);
            }
            self.hide(hidden);
            if let Some(entry) = self.entries.get_mut(&shown) {
                entry.chosen = true;
            }
            self.show(shown)?;
        }
        for id in [client, server] {
            if self.entries.get(&id).is_some_and(|entry| entry.ended) {
                self.report(id)?;
            }
        }
        Ok(())
    }

    /// Credits a server's view to the client's process, also where it was
    /// shown before that was known.
    fn recredit(&mut self, server: ViewId, client: ConnId) {
        let Some(process) = self.conns.get(&client).map(|conn| conn.process.key) else { return };
        let Some(entry) = self.entries.get(&server) else { return };
        if entry.reported || entry.process == process {
            return;
        }
        self.hide(server);
        if let Some(entry) = self.entries.get_mut(&server) {
            entry.process = process;
            // It continues the client's conversations, not the server's.
            entry.conversation = None;
            // A filter may ask whose it is.
            entry.passes = self.options.filter.is_none().then_some(true);
        }
    }

    pub(super) fn part(&mut self, client: ViewId, server: ViewId) -> io::Result<()> {
        if self.options.both_ends {
            return Ok(());
        }
        // The server's view waits again; its client's is shown in any case.
        if self.entries.get(&server).is_some_and(|entry| !entry.told) {
            self.hide(server);
        }
        if let Some(entry) = self.entries.get_mut(&client) {
            entry.chosen = true;
        }
        self.show(client)
    }

    /// Whom a view is credited to that is the only one of its exchange: the
    /// process at the client's end.
    pub(super) fn credit(&self, id: ConnId) -> Option<ProcessKey> {
        let conn = self.conns.get(&id)?;
        let client = conn.info.endpoint.peer_pid.and_then(|pid| self.processes.of(pid));
        let credited = match (conn.info.role, client) {
            (Some(Role::Server), Some(client)) if !self.options.both_ends => client,
            _ => &conn.process,
        };
        Some(credited.key)
    }

    pub(super) fn forget(&mut self, id: ViewId) {
        if self.entries.remove(&id).is_some()
            && let Some(conn) = self.conns.get_mut(&id.conn)
        {
            conn.entries -= 1;
            self.drop_conn_if_done(id.conn);
        }
    }
}
