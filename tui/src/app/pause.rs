//! Pausing the screen, and stepping back from there.

use std::sync::Arc;

use super::App;
use crate::action::Action;
use crate::store::{Moment, Store};
use crate::view::{Frozen, Role};

/// Nanoseconds of a step back or forth.
pub(super) const STEP: u64 = 5_000_000_000;

/// The moments that a paused screen can show, the oldest first; the last is that of
/// the pause.
#[derive(Debug, Default)]
pub(super) struct Past {
    moments: Vec<Arc<Moment>>,
    at: usize,
}

impl Past {
    /// Milliseconds from the oldest moment until the pause.
    pub(super) fn kept(&self) -> f64 {
        let ends = self.moments.first().zip(self.moments.last());
        ends.map_or(0.0, |(oldest, pause)| pause.at.millis_since(oldest.at))
    }

    /// The moment to go to, and its place.
    fn next(&self, earlier: bool, by: u64) -> Option<(usize, &Arc<Moment>)> {
        let here = self.moments.get(self.at)?.at.0;
        let far = |(_, moment): &(usize, &Arc<Moment>)| here.abs_diff(moment.at.0) >= by;
        let all = self.moments.iter().enumerate();
        match earlier {
            true => {
                let mut before = all.take(self.at).rev();
                before.clone().find(far).or_else(|| before.next_back())
            }
            false => {
                let mut after = all.skip(self.at + 1);
                after.clone().find(far).or_else(|| after.next_back())
            }
        }
    }

    /// How many moments there are.
    pub(super) fn len(&self) -> usize {
        self.moments.len()
    }
}

impl App {
    /// Freezes what is shown, or lets it go on.
    pub(super) fn pause(&mut self, store: &Store) {
        if let Some(frozen) = self.viewpoint.frozen.take() {
            self.filtering.thaw(frozen.unfinished());
            self.past = Past::default();
            self.narrowed.thaw();
            return;
        }
        let frozen = Frozen::new(store, self.viewpoint.moment());
        self.narrowed.freeze(store, frozen.moment().at);
        let moments = store.moments().filter(|moment| moment.at < frozen.moment().at);
        self.past.moments = moments.chain([frozen.moment()]).cloned().collect();
        self.past.at = self.past.len() - 1;
        self.viewpoint.frozen = Some(frozen);
    }

    /// Shows an earlier moment of a paused screen, or a later one: the next, or the first
    /// that is so many nanoseconds away.
    pub(super) fn shift(&mut self, store: &Store, earlier: bool, by: u64) {
        let Some(frozen) = &self.viewpoint.frozen else { return };
        let Some((at, moment)) = self.past.next(earlier, by) else {
            let why = match (earlier, self.past.len()) {
                (true, 1) => "nothing earlier is kept: a moment is, every second".to_owned(),
                (true, _) => "this is the oldest moment that is kept".to_owned(),
                (false, _) => {
                    let goes_on = self.options.keys.how(Action::Pause);
                    format!("this is where you paused: {goes_on} goes on")
                }
            };
            return self.tell(&why, Role::Dim);
        };
        let shown = frozen.at(Arc::clone(moment), store);
        // What had not ended at either moment may pass the filter at one only.
        self.filtering.thaw(frozen.unfinished().chain(shown.unfinished()));
        self.past.at = at;
        self.viewpoint.frozen = Some(shown);
    }
}
