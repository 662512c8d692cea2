//! The driver: bytes of one connection in, events of its exchanges out.

use std::collections::VecDeque;

use crate::assemble::Assembler;
use crate::detect::{self, First, Kind};
use crate::http1::Half;
use crate::http2::Session;
use crate::stream::Carry;
use crate::{Delta, Direction, Exchange, ExchangeSeq, Protocol, Role, Timestamp};

/// Memory and size bounds. Nothing in this crate grows past them, whatever
/// the bytes say.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one decoded body that are kept (head and tail beyond that).
    pub body: usize,
    /// Bytes of a message's head (start line and headers).
    pub head: usize,
    /// Bytes of one stream event.
    pub event: usize,
    /// Exchanges of one connection that may be open at once.
    pub open_exchanges: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { body: 64 << 20, head: 256 << 10, event: 16 << 20, open_exchanges: 1024 }
    }
}

/// What a connection tells of its exchanges.
#[derive(Clone, Debug)]
pub enum Event {
    /// A request's head was read, or a response whose request was not seen.
    /// Sent once for each exchange, first.
    Started(Box<Exchange>),
    /// More is known (the request is complete, the response's head is there):
    /// replaces what was known. Its response holds the deltas sent so far.
    Updated(Box<Exchange>),
    /// The answer grew.
    Delta(ExchangeSeq, Delta),
    /// The exchange is over, for better or worse. Sent once, last.
    Finished(Box<Exchange>),
    /// What is now known of the connection's worth; see [`Verdict`].
    Verdict(Verdict),
}

/// Whether a connection is worth copying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It carries exchanges with an LLM or other JSON over HTTP.
    Interesting,
    /// It is HTTP, but so far without JSON.
    Unremarkable,
    /// It is no protocol that is understood here.
    Unknown,
}

/// Parses one connection, passively, both directions.
///
/// Drive it with [`receive`](Self::receive), [`gap`](Self::gap) and
/// [`close`](Self::close), and after each call [`poll`](Self::poll) until it
/// is empty. It never calls out, never reads a clock, and holds bounded memory.
#[derive(Debug)]
pub struct Connection {
    limits: Limits,
    joined_midway: bool,
    state: State,
    verdict: Option<Verdict>,
    events: VecDeque<Event>,
}

#[derive(Debug)]
enum State {
    Detecting(Detecting),
    Http1(Box<Http1>),
    Http2(Box<Session>),
}

/// Before it is known what is spoken.
#[derive(Debug, Default)]
struct Detecting {
    sent: Carry,
    received: Carry,
    /// Bytes passed that nothing could be told from.
    passed: u64,
    /// So many may.
    patience: u64,
    /// Where frames of HTTP/2 may pass whose beginning was not seen: they are
    /// looked for all along.
    frames: Option<Box<Session>>,
}

/// Both directions of an HTTP/1 connection.
#[derive(Debug)]
struct Http1 {
    role: Role,
    requests: Half,
    responses: Half,
    exchanges: Assembler,
}

/// Bytes of a new connection that may pass before it is given up.
const PATIENCE: u64 = 4 << 10;
/// Bytes of a connection joined midway that may: a whole answer may be on its
/// way before the next message begins.
const PATIENCE_MIDWAY: u64 = 64 << 20;
/// Carried over while it cannot be told how a direction begins.
const BEGINNING: usize = 1 << 10;

impl Connection {
    /// A connection of which nothing is known. `joined_midway`: bytes had
    /// moved before the first that will be received.
    pub fn new(limits: Limits, joined_midway: bool) -> Self {
        let mut detecting = Detecting { patience: PATIENCE, ..Detecting::default() };
        if joined_midway {
            detecting.expect_anything(limits);
        }
        Connection {
            limits,
            joined_midway,
            state: State::Detecting(detecting),
            verdict: None,
            events: VecDeque::new(),
        }
    }

    /// The next bytes of one direction.
    pub fn receive(&mut self, direction: Direction, time: Timestamp, bytes: &[u8]) {
        match &mut self.state {
            State::Detecting(detecting) => match detecting.receive(direction, time, bytes) {
                Detected::Nothing => {}
                Detected::Foreign => self.judge(Verdict::Unknown),
                Detected::Http1(kind) => self.become_http1(direction, kind, time, bytes),
                Detected::Http2 => self.become_http2(direction, time, bytes),
            },
            State::Http1(http1) => {
                let foreign = http1.receive(direction, time, bytes);
                if let Some(exchanges) = http1.exchanges.upgraded(time) {
                    // The server has just said so.
                    let client = direction.opposite();
                    let mut http2 = Box::new(Session::upgraded(self.limits, client, exchanges));
                    http2.receive(direction, time, &bytes[bytes.len() - foreign..]);
                    self.state = State::Http2(http2);
                }
            }
            State::Http2(http2) => http2.receive(direction, time, bytes),
        }
    }

    /// Bytes of one direction were lost here.
    pub fn gap(&mut self, direction: Direction, time: Timestamp, lost: u64) {
        match &mut self.state {
            State::Detecting(detecting) => detecting.gap(direction, time, lost, self.limits),
            State::Http1(http1) => http1.gap(direction, time, lost),
            State::Http2(http2) => http2.gap(direction, time, lost),
        }
    }

    /// The connection ended; open exchanges end with it.
    pub fn close(&mut self, time: Timestamp) {
        match &mut self.state {
            State::Detecting(_) => {}
            State::Http1(http1) => http1.close(time),
            State::Http2(http2) => http2.close(time),
        }
    }

