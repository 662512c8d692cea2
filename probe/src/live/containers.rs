//! Which processes are in a wanted container: the kernel programs cannot tell, so
//! they are told.

use aya::Ebpf;
use aya::maps::{HashMap, MapData};
use llmtop_probe_common::names;

use super::maps::take;
use crate::{Error, object, process};

/// The containers whose processes are captured. Driving contract: [`Self::seed`] once
/// the kernel follows forks, [`Self::executed`] of every program since.
pub(super) struct Containers {
    /// Thread groups; the kernel adds their children.
    inside: HashMap<MapData, u32, u8>,
    wanted: Vec<String>,
}

impl Containers {
    pub(super) fn take(bpf: &mut Ebpf, wanted: &[String]) -> Result<Self, Error> {
        Ok(Self { inside: take(bpf, names::INSIDE)?, wanted: wanted.to_vec() })
    }

    /// Adds the processes that run now: twice over the list, so that a child forked
    /// meanwhile is in one of them.
    pub(super) fn seed(&mut self) -> Result<(), Error> {
        if self.wanted.is_empty() {
            return Ok(());
        }
        for pid in (0..2).flat_map(|_| crate::discovery::processes()) {
            if self.is_wanted(process::container(pid).as_deref()) {
                let failed = |error| object::kernel("setting a capture filter", &error);
                self.inside.insert(pid, 1, 0).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// A process that is in `container` has executed a program: runtimes put it into
    /// its container before that.
    pub(super) fn executed(&mut self, pid: u32, container: Option<&str>) {
        if self.wanted.is_empty() {
            return;
        }
        if !self.is_wanted(container) {
            // Fails where it was not there.
            let _ = self.inside.remove(&pid);
        } else if let Err(error) = self.inside.insert(pid, 1, 0) {
            log::warn!("process {pid} of a wanted container is not captured: {error}");
        }
    }

    fn is_wanted(&self, container: Option<&str>) -> bool {
        let names = |id| self.wanted.iter().any(|wanted| process::is_container(id, wanted));
        container.is_some_and(names)
    }
}
