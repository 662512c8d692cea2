//! `google.gemini`: Google's GenerateContent API
//! (<https://ai.google.dev/api/generate-content>), on the Gemini API, on Vertex
//! AI, and wrapped as Code Assist (Gemini CLI) wraps it; with token counts and
//! embeddings.
//!
//! A stream is a sequence of whole responses, each with the next parts: as
//! server-sent events (`alt=sse`), or as the elements of one JSON array.
//! Nothing says that it is over but a finish reason.

use serde_json::Value;

use super::answer::{Answer, Slot, SlotKind};
use super::gemini_message as message;
use super::json::one_of;
use super::message::Message;
use super::{Dialect, Recognised, RequestFacts, RequestHead, google_error, json, provider};
use crate::ToolCall;
use crate::usage::{Convention, Reported};

/// See the module.
#[derive(Debug)]
pub(super) struct GoogleGemini;

impl Dialect for GoogleGemini {
    fn name(&self) -> &'static str {
        "google.gemini"
    }

    fn usual_operation(&self) -> &'static str {
        GENERATE
    }

    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised> {
        if head.method != "POST" {
            return None;
        }
        let by_path = operation(head.path);
        let operation = match body {
            None => by_path?,
            // Nobody else has these: a request without contents is a mistake.
            Some(body) if body.is_object() && by_path.is_some() => by_path?,
            Some(body) => is_ours(unwrapped(body, "request")).then_some(GENERATE)?,
        };
        Some(Recognised { provider: provider::of_host(head.host), operation })
    }

    fn request(&self, head: &RequestHead<'_>, body: &Value) -> RequestFacts {
        let inner = body.get("generateContentRequest").unwrap_or(body);
        let model = json::text(body, "model").or_else(|| json::text(inner, "model"));
        RequestFacts {
            model: model
                .map(|model| model.strip_prefix("models/").unwrap_or(model).to_owned())
                .or_else(|| in_url(head.path)),
            stream: Some(call(head.path).is_some_and(|(_, call)| call == "streamGenerateContent")),
        }
    }

    fn event(&self, _name: &str, data: &str, answer: &mut Answer) {
        if let Some(event) = json::object(data) {
            read(&event, answer);
        }
    }

    fn response(&self, body: &Value, answer: &mut Answer) {
        // All chunks of a stream at once, or an error of one.
        match body.as_array() {
            Some(chunks) => chunks.iter().for_each(|chunk| read(chunk, answer)),
            None => {
                answer.done = true;
                read(body, answer);
            }
        }
        answer.done = true;
    }

    fn answers(&self, value: &Value) -> bool {
        let value = unwrapped(value, "response");
        let parts = |candidate: &Value| {
            candidate.pointer("/content/parts").is_some_and(Value::is_array)
                || json::text(candidate, "finishReason").is_some()
        };
        json::array(value, "candidates").iter().any(parts)
            || (value.get("usageMetadata").is_some_and(Value::is_object)
                && json::text(value, "modelVersion").is_some())
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        message::messages(unwrapped(body, "request"))
    }
}

/// OpenTelemetry's name of what the API is for.
const GENERATE: &str = "generate_content";

/// The resource and what is called of it: `.../models/gemini:generateContent`.
fn call(path: &str) -> Option<(&str, &str)> {
    let path = path.trim_end_matches('/');
    path.rsplit_once(':').or_else(|| path.rsplit_once("%3A")).or_else(|| path.rsplit_once("%3a"))
}

/// The model, or the endpoint of one, that the path names.
fn in_url(path: &str) -> Option<String> {
    let mut segments = call(path)?.0.rsplit('/');
    let model = segments.next().filter(|model| !model.is_empty())?;
    let kinds = ["models", "tunedModels", "endpoints"];
    segments.next().filter(|kind| kinds.contains(kind))?;
    Some(json::percent_decoded(model))
}

