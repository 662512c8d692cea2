//! A connection's streams, and the exchanges on them.

use super::Http2;
use crate::assemble::Streams;
use crate::{Direction, Event, Limits, Role, Timestamp};

/// An HTTP/2 connection as [`Connection`](crate::Connection) drives it.
#[derive(Debug)]
pub(crate) struct Session {
    frames: Http2,
    exchanges: Streams,
}

impl Session {
    pub(crate) fn new(limits: Limits, joined_midway: bool) -> Self {
        Session { frames: Http2::new(limits, joined_midway), exchanges: Streams::new(limits) }
    }

    /// A connection that HTTP/1.1 upgraded: `exchanges` has its stream 1.
    pub(crate) fn upgraded(limits: Limits, client: Direction, exchanges: Streams) -> Self {
        Session { frames: Http2::upgraded(limits, client), exchanges }
    }

    pub(crate) fn receive(&mut self, direction: Direction, time: Timestamp, bytes: &[u8]) {
        self.frames.receive(direction, time, bytes, |time, event| self.exchanges.tell(time, event));
    }

    pub(crate) fn gap(&mut self, direction: Direction, time: Timestamp, lost: u64) {
        self.frames.gap(direction, time, lost, |time, event| self.exchanges.tell(time, event));
    }

    pub(crate) fn close(&mut self, time: Timestamp) {
        self.frames.close(|time, event| self.exchanges.tell(time, event));
        self.exchanges.close(time);
    }

    pub(crate) fn poll(&mut self) -> Option<Event> {
        self.exchanges.poll()
    }

    pub(crate) fn role(&self) -> Option<Role> {
        self.frames.role()
    }

    /// Whether frames were found for sure, in one direction at least.
    pub(crate) fn is_framed(&self) -> bool {
        self.frames.is_framed()
    }

    /// Says that this is HTTP/2 for sure.
    pub(crate) fn settle(&mut self, time: Timestamp) {
        self.frames.settle(time, |time, event| self.exchanges.tell(time, event));
    }
}
