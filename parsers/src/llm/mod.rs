//! The API shapes ("dialects") of language models.
//!
//! A dialect is one file: what it recognises, and how a request, a stream
//! event and a whole response are read. [`DIALECTS`] is the one table of them;
//! `docs/adding-a-dialect.md` adds one, step by step.
//!
//! Who drives a dialect asks [`recognise`], then hands it the request's body,
//! then each event of a stream ([`Dialect::event`]) or the whole response
//! ([`Dialect::response`]) with one [`Answer`] an exchange, takes
//! [`Answer::deltas`] as they come, and copies what is known into the exchange
//! with [`Answer::fill`]. When the exchange is over,
//! [`usage::settle`](crate::usage::settle) supplies what was not reported.

mod a2a;
mod answer;
mod anthropic_complete;
mod anthropic_messages;
mod anthropic_usage;
pub(crate) mod bedrock;
mod bedrock_converse;
mod bedrock_invoke;
mod cohere_chat;
mod cohere_classify;
mod cohere_embed;
mod cohere_rerank;
mod cohere_usage;
mod cursor_chat;
mod gemini_message;
mod google_error;
mod google_gemini;
mod google_interactions;
mod google_live;
mod json;
pub(crate) mod jsonrpc;
mod llamacpp_completion;
mod mcp;
mod message;
mod mistral_conversations;
mod ollama_chat;
mod ollama_embed;
mod ollama_generate;
mod openai_chat;
mod openai_completions;
mod openai_embeddings;
mod openai_limits;
mod openai_realtime;
mod openai_responses;
mod openai_socket;
mod parse;
pub mod provider;
mod repeat;
mod socket;
mod tgi_generate;

pub(crate) use json::{percent_decoded, unmarked_error};

pub use answer::{Answer, Slot, SlotKind};
pub use message::{Message, Part};
pub use parse::parse;
pub(crate) use repeat::Repeat;
pub use socket::{Turn, TurnPart};

use serde_json::Value;

use crate::Role;
use crate::usage::Reported;

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

impl RequestHead<'_> {
    /// The first header of this name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(self.headers, name)
    }
}

/// One API shape.
pub trait Dialect: Sync {
    /// Its name in the JSON contract: `openai.chat`.
    fn name(&self) -> &'static str;

    /// Whether a request speaks it, and what for. Asked once with the head
    /// alone (`body` is `None`) and again when the body is there: the second
    /// answer holds. Path and body shape decide; the host only breaks ties and
    /// names the provider.
    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised>;

    /// Whether a model answers, so that tokens are used: else none are
    /// estimated.
    fn is_model(&self) -> bool {
        true
    }

    /// Whether it is how servers on one's own machine speak, so that nobody is paid by the
    /// token, unless the provider is known.
    fn is_local(&self) -> bool {
        false
    }

    /// Reads a request's body.
    fn request(&self, head: &RequestHead<'_>, body: &Value) -> RequestFacts;

    /// Reads one event of a streamed response. `name` is the SSE event name
    /// (empty if none), `data` its data.
    fn event(&self, name: &str, data: &str, answer: &mut Answer);

    /// Reads a whole response, or the body of an error.
    fn response(&self, body: &Value, answer: &mut Answer);

    /// What it is usually spoken for: OpenTelemetry's `gen_ai.operation.name`
    /// of an exchange whose request was not seen.
    fn usual_operation(&self) -> &'static str {
        "chat"
    }

    /// Whether a response, or an event of one, can only be of this shape:
    /// asked where its request was not seen, as on a connection that was
    /// joined midway.
    fn answers(&self, value: &Value) -> bool {
        let _ = value;
        false
    }

    /// What a message on a WebSocket is to the exchanges there. `head`: the
    /// handshake's, empty where it was not seen. `None`: nothing of this API,
    /// or it does not use WebSockets. What [`request`](Self::request) and
    /// [`messages`](Self::messages) are then asked about is the message that
    /// asks, or, after others that add to it, an array of them all. Whose part of an
    /// answer is does not depend on the text that it adds.
    fn turn<'a>(&self, head: &RequestHead<'_>, from: Role, message: &'a Value) -> Option<Turn<'a>> {
        let _ = (head, from, message);
        None
    }

