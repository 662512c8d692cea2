//! From which moment the store is looked at.

use llmtop_parsers::Timestamp;

use super::clock::Clock;
use crate::store::Store;
use crate::view::{Frozen, Reader};

/// Everything that a [`Reader`] needs beside the store: apart from what is drawn, so
/// that one can be read while the other is brought up to date.
#[derive(Debug)]
pub(super) struct Viewpoint {
    /// The machine's time.
    pub(super) now: Timestamp,
    pub(super) clock: Clock,
    /// The screen is paused, and shows this.
    pub(super) frozen: Option<Frozen>,
    /// Seconds east of Greenwich.
    utc_offset: i32,
}

impl Viewpoint {
    pub(super) fn new(now: Timestamp, utc_offset: i32) -> Self {
        Viewpoint { now, clock: Clock::default(), frozen: None, utc_offset }
    }

    /// The time of what is shown, unless the screen is paused.
    pub(super) fn moment(&self) -> Timestamp {
        self.clock.moment(self.now)
    }

    /// The store as it is seen from here.
    pub(super) fn reader<'a>(&'a self, store: &'a Store) -> Reader<'a> {
        Reader::new(store, self.frozen.as_ref(), self.moment(), self.utc_offset)
    }
}
