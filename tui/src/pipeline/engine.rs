//! The pipeline's logic: captures in, store and sinks written.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use llmtop_parsers::conversation::Tracker;
use llmtop_parsers::price::PriceTable;
use llmtop_parsers::{self as parsers, Delta, Exchange, Limits, Role};
use llmtop_parsers::{Event, Timestamp, Verdict};
use llmtop_probe::{Capture, ConnId, Control, Endpoint, Open, Process, Totals};

use super::both_ends::{BothEnds, Decision, Patience, ViewId};
use super::entry::{Entry, is_wanted};
use super::facts::Facts;
use super::processes::{Known, Processes};
use super::ulid::ulid;
use crate::config::Mode;
use crate::sink::{Seen, Sink};
use crate::store::{Connection, ExchangeId, Shared, Status, grow};

/// What the pipeline is to do.
#[derive(Debug, Default)]
pub struct Options {
    /// Which exchanges are shown.
    pub mode: Mode,
    /// Show both views of an exchange seen at both ends.
    pub both_ends: bool,
    /// Memory bounds of the parsers.
    pub limits: Limits,
    /// What tokens cost.
    pub prices: PriceTable,
    /// Ask to be stopped after so many shown exchanges ended.
    pub count: Option<u64>,
    /// Decide while answers stream which view of an exchange is shown.
    pub eager: bool,
}

/// Finds out what no capture says, on a live machine.
pub trait Lookup: Send {
    /// The process that owns the socket with these ends, in the network
    /// namespace of the process `beside`.
    fn owner(&mut self, beside: u32, local: SocketAddr, peer: SocketAddr) -> Option<u32>;

    /// The facts of a process.
    fn process(&mut self, pid: u32) -> Option<Process>;
}

/// How much later than its twin a view may be reported: longer than records
/// of two processors are ever out of order, shorter than one notices.
const GRACE: std::time::Duration = std::time::Duration::from_millis(250);

struct Conn {
    /// What the store knows of it.
    info: Connection,
    /// Its process, as it was when the connection opened.
    process: Known,
    /// `None`: judged to be of no interest.
    parser: Option<parsers::Connection>,
    closed: bool,
    /// Its entries that are not forgotten.
    entries: usize,
    /// The owner of the other end was looked for.
    looked_up: bool,
}

/// See the module. Drive it with [`capture`](Self::capture) for each capture,
/// with [`tick`](Self::tick) after each batch and when there is none, and with
/// [`finish`](Self::finish) at the end.
pub struct Engine {
    options: Options,
    store: Arc<Shared>,
    sinks: Vec<Box<dyn Sink>>,
    control: Option<Arc<dyn Control>>,
    lookup: Option<Box<dyn Lookup>>,
    now: Timestamp,
    next_id: u64,
    conns: HashMap<ConnId, Conn>,
    processes: Processes,
    entries: HashMap<ViewId, Entry>,
    ends: BothEnds,
    tracker: Tracker,
    exchanges: u64,
    wants_deltas: bool,
}

impl Engine {
    /// Writes `store` and feeds `sinks`; steers the source by `control`.
    pub fn new(
        options: Options,
        store: Arc<Shared>,
        sinks: Vec<Box<dyn Sink>>,
        control: Option<Arc<dyn Control>>,
        lookup: Option<Box<dyn Lookup>>,
    ) -> Self {
        Engine {
            ends: BothEnds::new(Patience { grace: GRACE, eager: options.eager }),
            wants_deltas: sinks.iter().any(|sink| sink.wants_deltas()),
            options,
            store,
            sinks,
            control,
            lookup,
            now: Timestamp(0),
            next_id: 0,
            conns: HashMap::new(),
            processes: Processes::default(),
            entries: HashMap::new(),
            tracker: Tracker::default(),
            exchanges: 0,
        }
    }

