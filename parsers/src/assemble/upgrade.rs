//! What becomes of an HTTP/1.1 connection that goes on in another protocol
//! (RFC 9110 section 7.8).

use super::socket::Handshake;
use super::{Assembler, Carried, Socket, Streams};
use crate::http1::Head;
use crate::{Protocol, Timestamp};

/// What the peers agreed on.
#[derive(Debug)]
pub(super) enum LeftFor {
    Http2,
    WebSocket(Box<Handshake>),
}

/// The exchanges of the connection, as they go on.
#[derive(Debug)]
pub(crate) enum Left {
    Http2(Streams),
    WebSocket(Box<Socket>, Carried),
}

/// Whether a `101` response switches to this protocol.
pub(super) fn switches_to(head: &Head, protocol: &str) -> bool {
    head.values("upgrade")
        .flat_map(|value| value.split(','))
        .any(|to| to.trim().eq_ignore_ascii_case(protocol))
}

impl Assembler {
    /// Whether the peers have just agreed to go on in a protocol that is
    /// understood.
    pub(crate) fn is_left(&self) -> bool {
        self.left_for.is_some()
    }

    /// What goes on, if they have.
    pub(crate) fn leave(&mut self, time: Timestamp) -> Option<Left> {
        Some(match self.left_for.take()? {
            LeftFor::Http2 => Left::Http2(self.leave_for_http2(time)),
            LeftFor::WebSocket(handshake) => {
                self.abort_all(time, "the connection went on as a WebSocket");
                let socket = Socket::new(self.limits, self.role, None, *handshake);
                Left::WebSocket(Box::new(socket), self.carried())
            }
        })
    }

    /// The request of HTTP/1.1 is stream 1 there (RFC 7540, section 3.2).
    fn leave_for_http2(&mut self, time: Timestamp) -> Streams {
        let first = self.open.pop_front();
        self.abort_all(time, "the connection went on in HTTP/2");
        let first = first.map(|mut open| {
            if !open.request_done {
                open.request_end(time, true);
            }
            open.exchange.protocol = Protocol::Http2;
            open.exchange.stream_id = Some(1);
            open
        });
        Streams::upgraded(self.limits, self.role, self.carried(), first)
    }

    fn carried(&mut self) -> Carried {
        Carried {
            next: self.next,
            queue: std::mem::take(&mut self.queue),
            worth: std::mem::take(&mut self.worth),
        }
    }
}
