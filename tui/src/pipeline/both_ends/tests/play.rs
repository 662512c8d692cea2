//! What a pipeline would do with the decisions, written down.

use std::collections::BTreeMap;
use std::time::Duration;

use llmtop_parsers::Role::Client;

use super::super::*;

pub(super) const MS: u64 = 1_000_000;
pub(super) const GRACE: Duration = Duration::from_millis(250);

/// What a pipeline would do with the decisions.
pub(super) struct Play {
    pub(super) ends: BothEnds,
    /// By view: its exchange, its role, and whether it is shown.
    pub(super) views: BTreeMap<ViewId, (&'static str, Role, bool)>,
    pub(super) facts: BTreeMap<ViewId, Facts>,
    pub(super) pairs: BTreeMap<ViewId, ViewId>,
    pub(super) forgotten: usize,
    pub(super) time: u64,
}

pub(super) fn play(eager: bool) -> Play {
    Play {
        ends: BothEnds::new(Patience { grace: GRACE, eager }),
        views: BTreeMap::new(),
        facts: BTreeMap::new(),
        pairs: BTreeMap::new(),
        forgotten: 0,
        time: 1000,
    }
}

pub(super) fn ends(local: &str, peer: &str) -> Endpoint {
    let address = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
    Endpoint { local: address(local), peer: address(peer), ..Endpoint::default() }
}

pub(super) fn view(conn: u64, seq: u64) -> ViewId {
    ViewId { conn: ConnId(conn), seq: ExchangeSeq(seq) }
}

impl Play {
    pub(super) fn open(&mut self, conn: u64, local: &str, peer: &str) {
        // A process a connection, of the same number.
        self.ends.open(ConnId(conn), conn as u32, &ends(local, peer));
        self.follow();
    }

    pub(super) fn address(&mut self, conn: u64, local: &str, peer: &str) {
        self.ends.endpoint(ConnId(conn), &ends(local, peer));
        self.follow();
    }

    /// A view of `exchange` whose request is there; `request` tells requests
    /// apart, 0 is one that was not seen.
    pub(super) fn start(&mut self, id: ViewId, role: Role, exchange: &'static str, request: u64) {
        let seen = (request != 0).then_some(request);
        let facts = Facts {
            role,
            protocol: llmtop_parsers::Protocol::Http1,
            process: id.conn.0,
            stream: None,
            head: seen,
            body: seen.map(|hash| (10, hash)),
            answer: None,
            torn: request == 0,
            started: Timestamp(self.time * MS),
            ended: None,
        };
        self.begin(id, exchange, facts);
    }

    pub(super) fn begin(&mut self, id: ViewId, exchange: &'static str, facts: Facts) {
        self.views.insert(id, (exchange, facts.role, facts.role == Client));
        self.facts.insert(id, facts);
        self.ends.started(id, facts);
        self.follow();
    }

    pub(super) fn end(&mut self, id: ViewId) {
        let facts = Facts { ended: Some(Timestamp(self.time * MS)), ..self.facts[&id] };
        self.ends.ended(id, facts);
        self.follow();
    }

    pub(super) fn wait(&mut self, millis: u64) {
        self.time += millis;
        self.ends.advance(Timestamp(self.time * MS));
        self.follow();
    }

    pub(super) fn follow(&mut self) {
        while let Some(decision) = self.ends.poll() {
            let mut show = |id: ViewId, shown| {
                if let Some(view) = self.views.get_mut(&id) {
                    view.2 = shown;
                }
            };
            match decision {
                Decision::Pair { client, server, .. } => {
                    show(client, true);
                    show(server, false);
                    self.pairs.insert(client, server);
                }
                Decision::Part { client, server } => {
                    show(client, true);
                    show(server, false);
                    self.pairs.remove(&client);
                }
                Decision::Alone(id) => show(id, true),
                Decision::Forget(_) => self.forgotten += 1,
            }
        }
    }

    pub(super) fn is_shown(&self, id: ViewId) -> bool {
        self.views[&id].2
    }

    /// Lets time pass, then names what is shown.
    pub(super) fn finally(&mut self) -> Vec<(&'static str, Role)> {
        self.wait(600);
        let mut shown: Vec<_> = self
            .views
            .values()
            .filter(|(.., shown)| *shown)
            .map(|&(exchange, role, _)| (exchange, role))
            .collect();
        shown.sort_by_key(|(exchange, _)| *exchange);
        shown
    }
}

pub(super) const CLIENT: (&str, &str) = ("127.0.0.1:5000", "127.0.0.1:443");
pub(super) const SERVER: (&str, &str) = ("[::ffff:127.0.0.1]:443", "[::ffff:127.0.0.1]:5000");
