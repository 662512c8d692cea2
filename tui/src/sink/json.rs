//! Exchanges as JSON: the contract that scripts rely on.
//!
//! Missing values are `null`. Each value is on one line.

use std::borrow::Cow;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use llmtop_parsers::{
    Agent, ApiError, Body, BodyKind, Cost, Delta, DeltaKind, Finding, Protocol, Role, State,
    Timestamp, ToolCall, Usage, redact,
};
use llmtop_probe::{Process, Tls, Totals};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::limit::LimitObject;
use crate::store::{Seen, canonical};

/// The first line of a run: every probe is attached.
pub fn start(source: &str, now: Timestamp) -> String {
    #[derive(Serialize)]
    struct Start<'a> {
        schema: &'static str,
        version: &'static str,
        pid: u32,
        source: &'a str,
        started_at: String,
    }
    line(&Start {
        schema: "llmtop.start/1",
        version: env!("CARGO_PKG_VERSION"),
        pid: std::process::id(),
        source,
        started_at: rfc3339(now),
    })
}

/// The last line of a run.
pub fn end(totals: &Totals, exchanges: u64) -> String {
    #[derive(Serialize)]
    struct End {
        schema: &'static str,
        captured_bytes: u64,
        lost_bytes: u64,
        exchanges: u64,
    }
    line(&End {
        schema: "llmtop.end/1",
        captured_bytes: totals.captured_bytes,
        lost_bytes: totals.lost_bytes,
        exchanges,
    })
}

/// A `piece` of a delta of the answer of the exchange `id`, begun at `started`.
pub fn delta(id: &str, started: Timestamp, delta: &Delta, piece: &str) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        schema: &'static str,
        id: &'a str,
        at_ms: f64,
        kind: DeltaKind,
        text: &'a str,
    }
    line(&Line {
        schema: "llmtop.delta/1",
        id,
        at_ms: millis(delta.at, started),
        kind: delta.kind,
        text: piece,
    })
}

/// An exchange. Credentials are redacted unless `show_secrets`.
pub fn exchange(seen: Seen<'_>, show_secrets: bool) -> String {
    let Seen { record, connection, process, peer_process } = seen;
    let exchange = &record.exchange;
    let (request, response) = (&exchange.request, &exchange.response);
    let timing = &exchange.timing;
    let since = |at: Option<Timestamp>| at.map(|at| millis(at, timing.started));
    let streamed = exchange.dialect.is_some() && response.events > 0;
    line(&ExchangeLine {
        schema: "llmtop.exchange/1",
        id: &record.ulid,
        state: exchange.state,
        process: ProcessObject::new(
            process,
            Some(connection.tid).filter(|_| seen.is_own()),
            show_secrets,
        ),
        connection: ConnectionObject {
            id: connection.id.0,
            role: exchange.role,
            peer_process: peer_process.map(|peer| PeerObject::new(peer, show_secrets)),
            tls: connection.tls,
            protocol: exchange.protocol,
            server_name: connection.endpoint.server_name.as_deref(),
            local: connection.endpoint.local.map(canonical),
            peer: connection.endpoint.peer.map(canonical),
            stream_id: exchange.stream_id,
            joined_midway: exchange.joined_midway,
            lost_bytes: exchange.lost_bytes,
        },
        provider: exchange.provider,
        operation: exchange.operation,
        dialect: exchange.dialect,
        conversation: record.conversation.map(|conversation| format!("c{}", conversation.0)),
        request: RequestObject {
            method: request.method.as_deref(),
            url: seen.url(show_secrets),
            headers: Headers { all: &request.headers, show_secrets },
            model: request.model.as_deref(),
            stream: request.stream,
            retry: request.retry,
            agent: request.agent.as_ref(),
            body: request.body.as_deref().map(body),
            body_bytes: request.body_bytes,
        },
        response: ResponseObject {
            status: response.status,
            headers: Headers { all: &response.headers, show_secrets },
            model: response.model.as_deref(),
            id: response.id.as_deref(),
            finish_reason: response.finish_reason.as_deref(),
            text: response.text.as_deref(),
            reasoning: response.reasoning.as_deref(),
            tool_calls: response.tool_calls.iter().map(ToolCallObject::new).collect(),
            limits: response.limits.iter().map(LimitObject::new).collect(),
            retry_after_ms: response.retry_after_ms,
            body: response.body.as_deref().filter(|_| !streamed).map(body),
            events: response.events,
            body_bytes: response.body_bytes,
        },
        usage: exchange.usage,
        cost: Cost { usd: exchange.cost.usd.map(nano_dollars), ..exchange.cost },
        timing: TimingObject {
            started_at: rfc3339(timing.started),
            first_byte_ms: since(timing.first_byte),
            first_token_ms: since(timing.first_token),
            duration_ms: since(timing.ended),
        },
        error: exchange.error.as_ref(),
        findings: &exchange.findings,
    })
}