    /// Takes in one capture.
    ///
    /// # Errors
    /// Those of the sinks.
    pub fn capture(&mut self, capture: Capture) -> io::Result<()> {
        for sink in &mut self.sinks {
            sink.capture(&capture)?;
        }
        self.take(capture)
    }

    /// The time of the latest capture.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// How many shown exchanges ended.
    pub fn exchanges(&self) -> u64 {
        self.exchanges
    }

    /// Time went on to `now` without captures, as far as the source's clock
    /// can be guessed.
    ///
    /// # Errors
    /// Those of the sinks.
    pub fn tick(&mut self, now: Timestamp) -> io::Result<()> {
        self.now = self.now.max(now);
        self.ends.advance(self.now);
        self.decide()?;
        self.store.changed();
        Ok(())
    }

    /// Nothing arrives for now.
    ///
    /// # Errors
    /// Those of the sinks.
    pub fn idle(&mut self) -> io::Result<()> {
        self.sinks.iter_mut().try_for_each(|sink| sink.idle())
    }

    /// The source ended: what is decided only by waiting is decided now, and
    /// what had not ended is reported as it is.
    ///
    /// # Errors
    /// Those of the sinks.
    pub fn finish(&mut self, totals: &Totals) -> io::Result<()> {
        self.ends.finish();
        self.decide()?;
        let mut open: Vec<_> = self.entries.iter().map(|(&id, entry)| (entry.id, id)).collect();
        open.sort_unstable();
        for (_, id) in open {
            self.report(id)?;
        }
        self.store.store().set_source_totals(totals);
        let exchanges = self.exchanges;
        self.sinks.iter_mut().try_for_each(|sink| sink.end(totals, exchanges))
    }

    /// Says in the store how the run ended.
    pub fn conclude(&mut self, status: Status, totals: &Totals) {
        let mut session = self.store.session();
        session.status = status;
        session.ignored_bytes = totals.ignored_bytes;
        drop(session);
        self.store.changed();
    }

    fn take(&mut self, capture: Capture) -> io::Result<()> {
        match capture {
            Capture::Process(process) => self.process(process),
            Capture::Open(open) => self.open(open),
            Capture::Endpoint { conn, endpoint } => {
                self.endpoint(conn, &endpoint);
                self.look_up_client(conn)?;
            }
            Capture::Chunk(chunk) => {
                let time = self.at(chunk.time);
                if let Some(conn) = self.conns.get_mut(&chunk.conn) {
                    let captured = chunk.bytes.len() as u64;
                    conn.info.captured_bytes += captured;
                    self.store.store().add_bytes(chunk.conn, captured, 0);
                    if let Some(parser) = &mut conn.parser {
                        parser.receive(direction(chunk.direction), time, &chunk.bytes);
                    }
                }
                self.drain(chunk.conn)?;
            }
            Capture::Gap(gap) => {
                let time = self.at(gap.time);
                if let Some(conn) = self.conns.get_mut(&gap.conn) {
                    conn.info.lost_bytes = conn.info.lost_bytes.saturating_add(gap.lost);
                    self.store.store().add_bytes(gap.conn, 0, gap.lost);
                    if let Some(parser) = &mut conn.parser {
                        parser.gap(direction(gap.direction), time, gap.lost);
                    }
                }
                self.drain(gap.conn)?;
            }
            Capture::Close { conn, time, ignored } => {
                let time = self.at(time);
                self.close(conn, time, ignored)?;
            }
            Capture::Exit { pid, time } => {
                self.at(time);
                if let Some(key) = self.processes.exit(pid) {
                    self.store.store().end_process(key, time);
                }
            }
        }
        self.decide()
    }

    /// The parsers' time of a capture; also moves the clock.
    fn at(&mut self, time: llmtop_probe::Timestamp) -> Timestamp {
        let time = Timestamp(time.0);
        self.now = self.now.max(time);
        time
    }

    fn process(&mut self, process: Process) {
        let known = self.processes.put(process);
        let now = llmtop_probe::Timestamp(self.now.0);
        self.store.store().put_process(known.key, known.facts, now);
    }

