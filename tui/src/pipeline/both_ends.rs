//! Which two views are one exchange, seen at both of its ends.
//!
//! A server on this machine that uses a covered TLS library shows every
//! exchange a second time. The client's view is the one to show; the server's
//! is held back until it is clear whether there is a client's view at all.
//!
//! Views are matched in two ways. **By address**: their connections have
//! swapped address pairs; such a match is certain. **By request**: where an
//! end's address is unknown or was translated on the way, the same request
//! (method, target, headers, body) at the same time; such a match is a guess
//! that an address which becomes known later may undo. Every match is one to
//! one, so that of many identical requests none is lost and none shown twice.
//!
//! Drive it with [`BothEnds::open`], [`endpoint`](BothEnds::endpoint),
//! [`started`](BothEnds::started), [`updated`](BothEnds::updated),
//! [`ended`](BothEnds::ended) and [`advance`](BothEnds::advance), and after
//! each call [`poll`](BothEnds::poll) until it is empty. It reads no clock:
//! `now` is whatever the driver says, and never goes back.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use llmtop_parsers::{ExchangeSeq, Role, Timestamp};
use llmtop_probe::{ConnId, Endpoint};

use super::facts::Facts;

/// Names one end's view of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewId {
    /// Its connection.
    pub conn: ConnId,
    /// Which one there.
    pub seq: ExchangeSeq,
}

/// What became clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The two are one exchange. `certain`: by address. The server's view may
    /// have been let through by [`Alone`](Self::Alone) before.
    Pair {
        /// The client's view.
        client: ViewId,
        /// The server's.
        server: ViewId,
        /// Will not be undone.
        certain: bool,
    },
    /// A guessed pair was wrong: the server's view is held back again.
    Part {
        /// The client's view.
        client: ViewId,
        /// The server's.
        server: ViewId,
    },
    /// No other end's view is there, and waiting is over.
    Alone(ViewId),
    /// It ended long enough ago that nothing more will be decided.
    Forget(ViewId),
}

/// How long a view is held back, and when that begins.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How much later than its twin a view may be reported.
    pub grace: Duration,
    /// Decide while the answer streams, `grace` after the beginning; else
    /// only `grace` after the end.
    pub eager: bool,
}

/// How far apart the clocks of two processors, or the returns of a write and
/// of the read of the same bytes, may be.
const SLACK: Duration = Duration::from_millis(50);

/// A view is remembered so long after its end.
const REMEMBER: Duration = Duration::from_secs(2);

/// Candidates looked at for one view: bounds what hostile traffic can cost.
const CANDIDATES: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    /// Unmatched; a server's view is held back.
    Open,
    /// Unmatched, and waiting is over.
    Alone,
    /// Matched.
    Paired { with: ViewId, certain: bool },
}

#[derive(Debug)]
struct View {
    facts: Facts,
    status: Status,
}

#[derive(Debug, Default)]
struct Ends {
    local: Option<SocketAddr>,
    peer: Option<SocketAddr>,
    /// Views that may still be matched: unmatched ones and guessed ones.
    open: BTreeSet<ExchangeSeq>,
    closed: bool,
    /// Views that are remembered.
    views: usize,
}

/// See the module.
#[derive(Debug)]
pub struct BothEnds {
    patience: Patience,
    now: Timestamp,
    conns: HashMap<ConnId, Ends>,
    views: HashMap<ViewId, View>,
    /// Connections by (local, peer); several where a port is used again or a
    /// socket shared.
    by_address: HashMap<(SocketAddr, SocketAddr), Vec<ConnId>>,
    /// Unmatched views by the hash of their request's head.
    by_head: HashMap<(Role, u64), BTreeSet<(Timestamp, ViewId)>>,
    deadlines: BTreeSet<(Timestamp, ViewId)>,
    decisions: VecDeque<Decision>,
}

impl BothEnds {
    /// Knows nothing yet.
    pub fn new(patience: Patience) -> Self {
        BothEnds {
            patience,
            now: Timestamp(0),
            conns: HashMap::new(),
            views: HashMap::new(),
            by_address: HashMap::new(),
            by_head: HashMap::new(),
            deadlines: BTreeSet::new(),
            decisions: VecDeque::new(),
        }
    }

    /// A connection opened.
    pub fn open(&mut self, conn: ConnId, endpoint: &Endpoint) {
        self.conns.entry(conn).or_default();
        self.endpoint(conn, endpoint);
    }

