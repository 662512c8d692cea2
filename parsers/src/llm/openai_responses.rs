//! `openai.responses`: OpenAI's Responses API, as Codex, Azure, x.ai and
//! gateways speak it too.

use serde_json::Value;

use super::answer::{Answer, Slot, SlotKind};
use super::message::{Message, Part};
use super::openai_limits::{is_limits, limits, told_beside};
use super::{Dialect, Recognised, RequestFacts, RequestHead, Turn};
use super::{json, openai_chat, openai_socket, provider};
use crate::usage::{Convention, Reported};
use crate::{ApiError, Role, ToolCall};

/// See the module.
#[derive(Debug)]
pub(super) struct OpenAiResponses;

impl Dialect for OpenAiResponses {
    fn name(&self) -> &'static str {
        "openai.responses"
    }

    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised> {
        if head.method != "POST" {
            return None;
        }
        let path = head.path.trim_end_matches('/');
        let counted = path.strip_suffix("/input_tokens");
        let path = counted.or_else(|| path.strip_suffix("/compact")).unwrap_or(path);
        let by_path = path.ends_with("/responses");
        let provider = provider::of_host(head.host);
        let known = match body {
            // Others have "responses" too: the head alone must say more.
            None => {
                by_path
                    && (["/v1/responses", "/codex/responses", "/openai/responses"]
                        .iter()
                        .any(|ending| path.ends_with(ending))
                        || provider.is_some())
            }
            Some(body) if by_path => {
                let asks = ["input", "prompt", "previous_response_id", "conversation"];
                let model = json::text(body, "model").is_some() || body.get("prompt").is_some();
                (model && asks.iter().any(|key| body.get(key).is_some()))
                    || (body.is_object() && provider.is_some())
            }
            Some(body) => is_ours(body),
        };
        let operation = if counted.is_some() { "count_tokens" } else { "chat" };
        known.then_some(Recognised { provider, operation })
    }

    fn request(&self, _head: &RequestHead<'_>, body: &Value) -> RequestFacts {
        RequestFacts { model: json::owned(body, "model"), stream: Some(json::flag(body, "stream")) }
    }

    fn event(&self, name: &str, data: &str, answer: &mut Answer) {
        if data.trim() == "[DONE]" {
            answer.done = true;
            return;
        }
        let Some(event) = json::object(data) else {
            return;
        };
        let kind = json::text(&event, "type").unwrap_or(name);
        if let Some((slot_kind, part)) = part_of(kind) {
            let slot = Slot {
                choice: 0,
                item: json::count(&event, "output_index").unwrap_or(0),
                part: json::count(&event, part).unwrap_or(0),
                kind: slot_kind,
            };
            if kind.ends_with(".delta") {
                answer.add(slot, json::text(&event, "delta").unwrap_or_default());
            } else if let Some(whole) = ["text", "refusal", "arguments", "input", "code"]
                .iter()
                .find_map(|key| event.get(key)?.as_str())
            {
                answer.replace(slot, whole);
            }
            return;
        }
        told_beside(&event, answer);
        match kind {
            "response.created" | "response.queued" | "response.in_progress" => {
                if let Some(response) = event.get("response") {
                    read_head(response, answer);
                }
            }
            "response.output_item.added" | "response.output_item.done" => {
                let index = json::count(&event, "output_index").unwrap_or(0);
                if let Some(item) = event.get("item") {
                    read_item(item, index, kind.ends_with(".done"), answer);
                }
            }
            "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled"
            | "response.done" => {
                if let Some(response) = event.get("response") {
                    self.response(response, answer);
                }
                answer.done = true;
            }
            kind if is_limits(kind) => answer.limits = limits(&event),
            _ => {
                let flat = kind == "error" && !event.get("error").is_some_and(Value::is_object);
                let error = if flat { Some(json::error_of(&event)) } else { json::error(&event) };
                if error.is_some() {
                    answer.error = error;
                }
            }
        }
    }

    fn response(&self, body: &Value, answer: &mut Answer) {
        told_beside(body, answer);
        read_head(body, answer);
        let output = json::array(body, "output");
        // Codex sends an empty list: then the items' own events hold.
        if !output.is_empty() {
            answer.restart();
            for (index, item) in output.iter().enumerate() {
                read_item(item, index as u64, true, answer);
            }
        }
        if json::flag(body, "background")
            && matches!(json::text(body, "status"), Some("queued" | "in_progress"))
        {
            let detail = "it runs in the background: its answer and what it takes are asked for \
                          later, and are in no figure";
            answer.note("background", detail);
        }
        own_tools(output, answer);
        answer.done = true;
    }

    fn answers(&self, value: &Value) -> bool {
        let event = json::text(value, "type").is_some_and(|kind| kind.starts_with("response."));
        let numbered = json::count(value, "sequence_number").is_some();
        json::text(value, "object") == Some("response") || (event && numbered)
    }

    /// Over a WebSocket, the messages are the body of a request
    /// (`response.create`), or what continues one, and the events of a stream.
    fn turn<'a>(&self, head: &RequestHead<'_>, from: Role, message: &'a Value) -> Option<Turn<'a>> {
        openai_socket::turn(head, from, message)
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        let instructions = json::text(body, "instructions")
            .map(|text| Message::new("system", vec![Part::Text(text.to_owned())]));
        let input = match body.get("input") {
            Some(Value::String(text)) => vec![Message::new("user", vec![Part::Text(text.clone())])],
            Some(Value::Array(items)) => items.iter().map(message).collect(),
            _ => Vec::new(),
        };
        instructions.into_iter().chain(input).collect()
    }
}

