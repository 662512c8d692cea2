//! The thread that empties the ring buffer. It decodes, offers, and waits for
//! nobody.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use aya::Ebpf;
use llmtop_probe_common::{Control as KernelControl, Stats, interest_slot};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::time::{ClockId, clock_gettime};

use super::backlog::Backlog;
use super::containers::Containers;
use super::counters::Counters;
use super::endings::{self, Endings, Sweep};
use super::facts::System;
use super::maps::{ControlPod, Maps};
use super::ring::Position;
use super::shared::Shared;
use super::watcher::{Event, Reported};
use crate::decode::{Record, Tracker};
use crate::{Error, Outlet, Totals, object};

/// Between two looks at a busy ring.
const NAP: Duration = Duration::from_millis(2);
/// Empty looks after which the reader sleeps until it is woken. Who moves bytes is soon to
/// move more, and is not to be slowed by having to wake it each time; after whatever else
/// is told, one look is enough.
const PATIENCE: u32 = 25;
/// Between two looks at the counters.
const SWEEP: Duration = Duration::from_secs(2);
/// How long the reader waits at the end for a record that is being written and does not come
/// to its end. A program is done with one in microseconds, if it is not kept from the
/// processor.
const LONGEST_RECORD: Duration = Duration::from_secs(1);
/// Bytes of records after which what they gave is offered.
const BATCH: usize = 4 << 20;

/// What was in the ring.
#[derive(Clone, Copy, Debug, Default)]
struct Drained {
    /// Anything.
    any: bool,
    /// Bytes that were moved.
    moved: bool,
}

/// What is to be done when all records are read that there were.
enum Due {
    /// Processes ended, and when.
    Ended(Vec<(u32, u64)>),
    /// The counters were looked at, and which processes are no more.
    Swept(Sweep, Vec<u32>),
}

pub(super) struct Reader {
    maps: Maps,
    tracker: Tracker,
    facts: System,
    backlog: Backlog,
    shared: Arc<Shared>,
    events: Sender<Event>,
    endings: Endings,
    /// In the order of the places up to which the ring has to be read.
    due: VecDeque<(Position, Due)>,
    /// As they were at the last sweep.
    stats: Stats,
    malformed: u64,
}

impl Reader {
    pub(super) fn new(
        bpf: &mut Ebpf,
        shared: Arc<Shared>,
        events: Sender<Event>,
        containers: Containers,
    ) -> Result<Self, Error> {
        Ok(Self {
            maps: Maps::take(bpf)?,
            tracker: Tracker::new(now(ClockId::Realtime).wrapping_sub(now(ClockId::Boottime))),
            facts: System::new(Arc::clone(&shared), containers),
            backlog: Backlog::default(),
            shared,
            events,
            endings: Endings::default(),
            due: VecDeque::new(),
            stats: Stats::default(),
            malformed: 0,
        })
    }

    /// The containers that are captured.
    pub(super) fn containers(&mut self) -> &mut Containers {
        &mut self.facts.containers
    }

    /// Reads until it is told to stop.
    pub(super) fn run(&mut self, outlet: &mut dyn Outlet) -> Result<(), Error> {
        let mut quiet = PATIENCE;
        let mut swept = Instant::now();
        while !self.shared.stopped() {
            let ended = self.endings.complete(&self.tracker);
            if !ended.is_empty() {
                self.when_read(Due::Ended(ended));
            }
            if swept.elapsed() >= SWEEP && self.due.is_empty() {
                self.sweep();
                swept = Instant::now();
            }
            let drained = self.drain(outlet);
            self.settle(self.maps.ring.read());
            let (tracker, out) = (&mut self.tracker, &mut self.backlog.captures);
            if tracker.is_holding() {
                tracker.late(now(ClockId::Boottime), &mut self.facts, out);
            }
            self.ignore()?;
            self.backlog.offer(outlet);
            quiet = match drained {
                Drained { moved: true, .. } => 0,
                Drained { any: true, .. } => quiet.min(PATIENCE - 1),
                _ => quiet.saturating_add(1),
            };
            let waits =
                !self.endings.is_empty() || !self.due.is_empty() || self.tracker.is_holding();
            if quiet < PATIENCE || waits || !self.backlog.captures.is_empty() {
                self.wait(NAP, false)?;
            } else {
                self.sleep(SWEEP.saturating_sub(swept.elapsed()), outlet)?;
            }
        }
        Ok(())
    }

