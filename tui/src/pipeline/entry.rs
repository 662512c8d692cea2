//! One exchange on its way to the store and the sinks.

use llmtop_parsers::conversation::ConversationId;
use llmtop_parsers::{BodyKind, Delta, Exchange, Protocol};
use llmtop_probe::ConnId;

use crate::config::Mode;
use crate::store::{ExchangeId, ProcessKey, Record};

/// An exchange that the pipeline works on, until nothing more is decided
/// about it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: ExchangeId,
    pub(super) ulid: String,
    /// Whom it is credited to.
    pub(super) process: ProcessKey,
    pub(super) connection: ConnId,
    pub(super) conversation: Option<ConversationId>,
    pub(super) deltas: u64,
    /// It is the view of its exchange to show, as far as known.
    pub(super) chosen: bool,
    /// It is of the kind that is shown.
    pub(super) wanted: bool,
    /// A sink was told of it.
    pub(super) told: bool,
    /// A sink was told of its end.
    pub(super) reported: bool,
    /// It ended.
    pub(super) ended: bool,
    /// The exchange, while it is not in the store.
    pub(super) kept: Option<Box<Exchange>>,
    /// Deltas that sinks may still have to be told.
    pub(super) untold: Vec<Delta>,
    /// Whether it passes the filter, once that is sure.
    pub(super) passes: Option<bool>,
}

impl Entry {
    /// Whether it belongs into the store now.
    pub(super) fn is_shown(&self) -> bool {
        self.chosen && self.wanted
    }

    pub(super) fn record(&self, exchange: Exchange) -> Record {
        Record {
            id: self.id,
            ulid: self.ulid.clone(),
            process: self.process,
            connection: self.connection,
            conversation: self.conversation,
            exchange,
            deltas: self.deltas,
        }
    }
}

/// Whether a mode shows an exchange, as far as it is known. Once it does, it
/// goes on to.
pub(super) fn is_wanted(mode: Mode, exchange: &Exchange) -> bool {
    match mode {
        Mode::LlmOnly => exchange.dialect.is_some(),
        // Of a WebSocket, there is one only where it carries JSON or cannot be read.
        Mode::Smart => {
            exchange.dialect.is_some()
                || exchange.protocol == Protocol::WebSocket
                || carries_json(exchange)
        }
        Mode::All | Mode::Raw => true,
    }
}

fn carries_json(exchange: &Exchange) -> bool {
    let (request, response) = (&exchange.request, &exchange.response);
    let is_json = |body: &Option<std::sync::Arc<llmtop_parsers::Body>>| {
        body.as_ref().is_some_and(|body| body.kind == BodyKind::Json && !body.bytes.is_empty())
    };
    is_json(&request.body)
        || is_json(&response.body)
        || says_json(&request.headers)
        || says_json(&response.headers)
}

/// What is shown as JSON, though it is sent as something else.
const BECOMES_JSON: &[&str] = &[
    "text/event-stream",
    "application/vnd.amazon.eventstream",
    "application/grpc",
    "application/connect+",
    "application/proto",
    "application/x-protobuf",
];

/// Whether `Content-Type` names JSON, a stream of events, or messages.
fn says_json(headers: &[(String, String)]) -> bool {
    headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type")).any(
        |(_, value)| {
            let value = value.to_ascii_lowercase();
            value.contains("json") || BECOMES_JSON.iter().any(|kind| value.starts_with(kind))
        },
    )
}
