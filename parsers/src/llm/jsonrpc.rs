//! JSON-RPC 2.0 (<https://www.jsonrpc.org/specification>), as far as MCP and
//! A2A need it.

use serde_json::Value;

use super::json;
use crate::ApiError;

/// The messages of a body: one, or a batch.
pub(super) fn messages(body: &Value) -> &[Value] {
    match body {
        Value::Array(batch) => batch,
        one => std::slice::from_ref(one),
    }
}

/// The method that a body calls, of a batch the first that is one.
pub(super) fn method(body: &Value) -> Option<&str> {
    messages(body)
        .iter()
        .filter(|message| is_message(message))
        .find_map(|message| json::text(message, "method"))
}

/// Whether a value is a message of this protocol.
pub(crate) fn is_message(value: &Value) -> bool {
    json::text(value, "jsonrpc") == Some("2.0")
}

/// Whether a message is an answer to a call.
pub(crate) fn is_response(message: &Value) -> bool {
    message.get("method").is_none()
        && (message.get("result").is_some() || message.get("error").is_some())
}

/// A message's id as text; a number and a text that looks like it are two.
pub(crate) fn id(message: &Value) -> Option<String> {
    message.get("id").and_then(id_of)
}

/// An id, wherever it stands.
pub(crate) fn id_of(id: &Value) -> Option<String> {
    is_id(id).then(|| id.to_string())
}

/// A message's id as it is written, without quotes.
pub(super) fn bare_id(message: &Value) -> Option<String> {
    message.get("id").filter(|id| is_id(id)).map(json::as_text)
}

fn is_id(value: &Value) -> bool {
    value.is_string() || value.is_number()
}

/// What an answer says went wrong.
pub(crate) fn error(message: &Value) -> Option<ApiError> {
    json::error(message)
}
