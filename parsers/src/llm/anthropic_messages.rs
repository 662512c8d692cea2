//! `anthropic.messages`: Anthropic's Messages API, at home, on Bedrock, Vertex
//! and Foundry, and as gateways and local servers speak it.

use serde_json::Value;

use super::answer::{Answer, Slot, SlotKind};
use super::message::{Message, Part};
use super::{
    Dialect, Recognised, RequestFacts, RequestHead, anthropic_usage, bedrock, google_error, json,
    provider,
};
use crate::ToolCall;
use crate::usage::Reported;

/// See the module.
#[derive(Debug)]
pub(super) struct AnthropicMessages;

impl Dialect for AnthropicMessages {
    fn name(&self) -> &'static str {
        "anthropic.messages"
    }

    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised> {
        if head.method != "POST" {
            return None;
        }
        let path = head.path.trim_end_matches('/');
        let counted = path
            .strip_suffix("/count_tokens")
            .or_else(|| path.strip_suffix("/models/count-tokens:rawPredict"));
        let path = counted.unwrap_or(path);
        let provider = provider::of_host(head.host);
        let says_so = head.header("anthropic-version").is_some();
        let by_path = path.ends_with("/v1/messages") || (path.ends_with("/messages") && says_so);
        let known = match body {
            None => by_path || in_url(path).is_some_and(|model| model.contains("claude")),
            // Others have messages too: a mistaken request must say whose it is.
            Some(body) if by_path => {
                body.get("messages").is_some_and(Value::is_array)
                    || (body.is_object() && (says_so || provider.is_some()))
            }
            Some(body) => {
                let enveloped = json::text(body, "anthropic_version").is_some();
                body.get("messages").is_some_and(Value::is_array)
                    && (enveloped || (is_ours(body) && !path.ends_with("/completions")))
            }
        };
        let operation = if counted.is_some() { "count_tokens" } else { "chat" };
        known.then_some(Recognised { provider, operation })
    }

    fn request(&self, head: &RequestHead<'_>, body: &Value) -> RequestFacts {
        let streams = |ending: &str| head.path.ends_with(ending);
        let by_path = streams(":streamRawPredict") || streams("/invoke-with-response-stream");
        RequestFacts {
            model: json::owned(body, "model").or_else(|| in_url(head.path)),
            stream: Some(by_path || json::flag(body, "stream")),
        }
    }

    fn event(&self, name: &str, data: &str, answer: &mut Answer) {
        let Some(event) = json::object(data) else {
            return;
        };
        let index = json::count(&event, "index").unwrap_or(0);
        match json::text(&event, "type").unwrap_or(name) {
            "message_start" => {
                if let Some(message) = event.get("message") {
                    start(message, answer);
                    // A placeholder of a few tokens: the figure comes at the end.
                    let mut reported =
                        message.get("usage").map(anthropic_usage::reported).unwrap_or_default();
                    reported.early_output = reported.output.take();
                    answer.reported.merge(reported);
                }
            }
            "content_block_start" => {
                if let Some(block) = event.get("content_block") {
                    read_block(block, index, answer, true);
                }
            }
            "content_block_delta" => {
                if let Some(delta) = event.get("delta") {
                    read_delta(delta, index, answer);
                }
            }
            "content_block_stop" => {
                // A tool without parameters gets no fragment at all.
                let slot = Slot::of_item(index, SlotKind::ToolCall);
                if answer.lacks_arguments(slot) {
                    answer.add(slot, "{}");
                }
            }
            "message_delta" => {
                if let Some(reason) = event.pointer("/delta/stop_reason").and_then(Value::as_str) {
                    answer.finish_reason = Some(reason.to_owned());
                }
                if let Some(usage) = event.get("usage") {
                    anthropic_usage::read(usage, answer);
                }
            }
            "message_stop" => answer.done = true,
            "error" => answer.error = json::error(&event),
            _ => {
                if let Some(error) = json::error(&event) {
                    answer.error = Some(error);
                }
            }
        }
    }

    fn response(&self, body: &Value, answer: &mut Answer) {
        answer.done = true;
        if let Some(error) = json::error(body) {
            answer.error = Some(error);
            // Vertex refuses in its own manner.
            google_error::read(body, answer);
            return;
        }
        start(body, answer);
        answer.finish_reason = json::owned(body, "stop_reason");
        // An answer to `count_tokens` is nothing else.
        if let Some(counted) = json::count(body, "input_tokens") {
            answer.reported.merge(Reported { input: Some(counted), ..Reported::default() });
        }
        if let Some(usage) = body.get("usage") {
            anthropic_usage::read(usage, answer);
        }
        for (index, block) in json::array(body, "content").iter().enumerate() {
            read_block(block, index as u64, answer, false);
        }
    }

    fn answers(&self, value: &Value) -> bool {
        let index = json::count(value, "index").is_some();
        match json::text(value, "type") {
            Some("message_start") => value.get("message").is_some_and(Value::is_object),
            Some("content_block_start") => index && value.get("content_block").is_some(),
            Some("content_block_delta") => index && value.get("delta").is_some(),
            Some("message_delta") => value.get("delta").is_some() && value.get("usage").is_some(),
            Some("message") => json::text(value, "role") == Some("assistant"),
            _ => false,
        }
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        let system = match body.get("system") {
            Some(Value::Null) | None => None,
            Some(system) => Some(Message::new("system", parts(system))),
        };
        let messages = json::array(body, "messages").iter().flat_map(messages_of);
        system.into_iter().chain(messages).collect()
    }
}

