//! HAR 1.2, the HTTP Archive format that browsers' tools read
//! (<http://www.softwareishard.com/blog/har-12-spec/>).
//!
//! Times and sizes that are not known are -1. What HAR has no place for is in `_llmtop`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use llmtop_parsers::{Body, Protocol, Timestamp, redact};
use serde_json::{Value, json};

use super::json::{line, millis, rfc3339};
use crate::store::{Seen, canonical};

/// What comes before the first entry.
pub(super) fn head() -> String {
    let creator = json!({"name": "llmtop", "version": env!("CARGO_PKG_VERSION")});
    format!("{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"entries\":[\n")
}

/// What comes after the last one.
pub(super) const TAIL: &str = "\n]}}\n";

/// An exchange as an entry, on one line.
pub(super) fn entry(seen: &Seen<'_>, show_secrets: bool) -> String {
    let exchange = &seen.record.exchange;
    let timing = &exchange.timing;
    let between = |from: Option<Timestamp>, to: Option<Timestamp>| {
        from.zip(to).map_or(-1.0, |(from, to)| millis(to, from))
    };
    let mut entry = json!({
        "startedDateTime": rfc3339(timing.started),
        "time": between(Some(timing.started), timing.ended),
        "request": request(seen, show_secrets),
        "response": response(seen, show_secrets),
        "cache": {},
        "timings": {
            "blocked": -1, "dns": -1, "connect": -1, "ssl": -1,
            "send": between(Some(timing.started), timing.sent),
            "wait": between(timing.sent, timing.first_byte),
            "receive": between(timing.first_byte, timing.ended),
        },
        "connection": seen.connection.id.0.to_string(),
        "_llmtop": {
            "id": seen.record.ulid,
            "process": {"pid": seen.process.pid, "comm": seen.process.comm},
            "state": exchange.state,
            "provider": exchange.provider,
            "dialect": exchange.dialect,
            "model": exchange.response.model.as_ref().or(exchange.request.model.as_ref()),
            "text": exchange.response.text,
            "usage": exchange.usage,
            "cost": exchange.cost,
            "error": exchange.error,
            "lost_bytes": exchange.lost_bytes,
        },
    });
    if let Some(peer) = seen.connection.endpoint.peer {
        entry["serverIPAddress"] = canonical(peer).ip().to_string().into();
    }
    line(&entry)
}

fn request(seen: &Seen<'_>, show_secrets: bool) -> Value {
    let request = &seen.record.exchange.request;
    let url = seen.url(show_secrets).unwrap_or_default();
    let mut object = json!({
        "method": request.method.as_deref().unwrap_or(""),
        "url": url,
        "httpVersion": version(seen),
        "cookies": [],
        "headers": headers(&request.headers, show_secrets),
        "queryString": query(&url),
        "headersSize": -1,
        "bodySize": request.body_bytes,
    });
    if let Some(body) = request.body.as_deref() {
        let mut data = json!({"mimeType": kind(&request.headers), "params": []});
        fill(&mut data, body);
        object["postData"] = data;
    }
    object
}

fn response(seen: &Seen<'_>, show_secrets: bool) -> Value {
    let response = &seen.record.exchange.response;
    let mut content = json!({
        "size": size(response.body.as_deref(), response.body_bytes),
        "mimeType": kind(&response.headers),
    });
    if let Some(body) = response.body.as_deref() {
        fill(&mut content, body);
    }
    json!({
        "status": response.status.unwrap_or(0),
        "statusText": "",
        "httpVersion": version(seen),
        "cookies": [],
        "headers": headers(&response.headers, show_secrets),
        "content": content,
        "redirectURL": find(&response.headers, "location").map_or_else(String::new, |location| {
            if show_secrets { location.to_owned() } else { redact::url(location).into_owned() }
        }),
        "headersSize": -1,
        "bodySize": response.body_bytes,
    })
}

/// Decoded bytes of a body; -1: unknown.
fn size(body: Option<&Body>, received: u64) -> i64 {
    let Some(body) = body else { return if received > 0 { -1 } else { 0 } };
    let missing: Option<u64> = body.elided.iter().map(|hole| hole.bytes).sum();
    missing.map_or(-1, |missing| (body.bytes.len() as u64).saturating_add(missing) as i64)
}

/// A body as text or, where it is none, as base64.
fn fill(object: &mut Value, body: &Body) {
    match std::str::from_utf8(&body.bytes) {
        Ok(text) => object["text"] = text.into(),
        Err(_) => {
            object["text"] = STANDARD.encode(&body.bytes).into();
            object["encoding"] = "base64".into();
        }
    }
    if !body.is_whole() {
        let known: Option<u64> = body.elided.iter().map(|hole| hole.bytes).sum();
        let size = known.map_or("an unknown number of".to_owned(), |bytes| bytes.to_string());
        object["comment"] = format!("{size} bytes of it are missing").into();
    }
}

fn headers(all: &[(String, String)], show_secrets: bool) -> Value {
    let shown = all.iter().map(|(name, value)| {
        let value = if show_secrets { value.into() } else { redact::header(name, value) };
        json!({"name": name, "value": value})
    });
    shown.collect()
}

/// The parameters of a URL, as they are on the wire.
fn query(url: &str) -> Value {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let query = query.split('#').next().unwrap_or("");
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    parameters
        .map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            json!({"name": name, "value": value})
        })
        .collect()
}

fn version(seen: &Seen<'_>) -> &'static str {
    match seen.record.exchange.protocol {
        Protocol::Http1 => "HTTP/1.1",
        Protocol::Http2 => "HTTP/2",
        Protocol::WebSocket => "WebSocket",
        Protocol::Stdio => "stdio",
    }
}

fn kind(headers: &[(String, String)]) -> &str {
    find(headers, "content-type").unwrap_or("")
}

fn find<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    let mut found = headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
    found.next().map(|(_, value)| value.as_str())
}
