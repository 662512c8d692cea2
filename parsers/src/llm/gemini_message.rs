//! Gemini's contents and parts, as its REST and Live APIs share them, as
//! messages.

use serde_json::Value;

use super::json::{self, one_of};
use super::message::{Message, Part};
use crate::ToolCall;

/// The messages of a request: contents to answer, to count or to embed.
pub(super) fn messages(body: &Value) -> Vec<Message> {
    let counted = one_of(body, &["generateContentRequest", "generate_content_request"]);
    let body = counted.unwrap_or(body);
    let system = one_of(body, &["systemInstruction", "system_instruction"])
        .map(|system| Message::new("system", parts(system)));
    let contents = match body.get("contents") {
        Some(Value::Array(contents)) => contents.iter().collect(),
        contents => contents.into_iter().collect::<Vec<_>>(),
    };
    let embedded = json::array(body, "requests").iter().filter_map(|one| one.get("content"));
    let instances = json::array(body, "instances").iter().filter_map(|one| one.get("content"));
    let contents = contents.into_iter().chain(body.get("content")).chain(embedded).chain(instances);
    system.into_iter().chain(contents.flat_map(of_content)).collect()
}

/// One content; results of functions, which this API puts into the user's, are
/// the tool's.
pub(super) fn of_content(content: &Value) -> Vec<Message> {
    let role = match json::text(content, "role") {
        Some("model") => "assistant",
        Some("function") => "tool",
        Some(role) => role,
        None => "user",
    };
    Message::with_results(role, parts(content))
}

/// Whether a part is the model's thinking.
pub(super) fn is_thought(part: &Value) -> bool {
    json::flag(part, "thought")
}

/// The call that a part is: of the client's function, or of code that the
/// provider runs.
pub(super) fn call(part: &Value) -> Option<ToolCall> {
    if let Some(call) = one_of(part, &["functionCall", "function_call"]) {
        return Some(ToolCall {
            id: json::owned(call, "id"),
            name: json::owned(call, "name"),
            // A function without parameters gets none.
            arguments: call.get("args").map_or_else(|| "{}".to_owned(), json::as_text),
        });
    }
    let code = one_of(part, &["executableCode", "executable_code"])?;
    let name = Some("code_execution".to_owned());
    Some(ToolCall { id: json::owned(code, "id"), name, arguments: json::as_text(code) })
}

/// The parts of a content, which some write as mere text.
fn parts(content: &Value) -> Vec<Part> {
    match content.get("parts") {
        _ if content.is_string() => vec![Part::Text(json::as_text(content))],
        Some(Value::Array(parts)) => parts.iter().map(part).collect(),
        Some(one) => vec![part(one)],
        None => Vec::new(),
    }
}

fn part(part: &Value) -> Part {
    if let Some(text) = part.as_str().or_else(|| part.get("text")?.as_str()) {
        let text = text.to_owned();
        return if is_thought(part) { Part::Reasoning(text) } else { Part::Text(text) };
    }
    if let Some(call) = call(part) {
        return Part::ToolCall(call);
    }
    if let Some(result) = one_of(part, &["functionResponse", "function_response"]) {
        let response = result.get("response").unwrap_or(&Value::Null);
        let failure = response.get("error").filter(|error| !error.is_null());
        let told = failure.or_else(|| one_of(response, &["output", "result"])).unwrap_or(response);
        return Part::ToolResult {
            id: json::owned(result, "id").or_else(|| json::owned(result, "name")),
            text: json::as_text(told),
            error: failure.is_some(),
        };
    }
    if let Some(result) = one_of(part, &["codeExecutionResult", "code_execution_result"]) {
        return Part::ToolResult {
            id: json::owned(result, "id"),
            text: json::owned(result, "output").unwrap_or_default(),
            error: json::text(result, "outcome").is_some_and(|outcome| outcome != "OUTCOME_OK"),
        };
    }
    let data = ["inlineData", "inline_data", "fileData", "file_data"];
    let kind = one_of(part, &data).and_then(|data| one_of(data, &["mimeType", "mime_type"]));
    let kind = kind.and_then(Value::as_str).unwrap_or("unknown").to_owned();
    Part::Other { kind, bytes: json::size(part) }
}
