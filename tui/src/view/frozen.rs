//! What a paused screen shows: the store at one moment.

use std::sync::Arc;

use llmtop_parsers::Timestamp;
use llmtop_probe::ConnId;

use crate::store::{ExchangeId, Moment, Record, Store, Timeline};

/// What the store said at the moment of a pause or before, where that changes.
/// Finished exchanges do not.
#[derive(Clone, Debug)]
pub struct Frozen {
    pub(super) moment: Arc<Moment>,
    /// As it was when the screen was paused.
    pub(super) timeline: Arc<Timeline>,
    /// When that was.
    pub(super) until: Timestamp,
    /// What had not ended, in order.
    pub(super) unfinished: Vec<Record>,
}

impl Frozen {
    /// The store as it is, paused at `now`.
    pub fn new(store: &Store, now: Timestamp) -> Self {
        let timeline = Arc::new(store.timeline().clone());
        let moment = Arc::new(Moment::new(store, now));
        let unfinished = moment.unfinished(store);
        Frozen { moment, timeline, until: now, unfinished }
    }

    /// The same pause at another moment.
    #[must_use]
    pub fn at(&self, moment: Arc<Moment>, store: &Store) -> Self {
        let unfinished = moment.unfinished(store);
        Frozen { moment, timeline: Arc::clone(&self.timeline), until: self.until, unfinished }
    }

    /// The moment that is shown.
    pub fn moment(&self) -> &Arc<Moment> {
        &self.moment
    }

    /// Milliseconds from the moment that is shown until the pause.
    pub fn before_pause(&self) -> f64 {
        self.until.millis_since(self.moment.at)
    }

    /// What had not ended.
    pub fn unfinished(&self) -> impl Iterator<Item = ExchangeId> {
        self.unfinished.iter().map(|record| record.id)
    }

    /// An exchange that had not ended, as it was.
    pub fn exchange(&self, id: ExchangeId) -> Option<&Record> {
        let at = self.unfinished.binary_search_by_key(&id, |record| record.id).ok()?;
        self.unfinished.get(at)
    }

    /// Whether an exchange had begun.
    pub fn has_begun(&self, id: ExchangeId) -> bool {
        id < self.moment.next
    }

    /// Bytes captured and lost on a connection; `None`: it was not open.
    pub(super) fn bytes(&self, id: ConnId) -> Option<(u64, u64)> {
        let connections = &self.moment.connections;
        let at = connections.binary_search_by_key(&id, |(id, ..)| *id).ok()?;
        connections.get(at).map(|&(_, captured, lost)| (captured, lost))
    }
}
