//! The seam between capture and everything else: a [`Source`] delivers
//! [`Capture`]s into an [`Outlet`], and obeys a [`Control`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::{Capture, ConnId, Error};

/// Where captures go. Implemented by whoever owns the channel.
pub trait Outlet: Send {
    /// Delivers without waiting, and empties `captures`. `false`: there was no
    /// room and `captures` is as it was; the source gives their bytes up and
    /// offers the rest again, with gaps in their place.
    fn offer(&mut self, captures: &mut Vec<Capture>) -> bool;

    /// Delivers, waiting for room: for sources that can wait (recordings).
    /// `false`: the receiver is gone.
    fn deliver(&mut self, captures: &mut Vec<Capture>) -> bool;
}

/// Something that captures: the live probes, a recording.
pub trait Source: Send {
    /// Runs on a thread of its own until the source is exhausted or
    /// [`Control::stop`] was called. Everything captured goes to `outlet`.
    ///
    /// # Errors
    /// What ended it before its time. What had been captured was delivered.
    fn run(self: Box<Self>, outlet: &mut dyn Outlet) -> Result<Totals, Error>;

    /// The handle by which others steer it.
    fn control(&self) -> Arc<dyn Control>;
}

/// Steers a running source from other threads.
pub trait Control: Send + Sync {
    /// Ends [`Source::run`] soon.
    fn stop(&self);

    /// The connection is of no interest: its bytes are counted from now on,
    /// and no longer copied.
    fn ignore(&self, conn: ConnId);

    /// How many probes are in place now. A source without any has none.
    fn probes(&self) -> usize {
        0
    }

    /// What was not captured, and is of no connection that is known: there were more
    /// threads or connections than there is room for.
    fn untracked(&self) -> Untracked {
        Untracked::default()
    }
}

/// What was not captured of which no connection is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Untracked {
    /// Bytes that were moved.
    pub bytes: u64,
    /// Calls that moved some, nobody knows how many.
    pub calls: u64,
}

/// What a source moved in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Bytes delivered.
    pub captured_bytes: u64,
    /// Bytes the observed processes moved that were lost.
    pub lost_bytes: u64,
    /// Bytes deliberately not copied.
    pub ignored_bytes: u64,
}

impl Totals {
    /// Adds what a capture tells of.
    pub fn count(&mut self, capture: &Capture) {
        match capture {
            Capture::Chunk(chunk) => self.captured_bytes += chunk.bytes.len() as u64,
            Capture::Gap(gap) => self.lost_bytes = self.lost_bytes.saturating_add(gap.lost),
            Capture::Close { ignored, .. } => {
                self.ignored_bytes = self.ignored_bytes.saturating_add(*ignored);
            }
            _ => {}
        }
    }
}

/// A [`Control`] for sources with nothing to ignore.
#[derive(Debug, Default)]
pub struct StopFlag(AtomicBool);

impl StopFlag {
    /// Whether [`Control::stop`] was called.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Control for StopFlag {
    fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn ignore(&self, _: ConnId) {}
}
