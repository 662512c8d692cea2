//! An exchange that is not over.

use std::collections::VecDeque;
use std::sync::Arc;

use super::answering::{Answering, Context, is_unasked};
use super::incoming::Incoming;
use super::reader::Telling;
use super::spoken::{Spoken, reading_of_request, reading_of_response};
use super::streams::UNKNOWN_FIELDS;
use crate::framing::content_type::{is_json, is_telling, messages};
use crate::framing::{Framing, Outlook, Piece, status};
use crate::headers;
use crate::http1::{Head, Start};
use crate::llm;
use crate::lossy::text;
use crate::protobuf::Reading;
use crate::{
    ApiError, BodyKind, Event, Exchange, ExchangeSeq, Limits, Protocol, Role, State, Timestamp,
    usage,
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
    /// The first of several messages of the request has said what it asks.
    asked: bool,
    request: Option<Incoming>,
    response: Option<Incoming>,
    answering: Option<Answering>,
    dialect: Spoken,
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
            asked: false,
            request: None,
            response: None,
            answering: None,
            dialect: Spoken::nothing(),
        }
    }

    fn set_request(&mut self, head: Head, limits: &Limits) {
        self.telling |= head.values("content-type").any(is_telling);
        let authority = head.values("host").next().map(str::to_owned);
        if let Start::Request { method, target, authority: own } = &head.start {
            // An absolute or authority form names the host too (RFC 9112, 3.2).
            let in_target = target.as_deref().and_then(|target| match target.split_once("://") {
                Some((_, rest)) => rest.split(['/', '?']).next().map(str::to_owned),
                None => (method.as_deref() == Some("CONNECT")).then(|| target.to_owned()),
            });
            let request = &mut self.exchange.request;
            let authority = own.clone().or(in_target).or(authority);
            request.authority = authority.as_deref().map(without_user);
            request.method.clone_from(method);
            request.target.clone_from(target);
        }
        let outlook = outlook(&head, reading_of_request(&self.exchange), limits);
        self.request = Some(Incoming::new(&head, Framing::of_request(&outlook), limits));
        let request = &mut self.exchange.request;
        request.retry = headers::retries(&head.headers);
        request.agent = headers::agent(&head.headers);
        request.headers = head.headers;
        self.exchange.findings.extend(head.findings);
        self.recognise(None);
    }

    pub(crate) fn request_data(&mut self, bytes: &[u8]) {
        let Some(request) = &mut self.request else { return };
        let mut first = None;
        request.push(bytes, |piece| {
            if let Piece::Event { data, .. } = piece {
                first.get_or_insert_with(|| data.to_owned());
            }
        });
        // Where client and server talk at once, the first message asks, and the
        // last comes after the answer.
        if let Some(first) = first.filter(|_| !std::mem::replace(&mut self.asked, true)) {
            self.recognise(llm::parse(text(&first).as_bytes()).as_ref());
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
        self.dialect.recognise(&mut self.exchange, body);
        self.telling |= self.dialect.dialect().is_some();
    }

    /// The response begins.
    pub(crate) fn response_head(&mut self, head: Head, started: Timestamp, limits: &Limits) {
        self.response_begun = true;
        self.exchange.state = State::Streaming;
        self.exchange.timing.first_byte = Some(started);
        let content_type = head.values("content-type").next().unwrap_or_default();
        self.telling |= is_telling(content_type);
        let asked = self.dialect.dialect().is_some();
        let asked_stream = asked && self.exchange.request.stream != Some(false);
        let framing = Framing::of_response(&Outlook {
            array: asked_stream || is_unasked(&self.exchange),
            anything: asked_stream && !is_json(content_type),
            ..outlook(&head, reading_of_response(&self.exchange), limits)
        });
        // One message in an envelope is no stream; where its type was sent
        // before this was joined, it may be one.
        let enveloped = messages(content_type).is_some() || content_type.is_empty();
        let at_once = asked && !asked_stream && enveloped;
        self.answering = Some(Answering::new(limits.body, at_once));
        self.response = Some(Incoming::new(&head, framing, limits));
        self.exchange.error = status::of_fields(&head.headers);
        if self.dialect.dialect().is_some() && self.exchange.provider.is_none() {
            self.exchange.provider = llm::provider::of_response(&head.headers);
        }
        if let Start::Response { status } = head.start {
            self.exchange.response.status = status;
        }
        let response = &mut self.exchange.response;
        response.limits = headers::limits(&head.headers);
        response.retry_after_ms = headers::retry_after_ms(&head.headers, started);
        response.headers = head.headers;
        self.exchange.findings.extend(head.findings);
    }

    /// Fields came after the response's body.
    pub(crate) fn trailers(&mut self, fields: Vec<(String, String)>) {
        if let Some(error) = status::of_fields(&fields) {
            self.exchange.error = Some(error);
        }
        self.exchange.response.headers.extend(fields);
    }

    pub(crate) fn response_data(
        &mut self,
        time: Timestamp,
        bytes: &[u8],
        queue: &mut VecDeque<Event>,
    ) {
        let (Some(response), Some(answering)) = (&mut self.response, &mut self.answering) else {
            return;
        };
        let telling = Telling { exchange: &mut self.exchange, time, queue };
        let mut context = Context { dialect: self.dialect.dialect(), telling };
        response.push(bytes, |piece| answering.piece(piece, &mut context));
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
        let is_stream = response.is_stream() && !answering.is_at_once();
        let (is_guess, is_envelope) = (response.is_guess(), response.is_envelope());
        let mut findings = std::mem::take(&mut exchange.findings);
        let telling = Telling { exchange, time, queue };
        let mut context = Context { dialect: self.dialect.dialect(), telling };
        let body = response.finish(whole, &mut findings, |piece| {
            answering.piece(piece, &mut context);
        });
        let exchange = &mut self.exchange;
        findings.append(&mut exchange.findings);
        exchange.findings = findings;
        // An array like any other, or a message that is all of its envelope.
        if (is_guess && exchange.dialect.is_none()) || (is_envelope && answering.events() == 1) {
            answering.forget_events();
            exchange.response.arrivals = Vec::new();
        }
        if let Some(body) = body.as_ref().filter(|body| body.kind == BodyKind::Json) {
            self.telling = true;
            if !is_stream {
                let telling = Telling { exchange, time, queue };
                let mut context = Context { dialect: self.dialect.dialect(), telling };
                answering.whole(&body.bytes, &mut context);
            }
        }
        exchange.response.body = body.map(Arc::new);
        answering.fields(&exchange.response.headers);
        answering.show(exchange);
        if exchange.error.is_none() {
            exchange.error = http_error(exchange);
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

    /// Whether the response's body is as long as its head says, in HTTP/2, where
    /// the length does not end it (RFC 9113, section 8.1.1).
    pub(crate) fn has_its_length(&self) -> bool {
        let Some(response) = &self.response else { return false };
        let headers = &self.exchange.response.headers;
        let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        length.and_then(|(_, length)| length.parse().ok()) == Some(response.wire())
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
        self.exchange.note("aborted", why);
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
}

/// An authority without user information, which may be a password: the name of a
/// server is shown as it is.
fn without_user(authority: &str) -> String {
    authority.rsplit('@').next().unwrap_or_default().to_owned()
}

/// What a head says of the body after it.
fn outlook<'a>(head: &'a Head, reading: Reading, limits: &Limits) -> Outlook<'a> {
    let value = |name: &'static str| head.values(name).next();
    let content_type = value("content-type");
    // Joined inside the body, or where its head repeats what was said before,
    // only its bytes can tell what it is.
    let unseen = head.findings.iter().any(|finding| finding.kind == UNKNOWN_FIELDS);
    Outlook {
        content_type: content_type.unwrap_or_default(),
        coding: value("grpc-encoding").or(value("connect-content-encoding")).unwrap_or_default(),
        reading,
        array: false,
        anything: false,
        unknown: content_type.is_none() && (unseen || head.headers.is_empty()),
        limit: limits.event,
    }
}

/// What an error response that no dialect reads says.
fn http_error(exchange: &Exchange) -> Option<ApiError> {
    let response = &exchange.response;
    let code = response.status.filter(|code| *code >= 400)?;
    let body = response.body.as_ref();
    let json = body.filter(|body| body.kind == BodyKind::Json);
    let json = json.and_then(|body| llm::parse(&body.bytes));
    let connect = llm::header(&exchange.request.headers, "connect-protocol-version").is_some();
    let told = json.as_ref().filter(|_| connect).and_then(status::of_connect);
    if let Some(error) = told.or(llm::bedrock::error(&response.headers, json.as_ref())) {
        return Some(error);
    }
    if let Some(error) = json.as_ref().and_then(llm::unmarked_error) {
        return Some(ApiError { kind: error.kind.or(Some(code.to_string())), ..error });
    }
    let message = body
        .filter(|body| body.kind == BodyKind::Text && body.bytes.len() <= 1024)
        .map(|body| String::from_utf8_lossy(body.bytes.trim_ascii()).into_owned());
    Some(ApiError { kind: Some(code.to_string()), message })
}