/// Body members that only this API has.
fn is_ours(body: &Value) -> bool {
    let messages = json::array(body, "messages");
    let blocks = |message: &Value| {
        let of_ours = ["tool_use", "tool_result", "thinking", "redacted_thinking", "compaction"];
        json::array(message, "content")
            .iter()
            .any(|block| json::text(block, "type").is_some_and(|kind| of_ours.contains(&kind)))
    };
    json::text(body, "model").is_some()
        && body.get("max_tokens").is_some_and(Value::is_u64)
        && (body.get("system").is_some_and(|system| system.is_string() || system.is_array())
            || json::array(body, "tools").iter().any(|tool| tool.get("input_schema").is_some())
            || messages.iter().any(blocks))
}

/// The model that Vertex and Bedrock name in the URL.
fn in_url(path: &str) -> Option<String> {
    let Some((_, rest)) = path.split_once("/publishers/anthropic/models/") else {
        let (model, call) = bedrock::model_and_call(path)?;
        return call.starts_with("invoke").then_some(model);
    };
    let model = json::percent_decoded(rest.rsplit_once(':')?.0);
    (!model.is_empty()).then_some(model)
}

fn start(message: &Value, answer: &mut Answer) {
    answer.id = json::owned(message, "id").or(answer.id.take());
    answer.model = json::owned(message, "model").or(answer.model.take());
}

/// A content block, whole or at its beginning. A beginning's `input` is an
/// empty object that stands for the deltas to come.
fn read_block(block: &Value, index: u64, answer: &mut Answer, beginning: bool) {
    let kind = json::text(block, "type").unwrap_or_default();
    let piece = |key| json::text(block, key).unwrap_or_default();
    match kind {
        "text" => answer.add(Slot::of_item(index, SlotKind::Text), piece("text")),
        "thinking" => answer.add(Slot::of_item(index, SlotKind::Reasoning), piece("thinking")),
        "compaction" => compacted(index, piece("content"), answer),
        "tool_use" | "server_tool_use" | "mcp_tool_use" => {
            let slot = Slot::of_item(index, SlotKind::ToolCall);
            answer.call(slot, json::text(block, "id"), json::text(block, "name"));
            let input = block.get("input").unwrap_or(&Value::Null);
            if !beginning || input.as_object().is_some_and(|input| !input.is_empty()) {
                answer.add(slot, &json::as_text(input));
            }
        }
        _ => {}
    }
}

/// A summary of what was said before, which the model goes on from.
fn compacted(index: u64, summary: &str, answer: &mut Answer) {
    if !summary.is_empty() {
        answer.add(Slot::of_item(index, SlotKind::Compaction), summary);
        let detail = "what was said before was summed up; the summary is among the reasoning";
        answer.note("compaction", detail);
    }
}

fn read_delta(delta: &Value, index: u64, answer: &mut Answer) {
    let (kind, key) = match json::text(delta, "type").unwrap_or_default() {
        "text_delta" => (SlotKind::Text, "text"),
        "thinking_delta" => (SlotKind::Reasoning, "thinking"),
        "input_json_delta" => (SlotKind::ToolCall, "partial_json"),
        "compaction_delta" => {
            return compacted(index, json::text(delta, "content").unwrap_or_default(), answer);
        }
        // Signatures, citations, what is new.
        _ => return,
    };
    answer.add(Slot::of_item(index, kind), json::text(delta, key).unwrap_or_default());
}

/// A message; tool results, which this API puts into the user's message, are
/// the tool's.
fn messages_of(message: &Value) -> Vec<Message> {
    let role = json::text(message, "role").unwrap_or("unknown");
    let parts = message.get("content").map(parts).unwrap_or_default();
    if role != "user" {
        return vec![Message::new(role, parts)];
    }
    Message::with_results(role, parts)
}

fn parts(content: &Value) -> Vec<Part> {
    match content {
        Value::String(text) => vec![Part::Text(text.clone())],
        Value::Array(blocks) => blocks.iter().map(part).collect(),
        _ => Vec::new(),
    }
}

fn part(block: &Value) -> Part {
    let kind = json::text(block, "type").unwrap_or_default();
    match kind {
        "tool_use" | "server_tool_use" | "mcp_tool_use" => Part::ToolCall(ToolCall {
            id: json::owned(block, "id"),
            name: json::owned(block, "name"),
            arguments: block.get("input").map(json::as_text).unwrap_or_default(),
        }),
        kind if kind.ends_with("tool_result") => Part::ToolResult {
            id: json::owned(block, "tool_use_id"),
            text: result_text(block.get("content").unwrap_or(&Value::Null)),
            error: json::flag(block, "is_error"),
        },
        "compaction" => match json::owned(block, "content") {
            Some(summary) => Part::Reasoning(summary),
            // It failed.
            None => json::part(block),
        },
        _ => json::part(block),
    }
}

/// What a tool returned, as text: images in it are only named.
fn result_text(content: &Value) -> String {
    let Value::Array(blocks) = content else {
        return json::as_text(content);
    };
    let texts: Vec<String> = blocks
        .iter()
        .map(|block| match json::part(block) {
            Part::Text(text) | Part::Reasoning(text) => text,
            Part::Other { kind, .. } => format!("[{kind}]"),
            Part::ToolCall(_) | Part::ToolResult { .. } => String::new(),
        })
        .collect();
    texts.join("\n")
}
