//! `openai.chat`: OpenAI's Chat Completions, and what Azure, Groq, Mistral,
//! DeepSeek, OpenRouter, vLLM, llama.cpp and many others made of it.

use serde_json::Value;

use super::answer::{Answer, Slot, SlotKind};
use super::message::{Message, Part};
use super::{Dialect, Recognised, RequestFacts, RequestHead, google_error, json, provider};
use crate::usage::{Convention, Reported};
use crate::{ApiError, ToolCall};

/// See the module.
#[derive(Debug)]
pub(super) struct OpenAiChat;

/// Paths of other APIs whose requests have `model` and `messages` too.
const FOREIGN: &[&str] = &["/api/chat", "/v1/chat", "/v2/chat", "/count_tokens", "/tokenize"];

impl Dialect for OpenAiChat {
    fn name(&self) -> &'static str {
        "openai.chat"
    }

    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised> {
        if head.method != "POST" {
            return None;
        }
        let path = head.path.trim_end_matches('/');
        let by_path = path.ends_with("/chat/completions") || path.ends_with("/agents/completions");
        let known = match body {
            None => by_path,
            // Nobody else has this path: a request without messages is a mistake.
            Some(body) if by_path => body.is_object(),
            Some(body) => {
                !FOREIGN.iter().any(|foreign| path.ends_with(foreign))
                    && (!path.contains(':') || is_raw(path))
                    && json::text(body, "model").is_some()
                    && has_messages(body)
            }
        };
        known.then(|| Recognised { provider: provider::of_host(head.host), operation: "chat" })
    }

    fn request(&self, head: &RequestHead<'_>, body: &Value) -> RequestFacts {
        RequestFacts {
            model: json::owned(body, "model").or_else(|| model_in_url(head.path)),
            stream: Some(json::flag(body, "stream")),
        }
    }

    fn event(&self, name: &str, data: &str, answer: &mut Answer) {
        read_event(name, data, answer, |_, _| {});
    }

    fn response(&self, body: &Value, answer: &mut Answer) {
        // Google's endpoint for this API refuses with a list of one error.
        let body = body.as_array().and_then(|list| list.first()).unwrap_or(body);
        read(body, "message", answer);
        answer.done = true;
    }

    fn answers(&self, value: &Value) -> bool {
        let object = json::text(value, "object");
        object.is_some_and(|object| matches!(object, "chat.completion" | "chat.completion.chunk"))
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        json::array(body, "messages").iter().map(message).collect()
    }
}

/// Vertex passes requests on to models of others, as they are.
fn is_raw(path: &str) -> bool {
    path.ends_with(":rawPredict") || path.ends_with(":streamRawPredict")
}

/// Whether `messages` are what only a chat has.
fn has_messages(body: &Value) -> bool {
    let messages = json::array(body, "messages");
    !messages.is_empty()
        && messages.iter().all(|message| {
            json::text(message, "role").is_some()
                && ["content", "tool_calls", "function_call"]
                    .iter()
                    .any(|k| message.get(k).is_some())
        })
}

/// Azure names the model by the deployment in the path, Copilot's completions
/// by an engine.
pub(super) fn model_in_url(path: &str) -> Option<String> {
    let kinds = ["deployments", "engines"];
    let mut segments = path.split('/').skip_while(|segment| !kinds.contains(segment));
    segments.next()?;
    segments.next().filter(|name| !name.is_empty()).map(str::to_owned)
}

/// An event of a stream of chunks; `further` reads what a kin's chunk has that
/// a chat's has not.
pub(super) fn read_event(
    name: &str,
    data: &str,
    answer: &mut Answer,
    further: impl Fn(&Value, &mut Answer),
) {
    if data.trim() == "[DONE]" {
        answer.done = true;
        return;
    }
    let chunk = json::object(data);
    if let Some(chunk) = &chunk {
        read(chunk, "delta", answer);
        further(chunk, answer);
    }
    // Some servers name the event and leave the rest to taste.
    if name == "error" && answer.error.is_none() {
        answer.error = Some(match &chunk {
            Some(chunk) => json::error_of(chunk),
            None => ApiError { kind: None, message: Some(data.to_owned()) },
        });
    }
}