/// Says which of the provider's own tools were called that are paid for by the call, the
/// container or the picture.
fn own_tools(output: &[Value], answer: &mut Answer) {
    let paid =
        ["web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call"];
    let is = |kind: &&&str| output.iter().any(|item| json::text(item, "type") == Some(kind));
    let called: Vec<_> =
        paid.iter().filter(is).filter_map(|kind| kind.strip_suffix("_call")).collect();
    if !called.is_empty() {
        answer.called(&called.join(", "));
    }
}

/// Body members that no other API combines.
fn is_ours(body: &Value) -> bool {
    let items = json::array(body, "input");
    let of_ours = |item: &Value| {
        json::text(item, "role").is_some()
            || json::text(item, "type") == Some("function_call_output")
    };
    json::text(body, "model").is_some()
        && ((!items.is_empty() && items.iter().any(of_ours))
            || (body.get("input").is_some_and(Value::is_string)
                && ["instructions", "previous_response_id", "max_output_tokens"]
                    .iter()
                    .any(|key| body.get(key).is_some_and(|value| !value.is_null()))))
}

/// What an event of a part's content adds to, and the member that numbers the
/// part.
fn part_of(kind: &str) -> Option<(SlotKind, &'static str)> {
    let content = kind.strip_suffix(".delta").or_else(|| kind.strip_suffix(".done"))?;
    match content {
        "response.output_text" | "response.audio.transcript" => {
            Some((SlotKind::Text, "content_index"))
        }
        "response.refusal" => Some((SlotKind::Refusal, "content_index")),
        "response.reasoning_text" => Some((SlotKind::Reasoning, "content_index")),
        "response.reasoning_summary_text" => Some((SlotKind::Summary, "summary_index")),
        "response.function_call_arguments"
        | "response.custom_tool_call_input"
        | "response.code_interpreter_call_code"
        | "response.mcp_call_arguments" => Some((SlotKind::ToolCall, "part")),
        _ => None,
    }
}

/// All of a response but its output.
fn read_head(response: &Value, answer: &mut Answer) {
    answer.id = json::owned(response, "id").or(answer.id.take());
    answer.model = json::owned(response, "model").or(answer.model.take());
    answer.served(json::text(response, "service_tier"));
    if let Some(usage) = response.get("usage").filter(|usage| usage.is_object()) {
        answer.reported.merge(reported(usage));
        answer.cost = openai_chat::cost(usage).or(answer.cost);
    }
    if let Some(error) = response.get("error").filter(|error| !error.is_null()) {
        answer.error = json::error(response).or(Some(json::error_of(error)));
    } else if let Some(error) = json::error(response) {
        answer.error = Some(error);
    }
    // An answer to `input_tokens` is nothing else.
    if let Some(counted) = json::count(response, "input_tokens") {
        answer.reported.merge(Reported { input: Some(counted), ..Reported::default() });
    }
    let why = response.pointer("/incomplete_details/reason").and_then(Value::as_str);
    match json::text(response, "status") {
        Some("in_progress" | "queued") | None => {}
        Some(status) => answer.finish_reason = Some(why.unwrap_or(status).to_owned()),
    }
    if answer.finish_reason.as_deref() == Some("failed") && answer.error.is_none() {
        answer.error = Some(ApiError { kind: Some("failed".to_owned()), message: None });
    }
}