    /// The next event, in order.
    pub fn poll(&mut self) -> Option<Event> {
        self.events.pop_front().or_else(|| match &mut self.state {
            State::Detecting(_) => None,
            State::Http1(http1) => http1.exchanges.poll(),
            State::Http2(http2) => http2.poll(),
        })
    }

    /// What the connection speaks, once known.
    pub fn protocol(&self) -> Option<Protocol> {
        match self.state {
            State::Detecting(_) => None,
            State::Http1(_) => Some(Protocol::Http1),
            State::Http2(_) => Some(Protocol::Http2),
        }
    }

    /// Which end the observed process is, once known.
    pub fn role(&self) -> Option<Role> {
        match &self.state {
            State::Detecting(_) => None,
            State::Http1(http1) => Some(http1.role),
            State::Http2(http2) => http2.role(),
        }
    }

    fn judge(&mut self, verdict: Verdict) {
        if self.verdict != Some(verdict) {
            self.verdict = Some(verdict);
            self.events.push_back(Event::Verdict(verdict));
        }
    }

    /// `bytes`, moving in `direction`, settled that messages of `kind` do.
    fn become_http1(&mut self, direction: Direction, kind: Kind, time: Timestamp, bytes: &[u8]) {
        let role = match (direction, kind) {
            (Direction::Sent, Kind::Request) | (Direction::Received, Kind::Response) => {
                Role::Client
            }
            _ => Role::Server,
        };
        let mut http1 = Box::new(Http1 {
            role,
            requests: Half::new(Kind::Request, self.limits.head),
            responses: Half::new(Kind::Response, self.limits.head),
            exchanges: Assembler::new(role, self.limits, self.joined_midway),
        });
        if let State::Detecting(detecting) = &mut self.state {
            for direction in [direction, direction.opposite()] {
                let carry = detecting.carry(direction);
                let (since, carried) = (carry.since(), carry.take());
                http1.receive(direction, since, &carried);
            }
        }
        http1.receive(direction, time, bytes);
        self.state = State::Http1(http1);
    }

    /// `bytes`, moving in `direction`, settled that frames of HTTP/2 do.
    fn become_http2(&mut self, direction: Direction, time: Timestamp, bytes: &[u8]) {
        let State::Detecting(detecting) = &mut self.state else { return };
        let http2 = match detecting.frames.take() {
            Some(mut http2) => {
                // It has seen all of them.
                http2.settle(time);
                http2
            }
            None => {
                let mut http2 = Box::new(Session::new(self.limits, false));
                for direction in [direction, direction.opposite()] {
                    let carry = detecting.carry(direction);
                    let (since, carried) = (carry.since(), carry.take());
                    http2.receive(direction, since, &carried);
                }
                http2.receive(direction, time, bytes);
                http2
            }
        };
        self.state = State::Http2(http2);
    }
}

/// What bytes told of a connection.
enum Detected {
    Nothing,
    /// Nothing that is understood here.
    Foreign,
    Http1(Kind),
    Http2,
}

impl Detecting {
    /// What comes next may be the middle of anything.
    fn expect_anything(&mut self, limits: Limits) {
        self.patience = PATIENCE_MIDWAY;
        self.frames.get_or_insert_with(|| Box::new(Session::new(limits, true)));
    }

    fn carry(&mut self, direction: Direction) -> &mut Carry {
        match direction {
            Direction::Sent => &mut self.sent,
            Direction::Received => &mut self.received,
        }
    }

    /// Looks at a chunk, behind what was carried of the chunks before it. Of
    /// these bytes none is kept when it tells [`Detected::Http1`].
    fn receive(&mut self, direction: Direction, time: Timestamp, bytes: &[u8]) -> Detected {
        let searches = self.frames.is_some();
        let carry = self.carry(direction);
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
        if self.passed > self.patience { Detected::Foreign } else { Detected::Nothing }
    }

    fn gap(&mut self, direction: Direction, time: Timestamp, lost: u64, limits: Limits) {
        self.carry(direction).clear();
        self.expect_anything(limits);
        if let Some(frames) = &mut self.frames {
            frames.gap(direction, time, lost);
        }
    }
}

impl Http1 {
    /// The next bytes. Answers how many at their end belong to another protocol.
    fn receive(&mut self, direction: Direction, time: Timestamp, bytes: &[u8]) -> usize {
        if self.is_request(direction) {
            self.responses.turn();
            return self.requests.receive(time, bytes, &mut self.exchanges.requests());
        }
        self.requests.turn();
        let foreign = self.responses.receive(time, bytes, &mut self.exchanges.responses());
        if self.responses.is_opaque() && !self.requests.is_opaque() {
            self.requests.make_opaque();
            if !self.exchanges.is_left_for_http2() {
                // No parser for what follows another upgrade.
                self.exchanges.judge(Verdict::Unknown);
            }
        }
        foreign
    }

    fn gap(&mut self, direction: Direction, time: Timestamp, lost: u64) {
        if self.is_request(direction) {
            self.requests.gap(time, lost, &mut self.exchanges.requests());
        } else {
            self.responses.gap(time, lost, &mut self.exchanges.responses());
        }
    }

    fn close(&mut self, time: Timestamp) {
        self.requests.close(time, &mut self.exchanges.requests());
        self.responses.close(time, &mut self.exchanges.responses());
        self.exchanges.close(time);
    }

    fn is_request(&self, direction: Direction) -> bool {
        (self.role == Role::Client) == (direction == Direction::Sent)
    }
}
