//! How a WebSocket came to be.

use super::super::spoken::{host, path_and_query};
use crate::llm::{RequestHead, provider};
use crate::websocket::Extensions;
use crate::{Exchange, Request};

/// The pseudo-header field that says what a CONNECT is for (RFC 8441 section 4).
pub(in crate::assemble) const PROTOCOL: &str = ":protocol";

/// What the handshake of a WebSocket says of all that follows.
#[derive(Clone, Debug, Default)]
pub(in crate::assemble) struct Handshake {
    /// Method, target, authority and headers. Empty where it was not seen.
    pub(super) request: Request,
    /// Path and query.
    target: String,
    host: String,
    /// Who serves it, as far as hosts and headers tell.
    pub(super) provider: Option<&'static str>,
    pub(super) extensions: Extensions,
}

impl Handshake {
    /// Of the exchange that made a WebSocket, over HTTP/1.1 (RFC 6455 section
    /// 4) or HTTP/2 (RFC 8441).
    pub(in crate::assemble) fn of(exchange: &Exchange) -> Self {
        let (asked, answered) = (&exchange.request, &exchange.response);
        let request = Request {
            method: asked.method.clone(),
            target: asked.target.clone(),
            authority: asked.authority.clone(),
            headers: asked.headers.clone(),
            ..Request::default()
        };
        let accepted = answered
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-extensions"))
            .map(|(_, value)| value.as_str());
        let host = host(request.authority.as_deref().unwrap_or_default());
        Handshake {
            provider: provider::of_host(&host).or_else(|| provider::of_response(&answered.headers)),
            extensions: Extensions::accepted(accepted),
            target: path_and_query(exchange).unwrap_or_default().to_owned(),
            request,
            host,
        }
    }

    /// The same, if the exchange is an extended CONNECT for one.
    pub(in crate::assemble) fn of_stream(exchange: &Exchange) -> Option<Self> {
        let asks = |(name, value): &(String, String)| {
            name == PROTOCOL && value.eq_ignore_ascii_case("websocket")
        };
        exchange.request.headers.iter().any(asks).then(|| Handshake::of(exchange))
    }

    /// As a dialect is asked.
    pub(super) fn head(&self) -> RequestHead<'_> {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        RequestHead {
            method: self.request.method.as_deref().unwrap_or_default(),
            path,
            query,
            host: &self.host,
            headers: &self.request.headers,
        }
    }
}
