//! A WebSocket on a stream of HTTP/2 (RFC 8441).

use super::super::Ledger;
use super::{Handshake, Socket};
use crate::websocket::WebSocket;
use crate::{Direction, Limits, Role, Timestamp};

/// The frames of the stream, and the exchanges they carry.
#[derive(Debug)]
pub(in crate::assemble) struct Tunnelled {
    frames: WebSocket,
    exchanges: Socket,
}

impl Tunnelled {
    pub(in crate::assemble) fn new(
        limits: Limits,
        role: Role,
        stream: u32,
        handshake: Handshake,
    ) -> Self {
        let frames =
            WebSocket::new(limits, Direction::of_client(Role::Client), handshake.extensions);
        Tunnelled { frames, exchanges: Socket::new(limits, role, Some(stream), handshake) }
    }

    /// One whose CONNECT was not seen.
    pub(in crate::assemble) fn joined(limits: Limits, role: Role, stream: u32) -> Self {
        let frames = WebSocket::joined_as(limits, Direction::of_client(Role::Client));
        let mut exchanges = Socket::joined(limits);
        exchanges.set_role(role);
        exchanges.stream = Some(stream);
        Tunnelled { frames, exchanges }
    }

    /// The next bytes that `from` wrote.
    pub(in crate::assemble) fn receive(
        &mut self,
        time: Timestamp,
        from: Role,
        bytes: &[u8],
        ledger: &mut Ledger<'_>,
    ) {
        let Tunnelled { frames, exchanges } = self;
        frames.receive(Direction::of_client(from), time, bytes, |event| {
            exchanges.tell(time, event, ledger)
        });
    }

    /// Bytes that `from` wrote were lost; 0: nobody knows how many.
    pub(in crate::assemble) fn gap(
        &mut self,
        time: Timestamp,
        from: Role,
        lost: u64,
        ledger: &mut Ledger<'_>,
    ) {
        let Tunnelled { frames, exchanges } = self;
        frames.gap(Direction::of_client(from), lost, |event| exchanges.tell(time, event, ledger));
    }

    /// The stream ended.
    pub(in crate::assemble) fn close(
        &mut self,
        time: Timestamp,
        why: &str,
        ledger: &mut Ledger<'_>,
    ) {
        self.exchanges.close(time, why, ledger);
    }
}
