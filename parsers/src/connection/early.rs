//! Responses that are seen before what they answer.
//!
//! HTTP/1 answers in order, and nothing that was not asked. Where a program writes
//! and reads in threads of its own, an observer may be told of the response first.
//! Paired at once, it and every one after it would stand with a wrong request.

use std::time::Duration;

use crate::Timestamp;

/// How long a response waits.
const LONGEST: Duration = Duration::from_secs(1);
/// Bytes that wait.
const MOST: usize = 1 << 20;

/// Bytes, and when they moved.
pub(super) type Pieces = Vec<(Timestamp, Vec<u8>)>;

/// What waits, in order.
#[derive(Debug, Default)]
pub(super) struct Early {
    pieces: Pieces,
    bytes: usize,
}

impl Early {
    pub(super) fn push(&mut self, time: Timestamp, bytes: &[u8]) {
        self.bytes += bytes.len();
        self.pieces.push((time, bytes.to_vec()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether it has waited for too long at `time`, or is too much.
    pub(super) fn is_overdue(&self, time: Timestamp) -> bool {
        let since = self.pieces.first().map_or(time, |&(since, _)| since);
        let waited = Duration::from_nanos(time.0.saturating_sub(since.0));
        self.bytes > MOST || waited > LONGEST
    }

    pub(super) fn take(&mut self) -> Pieces {
        self.bytes = 0;
        std::mem::take(&mut self.pieces)
    }
}
