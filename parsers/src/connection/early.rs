//! Responses that are seen before what they answer.
//!
//! HTTP/1 answers in order, and nothing that was not asked. Where a program writes
//! and reads in threads of its own, an observer may be told of the response first.
//! Paired at once, it and every one after it would stand with a wrong request.

use std::collections::VecDeque;
use std::time::Duration;

use crate::Timestamp;

/// How long a response waits.
const LONGEST: Duration = Duration::from_secs(1);
/// Memory for what waits.
const MOST: usize = 1 << 20;

/// What waits, in order.
#[derive(Debug, Default)]
pub(super) struct Early {
    pieces: VecDeque<Piece>,
    memory: usize,
}

/// Bytes that moved at once.
#[derive(Debug)]
pub(super) struct Piece {
    /// When they did.
    pub(super) time: Timestamp,
    bytes: Vec<u8>,
    /// So many of them do not wait any more.
    done: usize,
}

impl Piece {
    /// Those that wait.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[self.done..]
    }

    fn memory(&self) -> usize {
        self.bytes.len() + size_of::<Self>()
    }
}

impl Early {
    pub(super) fn push(&mut self, time: Timestamp, bytes: &[u8]) {
        let piece = Piece { time, bytes: bytes.to_vec(), done: 0 };
        self.memory += piece.memory();
        self.pieces.push_back(piece);
    }

    /// The first.
    pub(super) fn pop(&mut self) -> Option<Piece> {
        let piece = self.pieces.pop_front()?;
        self.memory -= piece.memory();
        Some(piece)
    }

    /// Of the one that was taken last, `rest` bytes at the end wait again.
    pub(super) fn put_back(&mut self, mut piece: Piece, rest: usize) {
        piece.done = piece.bytes.len() - rest;
        self.memory += piece.memory();
        self.pieces.push_front(piece);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether it has waited for too long at `time`, or is too much.
    pub(super) fn is_overdue(&self, time: Timestamp) -> bool {
        let since = self.pieces.front().map_or(time, |piece| piece.time);
        let waited = Duration::from_nanos(time.0.saturating_sub(since.0));
        self.memory > MOST || waited > LONGEST
    }
}
