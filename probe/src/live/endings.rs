//! Processes that end, and connections whose end no record tells: each is
//! accounted for once, whatever of it was lost.

use std::collections::HashSet;

use super::counters::Counters;
use llmtop_probe_common as abi;

use crate::Capture;
use crate::decode::{Facts, Final, Tracker};
use crate::{endpoint, process};

/// Driving contract: [`exit`](Self::exit) with every exit record. Then, again and
/// again: [`complete`](Self::complete), give the tracker every record there is,
/// [`close`](Self::close). Now and then a [`sweep`](Self::sweep) after that.
#[derive(Debug, Default)]
pub(super) struct Endings {
    /// Processes whose leader ended, and when, until their last thread has.
    ending: Vec<(u32, u64)>,
    /// Processes that were closed since the last sweep.
    gone: HashSet<u32>,
    /// Connections that records told of, and that had no counters at the last sweep.
    missing: HashSet<u64>,
}

/// Counters as they were, to be [settled](Self::settle) when every record that
/// was in the ring has been given to the tracker.
#[derive(Debug)]
pub(super) struct Sweep {
    gone: HashSet<u32>,
    alive: Vec<Final>,
    orphans: Vec<Final>,
    /// Connections that are told of, and had no counters twice.
    ended: Vec<u64>,
}

impl Endings {
    /// A process runs another program: the TLS objects of the one before are gone, and the
    /// sockets that it did not leave to it.
    pub(super) fn executed(
        pid: u32,
        time: u64,
        tracker: &mut Tracker,
        counters: &mut impl Counters,
        facts: &mut dyn Facts,
        out: &mut Vec<Capture>,
    ) {
        let mut kept = None;
        for (conn, object) in tracker.objects(pid) {
            let Some(object) = object.filter(|object| object & abi::STDIO == 0) else { continue };
            let mut is_kept = || {
                let kept = kept.get_or_insert_with(|| endpoint::sockets(pid, &mut 0));
                kept.contains(&(object & !abi::PLAIN_SOCKET))
            };
            if object & abi::PLAIN_SOCKET != 0 && is_kept() {
                continue;
            }
            // Where it is not there, a record tells of its end.
            if let Some(last) = counters.take_conn(pid, object, &|last| last.conn == conn) {
                tracker.close(&last, time, facts, out);
            }
        }
    }

    /// A process ended, or its leader did.
    pub(super) fn exit(&mut self, pid: u32, time: u64) {
        self.ending.push((pid, time));
    }

    /// Whether no process is ending.
    pub(super) fn is_empty(&self) -> bool {
        self.ending.is_empty()
    }

    /// Takes those that have no thread left. Their records are all in the ring.
    pub(super) fn complete(&mut self, tracker: &Tracker) -> Vec<(u32, u64)> {
        self.ending.extract_if(.., |&mut (pid, _)| !tracker.has_conns(pid) || !runs(pid)).collect()
    }

    /// Closes what those processes had.
    pub(super) fn close(
        &mut self,
        complete: &[(u32, u64)],
        tracker: &mut Tracker,
        counters: &mut impl Counters,
        facts: &mut dyn Facts,
        out: &mut Vec<Capture>,
    ) {
        for &(pid, time) in complete {
            // A process of which nothing is known has nothing, nearly always:
            // the sweep sees what it has all the same.
            if tracker.has_conns(pid) {
                let mut finals = counters.take_orphans(&|last| last.pid == pid);
                let objects: Option<Vec<u64>> =
                    tracker.objects(pid).into_iter().map(|(_, object)| object).collect();
                finals.extend(match objects {
                    Some(objects) => {
                        let take = |&o: &u64| counters.take_conn(pid, o, &|_| true);
                        objects.iter().filter_map(take).collect()
                    }
                    None => counters.take_conns(&|last| last.pid == pid),
                });
                for last in finals {
                    tracker.close(&last, time, facts, out);
                }
            }
            tracker.exit(pid, time, facts, out);
            self.gone.insert(pid);
        }
    }

    /// Reads the counters.
    pub(super) fn sweep(&mut self, tracker: &mut Tracker, counters: &mut impl Counters) -> Sweep {
        tracker.counters_are_read();
        let (alive, orphans) = (counters.alive(), counters.take_orphans(&|_| true));
        let mut missing = tracker.conns();
        for last in alive.iter().chain(&orphans) {
            missing.remove(&last.conn);
        }
        let ended = missing.intersection(&self.missing).copied().collect();
        self.missing = missing;
        Sweep { gone: std::mem::take(&mut self.gone), alive, orphans, ended }
    }
}

