//! The streams of a connection, from its two directions.

mod held;
mod order;

use self::held::Held;
use super::event::Event;
use super::half::{Half, Piece};
use super::role::Client;
use super::streams::{Phase, Stream, Streams};
use super::{ErrorCode, Head};
use crate::{Direction, Limits, Role, Timestamp};

/// Bytes and pieces that wait until it is known whether they are requests or responses.
const UNKNOWN: (usize, usize) = (16 << 10, 256);
/// Bytes and pieces of responses that wait for their requests.
const EARLY: (usize, usize) = (1 << 20, 1024);

/// Follows a connection, both directions.
///
/// Drive it with [`receive`](Self::receive) and [`gap`](Self::gap) in the
/// order things happened; the events of a call come before it returns, each with
/// its time: that of its bytes, or of what they answer, if that was seen later.
///
/// Frames on their way need no memory but for header blocks, responses that are
/// seen before their requests (1 MiB, for a second) and, where the framing is
/// not known, the bytes in which it is looked for (256 KiB each way).
#[derive(Debug)]
pub struct Http2 {
    sent: Half,
    received: Half,
    client: Client,
    /// What waits until it is known who wrote it.
    unknown: Held,
    /// Responses that wait for their requests.
    early: Held,
    told: Option<Role>,
    streams: Streams,
    /// The youngest stream that a client began; `None`: before the first that is
    /// seen there may have been others.
    youngest: Option<u32>,
    /// There may be streams whose beginning was not seen.
    partial: bool,
    limits: Limits,
}

impl Http2 {
    /// A connection that speaks HTTP/2, with prior knowledge or by ALPN.
    /// `joined_midway`: bytes had moved before the first that will be received.
    pub fn new(limits: Limits, joined_midway: bool) -> Self {
        let half = || Half::new(!joined_midway, limits.head);
        Http2 {
            sent: half(),
            received: half(),
            client: Client::Unknown,
            unknown: Held::new(UNKNOWN),
            early: Held::new(EARLY),
            told: None,
            streams: Streams::new(limits.open_exchanges),
            youngest: (!joined_midway).then_some(0),
            partial: joined_midway,
            limits,
        }
    }

    /// A connection that HTTP/1.1 upgraded (RFC 7540 section 3.2): from the
    /// first byte behind the `101` response and behind the request, which
    /// became stream 1. `client`: the direction that the client writes.
    pub fn upgraded(limits: Limits, client: Direction) -> Self {
        let mut http2 = Http2::new(limits, false);
        http2.client.learn(client, Role::Client);
        http2.youngest = Some(1);
        http2.streams.begin(1, Stream { client: Phase::Ended, server: Phase::Head });
        http2
    }

    /// Which end the observed process is, as far as it is known.
    pub fn role(&self) -> Option<Role> {
        self.client.direction().map(|client| match client {
            Direction::Sent => Role::Client,
            Direction::Received => Role::Server,
        })
    }

    /// Whether it is known, in one direction at least, where frames begin.
    pub fn is_framed(&self) -> bool {
        self.sent.is_framed() || self.received.is_framed()
    }