    fn open(&mut self, open: Open) {
        let Open { conn, pid, tid, time, tls, joined_midway, endpoint } = open;
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
            protocol: None,
            joined_midway,
            opened: time,
            closed: None,
            captured_bytes: 0,
            lost_bytes: 0,
            ignored_bytes: 0,
            peer_process: None,
        };
        self.store.store().put_connection(info.clone());
        self.ends.open(conn, &endpoint);
        let parser = Some(parsers::Connection::new(self.options.limits, joined_midway));
        self.conns.insert(
            conn,
            Conn { info, process, parser, closed: false, entries: 0, looked_up: false },
        );
        self.endpoint(conn, &endpoint);
    }

    fn endpoint(&mut self, id: ConnId, news: &Endpoint) {
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

    fn close(&mut self, id: ConnId, time: Timestamp, ignored: u64) -> io::Result<()> {
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

    /// Takes what a parser found.
    fn drain(&mut self, id: ConnId) -> io::Result<()> {
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

    /// A connection is not worth copying.
    fn ignore(&mut self, id: ConnId) -> io::Result<()> {
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

    fn started(&mut self, conn_id: ConnId, exchange: Box<Exchange>) -> io::Result<()> {
        let id = ViewId { conn: conn_id, seq: exchange.seq };
        let Some(conn) = self.conns.get_mut(&conn_id) else { return Ok(()) };
        conn.entries += 1;
        if conn.info.role.is_none() || conn.info.protocol != Some(exchange.protocol) {
            conn.info.role = Some(exchange.role);
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
        };
        self.entries.insert(id, entry);
        let facts = Facts::of(conn.process.key.0, &exchange);
        self.ends.started(id, facts);
        self.put(id, exchange);
        self.decide()?;
        self.look_up_client(conn_id)
    }

    fn updated(&mut self, conn: ConnId, exchange: Box<Exchange>) -> io::Result<()> {
        let id = ViewId { conn, seq: exchange.seq };
        if let Some(process) = self.conns.get(&conn).map(|conn| conn.process.key.0) {
            self.ends.updated(id, Facts::of(process, &exchange));
        }
        self.put(id, exchange);
        self.decide()
    }

    fn delta(&mut self, id: ViewId, delta: Delta) -> io::Result<()> {
        let Some(entry) = self.entries.get_mut(&id) else { return Ok(()) };
        entry.deltas += 1;
        let started = match &mut entry.kept {
            Some(kept) => {
                grow(kept, &delta);
                kept.timing.started
            }
            None => self.store.store().add_delta(entry.id, &delta).unwrap_or(delta.at),
        };
        if !self.wants_deltas {
            return Ok(());
        }
        if entry.is_shown() {
            entry.told = true;
            let ulid = &entry.ulid;
            self.sinks.iter_mut().try_for_each(|sink| sink.delta(ulid, started, &delta))
        } else {
            entry.untold.push(delta);
            Ok(())
        }
    }

    fn finished(&mut self, conn: ConnId, mut exchange: Box<Exchange>) -> io::Result<()> {
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
    fn put(&mut self, id: ViewId, exchange: Box<Exchange>) {
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
        self.store.store().put_exchange(record);
    }

    /// Shows what is kept here, as it is to be shown now.
    fn show(&mut self, id: ViewId) -> io::Result<()> {
        let Some(kept) = self.entries.get_mut(&id).and_then(|entry| entry.kept.take()) else {
            return Ok(());
        };
        let started = kept.timing.started;
        self.put(id, kept);
        let Some(entry) = self.entries.get_mut(&id).filter(|entry| entry.is_shown()) else {
            return Ok(());
        };
        for delta in std::mem::take(&mut entry.untold) {
            entry.told = true;
            let ulid = &entry.ulid;
            self.sinks.iter_mut().try_for_each(|sink| sink.delta(ulid, started, &delta))?;
        }
        Ok(())
    }

    /// Takes an exchange off the screen; it may come back.
    fn hide(&mut self, id: ViewId) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.chosen = false;
        if entry.kept.is_none() {
            let record = self.store.store().remove_exchange(entry.id);
            entry.kept = record.map(|record| Box::new(record.exchange));
        }
    }

    /// Tells the sinks of the end of a shown exchange, once.
    fn report(&mut self, id: ViewId) -> io::Result<()> {
        let Some(entry) = self.entries.get_mut(&id) else { return Ok(()) };
        if !entry.is_shown() || entry.reported {
            return Ok(());
        }
        let Some(conn) = self.conns.get(&id.conn) else { return Ok(()) };
        entry.reported = true;
        entry.told = true;
        self.exchanges += 1;
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
                connection: &conn.info,
                process: &process,
                peer_process: peer.as_deref(),
            };
            self.sinks.iter_mut().try_for_each(|sink| sink.finished(seen))?;
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
    fn decide(&mut self) -> io::Result<()> {
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

    fn pair(&mut self, client: ViewId, server: ViewId) -> io::Result<()> {
        self.introduce(client.conn, server.conn);
        self.introduce(server.conn, client.conn);
        if !self.options.both_ends {
            // What was told cannot be taken back.
            let told = |id| self.entries.get(&id).is_some_and(|entry: &Entry| entry.told);
            let (shown, hidden) =
                if told(server) && !told(client) { (server, client) } else { (client, server) };
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

    fn part(&mut self, client: ViewId, server: ViewId) -> io::Result<()> {
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

    /// Names the process at the other end of a connection.
    fn introduce(&mut self, to: ConnId, other: ConnId) {
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
    fn look_up_client(&mut self, id: ConnId) -> io::Result<()> {
        let Some(conn) = self.conns.get_mut(&id) else { return Ok(()) };
        let Endpoint { local, peer, peer_pid, .. } = conn.info.endpoint;
        let (Some(local), Some(peer), Some(lookup)) = (local, peer, &mut self.lookup) else {
            return Ok(());
        };
        let unknown = conn.info.role == Some(Role::Server) && conn.info.peer_process.is_none();
        if !unknown || conn.looked_up || self.ends.has_twin(id) {
            return Ok(());
        }
        conn.looked_up = true;
        let pid = peer_pid.or_else(|| lookup.owner(conn.process.facts.pid, peer, local));
        let Some(pid) = pid else { return Ok(()) };
        if self.processes.of(pid).is_none()
            && let Some(facts) = lookup.process(pid)
        {
            self.capture(Capture::Process(facts))?;
        }
        let endpoint = Endpoint { peer_pid: Some(pid), ..Endpoint::default() };
        self.capture(Capture::Endpoint { conn: id, endpoint })
    }

    /// Whom a view is credited to that is the only one of its exchange: the
    /// process at the client's end.
    fn credit(&self, id: ConnId) -> Option<crate::store::ProcessKey> {
        let conn = self.conns.get(&id)?;
        let client = conn.info.endpoint.peer_pid.and_then(|pid| self.processes.of(pid));
        let credited = match (conn.info.role, client) {
            (Some(Role::Server), Some(client)) if !self.options.both_ends => client,
            _ => &conn.process,
        };
        Some(credited.key)
    }

    fn forget(&mut self, id: ViewId) {
        if self.entries.remove(&id).is_some()
            && let Some(conn) = self.conns.get_mut(&id.conn)
        {
            conn.entries -= 1;
            self.drop_conn_if_done(id.conn);
        }
    }

    fn drop_conn_if_done(&mut self, id: ConnId) {
        if self.conns.get(&id).is_some_and(|conn| conn.closed && conn.entries == 0) {
            self.conns.remove(&id);
        }
    }
}

fn direction(direction: llmtop_probe::Direction) -> parsers::Direction {
    match direction {
        llmtop_probe::Direction::Sent => parsers::Direction::Sent,
        llmtop_probe::Direction::Received => parsers::Direction::Received,
    }
}
