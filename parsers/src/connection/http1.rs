//! HTTP/1, both directions.

use super::early::{Early, Piece};
use crate::assemble::Assembler;
use crate::detect::Kind;
use crate::http1::Half;
use crate::{Direction, Limits, Role, Timestamp, Verdict};

/// Both directions of an HTTP/1 connection.
#[derive(Debug)]
pub(super) struct Http1 {
    pub(super) role: Role,
    requests: Half,
    responses: Half,
    /// Responses that wait for their requests.
    early: Early,
    pub(super) exchanges: Assembler,
}

impl Http1 {
    pub(super) fn new(role: Role, limits: Limits, joined_midway: bool) -> Self {
        Http1 {
            role,
            requests: Half::new(Kind::Request, limits.head),
            responses: Half::new(Kind::Response, limits.head),
            early: Early::default(),
            exchanges: Assembler::new(role, limits, joined_midway),
        }
    }

    /// The next bytes. Answers how many at their end were not taken: they belong to
    /// another protocol, or come after what is to be [replayed](Self::replay).
    pub(super) fn receive(&mut self, direction: Direction, time: Timestamp, bytes: &[u8]) -> usize {
        if self.is_request(direction) {
            self.responses.turn();
            return self.requests.receive(time, bytes, &mut self.exchanges.requests());
        }
        if !self.early.is_empty() {
            self.early.push(time, bytes);
            return 0;
        }
        let rest = self.answer(time, bytes);
        if rest > 0 && !self.responses.is_opaque() {
            self.early.push(time, &bytes[bytes.len() - rest..]);
            self.exchanges.set_early(true);
            return 0;
        }
        rest
    }

    /// The next bytes of responses. Answers as [`receive`](Self::receive).
    fn answer(&mut self, time: Timestamp, bytes: &[u8]) -> usize {
        self.requests.turn();
        let rest = self.responses.receive(time, bytes, &mut self.exchanges.responses());
        if self.responses.is_opaque() && !self.requests.is_opaque() {
            self.requests.make_opaque();
            if !self.exchanges.is_left() {
                // No parser for what follows another upgrade.
                self.exchanges.judge(Verdict::Unknown);
            }
        }
        rest
    }

    /// Whether responses have waited for too long at `time`.
    pub(super) fn is_overdue(&self, time: Timestamp) -> bool {
        self.early.is_overdue(time)
    }

    /// Takes the first of what waited, if it need not wait any more, and answers with
    /// its time: `since` at the earliest, when what it answers was seen. What it holds
    /// beyond one response waits on.
    pub(super) fn replay(&mut self, since: Timestamp) -> Option<Timestamp> {
        if !self.exchanges.expects_answer() && self.exchanges.is_patient() {
            return None;
        }
        let piece = self.early.pop()?;
        let time = piece.time.max(since);
        let rest = self.answer(time, piece.bytes());
        // Of another protocol, or of none that is known.
        if rest > 0 && (!self.responses.is_opaque() || self.exchanges.is_left()) {
            self.early.put_back(piece, rest);
        }
        self.exchanges.set_early(!self.early.is_empty());
        Some(time)
    }

    /// The next that waited, where another protocol is spoken by now.
    pub(super) fn left_over(&mut self) -> Option<Piece> {
        self.early.pop()
    }

    /// In which responses move.
    pub(super) fn answers(&self) -> Direction {
        if self.role == Role::Client { Direction::Received } else { Direction::Sent }
    }

    pub(super) fn gap(&mut self, direction: Direction, time: Timestamp, lost: u64) {
        if self.is_request(direction) {
            self.requests.gap(time, lost, &mut self.exchanges.requests());
        } else {
            self.responses.gap(time, lost, &mut self.exchanges.responses());
        }
    }

    pub(super) fn close(&mut self, time: Timestamp) {
        self.requests.close(time, &mut self.exchanges.requests());
        self.responses.close(time, &mut self.exchanges.responses());
        self.exchanges.close(time);
    }

    fn is_request(&self, direction: Direction) -> bool {
        direction != self.answers()
    }
}
