//! Capture filters, as the kernel programs apply them.

use std::collections::HashMap as Table;

use aya::Ebpf;
use aya::maps::{HashMap, MapData, MapError};
use llmtop_probe_common::{Filters as Kinds, named, names};

use super::maps::take;
use crate::{Error, object};

/// Whose calls are captured. A call passes where it passes each kind that is
/// not empty; within a kind, one of the values suffices. Empty: everybody's.
/// This process's own calls never are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Process ids, with their descendants, those of now and later ones.
    pub pids: Vec<u32>,
    /// Names of executed programs (`comm`, of which 15 bytes count), with
    /// descendants that execute nothing else; on standard input and output, where that is
    /// captured, with all descendants.
    pub comms: Vec<String>,
    /// Real user ids.
    pub uids: Vec<u32>,
    /// Containers: ids or beginnings of ids, or names where the runtime has names;
    /// with the processes that their own start, until these execute a program in another
    /// container. A process is told when it executes a program: what it does in its first
    /// moments may be missed.
    pub containers: Vec<String>,
}

impl Filters {
    /// Which kinds are in force.
    pub(super) fn kinds(&self) -> Kinds {
        let kind = |set: bool, kind| if set { kind } else { Kinds::default() };
        kind(!self.pids.is_empty(), Kinds::PIDS)
            .with(kind(!self.comms.is_empty(), Kinds::COMMS))
            .with(kind(!self.uids.is_empty(), Kinds::UIDS))
            .with(kind(!self.containers.is_empty(), Kinds::CONTAINERS))
    }
}

/// The sets in the kernel.
pub(super) struct Maps {
    pids: HashMap<MapData, u32, u8>,
    named: HashMap<MapData, u32, u8>,
    comms: HashMap<MapData, [u8; 16], u8>,
    uids: HashMap<MapData, u32, u8>,
}

impl Maps {
    pub(super) fn take(bpf: &mut Ebpf) -> Result<Self, Error> {
        Ok(Self {
            pids: take(bpf, names::PIDS)?,
            named: take(bpf, names::NAMED)?,
            comms: take(bpf, names::COMMS)?,
            uids: take(bpf, names::UIDS)?,
        })
    }

    /// Sets what does not depend on who runs.
    pub(super) fn set(&mut self, filters: &Filters) -> Result<(), Error> {
        for comm in &filters.comms {
            done(self.comms.insert(comm_key(comm), 1, 0))?;
        }
        for &uid in &filters.uids {
            done(self.uids.insert(uid, 1, 0))?;
        }
        for &pid in &filters.pids {
            done(self.pids.insert(pid, 1, 0))?;
        }
        Ok(())
    }

    /// Adds the processes that run now. Called once the kernel follows forks:
    /// twice over the list, so that a child forked meanwhile is in one of them.
    pub(super) fn seed(&mut self, filters: &Filters) -> Result<(), Error> {
        if filters.pids.is_empty() && filters.comms.is_empty() {
            return Ok(());
        }
        for _ in 0..2 {
            let running = running();
            for (&pid, process) in &running {
                if ancestors(pid, &running).any(|(ancestor, _)| filters.pids.contains(&ancestor)) {
                    done(self.pids.insert(pid, 1, 0))?;
                }
                let is_named = |process: &Running| {
                    let comm = comm_key(&process.comm);
                    filters.comms.iter().any(|wanted| comm_key(wanted) == comm)
                };
                if is_named(process) {
                    done(self.named.insert(pid, named::ITSELF, 0))?;
                } else if ancestors(pid, &running).any(|(_, ancestor)| is_named(ancestor)) {
                    done(self.named.insert(pid, named::STARTED, 0))?;
                }
            }
        }
        Ok(())
    }
}

fn done(result: Result<(), MapError>) -> Result<(), Error> {
    result.map_err(|error| object::kernel("setting a capture filter", &error))
}

/// A name as the kernel keeps it: 15 bytes and a terminator.
fn comm_key(name: &str) -> [u8; 16] {
    let mut key = [0; 16];
    let len = name.len().min(15);
    key[..len].copy_from_slice(&name.as_bytes()[..len]);
    key
}

struct Running {
    parent: u32,
    comm: String,
}

/// A process, its parent, and so on.
fn ancestors(pid: u32, running: &Table<u32, Running>) -> impl Iterator<Item = (u32, &Running)> {
    // Read one after another, they may lead around in a circle.
    const DEEPEST: usize = 1024;
    let known = |pid| Some((pid, running.get(&pid)?));
    std::iter::successors(known(pid), move |(_, child)| known(child.parent)).take(DEEPEST)
}

/// The processes that run now.
fn running() -> Table<u32, Running> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Table::new() };
    let read = |entry: std::fs::DirEntry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let (comm, parent) = crate::process::name_and_parent(pid)?;
        Some((pid, Running { parent, comm }))
    };
    entries.flatten().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_those_with_values() {
        assert_eq!(Filters::default().kinds().0, 0);
        let filters = Filters { pids: vec![1], uids: vec![0], ..Filters::default() };
        assert!(filters.kinds().has(Kinds::PIDS.with(Kinds::UIDS)));
        assert!(!filters.kinds().has(Kinds::COMMS));
    }

    #[test]
    fn names_are_cut_as_the_kernel_cuts_them() {
        assert_eq!(&comm_key("node"), b"node\0\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(&comm_key("copilot-runtime-x"), b"copilot-runtime\0");
    }

    #[test]
    fn descendants_of_this_process() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let running = running();
        let descends = |pid, from| ancestors(pid, &running).any(|(ancestor, _)| ancestor == from);
        assert!(descends(child.id(), std::process::id()));
        assert!(!descends(std::process::id(), child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