    /// Reads and accounts for what was moved until now: by calls that returned. What their
    /// connections counted was sent before that, so it is read here; and a connection that
    /// has no counters any more said so by a record, which is read here, too.
    pub(super) fn finish(&mut self, outlet: &mut dyn Outlet) -> Totals {
        if let Some(&(until, _)) = self.due.back() {
            self.read_until(until, outlet);
            self.settle(until);
        }
        self.tracker.counters_are_read();
        let mut finals = self.maps.tables.alive();
        finals.extend(self.maps.tables.take_orphans(&|_| true));
        let unread = self.read_until(self.maps.ring.written(), outlet);
        if unread > 0 {
            log::warn!("a record was not written to its end: {unread} bytes were not read");
        }
        let time = now(ClockId::Boottime);
        for last in finals {
            self.tracker.close(&last, time, &mut self.facts, &mut self.backlog.captures);
        }
        self.deliver(outlet);
        let Stats { untracked_bytes: bytes, untracked_calls: calls, .. } = self.maps.tables.stats();
        if bytes > 0 || calls > 0 {
            log::warn!("{bytes} bytes and {calls} calls found no room in the kernel's tables");
        }
        if self.malformed > 0 {
            log::warn!("{} records were not understood", self.malformed);
        }
        Totals {
            captured_bytes: self.backlog.delivered,
            lost_bytes: self.backlog.lost + bytes + unread,
            ignored_bytes: self.tracker.ignored_bytes(),
        }
    }