/// An output item: at its beginning only what it is, at its end all of it.
pub(super) fn read_item(item: &Value, index: u64, whole: bool, answer: &mut Answer) {
    let part = |part: usize, kind| Slot { choice: 0, item: index, part: part as u64, kind };
    match json::text(item, "type").unwrap_or_default() {
        // A compacted history repeats what the user said.
        "message" if json::text(item, "role") == Some("user") => {}
        "message" if whole => {
            for (at, content) in json::array(item, "content").iter().enumerate() {
                let said = content.get("text").or_else(|| content.get("transcript"));
                if let Some(text) = said.and_then(Value::as_str) {
                    answer.replace(part(at, SlotKind::Text), text);
                } else if let Some(text) = json::text(content, "refusal") {
                    answer.replace(part(at, SlotKind::Refusal), text);
                }
            }
        }
        "reasoning" if whole => {
            for (key, kind) in [("summary", SlotKind::Summary), ("content", SlotKind::Reasoning)] {
                for (at, piece) in json::array(item, key).iter().enumerate() {
                    answer.replace(part(at, kind), json::text(piece, "text").unwrap_or_default());
                }
            }
        }
        kind if is_call(kind) => {
            let slot = part(0, SlotKind::ToolCall);
            let call = call(item);
            answer.call(slot, call.id.as_deref(), call.name.as_deref());
            if whole {
                answer.replace(slot, &call.arguments);
            }
        }
        _ => {}
    }
}

/// Whether an item is a call of a tool, the client's or the provider's own.
fn is_call(kind: &str) -> bool {
    kind.ends_with("_call") || kind == "mcp_approval_request"
}

/// A call, whatever its kind: functions and custom tools have a name, the
/// provider's own tools are named by their kind.
fn call(item: &Value) -> ToolCall {
    let kind = json::text(item, "type").unwrap_or_default();
    let arguments = ["arguments", "input", "action", "actions", "code", "queries", "operation"];
    ToolCall {
        id: json::owned(item, "call_id").or_else(|| json::owned(item, "id")),
        name: json::owned(item, "name").or_else(|| kind.strip_suffix("_call").map(str::to_owned)),
        arguments: json::one_of(item, &arguments).map(json::as_text).unwrap_or_default(),
    }
}

fn reported(usage: &Value) -> Reported {
    let input = |key| json::count_in(usage, "input_tokens_details", key);
    Reported {
        convention: Convention::OPENAI,
        input: json::count(usage, "input_tokens"),
        output: json::count(usage, "output_tokens"),
        cache_read: input("cached_tokens"),
        cache_write: input("cache_write_tokens"),
        reasoning: json::count_in(usage, "output_tokens_details", "reasoning_tokens"),
        ..Reported::default()
    }
}

/// An input item as a message.
pub(super) fn message(item: &Value) -> Message {
    let kind = json::text(item, "type").unwrap_or("message");
    match kind {
        "message" => {
            let role = json::text(item, "role").unwrap_or("unknown");
            let parts = match item.get("content") {
                Some(Value::String(text)) => vec![Part::Text(text.clone())],
                Some(Value::Array(parts)) => parts.iter().map(json::part).collect(),
                _ => Vec::new(),
            };
            Message::new(if role == "developer" { "system" } else { role }, parts)
        }
        "reasoning" => {
            let pieces = [json::array(item, "summary"), json::array(item, "content")].concat();
            let texts = pieces.iter().filter_map(|piece| json::owned(piece, "text"));
            Message::new("assistant", texts.map(Part::Reasoning).collect())
        }
        kind if is_call(kind) => Message::new("assistant", vec![Part::ToolCall(call(item))]),
        kind if kind.ends_with("_output") => {
            let text = match item.get("output") {
                Some(Value::Array(parts)) => {
                    let texts: Vec<String> =
                        parts.iter().filter_map(|p| json::owned(p, "text")).collect();
                    texts.join("\n")
                }
                output => output.map(json::as_text).unwrap_or_default(),
            };
            let id = json::owned(item, "call_id");
            let error = json::text(item, "status") == Some("failed");
            Message::new("tool", vec![Part::ToolResult { id, text, error }])
        }
        kind => {
            let other = Part::Other { kind: kind.to_owned(), bytes: json::size(item) };
            // What the model's side keeps for itself: tools listed, history compacted.
            Message::new("assistant", vec![other])
        }
    }
}
