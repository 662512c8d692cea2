//! The messages of a connection, from its two directions.

use super::frame::{Frame, Opcode, Parsed};
use super::half::{Half, LENGTHS, Told};
use super::{Extensions, Message};
use crate::{Direction, Limits, Role, Timestamp};

/// What happens on a WebSocket, in order of each direction.
#[derive(Clone, Debug)]
pub enum Event {
    /// A message, whole or as far as it can be read.
    Message {
        /// Who wrote it.
        from: Role,
        /// It.
        message: Message,
    },
    /// One end closes it (RFC 6455 section 7); the other answers.
    Close {
        /// Who says so.
        from: Role,
        /// Why; `None`: it does not say.
        code: Option<u16>,
        /// What it adds.
        reason: String,
    },
    /// Messages may be missing here.
    Lost {
        /// Who wrote them.
        from: Role,
        /// Octets that passed and belong to no frame that could be told.
        captured: u64,
        /// Octets that were lost in capture.
        missing: u64,
    },
}

/// Follows a WebSocket, both directions.
///
/// Drive it with [`receive`](Self::receive) and [`gap`](Self::gap) in the order
/// things happened; the events of a call come before it returns. It holds one
/// message a direction, up to [`Limits::body`] octets of a client's and
/// [`Limits::event`] of a server's; where the framing is not known, 256 KiB in
/// which it is looked for.
#[derive(Debug)]
pub struct WebSocket {
    sent: Half,
    received: Half,
    client: Option<Direction>,
    /// What the directions told before it was known which one is the client's.
    limits: Limits,
}

/// Frames in a row, of several lengths, that make a WebSocket without a word that can
/// be read.
const FRAMES: u64 = 16;
/// The same, where one of them says JSON.
const FRAMES_PROVEN: u64 = 2;
/// The same, where both directions have them.
const FRAMES_EACH: u64 = 4;

impl WebSocket {
    /// From the first octets behind the handshake on. `client`: the direction
    /// that the client writes.
    pub fn new(limits: Limits, client: Direction, extensions: Extensions) -> Self {
        let half = |is_client| {
            let (limit, forgets) = match is_client {
                true => (limits.body, extensions.client_forgets),
                false => (limits.event, extensions.server_forgets),
            };
            Half::new(true, Some(is_client), limit, forgets)
        };
        WebSocket {
            sent: half(client == Direction::Sent),
            received: half(client == Direction::Received),
            client: Some(client),
            limits,
        }
    }

    /// A connection that may be a WebSocket, and was joined midway: frames are
    /// looked for.
    pub fn joined(limits: Limits) -> Self {
        let half = || Half::new(false, None, limits.body, false);
        WebSocket { sent: half(), received: half(), client: None, limits }
    }

    /// The same, where it is known which direction the client writes.
    pub(crate) fn joined_as(limits: Limits, client: Direction) -> Self {
        let mut socket = WebSocket::joined(limits);
        socket.client = Some(client);
        socket.half(client).expect(true);
        socket.half(client.opposite()).expect(false);
        socket.half(client.opposite()).bound(limits.event);
        socket
    }

    /// Whether octets begin as a message, or a frame between messages, of `from`
    /// does.
    pub(crate) fn begins(octets: &[u8], from: Role) -> bool {
        let Parsed::Header(frame, _) = Frame::parse(octets) else { return false };
        let masked = frame.mask.is_some() == (from == Role::Client);
        masked && frame.opcode != Opcode::Continuation
    }

    /// Who writes octets that begin with a frame, if they surely do: one that ends
    /// with them, or says JSON.
    pub(crate) fn writer_of(octets: &[u8]) -> Option<Role> {
        let Parsed::Header(frame, at) = Frame::parse(octets) else { return None };
        let payload = octets.get(at..)?;
        let first = payload.first()? ^ frame.mask.map_or(0, |mask| mask[0]);
        let message = matches!(frame.opcode, Opcode::Text | Opcode::Binary);
        let json = message && !frame.compressed && matches!(first, b'{' | b'[');
        let whole = payload.len() as u64 == frame.length && frame.opcode != Opcode::Continuation;
        let writer = if frame.mask.is_some() { Role::Client } else { Role::Server };
        (json || whole).then_some(writer)
    }

    /// Which end the observed process is, as far as it is known.
    pub fn role(&self) -> Option<Role> {
        self.client.map(|client| match client {
            Direction::Sent => Role::Client,
            Direction::Received => Role::Server,
        })
    }

    /// Whether this is a WebSocket for sure: frames follow one another, in number
    /// or in both directions, or say what only frames do.
    pub fn is_certain(&self) -> bool {
        let (sent, received) = (&self.sent, &self.received);
        let each = |frames| sent.frames() >= frames && received.frames() >= frames;
        let proven = |half: &Half| half.is_proven() && half.frames() > 0;
        [sent, received].iter().any(|half| match proven(half) {
            true => half.frames() >= FRAMES_PROVEN,
            // Records of a fixed size look like frames of one, again and again.
            false => half.frames() >= FRAMES && half.lengths() == LENGTHS,
        }) || each(FRAMES_EACH)
            || (proven(sent) && proven(received))
    }

    /// Whether this is a WebSocket where octets began as one: a frame said what
    /// only frames do, or some follow one another.
    pub(crate) fn is_likely(&self) -> bool {
        let likely =
            |half: &Half| half.frames() >= FRAMES_EACH || (half.is_proven() && half.frames() > 0);
        likely(&self.sent) || likely(&self.received)
    }

    /// The next octets of one direction.
    pub fn receive(
        &mut self,
        direction: Direction,
        time: Timestamp,
        octets: &[u8],
        mut tell: impl FnMut(Event),
    ) {
        let mut told = Vec::new();
        self.half(direction).receive(time, octets, &mut |one| told.push(one));
        self.learn(direction);
        let from = self.writer(direction);
        told.into_iter().for_each(|one| tell(event(from, one)));
    }

    /// Octets of one direction were lost here; 0: nobody knows how many.
    pub fn gap(&mut self, direction: Direction, lost: u64, mut tell: impl FnMut(Event)) {
        let from = self.writer(direction);
        self.half(direction).gap(lost, &mut |one| tell(event(from, one)));
    }

    fn half(&mut self, direction: Direction) -> &mut Half {
        match direction {
            Direction::Sent => &mut self.sent,
            Direction::Received => &mut self.received,
        }
    }

    /// A client masks what it writes, a server does not (RFC 6455 section 5.1).
    fn learn(&mut self, direction: Direction) {
        if self.client.is_some() {
            return;
        }
        let Some(masked) = self.half(direction).masked() else { return };
        self.client = Some(if masked { direction } else { direction.opposite() });
        self.half(direction.opposite()).expect(!masked);
        let limit = self.limits.event;
        self.half(if masked { direction.opposite() } else { direction }).bound(limit);
    }

    fn writer(&self, direction: Direction) -> Role {
        // Before it is known nothing was told.
        if self.client == Some(direction) { Role::Client } else { Role::Server }
    }
}

fn event(from: Role, told: Told) -> Event {
    match told {
        Told::Message(message) => Event::Message { from, message },
        Told::Close { code, reason } => Event::Close { from, code, reason },
        Told::Lost { captured, missing } => Event::Lost { from, captured, missing },
    }
}
