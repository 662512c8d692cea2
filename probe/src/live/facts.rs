//! Facts about processes and sockets, from this machine.

use crate::decode::Facts;
use crate::process::Processes;
use crate::{Endpoint, Process, endpoint};

/// Reads them from the system.
#[derive(Debug, Default)]
pub(super) struct System(Processes);

impl Facts for System {
    fn executed(&mut self, seen: Process) -> Process {
        self.0.exec(seen).clone()
    }

    fn process(&mut self, seen: Process) -> Process {
        self.0.facts(seen).clone()
    }

    fn exited(&mut self, pid: u32) {
        self.0.exit(pid);
    }

    fn endpoint(&mut self, pid: u32, fd: i32) -> Endpoint {
        endpoint::resolve(pid, fd).unwrap_or_default()
    }
}