    /// More is known of a connection's ends.
    pub fn endpoint(&mut self, conn: ConnId, endpoint: &Endpoint) {
        let Some(ends) = self.conns.get_mut(&conn) else { return };
        let before = ends.pair();
        ends.local = endpoint.local.map(canonical).or(ends.local);
        ends.peer = endpoint.peer.map(canonical).or(ends.peer);
        let now = ends.pair();
        if before == now {
            return;
        }
        if let Some(pair) = before {
            remove_conn(&mut self.by_address, pair, conn);
        }
        if let Some(pair) = now {
            self.by_address.entry(pair).or_default().push(conn);
        }
        let open: Vec<_> = ends.open.iter().map(|&seq| ViewId { conn, seq }).collect();
        for &id in &open {
            self.part_if_refuted(id);
        }
        for id in open {
            self.find(id);
        }
    }

    /// A connection ended; its views end by [`ended`](Self::ended).
    pub fn close(&mut self, conn: ConnId) {
        if let Some(ends) = self.conns.get_mut(&conn) {
            ends.closed = true;
            self.drop_conn_if_done(conn);
        }
    }

    /// An exchange began in one view.
    pub fn started(&mut self, id: ViewId, facts: Facts) {
        let Some(ends) = self.conns.get_mut(&id.conn) else { return };
        ends.open.insert(id.seq);
        ends.views += 1;
        self.deadline(id, facts.started, self.patience.grace);
        self.views.insert(id, View { facts, status: Status::Open });
        self.file(id);
        self.find(id);
    }

    /// More is known of an exchange.
    pub fn updated(&mut self, id: ViewId, facts: Facts) {
        let Some(view) = self.views.get_mut(&id) else { return };
        if view.facts == facts {
            return;
        }
        self.unfile(id);
        if let Some(view) = self.views.get_mut(&id) {
            let ended = view.facts.ended;
            view.facts = facts;
            view.facts.ended = view.facts.ended.or(ended);
        }
        self.file(id);
        self.part_if_refuted(id);
        self.find(id);
    }

    /// An exchange ended in one view; `facts` as finally known.
    pub fn ended(&mut self, id: ViewId, facts: Facts) {
        let at = facts.ended.unwrap_or(self.now);
        self.updated(id, Facts { ended: Some(at), ..facts });
        self.deadline(id, at, self.patience.grace);
        self.deadline(id, at, REMEMBER.max(self.patience.grace * 2));
    }

    /// Whether a view's exchange may still turn out to have another end.
    pub fn is_undecided(&self, id: ViewId) -> bool {
        self.views.get(&id).is_some_and(|view| {
            view.status == Status::Open
                && (view.facts.role == Role::Server
                    || self.conns.get(&id.conn).is_some_and(Ends::is_local))
        })
    }

    /// Whether the other end of a connection is seen, by address.
    pub fn has_twin(&self, conn: ConnId) -> bool {
        self.conns
            .get(&conn)
            .and_then(Ends::pair)
            .and_then(|(local, peer)| self.by_address.get(&(peer, local)))
            .is_some_and(|twins| twins.iter().any(|&twin| twin != conn))
    }

