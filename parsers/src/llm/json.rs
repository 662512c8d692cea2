//! Reading JSON that may hold anything: what is not as expected is absent.

use serde_json::Value;

use super::message::Part;
use super::parse::parse;
use crate::{ApiError, percent};

/// A whole JSON object.
pub(super) fn object(data: &str) -> Option<Value> {
    parse(data.as_bytes()).filter(Value::is_object)
}

/// A string that says something.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// The same, to keep.
pub(super) fn owned(value: &Value, key: &str) -> Option<String> {
    text(value, key).map(str::to_owned)
}

/// A count, however the number is written; not below zero.
pub(super) fn count(value: &Value, key: &str) -> Option<u64> {
    let number = value.get(key)?;
    number.as_u64().or_else(|| {
        let float = number.as_f64()?;
        (float >= 0.0 && float < u64::MAX as f64).then_some(float as u64)
    })
}

/// Whether it says so; where it does not say, no.
pub(super) fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or(false)
}

/// A member of a member.
pub(super) fn count_in(value: &Value, outer: &str, key: &str) -> Option<u64> {
    count(value.get(outer)?, key)
}

/// An array's elements; none if it is something else.
pub(super) fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A member by the first of its names that is there: many APIs take both
/// camelCase and snake_case.
pub(super) fn one_of<'a>(value: &'a Value, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| value.get(name).filter(|value| !value.is_null()))
}

/// A string as it is, anything else as JSON text, nothing as nothing.
pub(super) fn as_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The error that a body or an event holds, in any of the usual shapes:
/// `{"error": {"type", "code", "message"}}`, `{"error": "..."}`,
/// `{"object": "error", "message"}`, `{"type": "error", "message"}`,
/// `{"detail": ...}`.
pub(super) fn error(value: &Value) -> Option<ApiError> {
    let marked = ["object", "type"].iter().any(|key| text(value, key) == Some("error"));
    match value.get("error") {
        Some(Value::Object(_)) => Some(error_of(&value["error"])),
        Some(Value::String(message)) => {
            // xAI's code is in words.
            let kind = owned(value, "error_type").or_else(|| owned(value, "code"));
            Some(ApiError { kind, message: Some(message.clone()) })
        }
        _ if marked => Some(error_of(value)),
        _ => {
            let detail = value.get("detail").filter(|detail| !detail.is_null())?;
            Some(ApiError { kind: None, message: Some(as_text(detail)) })
        }
    }
}

/// The error of a body that is known to be one, and does not mark it: `{"message"}`, as
/// Cerebras, Kong and API Gateway have it, or `{"errors": [{"message"}]}`, as Cloudflare.
pub(crate) fn unmarked_error(body: &Value) -> Option<ApiError> {
    let all = std::iter::once(body).chain(array(body, "errors"));
    all.filter(|one| text(one, "message").is_some()).map(error_of).next()
}

/// An error's own object. The code says more than the type where both are
/// there (`rate_limit_exceeded`, of type `tokens`).
pub(super) fn error_of(error: &Value) -> ApiError {
    let code = match error.get("code") {
        Some(Value::String(code)) if !code.is_empty() => Some(code.clone()),
        Some(Value::Number(code)) => Some(code.to_string()),
        _ => None,
    };
    let kind = match code {
        // A bare number repeats the HTTP status.
        Some(code) if code.parse::<f64>().is_err() => Some(code),
        code => owned(error, "type")
            .filter(|kind| kind != "error")
            .or_else(|| owned(error, "status"))
            .or(code),
    };
    ApiError { kind, message: owned(error, "message") }
}

/// A prompt: text, several of them, or tokens.
pub(super) fn prompt(prompt: &Value) -> Vec<Part> {
    match prompt {
        Value::Null => Vec::new(),
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::String(text) => vec![Part::Text(text.clone())],
        Value::Array(texts) if texts.iter().any(Value::is_string) => {
            texts.iter().filter_map(Value::as_str).map(|text| Part::Text(text.to_owned())).collect()
        }
        tokens => vec![Part::Other { kind: "tokens".to_owned(), bytes: size(tokens) }],
    }
}

/// A content part of a message: text in any of its spellings, reasoning, or
/// something else of which only kind and size matter.
pub(super) fn part(part: &Value) -> Part {
    let kind = text(part, "type").unwrap_or("unknown");
    match (part, part.get("text").and_then(Value::as_str)) {
        (Value::String(text), _) => Part::Text(text.clone()),
        (_, Some(text)) if kind.contains("reasoning") || kind.contains("summary") => {
            Part::Reasoning(text.to_owned())
        }
        (_, Some(text)) => Part::Text(text.to_owned()),
        _ if kind == "refusal" => Part::Text(owned(part, "refusal").unwrap_or_default()),
        _ if kind == "thinking" => Part::Reasoning(match part.get("thinking") {
            Some(Value::Array(pieces)) => {
                pieces.iter().filter_map(|piece| text(piece, "text")).collect()
            }
            Some(Value::String(text)) => text.clone(),
            _ => String::new(),
        }),
        _ => Part::Other { kind: kind.to_owned(), bytes: size(part) },
    }
}

/// A part of a URL without percent encoding, to keep.
pub(crate) fn percent_decoded(text: &str) -> String {
    percent::decoded(text).into_owned()
}

/// About the length of a value's JSON text, without writing it.
pub(super) fn size(value: &Value) -> u64 {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 4,
        Value::String(text) => text.len() as u64 + 2,
        Value::Array(values) => 2 + values.iter().map(|value| size(value) + 1).sum::<u64>(),
        Value::Object(members) => {
            2 + members.iter().map(|(key, value)| key.len() as u64 + 4 + size(value)).sum::<u64>()
        }
    }
}
