//! `google.interactions`: Gemini's Interactions API
//! (<https://ai.google.dev/gemini-api/docs/interactions>): steps, numbered, as
//! server-sent events that name themselves in `event_type`; and its earlier
//! revision, of contents instead of steps.

use serde_json::Value;

use super::answer::{Answer, Slot, SlotKind};
use super::message::{Message, Part};
use super::{Dialect, Recognised, RequestFacts, RequestHead, google_error, json, provider};
use crate::ToolCall;
use crate::usage::{Convention, Reported};

/// See the module.
#[derive(Debug)]
pub(super) struct GoogleInteractions;

impl Dialect for GoogleInteractions {
    fn name(&self) -> &'static str {
        "google.interactions"
    }

    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised> {
        let path = head.path.trim_end_matches('/');
        let provider = provider::of_host(head.host);
        let google = provider.is_some_and(|provider| provider.starts_with("gcp."))
            || head.header("x-goog-api-key").is_some();
        let known = head.method == "POST"
            && path.ends_with("/interactions")
            && match body {
                None => google,
                Some(body) => {
                    let asks = body.get("input").is_some();
                    let whom = ["model", "agent"].iter().any(|key| json::text(body, key).is_some());
                    body.is_object() && (google || (asks && whom))
                }
            };
        known.then_some(Recognised { provider, operation: "chat" })
    }

    fn request(&self, _head: &RequestHead<'_>, body: &Value) -> RequestFacts {
        RequestFacts {
            model: json::owned(body, "model").or_else(|| json::owned(body, "agent")),
            stream: Some(json::flag(body, "stream")),
        }
    }

    fn event(&self, name: &str, data: &str, answer: &mut Answer) {
        let Some(event) = json::object(data) else {
            return;
        };
        let index = json::count(&event, "index").unwrap_or(0);
        match json::text(&event, "event_type").unwrap_or(name) {
            "interaction.created" | "interaction.start" => {
                read_head(event.get("interaction").unwrap_or(&Value::Null), answer);
            }
            "interaction.status_update" => read_head(&event, answer),
            "step.start" | "content.start" => {
                let step = event.get("step").or_else(|| event.get("content"));
                read_step(step.unwrap_or(&Value::Null), index, answer);
            }
            "step.delta" | "content.delta" => {
                read_delta(event.get("delta").unwrap_or(&Value::Null), index, answer);
            }
            "step.stop" | "content.stop" => {
                let slot = Slot::of_item(index, SlotKind::ToolCall);
                if answer.lacks_arguments(slot) {
                    answer.add(slot, "{}");
                }
            }
            "interaction.completed" | "interaction.complete" => {
                // The steps were told before; here they may be left out.
                read_head(event.get("interaction").unwrap_or(&Value::Null), answer);
                answer.done = true;
            }
            _ => {
                if let Some(error) = json::error(&event) {
                    answer.error = Some(error);
                }
            }
        }
    }

    fn response(&self, body: &Value, answer: &mut Answer) {
        answer.done = true;
        read_head(body, answer);
        let steps = [json::array(body, "steps"), json::array(body, "outputs")].concat();
        for (index, step) in steps.iter().enumerate() {
            read_step(step, index as u64, answer);
        }
    }

    fn answers(&self, value: &Value) -> bool {
        let event = json::text(value, "event_type")
            .is_some_and(|kind| kind.starts_with("interaction.") || kind.starts_with("step."));
        event || json::text(value, "object") == Some("interaction")
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        let system = json::text(body, "system_instruction")
            .map(|text| Message::new("system", vec![Part::Text(text.to_owned())]));
        let input = match body.get("input") {
            Some(Value::String(text)) => vec![Message::new("user", vec![Part::Text(text.clone())])],
            Some(Value::Array(items)) => of_items(items),
            Some(item) => of_items(std::slice::from_ref(item)),
            None => Vec::new(),
        };
        system.into_iter().chain(input).collect()
    }
}

/// All of an interaction but its steps.
fn read_head(interaction: &Value, answer: &mut Answer) {
    let id = json::owned(interaction, "id").or_else(|| json::owned(interaction, "interaction_id"));
    answer.id = id.or(answer.id.take());
    let model = json::owned(interaction, "model").or_else(|| json::owned(interaction, "agent"));
    answer.model = model.or(answer.model.take());
    if let Some(usage) = interaction.get("usage") {
        answer.reported.merge(reported(usage));
    }
    if let Some(error) = json::error(interaction) {
        answer.error = Some(error);
        google_error::read(interaction, answer);
    }
    match json::text(interaction, "status") {
        Some("in_progress") | None => {}
        Some(status) => answer.finish_reason = Some(status.to_owned()),
    }
}