/// A chunk of a stream, or a whole completion: they differ in where a choice
/// holds its content.
pub(super) fn read(chunk: &Value, content: &str, answer: &mut Answer) {
    if let Some(id) = json::text(chunk, "id") {
        answer.id.get_or_insert_with(|| id.to_owned());
    }
    if let Some(model) = json::text(chunk, "model") {
        answer.model.get_or_insert_with(|| model.to_owned());
    }
    answer.served(json::text(chunk, "service_tier"));
    // Moonshot's is the choice's, in a stream; of several choices none has all.
    let only = match json::array(chunk, "choices") {
        [choice] => choice.get("usage"),
        _ => None,
    };
    let usages = [only, chunk.get("usage"), chunk.pointer("/x_groq/usage")];
    for usage in usages.into_iter().flatten() {
        if usage.is_object() {
            answer.reported.merge(reported(usage));
            answer.cost = cost(usage).or(answer.cost);
        }
    }
    for (position, choice) in json::array(chunk, "choices").iter().enumerate() {
        let index = json::count(choice, "index").unwrap_or(position as u64);
        // Some servers answer a stream with whole messages.
        let both = [content, "delta", "message"];
        if let Some(delta) = both.iter().find_map(|key| choice.get(key).filter(|d| d.is_object())) {
            read_message(delta, index, answer);
        }
        if let Some(reason) = json::text(choice, "finish_reason")
            && (index == 0 || answer.finish_reason.is_none())
        {
            answer.finish_reason = Some(reason.to_owned());
        }
        // OpenRouter's, of a model that fails on the way.
        answer.error = json::error(choice).or(answer.error.take());
    }
    let groq = chunk.pointer("/x_groq/error").and_then(Value::as_str);
    let groq = groq.map(|message| ApiError { kind: None, message: Some(message.to_owned()) });
    if let Some(error) = json::error(chunk).or(groq) {
        answer.error = Some(error);
        google_error::read(chunk, answer);
    }
}

fn read_message(message: &Value, choice: u64, answer: &mut Answer) {
    let slot = |kind| Slot { choice, item: 0, part: 0, kind };
    let reasoning = ["reasoning_content", "reasoning"];
    match reasoning.iter().find_map(|key| json::text(message, key)) {
        Some(text) => answer.add(slot(SlotKind::Reasoning), text),
        None => {
            for detail in json::array(message, "reasoning_details") {
                let text = json::text(detail, "text").or_else(|| json::text(detail, "summary"));
                answer.add(slot(SlotKind::Reasoning), text.unwrap_or_default());
            }
        }
    }
    match message.get("content") {
        Some(Value::String(text)) => answer.add(slot(SlotKind::Text), text),
        // Mistral's: a list of text and thinking chunks.
        Some(Value::Array(chunks)) => {
            for chunk in chunks {
                answer.add(slot(SlotKind::Text), json::text(chunk, "text").unwrap_or_default());
                for thought in json::array(chunk, "thinking") {
                    let text = json::text(thought, "text").unwrap_or_default();
                    answer.add(slot(SlotKind::Reasoning), text);
                }
            }
        }
        _ => {}
    }
    // What is spoken is written down, too.
    let spoken = message.get("audio").and_then(|audio| json::text(audio, "transcript"));
    answer.add(slot(SlotKind::Text), spoken.unwrap_or_default());
    answer.add(slot(SlotKind::Refusal), json::text(message, "refusal").unwrap_or_default());
    for (position, call) in json::array(message, "tool_calls").iter().enumerate() {
        let index = json::count(call, "index").unwrap_or(position as u64);
        read_call(call, Slot { choice, item: index, part: 0, kind: SlotKind::ToolCall }, answer);
    }
    if let Some(call) = message.get("function_call").filter(|call| call.is_object()) {
        let slot = Slot { choice, item: u64::MAX, part: 0, kind: SlotKind::ToolCall };
        answer.call(slot, None, json::text(call, "name"));
        answer.add(slot, &json::as_text(&call["arguments"]));
    }
}

/// A call or a fragment of one. Fragments belong together by index, though some servers
/// make up an id for each. But a name begins a call: under an old index with a new id
/// (some number all of them 0), or without any (some number none), it is another one.
fn read_call(call: &Value, slot: Slot, answer: &mut Answer) {
    let id = json::text(call, "id").filter(|id| !id.is_empty());
    let empty = Value::Null;
    let function = call.get("function").or_else(|| call.get("custom")).unwrap_or(&empty);
    let name = json::text(function, "name").filter(|name| !name.is_empty());
    let another = match (id, answer.call_id(slot)) {
        (Some(new), Some(old)) => new != old,
        (None, None) => call.get("index").is_none() && answer.has_arguments(slot),
        _ => false,
    };
    if another && name.is_some() {
        answer.detach(slot);
    }
    answer.call(slot, id, name);
    let arguments = function.get("arguments").or_else(|| function.get("input"));
    answer.add(slot, &arguments.map(json::as_text).unwrap_or_default());
}

