//! Servers that run already and have moved their standard input and output away: what the
//! kernel programs see of others when they are started.

use aya::Ebpf;
use aya::maps::{HashMap, MapData};
use llmtop_probe_common::names;

use super::maps::take;
use crate::{Error, discovery, endpoint};

/// Leaves what is there as it is: the kernel knows better (bpf(2)).
const BPF_NOEXIST: u64 = 1;

/// With which pipes processes were started, in the kernel.
pub(super) struct Pipes(HashMap<MapData, u32, [u64; 2]>);

impl Pipes {
    pub(super) fn take(bpf: &mut Ebpf) -> Result<Self, Error> {
        Ok(Self(take(bpf, names::STDIO_PIPES)?))
    }

    /// Tells of the processes that run now, once the kernel programs see the others.
    pub(super) fn seed(&mut self) {
        for pid in discovery::processes() {
            if let Some(moved) = endpoint::moved_pipes(pid) {
                // Fails where the kernel knows, or where there is no room.
                let _ = self.0.insert(pid, moved, BPF_NOEXIST);
            }
        }
    }
}