fn operation(path: &str) -> Option<&'static str> {
    let (resource, call) = call(path)?;
    match call {
        "generateContent" | "streamGenerateContent" => Some(GENERATE),
        "countTokens" => Some("count_tokens"),
        "embedContent" | "batchEmbedContents" => Some("embeddings"),
        // Vertex predicts anything: pictures, sound, tables.
        "predict" => (resource.contains("/publishers/google/models/")
            && resource.contains("embedding"))
        .then_some("embeddings"),
        _ => None,
    }
}

/// What Code Assist puts around a request (`request`) or an answer (`response`).
fn unwrapped<'a>(value: &'a Value, member: &str) -> &'a Value {
    value.get(member).filter(|inner| inner.is_object()).unwrap_or(value)
}

/// Whether a body is a request for content, wherever it goes.
fn is_ours(body: &Value) -> bool {
    let contents = json::array(body, "contents");
    !contents.is_empty()
        && contents.iter().all(|content| {
            let parts = json::array(content, "parts");
            !parts.is_empty() && parts.iter().all(Value::is_object)
        })
}

/// A response, or one of those that make a stream.
fn read(value: &Value, answer: &mut Answer) {
    let value = unwrapped(value, "response");
    if let Some(error) = json::error(value) {
        answer.error = Some(error);
        google_error::read(value, answer);
        answer.done = true;
        return;
    }
    let text = |names: &[&str]| one_of(value, names)?.as_str().map(str::to_owned);
    answer.id = text(&["responseId", "response_id"]).or(answer.id.take());
    answer.model = text(&["modelVersion", "model_version"]).or(answer.model.take());
    for (position, candidate) in json::array(value, "candidates").iter().enumerate() {
        let index = json::count(candidate, "index").unwrap_or(position as u64);
        read_candidate(candidate, index, answer);
    }
    if let Some(feedback) = one_of(value, &["promptFeedback", "prompt_feedback"])
        && let Some(reason) = one_of(feedback, &["blockReason", "block_reason"])
    {
        answer.finish_reason = reason.as_str().map(str::to_owned);
        answer.done = true;
    }
    if let Some(usage) = one_of(value, &["usageMetadata", "usage_metadata"]) {
        answer.reported.merge(reported(usage, answer.done));
        served(usage, answer);
    } else if let Some(total) = json::count(value, "totalTokens") {
        answer.reported.merge(Reported {
            convention: Convention::GEMINI,
            input: Some(total),
            cache_read: json::count(value, "cachedContentTokenCount"),
            ..Reported::default()
        });
    }
    answer.reported.merge(embedded(value));
}

fn read_candidate(candidate: &Value, choice: u64, answer: &mut Answer) {
    let slot = |kind| Slot { choice, item: 0, part: 0, kind };
    for part in candidate.get("content").map_or(&[][..], |content| json::array(content, "parts")) {
        if let Some(text) = part.get("text").and_then(Value::as_str) {
            let kind = if message::is_thought(part) { SlotKind::Reasoning } else { SlotKind::Text };
            answer.add(slot(kind), text);
        } else if let Some(call) = message::call(part) {
            read_call(part, &call, slot(SlotKind::ToolCall), answer);
        }
    }
    let reason = one_of(candidate, &["finishReason", "finish_reason"]).and_then(Value::as_str);
    if let Some(reason) = reason.filter(|reason| *reason != "FINISH_REASON_UNSPECIFIED") {
        if choice == 0 || answer.finish_reason.is_none() {
            answer.finish_reason = Some(reason.to_owned());
        }
        answer.done = true;
    }
}

