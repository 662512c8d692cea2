//! Before it is known what a connection speaks.

use crate::detect::{self, First, Kind};
use crate::http2::Session;
use crate::stream::Carry;
use crate::{Direction, Limits, Timestamp, websocket};

/// Before it is known what is spoken.
#[derive(Debug, Default)]
pub(super) struct Detecting {
    sent: Side,
    received: Side,
    /// Bytes passed that nothing could be told from.
    passed: u64,
    /// So many may.
    patience: u64,
    /// Where frames of HTTP/2 may pass whose beginning was not seen: they are
    /// looked for all along.
    pub(super) frames: Option<Box<Session>>,
    /// The same for a WebSocket.
    socket: Option<Box<websocket::Session>>,
}

/// What one direction leaves to the protocol that is told.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// What may be a beginning.
    pub(super) carry: Carry,
    /// Bytes lost before it; 0: nobody knows how many.
    pub(super) lost: Option<u64>,
}

/// Bytes of a new connection that may pass before it is given up.
const PATIENCE: u64 = 4 << 10;
/// Bytes of a connection joined midway that may: a whole answer may be on its
/// way before the next message begins.
const PATIENCE_MIDWAY: u64 = 64 << 20;
/// Carried over while it cannot be told how a direction begins.
const BEGINNING: usize = 1 << 10;

/// What bytes told of a connection.
pub(super) enum Detected {
    Nothing,
    /// Nothing that is understood here.
    Foreign,
    Http1(Kind),
    Http2,
    WebSocket(Box<websocket::Session>),
}

impl Detecting {
    pub(super) fn new(limits: Limits, joined_midway: bool) -> Self {
        let mut detecting = Detecting { patience: PATIENCE, ..Detecting::default() };
        if joined_midway {
            detecting.expect_anything(limits);
        }
        detecting
    }

    /// What comes next may be the middle of anything.
    fn expect_anything(&mut self, limits: Limits) {
        self.patience = PATIENCE_MIDWAY;
        self.frames.get_or_insert_with(|| Box::new(Session::new(limits, true)));
        self.socket.get_or_insert_with(|| Box::new(websocket::Session::joined(limits)));
    }

    pub(super) fn side(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::Sent => &mut self.sent,
            Direction::Received => &mut self.received,
        }
    }

    /// Looks at a chunk, behind what was carried of the chunks before it. Of
    /// these bytes none is kept when it tells [`Detected::Http1`].
    pub(super) fn receive(
        &mut self,
        direction: Direction,
        time: Timestamp,
        bytes: &[u8],
    ) -> Detected {
        let searches = self.frames.is_some();
        let carry = &mut self.side(direction).carry;
        let carried = carry.len();
        let look = &bytes[..bytes.len().min(BEGINNING)];
        let first = if carried == 0 {
            detect::first(look)
        } else {
            let mut joined = carry.bytes().to_vec();
            joined.extend_from_slice(look);
            match detect::first(&joined) {
                // What was carried was no beginning; this may be one.
                First::Other => {
                    carry.clear();
                    detect::first(look)
                }
                first => first,
            }
        };
        match first {
            First::Http1(kind) => return Detected::Http1(kind),
            // Where the beginning was not seen, frames tell.
            First::Http2 if !searches => return Detected::Http2,
            First::Http2 => carry.clear(),
            First::Partial if carried + bytes.len() <= BEGINNING => carry.extend(time, bytes),
            First::Partial | First::Other => {
                carry.clear();
                self.passed += (carried + bytes.len()) as u64;
            }
        }
        if let Some(frames) = &mut self.frames {
            frames.receive(direction, time, bytes);
            if frames.is_framed() {
                return Detected::Http2;
            }
        }
        if let Some(mut socket) = self.socket.take() {
            socket.receive(direction, time, bytes);
            if socket.is_certain() {
                return Detected::WebSocket(socket);
            }
            self.socket = Some(socket);
        }
        if self.passed > self.patience { Detected::Foreign } else { Detected::Nothing }
    }

    pub(super) fn gap(&mut self, direction: Direction, time: Timestamp, lost: u64, limits: Limits) {
        let side = self.side(direction);
        side.carry.clear();
        side.lost = Some(side.lost.unwrap_or(0).saturating_add(lost));
        self.expect_anything(limits);
        if let Some(frames) = &mut self.frames {
            frames.gap(direction, time, lost);
        }
        if let Some(socket) = &mut self.socket {
            socket.gap(direction, time, lost);
        }
    }
}