#[derive(Serialize)]
struct ExchangeLine<'a> {
    schema: &'static str,
    id: &'a str,
    state: State,
    process: ProcessObject<'a>,
    connection: ConnectionObject<'a>,
    provider: Option<&'static str>,
    operation: Option<&'static str>,
    dialect: Option<&'static str>,
    conversation: Option<String>,
    request: RequestObject<'a>,
    response: ResponseObject<'a>,
    usage: Usage,
    cost: Cost,
    timing: TimingObject,
    error: Option<&'a ApiError>,
    findings: &'a [Finding],
}

#[derive(Serialize)]
struct ProcessObject<'a> {
    pid: u32,
    tid: Option<u32>,
    comm: &'a str,
    exe: Option<&'a str>,
    args: Vec<Cow<'a, str>>,
    uid: u32,
    container: Option<&'a str>,
}

impl<'a> ProcessObject<'a> {
    fn new(process: &'a Process, tid: Option<u32>, show_secrets: bool) -> Self {
        let args = if show_secrets {
            process.args.iter().map(Into::into).collect()
        } else {
            redact::args(&process.args)
        };
        ProcessObject {
            pid: process.pid,
            tid,
            comm: &process.comm,
            exe: process.exe.as_deref(),
            args,
            uid: process.uid,
            container: process.container.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct PeerObject<'a> {
    pid: u32,
    comm: &'a str,
    exe: Option<&'a str>,
    args: Vec<Cow<'a, str>>,
    uid: u32,
    container: Option<&'a str>,
}

impl<'a> PeerObject<'a> {
    fn new(process: &'a Process, show_secrets: bool) -> Self {
        let ProcessObject { pid, comm, exe, args, uid, container, .. } =
            ProcessObject::new(process, None, show_secrets);
        PeerObject { pid, comm, exe, args, uid, container }
    }
}

#[derive(Serialize)]
struct ConnectionObject<'a> {
    id: u64,
    role: Role,
    peer_process: Option<PeerObject<'a>>,
    tls: Tls,
    protocol: Protocol,
    server_name: Option<&'a str>,
    local: Option<SocketAddr>,
    peer: Option<SocketAddr>,
    stream_id: Option<u32>,
    joined_midway: bool,
    lost_bytes: u64,
}

#[derive(Serialize)]
struct RequestObject<'a> {
    method: Option<&'a str>,
    url: Option<String>,
    headers: Headers<'a>,
    model: Option<&'a str>,
    stream: Option<bool>,
    retry: Option<u32>,
    agent: Option<&'a Agent>,
    body: Option<BodyValue<'a>>,
    body_bytes: u64,
}

#[derive(Serialize)]
struct ResponseObject<'a> {
    status: Option<u16>,
    headers: Headers<'a>,
    model: Option<&'a str>,
    id: Option<&'a str>,
    finish_reason: Option<&'a str>,
    text: Option<&'a str>,
    reasoning: Option<&'a str>,
    tool_calls: Vec<ToolCallObject<'a>>,
    limits: Vec<LimitObject<'a>>,
    retry_after_ms: Option<u64>,
    body: Option<BodyValue<'a>>,
    events: u64,
    body_bytes: u64,
}

