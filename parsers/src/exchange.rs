//! The unit people look at: one request with its response.

use std::sync::Arc;

use serde::Serialize;

use crate::Body;
use crate::headers::{Agent, RateLimit};
use crate::usage::Pass;

/// Nanoseconds since the Unix epoch. The parsers never read a clock: whoever
/// drives them says when bytes moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Milliseconds from `earlier` to here; 0 if `earlier` is later (records
    /// of two CPUs may be a little out of order).
    pub fn millis_since(self, earlier: Timestamp) -> f64 {
        self.0.saturating_sub(earlier.0) as f64 / 1e6
    }
}

/// Which way bytes went, as the observed process sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The process wrote them.
    Sent,
    /// The process read them.
    Received,
}

impl Direction {
    /// The way of what `from` writes, as the client sees it.
    pub(crate) fn of_client(from: Role) -> Self {
        match from {
            Role::Client => Direction::Sent,
            Role::Server => Direction::Received,
        }
    }

    /// The other way.
    pub fn opposite(self) -> Self {
        match self {
            Direction::Sent => Direction::Received,
            Direction::Received => Direction::Sent,
        }
    }
}

/// Which end of the connection the observed process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It writes the request.
    Client,
    /// It reads the request.
    Server,
}

/// What carries the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Protocol {
    /// HTTP/1.0 and HTTP/1.1.
    #[serde(rename = "http/1.1")]
    Http1,
    /// HTTP/2.
    #[serde(rename = "h2")]
    Http2,
    /// WebSocket, over either.
    #[serde(rename = "websocket")]
    WebSocket,
    /// JSON-RPC on standard input and output.
    #[serde(rename = "stdio")]
    Stdio,
}

/// Names an exchange on its connection: 0 for the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeSeq(pub u64);

/// How far an exchange has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// No byte of the response yet.
    #[default]
    Pending,
    /// The response has begun.
    Streaming,
    /// Both messages ended as their protocol says.
    Complete,
    /// The connection ended, or bytes were lost, before they did.
    Aborted,
}

/// One request with its response.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Which one of its connection.
    pub seq: ExchangeSeq,
    /// How far it has come.
    pub state: State,
    /// Which end the observed process is.
    pub role: Role,
    /// What carries it.
    pub protocol: Protocol,
    /// HTTP/2 stream id.
    pub stream_id: Option<u32>,
    /// Its beginning was not seen.
    pub joined_midway: bool,
    /// Bytes lost within it.
    pub lost_bytes: u64,
    /// Who serves it, named as OpenTelemetry's `gen_ai.provider.name`, or the
    /// usual short name of one that OpenTelemetry does not list.
    pub provider: Option<&'static str>,
    /// OpenTelemetry's `gen_ai.operation.name`: `chat`, `embeddings`, ...
    pub operation: Option<&'static str>,
    /// The API shape: `openai.chat`, `anthropic.messages`, ...
    pub dialect: Option<&'static str>,
    /// What all of its WebSocket is part of, where the server remembers what was
    /// said there: the API's name of it, or one made for the socket.
    pub session: Option<String>,
    /// What was asked.
    pub request: Request,
    /// What was answered.
    pub response: Response,
    /// Tokens.
    pub usage: Usage,
    /// The times that a model was run for the answer, where the API tells them
    /// apart.
    pub passes: Vec<Pass>,
    /// Money.
    pub cost: Cost,
    /// When.
    pub timing: Timing,
    /// The API's or the protocol's error.
    pub error: Option<ApiError>,
    /// What deserves a second look: a message cut at its memory budget, an
    /// undecodable body, ...
    pub findings: Vec<Finding>,
}

impl Exchange {
    /// An exchange of which only this much is known.
    pub fn new(seq: ExchangeSeq, role: Role, protocol: Protocol, started: Timestamp) -> Self {
        Exchange {
            seq,
            state: State::Pending,
            role,
            protocol,
            stream_id: None,
            joined_midway: false,
            lost_bytes: 0,
            provider: None,
            operation: None,
            dialect: None,
            session: None,
            request: Request::default(),
            response: Response::default(),
            usage: Usage::default(),
            passes: Vec::new(),
            cost: Cost::default(),
            timing: Timing { started, ..Timing::default() },
            error: None,
            findings: Vec::new(),
        }
    }

