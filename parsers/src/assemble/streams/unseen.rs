//! A stream of HTTP/2 whose beginning was not seen, or not whole, and that may be a
//! WebSocket (RFC 8441).
//!
//! Its CONNECT is past, so only its bytes can tell. A body hardly ever begins as
//! a frame does; where one does, its bytes are held back until a frame says JSON
//! or enough of them follow one another. Any other is shown as a body, and looked
//! at for a while: it may be the rest of a message.

use super::{Stream, Streams, Told};
use crate::assemble::Ledger;
use crate::assemble::socket::Tunnelled;
use crate::websocket::WebSocket;
use crate::{Direction, Limits, Role, Timestamp};

/// Bytes of a stream that are held back.
const PATIENCE: usize = 64 << 10;
/// Pieces of a stream that are.
const MOST: usize = 1024;
/// Bodies that are doubted at once.
const DOUBTED: usize = 64;

/// Why a body ends that was none.
const NO_BODY: &str = "the stream is a WebSocket, whose beginning was not seen";

/// Such a stream.
#[derive(Debug)]
pub(super) struct Unseen {
    frames: WebSocket,
    /// It began as a frame does.
    likely: bool,
    held: Vec<Held>,
    size: usize,
}

/// What moved at once, or was lost.
#[derive(Debug)]
pub(super) struct Held {
    time: Timestamp,
    from: Role,
    moved: Moved,
}

#[derive(Debug)]
enum Moved {
    Bytes(Vec<u8>),
    /// So many bytes of the stream, where that is known.
    Lost(Option<u64>),
}

/// What the bytes of a stream are.
#[derive(Debug, PartialEq, Eq)]
enum Judged {
    /// Nobody knows yet.
    Open,
    WebSocket,
    Body,
}

impl Held {
    /// Says it on the WebSocket that it was said on.
    pub(super) fn play(&self, socket: &mut Tunnelled, ledger: &mut Ledger<'_>) {
        let Held { time, from, ref moved } = *self;
        match moved {
            Moved::Bytes(bytes) => socket.receive(time, from, bytes, ledger),
            Moved::Lost(bytes) => socket.gap(time, from, bytes.unwrap_or(0), ledger),
        }
    }

    fn size(&self) -> usize {
        match &self.moved {
            Moved::Bytes(bytes) => bytes.len(),
            Moved::Lost(_) => 0,
        }
    }
}

impl Unseen {
    /// Of a stream whose first bytes these are.
    fn begin(limits: Limits, from: Role, bytes: &[u8]) -> Self {
        let likely = WebSocket::begins(bytes, from);
        let frames = WebSocket::joined_as(limits, Direction::of_client(Role::Client));
        Unseen { frames, likely, held: Vec::new(), size: 0 }
    }

    /// Whether its bytes are held back, until they are judged.
    fn is_likely(&self) -> bool {
        self.likely
    }

    /// The next bytes, and what is known of the stream then.
    fn receive(&mut self, time: Timestamp, from: Role, bytes: &[u8]) -> Judged {
        self.size += bytes.len();
        self.held.push(Held { time, from, moved: Moved::Bytes(bytes.to_vec()) });
        self.frames.receive(Direction::of_client(from), time, bytes, |_| {});
        if self.frames.is_certain() || (self.likely && self.frames.is_likely()) {
            Judged::WebSocket
        } else if self.size > PATIENCE || self.held.len() > MOST {
            Judged::Body
        } else {
            Judged::Open
        }
    }

    /// The same as a WebSocket.
    fn tunnelled(
        self,
        limits: Limits,
        role: Role,
        stream: u32,
        ledger: &mut Ledger<'_>,
    ) -> Tunnelled {
        let mut socket = Tunnelled::joined(limits, role, stream);
        self.held.iter().for_each(|held| held.play(&mut socket, ledger));
        socket
    }
}

impl Streams {
    /// Whether a client speaks where it has asked for a tunnel and was not seen
    /// to get one, yet: the answer may be among bytes whose framing is looked
    /// for, or the client does not wait for it.
    pub(super) fn is_early(
        &mut self,
        time: Timestamp,
        stream: u32,
        from: Role,
        bytes: &[u8],
    ) -> bool {
        from == Role::Client
            && self.hold(stream, || {
                let moved = Moved::Bytes(bytes.to_vec());
                Held { time, from, moved }
            })
    }

