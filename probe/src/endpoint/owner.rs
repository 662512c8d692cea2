//! Which process holds the socket with given addresses.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{socket_inode, tcp_table};

/// Descriptors looked at in one search.
const MAX_DESCRIPTORS: usize = 1 << 18;
/// At most a tenth of the time goes into searches that find nothing: after one,
/// this many times what it took passes before the next.
const PAUSE: u32 = 10;
/// Sockets remembered.
const MAX_KNOWN: usize = 1 << 16;

/// A socket, by its network namespace (as `/proc/PID/ns/net` names it), its own address, and
/// the other end's.
type Socket = (PathBuf, SocketAddr, SocketAddr);

/// Who held a socket when that was looked up, as what descriptor, and its inode, which no
/// other socket has.
#[derive(Clone, Copy, Debug)]
struct Holder {
    pid: u32,
    fd: u32,
    inode: u64,
}

impl Holder {
    /// Whether it does still.
    fn holds(&self) -> bool {
        let link = std::fs::read_link(format!("/proc/{}/fd/{}", self.pid, self.fd));
        link.is_ok_and(|link| link.to_str().and_then(socket_inode) == Some(self.inode))
    }
}

/// Tells the owners of sockets, and remembers them.
#[derive(Debug, Default)]
pub struct Owners {
    known: HashMap<Socket, Holder>,
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
        let namespace = std::fs::read_link(format!("/proc/{beside}/ns/net")).ok()?;
        let socket = (namespace, local, peer);
        if let Some(holder) = self.known.get(&socket).filter(|holder| holder.holds()) {
            return Some(holder.pid);
        }
        let start = Instant::now();
        if self.quiet_until.is_some_and(|until| start < until) {
            return None;
        }
        let found = self.search(beside, &socket);
        if found.is_none() {
            let took = start.elapsed().max(Duration::from_millis(1));
            self.quiet_until = Some(Instant::now() + took * PAUSE);
        }
        found
    }

    fn search(&mut self, beside: u32, wanted: &Socket) -> Option<u32> {
        let (namespace, local, peer) = wanted;
        let entries = tcp_table::read(beside);
        let wanted = entries.iter().find(|e| (e.local, e.peer) == (*local, *peer))?.inode;
        if self.known.len() > MAX_KNOWN {
            self.known.clear();
        }
        let ends: HashMap<u64, _> = entries.iter().map(|e| (e.inode, (e.local, e.peer))).collect();
        let mut looked_at = 0;
        // What a search passes is remembered, so that the next of the same
        // burst of connections is answered without one.
        for pid in newest_first() {
            let mut found = false;
            for (fd, inode) in descriptors(pid, &mut looked_at) {
                if let Some(&(local, peer)) = ends.get(&inode) {
                    let socket = (namespace.clone(), local, peer);
                    self.known.insert(socket, Holder { pid, fd, inode });
                    found |= inode == wanted;
                }
            }
            if found {
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
    descriptors(pid, looked_at).into_iter().map(|(_, inode)| inode).collect()
}

/// The descriptors of the process that are sockets, with their inodes.
fn descriptors(pid: u32, looked_at: &mut usize) -> Vec<(u32, u64)> {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{pid}/fd")) else {
        return Vec::new();
    };
    let entries = entries.take(MAX_DESCRIPTORS).filter_map(Result::ok);
    entries
        .inspect(|_| *looked_at += 1)
        .filter_map(|entry| {
            let inode = socket_inode(std::fs::read_link(entry.path()).ok()?.to_str()?)?;
            Some((entry.file_name().to_str()?.parse().ok()?, inode))
        })
        .collect()
}
