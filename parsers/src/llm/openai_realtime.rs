//! `openai.realtime`: OpenAI's Realtime API over a WebSocket, as Azure and
//! others speak it too. Speech is told by its transcript; audio is not text.
//!
//! <https://platform.openai.com/docs/api-reference/realtime>

use serde_json::Value;

use super::answer::{Answer, Slot, SlotKind};
use super::message::Message;
use super::openai_limits::{is_limits, limits};
use super::openai_responses::{message as item_message, read_item};
use super::{Dialect, Recognised, RequestFacts, RequestHead, Turn, TurnPart, json};
use crate::usage::{Convention, Reported};
use crate::{ApiError, Role};

/// See the module.
#[derive(Debug)]
pub(super) struct OpenAiRealtime;

impl Dialect for OpenAiRealtime {
    fn name(&self) -> &'static str {
        "openai.realtime"
    }

    /// No HTTP request asks a model.
    fn recognise(&self, _head: &RequestHead<'_>, _body: Option<&Value>) -> Option<Recognised> {
        None
    }

    fn request(&self, head: &RequestHead<'_>, body: &Value) -> RequestFacts {
        let asked = body.pointer("/response/model").and_then(Value::as_str).map(str::to_owned);
        let in_query = || {
            let named = head.query.split('&').filter_map(|pair| pair.split_once('='));
            let mut named = named.filter(|(key, _)| matches!(*key, "model" | "deployment"));
            named.next().map(|(_, model)| model.to_owned())
        };
        RequestFacts { model: asked.or_else(in_query), stream: Some(true) }
    }

    fn event(&self, name: &str, data: &str, answer: &mut Answer) {
        let Some(event) = json::object(data) else { return };
        let kind = json::text(&event, "type").unwrap_or(name);
        if let Some((content, end)) = kind.rsplit_once('.')
            && let Some((slot_kind, whole)) = part_of(content)
        {
            let slot = Slot {
                choice: 0,
                item: json::count(&event, "output_index").unwrap_or(0),
                part: json::count(&event, "content_index").unwrap_or(0),
                kind: slot_kind,
            };
            match (end, event.get(whole).and_then(Value::as_str)) {
                ("delta", _) => answer.add(slot, json::text(&event, "delta").unwrap_or_default()),
                ("done", Some(whole)) => {
                    let (id, name) = (json::text(&event, "call_id"), json::text(&event, "name"));
                    if slot_kind == SlotKind::ToolCall {
                        answer.call(slot, id, name);
                    }
                    answer.replace(slot, whole);
                }
                _ => {}
            }
            return;
        }
        match kind {
            "response.output_item.added" | "response.output_item.done" => {
                let index = json::count(&event, "output_index").unwrap_or(0);
                if let Some(item) = event.get("item") {
                    read_item(item, index, kind.ends_with(".done"), answer);
                }
            }
            "response.created" => {
                answer.id =
                    event.pointer("/response/id").and_then(Value::as_str).map(str::to_owned);
            }
            "response.done" => {
                if let Some(response) = event.get("response") {
                    self.response(response, answer);
                }
                answer.done = true;
            }
            "error" => answer.error = json::error(&event),
            kind if is_limits(kind) => answer.limits = limits(&event),
            _ => {}
        }
    }

    /// The `response` of a `response.done`.
    fn response(&self, body: &Value, answer: &mut Answer) {
        answer.id = json::owned(body, "id").or(answer.id.take());
        for (index, item) in json::array(body, "output").iter().enumerate() {
            read_item(item, index as u64, true, answer);
        }
        if let Some(usage) = body.get("usage").filter(|usage| usage.is_object()) {
            answer.reported.merge(reported(usage));
        }
        let details = body.get("status_details");
        let why = details.and_then(|details| json::owned(details, "reason"));
        answer.finish_reason = why.or_else(|| json::owned(body, "status"));
        if let Some(error) = details.and_then(|details| details.get("error")) {
            answer.error = Some(json::error_of(error));
        } else if json::text(body, "status") == Some("failed") {
            answer.error = Some(ApiError { kind: Some("failed".to_owned()), message: None });
        }
        answer.done = true;
    }

    fn turn<'a>(&self, head: &RequestHead<'_>, from: Role, message: &'a Value) -> Option<Turn<'a>> {
        let kind = json::text(message, "type")?;
        let known = head.path.trim_end_matches('/').ends_with("/realtime");
        if !known && (head.path.ends_with("/responses") || !is_ours(from, kind, message)) {
            return None;
        }
        let of_session = |key| json::text(message.get("session")?, key);
        let (model, session) = (of_session("model"), of_session("id"));
        let turn = match from {
            Role::Client => Turn { message: json::text(message, "event_id"), ..asked(kind) },
            Role::Server => told(kind, message),
        };
        Some(Turn { model, session, ..turn })
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

fn asked<'a>(kind: &str) -> Turn<'a> {
    Turn::new(match kind {
        "response.create" => TurnPart::Asks,
        "conversation.item.create" => TurnPart::Adds,
        "input_audio_buffer.append" => TurnPart::Feeds,
        _ => TurnPart::Beside,
    })
}

fn told<'a>(kind: &str, message: &'a Value) -> Turn<'a> {
    let whole = message.get("response").and_then(|response| json::text(response, "id"));
    let answer = whole.or_else(|| json::text(message, "response_id"));
    match kind {
        "response.created" => Turn { answer, ..Turn::new(TurnPart::Begins) },
        "error" => {
            let error = &message["error"];
            let about = json::text(error, "event_id");
            // The client asked while an answer came that it had not asked for.
            let asked =
                json::text(error, "code") == Some("conversation_already_has_active_response");
            let part =
                if about.is_some() || asked { TurnPart::Rejects } else { TurnPart::Complains };
            Turn { message: about, ..Turn::new(part) }
        }
        kind if is_limits(kind) => Turn::new(TurnPart::Limits),
        kind if kind.starts_with("response.") && answer.is_some() => {
            Turn { answer, ..Turn::new(TurnPart::Tells) }
        }
        _ => Turn::new(TurnPart::Beside),
    }
}