/// Known processes that are no more: for when records of such ends were lost.
pub(super) fn vanished(tracker: &Tracker) -> Vec<u32> {
    let is_other = |pid, ran| process::started_after(pid, ran).unwrap_or(true);
    let vanished = tracker.processes().into_iter().filter(|&(pid, ran)| is_other(pid, ran));
    vanished.map(|(pid, _)| pid).collect()
}

impl Sweep {
    /// Accounts for what no record will tell: losses at the end of what a
    /// connection moved, and ends that found no room.
    pub(super) fn settle(
        self,
        time: u64,
        tracker: &mut Tracker,
        counters: &mut impl Counters,
        facts: &mut dyn Facts,
        out: &mut Vec<Capture>,
    ) {
        // Of some, every record was lost, and their process is gone.
        let left = |last: &&Final| self.gone.contains(&last.pid) && !tracker.knows(last.conn);
        let late: HashSet<u32> =
            self.alive.iter().chain(&self.orphans).filter(left).map(|last| last.pid).collect();
        let left: HashSet<u64> = self.alive.iter().filter(left).map(|last| last.conn).collect();
        let mut ends = self.orphans;
        if !left.is_empty() {
            ends.extend(counters.take_conns(&|last| left.contains(&last.conn)));
        }
        let alive = self.alive.iter().filter(|last| !left.contains(&last.conn));
        for last in alive.filter(|last| last.moved != [0; 2]) {
            tracker.settle(last, time, facts, out);
        }
        for last in ends {
            tracker.close(&last, time, facts, out);
        }
        for pid in late {
            tracker.exit(pid, time, facts, out);
        }
        for conn in self.ended {
            tracker.end(conn, time, facts, out);
        }
    }
}

