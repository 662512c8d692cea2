//! Facts that outlive their processes.

use std::collections::{HashMap, VecDeque};

use super::{read_facts, start_ticks};
use crate::Process;

/// Processes that are gone and still remembered.
const MAX_GONE: usize = 4096;
/// Processes remembered in all.
const MAX_ALL: usize = 1 << 16;
const MAX_ANCESTORS: usize = 64;
/// Nanoseconds by which two clocks' accounts of one moment may differ: `/proc`
/// counts in hundredths of a second.
const SLACK: u64 = 100_000_000;

/// The facts of processes, gathered while they live and kept for a while after.
///
/// Driving contract: [`exec`](Self::exec) when a process executes a program,
/// [`exit`](Self::exit) when it ends; [`get`](Self::get) whenever facts are
/// wanted. Where events were lost, an id that is used again is told by its start.
#[derive(Debug, Default)]
pub struct Processes {
    known: HashMap<u32, Entry>,
    gone: VecDeque<(u32, u64)>,
    generation: u64,
}

#[derive(Debug)]
struct Entry {
    process: Process,
    start_ticks: Option<u64>,
    generation: u64,
    gone: bool,
}

impl Processes {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// The process has executed a program. Its facts are read anew; where it is
    /// gone already, they are `seen`: what the kernel said at the time, with
    /// `started` no later than that.
    pub fn exec(&mut self, seen: Process) -> &Process {
        // Gone, and its id used again between the event and now.
        let is_later = |read: &Process| {
            let both = seen.started.zip(read.started);
            both.is_some_and(|(event, start)| start.0 > event.0.saturating_add(SLACK))
        };
        match read_facts(seen.pid).filter(|(read, _)| !is_later(read)) {
            Some((process, ticks)) => self.insert(process, Some(ticks)),
            None => self.insert_seen(seen),
        }
    }

    /// The facts of the process, `seen` where nothing else is known.
    pub fn facts(&mut self, seen: Process) -> &Process {
        if self.get(seen.pid).is_none() {
            self.insert_seen(seen)
        } else {
            &self.known[&seen.pid].process
        }
    }

    /// The facts of the process that has this id now, or had it last.
    pub fn get(&mut self, pid: u32) -> Option<&Process> {
        let same = self.known.get(&pid).is_some_and(|entry| {
            let now = start_ticks(pid);
            now.is_none() || entry.start_ticks == now
        });
        if !same {
            let (process, ticks) = read_facts(pid)?;
            self.insert(process, Some(ticks));
        }
        self.known.get(&pid).map(|entry| &entry.process)
    }

    /// The process ended. Its facts are kept for a while.
    pub fn exit(&mut self, pid: u32) {
        let Some(entry) = self.known.get_mut(&pid) else {
            return;
        };
        if !std::mem::replace(&mut entry.gone, true) {
            self.gone.push_back((pid, entry.generation));
        }
        while self.gone.len() > MAX_GONE {
            let Some((pid, generation)) = self.gone.pop_front() else {
                break;
            };
            if self.known.get(&pid).is_some_and(|e| e.generation == generation && e.gone) {
                self.known.remove(&pid);
            }
        }
    }

    /// The parent of the process, its parent, and so on, as far as known.
    pub fn ancestors(&mut self, pid: u32) -> Vec<Process> {
        let mut chain: Vec<Process> = Vec::new();
        let mut next = self.get(pid).and_then(|p| p.parent);
        while let Some(parent) = next.and_then(|pid| self.get(pid)) {
            // Facts of different times can form a ring.
            let known = chain.iter().any(|p| p.pid == parent.pid) || parent.pid == pid;
            if known || chain.len() == MAX_ANCESTORS {
                break;
            }
            next = parent.parent;
            chain.push(parent.clone());
        }
        chain
    }

    /// A container's processes are in it, as a rule, with their children.
    fn insert_seen(&mut self, mut seen: Process) -> &Process {
        if seen.container.is_none() {
            let of = |pid| self.known.get(&pid).and_then(|e| e.process.container.clone());
            seen.container = of(seen.pid).or_else(|| of(seen.parent?));
        }
        if seen.args.is_empty() {
            seen.args.extend(seen.exe.clone());
        }
        self.insert(seen, None)
    }

    fn insert(&mut self, process: Process, start_ticks: Option<u64>) -> &Process {
        if self.known.len() >= MAX_ALL && !self.known.contains_key(&process.pid) {
            self.known.retain(|&pid, entry| !entry.gone && super::start_ticks(pid).is_some());
            self.gone.clear();
        }
        self.generation += 1;
        let pid = process.pid;
        let entry = Entry { start_ticks, generation: self.generation, gone: false, process };
        let slot = self.known.entry(pid).insert_entry(entry);
        &slot.into_mut().process
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn seen(pid: u32) -> Process {
        Process {
            pid,
            parent: Some(std::process::id()),
            comm: "curl".to_owned(),
            exe: Some("/usr/bin/curl".to_owned()),
            uid: 7,
            ..Process::default()
        }
    }

    /// A process that waits for its standard input to close.
    fn child() -> std::process::Child {
        let mut cat = Command::new("cat");
        cat.stdin(Stdio::piped()).stdout(Stdio::null());
        cat.spawn().unwrap()
    }

    fn end(mut child: std::process::Child) {
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[test]
    fn facts_outlive_the_process() {
        let mut table = Processes::new();
        let child = child();
        let pid = child.id();
        assert_eq!(table.get(pid).unwrap().parent, Some(std::process::id()));
        end(child);
        table.exit(pid);
        assert_eq!(table.get(pid).unwrap().parent, Some(std::process::id()));
    }

    #[test]
    fn gone_before_anyone_looked() {
        let mut table = Processes::new();
        let child = child();
        let pid = child.id();
        end(child);
        let process = table.facts(seen(pid)).clone();
        assert_eq!(&process, table.exec(seen(pid)));
        assert_eq!((&*process.comm, process.uid), ("curl", 7));
        assert_eq!(process.args, ["/usr/bin/curl"]);
        assert_eq!(table.get(pid), Some(&process));
        assert_eq!(table.ancestors(pid)[0].pid, std::process::id());
    }

    #[test]
    fn an_id_used_again() {
        let mut table = Processes::new();
        let child = child();
        let pid = child.id();
        // Facts of a predecessor with the same id, whose end nobody told.
        let old = Process { pid, comm: "old".to_owned(), ..Process::default() };
        table.insert(old, Some(1));
        assert_ne!(table.get(pid).unwrap().comm, "old");
        end(child);
    }

    #[test]
    fn a_ring_of_parents_ends() {
        let mut table = Processes::new();
        // Above the largest id that Linux gives out (2^22).
        let (a, b) = (1 << 30, (1 << 30) + 1);
        for (pid, parent) in [(a, b), (b, a)] {
            table.exec(Process { parent: Some(parent), ..seen(pid) });
        }
        assert_eq!(table.ancestors(a).len(), 1);
    }

    #[test]
    fn memory_is_bounded() {
        let mut table = Processes::new();
        for pid in (1 << 30)..(1 << 30) + 2 * MAX_GONE as u32 {
            table.exec(seen(pid));
            table.exit(pid);
        }
        assert_eq!(table.known.len(), MAX_GONE);
        assert!(table.get(1 << 30).is_none());
    }
}
