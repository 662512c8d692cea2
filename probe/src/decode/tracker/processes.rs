//! The processes: what each executes.

use llmtop_probe_common as abi;

use super::raw::{arguments, text};
use super::{Facts, Tracker};
use crate::{Capture, Process};

/// Command lines remembered between `execve` and its success.
const MAX_COMMANDS: usize = 1 << 14;

/// A process.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// What the kernel said of it.
    pub(super) seen: Process,
    /// [`Capture::Process`] was sent.
    pub(super) told: bool,
    /// When it executed its program, by `CLOCK_BOOTTIME`, where that was seen.
    pub(super) executed: Option<u64>,
    /// Its connections that are alive, as the kernel names them.
    pub(super) conns: Vec<u64>,
}

impl Tracker {
    /// A command line, which counts if its `execve` succeeds.
    pub(super) fn args(&mut self, header: abi::Header, payload: &[u8]) {
        if self.commands.len() >= MAX_COMMANDS {
            self.commands.clear();
        }
        self.commands.insert(header.pid, arguments(payload));
    }

    /// A process has executed a program.
    pub(super) fn exec(
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
        known.executed = Some(exec.header.time);
        if known.told {
            out.push(Capture::Process(process));
        }
    }
}
