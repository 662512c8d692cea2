//! Exchanges, put together from the streams of an HTTP/2 connection.

mod unseen;

use std::collections::BTreeMap;

use self::unseen::{Held, Unseen, settles};
use super::Carried;
use super::open::Open;
use super::socket::{Handshake, PROTOCOL, Tunnelled};
use crate::http1::{Head as Message, Start};
use crate::http2::{ErrorCode, Event as Told, Head};
use crate::{
    ApiError, Event, Exchange, ExchangeSeq, Finding, Limits, Protocol, Role, State, Timestamp,
    Verdict,
};

/// The kind of finding that says that a head was not seen whole.
pub(super) const UNKNOWN_FIELDS: &str = "unknown_fields";

/// Makes an exchange of each stream. Driven by [`tell`](Self::tell).
#[derive(Debug)]
pub(crate) struct Streams {
    limits: Limits,
    /// Which end the observed process is; told before the first stream.
    role: Role,
    open: BTreeMap<u32, Stream>,
    /// Those whose bodies may yet be a WebSocket's.
    doubted: BTreeMap<u32, Unseen>,
    /// What clients sent on streams that are asked to become tunnels.
    early: BTreeMap<u32, Vec<Held>>,
    carried: Carried,
    /// Why the peer closes the connection.
    going_away: Option<String>,
}

#[derive(Debug)]
enum Stream {
    Exchange(Box<Open>),
    /// HTTP ended here: a WebSocket has the stream (RFC 8441).
    Socket(Box<Tunnelled>),
    /// The same, another protocol.
    Tunnel,
    /// Nothing of it was seen but bytes that may be a WebSocket's.
    Unseen(Box<Unseen>),
}

impl Streams {
    pub(crate) fn new(limits: Limits) -> Self {
        Streams {
            limits,
            role: Role::Client,
            open: BTreeMap::new(),
            doubted: BTreeMap::new(),
            early: BTreeMap::new(),
            carried: Carried::default(),
            going_away: None,
        }
    }

    /// Of a connection that HTTP/1.1 upgraded: `first` is stream 1.
    pub(super) fn upgraded(
        limits: Limits,
        role: Role,
        carried: Carried,
        first: Option<Open>,
    ) -> Self {
        let open = first.map(|open| (1, Stream::Exchange(Box::new(open)))).into_iter().collect();
        Streams { role, open, carried, ..Streams::new(limits) }
    }

    pub(crate) fn poll(&mut self) -> Option<Event> {
        self.carried.poll()
    }

    pub(crate) fn tell(&mut self, time: Timestamp, event: Told<'_>) {
        if let Some(stream) = settles(&event) {
            self.settle(stream);
            if !matches!(event, Told::Response { .. } | Told::Lost { from: Role::Client, .. }) {
                self.refuse_early(stream);
            }
        }
        match event {
            Told::Role(role) => self.role = role,
            Told::Request { stream, head } => self.request(time, stream, *head),
            Told::Response { stream, head } => self.response(time, stream, *head),
            Told::Data { stream, from, bytes } => self.data(time, stream, from, bytes),
            Told::Lost { stream, from, bytes } => self.lost(time, stream, from, bytes),
            Told::Trailers { stream, from: Role::Server, head } => self.trailers(stream, *head),
            Told::Trailers { .. } => {}
            Told::End { stream, from } => self.end(time, stream, from),
            Told::Reset { stream, from, code } => self.reset(time, stream, from, code),
            Told::GoAway { from, code, debug } => {
                let why = if debug.is_empty() { "" } else { ": " };
                self.going_away = (code != ErrorCode::NO_ERROR)
                    .then(|| format!("the {} closes it with {code}{why}{debug}", name(from)));
            }
            Told::Forgotten { stream } => {
                self.abort(time, stream, "too many streams at once");
            }
        }
    }

    /// The connection ended.
    pub(crate) fn close(&mut self, time: Timestamp) {
        let why = self.going_away.take();
        let why = why.as_deref().unwrap_or("the connection ended first");
        for stream in self.open.keys().copied().collect::<Vec<_>>() {
            self.settle(stream);
            self.refuse_early(stream);
            self.abort(time, stream, why);
        }
    }

    fn judge(&mut self, verdict: Option<Verdict>) {
        self.carried.ledger().told(verdict);
    }