/// Whether any thread of the process runs: one that called `execve` is the leader from
/// then on.
fn runs(pid: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    let leader = pid.to_string();
    threads.flatten().any(|thread| thread.file_name().to_str() != Some(&leader))
        || process::is_alive(pid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Record;
    use crate::decode::fixture::{HEADER, Nobody, chunk, words};

    /// Alive connections with their objects, and orphans.
    #[derive(Default)]
    struct Kernel(Vec<(u64, Final)>, Vec<Final>);

    impl Counters for Kernel {
        fn alive(&self) -> Vec<Final> {
            self.0.iter().map(|(_, last)| *last).collect()
        }
        fn take_conns(&mut self, wanted: &dyn Fn(&Final) -> bool) -> Vec<Final> {
            let taken = self.0.extract_if(.., |(_, last)| wanted(last));
            taken.map(|(_, last)| last).collect()
        }
        fn take_conn(
            &mut self,
            pid: u32,
            object: u64,
            wanted: &dyn Fn(&Final) -> bool,
        ) -> Option<Final> {
            let is = |&(o, last): &(u64, Final)| o == object && last.pid == pid && wanted(&last);
            let found = self.0.iter().position(is)?;
            Some(self.0.remove(found).1)
        }
        fn take_orphans(&mut self, wanted: &dyn Fn(&Final) -> bool) -> Vec<Final> {
            self.1.extract_if(.., |last| wanted(last)).collect()
        }
    }

    fn last(pid: u32, conn: u64) -> Final {
        Final { conn, pid, moved: [12, 0], ignored: [0; 2] }
    }

    fn open(conn: u64, object: u64) -> Record<'static> {
        Record::Open(abi::Open { header: HEADER, conn, object, ..Default::default() })
    }

    /// Records of process 7, its end (it may begin anew: `then`), two sweeps.
    fn check(
        records: &[Record<'_>],
        mut kernel: Kernel,
        then: &[Record<'_>],
        left: usize,
        expected: &[&str],
    ) {
        let (mut endings, mut tracker, mut out) = (Endings::default(), Tracker::new(0), Vec::new());
        for record in records {
            tracker.record(*record, &mut Nobody, &mut out);
        }
        endings.close(&[(7, 9)], &mut tracker, &mut kernel, &mut Nobody, &mut out);
        for _ in 0..2 {
            let sweep = endings.sweep(&mut tracker, &mut kernel);
            for record in then {
                tracker.record(*record, &mut Nobody, &mut out);
            }
            sweep.settle(9, &mut tracker, &mut kernel, &mut Nobody, &mut out);
        }
        assert_eq!(words(&out), expected);
        assert_eq!((kernel.0.len(), kernel.1.len()), (left, 0));
    }

    #[test]
    fn the_end_of_a_process_is_told_once() {
        let all = ["process 7", "open 1", "chunk 1+0", "gap 1-2", "close 1", "exit 7"];
        // Two bytes at the end were lost.
        let alive = || Kernel(vec![(1, last(7, 90))], Vec::new());
        check(&[open(90, 1), chunk(90, 0, 0)], alive(), &[], 0, &all);
        // The opening record, too.
        check(&[chunk(90, 0, 0)], alive(), &[], 0, &all);
        // The closing record.
        let orphan = || Kernel(Vec::new(), vec![last(7, 90)]);
        check(&[open(90, 1), chunk(90, 0, 0)], orphan(), &[], 0, &all);
        // All.
        let none = ["process 7", "open 1", "gap 1-12", "close 1", "exit 7"];
        check(&[], alive(), &[], 0, &none);
        check(&[], orphan(), &[], 0, &none);
        // One of two.
        let two = || Kernel(vec![(1, last(7, 90)), (2, last(7, 91))], Vec::new());
        let after = ["process 7", "open 2", "gap 2-12", "close 2", "exit 7"];
        check(&[open(90, 1), chunk(90, 0, 0)], two(), &[], 0, &[&all[..], &after].concat());
        // Nothing: it never moved a byte.
        let idle = Final { moved: [0; 2], ..last(7, 90) };
        check(&[], Kernel(vec![(1, idle)], Vec::new()), &[], 0, &[]);
    }

    /// Sweeps after records, and what they say.
    fn sweep(
        endings: &mut Endings,
        tracker: &mut Tracker,
        kernel: &mut Kernel,
        times: usize,
    ) -> Vec<String> {
        let mut out = Vec::new();
        for _ in 0..times {
            endings.sweep(tracker, kernel).settle(9, tracker, kernel, &mut Nobody, &mut out);
        }
        words(&out)
    }

    #[test]
    fn an_end_of_which_nothing_tells() {
        let (mut endings, mut tracker, mut out) = (Endings::default(), Tracker::new(0), Vec::new());
        let mut kernel = Kernel::default();
        tracker.record(open(90, 1), &mut Nobody, &mut out);
        tracker.record(chunk(90, 0, 0), &mut Nobody, &mut out);
        // It may have begun while the counters were read.
        assert_eq!(sweep(&mut endings, &mut tracker, &mut kernel, 1), [""; 0]);
        kernel.0.push((1, Final { moved: [10, 0], ..last(7, 90) }));
        assert_eq!(sweep(&mut endings, &mut tracker, &mut kernel, 3), [""; 0]);
        kernel.0.clear();
        assert_eq!(sweep(&mut endings, &mut tracker, &mut kernel, 1), [""; 0]);
        assert_eq!(sweep(&mut endings, &mut tracker, &mut kernel, 1), ["close 1"]);
        assert!(tracker.conns().is_empty());
    }

    #[test]
    fn another_program_has_other_objects() {
        let pid = std::process::id();
        let header = abi::Header { pid, ..HEADER };
        let (mut tracker, mut out) = (Tracker::new(0), Vec::new());
        let mut kernel = Kernel::default();
        let objects = [1, abi::TLS_SOCKET | 5, abi::PLAIN_SOCKET | u64::MAX >> 8, abi::STDIO];
        for (conn, object) in (90..).zip(objects) {
            let open = abi::Open { header, conn, object, ..Default::default() };
            tracker.record(Record::Open(open), &mut Nobody, &mut out);
            kernel.0.push((object, Final { moved: [0; 2], ..last(pid, conn) }));
        }
        // One that ended: what is at its address is another.
        kernel.0[0].1.conn = 95;
        Endings::executed(pid, 9, &mut tracker, &mut kernel, &mut Nobody, &mut out);
        let left: Vec<_> = kernel.0.iter().map(|(_, last)| last.conn).collect();
        assert_eq!(left, [95, 93]);
    }

    #[test]
    fn processes_that_vanished() {
        let mut tracker = Tracker::new(0);
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let now = super::super::reader::now(rustix::time::ClockId::Boottime);
        for (conn, pid, time) in [(90, child.id(), now), (91, std::process::id(), now), (92, 1, 5)]
        {
            let header = abi::Header { pid, time, ..HEADER };
            let open = abi::Open { header, conn, ..Default::default() };
            tracker.record(Record::Open(open), &mut Nobody, &mut Vec::new());
        }
        let mut vanished = vanished(&tracker);
        vanished.retain(|&pid| pid != 1);
        assert_eq!(vanished, [child.id()]);
    }

    #[test]
    fn others_live_on() {
        // Another process.
        let other = Kernel(vec![(1, last(8, 90))], Vec::new());
        check(&[], other, &[], 1, &["process 8", "open 1", "gap 1-12"]);
        // Another of the same id.
        let next = Kernel(vec![(1, last(7, 90))], Vec::new());
        check(&[], next, &[open(90, 1)], 1, &["process 7", "open 1", "gap 1-12"]);
    }
}
