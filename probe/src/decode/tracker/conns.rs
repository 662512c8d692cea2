//! The connections: when each begins, what is known of its ends, when it ends.

use llmtop_probe_common as abi;

use super::halves::Half;
use super::held::Held;
use super::raw::{address, text, tls};
use super::{Facts, Tracker};
use crate::decode::direction::Order;
use crate::{Capture, ConnId, Endpoint, Open, Process, Tls};

/// A connection that is alive.
#[derive(Debug)]
pub(super) struct State {
    /// What is known of it.
    pub(super) open: Open,
    /// Its TLS object or socket, where the opening record came.
    pub(super) object: Option<u64>,
    /// [`Capture::Open`] was sent: something moved.
    pub(super) told: bool,
    /// How far each direction has come.
    pub(super) orders: [Order; 2],
    /// What was received, and waits.
    pub(super) held: Held,
    /// Whose probes saw it, until they are known to have been complete.
    pub(super) unproven: Option<u32>,
    /// What came of it, as long as it may turn out to be another's.
    pub(super) half: Option<Half>,
}

impl Tracker {
    pub(super) fn opened(&mut self, open: &abi::Open, facts: &dyn Facts) {
        let known = self.processes.entry(open.header.pid).or_default();
        if known.seen.pid == 0 {
            known.seen = Process {
                pid: open.header.pid,
                parent: (open.parent != 0).then_some(open.parent),
                comm: text(&open.comm),
                uid: open.uid,
                ..Process::default()
            };
        }
        let executed = known.executed;
        let state = self.state(open.conn, open.header);
        state.object = Some(open.object);
        let (tls, target) = tls(open.tls);
        state.open.tls = tls;
        state.open.stdio = open.tls == abi::tls::STDIO;
        let attached = facts.attached(target);
        let watched = |since: u64| attached.is_some_and(|attached| attached <= since);
        let fresh = open.header.flags & abi::flags::FRESH != 0 && watched(open.header.time);
        state.open.joined_midway = !fresh && !executed.is_some_and(watched);
        state.unproven = Some(target).filter(|_| !watched(open.header.time));
        if open.header.flags & abi::flags::UNBOUND != 0 {
            state.half = Some(Half::default());
        }
    }

    /// Whether all the probes that see a connection were there by `time`. What was
    /// moved before that was seen by halves: a request without its response.
    pub(super) fn is_watched(state: &mut State, time: u64, facts: &dyn Facts) -> bool {
        let Some(target) = state.unproven else { return true };
        let watched = facts.attached(target).is_some_and(|attached| attached <= time);
        state.unproven = state.unproven.filter(|_| !watched);
        watched
    }

    /// A connection's state; made where its opening record was lost.
    pub(super) fn state(&mut self, conn: u64, header: abi::Header) -> &mut State {
        let time = self.epoch(header.time);
        self.conns.entry(conn).or_insert_with(|| {
            let name = ConnId(self.next_conn);
            self.next_conn += 1;
            self.names.insert(name, conn);
            let known = self.processes.entry(header.pid).or_default();
            known.conns.push(conn);
            State {
                open: Open {
                    conn: name,
                    pid: header.pid,
                    tid: header.tid,
                    time,
                    tls: Tls::Openssl,
                    stdio: false,
                    joined_midway: known.executed.is_none(),
                    endpoint: Endpoint::default(),
                },
                object: None,
                told: false,
                orders: Default::default(),
                held: Held::default(),
                unproven: None,
                half: None,
            }
        })
    }

    /// Tells of a connection, and of its process, where that was not done yet.
    pub(super) fn tell(&mut self, conn: u64, facts: &mut dyn Facts, out: &mut Vec<Capture>) {
        let Some(state) = self.conns.get_mut(&conn) else { return };
        if state.told {
            return;
        }
        state.told = true;
        let pid = state.open.pid;
        let known = self.processes.entry(pid).or_default();
        if !known.told {
            known.told = true;
            let seen = Process { pid, ..known.seen.clone() };
            out.push(Capture::Process(facts.process(seen)));
        }
        out.push(Capture::Open(state.open.clone()));
    }

    pub(super) fn forget(&mut self, conn: u64, time: u64, ignored: u64, out: &mut Vec<Capture>) {
        self.ended.insert(conn);
        let Some(state) = self.conns.remove(&conn) else { return };
        self.names.remove(&state.open.conn);
        if let Some(known) = self.processes.get_mut(&state.open.pid) {
            known.conns.retain(|&c| c != conn);
        }
        if state.told {
            let conn = state.open.conn;
            out.push(Capture::Close { conn, time: self.epoch(time), ignored });
        }
    }

    pub(super) fn socket(
        &mut self,
        socket: &abi::Socket,
        facts: &mut dyn Facts,
        out: &mut Vec<Capture>,
    ) {
        let pid = socket.header.pid;
        let mut endpoint = Endpoint {
            local: address(&socket.local),
            peer: address(&socket.peer),
            ..Endpoint::default()
        };
        // The kernel's word stands; what it does not know is asked, as long as
        // the process has the socket.
        if endpoint.peer.is_none() || endpoint.local.is_none() {
            let asked = facts.endpoint(pid, socket.fd);
            if endpoint.peer.is_none() || endpoint.peer == asked.peer {
                endpoint.peer = endpoint.peer.or(asked.peer);
                endpoint.local = endpoint.local.or(asked.local);
            }
        }
        if endpoint.peer.is_some() || endpoint.local.is_some() {
            self.learn(socket.conn, socket.header, endpoint, out);
        }
    }

    /// Something of a connection's ends became known.
    pub(super) fn learn(
        &mut self,
        conn: u64,
        header: abi::Header,
        news: Endpoint,
        out: &mut Vec<Capture>,
    ) {
        let state = self.state(conn, header);
        let endpoint = &mut state.open.endpoint;
        endpoint.local = news.local.or(endpoint.local);
        endpoint.peer = news.peer.or(endpoint.peer);
        endpoint.server_name = news.server_name.clone().or(endpoint.server_name.take());
        if state.told {
            out.push(Capture::Endpoint { conn: state.open.conn, endpoint: news });
        }
    }
}