/// A step, whole or at its beginning; or a content of the earlier revision.
fn read_step(step: &Value, index: u64, answer: &mut Answer) {
    let slot = |part: usize, kind| Slot { choice: 0, item: index, part: part as u64, kind };
    let text = |value: &Value| json::owned(value, "text").unwrap_or_default();
    match json::text(step, "type").unwrap_or_default() {
        "text" => answer.add(slot(0, SlotKind::Text), &text(step)),
        "model_output" => {
            for content in json::array(step, "content") {
                answer.add(slot(0, SlotKind::Text), &text(content));
            }
        }
        "thought" => {
            for content in json::array(step, "summary") {
                answer.add(slot(0, SlotKind::Summary), &text(content));
            }
        }
        kind if kind.ends_with("_call") => {
            let slot = slot(0, SlotKind::ToolCall);
            let call = call(step, kind);
            answer.call(slot, call.id.as_deref(), call.name.as_deref());
            // At a step's beginning, an empty object stands for what is to come.
            if call.arguments != "{}" {
                answer.add(slot, &call.arguments);
            }
        }
        _ => {}
    }
}

fn read_delta(delta: &Value, index: u64, answer: &mut Answer) {
    let (kind, piece) = match json::text(delta, "type").unwrap_or_default() {
        "text" => (SlotKind::Text, json::text(delta, "text")),
        "thought_summary" => {
            let text = delta.get("content").and_then(|content| json::text(content, "text"));
            (SlotKind::Summary, text.or_else(|| json::text(delta, "text")))
        }
        "arguments_delta" => {
            let piece = ["arguments", "partial_arguments", "delta"];
            (SlotKind::ToolCall, piece.iter().find_map(|key| json::text(delta, key)))
        }
        // The earlier revision's, whole.
        kind if kind.ends_with("_call") => return read_step(delta, index, answer),
        // Signatures, annotations, pictures, what is new.
        _ => return,
    };
    answer.add(Slot::of_item(index, kind), piece.unwrap_or_default());
}

/// A call: functions have a name, the provider's own tools are named by their
/// kind.
fn call(step: &Value, kind: &str) -> ToolCall {
    ToolCall {
        id: json::owned(step, "id").or_else(|| json::owned(step, "call_id")),
        name: json::owned(step, "name").or_else(|| kind.strip_suffix("_call").map(str::to_owned)),
        arguments: step.get("arguments").map(json::as_text).unwrap_or_default(),
    }
}

/// Thoughts and what tools fed back come on top, as in `google.gemini`.
fn reported(usage: &Value) -> Reported {
    let tools = json::count(usage, "total_tool_use_tokens").unwrap_or(0);
    let audio = |key| {
        let counts = json::array(usage, key).iter();
        counts
            .filter(|count| {
                json::text(count, "modality").is_some_and(|m| m.eq_ignore_ascii_case("audio"))
            })
            .find_map(|count| json::count(count, "tokens"))
    };
    Reported {
        convention: Convention::GEMINI,
        input: json::count(usage, "total_input_tokens").map(|input| input.saturating_add(tools)),
        output: json::count(usage, "total_output_tokens"),
        cache_read: json::count(usage, "total_cached_tokens"),
        reasoning: json::count(usage, "total_thought_tokens"),
        input_audio: audio("input_tokens_by_modality"),
        output_audio: audio("output_tokens_by_modality"),
        ..Reported::default()
    }
}

/// What a request brings: turns, steps, or the parts of one user's message.
fn of_items(items: &[Value]) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut parts = Vec::new();
    for item in items {
        let Some(role) = json::text(item, "role").or_else(|| role_of_step(item)) else {
            parts.push(part(item));
            continue;
        };
        let content = item.get("content").filter(|_| !has_own_content(item));
        let inner = match content {
            Some(Value::String(text)) => vec![Part::Text(text.clone())],
            Some(Value::Array(contents)) => contents.iter().map(part).collect(),
            Some(content) if content.is_object() => vec![part(content)],
            _ => vec![part(item)],
        };
        let role = if role == "model" { "assistant" } else { role };
        messages.extend(Message::with_results(role, inner));
    }
    if !parts.is_empty() {
        messages.extend(Message::with_results("user", parts));
    }
    messages
}

/// Whose step it is.
fn role_of_step(step: &Value) -> Option<&'static str> {
    match json::text(step, "type")? {
        "user_input" => Some("user"),
        "model_output" | "thought" => Some("assistant"),
        kind if kind.ends_with("_call") => Some("assistant"),
        kind if kind.ends_with("_result") => Some("tool"),
        _ => None,
    }
}

/// Whether a step's content is its own rather than a list of parts.
fn has_own_content(step: &Value) -> bool {
    let kind = json::text(step, "type").unwrap_or_default();
    kind == "thought" || kind.ends_with("_call") || kind.ends_with("_result")
}

fn part(value: &Value) -> Part {
    match json::text(value, "type").unwrap_or_default() {
        "thought" => {
            let summary = json::array(value, "summary").iter();
            Part::Reasoning(summary.filter_map(|piece| json::owned(piece, "text")).collect())
        }
        kind if kind.ends_with("_call") => Part::ToolCall(call(value, kind)),
        kind if kind.ends_with("_result") => {
            let result = value.get("result").unwrap_or(&Value::Null);
            let texts = result.as_array().map(|contents| {
                contents.iter().filter_map(|content| json::text(content, "text")).collect()
            });
            Part::ToolResult {
                id: json::owned(value, "call_id").or_else(|| json::owned(value, "name")),
                text: texts.unwrap_or_else(|| json::as_text(result)),
                error: json::flag(value, "is_error"),
            }
        }
        _ => json::part(value),
    }
}
