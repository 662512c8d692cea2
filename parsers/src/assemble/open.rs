//! An exchange that is not over.

use std::collections::VecDeque;
use std::sync::Arc;

use super::answering::{Answering, Context};
use super::incoming::{Incoming, is_events, is_json, is_lines};
use crate::http1::{Head, Start};
use crate::llm::{self, Dialect, RequestHead};
use crate::{
    ApiError, BodyKind, Event, Exchange, ExchangeSeq, Finding, Limits, Protocol, Response, Role,
    State, Timestamp, usage,
};

/// An exchange on its way in.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) exchange: Exchange,
    pub(crate) request_done: bool,
    pub(crate) response_begun: bool,
    pub(crate) response_done: bool,
    /// JSON or events were seen.
    pub(crate) telling: bool,
    request: Option<Incoming>,
    response: Option<Incoming>,
    answering: Option<Answering>,
    dialect: Spoken,
}

/// The dialect that is spoken, if any.
#[derive(Clone, Copy)]
struct Spoken(Option<&'static dyn Dialect>);

impl std::fmt::Debug for Spoken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Spoken").field(&self.0.map(Dialect::name)).finish()
    }
}

impl Open {
    /// An exchange whose request begins.
    pub(crate) fn request(
        seq: ExchangeSeq,
        role: Role,
        head: Head,
        started: Timestamp,
        limits: &Limits,
    ) -> Self {
        let mut open = Open::new(seq, role, started);
        open.set_request(head, limits);
        open
    }

    /// An exchange whose request was not seen.
    pub(crate) fn orphan(seq: ExchangeSeq, role: Role, started: Timestamp) -> Self {
        let mut open = Open::new(seq, role, started);
        open.request_done = true;
        open.exchange.joined_midway = true;
        open
    }

    fn new(seq: ExchangeSeq, role: Role, started: Timestamp) -> Self {
        Open {
            exchange: Exchange::new(seq, role, Protocol::Http1, started),
            request_done: false,
            response_begun: false,
            response_done: false,
            telling: false,
            request: None,
            response: None,
            answering: None,
            dialect: Spoken(None),
        }
    }

    fn set_request(&mut self, head: Head, limits: &Limits) {
        self.request = Some(Incoming::new(&head, limits));
        self.telling |= head.values("content-type").any(is_telling);
        let authority = head.values("host").next().map(str::to_owned);
        if let Start::Request { method, target, authority: own } = head.start {
            // An absolute or authority form names the host too (RFC 9112, 3.2).
            let in_target = target.as_deref().and_then(|target| match target.split_once("://") {
                Some((_, rest)) => rest.split(['/', '?']).next().map(str::to_owned),
                None => (method.as_deref() == Some("CONNECT")).then(|| target.to_owned()),
            });
            let request = &mut self.exchange.request;
            request.authority = own.or(in_target).or(authority);
            request.method = method;
            request.target = target;
        }
        self.exchange.request.headers = head.headers;
        self.exchange.findings.extend(head.findings);
        self.recognise(None);
    }

    pub(crate) fn request_data(&mut self, bytes: &[u8]) {
        if let Some(request) = &mut self.request {
            request.push(bytes, |_| {});
        }
    }

    /// Bytes of the request are missing here; `None`: nobody knows how many.
    pub(crate) fn request_hole(&mut self, lost: impl Into<Option<u64>>) {
        let lost = lost.into();
        let bytes = &mut self.exchange.lost_bytes;
        *bytes = bytes.saturating_add(lost.unwrap_or(0));
        if let Some(request) = &mut self.request {
            request.hole(lost);
        }
    }

    /// The request is over; `whole`: as its framing says.
    pub(crate) fn request_end(&mut self, time: Timestamp, whole: bool) {
        self.request_done = true;
        if whole {
            self.exchange.timing.sent = Some(time);
        }
        let Some(request) = self.request.take() else { return };
        self.exchange.request.body_bytes = request.wire();
        let body = request.finish(whole, &mut self.exchange.findings, |_| {});
        let json = body
            .as_ref()
            .filter(|body| body.kind == BodyKind::Json)
            .and_then(|body| llm::parse(&body.bytes));
        self.telling |= json.is_some();
        self.exchange.request.body = body.map(Arc::new);
        self.recognise(json.as_ref());
    }

