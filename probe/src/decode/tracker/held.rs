//! Bytes that were read while another thread was inside a call that writes.
//!
//! A call's bytes are told when it returns. What answers them may have been read
//! by then, and told: the answer would stand before its question. So what is read
//! meanwhile waits for the write's record, for a while.

use crate::decode::direction::Piece;

/// How long bytes wait, nanoseconds. A thread that wrote is seldom off the
/// processor for longer; one whose write takes longer is sending much.
const LONGEST: u64 = 500_000_000;
/// Bytes that wait on one connection.
const MOST_BYTES: usize = 1 << 20;
/// Pieces that wait on one connection.
const MOST_PIECES: usize = 1024;

/// What was received and waits, in order.
///
/// Driving contract: [`received`](Self::received) with each piece received,
/// [`wrote`](Self::wrote) after the last of a write, [`late`](Self::late) now and
/// then. What they answer with is to be told, in that order.
#[derive(Debug, Default)]
pub(super) struct Held {
    pieces: Vec<Piece>,
    bytes: usize,
    /// When the first was received.
    since: u64,
    /// The write did not end in time: until one does, nothing waits.
    gave_up: bool,
}

impl Held {
    /// Something was received at `time`, `while_writing` or not. `None`: it waits.
    pub(super) fn received(
        &mut self,
        piece: Piece,
        time: u64,
        while_writing: bool,
    ) -> Option<Piece> {
        if self.pieces.is_empty() {
            if !while_writing || self.gave_up {
                return Some(piece);
            }
            self.since = time;
        }
        if let Piece::Bytes { bytes, .. } = &piece {
            self.bytes += bytes.len();
        }
        self.pieces.push(piece);
        None
    }

    /// A write came to its end: what waited for it.
    pub(super) fn wrote(&mut self) -> Vec<Piece> {
        self.gave_up = false;
        self.take()
    }

    /// What has waited for too long at `now`, or is too much.
    pub(super) fn late(&mut self, now: u64) -> Vec<Piece> {
        let full = self.bytes > MOST_BYTES || self.pieces.len() > MOST_PIECES;
        if self.pieces.is_empty() || !full && now.saturating_sub(self.since) < LONGEST {
            return Vec::new();
        }
        self.gave_up = true;
        self.take()
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    fn take(&mut self) -> Vec<Piece> {
        self.bytes = 0;
        std::mem::take(&mut self.pieces)
    }
}
