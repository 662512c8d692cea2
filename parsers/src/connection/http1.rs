//! HTTP/1, both directions.

use super::early::{Early, Pieces};
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
    /// another protocol, or come after what is [`due`](Self::due).
    pub(super) fn receive(&mut self, direction: Direction, time: Timestamp, bytes: &[u8]) -> usize {
        if self.early.is_overdue(time) {
            self.exchanges.lose_patience();
        }
        if self.is_request(direction) {
            self.responses.turn();
            return self.requests.receive(time, bytes, &mut self.exchanges.requests());
        }
        if !self.early.is_empty() {
            self.early.push(time, bytes);
            return 0;
        }
        self.requests.turn();
        let foreign = self.responses.receive(time, bytes, &mut self.exchanges.responses());
        if foreign > 0 && !self.responses.is_opaque() {
            self.early.push(time, &bytes[bytes.len() - foreign..]);
            self.exchanges.set_early(true);
            return 0;
        }
        if self.responses.is_opaque() && !self.requests.is_opaque() {
            self.requests.make_opaque();
            if !self.exchanges.is_left() {
                // No parser for what follows another upgrade.
                self.exchanges.judge(Verdict::Unknown);
            }
        }
        foreign
    }

    /// Responses that need not wait any more, and their direction.
    pub(super) fn due(&mut self) -> Option<(Direction, Pieces)> {
        let due = self.exchanges.expects_answer() || !self.exchanges.is_patient();
        if self.early.is_empty() || !due {
            return None;
        }
        self.exchanges.set_early(false);
        let direction =
            if self.role == Role::Client { Direction::Received } else { Direction::Sent };
        Some((direction, self.early.take()))
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
        (self.role == Role::Client) == (direction == Direction::Sent)
    }
}