    /// The same of what it said and nobody saw.
    pub(super) fn is_early_loss(
        &mut self,
        time: Timestamp,
        stream: u32,
        from: Role,
        bytes: Option<u64>,
    ) -> bool {
        let held = || Held { time, from, moved: Moved::Lost(bytes) };
        from == Role::Client && self.hold(stream, held)
    }

    /// Holds what a client says where it has asked for a tunnel. `false`: it has not,
    /// or there is no room.
    fn hold(&mut self, stream: u32, held: impl FnOnce() -> Held) -> bool {
        let Some(Stream::Exchange(open)) = self.open.get(&stream) else { return false };
        let asked = open.exchange.request.method.as_deref() == Some("CONNECT");
        if open.response_begun || !asked {
            return false;
        }
        let held = held();
        let early = self.early.entry(stream).or_default();
        let size: usize = early.iter().map(Held::size).sum();
        if size + held.size() > PATIENCE || early.len() == MOST {
            self.refuse_early(stream);
            return false;
        }
        early.push(held);
        true
    }

    /// A stream does not become a tunnel: what came early is a request's body.
    pub(super) fn refuse_early(&mut self, stream: u32) {
        let Some(early) = self.early.remove(&stream) else { return };
        if let Some(Stream::Exchange(open)) = self.open.get_mut(&stream) {
            for held in early {
                match held.moved {
                    Moved::Bytes(bytes) => open.request_data(&bytes),
                    Moved::Lost(bytes) => open.request_hole(bytes),
                }
            }
        }
    }

    /// Bytes of a stream of which nothing else was seen: whether they are a
    /// WebSocket's, or may be.
    pub(super) fn may_be_socket(
        &mut self,
        time: Timestamp,
        stream: u32,
        from: Role,
        bytes: &[u8],
    ) -> bool {
        if !self.open.contains_key(&stream) && !self.doubted.contains_key(&stream) {
            let unseen = Unseen::begin(self.limits, from, bytes);
            if unseen.is_likely() {
                self.open.insert(stream, Stream::Unseen(Box::new(unseen)));
            } else if self.doubted.len() < DOUBTED {
                self.doubted.insert(stream, unseen);
            }
        }
        let unseen = match self.open.get_mut(&stream) {
            Some(Stream::Unseen(unseen)) => unseen,
            _ => match self.doubted.get_mut(&stream) {
                Some(unseen) => unseen,
                None => return false,
            },
        };
        let held = unseen.is_likely();
        match unseen.receive(time, from, bytes) {
            Judged::Open => return held,
            Judged::Body => {
                self.settle(stream);
                return held;
            }
            Judged::WebSocket => {}
        }
        let unseen = match self.doubted.remove(&stream) {
            Some(unseen) => {
                self.abort(time, stream, NO_BODY);
                unseen
            }
            None => match self.open.remove(&stream) {
                Some(Stream::Unseen(unseen)) => *unseen,
                _ => return false,
            },
        };
        let (limits, role) = (self.limits, self.role);
        let socket = unseen.tunnelled(limits, role, stream, &mut self.carried.ledger());
        self.open.insert(stream, Stream::Socket(Box::new(socket)));
        true
    }

    /// A stream that might have been a WebSocket is none.
    pub(super) fn settle(&mut self, stream: u32) {
        self.doubted.remove(&stream);
        if !matches!(self.open.get(&stream), Some(Stream::Unseen(_))) {
            return;
        }
        let Some(Stream::Unseen(unseen)) = self.open.remove(&stream) else { return };
        for Held { time, from, moved } in unseen.held {
            // What a client sends belongs to a question that was not seen.
            if let (Role::Server, Moved::Bytes(bytes)) = (from, moved) {
                self.joined_inside(time, stream);
                self.data(time, stream, from, &bytes);
            }
        }
    }
}

/// The stream of an event that says that there is HTTP on it, or that nothing
/// follows.
pub(super) fn settles(event: &Told<'_>) -> Option<u32> {
    match event {
        Told::Response { stream, .. }
        | Told::Lost { stream, .. }
        | Told::Trailers { stream, .. }
        | Told::End { stream, .. }
        | Told::Reset { stream, .. }
        | Told::Forgotten { stream } => Some(*stream),
        Told::Role(_) | Told::Request { .. } | Told::Data { .. } | Told::GoAway { .. } => None,
    }
}
