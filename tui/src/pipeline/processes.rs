//! Process runs: a pid is used again, a [`ProcessKey`] is not.

use std::collections::HashMap;
use std::sync::Arc;

use llmtop_probe::Process;

use crate::store::ProcessKey;

/// Nanoseconds by which two reports of one start may differ: one counts ticks
/// since boot, another reads a clock. No pid is used again so soon.
const SAME_START: u64 = 1_000_000_000;

/// The processes that live, by pid.
#[derive(Debug, Default)]
pub(super) struct Processes {
    next: u64,
    by_pid: HashMap<u32, Known>,
}

#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) key: ProcessKey,
    pub(super) facts: Arc<Process>,
}

impl Processes {
    /// A process showed up, or became another program.
    pub(super) fn put(&mut self, facts: Process) -> Known {
        let pid = facts.pid;
        let again = self.by_pid.get(&pid).filter(|known| {
            let starts = known.facts.started.zip(facts.started);
            starts.is_none_or(|(before, now)| before.0.abs_diff(now.0) < SAME_START)
        });
        let key = match again {
            Some(known) => known.key,
            None => {
                self.next += 1;
                ProcessKey(self.next)
            }
        };
        let known = Known { key, facts: Arc::new(facts) };
        self.by_pid.insert(pid, known.clone());
        known
    }

    /// The process that has this pid now.
    pub(super) fn of(&self, pid: u32) -> Option<&Known> {
        self.by_pid.get(&pid)
    }

    /// Those that live, in order of their keys.
    pub(super) fn all(&self) -> Vec<&Known> {
        let mut all: Vec<&Known> = self.by_pid.values().collect();
        all.sort_unstable_by_key(|known| known.key);
        all
    }

    /// A process ended; gives which.
    pub(super) fn exit(&mut self, pid: u32) -> Option<ProcessKey> {
        self.by_pid.remove(&pid).map(|known| known.key)
    }
}

#[cfg(test)]
mod tests {
    use llmtop_probe::Timestamp;

    use super::*;

    fn process(comm: &str, started: Option<u64>) -> Process {
        Process { pid: 7, comm: comm.into(), started: started.map(Timestamp), ..Process::default() }
    }

    #[test]
    fn a_run_keeps_its_key_and_a_pid_used_again_gets_another() {
        let mut processes = Processes::default();
        let shell = processes.put(process("sh", Some(1))).key;
        assert_eq!(processes.put(process("curl", Some(10_000_001))).key, shell);
        assert_eq!(processes.of(7).map(|known| known.facts.comm.as_str()), Some("curl"));
        let later = processes.put(process("sh", Some(5_000_000_000))).key;
        assert_ne!(later, shell);
        assert_eq!(processes.exit(7), Some(later));
        assert!(processes.of(7).is_none());
        assert_ne!(processes.put(process("sh", None)).key, later);
    }
}
