//! `cohere.chat`: Cohere's Chat, version 2
//! (<https://docs.cohere.com/v2/reference/chat>), its first version, and
//! Generate before that. Version 2 streams server-sent events of a `type`; the
//! older ones stream lines of JSON, or events, of an `event_type`.

use serde_json::Value;

use super::answer::{Answer, Slot, SlotKind};
use super::cohere_usage::{refused, reported};
use super::message::{Message, Part};
use super::{Dialect, Recognised, RequestFacts, RequestHead, json, provider};
use crate::{ApiError, ToolCall};

/// See the module.
#[derive(Debug)]
pub(super) struct CohereChat;

impl Dialect for CohereChat {
    fn name(&self) -> &'static str {
        "cohere.chat"
    }

    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised> {
        if head.method != "POST" {
            return None;
        }
        let path = head.path.trim_end_matches('/');
        let provider = provider::of_host(head.host);
        let home = provider == Some("cohere");
        let is = |ending: &str| path.ends_with(ending);
        let operation = if is("/v1/generate") { "text_completion" } else { "chat" };
        let known = match body {
            None => home && (is("/v1/chat") || is("/v2/chat") || is("/v1/generate")),
            Some(body) if is("/v1/chat") => {
                body.get("message").is_some_and(Value::is_string) || (home && body.is_object())
            }
            Some(body) if is("/v2/chat") => {
                (json::text(body, "model").is_some() && !json::array(body, "messages").is_empty())
                    || (home && body.is_object())
            }
            // Others generate, too.
            Some(body) => is("/v1/generate") && home && body.is_object(),
        };
        known.then_some(Recognised { provider, operation })
    }

    fn request(&self, _head: &RequestHead<'_>, body: &Value) -> RequestFacts {
        RequestFacts { model: json::owned(body, "model"), stream: Some(json::flag(body, "stream")) }
    }

    fn event(&self, name: &str, data: &str, answer: &mut Answer) {
        let Some(event) = json::object(data) else {
            return;
        };
        let kind = json::text(&event, "type").or_else(|| json::text(&event, "event_type"));
        match kind.unwrap_or(name) {
            "stream-start" => answer.id = json::owned(&event, "generation_id"),
            "text-generation" => answer.add(TEXT, json::text(&event, "text").unwrap_or_default()),
            "tool-calls-chunk" => {
                if let Some(delta) = event.get("tool_call_delta") {
                    let index = json::count(delta, "index").unwrap_or(0);
                    let slot = Slot::of_item(index, SlotKind::ToolCall);
                    answer.call(slot, None, json::text(delta, "name"));
                    answer.add(slot, json::text(delta, "parameters").unwrap_or_default());
                }
            }
            "tool-calls-generation" => read_calls(&event, answer),
            "stream-end" | "stream-error" => {
                answer.finish_reason = json::owned(&event, "finish_reason");
                if let Some(response) = event.get("response") {
                    read_first(response, answer);
                }
                if let Some(message) = json::owned(&event, "err") {
                    answer.error = Some(ApiError { kind: None, message: Some(message) });
                }
                answer.done = true;
            }
            "message-end" => {
                let delta = event.get("delta").unwrap_or(&Value::Null);
                answer.finish_reason = json::owned(delta, "finish_reason");
                answer.reported.merge(delta.get("usage").map(reported).unwrap_or_default());
                answer.error = json::error(delta).or(answer.error.take());
                answer.done = true;
            }
            kind => read_delta(kind, &event, answer),
        }
    }

    fn response(&self, body: &Value, answer: &mut Answer) {
        answer.done = true;
        let message = body.get("message");
        if let Some(message) = message.filter(|message| message.is_object()) {
            read_second(body, message, answer);
        } else {
            read_first(body, answer);
        }
        answer.finish_reason = json::owned(body, "finish_reason").or(answer.finish_reason.take());
        answer.error = refused(body).or(answer.error.take());
    }

    fn answers(&self, value: &Value) -> bool {
        let first = ["text-generation", "stream-start", "stream-end"];
        let second = ["message-start", "content-start", "content-delta", "message-end"];
        let is = |key, kinds: &[&str]| json::text(value, key).is_some_and(|k| kinds.contains(&k));
        (is("event_type", &first) && value.get("is_finished").is_some())
            || (is("type", &second) && value.get("delta").is_some_and(Value::is_object))
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        let said = |role: &str, key| {
            let text = json::text(body, key)?.to_owned();
            Some(Message::new(role, vec![Part::Text(text)]))
        };
        let history = json::array(body, "chat_history").iter().map(earlier);
        let results: Vec<Part> = json::array(body, "tool_results").iter().map(result).collect();
        let results = (!results.is_empty()).then(|| Message::new("tool", results));
        said("system", "preamble")
            .into_iter()
            .chain(history)
            .chain(json::array(body, "messages").iter().map(message))
            .chain(said("user", "message"))
            .chain(said("user", "prompt"))
            .chain(results)
            .collect()
    }
}

/// Where the older versions' text goes.
const TEXT: Slot = Slot { choice: 0, item: 0, part: 0, kind: SlotKind::Text };

/// Where the plan goes that version 2 makes before it calls tools.
const PLAN: Slot = Slot { choice: 0, item: u64::MAX, part: 0, kind: SlotKind::Reasoning };

