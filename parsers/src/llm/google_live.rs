//! `google.live`: Gemini's Live API (`BidiGenerateContent`) over a WebSocket, of
//! the Gemini API and of Vertex AI. Speech is told by its transcription; audio
//! is not text.
//!
//! <https://ai.google.dev/api/live>

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use super::answer::{Answer, Slot, SlotKind};
use super::google_gemini::{audio, served};
use super::message::{Message, Part};
use super::{Dialect, Recognised, RequestFacts, RequestHead, Turn, TurnPart, json};
use crate::Role;
use crate::usage::{Convention, Reported};

/// See the module.
#[derive(Debug)]
pub(super) struct GoogleLive;

impl Dialect for GoogleLive {
    fn name(&self) -> &'static str {
        "google.live"
    }

    /// No HTTP request asks a model.
    fn recognise(&self, _head: &RequestHead<'_>, _body: Option<&Value>) -> Option<Recognised> {
        None
    }

    /// The model is the session's.
    fn request(&self, _head: &RequestHead<'_>, _body: &Value) -> RequestFacts {
        RequestFacts { model: None, stream: Some(true) }
    }

    fn event(&self, _name: &str, data: &str, answer: &mut Answer) {
        if let Some(message) = json::object(data) {
            read(&message, answer);
        }
    }

    /// A message that is all of an answer.
    fn response(&self, body: &Value, answer: &mut Answer) {
        read(body, answer);
        answer.error = json::error(body).or(answer.error.take());
        answer.done = true;
    }

    fn turn<'a>(&self, head: &RequestHead<'_>, from: Role, message: &'a Value) -> Option<Turn<'a>> {
        let known = head.path.contains("BidiGenerateContent");
        let members = message.as_object()?;
        let ours = |(camel, snake): &&(&str, &str)| {
            members.contains_key(*camel) || members.contains_key(*snake)
        };
        let of = match from {
            Role::Client => CLIENT,
            Role::Server => SERVER,
        };
        // One member says what a message is; the usage may come beside it.
        let (kind, _) = match of.iter().find(ours) {
            Some(kind) => kind,
            None if known => return Some(Turn::new(TurnPart::Beside)),
            None => return None,
        };
        // Where only the shape tells, what is said must be as it would be said.
        let model = message.pointer("/setup/model").and_then(Value::as_str);
        let is_setup = *kind != "setup" || model.is_some_and(|model| model.contains("models/"));
        if !known && (members.len() > 2 || !is_setup) {
            return None;
        }
        Some(match from {
            Role::Client => asked(kind, message),
            Role::Server => {
                let part = match *kind {
                    "serverContent" | "toolCall" => TurnPart::MayBegin,
                    _ => TurnPart::Beside,
                };
                let complete = member(message, "setupComplete", "setup_complete");
                let session =
                    complete.and_then(|complete| member(complete, "sessionId", "session_id"));
                Turn { session: session.and_then(Value::as_str), ..Turn::new(part) }
            }
        })
    }

    /// A question says what is new.
    fn keeps_history(&self) -> bool {
        true
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        let one = std::slice::from_ref(body);
        body.as_array().map_or(one, Vec::as_slice).iter().flat_map(said).collect()
    }
}

/// Reads a message of the server.
fn read(message: &Value, answer: &mut Answer) {
    if let Some(usage) = member(message, "usageMetadata", "usage_metadata") {
        answer.reported.merge(reported(usage));
        served(usage, answer);
    }
    if let Some(call) = member(message, "toolCall", "tool_call") {
        for call in members(call, "functionCalls", "function_calls") {
            read_call(call, answer);
        }
    }
    let Some(content) = member(message, "serverContent", "server_content") else { return };
    if let Some(turn) = member(content, "modelTurn", "model_turn") {
        for part in json::array(turn, "parts") {
            let thought = part.get("thought").and_then(Value::as_bool) == Some(true);
            let kind = if thought { SlotKind::Reasoning } else { SlotKind::Text };
            let text = json::text(part, "text").unwrap_or_default();
            answer.add(Slot::of_item(0, kind), text);
        }
    }
    if let Some(speech) = member(content, "outputTranscription", "output_transcription") {
        let text = json::text(speech, "text").unwrap_or_default();
        answer.add(Slot::of_item(0, SlotKind::Text), text);
    }
    let says = |camel, snake| member(content, camel, snake).and_then(Value::as_bool) == Some(true);
    if says("interrupted", "interrupted") {
        answer.finish_reason = Some("interrupted".to_owned());
    }
    if says("turnComplete", "turn_complete") {
        let why = member(content, "turnCompleteReason", "turn_complete_reason");
        let why = why.and_then(Value::as_str).unwrap_or("turnComplete");
        answer.finish_reason.get_or_insert_with(|| why.to_owned());
        answer.done = true;
    }
}

/// The members that tell what a client's message is, in camel and snake case.
const CLIENT: &[(&str, &str)] = &[
    ("setup", "setup"),
    ("clientContent", "client_content"),
    ("realtimeInput", "realtime_input"),
    ("toolResponse", "tool_response"),
];