/// Whether a message can only be of this API, where the path does not say so:
/// OpenAI's Responses API has messages of the same names.
fn is_ours(from: Role, kind: &str, message: &Value) -> bool {
    match from {
        Role::Client => match kind {
            "response.create" => ["model", "input", "previous_response_id"]
                .iter()
                .all(|key| message.get(key).is_none()),
            "session.update" => message.get("session").is_some_and(Value::is_object),
            "input_audio_buffer.append" => json::text(message, "audio").is_some(),
            "conversation.item.create" => message.get("item").is_some_and(Value::is_object),
            _ => false,
        },
        Role::Server => {
            let families = ["response.", "session.", "conversation.item.", "input_audio_buffer."];
            json::text(message, "event_id").is_some()
                && families.iter().any(|family| kind.starts_with(family))
        }
    }
}

/// What an event of a part's content adds to, and the member that has all of it
/// at its end. The names before and since the API left its beta.
fn part_of(content: &str) -> Option<(SlotKind, &'static str)> {
    match content {
        "response.output_text" | "response.text" => Some((SlotKind::Text, "text")),
        "response.output_audio_transcript"
        | "response.output_audio.transcript"
        | "response.audio_transcript" => Some((SlotKind::Text, "transcript")),
        "response.function_call_arguments" => Some((SlotKind::ToolCall, "arguments")),
        _ => None,
    }
}

/// What a message of a client adds to the conversation.
fn said(message: &Value) -> Vec<Message> {
    let instructions = message.pointer("/response/instructions").and_then(Value::as_str);
    let system =
        instructions.map(|text| Message::new("system", vec![super::Part::Text(text.to_owned())]));
    let input = message.get("response").map_or(&[][..], |response| json::array(response, "input"));
    system
        .into_iter()
        .chain(message.get("item").into_iter().chain(input).map(item_message))
        .collect()
}

/// The details are of one token here, not of tokens.
fn reported(usage: &Value) -> Reported {
    let input = |key| json::count_in(usage, "input_token_details", key);
    Reported {
        convention: Convention::OPENAI,
        input: json::count(usage, "input_tokens"),
        output: json::count(usage, "output_tokens"),
        cache_read: input("cached_tokens"),
        reasoning: json::count_in(usage, "output_token_details", "reasoning_tokens"),
        input_audio: input("audio_tokens"),
        cached_audio: usage
            .get("input_token_details")
            .and_then(|details| json::count_in(details, "cached_tokens_details", "audio_tokens")),
        output_audio: json::count_in(usage, "output_token_details", "audio_tokens"),
        ..Reported::default()
    }
}
