//! What connects records: which connections there are, whose, and how far each
//! direction has come.

mod conns;
mod halves;
mod held;
mod processes;
mod raw;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use llmtop_probe_common as abi;

use super::Record;
use super::direction::Piece;
use crate::{Capture, Chunk, ConnId, Direction, Endpoint, Gap, Process, Timestamp, Tls};
use conns::State;
use processes::Known;

/// What the tracker asks of the machine.
pub(crate) trait Facts {
    /// A process has executed a program: `seen` is what the kernel said.
    fn executed(&mut self, seen: Process) -> Process;
    /// The facts of a process, `seen` where it is gone.
    fn process(&mut self, seen: Process) -> Process;
    /// A process ended.
    fn exited(&mut self, pid: u32);
    /// The ends of a TCP socket; empty where the descriptor is none.
    fn endpoint(&mut self, pid: u32, fd: i32) -> Endpoint;
    /// Since when, by `CLOCK_BOOTTIME`, every probe of a target is attached; 0
    /// names none, and is there always.
    fn attached(&self, target: u32) -> Option<u64>;
}

/// A connection's counters in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Final {
    /// The connection, as the kernel names it.
    pub(crate) conn: u64,
    /// Whose.
    pub(crate) pid: u32,
    /// Bytes moved, by direction.
    pub(crate) moved: [u64; 2],
    /// Those of them that were not copied.
    pub(crate) ignored: [u64; 2],
}

impl From<&abi::Conn> for Final {
    fn from(conn: &abi::Conn) -> Self {
        Self { conn: conn.id, pid: conn.pid, moved: conn.moved, ignored: conn.ignored }
    }
}

/// Driving contract: [`record`](Self::record) with every record in ring order;
/// [`settle`](Self::settle) with counters when every record that was in the ring
/// when they were read has been given; [`close`](Self::close) and
/// [`exit`](Self::exit) when nothing more can come; [`late`](Self::late) now and
/// then while it [`is_holding`](Self::is_holding). Each appends to `out`.
#[derive(Debug)]
pub(crate) struct Tracker {
    /// Add to `CLOCK_BOOTTIME` for nanoseconds since the epoch.
    epoch: u64,
    next_conn: u64,
    conns: HashMap<u64, State>,
    names: HashMap<ConnId, u64>,
    /// Processes of connections, and what the kernel said of them.
    processes: HashMap<u32, Known>,
    commands: HashMap<u32, Vec<String>>,
    /// Bytes that ended connections moved and nobody wanted.
    ignored: u64,
    /// Connections that ended since [`Tracker::counters_are_read`].
    ended: HashSet<u64>,
    /// Connections of which something waits for a write to return.
    holding: HashSet<u64>,
}

impl Tracker {
    /// `epoch`: what to add to `CLOCK_BOOTTIME` for nanoseconds since the epoch.
    pub(crate) fn new(epoch: u64) -> Self {
        Self {
            epoch,
            next_conn: 1,
            conns: HashMap::new(),
            names: HashMap::new(),
            processes: HashMap::new(),
            commands: HashMap::new(),
            ignored: 0,
            ended: HashSet::new(),
            holding: HashSet::new(),
        }
    }

    /// The kernel's counters are about to be read. Until the next time, those of
    /// connections that end meanwhile are out of date, and not heeded.
    pub(crate) fn counters_are_read(&mut self) {
        self.ended.clear();
    }

    /// Takes one record.
    pub(crate) fn record(
        &mut self,
        record: Record<'_>,
        facts: &mut dyn Facts,
        out: &mut Vec<Capture>,
    ) {
        match record {
            Record::Open(open) => self.opened(&open, facts),
            Record::Chunk(chunk, payload) => self.chunk(&chunk, payload, facts, out),
            Record::Close(close) => {
                let last = Final {
                    conn: close.conn,
                    pid: close.header.pid,
                    moved: close.moved,
                    ignored: close.ignored,
                };
                self.close(&last, close.header.time, facts, out);
            }
            Record::ServerName(name, payload) => {
                let server_name = String::from_utf8_lossy(payload).into_owned();
                // An address is given as a name, and not sent as one (RFC 6066, section 3).
                if server_name.parse::<IpAddr>().is_err() {
                    let endpoint =
                        Endpoint { server_name: Some(server_name), ..Endpoint::default() };
                    self.learn(name.conn, name.header, endpoint, out);
                }
            }
            Record::Socket(socket) => self.socket(&socket, facts, out),
            Record::Exec(exec, path) => self.exec(&exec, path, facts, out),
            Record::Args(header, payload) => self.args(header, payload),
            Record::Bound(bound) => self.bound(&bound, facts, out),
            Record::Exit(_) | Record::Mapped(_) => {}
        }
    }