/// Those of a server's.
const SERVER: &[(&str, &str)] = &[
    ("serverContent", "server_content"),
    ("toolCall", "tool_call"),
    ("setupComplete", "setup_complete"),
    ("toolCallCancellation", "tool_call_cancellation"),
    ("usageMetadata", "usage_metadata"),
    ("goAway", "go_away"),
    ("sessionResumptionUpdate", "session_resumption_update"),
];

fn asked<'a>(kind: &str, message: &'a Value) -> Turn<'a> {
    match kind {
        "setup" => {
            let model = message.pointer("/setup/model").and_then(Value::as_str);
            let model = model.map(|model| model.rsplit_once("models/").map_or(model, |(_, id)| id));
            Turn { model, ..Turn::new(TurnPart::Adds) }
        }
        "clientContent" => {
            let content = member(message, "clientContent", "client_content");
            let over = content
                .and_then(|content| member(content, "turnComplete", "turn_complete"))
                .and_then(Value::as_bool);
            Turn::new(if over == Some(true) { TurnPart::Asks } else { TurnPart::Adds })
        }
        "realtimeInput" => {
            let input = member(message, "realtimeInput", "realtime_input");
            let has = |keys: &[&str]| {
                input.is_some_and(|input| keys.iter().any(|key| input.get(key).is_some()))
            };
            Turn::new(if has(&["audio", "video", "mediaChunks", "media_chunks"]) {
                TurnPart::Feeds
            } else if has(&["text"]) {
                TurnPart::Adds
            } else {
                TurnPart::Beside
            })
        }
        _ => Turn::new(TurnPart::Continues),
    }
}

/// What a message of a client adds to the conversation.
fn said(message: &Value) -> Vec<Message> {
    let mut messages = Vec::new();
    if let Some(setup) = message.get("setup")
        && let Some(system) = member(setup, "systemInstruction", "system_instruction")
    {
        messages.push(content("system", system));
    }
    if let Some(said) = member(message, "clientContent", "client_content") {
        for turn in json::array(said, "turns") {
            messages.push(content(json::text(turn, "role").unwrap_or("user"), turn));
        }
    }
    if let Some(input) = member(message, "realtimeInput", "realtime_input")
        && let Some(text) = json::owned(input, "text")
    {
        messages.push(Message::new("user", vec![Part::Text(text)]));
    }
    if let Some(response) = member(message, "toolResponse", "tool_response") {
        for result in members(response, "functionResponses", "function_responses") {
            let text = result.get("response").map(json::as_text).unwrap_or_default();
            let id = json::owned(result, "id");
            let part = Part::ToolResult { id, text, error: false };
            messages.push(Message::new("tool", vec![part]));
        }
    }
    messages
}

fn content(role: &str, content: &Value) -> Message {
    let role = if role == "model" { "assistant" } else { role };
    let part = |part: &Value| match json::owned(part, "text") {
        Some(text) => Part::Text(text),
        None => {
            let kind = part.as_object().and_then(|part| part.keys().next());
            let kind = kind.map_or("unknown", String::as_str).to_owned();
            Part::Other { kind, bytes: json::size(part) }
        }
    };
    Message::new(role, json::array(content, "parts").iter().map(part).collect())
}

/// A call comes whole, with an id.
fn read_call(call: &Value, answer: &mut Answer) {
    let (id, name) = (json::text(call, "id"), json::text(call, "name"));
    let arguments = call.get("args").map(json::as_text).unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    match id {
        Some(id) => id.hash(&mut hasher),
        None => (name, &arguments).hash(&mut hasher),
    }
    let slot = Slot::of_item(hasher.finish(), SlotKind::ToolCall);
    answer.call(slot, id, name);
    answer.replace(slot, &arguments);
}

/// As Gemini counts, but what answers are is a response here, not candidates.
fn reported(usage: &Value) -> Reported {
    let count = |camel, snake| json::count(usage, camel).or_else(|| json::count(usage, snake));
    // What tools add to the prompt is counted beside it.
    let tools = count("toolUsePromptTokenCount", "tool_use_prompt_token_count");
    let prompt = count("promptTokenCount", "prompt_token_count");
    Reported {
        convention: Convention::GEMINI,
        input: prompt.map(|prompt| prompt.saturating_add(tools.unwrap_or(0))),
        output: count("responseTokenCount", "response_token_count")
            .or_else(|| count("candidatesTokenCount", "candidates_token_count")),
        cache_read: count("cachedContentTokenCount", "cached_content_token_count"),
        reasoning: count("thoughtsTokenCount", "thoughts_token_count"),
        input_audio: audio(member(usage, "promptTokensDetails", "prompt_tokens_details")),
        cached_audio: audio(member(usage, "cacheTokensDetails", "cache_tokens_details")),
        output_audio: audio(member(usage, "responseTokensDetails", "response_tokens_details")),
        ..Reported::default()
    }
}

fn member<'a>(value: &'a Value, camel: &str, snake: &str) -> Option<&'a Value> {
    value.get(camel).or_else(|| value.get(snake))
}

fn members<'a>(value: &'a Value, camel: &str, snake: &str) -> &'a [Value] {
    member(value, camel, snake).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