    fn recognise(&mut self, body: Option<&serde_json::Value>) {
        let exchange = &mut self.exchange;
        let request = &exchange.request;
        let target = match (&request.target, body) {
            (Some(target), _) => target,
            // Said before this was joined: the body alone can tell.
            (None, Some(_)) => "",
            (None, None) => return,
        };
        let target = match target.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
            None => target,
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let host = host(request.authority.as_deref().unwrap_or_default());
        let head = RequestHead {
            method: request.method.as_deref().unwrap_or(if body.is_some() { "POST" } else { "" }),
            path,
            query,
            host: &host,
            headers: &request.headers,
        };
        let Some((dialect, recognised)) = llm::recognise(&head, body) else {
            // The body knows better than the path.
            if body.is_some() {
                self.dialect = Spoken(None);
                exchange.dialect = None;
                exchange.provider = None;
                exchange.operation = None;
            }
            return;
        };
        let facts = body.map(|body| dialect.request(&head, body));
        self.dialect = Spoken(Some(dialect));
        self.telling = true;
        exchange.dialect = Some(dialect.name());
        exchange.provider = recognised.provider;
        exchange.operation = Some(recognised.operation);
        if let Some(facts) = facts {
            exchange.request.model = facts.model;
            exchange.request.stream = facts.stream;
        }
    }

    /// The response begins.
    pub(crate) fn response_head(&mut self, head: Head, started: Timestamp, limits: &Limits) {
        self.response_begun = true;
        self.exchange.state = State::Streaming;
        self.exchange.timing.first_byte = Some(started);
        self.response = Some(Incoming::new(&head, limits));
        let content_type = head.values("content-type").next().unwrap_or_default();
        self.telling |= is_telling(content_type);
        let likely = self.dialect.0.is_some()
            && self.exchange.request.stream != Some(false)
            && !is_json(content_type);
        // Joined inside the body, only its bytes can tell what it is.
        let likely = likely || head.headers.is_empty();
        self.answering = Some(Answering::new(content_type, likely, limits));
        if self.dialect.0.is_some() && self.exchange.provider.is_none() {
            self.exchange.provider = llm::provider::of_response(&head.headers);
        }
        if let Start::Response { status } = head.start {
            self.exchange.response.status = status;
        }
        self.exchange.response.headers = head.headers;
        self.exchange.findings.extend(head.findings);
    }

    pub(crate) fn response_data(
        &mut self,
        time: Timestamp,
        bytes: &[u8],
        limits: &Limits,
        queue: &mut VecDeque<Event>,
    ) {
        let (Some(response), Some(answering)) = (&mut self.response, &mut self.answering) else {
            return;
        };
        let exchange = &mut self.exchange;
        let mut context = Context { dialect: self.dialect.0, exchange, time, queue };
        response.push(bytes, |decoded| answering.push(decoded, &mut context));
        answering.decide(response.head(), limits.event, &mut context);
        self.telling |= self.exchange.dialect.is_some();
    }

    /// Bytes of the response are missing here; `None`: nobody knows how many.
    pub(crate) fn response_hole(&mut self, lost: impl Into<Option<u64>>) {
        let lost = lost.into();
        let bytes = &mut self.exchange.lost_bytes;
        *bytes = bytes.saturating_add(lost.unwrap_or(0));
        if let Some(response) = &mut self.response {
            response.hole(lost);
        }
        if let Some(answering) = &mut self.answering {
            answering.hole();
        }
    }

