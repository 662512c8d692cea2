//! `bedrock.converse`: Amazon Bedrock's Converse and ConverseStream, one API for
//! every model it serves, and counting what such a request would take. By "Amazon
//! Bedrock Runtime API Reference", actions `Converse`, `ConverseStream` and
//! `CountTokens`.

use serde_json::Value;

use super::answer::{Answer, Slot, SlotKind};
use super::message::{Message, Part};
use super::{Dialect, Recognised, RequestFacts, RequestHead, bedrock, json, provider};
use crate::ToolCall;
use crate::usage::{Convention, Reported};

/// See the module.
#[derive(Debug)]
pub(super) struct BedrockConverse;

impl Dialect for BedrockConverse {
    fn name(&self) -> &'static str {
        "bedrock.converse"
    }

    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised> {
        let (_, call) = bedrock::model_and_call(head.path)?;
        let (fits, operation) = match call {
            "converse" | "converse-stream" => (body.is_none_or(Value::is_object), "chat"),
            bedrock::COUNT => (
                body.is_none_or(|body| bedrock::to_count(body, CONVERSE).is_some()),
                "count_tokens",
            ),
            _ => return None,
        };
        (head.method == "POST" && fits)
            .then(|| Recognised { provider: provider::of_host(head.host), operation })
    }

    fn request(&self, head: &RequestHead<'_>, _body: &Value) -> RequestFacts {
        let (model, call) = bedrock::model_and_call(head.path).unzip();
        RequestFacts { model, stream: call.map(|call| call == "converse-stream") }
    }

    fn event(&self, name: &str, data: &str, answer: &mut Answer) {
        if let Some(event) = json::object(data) {
            read_event(name, &event, answer);
        }
    }

    fn response(&self, body: &Value, answer: &mut Answer) {
        answer.done = true;
        answer.error = json::error(body);
        answer.reported.merge(bedrock::counted(body));
        read_response(body, answer);
    }

    fn answers(&self, value: &Value) -> bool {
        let usage = value.get("usage").is_some_and(|usage| usage.get("inputTokens").is_some());
        (value.get("contentBlockIndex").is_some() && value.get("delta").is_some())
            || (usage && (value.get("metrics").is_some() || value.get("output").is_some()))
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        messages(bedrock::to_count(body, CONVERSE).unwrap_or(body))
    }
}

/// The request that is counted, where it is one of this API.
const CONVERSE: &str = "converse";

/// Reads an event of a stream.
pub(super) fn read_event(name: &str, event: &Value, answer: &mut Answer) {
    let index = json::count(event, "contentBlockIndex").unwrap_or(0);
    let call = Slot::of_item(index, SlotKind::ToolCall);
    match name {
        "contentBlockStart" => {
            if let Some(started) = event.pointer("/start/toolUse") {
                answer.call(call, json::text(started, "toolUseId"), json::text(started, "name"));
            }
        }
        "contentBlockStop" if answer.lacks_arguments(call) => answer.add(call, "{}"),
        "messageStop" => answer.finish_reason = json::owned(event, "stopReason"),
        "metadata" => {
            answer.reported.merge(event.get("usage").map(reported).unwrap_or_default());
            tier(event, answer);
            answer.done = true;
        }
        _ => {
            // Joined midway the name may not be known; the members are its own.
            let Some(delta) = event.get("delta") else { return };
            let piece = |at: &str| delta.pointer(at).and_then(Value::as_str).unwrap_or_default();
            answer.add(Slot::of_item(index, SlotKind::Text), piece("/text"));
            answer.add(Slot::of_item(index, SlotKind::Reasoning), piece("/reasoningContent/text"));
            answer.add(call, piece("/toolUse/input"));
        }
    }
}

