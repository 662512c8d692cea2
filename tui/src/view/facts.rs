//! Facts about an exchange, line by line: its headers, and who talks to whom.

use llmtop_parsers::{Exchange, Protocol, RateLimit, Timing, redact};

use super::connections::peer;
use super::text::{Look, TextDocument};
use super::{Reader, Role, Span, format, gist, shown};
use crate::store::Record;
use crate::store::words::{protocol, tls};

/// A document of headed groups of facts.
#[derive(Default)]
pub(super) struct Facts(TextDocument);

impl Facts {
    pub(super) fn document(self) -> TextDocument {
        self.0
    }

    pub(super) fn heading(&mut self, text: &str) {
        if !self.0.is_empty() {
            self.0.blank();
        }
        self.0.begin();
        self.0.line(vec![Span::new(text, Role::Title)], Look::default());
    }

    pub(super) fn fact(&mut self, name: &str, value: &str) {
        let lead = Span::new(format!("   {name}"), Role::Dim);
        self.0.led(lead, value, Look { indent: 21, ..Look::default() });
    }

    pub(super) fn styled(&mut self, name: &str, value: Vec<Span>) {
        let mut spans = vec![Span::new(format!("{name:<18} "), Role::Dim)];
        spans.extend(value);
        self.0.line(spans, Look { indent: 2, ..Look::default() });
    }

    /// A header, which may be long, and is wrapped.
    fn header(&mut self, name: &str, value: &str) {
        let look = Look { indent: 2, key: name.len(), ..Look::default() };
        self.0.own(format!("{name}: {value}").into(), look);
    }
}

/// Request and response heads as sent, credentials redacted unless `secrets`;
/// and who talks to whom.
pub fn headers(reader: &Reader<'_>, record: &Record, secrets: bool) -> TextDocument {
    let exchange = &record.exchange;
    let request = &exchange.request;
    let mut facts = Facts::default();
    facts.heading("request");
    let target = request.target.as_deref().unwrap_or("?");
    let target = if secrets { target.into() } else { redact::url(target) };
    let method = request.method.as_deref().unwrap_or("?");
    let host = request.authority.as_deref().unwrap_or("");
    facts.0.own(format!("{method} {host}{target}").into(), Look { indent: 2, ..Look::default() });
    for (name, value) in &request.headers {
        let value = if secrets { value.into() } else { redact::header(name, value) };
        facts.header(name, &value);
    }
    facts.heading("response");
    facts.fact("status", &exchange.response.status.map_or("-".into(), |status| status.to_string()));
    for (name, value) in &exchange.response.headers {
        let value = if secrets { value.into() } else { redact::header(name, value) };
        facts.header(name, &value);
    }
    told_by_headers(&mut facts, exchange);
    facts.heading("process");
    if let Some(totals) = reader.process(record.process) {
        let process = &totals.process;
        facts.fact("pid", &process.pid.to_string());
        facts.fact("command", &process.comm);
        facts.fact("executable", process.exe.as_deref().unwrap_or("-"));
        let args =
            if secrets { process.args.join(" ") } else { redact::args(&process.args).join(" ") };
        facts.fact("arguments", &gist(&args, 400));
        facts.fact("user id", &process.uid.to_string());
        if let Some(container) = &process.container {
            facts.fact("container", container);
        }
    }
    facts.heading("connection");
    facts.fact("protocol", protocol_of(exchange));
    if let Some(connection) = reader.store().connection(record.connection) {
        facts.fact("peer", &peer(connection));
        let local = connection.endpoint.local.map(|local| local.to_string());
        facts.fact("local", local.as_deref().unwrap_or("-"));
        facts.fact("tls", tls(connection.tls));
        if let Some(peer) = &connection.peer_process {
            facts.fact("served by", &format!("{} ({})", peer.comm, peer.pid));
        }
        facts.fact("captured", &format::bytes(connection.captured_bytes));
        facts.fact("lost", &format::bytes(connection.lost_bytes));
    }
    if exchange.joined_midway {
        facts.fact("joined midway", "its beginning was not seen");
    }
    facts.0
}

