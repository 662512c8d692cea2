//! Which two views are one exchange, seen at both of its ends.
//!
//! A server on this machine that uses a covered TLS library shows every
//! exchange a second time. The client's view is the one to show; the server's
//! is held back until it is clear whether there is a client's view at all.
//!
//! Views are matched in four ways. **By address**: their connections have
//! swapped address pairs; such a match is certain. **By request**: where an
//! end's address is unknown or was translated on the way, the same request
//! (method, target, headers, body) at the same time. **By answer**: where one
//! end was joined too late to know what was asked, the same answer at the same
//! time. **By process**: where a client's view knows neither its addresses nor
//! what was asked, the view of a server whose other end belongs to the client's
//! process, at the same time. All but the first are guesses that an address which
//! becomes known later may undo. Every match is one to
//! one, so that of many identical requests none is lost and none shown twice.
//!
//! Drive it with [`BothEnds::open`], [`endpoint`](BothEnds::endpoint),
//! [`started`](BothEnds::started), [`updated`](BothEnds::updated),
//! [`ended`](BothEnds::ended) and [`advance`](BothEnds::advance), and after
//! each call [`poll`](BothEnds::poll) until it is empty. It reads no clock:
//! `now` is whatever the driver says, and never goes back.

mod ends;
mod matching;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use llmtop_parsers::{ExchangeSeq, Role, Timestamp};
use llmtop_probe::{ConnId, Endpoint};

use self::ends::{ByAddress, ByProcess, Ends};
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

/// The same for two ends whose addresses say that they belong together: on a
/// busy machine a client may be off the processor between handing its request
/// to the kernel and the return of its write, while the server answers.
const LATE: Duration = Duration::from_millis(500);

/// A view is remembered so long after its end.
const REMEMBER: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    /// Unmatched; a server's view is held back.
    Open,
    /// Unmatched, and waiting is over.
    Alone,
    /// Matched.
    Paired { with: ViewId, certain: bool },
}

/// What both views of an exchange have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Mark {
    /// The hash of the request's head.
    Head(u64),
    /// Length and hash of the answer's body.
    Answer((u64, u64)),
}

fn marks(facts: &Facts) -> impl Iterator<Item = Mark> {
    facts.head.map(Mark::Head).into_iter().chain(facts.answer.map(Mark::Answer))
}

#[derive(Debug)]
struct View {
    facts: Facts,
    status: Status,
}

/// See the module.
#[derive(Debug)]
pub struct BothEnds {
    patience: Patience,
    now: Timestamp,
    conns: HashMap<ConnId, Ends>,
    views: HashMap<ViewId, View>,
    by_address: ByAddress,
    /// Connections by their own process, and by the one at the other end.
    by_owner: ByProcess,
    by_peer: ByProcess,
    /// Unmatched views by what they have in common with their other end.
    by_mark: HashMap<(Role, Mark), BTreeSet<(Timestamp, ViewId)>>,
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
            by_address: ByAddress::default(),
            by_owner: ByProcess::default(),
            by_peer: ByProcess::default(),
            by_mark: HashMap::new(),
            deadlines: BTreeSet::new(),
            decisions: VecDeque::new(),
        }
    }

    /// A connection of a process opened.
    pub fn open(&mut self, conn: ConnId, pid: u32, endpoint: &Endpoint) {
        self.conns.entry(conn).or_default().pid = pid;
        self.by_owner.add(pid, conn);
        self.endpoint(conn, endpoint);
    }

    /// More is known of a connection's ends.
    pub fn endpoint(&mut self, conn: ConnId, endpoint: &Endpoint) {
        let Some(ends) = self.conns.get_mut(&conn) else { return };
        let (before, peer_before) = (ends.pair(), ends.peer_pid);
        ends.learn(endpoint);
        let (now, peer_now) = (ends.pair(), ends.peer_pid);
        if before == now && peer_before == peer_now {
            return;
        }
        if let Some(pid) = peer_before {
            self.by_peer.remove(pid, conn);
        }
        if let Some(pid) = peer_now {
            self.by_peer.add(pid, conn);
        }
        if let Some(pair) = before {
            self.by_address.remove(pair, conn);
        }
        if let Some(pair) = now {
            self.by_address.add(pair, conn);
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
        self.deadline(id, at, LATE);
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

    /// The other end's view, where it is known.
    pub fn partner(&self, id: ViewId) -> Option<ViewId> {
        match self.views.get(&id)?.status {
            Status::Paired { with, .. } => Some(with),
            Status::Open | Status::Alone => None,
        }
    }

    /// Whether a view shows what was asked.
    pub fn sees_request(&self, id: ViewId) -> bool {
        self.views.get(&id).is_some_and(|view| view.facts.head.is_some())
    }

    /// Whether the other end of a connection is seen, by address.
    pub fn has_twin(&self, conn: ConnId) -> bool {
        let pair = self.conns.get(&conn).and_then(Ends::pair);
        pair.is_some_and(|pair| self.by_address.twins(pair).any(|twin| twin != conn))
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

    /// Whether there is anything that time decides.
    pub fn waits(&self) -> bool {
        !self.deadlines.is_empty()
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
            self.find_late(id);
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
            let expected = view.facts.role == Role::Server && self.has_twin(id.conn);
            self.find_late(id);
            if !expected || self.now >= later(ended, LATE) {
                self.alone(id);
            }
        }
        if self.now >= later(ended, REMEMBER) {
            self.forget(id);
        }
    }

    /// Gives an unmatched view up.
    fn alone(&mut self, id: ViewId) {
        if let Some(view) = self.views.get_mut(&id)
            && view.status == Status::Open
        {
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
            self.by_address.remove(pair, conn);
        }
        self.by_owner.remove(ends.pid, conn);
        if let Some(pid) = ends.peer_pid {
            self.by_peer.remove(pid, conn);
        }
        self.conns.remove(&conn);
    }

    /// Makes an unmatched view findable by its request and its answer.
    fn file(&mut self, id: ViewId) {
        let Some(View { facts, status }) = self.views.get(&id) else { return };
        if matches!(status, Status::Open | Status::Alone) {
            for mark in marks(facts) {
                self.by_mark.entry((facts.role, mark)).or_default().insert((facts.started, id));
            }
        }
    }

    fn unfile(&mut self, id: ViewId) {
        let Some(View { facts, .. }) = self.views.get(&id) else { return };
        for mark in marks(facts) {
            if let Some(filed) = self.by_mark.get_mut(&(facts.role, mark)) {
                filed.remove(&(facts.started, id));
                if filed.is_empty() {
                    self.by_mark.remove(&(facts.role, mark));
                }
            }
        }
    }
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    Timestamp(time.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests;
