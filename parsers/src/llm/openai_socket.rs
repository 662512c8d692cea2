//! `openai.responses` over a WebSocket: which exchange a message belongs to.

use serde_json::Value;

use super::openai_limits::is_limits;
use super::{RequestHead, Turn, TurnPart, json};
use crate::Role;

/// See [`Dialect::turn`](super::Dialect::turn). Lanes are OpenAI's
/// `stream_id`; answers are named where they begin and end, not in between.
pub(super) fn turn<'a>(head: &RequestHead<'_>, from: Role, message: &'a Value) -> Option<Turn<'a>> {
    let kind = json::text(message, "type")?;
    let known = head.path.trim_end_matches('/').ends_with("/responses");
    if !known && (head.path.contains("/realtime") || !is_ours(from, kind, message)) {
        return None;
    }
    let named = message.get("response").and_then(|response| json::text(response, "id"));
    let part = match (from, kind) {
        (Role::Client, "response.create") => TurnPart::Asks,
        // More of the same: Codex, after an answer.
        (Role::Client, "response.append") => TurnPart::Continues,
        (Role::Server, "response.created" | "response.queued" | "response.in_progress") => {
            TurnPart::Begins
        }
        (Role::Server, "error") => TurnPart::Fails,
        (Role::Server, kind) if is_limits(kind) => TurnPart::Limits,
        (Role::Server, kind) if kind.starts_with("response.inject.") => TurnPart::Beside,
        (Role::Server, kind) if kind.starts_with("response.") => TurnPart::Tells,
        _ => TurnPart::Beside,
    };
    let turn = Turn { lane: json::text(message, "stream_id"), answer: named, ..Turn::new(part) };
    Some(if part == TurnPart::Fails { failed(turn, message) } else { turn })
}

/// Whether a message can only be of this API, where the path does not say so:
/// OpenAI's Realtime API has messages of the same names.
fn is_ours(from: Role, kind: &str, message: &Value) -> bool {
    match from {
        Role::Client => {
            let has = |key| message.get(key).is_some();
            match kind {
                "response.create" => {
                    has("model") && (has("input") || has("previous_response_id") || has("prompt"))
                }
                "response.append" => has("input"),
                _ => false,
            }
        }
        Role::Server => {
            let numbered = json::count(message, "sequence_number").is_some();
            kind == "codex.rate_limits" || (kind.starts_with("response.") && numbered)
        }
    }
}

/// What an error tells of the HTTP response that it would have been.
fn failed<'a>(turn: Turn<'a>, message: &'a Value) -> Turn<'a> {
    let status = ["status", "status_code"].iter().find_map(|key| json::count(message, key));
    let headers = message.get("headers").or_else(|| message.pointer("/error/headers"));
    let headers = headers.and_then(Value::as_object).into_iter().flatten();
    Turn {
        status: status.and_then(|status| u16::try_from(status).ok()),
        headers: headers.map(|(name, value)| (name.clone(), json::as_text(value))).collect(),
        ..turn
    }
}
