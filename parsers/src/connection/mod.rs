//! The driver: bytes of one connection in, events of its exchanges out.

mod detecting;
mod early;
mod http1;

use std::collections::VecDeque;

use self::detecting::{Detected, Detecting, Side};
use self::http1::Http1;
use crate::assemble::Left;
use crate::detect::Kind;
use crate::http2::Session;
use crate::{Delta, Direction, Exchange, ExchangeSeq, Protocol, Role, Timestamp};
use crate::{stdio, websocket};

/// Memory and size bounds. Nothing in this crate grows past them, whatever
/// the bytes say; all unfinished bodies of the process share 512 MiB besides.
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
    /// Bytes were lost.
    torn: bool,
    state: State,
    verdict: Option<Verdict>,
    events: VecDeque<Event>,
}

#[derive(Debug)]
enum State {
    Detecting(Detecting),
    Http1(Box<Http1>),
    Http2(Box<Session>),
    WebSocket(Box<websocket::Session>),
    Stdio(Box<stdio::Session>),
}

impl Connection {
    /// A connection of which nothing is known. `joined_midway`: bytes had
    /// moved before the first that will be received.
    pub fn new(limits: Limits, joined_midway: bool) -> Self {
        Connection {
            limits,
            joined_midway,
            torn: false,
            state: State::Detecting(Detecting::new(limits, joined_midway)),
            verdict: None,
            events: VecDeque::new(),
        }
    }

    /// What a process writes to standard output and reads from standard input: no
    /// network's protocol, but perhaps messages of JSON-RPC, a line each.
    pub fn stdio(limits: Limits, joined_midway: bool) -> Self {
        let session = Box::new(stdio::Session::new(limits, joined_midway));
        Connection { state: State::Stdio(session), ..Connection::new(limits, joined_midway) }
    }

    /// The next bytes of one direction.
    pub fn receive(&mut self, direction: Direction, time: Timestamp, bytes: &[u8]) {
        match &mut self.state {
            State::Detecting(detecting) => match detecting.receive(direction, time, bytes) {
                Detected::Nothing => {}
                Detected::Foreign => self.judge(Verdict::Unknown),
                Detected::Http1(kind) => self.become_http1(direction, kind, time, bytes),
                Detected::Http2 => self.become_http2(direction, time, bytes),
                Detected::WebSocket(socket) => self.state = State::WebSocket(socket),
            },
            State::Http1(http1) if http1.is_overdue(time) => {
                self.lose_patience();
                self.receive(direction, time, bytes);
            }
            State::Http1(_) => self.http1(direction, time, bytes),
            State::Http2(http2) => http2.receive(direction, time, bytes),
            State::WebSocket(socket) => socket.receive(direction, time, bytes),
            State::Stdio(stdio) => stdio.receive(direction, time, bytes),
        }
    }

    /// The next bytes of HTTP/1. A response that waited for one of the requests in them
    /// comes right behind its head.
    fn http1(&mut self, direction: Direction, time: Timestamp, bytes: &[u8]) {
        let mut rest = bytes;
        while let State::Http1(http1) = &mut self.state {
            let left = http1.receive(direction, time, rest);
            rest = &rest[rest.len() - left..];
            if let Some(left) = http1.exchanges.leave(time) {
                self.state = upgraded(self.limits, direction, left);
                break;
            }
            if !self.catch_up(time) || rest.is_empty() {
                return;
            }
        }
        self.receive(direction, time, rest);
    }

    /// Takes what waited for the other direction and need not any more; what answers a
    /// request seen at `since` is no older. `false`: nothing did.
    fn catch_up(&mut self, since: Timestamp) -> bool {
        let mut caught_up = false;
        while let State::Http1(http1) = &mut self.state
            && let Some(time) = http1.replay(since)
        {
            caught_up = true;
            if let Some(left) = http1.exchanges.leave(time) {
                let direction = http1.answers();
                let early: Vec<_> = std::iter::from_fn(|| http1.left_over()).collect();
                self.state = upgraded(self.limits, direction, left);
                early.iter().for_each(|p| self.receive(direction, p.time.max(since), p.bytes()));
            }
        }
        caught_up
    }

