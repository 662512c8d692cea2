//! What time it is on the screen: the machine's, or the recording's.

use llmtop_parsers::Timestamp;

use crate::store::{Session, Status, Store};

/// Tells the moment that is shown. What is live happens at the machine's time. A
/// recording has a time of its own: it stands at the latest moment that was played,
/// and goes on from there while it plays.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    /// Of a recording: its latest moment, and when that was played.
    played: Option<(Timestamp, Timestamp)>,
    stands: bool,
}

impl Clock {
    /// Looks at how far a recording is, at the machine's time `now`.
    pub(super) fn follow(&mut self, store: &Store, session: &Session, now: Timestamp) {
        let latest = store.latest();
        self.stands = matches!(session.status, Status::Ended | Status::Failed(_));
        if !session.recorded || latest == Timestamp::default() {
            self.played = None;
        } else if self.played.is_none_or(|(before, _)| before != latest) {
            self.played = Some((latest, now));
        }
    }

    /// The moment that is shown, at the machine's time `now`.
    pub(super) fn moment(&self, now: Timestamp) -> Timestamp {
        match self.played {
            None => now,
            Some((latest, _)) if self.stands => latest,
            Some((latest, at)) => Timestamp(latest.0.saturating_add(now.0.saturating_sub(at.0))),
        }
    }

    /// Whether time does not go on.
    pub(super) fn stands(&self) -> bool {
        self.played.is_some() && self.stands
    }

    /// The machine's time at which it is `moment` there; `None`: time stands still.
    pub(super) fn machine(&self, moment: Timestamp) -> Option<Timestamp> {
        match self.played {
            None => Some(moment),
            Some(_) if self.stands => None,
            Some((latest, at)) => {
                Some(Timestamp(at.0.saturating_add(moment.0.saturating_sub(latest.0))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use llmtop_parsers::Timestamp;

    use super::Clock;
    use crate::fixture::{NOW, ago, answered, asks, pending, process};
    use crate::store::{Session, Status, Store};

    #[test]
    fn a_recording_has_a_time_of_its_own() {
        let mut store = Store::default();
        process(&mut store, 1, 10, "x");
        let mut clock = Clock::default();
        let mut session = Session { recorded: true, ..Session::default() };
        let machine = |seconds: u64| Timestamp(NOW.0 * 2 + seconds * 1_000_000_000);
        // Nothing was played: any time will do.
        clock.follow(&store, &session, machine(0));
        assert_eq!(clock.moment(machine(0)), machine(0));
        store.put_exchange(answered(pending(1, 1, 9000, asks("hi")), "x", 1000));
        clock.follow(&store, &session, machine(10));
        clock.follow(&store, &session, machine(11));
        assert_eq!(clock.moment(machine(12)), ago(6000));
        assert_eq!(clock.machine(ago(6000)), Some(machine(12)));
        session.status = Status::Ended;
        clock.follow(&store, &session, machine(20));
        assert_eq!(clock.moment(machine(99)), ago(8000));
        assert_eq!(clock.machine(ago(6000)), None);
    }

    #[test]
    fn what_is_live_happens_now() {
        let mut store = Store::default();
        process(&mut store, 1, 10, "x");
        store.put_exchange(pending(1, 1, 9000, asks("hi")));
        let mut clock = Clock::default();
        clock.follow(&store, &Session::default(), NOW);
        assert_eq!(clock.moment(NOW), NOW);
        assert_eq!(clock.machine(NOW), Some(NOW));
    }
}
