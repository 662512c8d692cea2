//! `mistral.conversations`: Mistral's Conversations
//! (<https://docs.mistral.ai/api/#tag/beta.conversations>): entries, numbered,
//! as server-sent events that name themselves in `type`.

use serde_json::Value;

use super::answer::{Answer, Slot, SlotKind};
use super::message::{Message, Part};
use super::{Dialect, Recognised, RequestFacts, RequestHead, json, openai_chat, provider};
use crate::{ApiError, ToolCall};

/// See the module.
#[derive(Debug)]
pub(super) struct MistralConversations;

impl Dialect for MistralConversations {
    fn name(&self) -> &'static str {
        "mistral.conversations"
    }

    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised> {
        let provider = provider::of_host(head.host);
        let home = provider == Some("mistral_ai");
        // `/v1/conversations`, and of one that goes on, `/v1/conversations/ID`.
        let by_path = head.method == "POST" && {
            let mut segments = head.path.trim_end_matches('/').rsplit('/');
            let last = segments.next();
            last == Some("conversations") || segments.next() == Some("conversations")
        };
        let fits = match body {
            None => home,
            Some(body) => body.get("inputs").is_some_and(|inputs| {
                inputs.is_string() || json::array(body, "inputs").iter().all(Value::is_object)
            }),
        };
        (by_path && fits).then_some(Recognised { provider, operation: "chat" })
    }

    fn request(&self, head: &RequestHead<'_>, body: &Value) -> RequestFacts {
        let streams = |body: &Value| body.get("stream").and_then(Value::as_bool);
        RequestFacts {
            model: json::owned(body, "model"),
            stream: Some(head.path.ends_with("#stream") || streams(body).unwrap_or(false)),
        }
    }

    fn event(&self, name: &str, data: &str, answer: &mut Answer) {
        if data.trim() == "[DONE]" {
            answer.done = true;
            return;
        }
        let Some(event) = json::object(data) else {
            return;
        };
        let index = json::count(&event, "output_index").unwrap_or(0);
        let call = Slot::of_item(index, SlotKind::ToolCall);
        match json::text(&event, "type").unwrap_or(name) {
            "conversation.response.started" => answer.id = json::owned(&event, "conversation_id"),
            "message.output.delta" => {
                answer.model = answer.model.take().or_else(|| json::owned(&event, "model"));
                let part = json::count(&event, "content_index").unwrap_or(0);
                read_content(event.get("content").unwrap_or(&Value::Null), index, part, answer);
            }
            "function.call.delta" | "tool.execution.started" | "tool.execution.delta" => {
                let id = json::text(&event, "tool_call_id").or_else(|| json::text(&event, "id"));
                answer.call(call, id, json::text(&event, "name"));
                answer.add(call, json::text(&event, "arguments").unwrap_or_default());
            }
            "conversation.response.done" => {
                read_usage(&event, answer);
                answer.done = true;
            }
            "conversation.response.error" => {
                let message = json::owned(&event, "message");
                let kind = event.get("code").map(json::as_text).filter(|code| !code.is_empty());
                answer.error = Some(ApiError { kind, message });
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
        answer.id = json::owned(body, "conversation_id");
        read_usage(body, answer);
        for (index, entry) in json::array(body, "outputs").iter().enumerate() {
            read_entry(entry, index as u64, answer);
        }
        if let Some(error) = json::error(body) {
            answer.error = Some(error);
        } else if json::text(body, "object") == Some("error") || body.get("outputs").is_none() {
            let message = json::owned(body, "message");
            answer.error = message.map(|message| ApiError { kind: None, message: Some(message) });
        }
    }

    fn answers(&self, value: &Value) -> bool {
        let ours = ["conversation.response.", "message.output.delta", "tool.execution."];
        let kind = json::text(value, "type").unwrap_or_default();
        ours.iter().any(|start| kind.starts_with(start))
            || json::text(value, "object") == Some("conversation.response")
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        let system = json::owned(body, "instructions").map(Part::Text);
        let system = system.map(|text| Message::new("system", vec![text]));
        let inputs = match body.get("inputs") {
            Some(Value::String(text)) => vec![Message::new("user", vec![Part::Text(text.clone())])],
            Some(Value::Array(entries)) => entries.iter().map(message).collect(),
            _ => Vec::new(),
        };
        system.into_iter().chain(inputs).collect()
    }
}

fn read_usage(value: &Value, answer: &mut Answer) {
    if let Some(usage) = value.get("usage").filter(|usage| usage.is_object()) {
        let mut reported = openai_chat::reported(usage);
        // What connectors fed back is input, beside the prompt.
        let fed = json::count(usage, "connector_tokens").unwrap_or(0);
        let beside = reported.input.zip(reported.output).is_some_and(|(input, output)| {
            let all = input.saturating_add(output).saturating_add(fed);
            json::count(usage, "total_tokens") == Some(all)
        });
        if beside {
            reported.input = reported.input.map(|input| input.saturating_add(fed));
        }
        answer.reported.merge(reported);
    }
}

/// Content: text, or a chunk of one of several kinds.
fn read_content(content: &Value, index: u64, part: u64, answer: &mut Answer) {
    let slot = |kind| Slot { choice: 0, item: index, part, kind };
    match content {
        Value::String(text) => answer.add(slot(SlotKind::Text), text),
        chunk => match json::part(chunk) {
            Part::Text(text) => answer.add(slot(SlotKind::Text), &text),
            Part::Reasoning(text) => answer.add(slot(SlotKind::Reasoning), &text),
            _ => {}
        },
    }
}

fn read_entry(entry: &Value, index: u64, answer: &mut Answer) {
    match json::text(entry, "type").unwrap_or("message.output") {
        "message.output" => {
            answer.model = answer.model.take().or_else(|| json::owned(entry, "model"));
            match entry.get("content") {
                Some(Value::Array(chunks)) => {
                    for (part, chunk) in chunks.iter().enumerate() {
                        read_content(chunk, index, part as u64, answer);
                    }
                }
                content => read_content(content.unwrap_or(&Value::Null), index, 0, answer),
            }
        }
        "function.call" | "tool.execution" => {
            let slot = Slot::of_item(index, SlotKind::ToolCall);
            let call = call(entry);
            answer.call(slot, call.id.as_deref(), call.name.as_deref());
            answer.add(slot, &call.arguments);
        }
        _ => {}
    }
}

fn call(entry: &Value) -> ToolCall {
    ToolCall {
        id: json::owned(entry, "tool_call_id").or_else(|| json::owned(entry, "id")),
        name: json::owned(entry, "name"),
        arguments: entry.get("arguments").map(json::as_text).unwrap_or_default(),
    }
}

/// An entry of a request as a message.
fn message(entry: &Value) -> Message {
    match json::text(entry, "type").unwrap_or("message.input") {
        "function.call" | "tool.execution" => {
            Message::new("assistant", vec![Part::ToolCall(call(entry))])
        }
        "function.result" => {
            let id = json::owned(entry, "tool_call_id");
            let text = entry.get("result").map(json::as_text).unwrap_or_default();
            Message::new("tool", vec![Part::ToolResult { id, text, error: false }])
        }
        kind => {
            let usual = if kind == "message.output" { "assistant" } else { "user" };
            let parts = match entry.get("content") {
                Some(Value::String(text)) => vec![Part::Text(text.clone())],
                Some(Value::Array(chunks)) => chunks.iter().map(json::part).collect(),
                _ => Vec::new(),
            };
            Message::new(json::text(entry, "role").unwrap_or(usual), parts)
        }
    }
}
