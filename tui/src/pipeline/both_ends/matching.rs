//! Finding a view's other end, and undoing what was guessed wrong.

use std::time::Duration;

use llmtop_parsers::Role;
use llmtop_probe::ConnId;

use super::{BothEnds, Decision, LATE, Mark, SLACK, Status, View, ViewId};
use crate::pipeline::facts::Facts;

/// Candidates looked at for one view: bounds what hostile traffic can cost.
const CANDIDATES: usize = 64;

impl BothEnds {
    /// Looks for the other end of a view, by address and then by request.
    pub(super) fn find(&mut self, id: ViewId) {
        self.settle(vec![id]);
    }

    /// The same when everything else has found its other end: by address, and
    /// much later.
    pub(super) fn find_late(&mut self, id: ViewId) {
        let view = self.views.get(&id).filter(|view| view.status == Status::Open);
        let Some(other) = view.and_then(|view| self.find_by_address(id, view, LATE)) else {
            return;
        };
        let released = self.pair(id, other, true);
        self.settle(released);
    }

    /// Pairs views and those that lose their partner by it. That ends: only an
    /// address takes a partner away, and what it joins stays together.
    fn settle(&mut self, mut waiting: Vec<ViewId>) {
        while let Some(id) = waiting.pop() {
            if let Some((other, certain)) = self.choose(id) {
                waiting.extend(self.pair(id, other, certain));
            }
        }
    }

    /// The other end, and whether that is certain.
    fn choose(&self, id: ViewId) -> Option<(ViewId, bool)> {
        let view = self.views.get(&id)?;
        if matches!(view.status, Status::Paired { certain: true, .. }) {
            return None;
        }
        if let Some(other) = self.find_by_address(id, view, SLACK) {
            return Some((other, true));
        }
        if matches!(view.status, Status::Paired { .. }) {
            return None;
        }
        let other = self
            .find_by_request(id, view)
            .or_else(|| self.find_by_answer(id, view))
            .or_else(|| self.find_by_process(id, view))?;
        Some((other, false))
    }

    fn find_by_address(&self, id: ViewId, view: &View, slack: Duration) -> Option<ViewId> {
        let pair = self.conns.get(&id.conn)?.pair()?;
        let twins = self.by_address.twins(pair).filter(|&twin| twin != id.conn);
        let views = twins.flat_map(|twin| {
            let open = self.conns.get(&twin).map(|ends| &ends.open);
            let newest = open.into_iter().flat_map(|open| open.iter().rev());
            newest.map(move |&seq| ViewId { conn: twin, seq })
        });
        self.nearest(view, views, slack, true, Facts::matches_on_one_connection)
    }

    fn find_by_request(&self, id: ViewId, view: &View) -> Option<ViewId> {
        self.find_by_mark(id, view, Mark::Head(view.facts.head?), Facts::matches_by_request)
    }

    fn find_by_answer(&self, id: ViewId, view: &View) -> Option<ViewId> {
        self.find_by_mark(id, view, Mark::Answer(view.facts.answer?), Facts::matches_by_answer)
    }

    fn find_by_mark(
        &self,
        id: ViewId,
        view: &View,
        mark: Mark,
        matches: fn(&Facts, &Facts, Duration) -> bool,
    ) -> Option<ViewId> {
        let other_role = match view.facts.role {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        };
        let filed = self.by_mark.get(&(other_role, mark))?;
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
        self.nearest(view, possible, SLACK, false, matches)
    }

    fn find_by_process(&self, id: ViewId, view: &View) -> Option<ViewId> {
        let mine = self.conns.get(&id.conn)?;
        let conns: Vec<ConnId> = match view.facts.role {
            // Where its addresses are known, they decide.
            Role::Client if view.facts.head.is_some() || mine.pair().is_some() => return None,
            Role::Client => self.by_peer.of(mine.pid).take(CANDIDATES).collect(),
            Role::Server => self.by_owner.of(mine.peer_pid?).take(CANDIDATES).collect(),
        };
        let possible = conns.into_iter().filter(|&conn| conn != id.conn).flat_map(|conn| {
            let ends = self.conns.get(&conn);
            let ends = ends.filter(|ends| view.facts.role == Role::Client || ends.pair().is_none());
            let open = ends.into_iter().flat_map(|ends| ends.open.iter().rev());
            open.map(move |&seq| ViewId { conn, seq })
        });
        self.nearest(view, possible, SLACK, false, Facts::matches_by_process)
    }

    /// Of some views, the unmatched one nearest in time that matches; for who
    /// `takes`, else the nearest that was only guessed to belong elsewhere.
    fn nearest(
        &self,
        view: &View,
        among: impl Iterator<Item = ViewId>,
        slack: Duration,
        takes: bool,
        matches: fn(&Facts, &Facts, Duration) -> bool,
    ) -> Option<ViewId> {
        among
            .take(CANDIDATES)
            .filter_map(|id| Some((id, self.views.get(&id)?)))
            .filter(|(_, other)| takes || !matches!(other.status, Status::Paired { .. }))
            .filter(|(_, other)| match view.facts.role {
                Role::Client => matches(&view.facts, &other.facts, slack),
                Role::Server => matches(&other.facts, &view.facts, slack),
            })
            .min_by_key(|(_, other)| {
                let taken = matches!(other.status, Status::Paired { .. });
                (taken, other.facts.started.0.abs_diff(view.facts.started.0))
            })
            .map(|(id, _)| id)
    }

    /// Answers with the views that lost their partner by it.
    fn pair(&mut self, one: ViewId, other: ViewId, certain: bool) -> Vec<ViewId> {
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
        released
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
    pub(super) fn part_if_refuted(&mut self, id: ViewId) {
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
        let alike = client.matches_by_request(server, SLACK)
            || client.matches_by_answer(server, SLACK)
            || client.matches_by_process(server, SLACK);
        if !possible || !alike {
            let with = *with;
            self.part(id);
            self.find(with);
        }
    }
}
