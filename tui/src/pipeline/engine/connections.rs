//! Processes and connections.

use std::io;
use std::sync::Arc;

use llmtop_parsers::{self as parsers, Event, Protocol, Role, Timestamp};
use llmtop_probe::{Capture, ConnId, Endpoint, Open, Process};

use super::{Conn, Engine};
use crate::config::Mode;
use crate::store::Connection;

impl Engine {
    pub(super) fn process(&mut self, process: Process) {
        let known = self.processes.put(process);
        let now = llmtop_probe::Timestamp(self.now.0);
        self.store.store().put_process(known.key, known.facts, now);
    }

    pub(super) fn open(&mut self, open: Open) {
        let Open { conn, pid, tid, time, tls, stdio, joined_midway, endpoint } = open;
        self.at(time);
        if self.processes.of(pid).is_none() {
            let looked_up = self.lookup.as_mut().and_then(|lookup| lookup.process(pid));
            self.process(looked_up.unwrap_or(Process { pid, ..Process::default() }));
        }
        let Some(process) = self.processes.of(pid).cloned() else { return };
        let info = Connection {
            id: conn,
            process: process.key,
            tid,
            tls,
            endpoint: Endpoint::default(),
            role: None,
            protocol: stdio.then_some(Protocol::Stdio),
            joined_midway,
            opened: time,
            closed: None,
            captured_bytes: 0,
            lost_bytes: 0,
            ignored_bytes: 0,
            peer_process: None,
        };
        self.store.store().put_connection(info.clone());
        self.ends.open(conn, pid, &endpoint);
        let parse = if stdio { parsers::Connection::stdio } else { parsers::Connection::new };
        let parser = Some(parse(self.options.limits, joined_midway));
        self.conns.insert(
            conn,
            Conn { info, process, parser, closed: false, entries: 0, looked_up: false },
        );
        self.endpoint(conn, &endpoint);
    }

    pub(super) fn endpoint(&mut self, id: ConnId, news: &Endpoint) {
        self.ends.endpoint(id, news);
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let known = &mut conn.info.endpoint;
        known.local = news.local.or(known.local);
        known.peer = news.peer.or(known.peer);
        known.server_name = news.server_name.clone().or(known.server_name.take());
        known.peer_pid = news.peer_pid.or(known.peer_pid);
        if let Some(pid) = known.peer_pid.filter(|_| conn.info.peer_process.is_none()) {
            conn.info.peer_process = match self.processes.of(pid) {
                Some(process) => Some(Arc::clone(&process.facts)),
                None => self.lookup.as_mut().and_then(|lookup| lookup.process(pid)).map(Arc::new),
            };
        }
        self.store.store().put_connection(conn.info.clone());
    }

    pub(super) fn close(&mut self, id: ConnId, time: Timestamp, ignored: u64) -> io::Result<()> {
        if let Some(conn) = self.conns.get_mut(&id) {
            if let Some(parser) = &mut conn.parser {
                parser.close(time);
            }
            conn.closed = true;
            conn.info.closed = Some(llmtop_probe::Timestamp(time.0));
            conn.info.ignored_bytes = ignored;
        }
        self.drain(id)?;
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.parser = None;
            self.store.store().put_connection(conn.info.clone());
        }
        self.ends.close(id);
        self.drop_conn_if_done(id);
        Ok(())
    }

    /// A connection is not worth copying.
    pub(super) fn ignore(&mut self, id: ConnId) -> io::Result<()> {
        if matches!(self.options.mode, Mode::All | Mode::Raw) {
            return Ok(());
        }
        let now = self.now;
        if let Some(control) = &self.control {
            control.ignore(id);
        }
        // What it still has open ends here, as far as anyone will know.
        let parser = self.conns.get_mut(&id).and_then(|conn| conn.parser.take());
        if let Some(mut parser) = parser {
            parser.close(now);
            while let Some(event) = parser.poll() {
                if let Event::Finished(exchange) = event {
                    self.finished(id, exchange)?;
                }
            }
        }
        Ok(())
    }

    /// Names the process at the other end of a connection.
    pub(super) fn introduce(&mut self, to: ConnId, other: ConnId) {
        let Some(process) = self.conns.get(&other).map(|conn| Arc::clone(&conn.process.facts))
        else {
            return;
        };
        let Some(conn) = self.conns.get_mut(&to) else { return };
        if conn.info.peer_process.as_ref() != Some(&process) {
            conn.info.endpoint.peer_pid = Some(process.pid);
            conn.info.peer_process = Some(process);
            self.store.store().put_connection(conn.info.clone());
        }
    }

    /// Where only a server's end is seen, looks for the process at the other
    /// end while it lives. What is found is a capture like any other, so that
    /// a recording holds it too.
    pub(super) fn look_up_client(&mut self, id: ConnId) -> io::Result<()> {
        let Some(conn) = self.conns.get_mut(&id) else { return Ok(()) };
        let Endpoint { local, peer, peer_pid, .. } = conn.info.endpoint;
        let is_stdio = conn.info.protocol == Some(Protocol::Stdio);
        let ends = local.zip(peer).filter(|_| !is_stdio);
        let Some(lookup) = self.lookup.as_mut().filter(|_| is_stdio || ends.is_some()) else {
            return Ok(());
        };
        let unknown = conn.info.role == Some(Role::Server) && conn.info.peer_process.is_none();
        if !unknown || conn.looked_up || self.ends.has_twin(id) {
            return Ok(());
        }
        conn.looked_up = true;
        let own = conn.process.facts.pid;
        let found = peer_pid.or_else(|| match ends {
            Some((local, peer)) => lookup.owner(own, peer, local),
            None => lookup.client_of_stdio(own),
        });
        let Some(pid) = found else { return Ok(()) };
        if self.processes.of(pid).is_none()
            && let Some(facts) = lookup.process(pid)
        {
            self.capture(Capture::Process(facts))?;
        }
        let endpoint = Endpoint { peer_pid: Some(pid), ..Endpoint::default() };
        self.capture(Capture::Endpoint { conn: id, endpoint })
    }

    pub(super) fn drop_conn_if_done(&mut self, id: ConnId) {
        if self.conns.get(&id).is_some_and(|conn| conn.closed && conn.entries == 0) {
            self.conns.remove(&id);
        }
    }
}