    /// Whether it only asks how many tokens something is: its figures are
    /// nothing that was used, or is paid for.
    pub fn only_counts(&self) -> bool {
        self.operation == Some("count_tokens")
    }

    /// Adds a finding, once.
    pub(crate) fn note(&mut self, kind: &'static str, detail: impl Into<String>) {
        let detail = detail.into();
        if !self.findings.iter().any(|known| known.kind == kind && known.detail == detail) {
            self.findings.push(Finding { kind, detail });
        }
    }
}

/// What was asked.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// HTTP method.
    pub method: Option<String>,
    /// As on the wire: a path with query, or a whole URL (proxies).
    pub target: Option<String>,
    /// `Host` or `:authority`, without user information.
    pub authority: Option<String>,
    /// In wire order; names as sent; not redacted: that happens on the way out.
    pub headers: Vec<(String, String)>,
    /// The model asked for.
    pub model: Option<String>,
    /// Whether a streamed answer was asked for.
    pub stream: Option<bool>,
    /// How often the client's library has tried before, where it says so.
    pub retry: Option<u32>,
    /// The agent that asks, where the client names one.
    pub agent: Option<Agent>,
    /// The decoded body.
    pub body: Option<Arc<Body>>,
    /// Length of the body as sent, before decoding, without transfer coding.
    pub body_bytes: u64,
}

/// What was answered.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// HTTP status.
    pub status: Option<u16>,
    /// In wire order; not redacted.
    pub headers: Vec<(String, String)>,
    /// The model that answered, as the answer names it.
    pub model: Option<String>,
    /// The API's id of the answer.
    pub id: Option<String>,
    /// The API's own word: `end_turn`, `stop`, ...
    pub finish_reason: Option<String>,
    /// The tier of service, where the answer names another than the standard one, in
    /// small letters: `flex`, `priority`, `batch`, `fast`. Its prices are others.
    pub tier: Option<String>,
    /// The answer's text (refusals included); of several choices, the first.
    pub text: Option<String>,
    /// Reasoning, where it is sent.
    pub reasoning: Option<String>,
    /// Tool calls, put together.
    pub tool_calls: Vec<ToolCall>,
    /// Further choices (`n` > 1): their texts, in order.
    pub other_choices: Vec<String>,
    /// What is left of quotas, as headers, events and errors tell.
    pub limits: Vec<RateLimit>,
    /// How long to wait before another attempt, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// The decoded body where the answer was not streamed; of a stream, its
    /// events as received.
    pub body: Option<Arc<Body>>,
    /// Events of the stream.
    pub events: u64,
    /// When the first of them came, as many as [`Arrival::MOST`]; [`events`] tells
    /// what they say.
    ///
    /// [`events`]: crate::events
    pub arrivals: Vec<Arrival>,
    /// Length of the body as received, before decoding, without transfer coding.
    pub body_bytes: u64,
}

/// A call the model asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolCall {
    /// The API's id of the call.
    pub id: Option<String>,
    /// The tool.
    pub name: Option<String>,
    /// The arguments as received: JSON text once complete.
    pub arguments: String,
}

/// Tokens, in OpenTelemetry's sense: `input_tokens` includes cache reads and
/// writes, `output_tokens` includes reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// All input tokens.
    pub input_tokens: Option<u64>,
    /// All output tokens.
    pub output_tokens: Option<u64>,
    /// Of the input: read from a cache.
    pub cache_read_tokens: Option<u64>,
    /// Of the input: written to a cache.
    pub cache_write_tokens: Option<u64>,
    /// Of the cache writes: those kept for an hour (they cost more).
    #[serde(skip)]
    pub cache_write_1h_tokens: Option<u64>,
    /// Of the output: reasoning.
    pub reasoning_tokens: Option<u64>,
    /// Of the input: audio.
    pub input_audio_tokens: Option<u64>,
    /// Of the audio of the input: read from a cache.
    #[serde(skip)]
    pub cached_audio_tokens: Option<u64>,
    /// Of the output: audio.
    pub output_audio_tokens: Option<u64>,
    /// Of the input: what is paid for, where the API tells that apart.
    #[serde(skip)]
    pub billed_input_tokens: Option<u64>,
    /// Of the output: what is paid for, where the API tells that apart.
    #[serde(skip)]
    pub billed_output_tokens: Option<u64>,
    /// Searches that are paid for, where an API bills those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search_units: Option<u64>,
    /// Classifications that are paid for, where an API bills those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classifications: Option<u64>,
    /// Where the figures come from.
    pub source: UsageSource,
}

