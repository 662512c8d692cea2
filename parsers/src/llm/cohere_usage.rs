//! What Cohere's APIs count and bill, and how they refuse.

use serde_json::Value;

use super::answer::Answer;
use super::json;
use crate::ApiError;
use crate::usage::{Convention, Reported};

/// What was counted is shown, what is billed (without special tokens) is paid.
pub(super) fn reported(usage: &Value) -> Reported {
    let counted = |key| json::count_in(usage, "tokens", key);
    let billed = |key| json::count_in(usage, "billed_units", key);
    let (input, output) = ("input_tokens", "output_tokens");
    Reported {
        convention: Convention::INCLUSIVE,
        input: counted(input).or_else(|| billed(input)),
        output: counted(output).or_else(|| billed(output)),
        cache_read: json::count(usage, "cached_tokens"),
        billed_input: billed(input),
        billed_output: billed(output),
        search_units: billed("search_units"),
        classifications: billed("classifications"),
        ..Reported::default()
    }
}

/// A whole answer of an API that answers with no text: its id, what it took, or
/// that it failed.
pub(super) fn read(body: &Value, answer: &mut Answer) {
    answer.id = json::owned(body, "id");
    answer.error = refused(body);
    let Some(meta) = body.get("meta") else { return };
    // Some say 0 where there can be no output.
    answer.reported.merge(Reported { output: None, billed_output: None, ..reported(meta) });
    let billed = |key| json::count_in(meta, "billed_units", key).filter(|count| *count > 0);
    let images = [("image_tokens", "tokens of images"), ("images", "images")];
    if let Some((count, what)) =
        images.iter().find_map(|(key, what)| billed(key).map(|count| (count, what)))
    {
        let detail = format!("{count} {what} are billed beside the text, and are in no figure");
        answer.note("images", detail);
    }
}

/// The error that a body is: nothing but its message, at Cohere.
pub(super) fn refused(body: &Value) -> Option<ApiError> {
    let message = body.get("message").and_then(Value::as_str).map(str::to_owned);
    let told = message.map(|message| ApiError { kind: None, message: Some(message) });
    told.or_else(|| json::error(body))
}
