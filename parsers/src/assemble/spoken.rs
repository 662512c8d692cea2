//! Which dialect a request speaks.

use std::borrow::Cow;

use serde_json::Value;

use crate::Exchange;
use crate::framing::content_type;
use crate::llm::{self, Dialect, RequestHead};
use crate::protobuf::{self, Reading};

/// The dialect that is spoken, if any.
#[derive(Clone, Copy)]
pub(super) struct Spoken(Option<&'static dyn Dialect>);

impl std::fmt::Debug for Spoken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Spoken").field(&self.0.map(Dialect::name)).finish()
    }
}

impl Spoken {
    pub(super) fn nothing() -> Self {
        Spoken(None)
    }

    pub(super) fn dialect(self) -> Option<&'static dyn Dialect> {
        self.0
    }

    /// Looks which dialect the exchange's request speaks, and what it asks for;
    /// `body`: of its JSON, once that is there.
    pub(super) fn recognise(&mut self, exchange: &mut Exchange, body: Option<&Value>) {
        let request = &exchange.request;
        let path_and_query = path_and_query(exchange);
        let target = match (path_and_query, body) {
            (Some(target), _) => target,
            // Said before this was joined: the body alone can tell.
            (None, Some(_)) => "",
            (None, None) => return,
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let rest_path = rest_path(path, body, exchange);
        let host = host(request.authority.as_deref().unwrap_or_default());
        let head = RequestHead {
            method: request.method.as_deref().unwrap_or(if body.is_some() { "POST" } else { "" }),
            path: &rest_path,
            query,
            host: &host,
            headers: &request.headers,
        };
        let Some((dialect, recognised)) = llm::recognise(&head, body) else {
            // The body knows better than the path.
            if body.is_some() {
                self.0 = None;
                exchange.dialect = None;
                exchange.provider = None;
                exchange.operation = None;
            }
            return;
        };
        let facts = body.map(|body| dialect.request(&head, body));
        let method_unknown = path.is_empty() && !rest_path.is_empty();
        self.0 = Some(dialect);
        exchange.dialect = Some(dialect.name());
        exchange.provider = recognised.provider;
        exchange.operation = (!method_unknown).then_some(recognised.operation);
        if let Some(facts) = facts {
            exchange.request.model = facts.model;
            exchange.request.stream = facts.stream.filter(|_| !method_unknown);
        }
    }
}

/// How messages of Protocol Buffers in a request are read.
pub(super) fn reading_of_request(exchange: &Exchange) -> Reading {
    let Some(path) = path_and_query(exchange) else { return Reading::AnyRequest };
    protobuf::method(path).map_or(Reading::Tree, |(method, _)| Reading::As(method.request))
}

/// The same for its response.
pub(super) fn reading_of_response(exchange: &Exchange) -> Reading {
    let Some(path) = path_and_query(exchange) else {
        return Reading::AnyResponse { asked: exchange.dialect == Some("google.gemini") };
    };
    protobuf::method(path).map_or(Reading::Tree, |(method, _)| Reading::As(method.response))
}

/// The request's target without scheme and authority.
pub(super) fn path_and_query(exchange: &Exchange) -> Option<&str> {
    let target = exchange.request.target.as_deref()?;
    Some(match target.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
        None => target,
    })
}

/// The path as the REST API of the same service would have it, where a method
/// of gRPC is called; otherwise as it is.
fn rest_path<'a>(path: &'a str, body: Option<&Value>, exchange: &Exchange) -> Cow<'a, str> {
    let model = body.and_then(|body| body.get("model")).and_then(Value::as_str);
    if let Some((method, version)) = protobuf::method(path) {
        return method.rest_path(version, model.unwrap_or_default()).into();
    }
    let content_type = llm::header(&exchange.request.headers, "content-type").unwrap_or_default();
    let is_messages = content_type::messages(content_type).is_some() || content_type.is_empty();
    match model.filter(|_| path.is_empty() && is_messages) {
        // Only what was read as one of its messages has both.
        Some(model) if body.is_some_and(|body| body.get("contents").is_some()) => {
            format!("/v1beta/{model}:generateContent").into()
        }
        _ => path.into(),
    }
}

/// The host of an authority, lower case, without port.
pub(super) fn host(authority: &str) -> String {
    let host = match authority.rsplit_once(':') {
        // An IPv6 address has colons of its own, inside brackets.
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    };
    host.to_ascii_lowercase()
}
