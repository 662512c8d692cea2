//! A connection that became a WebSocket, and the exchanges on it.

use std::collections::VecDeque;

use super::WebSocket;
use crate::assemble::{Carried, Socket};
use crate::{Direction, Event, Limits, Role, Timestamp};

/// A WebSocket connection as [`Connection`](crate::Connection) drives it.
#[derive(Debug)]
pub(crate) struct Session {
    frames: WebSocket,
    exchanges: Socket,
    carried: Carried,
}

impl Session {
    /// A connection whose handshake HTTP/1.1 has just seen. `client`: the
    /// direction that the client writes.
    pub(crate) fn upgraded(
        limits: Limits,
        client: Direction,
        exchanges: Socket,
        carried: Carried,
    ) -> Self {
        let frames = WebSocket::new(limits, client, exchanges.extensions());
        Session { frames, exchanges, carried }
    }

    /// A connection that may be one, and was joined midway.
    pub(crate) fn joined(limits: Limits) -> Self {
        Session {
            frames: WebSocket::joined(limits),
            exchanges: Socket::joined(limits),
            carried: Carried::default(),
        }
    }

    pub(crate) fn receive(&mut self, direction: Direction, time: Timestamp, bytes: &[u8]) {
        let mut told = VecDeque::new();
        self.frames.receive(direction, time, bytes, |event| told.push_back(event));
        self.tell(time, told);
    }

    pub(crate) fn gap(&mut self, direction: Direction, time: Timestamp, lost: u64) {
        let mut told = VecDeque::new();
        self.frames.gap(direction, lost, |event| told.push_back(event));
        self.tell(time, told);
    }

    fn tell(&mut self, time: Timestamp, events: VecDeque<super::Event>) {
        if let Some(role) = self.frames.role() {
            self.exchanges.set_role(role);
        }
        for event in events {
            self.exchanges.tell(time, event, &mut self.carried.ledger());
        }
    }

    pub(crate) fn close(&mut self, time: Timestamp) {
        let why = "the connection ended first";
        self.exchanges.close(time, why, &mut self.carried.ledger());
    }

    pub(crate) fn poll(&mut self) -> Option<Event> {
        self.carried.poll()
    }

    pub(crate) fn role(&self) -> Option<Role> {
        self.frames.role()
    }

    /// Whether this is a WebSocket for sure.
    pub(crate) fn is_certain(&self) -> bool {
        self.frames.is_certain()
    }
}