#[derive(Serialize)]
struct ToolCallObject<'a> {
    id: Option<&'a str>,
    name: Option<&'a str>,
    arguments: Option<BodyValue<'a>>,
}

impl<'a> ToolCallObject<'a> {
    fn new(call: &'a ToolCall) -> Self {
        let arguments = call.arguments.as_str();
        ToolCallObject {
            id: call.id.as_deref(),
            name: call.name.as_deref(),
            arguments: (!arguments.is_empty())
                .then(|| raw(arguments).map_or(BodyValue::Text(arguments.into()), BodyValue::Json)),
        }
    }
}

#[derive(Serialize)]
struct TimingObject {
    started_at: String,
    first_byte_ms: Option<f64>,
    first_token_ms: Option<f64>,
    duration_ms: Option<f64>,
}

/// Headers as pairs, in wire order.
struct Headers<'a> {
    all: &'a [(String, String)],
    show_secrets: bool,
}

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.all.iter().map(|(name, value)| {
            let shown = if self.show_secrets {
                Cow::Borrowed(value.as_str())
            } else {
                redact::header(name, value)
            };
            (name, shown)
        }))
    }
}

/// A body: as the JSON it is, as text, or as base64.
#[derive(Serialize)]
#[serde(untagged)]
enum BodyValue<'a> {
    Json(Box<RawValue>),
    Text(Cow<'a, str>),
    Binary { base64: String },
}

fn body(body: &Body) -> BodyValue<'_> {
    match (body.kind, std::str::from_utf8(&body.bytes)) {
        (BodyKind::Json, Ok(text)) => {
            raw(text).map_or(BodyValue::Text(text.into()), BodyValue::Json)
        }
        (BodyKind::Json | BodyKind::Text, _) => {
            BodyValue::Text(String::from_utf8_lossy(&body.bytes))
        }
        (BodyKind::Binary, _) => BodyValue::Binary { base64: STANDARD.encode(&body.bytes) },
    }
}

/// JSON text as a value on one line, its numbers and escapes untouched.
/// `None`: it is no JSON.
fn raw(text: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(one_line(text)).ok()
}

/// Drops white space outside strings.
fn one_line(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    let (mut in_string, mut escaped, mut kept) = (false, false, 0);
    for (at, byte) in json.bytes().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
        } else if byte == b'"' {
            in_string = true;
        } else if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            compact.push_str(&json[kept..at]);
            kept = at + 1;
        }
    }
    compact.push_str(&json[kept..]);
    compact
}

/// Milliseconds with microseconds behind the point: what probes can tell.
pub(super) fn millis(at: Timestamp, since: Timestamp) -> f64 {
    (at.millis_since(since) * 1e3).round() / 1e3
}

/// Rounded to a billionth of a dollar: hides binary fractions, not money.
pub(super) fn nano_dollars(usd: f64) -> f64 {
    (usd * 1e9).round() / 1e9
}

/// A moment as RFC 3339 writes it, in UTC.
pub(super) fn rfc3339(at: Timestamp) -> String {
    let at = DateTime::<Utc>::from_timestamp_nanos(i64::try_from(at.0).unwrap_or(i64::MAX));
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Serializes what cannot fail to serialize: no maps with odd keys are here.
pub(super) fn line(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).unwrap_or_else(|error| {
        log::error!("an exchange could not be written as JSON: {error}");
        "null".to_owned()
    });
    for_terminals(json)
}

/// JSON escapes C0 controls only. A terminal obeys C1 controls too, and bidi
/// controls reorder what is read: outside ASCII (and DEL) they occur within
/// strings only, so they can be escaped in the finished text (RFC 8259, 7).
fn for_terminals(json: String) -> String {
    let steers = |c: char| {
        matches!(c, '\u{7f}'..='\u{9f}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}')
    };
    if !json.contains(steers) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if steers(c) {
            // All of them are in the basic plane: one escape each.
            escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    escaped
}