    fn exchange(&mut self, stream: u32) -> Option<&mut Open> {
        match self.open.get_mut(&stream)? {
            Stream::Exchange(open) => Some(open),
            Stream::Socket(_) | Stream::Tunnel | Stream::Unseen(_) => None,
        }
    }

    fn seq(&mut self) -> ExchangeSeq {
        self.carried.ledger().seq()
    }

    fn start(&mut self, stream: u32, mut open: Open) {
        open.exchange.protocol = Protocol::Http2;
        open.exchange.stream_id = Some(stream);
        let telling = open.telling;
        self.carried.queue.push_back(Event::Started(open.snapshot()));
        self.open.insert(stream, Stream::Exchange(Box::new(open)));
        let verdict = self.carried.worth.message(telling);
        self.judge(verdict);
    }

    /// What is known of a stream's exchange has grown.
    fn update(&mut self, stream: u32) {
        let Some(open) = self.exchange(stream) else { return };
        let (snapshot, telling) = (open.snapshot(), open.telling);
        self.carried.queue.push_back(Event::Updated(snapshot));
        let verdict = self.carried.worth.message(telling);
        self.judge(verdict);
    }

    fn request(&mut self, time: Timestamp, stream: u32, head: Head) {
        let seq = self.seq();
        let joined_midway = head.unknown > 0;
        let message = message(head, Role::Client);
        let mut open = Open::request(seq, self.role, message, time, &self.limits);
        open.exchange.joined_midway = joined_midway;
        self.start(stream, open);
    }

    /// An exchange whose request was not seen, where its response is.
    fn orphan(&mut self, time: Timestamp, stream: u32) {
        if !self.open.contains_key(&stream) {
            let orphan = Open::orphan(self.seq(), self.role, time);
            self.start(stream, orphan);
        }
    }

    fn response(&mut self, time: Timestamp, stream: u32, head: Head) {
        self.orphan(time, stream);
        let limits = self.limits;
        let Some(open) = self.exchange(stream) else { return };
        let connect = open.exchange.request.method.as_deref() == Some("CONNECT");
        let tunnel = connect && head.status.is_some_and(|status| status < 300);
        if !tunnel {
            self.refuse_early(stream);
        }
        let Some(open) = self.exchange(stream) else { return };
        open.response_head(message(head, Role::Server), time, &limits);
        self.update(stream);
        if tunnel {
            // As after an upgrade of HTTP/1.1.
            let handshake =
                self.exchange(stream).and_then(|open| Handshake::of_stream(&open.exchange));
            self.finish(time, stream);
            let early = self.early.remove(&stream).unwrap_or_default();
            let tunnel = match handshake {
                Some(handshake) => {
                    let mut socket = Tunnelled::new(limits, self.role, stream, handshake);
                    let mut ledger = self.carried.ledger();
                    early.iter().for_each(|held| held.play(&mut socket, &mut ledger));
                    Stream::Socket(Box::new(socket))
                }
                None => Stream::Tunnel,
            };
            self.open.insert(stream, tunnel);
        }
    }

    fn data(&mut self, time: Timestamp, stream: u32, from: Role, bytes: &[u8]) {
        if self.is_early(time, stream, from, bytes) || self.may_be_socket(time, stream, from, bytes)
        {
            return;
        }
        if from == Role::Server {
            self.joined_inside(time, stream);
        }
        let open = match self.open.get_mut(&stream) {
            Some(Stream::Exchange(open)) => open,
            Some(Stream::Socket(socket)) => {
                return socket.receive(time, from, bytes, &mut self.carried.ledger());
            }
            _ => return,
        };
        match from {
            Role::Client => open.request_data(bytes),
            Role::Server => open.response_data(time, bytes, &mut self.carried.queue),
        }
        let verdict = self.carried.worth.bytes(open.telling, bytes.len());
        self.judge(verdict);
    }

    /// A response's body passes: its head may not have been seen.
    fn joined_inside(&mut self, time: Timestamp, stream: u32) {
        self.orphan(time, stream);
        let limits = self.limits;
        if let Some(open) = self.exchange(stream).filter(|open| !open.response_begun) {
            open.response_head(message(Head::default(), Role::Server), time, &limits);
            self.update(stream);
        }
    }

