//! The ends of connections, and which two are of one.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;

use llmtop_parsers::ExchangeSeq;
use llmtop_probe::{ConnId, Endpoint};

/// Own address, other address.
pub(super) type Pair = (SocketAddr, SocketAddr);

/// One end of a connection, and the views there.
#[derive(Debug, Default)]
pub(super) struct Ends {
    local: Option<SocketAddr>,
    peer: Option<SocketAddr>,
    /// Whose end this is.
    pub(super) pid: u32,
    /// Whose the other end is.
    pub(super) peer_pid: Option<u32>,
    /// Views that may still be matched: unmatched ones and guessed ones.
    pub(super) open: BTreeSet<ExchangeSeq>,
    pub(super) closed: bool,
    /// Views that are remembered.
    pub(super) views: usize,
}

impl Ends {
    /// Takes in what became known.
    pub(super) fn learn(&mut self, news: &Endpoint) {
        self.local = news.local.map(canonical).or(self.local);
        self.peer = news.peer.map(canonical).or(self.peer);
        self.peer_pid = news.peer_pid.or(self.peer_pid);
    }

    pub(super) fn pair(&self) -> Option<Pair> {
        self.local.zip(self.peer)
    }

    /// Whether both ends are surely on this machine.
    pub(super) fn is_local(&self) -> bool {
        self.peer.is_some_and(|peer| {
            peer.ip().is_loopback() || self.local.is_some_and(|local| local.ip() == peer.ip())
        })
    }

    /// Whether nothing known speaks against this being the client's end of
    /// `server`'s connection. Addresses may be translated on the way, but a
    /// client's port is mostly kept.
    pub(super) fn may_be_client_of(&self, server: &Ends) -> bool {
        match (self.local, server.peer, self.peer, server.local) {
            (Some(client), Some(seen), ..) => client.port() == seen.port(),
            (_, _, Some(asked), Some(server)) => asked == server,
            _ => true,
        }
    }
}

/// Connections by their addresses; several of one pair where a port is used
/// again or a socket shared.
#[derive(Debug, Default)]
pub(super) struct ByAddress(HashMap<Pair, Vec<ConnId>>);

impl ByAddress {
    pub(super) fn add(&mut self, pair: Pair, conn: ConnId) {
        self.0.entry(pair).or_default().push(conn);
    }

    pub(super) fn remove(&mut self, pair: Pair, conn: ConnId) {
        if let Some(conns) = self.0.get_mut(&pair) {
            conns.retain(|&other| other != conn);
            if conns.is_empty() {
                self.0.remove(&pair);
            }
        }
    }

    /// The connections whose other end this is, the latest first.
    pub(super) fn twins(&self, (local, peer): Pair) -> impl Iterator<Item = ConnId> + '_ {
        self.0.get(&(peer, local)).into_iter().flat_map(|twins| twins.iter().rev().copied())
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Connections by the process at one of their ends.
#[derive(Debug, Default)]
pub(super) struct ByProcess(HashMap<u32, BTreeSet<ConnId>>);

impl ByProcess {
    pub(super) fn add(&mut self, pid: u32, conn: ConnId) {
        self.0.entry(pid).or_default().insert(conn);
    }

    pub(super) fn remove(&mut self, pid: u32, conn: ConnId) {
        if let Some(conns) = self.0.get_mut(&pid) {
            conns.remove(&conn);
            if conns.is_empty() {
                self.0.remove(&pid);
            }
        }
    }

    /// The process's connections, the latest first.
    pub(super) fn of(&self, pid: u32) -> impl Iterator<Item = ConnId> + '_ {
        self.0.get(&pid).into_iter().flat_map(|conns| conns.iter().rev().copied())
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// IPv4 also where it is mapped into IPv6 (RFC 4291, section 2.5.5.2).
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