    /// The kernel's name of a connection that is alive.
    pub(crate) fn kernel_id(&self, conn: ConnId) -> Option<u64> {
        self.names.get(&conn).copied()
    }

    /// Whether the process has connections.
    pub(crate) fn has_conns(&self, pid: u32) -> bool {
        self.processes.get(&pid).is_some_and(|known| !known.conns.is_empty())
    }

    /// Whether records told of the connection: it is alive, or ended since the
    /// counters were read.
    pub(crate) fn knows(&self, conn: u64) -> bool {
        self.conns.contains_key(&conn) || self.ended.contains(&conn)
    }

    /// The connections of a process, each with its TLS object or socket, which is not
    /// known where the opening record was lost.
    pub(crate) fn objects(&self, pid: u32) -> Vec<(u64, Option<u64>)> {
        let conns = self.processes.get(&pid).map_or(&[][..], |known| &known.conns);
        conns.iter().map(|&id| (id, self.conns.get(&id).and_then(|conn| conn.object))).collect()
    }

    /// The connections that are alive.
    pub(crate) fn conns(&self) -> HashSet<u64> {
        self.conns.keys().copied().collect()
    }

    /// The processes that are known, and when each ran for sure, by `CLOCK_BOOTTIME`; 0:
    /// it is not known when.
    pub(crate) fn processes(&self) -> Vec<(u32, u64)> {
        let opened = |id: &u64| Some(self.conns.get(id)?.open.time.0.wrapping_sub(self.epoch));
        let ran = |known: &Known| {
            known.conns.iter().filter_map(opened).chain(known.executed).max().unwrap_or(0)
        };
        self.processes.iter().map(|(&pid, known)| (pid, ran(known))).collect()
    }

    /// Bytes of no interest that ended connections moved.
    pub(crate) fn ignored_bytes(&self) -> u64 {
        self.ignored
    }

    /// Accounts for what is missing up to these counters.
    pub(crate) fn settle(
        &mut self,
        last: &Final,
        time: u64,
        facts: &mut dyn Facts,
        out: &mut Vec<Capture>,
    ) {
        if self.ended.contains(&last.conn) || self.waits(last.conn, facts, out) {
            return;
        }
        let header = abi::Header { time, pid: last.pid, tid: last.pid, ..Default::default() };
        for side in [abi::direction::SENT, abi::direction::RECEIVED] {
            let state = self.state(last.conn, header);
            let mut pieces = Vec::new();
            state.orders[side].finish(last.moved[side], last.ignored[side], &mut pieces);
            if side == abi::direction::RECEIVED {
                let held = &mut state.held;
                pieces = pieces.into_iter().filter_map(|p| held.received(p, time, false)).collect();
            }
            self.pieces(last.conn, side, pieces, time, facts, out);
        }
    }

    /// Whether anything waits for a write to return.
    pub(crate) fn is_holding(&self) -> bool {
        !self.holding.is_empty()
    }

    /// Tells what has waited long enough at `now`.
    pub(crate) fn late(&mut self, now: u64, facts: &mut dyn Facts, out: &mut Vec<Capture>) {
        for conn in self.holding.iter().copied().collect::<Vec<_>>() {
            let Some(state) = self.conns.get_mut(&conn) else {
                self.holding.remove(&conn);
                continue;
            };
            let pieces = state.held.late(now);
            if state.held.is_empty() {
                self.holding.remove(&conn);
            }
            self.pieces(conn, abi::direction::RECEIVED, pieces, now, facts, out);
        }
    }

    /// A write of the connection came to its end, or nothing more can come: tells
    /// what waited for it.
    fn release(&mut self, conn: u64, time: u64, facts: &mut dyn Facts, out: &mut Vec<Capture>) {
        let Some(state) = self.conns.get_mut(&conn) else { return };
        let pieces = state.held.wrote();
        if pieces.is_empty() {
            return;
        }
        self.holding.remove(&conn);
        self.pieces(conn, abi::direction::RECEIVED, pieces, time, facts, out);
    }

