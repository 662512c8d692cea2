//! Which process holds the socket with given addresses.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::{socket_inode, tcp_table};

/// Descriptors looked at in one search.
const MAX_DESCRIPTORS: usize = 1 << 18;
/// At most a tenth of the time goes into searches that find nothing: after one,
/// this many times what it took passes before the next.
const PAUSE: u32 = 10;
/// Sockets remembered.
const MAX_KNOWN: usize = 1 << 16;

/// Tells the owners of sockets, and remembers them.
#[derive(Debug, Default)]
pub struct Owners {
    known: HashMap<(SocketAddr, SocketAddr), u32>,
    quiet_until: Option<Instant>,
}

impl Owners {
    /// Knows nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The process that holds the TCP socket whose own address is `local` and
    /// whose other end is `peer`, in the network namespace of the process
    /// `beside`. `None` where there is none (any more), or where a search that
    /// found nothing was too recent.
    pub fn owner(&mut self, beside: u32, local: SocketAddr, peer: SocketAddr) -> Option<u32> {
        if let Some(&pid) = self.known.get(&(local, peer))
            && std::fs::exists(format!("/proc/{pid}")).unwrap_or(false)
        {
            return Some(pid);
        }
        let start = Instant::now();
        if self.quiet_until.is_some_and(|until| start < until) {
            return None;
        }
        let found = self.search(beside, local, peer);
        if found.is_none() {
            let took = start.elapsed().max(Duration::from_millis(1));
            self.quiet_until = Some(Instant::now() + took * PAUSE);
        }
        found
    }

    /// The connection is gone: its addresses may be used again.
    pub fn forget(&mut self, local: SocketAddr, peer: SocketAddr) {
        self.known.remove(&(local, peer));
    }

    fn search(&mut self, beside: u32, local: SocketAddr, peer: SocketAddr) -> Option<u32> {
        let entries = tcp_table::read(beside);
        entries.iter().find(|e| (e.local, e.peer) == (local, peer))?;
        if self.known.len() > MAX_KNOWN {
            self.known.clear();
        }
        let ends: HashMap<u64, _> = entries.iter().map(|e| (e.inode, (e.local, e.peer))).collect();
        let mut looked_at = 0;
        // What a search passes is remembered, so that the next of the same
        // burst of connections is answered without one.
        for pid in newest_first() {
            for inode in sockets(pid, &mut looked_at) {
                if let Some(&ends) = ends.get(&inode) {
                    self.known.insert(ends, pid);
                }
            }
            if let Some(&pid) = self.known.get(&(local, peer)) {
                return Some(pid);
            }
            if looked_at > MAX_DESCRIPTORS {
                break;
            }
        }
        None
    }
}

fn newest_first() -> Vec<u32> {
    let mut pids: Vec<u32> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    pids.sort_unstable_by(|a, b| b.cmp(a));
    pids
}

/// The inodes of the sockets that the process holds.
pub(crate) fn sockets(pid: u32, looked_at: &mut usize) -> Vec<u64> {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{pid}/fd")) else {
        return Vec::new();
    };
    let entries = entries.take(MAX_DESCRIPTORS).filter_map(Result::ok);
    entries
        .inspect(|_| *looked_at += 1)
        .filter_map(|entry| socket_inode(std::fs::read_link(entry.path()).ok()?.to_str()?))
        .collect()
}