    /// The response is over; `whole`: as its framing says.
    pub(crate) fn response_end(
        &mut self,
        time: Timestamp,
        whole: bool,
        queue: &mut VecDeque<Event>,
    ) {
        self.response_done = true;
        self.exchange.timing.ended = Some(time);
        let (Some(response), Some(mut answering)) = (self.response.take(), self.answering.take())
        else {
            return;
        };
        let exchange = &mut self.exchange;
        exchange.response.body_bytes = response.wire();
        let is_stream = answering.is_stream();
        let mut findings = std::mem::take(&mut exchange.findings);
        let mut context = Context { dialect: self.dialect.0, exchange, time, queue };
        let body = response.finish(whole, &mut findings, |last| answering.push(last, &mut context));
        answering.finish(&mut context);
        findings.append(&mut exchange.findings);
        exchange.findings = findings;
        if let Some(body) = body.as_ref().filter(|body| body.kind == BodyKind::Json) {
            self.telling = true;
            if !is_stream {
                let mut context = Context { dialect: self.dialect.0, exchange, time, queue };
                answering.whole(&body.bytes, &mut context);
            }
        }
        exchange.response.body = body.map(Arc::new);
        answering.show(exchange);
        if exchange.error.is_none() {
            exchange.error = http_error(&exchange.response);
        }
    }

    /// What is known so far.
    pub(crate) fn snapshot(&self) -> Box<Exchange> {
        let mut exchange = self.exchange.clone();
        if let Some(answering) = &self.answering {
            answering.show(&mut exchange);
        }
        if let Some(request) = &self.request {
            exchange.request.body_bytes = request.wire();
        }
        if let Some(response) = &self.response {
            exchange.response.body_bytes = response.wire();
        }
        Box::new(exchange)
    }

    /// Whether nothing is missing but the end of the message around the answer:
    /// clients leave when the stream says that it is over, and do not read on.
    pub(crate) fn is_answered(&self) -> bool {
        self.request_done
            && self.exchange.lost_bytes == 0
            && (self.response_done || self.answering.as_ref().is_some_and(Answering::is_done))
    }

    /// The exchange, cut short, and why.
    pub(crate) fn cut(
        mut self,
        time: Timestamp,
        why: &str,
        queue: &mut VecDeque<Event>,
    ) -> Box<Exchange> {
        if self.is_answered() {
            return self.finish(time, State::Complete, queue);
        }
        self.note("aborted", why);
        self.finish(time, State::Aborted, queue)
    }

    /// The exchange, over. Messages that are not over end here.
    pub(crate) fn finish(
        mut self,
        time: Timestamp,
        state: State,
        queue: &mut VecDeque<Event>,
    ) -> Box<Exchange> {
        if !self.request_done {
            self.request_end(time, false);
        }
        if !self.response_done {
            self.response_end(time, false, queue);
        }
        let mut exchange = self.exchange;
        exchange.state = state;
        usage::settle(&mut exchange);
        Box::new(exchange)
    }

    /// Adds a finding, once.
    pub(crate) fn note(&mut self, kind: &'static str, detail: &str) {
        let findings = &mut self.exchange.findings;
        if !findings.iter().any(|known| known.kind == kind && known.detail == detail) {
            findings.push(Finding { kind, detail: detail.into() });
        }
    }
}

/// Whether a content type makes an exchange worth a look.
fn is_telling(content_type: &str) -> bool {
    is_json(content_type) || is_events(content_type) || is_lines(content_type)
}

/// The host of an authority, lower case, without user and port.
fn host(authority: &str) -> String {
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        // An IPv6 address has colons of its own, inside brackets.
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    };
    host.to_ascii_lowercase()
}

/// What an error response without a message of its own says.
fn http_error(response: &Response) -> Option<ApiError> {
    let status = response.status.filter(|status| *status >= 400)?;
    let message = response
        .body
        .as_ref()
        .filter(|body| body.kind == BodyKind::Text && body.bytes.len() <= 1024)
        .map(|body| String::from_utf8_lossy(body.bytes.trim_ascii()).into_owned());
    Some(ApiError { kind: Some(status.to_string()), message })
}
