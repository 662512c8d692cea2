//! A process's standard input and output, and the exchanges there.

use super::lines::{Lines, Told};
use crate::assemble::{Calls, Carried};
use crate::{Direction, Event, Limits, Timestamp};

/// Standard input and output as [`Connection`](crate::Connection) drives them.
#[derive(Debug)]
pub(crate) struct Session {
    sent: Lines,
    received: Lines,
    exchanges: Calls,
    carried: Carried,
}

impl Session {
    pub(crate) fn new(limits: Limits, joined_midway: bool) -> Self {
        Session {
            sent: Lines::new(limits.event),
            received: Lines::new(limits.event),
            exchanges: Calls::new(limits, joined_midway),
            carried: Carried::default(),
        }
    }

    pub(crate) fn receive(&mut self, direction: Direction, time: Timestamp, bytes: &[u8]) {
        let Session { sent, received, exchanges, carried } = self;
        let lines = if direction == Direction::Sent { sent } else { received };
        let mut ledger = carried.ledger();
        exchanges.pass(time, &mut ledger);
        lines.push(time, bytes, &mut |told| match told {
            Told::Line(line) => exchanges.line(direction, line, &mut ledger),
            Told::TooLong => exchanges.too_long(direction, &mut ledger),
        });
    }

    pub(crate) fn gap(&mut self, direction: Direction, lost: u64) {
        let lines = if direction == Direction::Sent { &mut self.sent } else { &mut self.received };
        lines.hole();
        self.exchanges.missing(direction, lost);
    }

    pub(crate) fn close(&mut self, time: Timestamp) {
        self.exchanges.close(time, &mut self.carried.ledger());
    }

    pub(crate) fn poll(&mut self) -> Option<Event> {
        self.carried.poll()
    }
}