    /// Time went on.
    pub fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        while let Some(&(due, id)) = self.deadlines.first() {
            if due > self.now {
                break;
            }
            self.deadlines.pop_first();
            self.due(id);
        }
    }

    /// No more will come: everything still undecided is decided.
    pub fn finish(&mut self) {
        let mut open: Vec<_> = self
            .views
            .iter()
            .filter(|(_, view)| view.status == Status::Open)
            .map(|(&id, view)| (view.facts.started, id))
            .collect();
        open.sort_unstable();
        for (_, id) in open {
            self.alone(id);
        }
    }

    /// What became clear, in order.
    pub fn poll(&mut self) -> Option<Decision> {
        self.decisions.pop_front()
    }

    fn deadline(&mut self, id: ViewId, from: Timestamp, after: Duration) {
        self.deadlines.insert((later(from.max(self.now), after), id));
    }

    fn due(&mut self, id: ViewId) {
        let Some(view) = self.views.get(&id) else { return };
        let Some(ended) = view.facts.ended else {
            let ready = view.facts.request_complete() || view.facts.head.is_none();
            if view.status == Status::Open && self.patience.eager {
                if ready {
                    self.alone(id);
                } else {
                    self.deadline(id, self.now, self.patience.grace);
                }
            }
            return;
        };
        if view.status == Status::Open && self.now >= later(ended, self.patience.grace) {
            self.alone(id);
        }
        if self.now >= later(ended, REMEMBER) {
            self.forget(id);
        }
    }

    fn alone(&mut self, id: ViewId) {
        if let Some(view) = self.views.get_mut(&id) {
            view.status = Status::Alone;
            self.decisions.push_back(Decision::Alone(id));
        }
    }

    fn forget(&mut self, id: ViewId) {
        self.unfile(id);
        if self.views.remove(&id).is_none() {
            return;
        }
        self.decisions.push_back(Decision::Forget(id));
        if let Some(ends) = self.conns.get_mut(&id.conn) {
            ends.open.remove(&id.seq);
            ends.views -= 1;
            self.drop_conn_if_done(id.conn);
        }
    }

    fn drop_conn_if_done(&mut self, conn: ConnId) {
        let Some(ends) = self.conns.get(&conn).filter(|ends| ends.closed && ends.views == 0) else {
            return;
        };
        if let Some(pair) = ends.pair() {
            remove_conn(&mut self.by_address, pair, conn);
        }
        self.conns.remove(&conn);
    }

    /// Makes an unmatched view findable by its request.
    fn file(&mut self, id: ViewId) {
        let Some(View { facts, status }) = self.views.get(&id) else { return };
        if let (Status::Open | Status::Alone, Some(head)) = (status, facts.head) {
            self.by_head.entry((facts.role, head)).or_default().insert((facts.started, id));
        }
    }

    fn unfile(&mut self, id: ViewId) {
        let Some(View { facts, .. }) = self.views.get(&id) else { return };
        let Some(head) = facts.head else { return };
        if let Some(filed) = self.by_head.get_mut(&(facts.role, head)) {
            filed.remove(&(facts.started, id));
            if filed.is_empty() {
                self.by_head.remove(&(facts.role, head));
            }
        }
    }

    /// Looks for the other end of a view, by address and then by request.
    fn find(&mut self, id: ViewId) {
        let Some(view) = self.views.get(&id) else { return };
        if matches!(view.status, Status::Paired { certain: true, .. }) {
            return;
        }
        if let Some(other) = self.find_by_address(id, view) {
            self.pair(id, other, true);
        } else if matches!(view.status, Status::Open | Status::Alone)
            && let Some(other) = self.find_by_request(id, view)
        {
            self.pair(id, other, false);
        }
    }

    fn find_by_address(&self, id: ViewId, view: &View) -> Option<ViewId> {
        let (local, peer) = self.conns.get(&id.conn)?.pair()?;
        let twins = self.by_address.get(&(peer, local))?;
        let views = twins.iter().rev().filter(|&&twin| twin != id.conn).flat_map(|&twin| {
            let open = self.conns.get(&twin).map(|ends| &ends.open);
            let newest = open.into_iter().flat_map(|open| open.iter().rev());
            newest.map(move |&seq| ViewId { conn: twin, seq })
        });
        self.nearest(view, views, Facts::matches_on_one_connection)
    }

    fn find_by_request(&self, id: ViewId, view: &View) -> Option<ViewId> {
        let other_role = match view.facts.role {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        };
        let filed = self.by_head.get(&(other_role, view.facts.head?))?;
        let here = (view.facts.started, id);
        let around = filed.range(..here).rev().take(CANDIDATES / 2).chain(filed.range(here..));
        let mine = self.conns.get(&id.conn)?;
        let possible = around.map(|&(_, other)| other).filter(|other| {
            other.conn != id.conn
                && self.conns.get(&other.conn).is_some_and(|theirs| match view.facts.role {
                    Role::Client => mine.may_be_client_of(theirs),
                    Role::Server => theirs.may_be_client_of(mine),
                })
        });
        self.nearest(view, possible, Facts::matches_by_request)
    }

    /// Of some views, the unmatched one nearest in time that matches, else
    /// the nearest that was only guessed to belong elsewhere.
    fn nearest(
        &self,
        view: &View,
        among: impl Iterator<Item = ViewId>,
        matches: fn(&Facts, &Facts, Duration) -> bool,
    ) -> Option<ViewId> {
        among
            .take(CANDIDATES)
            .filter_map(|id| Some((id, self.views.get(&id)?)))
            .filter(|(_, other)| match view.facts.role {
                Role::Client => matches(&view.facts, &other.facts, SLACK),
                Role::Server => matches(&other.facts, &view.facts, SLACK),
            })
            .min_by_key(|(_, other)| {
                let taken = matches!(other.status, Status::Paired { .. });
                (taken, other.facts.started.0.abs_diff(view.facts.started.0))
            })
            .map(|(id, _)| id)
    }

    fn pair(&mut self, one: ViewId, other: ViewId, certain: bool) {
        let status = |id: ViewId| self.views.get(&id).map(|view| view.status);
        let already = status(one) == Some(Status::Paired { with: other, certain: false });
        let released: Vec<_> = if already {
            Vec::new()
        } else {
            [one, other].into_iter().filter_map(|id| self.part(id)).collect()
        };
        for (id, with) in [(one, other), (other, one)] {
            self.unfile(id);
            if let Some(view) = self.views.get_mut(&id) {
                view.status = Status::Paired { with, certain };
            }
            if certain && let Some(ends) = self.conns.get_mut(&id.conn) {
                ends.open.remove(&id.seq);
            }
        }
        let (client, server) = match self.views.get(&one).map(|view| view.facts.role) {
            Some(Role::Client) => (one, other),
            _ => (other, one),
        };
        self.decisions.push_back(Decision::Pair { client, server, certain });
        for id in released {
            self.find(id);
        }
    }

    /// Undoes a guess; gives the view that was let go.
    fn part(&mut self, id: ViewId) -> Option<ViewId> {
        let Status::Paired { with, certain: false } = self.views.get(&id)?.status else {
            return None;
        };
        for view in [id, with] {
            if let Some(view) = self.views.get_mut(&view) {
                view.status = Status::Open;
            }
            self.file(view);
            self.deadline(view, self.now, self.patience.grace);
        }
        let is_client = self.views.get(&id).is_some_and(|view| view.facts.role == Role::Client);
        let (client, server) = if is_client { (id, with) } else { (with, id) };
        self.decisions.push_back(Decision::Part { client, server });
        Some(with)
    }

    /// Undoes a guess that what is known by now speaks against.
    fn part_if_refuted(&mut self, id: ViewId) {
        let Some(View { facts, status: Status::Paired { with, certain: false } }) =
            self.views.get(&id)
        else {
            return;
        };
        let Some(other) = self.views.get(with) else { return };
        let (client, server, ends) = match facts.role {
            Role::Client => (facts, &other.facts, (id.conn, with.conn)),
            Role::Server => (&other.facts, facts, (with.conn, id.conn)),
        };
        let possible = match (self.conns.get(&ends.0), self.conns.get(&ends.1)) {
            (Some(a), Some(b)) => a.may_be_client_of(b),
            _ => true,
        };
        if !possible || !client.matches_by_request(server, SLACK) {
            let with = *with;
            self.part(id);
            self.find(with);
        }
    }
}

