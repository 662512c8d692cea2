//! An exchange with all that is told of it.

use std::net::SocketAddr;

use llmtop_parsers::llm::{self, Message};
use llmtop_parsers::{Body, BodyKind, Protocol, redact};
use llmtop_probe::{Process, Tls};

use super::{Connection, Record, Store};

/// An exchange with all that is told of it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The exchange.
    pub record: &'a Record,
    /// What carried it.
    pub connection: &'a Connection,
    /// Whom it is credited to.
    pub process: &'a Process,
    /// The process at the other end, where it is on this machine.
    pub peer_process: Option<&'a Process>,
}

impl<'a> Seen<'a> {
    /// A record of the store with the rest of what the store knows of it.
    pub fn of(store: &'a Store, record: &'a Record) -> Option<Self> {
        let connection = store.connection(record.connection)?;
        let process = &*store.process(record.process)?.process;
        let peer_process = if record.process == connection.process {
            connection.peer_process.as_deref()
        } else {
            store.process(connection.process).map(|own| &*own.process)
        };
        Some(Seen { record, connection, process, peer_process })
    }

    /// Whether the exchange is credited to the process whose connection it is.
    pub fn is_own(&self) -> bool {
        self.record.process == self.connection.process
    }

    /// The URL of the request, as its client would have written it; `None`
    /// where no target was seen. Its credentials are redacted unless
    /// `show_secrets`.
    pub fn url(&self, show_secrets: bool) -> Option<String> {
        let request = &self.record.exchange.request;
        let target = request.target.as_deref()?;
        let whole = if !target.starts_with('/') {
            target.to_owned()
        } else {
            let socket = self.record.exchange.protocol == Protocol::WebSocket;
            let scheme = match (self.connection.tls, socket) {
                (Tls::None, false) => "http",
                (_, false) => "https",
                (Tls::None, true) => "ws",
                (_, true) => "wss",
            };
            format!("{scheme}://{}{target}", self.host()?)
        };
        Some(if show_secrets { whole } else { redact::url(&whole).into_owned() })
    }

    /// Whom the request names as its host, or who is at the other end.
    pub fn host(&self) -> Option<String> {
        let endpoint = &self.connection.endpoint;
        if self.record.exchange.protocol == Protocol::Stdio {
            let server = if self.is_own() { self.process } else { self.peer_process? };
            return Some(format!("stdio of {}", server.comm));
        }
        let named = self.record.exchange.request.authority.clone();
        named
            .or_else(|| endpoint.server_name.clone())
            .or_else(|| endpoint.peer.map(|peer| canonical(peer).to_string()))
    }
}

/// An address as people write it: IPv4 also where it came mapped into IPv6
/// (RFC 4291, section 2.5.5.2).
pub fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// The messages of a request's body in a dialect. `None`: there are none, or
/// the body is not whole, but for what it does without (audio). Costs a parse.
pub fn messages(dialect: &str, body: &Body) -> Option<Vec<Message>> {
    let dialect = llm::by_name(dialect)?;
    if body.kind != BodyKind::Json {
        return None;
    }
    let value = serde_json::from_slice(&body.bytes).ok()?;
    Some(dialect.messages(&value))
}
