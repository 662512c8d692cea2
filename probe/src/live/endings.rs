//! Processes that end, and connections whose end no record tells: each is
//! accounted for once, whatever of it was lost.

use std::collections::HashSet;

use super::counters::Counters;
use crate::Capture;
use crate::decode::{Facts, Final, Tracker};

/// Driving contract: [`exit`](Self::exit) with every exit record. Then, again and
/// again: [`complete`](Self::complete), give the tracker every record there is,
/// [`close`](Self::close). Now and then a [`sweep`](Self::sweep) after that.
#[derive(Debug, Default)]
pub(super) struct Endings {
    /// Processes whose leader ended, and when, until their last thread has.
    ending: Vec<(u32, u64)>,
    /// Processes that were closed since the last sweep.
    gone: HashSet<u32>,
}

/// Counters as they were, to be [settled](Self::settle) when every record that
/// was in the ring has been given to the tracker.
#[derive(Debug)]
pub(super) struct Sweep {
    gone: HashSet<u32>,
    alive: Vec<Final>,
    orphans: Vec<Final>,
}

impl Endings {
    /// A process's leader ended.
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
                finals.extend(match tracker.objects(pid) {
                    Some(objects) => {
                        objects.iter().filter_map(|&o| counters.take_conn(pid, o)).collect()
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
        Sweep {
            gone: std::mem::take(&mut self.gone),
            alive: counters.alive(),
            orphans: counters.take_orphans(&|_| true),
        }
    }
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
    }
}

/// Whether any thread of the process runs; its leader ended.
fn runs(pid: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    let leader = pid.to_string();
    threads.flatten().any(|thread| thread.file_name().to_str() != Some(&leader))
}

#[cfg(test)]
mod tests {
    use llmtop_probe_common as abi;

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
        fn take_conn(&mut self, pid: u32, object: u64) -> Option<Final> {
            let found = self.0.iter().position(|&(o, last)| o == object && last.pid == pid)?;
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