/// Reads a whole answer.
pub(super) fn read_response(body: &Value, answer: &mut Answer) {
    answer.finish_reason = json::owned(body, "stopReason");
    if let Some(usage) = body.get("usage") {
        answer.reported.merge(reported(usage));
    }
    tier(body, answer);
    let message = body.pointer("/output/message").unwrap_or(&Value::Null);
    for (index, block) in json::array(message, "content").iter().enumerate() {
        let slot = |kind| Slot::of_item(index as u64, kind);
        match part(block) {
            Part::Text(text) => answer.add(slot(SlotKind::Text), &text),
            Part::Reasoning(text) => answer.add(slot(SlotKind::Reasoning), &text),
            Part::ToolCall(call) => {
                let slot = slot(SlotKind::ToolCall);
                answer.call(slot, call.id.as_deref(), call.name.as_deref());
                answer.add(slot, &call.arguments);
            }
            Part::ToolResult { .. } | Part::Other { .. } => {}
        }
    }
}

fn tier(told: &Value, answer: &mut Answer) {
    answer.served(told.pointer("/serviceTier/type").and_then(Value::as_str));
}

/// The messages of a request; tool results, which the user's message holds, are
/// the tool's.
pub(super) fn messages(body: &Value) -> Vec<Message> {
    // Where a cache is to begin is nothing that is said.
    let said = |block: &&Value| block.get("cachePoint").is_none();
    let parts = |blocks: &[Value]| blocks.iter().filter(said).map(part).collect::<Vec<_>>();
    let system = parts(json::array(body, "system"));
    let mut messages = Vec::new();
    if !system.is_empty() {
        messages.push(Message::new("system", system));
    }
    for message in json::array(body, "messages") {
        let role = json::text(message, "role").unwrap_or("unknown");
        messages.extend(Message::with_results(role, parts(json::array(message, "content"))));
    }
    messages
}

/// A content block: a union, named by its one member.
fn part(block: &Value) -> Part {
    if let Some(call) = block.get("toolUse") {
        return Part::ToolCall(ToolCall {
            id: json::owned(call, "toolUseId"),
            name: json::owned(call, "name"),
            arguments: call.get("input").map(json::as_text).unwrap_or_default(),
        });
    }
    if let Some(result) = block.get("toolResult") {
        let texts = json::array(result, "content").iter().map(|piece| match piece.get("json") {
            Some(value) => json::as_text(value),
            None => json::owned(piece, "text").unwrap_or_default(),
        });
        return Part::ToolResult {
            id: json::owned(result, "toolUseId"),
            text: texts.collect::<Vec<_>>().join("\n"),
            error: json::text(result, "status") == Some("error"),
        };
    }
    if let Some(reasoning) = block.get("reasoningContent") {
        let text = reasoning.pointer("/reasoningText/text").and_then(Value::as_str);
        return Part::Reasoning(text.unwrap_or_default().to_owned());
    }
    if let Some(cited) = block.get("citationsContent") {
        let texts =
            json::array(cited, "content").iter().filter_map(|piece| json::text(piece, "text"));
        return Part::Text(texts.collect());
    }
    match (block.get("text").and_then(Value::as_str), block.as_object()) {
        (Some(text), _) => Part::Text(text.to_owned()),
        (None, Some(union)) => {
            let kind = union.keys().next().map_or("unknown", String::as_str).to_owned();
            Part::Other { kind, bytes: json::size(block) }
        }
        (None, None) => json::part(block),
    }
}

fn reported(usage: &Value) -> Reported {
    let details = json::array(usage, "cacheDetails");
    let hour = details.iter().filter(|detail| json::text(detail, "ttl") == Some("1h"));
    let hour: Option<u64> =
        hour.filter_map(|detail| json::count(detail, "inputTokens")).reduce(u64::saturating_add);
    Reported {
        convention: Convention::BEDROCK_CONVERSE,
        input: json::count(usage, "inputTokens"),
        output: json::count(usage, "outputTokens"),
        cache_read: json::count(usage, "cacheReadInputTokens"),
        cache_write: json::count(usage, "cacheWriteInputTokens"),
        cache_write_1h: hour,
        ..Reported::default()
    }
}