    fn lost(&mut self, time: Timestamp, stream: u32, from: Role, bytes: Option<u64>) {
        if from == Role::Server && bytes.is_some() {
            self.joined_inside(time, stream);
        }
        if let Some(Stream::Socket(socket)) = self.open.get_mut(&stream) {
            return socket.gap(time, from, bytes.unwrap_or(0), &mut self.carried.ledger());
        }
        let early = self.is_early_loss(time, stream, from, bytes);
        let Some(open) = self.exchange(stream) else { return };
        match from {
            Role::Client if early => {}
            Role::Client => open.request_hole(bytes),
            Role::Server => open.response_hole(bytes),
        }
        if bytes.is_none() {
            open.exchange
                .note("bytes_lost", "bytes of the connection were lost while this was open");
        }
    }

    fn trailers(&mut self, stream: u32, head: Head) {
        let Some(open) = self.exchange(stream) else { return };
        let message = message(head, Role::Server);
        open.trailers(message.headers);
        open.exchange.findings.extend(message.findings);
    }

    fn end(&mut self, time: Timestamp, stream: u32, from: Role) {
        match self.open.get_mut(&stream) {
            Some(Stream::Exchange(open)) => {
                match from {
                    Role::Client => open.request_end(time, true),
                    Role::Server => open.response_end(time, true, &mut self.carried.queue),
                }
                if open.request_done && open.response_done {
                    self.finish(time, stream);
                } else {
                    self.update(stream);
                }
            }
            Some(Stream::Socket(_)) if from == Role::Server => {
                self.abort(time, stream, "the server ended the stream");
            }
            Some(Stream::Tunnel) if from == Role::Server => {
                self.open.remove(&stream);
            }
            _ => {}
        }
    }

    fn reset(&mut self, time: Timestamp, stream: u32, from: Role, code: ErrorCode) {
        let why = format!("the {} ended the stream with {code}", name(from));
        let Some(open) = self.exchange(stream) else { return self.abort(time, stream, &why) };
        if open.response_done {
            // Who has its answer need not hear out the question.
            return self.finish(time, stream);
        }
        if from == Role::Server && code != ErrorCode::NO_ERROR && open.exchange.error.is_none() {
            let kind = Some(code.to_string());
            open.exchange.error = Some(ApiError { kind, message: Some(why.clone()) });
        }
        self.abort(time, stream, &why);
    }

    fn abort(&mut self, time: Timestamp, stream: u32, why: &str) {
        let mut open = match self.open.remove(&stream) {
            Some(Stream::Exchange(open)) => open,
            Some(Stream::Socket(mut socket)) => {
                return socket.close(time, why, &mut self.carried.ledger());
            }
            _ => return,
        };
        if open.has_its_length() {
            // Clients leave when they have it all, and do not wait for the flag
            // that ends the stream.
            open.response_end(time, true, &mut self.carried.queue);
        }
        let telling = open.telling;
        let exchange = open.cut(time, why, &mut self.carried.queue);
        self.finished(exchange, telling);
    }

    fn finish(&mut self, time: Timestamp, stream: u32) {
        let Some(Stream::Exchange(open)) = self.open.remove(&stream) else { return };
        let telling = open.telling;
        let exchange = open.finish(time, State::Complete, &mut self.carried.queue);
        self.finished(exchange, telling);
    }

    fn finished(&mut self, exchange: Box<Exchange>, telling: bool) {
        self.carried.queue.push_back(Event::Finished(exchange));
        let verdict = self.carried.worth.exchange(telling);
        self.judge(verdict);
    }
}

/// A head in the terms of all HTTP.
fn message(head: Head, from: Role) -> Message {
    let mut findings = Vec::new();
    let mut note = |kind, detail| findings.push(Finding { kind, detail });
    if head.unknown > 0 {
        let detail =
            format!("{} fields of the {}'s head were sent unseen", head.unknown, name(from));
        note(UNKNOWN_FIELDS, detail);
    }
    if head.dropped > 0 {
        note("head_truncated", format!("{} fields more than fit", head.dropped));
    }
    if head.broken {
        note("malformed_head", "the header block is broken, or was not seen whole".into());
    }
    let Head { method, authority, path, status, mut headers, protocol, .. } = head;
    if let Some(protocol) = protocol {
        // What a CONNECT asks for is not in any other part of a request.
        headers.insert(0, (PROTOCOL.to_owned(), protocol));
    }
    let start = match from {
        Role::Client => Start::Request { method, target: path, authority },
        Role::Server => Start::Response { status },
    };
    Message { start, minor: 0, headers, findings }
}

pub(super) fn name(role: Role) -> &'static str {
    match role {
        Role::Client => "client",
        Role::Server => "server",
    }
}
