//! Events and exchanges as text, for snapshots and comparisons.

use std::fmt::Write;

use llmtop_parsers::{Body, Event, Exchange, Timestamp};

/// What happened, an event a line; then each exchange as it ended.
pub(crate) fn events(events: &[Event]) -> String {
    let mut out = String::new();
    let mut finished = Vec::new();
    for event in events {
        match event {
            Event::Started(exchange) => line(&mut out, "started", exchange),
            Event::Updated(exchange) => line(&mut out, "updated", exchange),
            Event::Delta(seq, delta) => {
                let at = millis(delta.at);
                for piece in delta.pieces() {
                    writeln!(out, "{} delta {:?} {piece:?} at {at}", seq.0, delta.kind).unwrap();
                }
            }
            Event::Finished(exchange) => {
                line(&mut out, "finished", exchange);
                finished.push(exchange);
            }
            Event::Verdict(verdict) => writeln!(out, "- verdict {verdict:?}").unwrap(),
        }
    }
    for exchange in finished {
        writeln!(out, "\n[{}]", exchange.seq.0).unwrap();
        out.push_str(&self::exchange(exchange));
    }
    out
}

fn line(out: &mut String, what: &str, exchange: &Exchange) {
    let seq = exchange.seq.0;
    write!(out, "{seq} {what} {:?}", exchange.state).unwrap();
    if let Some(model) = &exchange.request.model {
        write!(out, " model={model}").unwrap();
    }
    if let Some(status) = exchange.response.status {
        write!(out, " status={status}").unwrap();
    }
    if let Some(text) = &exchange.response.text {
        write!(out, " text={text:?}").unwrap();
    }
    out.push('\n');
}

/// One exchange, whole.
pub(crate) fn exchange(exchange: &Exchange) -> String {
    let mut out = String::new();
    let o = &mut out;
    writeln!(o, "{:?} {:?} {:?}", exchange.state, exchange.role, exchange.protocol).unwrap();
    if let Some(stream) = exchange.stream_id {
        writeln!(o, "stream {stream}").unwrap();
    }
    if exchange.joined_midway {
        writeln!(o, "joined midway").unwrap();
    }
    if exchange.lost_bytes > 0 {
        writeln!(o, "lost {} bytes", exchange.lost_bytes).unwrap();
    }
    if let Some(dialect) = exchange.dialect {
        let (provider, operation) = (exchange.provider, exchange.operation);
        writeln!(o, "{dialect} {provider:?} {operation:?} {:?}", exchange.usage).unwrap();
    }
    let t = exchange.timing;
    let times = [Some(t.started), t.sent, t.first_byte, t.first_token, t.last_token, t.ended];
    writeln!(o, "times {:?}", times.map(|time| time.map(millis))).unwrap();
    if let Some(error) = &exchange.error {
        writeln!(o, "error {error:?}").unwrap();
    }
    for finding in &exchange.findings {
        writeln!(o, "finding {}: {}", finding.kind, finding.detail).unwrap();
    }
    o.push_str(&request(exchange));
    o.push_str(&response(exchange));
    out
}

/// Its request.
pub(crate) fn request(exchange: &Exchange) -> String {
    let mut out = String::new();
    let o = &mut out;
    let request = &exchange.request;
    if let (Some(method), Some(target)) = (&request.method, &request.target) {
        writeln!(o, "> {method} {target} of {:?}", request.authority).unwrap();
    }
    for (name, value) in &request.headers {
        writeln!(o, "> {name}: {value}").unwrap();
    }
    writeln!(o, "> body: {} sent, {}", request.body_bytes, body(request.body.as_deref())).unwrap();
    out
}

/// Its response.
pub(crate) fn response(exchange: &Exchange) -> String {
    let mut out = String::new();
    let o = &mut out;
    let response = &exchange.response;
    if let Some(status) = response.status {
        writeln!(o, "< {status}").unwrap();
    }
    for (name, value) in &response.headers {
        writeln!(o, "< {name}: {value}").unwrap();
    }
    for limit in &response.limits {
        writeln!(o, "< {limit:?}").unwrap();
    }
    if let Some(ms) = response.retry_after_ms {
        writeln!(o, "< retry after {ms} ms").unwrap();
    }
    let whole = body(response.body.as_deref());
    writeln!(o, "< body: {} sent, {} events, {whole}", response.body_bytes, response.events)
        .unwrap();
    let facts = [&response.model, &response.id, &response.finish_reason];
    if facts.iter().any(|fact| fact.is_some()) {
        writeln!(o, "< {facts:?}").unwrap();
    }
    if let Some(text) = &response.text {
        writeln!(o, "< text {text:?}").unwrap();
    }
    if let Some(reasoning) = &response.reasoning {
        writeln!(o, "< reasoning {reasoning:?}").unwrap();
    }
    for call in &response.tool_calls {
        writeln!(o, "< {call:?}").unwrap();
    }
    for choice in &response.other_choices {
        writeln!(o, "< other choice {choice:?}").unwrap();
    }
    out
}

fn body(body: Option<&Body>) -> String {
    let Some(body) = body else { return "none".into() };
    let mut out = format!("{:?}", body.kind);
    for hole in &body.elided {
        let why = if hole.lost { "lost" } else { "dropped" };
        let bytes = hole.bytes.map_or("?".into(), |bytes| bytes.to_string());
        write!(out, ", {bytes} {why} before {}", hole.at).unwrap();
    }
    let bytes = &body.bytes;
    if bytes.len() <= 2000 {
        write!(out, " {}", bytes.escape_ascii()).unwrap();
    } else {
        let (head, tail) = (&bytes[..60], &bytes[bytes.len() - 60..]);
        let (head, tail) = (head.escape_ascii(), tail.escape_ascii());
        write!(out, " {} bytes: {head} ... {tail}", bytes.len()).unwrap();
    }
    out
}

fn millis(time: Timestamp) -> u64 {
    time.0 / 1_000_000
}