/// A call: whole, or the next of its pieces (Vertex's
/// `streamFunctionCallArguments`), which say where in the arguments they belong.
/// Calls are not numbered: one begins where another is over.
fn read_call(part: &Value, call: &ToolCall, slot: Slot, answer: &mut Answer) {
    let of_part = one_of(part, &["functionCall", "function_call"]).unwrap_or(&Value::Null);
    let goes_on = one_of(of_part, &["willContinue", "will_continue"]).and_then(Value::as_bool);
    let pieces = one_of(of_part, &["partialArgs", "partial_args"]).and_then(Value::as_array);
    let arriving = answer.is_arriving(slot);
    if arriving && call.name.is_some() {
        // Its end was not said, or not seen.
        answer.arrive_whole();
    }
    let continues = arriving && call.name.is_none() && of_part.get("args").is_none();
    if !continues {
        answer.call(slot, call.id.as_deref(), call.name.as_deref());
    }
    if goes_on != Some(true) && pieces.is_none() && !continues {
        answer.add(slot, &call.arguments);
        return answer.detach(slot);
    }
    // The arguments are an object, whatever there is of them.
    answer.arrive(slot, "$", None);
    for piece in pieces.into_iter().flatten() {
        let path = one_of(piece, &["jsonPath", "json_path"]).and_then(Value::as_str);
        let values = [
            ["stringValue", "string_value"],
            ["numberValue", "number_value"],
            ["boolValue", "bool_value"],
        ];
        // Without any of them it is null, as every place is at first.
        let value = values.iter().find_map(|names| one_of(piece, names));
        answer.arrive(slot, path.unwrap_or_default(), value);
    }
    if goes_on != Some(true) {
        answer.arrive_whole();
    }
}

/// Figures grow with the stream: before its end, the output's is only an early
/// one. Zeros are left out.
fn reported(usage: &Value, ended: bool) -> Reported {
    let count =
        |camel: &str, snake: &str| json::count(usage, camel).or_else(|| json::count(usage, snake));
    let prompt = count("promptTokenCount", "prompt_token_count");
    let tools = count("toolUsePromptTokenCount", "tool_use_prompt_token_count");
    let input = prompt.map(|prompt| prompt.saturating_add(tools.unwrap_or(0)));
    let thoughts = count("thoughtsTokenCount", "thoughts_token_count");
    let total = count("totalTokenCount", "total_token_count");
    let candidates = count("candidatesTokenCount", "candidates_token_count")
        .or_else(|| (thoughts.is_some() || (total.is_some() && total == input)).then_some(0));
    let report = Reported {
        convention: Convention::GEMINI,
        input,
        cache_read: count("cachedContentTokenCount", "cached_content_token_count"),
        input_audio: audio(one_of(usage, &["promptTokensDetails", "prompt_tokens_details"])),
        cached_audio: audio(one_of(usage, &["cacheTokensDetails", "cache_tokens_details"])),
        ..Reported::default()
    };
    if ended {
        let details = one_of(usage, &["candidatesTokensDetails", "candidates_tokens_details"]);
        let output_audio = audio(details);
        return Reported { output: candidates, reasoning: thoughts, output_audio, ..report };
    }
    let early = candidates.map(|tokens| tokens.saturating_add(thoughts.unwrap_or(0)));
    Reported { early_output: early, ..report }
}

/// Vertex and the Gemini API name the tier of service beside the figures.
pub(super) fn served(usage: &Value, answer: &mut Answer) {
    let names = [["trafficType", "traffic_type"], ["serviceTier", "service_tier"]];
    answer.served(names.iter().filter_map(|names| one_of(usage, names)?.as_str()));
}

/// The tokens of audio in a list of counts by modality.
pub(super) fn audio(details: Option<&Value>) -> Option<u64> {
    let counts = details?.as_array()?.iter();
    counts
        .filter(|count| json::text(count, "modality") == Some("AUDIO"))
        .find_map(|count| json::count(count, "tokenCount").or(json::count(count, "token_count")))
}

/// What Vertex says of each text that it embedded.
fn embedded(value: &Value) -> Reported {
    let counts = json::array(value, "predictions").iter().filter_map(|prediction| {
        json::count(prediction.pointer("/embeddings/statistics")?, "token_count")
    });
    let input = counts.reduce(u64::saturating_add);
    Reported { convention: Convention::GEMINI, input, ..Reported::default() }
}
