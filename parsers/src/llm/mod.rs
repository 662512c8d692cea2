//! The API shapes ("dialects") of language models.
//!
//! A dialect is one file: what it recognises, and how a request, a stream
//! event and a whole response are read. [`DIALECTS`] is the one table of them.

use serde_json::Value;

use crate::{ApiError, Cost, DeltaKind, ToolCall, Usage};

/// What is known of a request when its dialect is told.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// HTTP method.
    pub method: &'a str,
    /// Path without the query, percent-encoding as on the wire.
    pub path: &'a str,
    /// Query without the `?`.
    pub query: &'a str,
    /// Host without the port, lower case; empty if unknown.
    pub host: &'a str,
    /// Names as sent; compare without case.
    pub headers: &'a [(String, String)],
}

/// One API shape.
pub trait Dialect: Sync {
    /// Its name in the JSON contract: `openai.chat`.
    fn name(&self) -> &'static str;

    /// Whether a request speaks it, and what for. Asked once with the head
    /// alone (`body` is `None`) and again when the body is there. Path and
    /// body shape decide; the host only breaks ties and names the provider.
    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised>;

    /// Reads a request's body.
    fn request(&self, head: &RequestHead<'_>, body: &Value) -> RequestFacts;

    /// Reads one event of a streamed response. `name` is the SSE event name
    /// (empty if none), `data` its data.
    fn event(&self, name: &str, data: &str, answer: &mut Answer);

    /// Reads a whole response, or the body of an error.
    fn response(&self, body: &Value, answer: &mut Answer);

    /// The request's messages, as the conversation view shows them.
    fn messages(&self, body: &Value) -> Vec<Message>;
}

/// Every dialect, the more particular first.
pub static DIALECTS: &[&dyn Dialect] = &[];

/// The answer to [`Dialect::recognise`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// OpenTelemetry's `gen_ai.provider.name`.
    pub provider: Option<&'static str>,
    /// OpenTelemetry's `gen_ai.operation.name`.
    pub operation: &'static str,
}

/// What a request's body says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestFacts {
    /// The model asked for.
    pub model: Option<String>,
    /// Whether a streamed answer was asked for.
    pub stream: Option<bool>,
}

/// An answer being put together. A dialect adds what it reads; the driver
/// takes the deltas and, at the end, the whole.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The model that answers.
    pub model: Option<String>,
    /// The API's id.
    pub id: Option<String>,
    /// Why it ended.
    pub finish_reason: Option<String>,
    /// Text of the choices, by index.
    pub choices: Vec<String>,
    /// Reasoning of the first choice.
    pub reasoning: Option<String>,
    /// Tool calls, in order of appearance.
    pub tool_calls: Vec<ToolCall>,
    /// Usage as reported so far, already normalised.
    pub usage: Usage,
    /// Cost, where the API reports it.
    pub cost: Option<Cost>,
    /// The API's error.
    pub error: Option<ApiError>,
    /// The stream said that it is over.
    pub done: bool,
    /// Added since the driver last took them.
    pub deltas: Vec<(DeltaKind, String)>,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// `system`, `user`, `assistant`, `tool`, or the API's own word.
    pub role: String,
    /// Its parts, in order.
    pub parts: Vec<Part>,
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Text.
    Text(String),
    /// Reasoning.
    Reasoning(String),
    /// A call the model asked for.
    ToolCall(ToolCall),
    /// What the tool returned.
    ToolResult {
        /// The call's id.
        id: Option<String>,
        /// What it returned, as text.
        text: String,
        /// The tool failed.
        error: bool,
    },
    /// Anything else (an image, a file): what it is, and how many bytes.
    Other {
        /// Its type, in the API's words.
        kind: String,
        /// Bytes as sent.
        bytes: u64,
    },
}
