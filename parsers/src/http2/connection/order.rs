//! When pieces are acted on: most at once, some wait for what the other direction tells.

use super::held::Waiting;
use super::{Event, Http2, Piece};
use crate::http2::role::are_events;
use crate::websocket::WebSocket;
use crate::{Direction, Role, Timestamp};

impl Http2 {
    /// The connection ended: what waits is told.
    pub fn close(&mut self, mut tell: impl FnMut(Timestamp, Event<'_>)) {
        self.guess();
        self.release(&mut tell);
        self.lose_patience(&mut tell);
    }

    /// The next piece.
    pub(super) fn apply(
        &mut self,
        direction: Direction,
        time: Timestamp,
        piece: Piece<'_>,
        tell: &mut impl FnMut(Timestamp, Event<'_>),
    ) {
        let known = self.client.direction().is_some() || self.tells_roles(direction, &piece);
        // What frames may look like has nothing to do with who writes them.
        if !known && !matches!(piece, Piece::MaxFrameSize(_)) {
            self.unknown.push(Waiting::new(direction, time, piece));
            if self.unknown.is_full() {
                self.guess();
                self.release(tell);
            }
            return;
        }
        if known {
            self.release(tell);
        }
        self.pair(direction, time, piece, tell);
    }

    /// Whether a piece says, or a guess from it, who writes which direction.
    fn tells_roles(&mut self, direction: Direction, piece: &Piece<'_>) -> bool {
        match piece {
            Piece::Preface => self.client.learn(direction, Role::Client),
            Piece::Head { promised: Some(_), .. } => self.client.learn(direction, Role::Server),
            Piece::Head { head, ends_stream, .. } => match head.writer() {
                Some(role) => self.client.learn(direction, role),
                // Every request has fields of the static table.
                None if head.unknown > 0 && !ends_stream => {
                    self.client.suppose(direction, Role::Server);
                }
                // Trailers, perhaps.
                None => return false,
            },
            Piece::Data { bytes, .. } if are_events(bytes) => {
                self.client.suppose(direction, Role::Server);
            }
            // On a stream of a WebSocket (RFC 8441), masks tell.
            Piece::Data { bytes, .. } => match WebSocket::writer_of(bytes) {
                Some(role) => self.client.suppose(direction, role),
                None => return false,
            },
            _ => return false,
        }
        true
    }

    /// Takes who writes what waits for what is likely.
    fn guess(&mut self) {
        if let Some((direction, role)) = self.unknown.guess() {
            self.client.suppose(direction, role);
        }
    }

    /// What waited until it was known who wrote it goes on.
    fn release(&mut self, tell: &mut impl FnMut(Timestamp, Event<'_>)) {
        for waiting in self.unknown.take() {
            waiting.go_on(|direction, time, piece| self.pair(direction, time, piece, tell));
        }
    }

    /// Acts on a piece, unless it is of a response whose request was not seen yet: the
    /// two directions are captured at places of their own, and an observer may be told
    /// of an answer first.
    fn pair(
        &mut self,
        direction: Direction,
        time: Timestamp,
        piece: Piece<'_>,
        tell: &mut impl FnMut(Timestamp, Event<'_>),
    ) {
        if let Piece::Head { head, promised: None, .. } = &piece
            && let Some(role) = head.writer()
        {
            self.client.learn(direction, role);
        }
        let of_server = self.client.writer(direction) == Some(Role::Server);
        if of_server && piece.stream().is_some_and(|stream| self.is_early(stream)) {
            self.early.push(Waiting::new(direction, time, piece));
        } else {
            if of_server && matches!(piece, Piece::Unframed) {
                // Anything may be missing of what waits, too.
                for stream in self.early.streams() {
                    let hole = Piece::Hole { stream, lost: None };
                    self.early.push(Waiting::new(direction, time, hole));
                }
            }
            if let Piece::Reset { stream, .. } = piece {
                // Its request would have come before.
                self.answer(stream, time, tell);
            }
            let before = self.youngest;
            self.act(direction, piece, &mut |event| tell(time, event));
            if let Some(youngest) = self.youngest.filter(|_| self.youngest != before) {
                self.answer(youngest, time, tell);
            }
        }
        if self.early.is_full() {
            self.lose_patience(tell);
        }
    }

    /// Whether a server that writes on `stream` answers what was not seen yet, as far as
    /// clients begin one stream after another.
    fn is_early(&mut self, stream: u32) -> bool {
        stream % 2 == 1
            && self.youngest.is_some_and(|youngest| stream > youngest)
            && self.is_new(stream)
    }

    fn is_new(&mut self, stream: u32) -> bool {
        self.streams.get(stream).is_none() && !self.streams.is_over(stream)
    }

    /// Responses up to that on stream `last` do not wait any more: what they answer was
    /// seen at `since`, or will not be.
    fn answer(&mut self, last: u32, since: Timestamp, tell: &mut impl FnMut(Timestamp, Event<'_>)) {
        for waiting in self.early.take_to(last) {
            // Then there are requests that are not seen.
            self.partial |= waiting.stream().is_some_and(|stream| self.is_new(stream));
            waiting.go_on(|direction, time, piece| {
                let time = time.max(since);
                self.act(direction, piece, &mut |event| tell(time, event));
            });
        }
    }

    /// No response waits any more.
    fn lose_patience(&mut self, tell: &mut impl FnMut(Timestamp, Event<'_>)) {
        self.answer(u32::MAX, Timestamp(0), tell);
    }

    /// What waits at `time` has not waited for too long.
    pub(super) fn look_at_clock(
        &mut self,
        time: Timestamp,
        tell: &mut impl FnMut(Timestamp, Event<'_>),
    ) {
        if self.early.is_overdue(time) {
            self.lose_patience(tell);
        }
    }
}