/// A piece of an answer of version 2.
fn read_delta(kind: &str, event: &Value, answer: &mut Answer) {
    let index = json::count(event, "index").unwrap_or(0);
    let message = event.pointer("/delta/message").unwrap_or(&Value::Null);
    match kind {
        "message-start" => answer.id = json::owned(event, "id"),
        "content-start" | "content-delta" => {
            if let Some(content) = message.get("content") {
                read_content(content, index, answer);
            }
        }
        "tool-plan-delta" => answer.add(PLAN, json::text(message, "tool_plan").unwrap_or_default()),
        "tool-call-start" | "tool-call-delta" => {
            if let Some(call) = message.get("tool_calls") {
                read_call(call, index, answer);
            }
        }
        _ => {
            if let Some(error) = json::error(event) {
                answer.error = Some(error);
            }
        }
    }
}

fn read_content(content: &Value, index: u64, answer: &mut Answer) {
    let piece = |key| json::text(content, key).unwrap_or_default();
    answer.add(Slot::of_item(index, SlotKind::Text), piece("text"));
    answer.add(Slot::of_item(index, SlotKind::Reasoning), piece("thinking"));
}

fn read_call(call: &Value, index: u64, answer: &mut Answer) {
    let slot = Slot::of_item(index, SlotKind::ToolCall);
    let function = call.get("function").unwrap_or(&Value::Null);
    answer.call(slot, json::text(call, "id"), json::text(function, "name"));
    answer.add(slot, json::text(function, "arguments").unwrap_or_default());
}

/// A whole answer of version 2.
fn read_second(body: &Value, message: &Value, answer: &mut Answer) {
    answer.id = json::owned(body, "id");
    answer.reported.merge(body.get("usage").map(reported).unwrap_or_default());
    answer.add(PLAN, json::text(message, "tool_plan").unwrap_or_default());
    for (index, content) in json::array(message, "content").iter().enumerate() {
        read_content(content, index as u64, answer);
    }
    for (index, call) in json::array(message, "tool_calls").iter().enumerate() {
        read_call(call, index as u64, answer);
    }
}

/// A whole answer of the older versions, also as a stream repeats it.
fn read_first(body: &Value, answer: &mut Answer) {
    let id = ["generation_id", "response_id", "id"];
    answer.id = id.iter().find_map(|key| json::owned(body, key)).or(answer.id.take());
    answer.reported.merge(body.get("meta").map(reported).unwrap_or_default());
    if let Some(text) = json::text(body, "text") {
        answer.replace(TEXT, text);
    }
    for (choice, generation) in json::array(body, "generations").iter().enumerate() {
        let text = json::text(generation, "text").unwrap_or_default();
        answer.replace(Slot { choice: choice as u64, ..TEXT }, text);
        let reason = json::owned(generation, "finish_reason");
        answer.finish_reason = answer.finish_reason.take().or(reason);
    }
    read_calls(body, answer);
}

/// Calls of the first version: whole, and by number only.
fn read_calls(value: &Value, answer: &mut Answer) {
    for (index, call) in json::array(value, "tool_calls").iter().enumerate() {
        let slot = Slot::of_item(index as u64, SlotKind::ToolCall);
        answer.call(slot, json::text(call, "id"), json::text(call, "name"));
        // They may have come in pieces before.
        if answer.lacks_arguments(slot) {
            answer.add(slot, &call.get("parameters").map(json::as_text).unwrap_or_default());
        }
    }
}

/// A message of version 2.
fn message(message: &Value) -> Message {
    let role = json::text(message, "role").unwrap_or("unknown");
    let content = match message.get("content") {
        Some(Value::String(text)) => vec![Part::Text(text.clone())],
        Some(Value::Array(parts)) => parts.iter().map(part).collect(),
        _ => Vec::new(),
    };
    if role == "tool" {
        let texts: Vec<String> = content.into_iter().filter_map(text_of).collect();
        let id = json::owned(message, "tool_call_id");
        let text = texts.join("\n");
        return Message::new(role, vec![Part::ToolResult { id, text, error: false }]);
    }
    let plan = json::owned(message, "tool_plan").map(Part::Reasoning);
    let calls = json::array(message, "tool_calls").iter().map(|call| {
        let function = call.get("function").unwrap_or(&Value::Null);
        Part::ToolCall(ToolCall {
            id: json::owned(call, "id"),
            name: json::owned(function, "name"),
            arguments: function.get("arguments").map(json::as_text).unwrap_or_default(),
        })
    });
    Message::new(role, plan.into_iter().chain(content).chain(calls).collect())
}

/// A part of a message; documents are text as far as they hold any.
fn part(part: &Value) -> Part {
    match part.pointer("/document/data") {
        Some(data) => Part::Text(json::as_text(data)),
        None => json::part(part),
    }
}

fn text_of(part: Part) -> Option<String> {
    match part {
        Part::Text(text) => Some(text),
        _ => None,
    }
}

/// A message of the first version's history.
fn earlier(message: &Value) -> Message {
    let role = match json::text(message, "role").unwrap_or("unknown") {
        "CHATBOT" => "assistant".to_owned(),
        role => role.to_ascii_lowercase(),
    };
    let text = json::owned(message, "message").map(Part::Text);
    let calls = json::array(message, "tool_calls").iter().map(|one| Part::ToolCall(call(one)));
    let results = json::array(message, "tool_results").iter().map(result);
    Message::new(role, text.into_iter().chain(calls).chain(results).collect())
}

fn call(call: &Value) -> ToolCall {
    ToolCall {
        id: None,
        name: json::owned(call, "name"),
        arguments: call.get("parameters").map(json::as_text).unwrap_or_default(),
    }
}

fn result(result: &Value) -> Part {
    Part::ToolResult {
        id: result.get("call").and_then(|call| json::owned(call, "name")),
        text: result.get("outputs").map(json::as_text).unwrap_or_default(),
        error: false,
    }
}