/// The figures of OpenAI's `usage`, and of others' like it.
pub(super) fn reported(usage: &Value) -> Reported {
    let prompt = |key| json::count_in(usage, "prompt_tokens_details", key);
    let input = json::count(usage, "prompt_tokens");
    let output = json::count(usage, "completion_tokens");
    let detail = json::count_in(usage, "completion_tokens_details", "reasoning_tokens");
    // SGLang's, part of the completion; and Perplexity's, which is in no total.
    let reasoning = detail.or_else(|| json::count(usage, "reasoning_tokens"));
    let mut convention = Convention::OPENAI;
    let searched = json::count(usage, "num_search_queries").is_some();
    convention.output_includes_reasoning = detail.is_some() || !searched;
    // Some count reasoning beside the completion; their total tells.
    if let (Some(input), Some(output), Some(reasoning), Some(total)) =
        (input, output, reasoning, json::count(usage, "total_tokens"))
        && reasoning > 0
        && total == input.saturating_add(output).saturating_add(reasoning)
    {
        convention.output_includes_reasoning = false;
    }
    Reported {
        convention,
        input,
        output,
        cache_read: prompt("cached_tokens")
            .or_else(|| json::count(usage, "prompt_cache_hit_tokens"))
            .or_else(|| json::count(usage, "cached_tokens")),
        cache_write: prompt("cache_write_tokens")
            .or_else(|| prompt("cache_creation_tokens"))
            .or_else(|| prompt("cache_creation_input_tokens")),
        reasoning,
        input_audio: prompt("audio_tokens"),
        output_audio: json::count_in(usage, "completion_tokens_details", "audio_tokens"),
        ..Reported::default()
    }
}

/// What OpenRouter (a number), Perplexity (an object) and xAI (in ticks of 10^-10 dollars,
/// <https://docs.x.ai/developers/cost-tracking>) say it cost. With a key of one's own,
/// OpenRouter's figure is its fee on top of the provider's.
pub(super) fn cost(usage: &Value) -> Option<f64> {
    let told = usage.get("cost");
    let told = told.and_then(|cost| cost.as_f64().or_else(|| cost.get("total_cost")?.as_f64()));
    let ticks = || Some(usage.get("cost_in_usd_ticks")?.as_f64()? / 1e10);
    let cost = told.or_else(ticks)?;
    let own_key = json::flag(usage, "is_byok");
    let upstream = usage.pointer("/cost_details/upstream_inference_cost").and_then(Value::as_f64);
    let cost = if own_key { cost + upstream.unwrap_or(0.0) } else { cost };
    (cost.is_finite() && cost >= 0.0).then_some(cost)
}

fn message(message: &Value) -> Message {
    let role = json::text(message, "role").unwrap_or("unknown");
    if role == "tool" || role == "function" {
        let text = parts(message).iter().filter_map(text_of).collect::<Vec<_>>().join("\n");
        let id = json::owned(message, "tool_call_id").or_else(|| json::owned(message, "name"));
        return Message::new("tool", vec![Part::ToolResult { id, text, error: false }]);
    }
    let mut all = Vec::new();
    let reasoning = ["reasoning_content", "reasoning"];
    if let Some(text) = reasoning.iter().find_map(|key| json::owned(message, key)) {
        all.push(Part::Reasoning(text));
    }
    all.extend(parts(message));
    if let Some(refusal) = json::owned(message, "refusal") {
        all.push(Part::Text(refusal));
    }
    for call in json::array(message, "tool_calls") {
        let empty = Value::Null;
        let function = call.get("function").or_else(|| call.get("custom")).unwrap_or(&empty);
        let arguments = function.get("arguments").or_else(|| function.get("input"));
        all.push(Part::ToolCall(ToolCall {
            id: json::owned(call, "id"),
            name: json::owned(function, "name"),
            arguments: arguments.map(json::as_text).unwrap_or_default(),
        }));
    }
    if let Some(call) = message.get("function_call").filter(|call| call.is_object()) {
        all.push(Part::ToolCall(ToolCall {
            id: None,
            name: json::owned(call, "name"),
            arguments: json::as_text(&call["arguments"]),
        }));
    }
    Message::new(if role == "developer" { "system" } else { role }, all)
}

fn text_of(part: &Part) -> Option<&str> {
    match part {
        Part::Text(text) => Some(text),
        _ => None,
    }
}

fn parts(message: &Value) -> Vec<Part> {
    match message.get("content") {
        Some(Value::String(text)) if !text.is_empty() => vec![Part::Text(text.clone())],
        Some(Value::Array(parts)) => parts.iter().map(json::part).collect(),
        _ => Vec::new(),
    }
}
