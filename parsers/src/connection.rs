//! The driver: bytes of one connection in, events of its exchanges out.

use crate::{Delta, Direction, Exchange, ExchangeSeq, Timestamp};

/// Memory and size bounds. Nothing in this crate grows past them, whatever
/// the bytes say.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one decoded body that are kept (head and tail beyond that).
    pub body: usize,
    /// Bytes of a message's head (start line and headers).
    pub head: usize,
    /// Bytes of one stream event.
    pub event: usize,
    /// Exchanges of one connection that may be open at once.
    pub open_exchanges: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { body: 64 << 20, head: 256 << 10, event: 16 << 20, open_exchanges: 1024 }
    }
}

/// What a connection tells of its exchanges.
#[derive(Clone, Debug)]
pub enum Event {
    /// A request's head was read, or a response whose request was not seen.
    /// Sent once for each exchange, first.
    Started(Box<Exchange>),
    /// More is known (the request is complete, the response's head is there):
    /// replaces what was known. Its response holds the deltas sent so far.
    Updated(Box<Exchange>),
    /// The answer grew.
    Delta(ExchangeSeq, Delta),
    /// The exchange is over, for better or worse. Sent once, last.
    Finished(Box<Exchange>),
    /// What is now known of the connection's worth; see [`Verdict`].
    Verdict(Verdict),
}

/// Whether a connection is worth copying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It carries exchanges with an LLM or other JSON over HTTP.
    Interesting,
    /// It is HTTP, but so far without JSON.
    Unremarkable,
    /// It is no protocol that is understood here.
    Unknown,
}

/// Parses one connection, passively, both directions.
///
/// Drive it with [`receive`](Self::receive), [`gap`](Self::gap) and
/// [`close`](Self::close), and after each call [`poll`](Self::poll) until it
/// is empty. It never calls out, never reads a clock, and holds bounded memory.
#[derive(Debug)]
pub struct Connection {
    limits: Limits,
}

impl Connection {
    /// A connection of which nothing is known. `joined_midway`: bytes had
    /// moved before the first that will be received.
    pub fn new(limits: Limits, joined_midway: bool) -> Self {
        let _ = joined_midway;
        Connection { limits }
    }

    /// The next bytes of one direction.
    pub fn receive(&mut self, direction: Direction, time: Timestamp, bytes: &[u8]) {
        let _ = (direction, time, bytes, self.limits);
    }

    /// Bytes of one direction were lost here.
    pub fn gap(&mut self, direction: Direction, time: Timestamp, lost: u64) {
        let _ = (direction, time, lost);
    }

    /// The connection ended; open exchanges end with it.
    pub fn close(&mut self, time: Timestamp) {
        let _ = time;
    }

    /// The next event, in order.
    pub fn poll(&mut self) -> Option<Event> {
        None
    }
}
