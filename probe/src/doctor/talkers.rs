//! Processes that speak TLS by all appearances, with a library nobody knows.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::endpoint::{sockets, tcp_table};

/// The port of HTTPS (RFC 9110, 4.2.2).
const HTTPS: u16 = 443;

/// Of `pids` those with a connection to the HTTPS port of another machine or
/// process, and to where.
pub(super) fn of(pids: impl Iterator<Item = u32>) -> BTreeMap<u32, SocketAddr> {
    let mut tables: HashMap<PathBuf, HashMap<u64, SocketAddr>> = HashMap::new();
    let mut found = BTreeMap::new();
    for pid in pids {
        let Ok(namespace) = std::fs::read_link(format!("/proc/{pid}/ns/net")) else {
            continue;
        };
        let table = tables.entry(namespace).or_insert_with(|| {
            let entries = tcp_table::read(pid).into_iter();
            entries.filter(|e| e.peer.port() == HTTPS).map(|e| (e.inode, e.peer)).collect()
        });
        if table.is_empty() {
            continue;
        }
        let mut sockets = sockets(pid, &mut 0).into_iter();
        if let Some(&peer) = sockets.find_map(|inode| table.get(&inode)) {
            found.insert(pid, peer);
        }
    }
    found
}
