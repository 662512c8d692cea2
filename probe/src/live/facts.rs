//! Facts about processes and sockets, from this machine.

use std::sync::Arc;

use super::containers::Containers;
use super::shared::Shared;
use crate::decode::Facts;
use crate::process::Processes;
use crate::{Endpoint, Process, endpoint};

/// Reads them from the system.
pub(super) struct System {
    processes: Processes,
    shared: Arc<Shared>,
    /// Those that are captured.
    pub(super) containers: Containers,
}

impl System {
    pub(super) fn new(shared: Arc<Shared>, containers: Containers) -> Self {
        Self { processes: Processes::default(), shared, containers }
    }
}

impl Facts for System {
    fn executed(&mut self, seen: Process) -> Process {
        let process = self.processes.exec(seen).clone();
        self.containers.executed(process.pid, process.container.as_deref());
        process
    }

    fn process(&mut self, seen: Process) -> Process {
        self.processes.facts(seen).clone()
    }

    fn exited(&mut self, pid: u32) {
        self.processes.exit(pid);
    }

    fn endpoint(&mut self, pid: u32, fd: i32) -> Endpoint {
        endpoint::resolve(pid, fd).unwrap_or_default()
    }

    fn attached(&self, target: u32) -> Option<u64> {
        if target == 0 { Some(0) } else { self.shared.attached_since(target) }
    }
}
