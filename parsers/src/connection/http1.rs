//! HTTP/1, both directions.

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
    pub(super) exchanges: Assembler,
}

impl Http1 {
    pub(super) fn new(role: Role, limits: Limits, joined_midway: bool) -> Self {
        Http1 {
            role,
            requests: Half::new(Kind::Request, limits.head),
            responses: Half::new(Kind::Response, limits.head),
            exchanges: Assembler::new(role, limits, joined_midway),
        }
    }

    /// The next bytes. Answers how many at their end belong to another protocol.
    pub(super) fn receive(&mut self, direction: Direction, time: Timestamp, bytes: &[u8]) -> usize {
        if self.is_request(direction) {
            self.responses.turn();
            return self.requests.receive(time, bytes, &mut self.exchanges.requests());
        }
        self.requests.turn();
        let foreign = self.responses.receive(time, bytes, &mut self.exchanges.responses());
        if self.responses.is_opaque() && !self.requests.is_opaque() {
            self.requests.make_opaque();
            if !self.exchanges.is_left() {
                // No parser for what follows another upgrade.
                self.exchanges.judge(Verdict::Unknown);
            }
        }
        foreign
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
