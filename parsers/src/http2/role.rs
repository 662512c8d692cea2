//! Which direction the client writes.

use super::half::Piece;
use crate::{Direction, Role};

/// Bytes of bodies and trailers that wait until it is known who writes them.
const HELD: usize = 16 << 10;
/// Pieces that do.
const PIECES: usize = 256;

/// What is known of the direction that the client writes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Client {
    Unknown,
    /// By what is usual.
    Likely(Direction),
    Certain(Direction),
}

impl Client {
    pub(super) fn direction(self) -> Option<Direction> {
        match self {
            Client::Unknown => None,
            Client::Likely(direction) | Client::Certain(direction) => Some(direction),
        }
    }

    /// Who writes `direction`.
    pub(super) fn writer(self, direction: Direction) -> Option<Role> {
        let client = self.direction()?;
        Some(if client == direction { Role::Client } else { Role::Server })
    }

    /// Learns that `role` writes `direction`.
    pub(super) fn learn(&mut self, direction: Direction, role: Role) {
        if !matches!(self, Client::Certain(_)) {
            *self = Client::Certain(client_if(direction, role));
        }
    }

    /// Takes it that `role` writes `direction`, unless more is known.
    pub(super) fn suppose(&mut self, direction: Direction, role: Role) {
        if matches!(self, Client::Unknown) {
            *self = Client::Likely(client_if(direction, role));
        }
    }
}

fn client_if(direction: Direction, role: Role) -> Direction {
    match role {
        Role::Client => direction,
        Role::Server => direction.opposite(),
    }
}

/// What passes on a connection that was joined inside messages, until it is known
/// whether these are requests or responses; in order, as what ends a stream or leaves
/// a hole in it means what came before. Bounded.
#[derive(Debug, Default)]
pub(super) struct Held {
    pieces: Vec<(Direction, Waiting)>,
    bytes: usize,
}

#[derive(Debug)]
pub(super) enum Waiting {
    Data { stream: u32, bytes: Vec<u8> },
    Other(Piece<'static>),
}

impl From<Piece<'_>> for Waiting {
    fn from(piece: Piece<'_>) -> Self {
        Waiting::Other(match piece {
            Piece::Data { stream, bytes } => {
                return Waiting::Data { stream, bytes: bytes.to_vec() };
            }
            Piece::Preface => Piece::Preface,
            Piece::Head { stream, promised, head, ends_stream } => {
                Piece::Head { stream, promised, head, ends_stream }
            }
            Piece::End { stream } => Piece::End { stream },
            Piece::Hole { stream, lost } => Piece::Hole { stream, lost },
            Piece::Reset { stream, code } => Piece::Reset { stream, code },
            Piece::MaxFrameSize(size) => Piece::MaxFrameSize(size),
            Piece::GoAway(go_away) => Piece::GoAway(go_away),
            Piece::Unframed => Piece::Unframed,
        })
    }
}

impl Held {
    pub(super) fn push(&mut self, direction: Direction, waiting: Waiting) {
        self.bytes += match &waiting {
            Waiting::Data { bytes, .. } => bytes.len(),
            Waiting::Other(Piece::Head { head, .. }) => head.size(),
            Waiting::Other(Piece::GoAway(go_away)) => go_away.debug.len(),
            Waiting::Other(_) => 0,
        };
        self.pieces.push((direction, waiting));
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes > HELD || self.pieces.len() > PIECES
    }

    pub(super) fn take(&mut self) -> Vec<(Direction, Waiting)> {
        std::mem::take(self).pieces
    }

    /// The likeliest writer of what is held. What is joined midway is nearly
    /// always a response, as requests are sent at once; unless it is the start
    /// of a document that the observed process, mostly a client, has written.
    pub(super) fn guess(&self) -> Option<(Direction, Role)> {
        self.pieces.iter().find_map(|(direction, waiting)| {
            let Waiting::Data { bytes, .. } = waiting else { return None };
            let document = matches!(bytes.first(), Some(b'{' | b'['));
            let client = document && *direction == Direction::Sent;
            Some((*direction, if client { Role::Client } else { Role::Server }))
        })
    }
}

/// Whether a body's bytes are server-sent events, which only servers send.
pub(super) fn are_events(bytes: &[u8]) -> bool {
    let begins = [&b"data:"[..], b"event:", b"id:", b": "];
    begins.iter().any(|field| bytes.starts_with(field))
        || memchr::memmem::find(bytes, b"\ndata: ").is_some()
}