    /// Nothing waits for the other direction any more.
    fn lose_patience(&mut self) {
        if let State::Http1(http1) = &mut self.state {
            http1.exchanges.lose_patience();
            self.catch_up(Timestamp(0));
        }
    }

    /// Bytes of one direction were lost here.
    pub fn gap(&mut self, direction: Direction, time: Timestamp, lost: u64) {
        self.torn = true;
        self.lose_patience();
        match &mut self.state {
            State::Detecting(detecting) => detecting.gap(direction, time, lost, self.limits),
            State::Http1(http1) => http1.gap(direction, time, lost),
            State::Http2(http2) => http2.gap(direction, time, lost),
            State::WebSocket(socket) => socket.gap(direction, time, lost),
            State::Stdio(stdio) => stdio.gap(direction, lost),
        }
    }

    /// The connection ended; open exchanges end with it.
    pub fn close(&mut self, time: Timestamp) {
        self.lose_patience();
        match &mut self.state {
            State::Detecting(_) => {}
            State::Http1(http1) => http1.close(time),
            State::Http2(http2) => http2.close(time),
            State::WebSocket(socket) => socket.close(time),
            State::Stdio(stdio) => stdio.close(time),
        }
    }

    /// The next event, in order.
    pub fn poll(&mut self) -> Option<Event> {
        self.events.pop_front().or_else(|| match &mut self.state {
            State::Detecting(_) => None,
            State::Http1(http1) => http1.exchanges.poll(),
            State::Http2(http2) => http2.poll(),
            State::WebSocket(socket) => socket.poll(),
            State::Stdio(stdio) => stdio.poll(),
        })
    }

    /// What the connection speaks, once known.
    pub fn protocol(&self) -> Option<Protocol> {
        match self.state {
            State::Detecting(_) => None,
            State::Http1(_) => Some(Protocol::Http1),
            State::Http2(_) => Some(Protocol::Http2),
            State::WebSocket(_) => Some(Protocol::WebSocket),
            State::Stdio(_) => Some(Protocol::Stdio),
        }
    }

    /// Which end the observed process is, once known.
    pub fn role(&self) -> Option<Role> {
        match &self.state {
            State::Detecting(_) => None,
            State::Http1(http1) => Some(http1.role),
            State::Http2(http2) => http2.role(),
            State::WebSocket(socket) => socket.role(),
            // Whose input and output they are is called by who started it; either may
            // call the other there.
            State::Stdio(_) => Some(Role::Server),
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
        let State::Detecting(detecting) = &mut self.state else { return };
        let sides = [direction, direction.opposite()]
            .map(|direction| (direction, std::mem::take(detecting.side(direction))));
        let mut http1 = Box::new(Http1::new(role, self.limits, self.joined_midway));
        if self.torn {
            http1.exchanges.lose_patience();
        }
        for (direction, side) in &sides {
            if let Some(lost) = side.lost {
                http1.gap(*direction, time, lost);
            }
        }
        self.state = State::Http1(http1);
        for (direction, Side { mut carry, .. }) in sides {
            self.receive(direction, carry.since(), &carry.take());
        }
        self.receive(direction, time, bytes);
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
                    let carry = &mut detecting.side(direction).carry;
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

/// What a connection of HTTP/1.1 becomes. The server, writing in `direction`,
/// has just said so.
fn upgraded(limits: Limits, direction: Direction, left: Left) -> State {
    let client = direction.opposite();
    match left {
        Left::Http2(exchanges) => {
            State::Http2(Box::new(Session::upgraded(limits, client, exchanges)))
        }
        Left::WebSocket(socket, carried) => {
            let session = websocket::Session::upgraded(limits, client, *socket, carried);
            State::WebSocket(Box::new(session))
        }
    }
}
