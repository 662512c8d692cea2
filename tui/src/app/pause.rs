//! Pausing the screen, and stepping back from there.

use std::sync::Arc;

use super::App;
use crate::action::Action;
use crate::store::{Moment, Store};
use crate::view::{Frozen, Role};

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
            return;
        }
        let frozen = Frozen::new(store, self.viewpoint.moment());
        let moments = store.moments().filter(|moment| moment.at < frozen.moment().at);
        self.past.moments = moments.chain([frozen.moment()]).cloned().collect();
        self.past.at = self.past.len() - 1;
        self.viewpoint.frozen = Some(frozen);
    }

    /// Shows an earlier moment of a paused screen, or a later one.
    pub(super) fn shift(&mut self, store: &Store, earlier: bool) {
        let Some(frozen) = &self.viewpoint.frozen else { return };
        let at = if earlier { self.past.at.checked_sub(1) } else { Some(self.past.at + 1) };
        let Some((at, moment)) = at.and_then(|at| Some((at, self.past.moments.get(at)?))) else {
            let why = match (earlier, self.past.len()) {
                (true, 1) => "nothing earlier is kept: a moment is, every 5 seconds".to_owned(),
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