    /// Whether the server remembers what was said on a WebSocket, so that a
    /// request does not repeat it: all exchanges there are one conversation.
    fn keeps_history(&self) -> bool {
        false
    }

    /// The request's messages, as the conversation view shows them.
    fn messages(&self, body: &Value) -> Vec<Message>;
}

/// Every dialect, the more particular first.
pub static DIALECTS: &[&dyn Dialect] = &[
    &mcp::Mcp,
    &a2a::A2a,
    &google_gemini::GoogleGemini,
    &google_interactions::GoogleInteractions,
    &ollama_chat::OllamaChat,
    &ollama_generate::OllamaGenerate,
    &ollama_embed::OllamaEmbed,
    &cohere_chat::CohereChat,
    &cohere_embed::CohereEmbed,
    &cohere_rerank::CohereRerank,
    &cohere_classify::CohereClassify,
    &mistral_conversations::MistralConversations,
    &llamacpp_completion::LlamaCppCompletion,
    &tgi_generate::TgiGenerate,
    &anthropic_complete::AnthropicComplete,
    &openai_completions::OpenAiCompletions,
    &openai_embeddings::OpenAiEmbeddings,
    &anthropic_messages::AnthropicMessages,
    &bedrock_converse::BedrockConverse,
    &cursor_chat::CursorChat,
    &openai_realtime::OpenAiRealtime,
    &openai_responses::OpenAiResponses,
    &openai_chat::OpenAiChat,
    &bedrock_invoke::BedrockInvoke,
    &google_live::GoogleLive,
];

/// The dialect a request speaks: the first of [`DIALECTS`] that knows it.
pub fn recognise(
    head: &RequestHead<'_>,
    body: Option<&Value>,
) -> Option<(&'static dyn Dialect, Recognised)> {
    DIALECTS.iter().find_map(|dialect| Some((*dialect, dialect.recognise(head, body)?)))
}

/// The dialect of a response, or of an event of one, whose request was not
/// seen.
pub fn recognise_answer(value: &Value) -> Option<&'static dyn Dialect> {
    DIALECTS.iter().find(|dialect| dialect.answers(value)).copied()
}

/// The dialect of this name.
pub fn by_name(name: &str) -> Option<&'static dyn Dialect> {
    DIALECTS.iter().find(|dialect| dialect.name() == name).copied()
}

/// The answer to [`Dialect::recognise`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// OpenTelemetry's `gen_ai.provider.name`; see [`provider`] for what it
    /// takes to be named.
    pub provider: Option<&'static str>,
    /// OpenTelemetry's `gen_ai.operation.name`.
    pub operation: &'static str,
}

/// The tools on offer, where a request holds them: as a member, or in what Code
/// Assist puts around it.
pub(crate) fn tools(body: &Value) -> Option<&Value> {
    body.get("tools").or_else(|| body.pointer("/request/tools"))
}

/// Figures that only the head of an answer tells.
pub(crate) fn counted_by_headers(headers: &[(String, String)]) -> Option<Reported> {
    bedrock::counted_by_headers(headers).or_else(|| tgi_generate::counted_by_headers(headers))
}

/// What the fields around an answer tell of its error, beside what its body does.
pub(crate) fn told_by_fields(fields: &[(String, String)], answer: &mut Answer) {
    google_error::read_fields(fields, answer);
}

/// What a request's body says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestFacts {
    /// The model asked for.
    pub model: Option<String>,
    /// Whether a streamed answer was asked for.
    pub stream: Option<bool>,
}

/// The first header of this name, whatever its case.
pub(crate) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// Compiles and runs the code of the page that says how to add a dialect.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/adding-a-dialect.md")]
pub struct AddingADialect;