/// What headers say beside the message: which attempt it is, of which agent,
/// and what is left of quotas.
fn told_by_headers(facts: &mut Facts, exchange: &Exchange) {
    let (request, response) = (&exchange.request, &exchange.response);
    if request.retry.is_some() || request.agent.is_some() {
        facts.heading("client");
    }
    if let Some(retry) = request.retry {
        facts.fact("attempt", &(u64::from(retry) + 1).to_string());
    }
    if let Some(agent) = &request.agent {
        let said = [("agent", &agent.id), ("agent's parent", &agent.parent_id)];
        for (name, value) in said.into_iter().chain([("agent's kind", &agent.kind)]) {
            if let Some(value) = value {
                facts.fact(name, &gist(value, 80));
            }
        }
    }
    if !response.limits.is_empty() || response.retry_after_ms.is_some() {
        facts.heading("quota");
    }
    for limit in &response.limits {
        facts.fact(&gist(&limit.name, 30), &quota(limit, &exchange.timing));
    }
    if let Some(ms) = response.retry_after_ms {
        facts.fact("retry after", &format::duration(ms as f64));
    }
}

/// A limit in one line: `9999 of 10000 left, again in 6m00s`.
fn quota(limit: &RateLimit, timing: &Timing) -> String {
    let answered = timing.first_byte.unwrap_or(timing.started);
    let resets = limit.resets_at.map(|at| at.millis_since(answered));
    let resets = limit.resets_after_ms.map(|ms| ms as f64).or(resets);
    let left = match (limit.remaining, limit.limit) {
        (Some(left), Some(all)) => Some(format!("{left} of {all} left")),
        (Some(left), None) => Some(format!("{left} left")),
        (None, all) => all.map(|all| format!("of {all}")),
    };
    let facts = [
        left,
        limit.used_percent.map(|percent| format!("{percent:.1}% used")),
        limit
            .window_minutes
            .map(|minutes| format!("in {}", format::duration(minutes as f64 * 6e4))),
        resets.map(|ms| format!("again in {}", format::duration(ms))),
        limit.balance.as_deref().map(|balance| format!("{} left", gist(balance, 20))),
        limit.status.as_deref().map(|status| gist(status, 40)),
    ];
    facts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn protocol_of(exchange: &Exchange) -> &'static str {
    match exchange.protocol {
        Protocol::Http2 => "h2",
        other => protocol(other),
    }
}

/// A body that is no JSON, as text; or why there is none.
pub fn body(record: &Record, response: bool) -> TextDocument {
    let exchange = &record.exchange;
    let mut document = TextDocument::default();
    let body = if response { &exchange.response.body } else { &exchange.request.body };
    let note = |document: &mut TextDocument, text: &str| {
        document.line(vec![Span::shown(text, Role::Warning)], Look::default());
    };
    let Some(body) = body else {
        let text = match (response, super::is_over(exchange)) {
            (true, false) => "the response is not complete yet",
            (true, true) => "no response body was seen",
            (false, _) => "no request body was seen",
        };
        document.line(vec![Span::new(text, Role::Dim)], Look::default());
        return document;
    };
    let mut from = 0;
    for hole in &body.elided {
        let at = hole.at.clamp(from, body.bytes.len());
        piece(&mut document, &body.bytes[from..at]);
        let why = if hole.lost { "lost in capture" } else { "left out to bound memory" };
        let size = hole.bytes.map_or("an unknown number of bytes".to_owned(), format::bytes);
        note(&mut document, &format!("✂ {size} {why}"));
        from = at;
    }
    piece(&mut document, &body.bytes[from..]);
    document
}

fn piece(document: &mut TextDocument, bytes: &[u8]) {
    if !bytes.is_empty() {
        let text = String::from_utf8_lossy(bytes);
        document.own(text.as_ref().into(), Look::default());
    }
}

/// The title of an exchange: what and where.
pub fn title(reader: &Reader<'_>, record: &Record) -> Vec<Span> {
    let exchange = &record.exchange;
    let process = super::exchanges::process_name(reader, record.process);
    let model = super::exchanges::short_model(exchange);
    let mut spans = vec![Span::new(process, Role::Accent)];
    if !model.is_empty() {
        spans.push(Span::new(format!(" · {model}"), Role::Model));
    }
    let host = exchange.request.authority.as_deref().unwrap_or("");
    if !host.is_empty() {
        spans.push(Span::new(format!(" · {}", gist(&shown(host), 40)), Role::Dim));
    }
    spans
}
