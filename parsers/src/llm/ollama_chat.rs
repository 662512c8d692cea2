//! `ollama.chat`: Ollama's own chat
//! (<https://docs.ollama.com/api/chat>): a line of JSON a piece, streamed
//! unless the request says otherwise; arguments are objects.

use serde_json::Value;

use super::answer::{Answer, Slot, SlotKind};
use super::message::{Message, Part};
use super::{Dialect, Recognised, RequestFacts, RequestHead, json, provider};
use crate::ToolCall;
use crate::usage::{Convention, Reported};

/// See the module.
#[derive(Debug)]
pub(super) struct OllamaChat;

impl Dialect for OllamaChat {
    fn name(&self) -> &'static str {
        "ollama.chat"
    }

    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised> {
        let by_path =
            head.method == "POST" && head.path.trim_end_matches('/').ends_with("/api/chat");
        // Many a web application has this path for a chat of its own.
        let fits = body.is_none_or(|body| {
            let messages = body.get("messages").and_then(Value::as_array);
            json::text(body, "model").is_some()
                && messages
                    .is_some_and(|all| all.iter().all(|one| json::text(one, "role").is_some()))
        });
        let provider = provider::of_host(head.host);
        (by_path && fits).then_some(Recognised { provider, operation: "chat" })
    }

    fn is_local(&self) -> bool {
        true
    }

    fn request(&self, _head: &RequestHead<'_>, body: &Value) -> RequestFacts {
        facts(body)
    }

    fn event(&self, _name: &str, data: &str, answer: &mut Answer) {
        if let Some(line) = json::object(data) {
            read(&line, answer);
        }
    }

    fn response(&self, body: &Value, answer: &mut Answer) {
        read(body, answer);
        answer.done = true;
    }

    fn answers(&self, value: &Value) -> bool {
        is_line(value) && value.get("message").is_some_and(Value::is_object)
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        json::array(body, "messages").iter().map(message).collect()
    }
}

/// What a request to Ollama says: it is answered in a stream unless it says
/// otherwise.
pub(super) fn facts(body: &Value) -> RequestFacts {
    RequestFacts {
        model: json::owned(body, "model"),
        stream: Some(body.get("stream").and_then(Value::as_bool).unwrap_or(true)),
    }
}

/// Whether a value is a line of an answer, of whatever call.
pub(super) fn is_line(value: &Value) -> bool {
    json::text(value, "model").is_some()
        && json::text(value, "created_at").is_some()
        && value.get("done").is_some_and(Value::is_boolean)
}

/// What lines of all calls have in common: the model, and at the end why and
/// how much.
pub(super) fn read_frame(line: &Value, answer: &mut Answer) {
    if let Some(model) = json::text(line, "model") {
        answer.model.get_or_insert_with(|| model.to_owned());
    }
    if let Some(error) = json::error(line) {
        answer.error = Some(error);
        answer.done = true;
    }
    if line.get("done").and_then(Value::as_bool) == Some(true) {
        answer.done = true;
        answer.finish_reason = json::owned(line, "done_reason");
    }
    answer.reported.merge(Reported {
        convention: Convention::OLLAMA,
        input: json::count(line, "prompt_eval_count"),
        output: json::count(line, "eval_count"),
        ..Reported::default()
    });
}

/// Pictures of a message or a prompt.
pub(super) fn images(value: &Value) -> impl Iterator<Item = Part> + '_ {
    json::array(value, "images")
        .iter()
        .map(|image| Part::Other { kind: "image".to_owned(), bytes: json::size(image) })
}

/// A line of a stream, or a whole answer: they look alike.
fn read(line: &Value, answer: &mut Answer) {
    read_frame(line, answer);
    let Some(message) = line.get("message") else {
        return;
    };
    let piece = |key| json::text(message, key).unwrap_or_default();
    answer.add(Slot::of_item(0, SlotKind::Reasoning), piece("thinking"));
    answer.add(Slot::of_item(0, SlotKind::Text), piece("content"));
    for one in json::array(message, "tool_calls") {
        // They come whole; not every version numbers them.
        let slot = Slot::of_item(0, SlotKind::ToolCall);
        let call = call(one);
        answer.call(slot, call.id.as_deref(), call.name.as_deref());
        answer.add(slot, &call.arguments);
        answer.detach(slot);
    }
}

fn call(call: &Value) -> ToolCall {
    let function = call.get("function").unwrap_or(&Value::Null);
    ToolCall {
        id: json::owned(call, "id"),
        name: json::owned(function, "name"),
        arguments: function.get("arguments").map(json::as_text).unwrap_or_default(),
    }
}

fn message(message: &Value) -> Message {
    let role = json::text(message, "role").unwrap_or("unknown");
    if role == "tool" {
        let id = ["tool_call_id", "tool_name", "name"];
        let id = id.iter().find_map(|key| json::owned(message, key));
        let text = message.get("content").map(json::as_text).unwrap_or_default();
        return Message::new(role, vec![Part::ToolResult { id, text, error: false }]);
    }
    let thinking = json::owned(message, "thinking").map(Part::Reasoning);
    let text = json::owned(message, "content").map(Part::Text);
    let calls = json::array(message, "tool_calls").iter().map(|one| Part::ToolCall(call(one)));
    let parts = thinking.into_iter().chain(text).chain(images(message)).chain(calls);
    Message::new(role, parts.collect())
}
