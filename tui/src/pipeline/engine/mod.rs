//! The pipeline's logic: captures in, store and sinks written.

mod briefing;
mod connections;
mod decisions;
mod exchanges;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use llmtop_parsers::conversation::Tracker;
use llmtop_parsers::price::PriceTable;
use llmtop_parsers::{self as parsers, Limits, Timestamp};
use llmtop_probe::{Capture, ConnId, Control, Process, Totals, Untracked};

use super::both_ends::{BothEnds, Patience, ViewId};
use super::entry::Entry;
use super::processes::{Known, Processes};
use crate::config::Mode;
use crate::filter::Filter;
use crate::sink::{self, Sink};
use crate::store::{Connection, Shared, Status};

/// What the pipeline is to do.
#[derive(Debug, Default)]
pub struct Options {
    /// Which exchanges are shown.
    pub mode: Mode,
    /// Show both views of an exchange seen at both ends.
    pub both_ends: bool,
    /// Sinks are told only of exchanges that pass it.
    pub filter: Option<Filter>,
    /// Memory bounds of the parsers.
    pub limits: Limits,
    /// What tokens cost.
    pub prices: Arc<PriceTable>,
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

    /// The process at the other end of another's standard input and output.
    fn client_of_stdio(&mut self, pid: u32) -> Option<u32>;

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
    /// The store's version of which its readers were told.
    told: u64,
    /// Probes, and what is of no connection, as last told in the session.
    counts: (usize, Untracked),
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
        store.store().set_prices(Arc::clone(&options.prices));
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
            told: 0,
            counts: Default::default(),
        }
    }

    /// Takes in one capture.
    ///
    /// # Errors
    /// Those of the sinks.
    pub fn capture(&mut self, capture: Capture) -> io::Result<()> {
        self.brief()?;
        self.record(&capture)?;
        self.take(capture)
    }

    /// Hands on what was captured, without making anything of it.
    ///
    /// # Errors
    /// Those of the sinks.
    pub fn record(&mut self, capture: &Capture) -> io::Result<()> {
        self.sinks.iter_mut().try_for_each(|sink| sink.capture(capture))
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
        let counted = self.count();
        // Whoever draws need not, where nothing is new.
        let version = self.store.store().version();
        if std::mem::replace(&mut self.told, version) != version || counted {
            self.store.changed();
        }
        Ok(())
    }

    /// Whether time alone may decide something.
    pub fn waits(&self) -> bool {
        self.ends.waits()
    }

    /// Programs start and end, and with them what is covered; what is moved may be of no
    /// connection. Whether any of it is new.
    fn count(&mut self) -> bool {
        let Some(control) = &self.control else { return false };
        let counts = (control.probes(), control.untracked());
        let new = std::mem::replace(&mut self.counts, counts) != counts;
        if new {
            let mut session = self.store.session();
            (session.probes, session.untracked) = counts;
        }
        new
    }

    /// Nothing arrives for now.
    ///
    /// # Errors
    /// Those of the sinks.
    pub fn idle(&mut self) -> io::Result<()> {
        self.brief()?;
        self.sinks.iter_mut().try_for_each(|sink| sink.idle())
    }

    /// The source ended: what is decided only by waiting is decided now, and
    /// what had not ended is reported as it is.
    ///
    /// # Errors
    /// Those of the sinks.
    pub fn finish(&mut self, totals: &Totals) -> io::Result<()> {
        let reported = self.report_rest();
        self.store.store().set_source_totals(totals);
        let exchanges = self.exchanges;
        // Each has its end, whatever became of the others.
        let ends = self.sinks.iter_mut().map(|sink| sink.end(totals, exchanges));
        ends.fold(reported, sink::graver)
    }

    fn report_rest(&mut self) -> io::Result<()> {
        self.ends.finish();
        self.decide()?;
        let mut open: Vec<_> = self.entries.iter().map(|(&id, entry)| (entry.id, id)).collect();
        open.sort_unstable();
        open.into_iter().try_for_each(|(_, id)| self.report(id))
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
}

fn direction(direction: llmtop_probe::Direction) -> parsers::Direction {
    match direction {
        llmtop_probe::Direction::Sent => parsers::Direction::Sent,
        llmtop_probe::Direction::Received => parsers::Direction::Received,
    }
}

#[cfg(test)]
mod tests;