    /// The next bytes of one direction.
    pub fn receive(
        &mut self,
        direction: Direction,
        time: Timestamp,
        bytes: &[u8],
        mut tell: impl FnMut(Timestamp, Event<'_>),
    ) {
        self.look_at_clock(time, &mut tell);
        let mut input = bytes;
        loop {
            self.pieces(direction, time, &mut input, &mut tell);
            let Some(found) = self.half(direction).find(&mut input) else { break };
            self.pieces(direction, time, &mut &found[..], &mut tell);
        }
    }

    /// Bytes of one direction were lost here; 0: nobody knows how many.
    pub fn gap(
        &mut self,
        direction: Direction,
        time: Timestamp,
        lost: u64,
        mut tell: impl FnMut(Timestamp, Event<'_>),
    ) {
        self.look_at_clock(time, &mut tell);
        let mut pieces = Vec::new();
        self.half(direction).gap(lost, |piece| pieces.push(piece));
        for piece in pieces {
            self.apply(direction, time, piece, &mut tell);
        }
    }

    /// Says that both directions surely speak HTTP/2, so that frames which
    /// came before that was known need no further proof.
    pub fn settle(&mut self, time: Timestamp, mut tell: impl FnMut(Timestamp, Event<'_>)) {
        for direction in [Direction::Sent, Direction::Received] {
            if let Some(found) = self.half(direction).settle() {
                self.pieces(direction, time, &mut &found[..], &mut tell);
            }
        }
    }

    fn half(&mut self, direction: Direction) -> &mut Half {
        match direction {
            Direction::Sent => &mut self.sent,
            Direction::Received => &mut self.received,
        }
    }

    fn pieces(
        &mut self,
        direction: Direction,
        time: Timestamp,
        input: &mut &[u8],
        tell: &mut impl FnMut(Timestamp, Event<'_>),
    ) {
        while let Some(piece) = self.half(direction).next(input) {
            self.apply(direction, time, piece, tell);
        }
    }

    fn act(&mut self, direction: Direction, piece: Piece<'_>, tell: &mut impl FnMut(Event<'_>)) {
        if self.told != self.role()
            && let Some(role) = self.role()
        {
            self.told = Some(role);
            tell(Event::Role(role));
        }
        // Unknown only where it does not matter.
        let from = self.client.writer(direction).unwrap_or(Role::Server);
        match piece {
            Piece::Preface => {
                self.client.learn(direction, Role::Client);
                self.youngest.get_or_insert(0);
                if self.half(direction.opposite()).is_untouched() {
                    let limit = self.limits.head;
                    *self.half(direction.opposite()) = Half::new(true, limit);
                    self.partial = false;
                }
            }
            Piece::Head { stream, promised: None, head, ends_stream } => {
                self.head(from, stream, head, ends_stream, tell);
            }
            Piece::Head { promised: Some(promised), head, .. } => {
                self.client.learn(direction, Role::Server);
                self.promise(promised, head, tell);
            }
            Piece::Data { stream, bytes } => {
                if self.body(stream, from, tell) {
                    tell(Event::Data { stream, from, bytes });
                }
            }
            Piece::End { stream } => {
                if self.body(stream, from, tell) {
                    self.end(stream, from, tell);
                }
            }
            Piece::Hole { stream, lost } => {
                if self.body(stream, from, tell) {
                    tell(Event::Lost { stream, from, bytes: lost });
                }
            }
            Piece::Reset { stream, code } => {
                if self.streams.forget(stream) {
                    tell(Event::Reset { stream, from, code: ErrorCode(code) });
                }
            }
            Piece::MaxFrameSize(size) => self.half(direction.opposite()).allow(size),
            Piece::GoAway(go_away) => {
                let code = ErrorCode(go_away.code);
                tell(Event::GoAway { from, code, debug: go_away.debug });
                if from == Role::Server {
                    self.refuse(go_away.last_stream, tell);
                }
            }
            Piece::Unframed => self.unframed(from, tell),
        }
    }

    fn head(
        &mut self,
        from: Role,
        stream: u32,
        head: Box<Head>,
        ends_stream: bool,
        tell: &mut impl FnMut(Event<'_>),
    ) {
        if head.status.is_some_and(|status| status < 200) && from == Role::Server {
            return;
        }
        let phase = self.streams.get(stream).map(|stream| *stream.phase(from));
        self.partial |= head.broken;
        let new = from == Role::Client && self.youngest.is_none_or(|youngest| stream > youngest);
        // Else it is trailers of a message whose head was not seen.
        let begins =
            head.writer().is_some() || (head.unknown > 0 && !ends_stream) || (head.broken && new);
        match phase {
            Some(Phase::Ended | Phase::Unseen) => return,
            Some(Phase::Head) if !begins && head.broken => {
                // Nobody can tell what it was.
                tell(Event::Lost { stream, from, bytes: None });
            }
            Some(Phase::Body) => tell_trailers(stream, from, head, ends_stream, tell),
            Some(Phase::Head) if !begins => tell_trailers(stream, from, head, ends_stream, tell),
            None if !begins => return,
            Some(Phase::Head) | None => {
                if phase.is_none() && !self.open(stream, from, new, tell) {
                    return;
                }
                if let Some(stream) = self.streams.get(stream) {
                    *stream.phase(from) = Phase::Body;
                }
                tell(match from {
                    Role::Client => Event::Request { stream, head },
                    Role::Server => Event::Response { stream, head },
                });
            }
        }
        if ends_stream {
            self.end(stream, from, tell);
        }
    }

    /// A server announces a response, and the request it answers.
    fn promise(&mut self, stream: u32, head: Box<Head>, tell: &mut impl FnMut(Event<'_>)) {
        if self.streams.get(stream).is_some() || self.streams.is_over(stream) {
            return;
        }
        self.insert(stream, Stream { client: Phase::Body, server: Phase::Head }, tell);
        tell(Event::Request { stream, head });
        self.end(stream, Role::Client, tell);
    }

    /// Whether a body of a message from `from` passes on `stream`.
    fn body(&mut self, stream: u32, from: Role, tell: &mut impl FnMut(Event<'_>)) -> bool {
        if self.streams.get(stream).is_none() && !self.open(stream, from, false, tell) {
            return false;
        }
        let Some(stream) = self.streams.get(stream) else { return false };
        let phase = stream.phase(from);
        if *phase == Phase::Head {
            *phase = Phase::Body;
        }
        matches!(phase, Phase::Body | Phase::Unseen)
    }

    /// Begins a stream at the first that is seen of it; whether it may be one.
    /// `new`: its client begins it just now.
    fn open(
        &mut self,
        stream: u32,
        from: Role,
        new: bool,
        tell: &mut impl FnMut(Event<'_>),
    ) -> bool {
        if self.streams.is_over(stream) || !(new || self.partial) {
            return false;
        }
        // A client that goes on with a stream has begun it, too.
        let later = from == Role::Client && self.youngest.is_some_and(|youngest| stream > youngest);
        if new || later {
            self.youngest = Some(stream);
        }
        let client = if from == Role::Server { Phase::Unseen } else { Phase::Head };
        self.insert(stream, Stream { client, server: Phase::Head }, tell);
        true
    }

    fn insert(&mut self, id: u32, stream: Stream, tell: &mut impl FnMut(Event<'_>)) {
        if let Some(stream) = self.streams.begin(id, stream) {
            tell(Event::Forgotten { stream });
        }
    }

    fn end(&mut self, id: u32, from: Role, tell: &mut impl FnMut(Event<'_>)) {
        let Some(stream) = self.streams.get(id) else { return };
        let unseen = std::mem::replace(stream.phase(from), Phase::Ended) == Phase::Unseen;
        let over = stream.client.is_past() && stream.server.is_past();
        if over {
            self.streams.forget(id);
        }
        if !unseen {
            tell(Event::End { stream: id, from });
        }
    }

    /// A server will not deal with streams after `last`.
    fn refuse(&mut self, last: u32, tell: &mut impl FnMut(Event<'_>)) {
        let refused = self.streams.ids().filter(|stream| *stream > last && stream % 2 == 1);
        for stream in refused.collect::<Vec<_>>() {
            self.streams.forget(stream);
            tell(Event::Reset { stream, from: Role::Server, code: ErrorCode::REFUSED_STREAM });
        }
    }

    /// Anything may be missing of what `from` writes.
    fn unframed(&mut self, from: Role, tell: &mut impl FnMut(Event<'_>)) {
        self.partial = true;
        for (stream, phases) in self.streams.iter_mut() {
            if !phases.phase(from).is_past() {
                tell(Event::Lost { stream, from, bytes: None });
            }
        }
    }
}

/// Trailers end their message (RFC 9113 section 8.1); what does not is none.
fn tell_trailers(
    stream: u32,
    from: Role,
    head: Box<Head>,
    ends_stream: bool,
    tell: &mut impl FnMut(Event<'_>),
) {
    if ends_stream {
        tell(Event::Trailers { stream, from, head });
    }
}