    /// A connection ended with these counters.
    pub(crate) fn close(
        &mut self,
        last: &Final,
        time: u64,
        facts: &mut dyn Facts,
        out: &mut Vec<Capture>,
    ) {
        if self.ended.contains(&last.conn) {
            return;
        }
        self.tell_half(last.conn, facts, out);
        let moved = last.moved != [0; 2];
        if moved || self.conns.contains_key(&last.conn) {
            self.settle(last, time, facts, out);
            self.release(last.conn, time, facts, out);
        }
        let ignored = last.ignored.iter().sum();
        self.ignored += ignored;
        self.forget(last.conn, time, ignored, out);
    }

    /// A connection ended, and nothing tells with which counters.
    pub(crate) fn end(
        &mut self,
        conn: u64,
        time: u64,
        facts: &mut dyn Facts,
        out: &mut Vec<Capture>,
    ) {
        self.tell_half(conn, facts, out);
        self.release(conn, time, facts, out);
        self.forget(conn, time, 0, out);
    }

    /// A process ended. Connections that were not closed before end as they are.
    pub(crate) fn exit(
        &mut self,
        pid: u32,
        time: u64,
        facts: &mut dyn Facts,
        out: &mut Vec<Capture>,
    ) {
        for conn in self.processes.get(&pid).map(|k| k.conns.clone()).unwrap_or_default() {
            self.end(conn, time, facts, out);
        }
        self.commands.remove(&pid);
        facts.exited(pid);
        if self.processes.remove(&pid).is_some_and(|known| known.told) {
            out.push(Capture::Exit { pid, time: self.epoch(time) });
        }
    }

    fn epoch(&self, time: u64) -> Timestamp {
        Timestamp(time.wrapping_add(self.epoch))
    }

    fn chunk(
        &mut self,
        chunk: &abi::Chunk,
        payload: &[u8],
        facts: &mut dyn Facts,
        out: &mut Vec<Capture>,
    ) {
        let has = |flag| chunk.header.flags & flag != 0;
        let (conn, time) = (chunk.conn, chunk.header.time);
        let state = self.state(conn, chunk.header);
        if state.object.is_none()
            && chunk.header.flags & (abi::flags::PLAIN | abi::flags::STDIO) != 0
        {
            state.open.tls = Tls::None;
            state.open.stdio = has(abi::flags::STDIO);
        }
        if let Some(half) = &mut state.half {
            if !half.keep(chunk, payload) {
                self.tell_half(conn, facts, out);
            }
            return;
        }
        let mut pieces = Vec::new();
        if !Self::is_watched(state, time, facts) {
            let side = usize::from(has(abi::flags::RECEIVED));
            let moved = payload.len() as u64;
            state.orders[side].begin(chunk.offset.saturating_add(moved), chunk.lost);
            return;
        }
        if !has(abi::flags::RECEIVED) {
            let sent = abi::direction::SENT;
            state.orders[sent].chunk(chunk.offset, chunk.lost, time, payload, &mut pieces);
            self.pieces(conn, sent, pieces, time, facts, out);
            if !has(abi::flags::MORE) {
                self.release(conn, time, facts, out);
            }
            return;
        }
        let received = abi::direction::RECEIVED;
        state.orders[received].chunk(chunk.offset, chunk.lost, time, payload, &mut pieces);
        let held = &mut state.held;
        let while_writing = has(abi::flags::WHILE_WRITING);
        let mut free: Vec<_> =
            pieces.into_iter().filter_map(|p| held.received(p, time, while_writing)).collect();
        free.extend(held.late(time));
        if held.is_empty() {
            self.holding.remove(&conn);
        } else {
            self.holding.insert(conn);
        }
        self.pieces(conn, received, free, time, facts, out);
    }

    fn pieces(
        &mut self,
        conn: u64,
        side: usize,
        pieces: Vec<Piece>,
        noticed: u64,
        facts: &mut dyn Facts,
        out: &mut Vec<Capture>,
    ) {
        if pieces.is_empty() {
            return;
        }
        self.tell(conn, facts, out);
        let Some(state) = self.conns.get(&conn) else { return };
        let conn = state.open.conn;
        let direction =
            if side == abi::direction::SENT { Direction::Sent } else { Direction::Received };
        out.extend(pieces.into_iter().map(|piece| match piece {
            Piece::Gap(lost) => {
                Capture::Gap(Gap { conn, direction, time: self.epoch(noticed), lost })
            }
            Piece::Bytes { time, offset, bytes } => {
                Capture::Chunk(Chunk { conn, direction, time: self.epoch(time), offset, bytes })
            }
        }));
    }
}