/// Where token figures come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UsageSource {
    /// The API said so.
    Reported,
    /// Estimated from the text; shown with `~`.
    Estimated,
    /// Unknown.
    #[default]
    None,
}

/// Money, in US dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Cost {
    /// The amount.
    pub usd: Option<f64>,
    /// Where it comes from.
    pub source: CostSource,
}

/// Where a cost comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CostSource {
    /// The API said so.
    Reported,
    /// From the price table.
    Priced,
    /// No price known: never shown as 0.
    #[default]
    Unpriced,
}

/// When things happened.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Timing {
    /// First byte of the request.
    pub started: Timestamp,
    /// Last byte of the request.
    pub sent: Option<Timestamp>,
    /// First byte of the response.
    pub first_byte: Option<Timestamp>,
    /// First delta of text, reasoning or a tool call.
    pub first_token: Option<Timestamp>,
    /// Latest delta.
    pub last_token: Option<Timestamp>,
    /// Last byte of the response.
    pub ended: Option<Timestamp>,
}

/// An error of the API or of the protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ApiError {
    /// The API's type or code.
    pub kind: Option<String>,
    /// Its message.
    pub message: Option<String>,
}

/// Something that deserves a second look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable name: `body_truncated`, `content_encoding`, ...
    pub kind: &'static str,
    /// What exactly.
    pub detail: String,
}

/// Pieces of the answer as they arrive: all that came at one moment, in one string, as
/// there may be many.
#[derive(Clone, Debug, PartialEq)]
pub struct Delta {
    /// When.
    pub at: Timestamp,
    /// Of what.
    pub kind: DeltaKind,
    /// The pieces, one after another.
    pub text: String,
    /// Where one ends and the next begins, in bytes of `text`.
    joints: Vec<usize>,
}

impl Delta {
    /// One piece.
    pub fn new(at: Timestamp, kind: DeltaKind, text: String) -> Self {
        Delta { at, kind, text, joints: Vec::new() }
    }

    /// Another piece.
    pub fn push(&mut self, piece: &str) {
        self.joints.push(self.text.len());
        self.text.push_str(piece);
    }

    /// The pieces, in order: at least one.
    pub fn pieces(&self) -> impl Iterator<Item = &str> {
        let begins = std::iter::once(0).chain(self.joints.iter().copied());
        let ends = self.joints.iter().copied().chain([self.text.len()]);
        begins.zip(ends).map(|(begin, end)| self.text.get(begin..end).unwrap_or_default())
    }
}

/// An event of a streamed answer, as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When its last byte did; on a WebSocket, its first.
    pub at: Timestamp,
    /// Bytes of what it says.
    pub bytes: u32,
    /// What of the answer it is a piece of, if of any.
    pub told: Option<DeltaKind>,
}

impl Arrival {
    /// As many are kept of one exchange.
    pub const MOST: usize = 16_384;

    /// An event of so many bytes that came now.
    pub fn new(at: Timestamp, bytes: usize, told: Option<DeltaKind>) -> Self {
        Arrival { at, bytes: u32::try_from(bytes).unwrap_or(u32::MAX), told }
    }
}

impl Response {
    /// Keeps when an event came, while there is room for it.
    pub fn arrived(&mut self, arrival: Arrival) {
        if self.arrivals.len() < Arrival::MOST {
            self.arrivals.push(arrival);
        }
    }
}

/// What a delta continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeltaKind {
    /// The answer's text.
    Text,
    /// Its reasoning.
    Reasoning,
    /// A tool call: its name first, then its arguments.
    ToolCall,
}
