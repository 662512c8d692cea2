//! What connects records: which connections there are, whose, and how far each
//! direction has come.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use llmtop_probe_common as abi;

use super::Record;
use super::direction::{Order, Piece};
use crate::{Capture, Chunk, ConnId, Direction, Endpoint, Gap, Open, Process, Timestamp, Tls};

/// Command lines remembered between `execve` and its success.
const MAX_COMMANDS: usize = 1 << 14;

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
/// [`exit`](Self::exit) when nothing more can come. Each appends to `out`.
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
}

#[derive(Debug)]
struct State {
    open: Open,
    object: Option<u64>,
    /// [`Capture::Open`] was sent: something moved.
    told: bool,
    orders: [Order; 2],
}

#[derive(Debug, Default)]
struct Known {
    seen: Process,
    told: bool,
    /// It executed its program while we watched.
    young: bool,
    conns: Vec<u64>,
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
            Record::Open(open) => self.opened(&open),
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
                let endpoint = Endpoint { server_name: Some(server_name), ..Endpoint::default() };
                self.learn(name.conn, name.header, endpoint, out);
            }
            Record::Socket(socket) => self.socket(&socket, facts, out),
            Record::Exec(exec, path) => self.exec(&exec, path, facts, out),
            Record::Args(header, payload) => {
                if self.commands.len() >= MAX_COMMANDS {
                    self.commands.clear();
                }
                self.commands.insert(header.pid, arguments(payload));
            }
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

    /// The TLS objects of a process's connections, as far as known.
    pub(crate) fn objects(&self, pid: u32) -> Vec<u64> {
        let conns = self.processes.get(&pid).map_or(&[][..], |known| &known.conns);
        conns.iter().filter_map(|id| self.conns.get(id)?.object).collect()
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
        if self.ended.contains(&last.conn) {
            return;
        }
        let header = abi::Header { time, pid: last.pid, tid: last.pid, ..Default::default() };
        let state = self.state(last.conn, header);
        let mut missing = Vec::new();
        for (side, order) in state.orders.iter_mut().enumerate() {
            let mut pieces = Vec::new();
            order.finish(last.moved[side], last.ignored[side], &mut pieces);
            missing.extend(pieces.into_iter().map(|piece| (side, piece)));
        }
        for (side, piece) in missing {
            self.piece(last.conn, side, piece, time, facts, out);
        }
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
        let moved = last.moved != [0; 2];
        if moved || self.conns.contains_key(&last.conn) {
            self.settle(last, time, facts, out);
        }
        let ignored = last.ignored.iter().sum();
        self.ignored += ignored;
        self.forget(last.conn, time, ignored, out);
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
            self.forget(conn, time, 0, out);
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

    fn opened(&mut self, open: &abi::Open) {
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
        let young = known.young;
        let state = self.state(open.conn, open.header);
        state.object = Some(open.object);
        state.open.tls = tls(open.tls);
        let fresh = open.header.flags & abi::flags::FRESH != 0;
        state.open.joined_midway = !fresh && !young;
    }

    /// A connection's state; made where its opening record was lost.
    fn state(&mut self, conn: u64, header: abi::Header) -> &mut State {
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
                    joined_midway: !known.young,
                    endpoint: Endpoint::default(),
                },
                object: None,
                told: false,
                orders: Default::default(),
            }
        })
    }

    fn chunk(
        &mut self,
        chunk: &abi::Chunk,
        payload: &[u8],
        facts: &mut dyn Facts,
        out: &mut Vec<Capture>,
    ) {
        let side = usize::from(chunk.header.flags & abi::flags::RECEIVED != 0);
        let time = chunk.header.time;
        let state = self.state(chunk.conn, chunk.header);
        let mut pieces = Vec::new();
        state.orders[side].chunk(chunk.offset, chunk.lost, time, payload, &mut pieces);
        for piece in pieces {
            self.piece(chunk.conn, side, piece, time, facts, out);
        }
    }

    fn piece(
        &mut self,
        conn: u64,
        side: usize,
        piece: Piece,
        noticed: u64,
        facts: &mut dyn Facts,
        out: &mut Vec<Capture>,
    ) {
        self.tell(conn, facts, out);
        let Some(state) = self.conns.get(&conn) else { return };
        let conn = state.open.conn;
        let direction =
            if side == abi::direction::SENT { Direction::Sent } else { Direction::Received };
        out.push(match piece {
            Piece::Gap(lost) => {
                Capture::Gap(Gap { conn, direction, time: self.epoch(noticed), lost })
            }
            Piece::Bytes { time, offset, bytes } => {
                Capture::Chunk(Chunk { conn, direction, time: self.epoch(time), offset, bytes })
            }
        });
    }

    /// Tells of a connection, and of its process, where that was not done yet.
    fn tell(&mut self, conn: u64, facts: &mut dyn Facts, out: &mut Vec<Capture>) {
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

    fn forget(&mut self, conn: u64, time: u64, ignored: u64, out: &mut Vec<Capture>) {
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

    fn socket(&mut self, socket: &abi::Socket, facts: &mut dyn Facts, out: &mut Vec<Capture>) {
        let pid = socket.header.pid;
        let mut endpoint = Endpoint {
            local: address(&socket.local),
            peer: address(&socket.peer),
            ..Endpoint::default()
        };
        // The kernel's word stands; what it does not know is asked, as long as
        // the process has the socket.
        let asked = facts.endpoint(pid, socket.fd);
        if endpoint.peer.is_none() || endpoint.peer == asked.peer {
            endpoint.peer = endpoint.peer.or(asked.peer);
            endpoint.local = endpoint.local.or(asked.local);
            endpoint.peer_pid = asked.peer_pid;
        }
        if endpoint.peer.is_some() || endpoint.local.is_some() {
            self.learn(socket.conn, socket.header, endpoint, out);
        }
    }

    /// Something of a connection's ends became known.
    fn learn(&mut self, conn: u64, header: abi::Header, news: Endpoint, out: &mut Vec<Capture>) {
        let state = self.state(conn, header);
        let endpoint = &mut state.open.endpoint;
        endpoint.local = news.local.or(endpoint.local);
        endpoint.peer = news.peer.or(endpoint.peer);
        endpoint.peer_pid = news.peer_pid.or(endpoint.peer_pid);
        endpoint.server_name = news.server_name.clone().or(endpoint.server_name.take());
        if state.told {
            out.push(Capture::Endpoint { conn: state.open.conn, endpoint: news });
        }
    }

    fn exec(
        &mut self,
        exec: &abi::Exec,
        path: &[u8],
        facts: &mut dyn Facts,
        out: &mut Vec<Capture>,
    ) {
        let pid = exec.header.pid;
        let exe = String::from_utf8_lossy(path).into_owned();
        let args = self.commands.remove(&pid).unwrap_or_else(|| vec![exe.clone()]);
        let seen = Process {
            pid,
            parent: (exec.parent != 0).then_some(exec.parent),
            comm: text(&exec.comm),
            exe: Some(exe),
            args,
            uid: exec.uid,
            container: None,
            started: Some(self.epoch(exec.header.time)),
        };
        let process = facts.executed(seen.clone());
        let known = self.processes.entry(pid).or_default();
        known.seen = seen;
        known.young = true;
        if known.told {
            out.push(Capture::Process(process));
        }
    }
}

fn tls(code: u32) -> Tls {
    match code {
        abi::tls::BORINGSSL => Tls::Boringssl,
        _ => Tls::Openssl,
    }
}

/// The text before the first zero byte.
fn text(bytes: &[u8]) -> String {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// Arguments, each ended by a zero byte; the last may be cut.
fn arguments(bytes: &[u8]) -> Vec<String> {
    let whole = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    whole.split(|&b| b == 0).map(|arg| String::from_utf8_lossy(arg).into_owned()).collect()
}

fn address(raw: &abi::Address) -> Option<SocketAddr> {
    let v4: [u8; 4] = [raw.ip[0], raw.ip[1], raw.ip[2], raw.ip[3]];
    let ip = match i32::from(raw.family) {
        libc::AF_INET => IpAddr::V4(Ipv4Addr::from(v4)),
        libc::AF_INET6 => IpAddr::V6(Ipv6Addr::from(raw.ip)).to_canonical(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, raw.port))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Facts for Nobody {
        fn executed(&mut self, seen: Process) -> Process {
            seen
        }
        fn process(&mut self, seen: Process) -> Process {
            seen
        }
        fn exited(&mut self, _: u32) {}
        fn endpoint(&mut self, _: u32, _: i32) -> Endpoint {
            Endpoint::default()
        }
    }

    const HEADER: abi::Header = abi::Header { kind: 0, flags: 0, len: 0, time: 5, pid: 7, tid: 8 };

    fn chunk(conn: u64, offset: u64, lost: u64) -> Record<'static> {
        Record::Chunk(abi::Chunk { header: HEADER, conn, offset, lost }, b"0123456789")
    }

    fn close(conn: u64, moved: u64) -> Record<'static> {
        Record::Close(abi::Close {
            header: HEADER,
            conn,
            moved: [moved, 0],
            lost: [0; 2],
            ignored: [0; 2],
        })
    }

    /// What comes of records, a word each.
    fn words(out: &[Capture]) -> Vec<String> {
        out.iter()
            .map(|capture| match capture {
                Capture::Process(process) => format!("process {}", process.pid),
                Capture::Open(open) => format!("open {}", open.conn.0),
                Capture::Endpoint { conn, .. } => format!("endpoint {}", conn.0),
                Capture::Chunk(chunk) => format!("chunk {}+{}", chunk.conn.0, chunk.offset),
                Capture::Gap(gap) => format!("gap {}-{}", gap.conn.0, gap.lost),
                Capture::Close { conn, .. } => format!("close {}", conn.0),
                Capture::Exit { pid, .. } => format!("exit {pid}"),
            })
            .collect()
    }

    fn check(records: &[Record<'_>], expected: &[&str]) {
        let (mut tracker, mut out) = (Tracker::new(0), Vec::new());
        for record in records {
            tracker.record(*record, &mut Nobody, &mut out);
        }
        assert_eq!(words(&out), expected);
    }

    #[test]
    fn records_become_captures() {
        check(&[], &[]);
        check(
            &[chunk(90, 0, 0), chunk(90, 15, 5), chunk(91, 0, 0)],
            &["process 7", "open 1", "chunk 1+0", "gap 1-5", "chunk 1+15", "open 2", "chunk 2+0"],
        );
        // A loss at the end is told by the last counters.
        check(
            &[chunk(90, 0, 0), close(90, 12)],
            &["process 7", "open 1", "chunk 1+0", "gap 1-2", "close 1"],
        );
        // All was lost, the opening record, too.
        check(&[close(90, 12)], &["process 7", "open 1", "gap 1-12", "close 1"]);
        // Nothing moved: nobody hears of it.
        check(&[Record::Open(abi::Open { header: HEADER, conn: 90, ..Default::default() })], &[]);
        check(&[close(90, 0)], &[]);
    }

    #[test]
    fn counters_of_the_ended_are_out_of_date() {
        let (mut tracker, mut out) = (Tracker::new(0), Vec::new());
        tracker.record(chunk(90, 0, 0), &mut Nobody, &mut out);
        let last = Final { conn: 90, pid: 7, moved: [10, 0], ignored: [0; 2] };
        tracker.counters_are_read();
        tracker.record(close(90, 10), &mut Nobody, &mut out);
        out.clear();
        tracker.settle(&last, 9, &mut Nobody, &mut out);
        tracker.close(&last, 9, &mut Nobody, &mut out);
        assert_eq!(out, []);
    }

    #[test]
    fn an_exit_ends_what_the_process_had() {
        let (mut tracker, mut out) = (Tracker::new(100), Vec::new());
        tracker.record(chunk(90, 0, 0), &mut Nobody, &mut out);
        assert!(tracker.has_conns(7) && !tracker.has_conns(8));
        tracker.exit(7, 9, &mut Nobody, &mut out);
        assert_eq!(words(&out)[3..], ["close 1", "exit 7"]);
        assert_eq!(out[4], Capture::Exit { pid: 7, time: Timestamp(109) });
        assert!(!tracker.has_conns(7));
    }

    #[test]
    fn command_lines_join_their_programs() {
        struct Seen(Vec<Process>);
        impl Facts for Seen {
            fn executed(&mut self, seen: Process) -> Process {
                self.0.push(seen.clone());
                seen
            }
            fn process(&mut self, seen: Process) -> Process {
                seen
            }
            fn exited(&mut self, _: u32) {}
            fn endpoint(&mut self, _: u32, _: i32) -> Endpoint {
                Endpoint::default()
            }
        }
        let (mut tracker, mut facts, mut out) = (Tracker::new(0), Seen(Vec::new()), Vec::new());
        tracker.record(Record::Args(HEADER, b"curl\0-s\0\0http"), &mut facts, &mut out);
        let mut exec = abi::Exec { header: HEADER, parent: 3, ..Default::default() };
        exec.comm[..4].copy_from_slice(b"curl");
        tracker.record(Record::Exec(exec, b"/usr/bin/curl"), &mut facts, &mut out);
        let seen = &facts.0[0];
        assert_eq!(seen.args, ["curl", "-s", "", "http"]);
        assert_eq!((seen.comm.as_str(), seen.parent), ("curl", Some(3)));
        assert_eq!(seen.exe.as_deref(), Some("/usr/bin/curl"));
    }
}