impl Ends {
    fn pair(&self) -> Option<(SocketAddr, SocketAddr)> {
        self.local.zip(self.peer)
    }

    /// Whether both ends are surely on this machine.
    fn is_local(&self) -> bool {
        self.peer.is_some_and(|peer| {
            peer.ip().is_loopback() || self.local.is_some_and(|local| local.ip() == peer.ip())
        })
    }

    /// Whether nothing known speaks against this being the client's end of
    /// `server`'s connection. Addresses may be translated on the way, but a
    /// client's port is mostly kept.
    fn may_be_client_of(&self, server: &Ends) -> bool {
        match (self.local, server.peer, self.peer, server.local) {
            (Some(client), Some(seen), ..) => client.port() == seen.port(),
            (_, _, Some(asked), Some(server)) => asked == server,
            _ => true,
        }
    }
}

/// IPv4 also where it is mapped into IPv6 (RFC 4291, section 2.5.5.2).
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    Timestamp(time.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
}

fn remove_conn(
    map: &mut HashMap<(SocketAddr, SocketAddr), Vec<ConnId>>,
    pair: (SocketAddr, SocketAddr),
    conn: ConnId,
) {
    if let Some(conns) = map.get_mut(&pair) {
        conns.retain(|&other| other != conn);
        if conns.is_empty() {
            map.remove(&pair);
        }
    }
}

#[cfg(test)]
mod tests;