    /// Offers what is left for a while: at the end there is time.
    fn deliver(&mut self, outlet: &mut dyn Outlet) {
        const ATTEMPTS: u32 = 200;
        for _ in 0..ATTEMPTS {
            if self.backlog.offer(outlet) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        // Nobody listens: what was not delivered is lost.
        for capture in &self.backlog.captures {
            if let crate::Capture::Gap(gap) = capture {
                self.backlog.lost += gap.lost;
            }
        }
    }

    /// Reads the ring until it is empty, at most once around.
    fn drain(&mut self, outlet: &mut dyn Outlet) -> Drained {
        const MOST: usize = 1 << 30;
        let (mut drained, mut bytes, mut batch) = (Drained::default(), 0, 0);
        while let Some(item) = self.maps.ring.next() {
            drained.any = true;
            bytes += item.len();
            batch += item.len();
            match Record::parse(&item) {
                Some(record) => {
                    match record {
                        Record::Exec(exec, _) => {
                            let (pid, time) = (exec.header.pid, exec.header.time);
                            let (tracker, out) = (&mut self.tracker, &mut self.backlog.captures);
                            let (maps, facts) = (&mut self.maps.tables, &mut self.facts);
                            Endings::executed(pid, time, tracker, maps, facts, out);
                            let _ = self.events.send(Event::Exec(Reported::of(&exec.header)));
                        }
                        Record::Mapped(header) => {
                            let _ = self.events.send(Event::Mapped(Reported::of(&header)));
                        }
                        Record::Chunk(..) => drained.moved = true,
                        Record::Exit(header) => self.endings.exit(header.pid, header.time),
                        _ => {}
                    }
                    self.tracker.record(record, &mut self.facts, &mut self.backlog.captures);
                }
                None => self.malformed += 1,
            }
            if batch >= BATCH {
                self.backlog.offer(outlet);
                batch = 0;
            }
            if bytes >= MOST || self.shared.stopped() && bytes >= MOST / 4 {
                break;
            }
        }
        self.backlog.offer(outlet);
        drained
    }

    /// Reads what was written before that. How many bytes of it could not be read, as one of
    /// the records was not written to its end.
    fn read_until(&mut self, until: Position, outlet: &mut dyn Outlet) -> u64 {
        let (mut read, mut since) = (self.maps.ring.read(), Instant::now());
        loop {
            self.drain(outlet);
            let now = self.maps.ring.read();
            if now != read {
                (read, since) = (now, Instant::now());
            }
            if read >= until || since.elapsed() >= LONGEST_RECORD {
                return until.beyond(read);
            }
            std::thread::sleep(NAP);
        }
    }

    /// Accounts for what no record will tell.
    fn sweep(&mut self) {
        let vanished = self.read_stats();
        let sweep = self.endings.sweep(&mut self.tracker, &mut self.maps.tables);
        self.when_read(Due::Swept(sweep, vanished));
    }

    /// Does that when what was sent until now is read: with what was read elsewhere, records
    /// agree that have their place by now, and not all of them may be written to their end.
    fn when_read(&mut self, due: Due) {
        self.due.push_back((self.maps.ring.written(), due));
    }

    /// Does what is due where the ring was read so far.
    fn settle(&mut self, read: Position) {
        while self.due.front().is_some_and(|(until, _)| *until <= read)
            && let Some((_, due)) = self.due.pop_front()
        {
            let (tracker, maps) = (&mut self.tracker, &mut self.maps.tables);
            let (facts, out) = (&mut self.facts, &mut self.backlog.captures);
            let ended = match due {
                Due::Ended(ended) => ended,
                Due::Swept(sweep, vanished) => {
                    let time = now(ClockId::Boottime);
                    sweep.settle(time, tracker, maps, facts, out);
                    vanished.into_iter().map(|pid| (pid, time)).collect()
                }
            };
            self.endings.close(&ended, tracker, maps, facts, out);
        }
    }

    /// Says what could not be accounted to a connection. The processes whose ends may be
    /// among the records that were lost.
    fn read_stats(&mut self) -> Vec<u32> {
        let stats = self.maps.tables.stats();
        let before = std::mem::replace(&mut self.stats, stats);
        self.shared.set_untracked(stats.untracked_bytes, stats.untracked_calls);
        if stats.lost_records == before.lost_records {
            return Vec::new();
        }
        endings::vanished(&self.tracker)
    }

    /// Tells the kernel which connections are of no interest.
    fn ignore(&mut self) -> Result<(), Error> {
        for conn in self.shared.take_ignored() {
            if let Some(id) = self.tracker.kernel_id(conn) {
                let slot = interest_slot(id);
                let failed = |error| object::kernel("ignoring a connection", &error);
                self.maps.ignored.set(slot, id, 0).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Sleeps until a record comes.
    fn sleep(&mut self, longest: Duration, outlet: &mut dyn Outlet) -> Result<(), Error> {
        self.set_sleeping(true)?;
        // A record may have come before the kernel knew.
        if !self.drain(outlet).any {
            self.wait(longest, true)?;
        }
        self.set_sleeping(false)
    }

    fn set_sleeping(&mut self, sleeping: bool) -> Result<(), Error> {
        let control = KernelControl { reader_sleeps: u32::from(sleeping), reserved: 0 };
        self.maps
            .control
            .set(0, ControlPod(control), 0)
            .map_err(|error| object::kernel("waiting for records", &error))
    }

    /// Waits until it is told to stop, or the time is over, or (`ring`) a record
    /// comes.
    fn wait(&self, longest: Duration, ring: bool) -> Result<(), Error> {
        let bell = self.shared.bell();
        let mut fds = vec![PollFd::from_borrowed_fd(bell, PollFlags::IN)];
        if ring {
            fds.push(PollFd::new(&self.maps.ring, PollFlags::IN));
        }
        let timeout = Timespec {
            tv_sec: i64::try_from(longest.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(longest.subsec_nanos()),
        };
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(std::io::Error::from(error).into()),
        }
    }
}

/// Nanoseconds.
pub(super) fn now(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000) + u64::try_from(time.tv_nsec).unwrap_or(0)
}
