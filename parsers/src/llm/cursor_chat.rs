//! `cursor.chat`: what the Cursor editor and its agent ask of Cursor's servers,
//! messages of Protocol Buffers whose types are not published.
//!
//! Read from the tree of their field numbers, as clients of third parties have
//! found them: where the numbers change, text is missing, not wrong. The servers
//! report no tokens that mean what others mean by them, so that every figure is
//! an estimate.

use serde_json::Value;

use super::answer::{Answer, Slot, SlotKind};
use super::message::{Message, Part};
use super::{Dialect, Recognised, RequestFacts, RequestHead, json, provider};

/// See the module.
#[derive(Debug)]
pub(super) struct CursorChat;

/// Methods that answer with text as it is made.
const METHODS: [&str; 4] = [
    "/aiserver.v1.ChatService/StreamUnifiedChat",
    "/aiserver.v1.AiService/StreamChat",
    "/aiserver.v1.AiService/StreamingChat",
    "/agent.v1.AgentService/Run",
];

impl Dialect for CursorChat {
    fn name(&self) -> &'static str {
        "cursor.chat"
    }

    fn recognise(&self, head: &RequestHead<'_>, _body: Option<&Value>) -> Option<Recognised> {
        let known = METHODS.iter().any(|method| head.path.starts_with(method));
        (head.method == "POST" && known)
            .then(|| Recognised { provider: provider::of_host(head.host), operation: "chat" })
    }

    fn request(&self, _head: &RequestHead<'_>, body: &Value) -> RequestFacts {
        let first = first_message(body);
        // `StreamUnifiedChatRequestWithTools`, its request, the model's details.
        let told = first.pointer("/1/5/1").and_then(Value::as_str);
        let model = told.or_else(|| find(first, &|text| is_model(text)));
        RequestFacts { model: model.map(str::to_owned), stream: Some(true) }
    }

    fn event(&self, _name: &str, data: &str, answer: &mut Answer) {
        let Some(event) = json::object(data) else { return };
        let piece = |paths: &[&str]| -> Option<&str> {
            paths.iter().find_map(|path| event.pointer(path).and_then(Value::as_str))
        };
        // `StreamUnifiedChatResponse`: text is 1, thinking 25. `InteractionUpdate`
        // of the agent: a delta of text is 1, of thinking 4.
        let text = piece(&["/2/1", "/1/1/1", "/1"]).unwrap_or_default();
        let reasoning = piece(&["/2/25/1", "/1/4/1", "/25/1"]).unwrap_or_default();
        answer.add(Slot::of_item(0, SlotKind::Reasoning), reasoning);
        answer.add(Slot::of_item(0, SlotKind::Text), text);
        if let Some(call) = event.get("1") {
            read_call(call, answer);
        }
    }

    fn response(&self, body: &Value, answer: &mut Answer) {
        answer.done = true;
        answer.error = json::error(body);
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        let first = first_message(body);
        let turns = match first.pointer("/1/1") {
            Some(Value::Array(turns)) => turns.as_slice(),
            Some(turn) => std::slice::from_ref(turn),
            None => &[],
        };
        let messages: Vec<Message> = turns
            .iter()
            .filter_map(|turn| {
                let role = match json::count(turn, "2")? {
                    1 => "user",
                    2 => "assistant",
                    _ => return None,
                };
                Some(Message::new(role, vec![Part::Text(json::owned(turn, "1")?)]))
            })
            .collect();
        if !messages.is_empty() {
            return messages;
        }
        let longest = longest(first).map(|text| Part::Text(text.to_owned()));
        longest.into_iter().map(|part| Message::new("user", vec![part])).collect()
    }
}

/// A call of a tool in the editor (`ClientSideToolV2Call`): its id is 3, its name 9,
/// its arguments, piece by piece, 10.
fn read_call(call: &Value, answer: &mut Answer) {
    if let (Some(id), Some(name)) = (json::text(call, "3"), json::text(call, "9")) {
        let slot = Slot::of_name(id, SlotKind::ToolCall);
        answer.call(slot, Some(id), Some(name));
        if let Some(arguments) = json::text(call, "10") {
            answer.go_on(slot, arguments);
        }
    }
}

/// Of a request in several messages, the first asks.
fn first_message(body: &Value) -> &Value {
    body.get(0).unwrap_or(body)
}

/// Whether a text is the name of a model of today's makers.
fn is_model(text: &str) -> bool {
    let makers = ["claude-", "gpt-", "gemini-", "grok-", "deepseek-", "composer-", "kimi-"];
    text.len() < 64
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        && makers.iter().any(|maker| text.starts_with(maker))
}

/// The first text that is as wanted.
fn find<'a>(value: &'a Value, wanted: &dyn Fn(&str) -> bool) -> Option<&'a str> {
    match value {
        Value::String(text) => wanted(text).then_some(text),
        Value::Array(values) => values.iter().find_map(|value| find(value, wanted)),
        Value::Object(members) => members.values().find_map(|value| find(value, wanted)),
        _ => None,
    }
}

/// The longest text with words: not one of the many ids.
fn longest(value: &Value) -> Option<&str> {
    let longer = |a: &str, b: &str| a.len().cmp(&b.len());
    match value {
        Value::String(text) => text.trim().contains(char::is_whitespace).then_some(text),
        Value::Array(values) => values.iter().filter_map(longest).max_by(|a, b| longer(a, b)),
        Value::Object(members) => members.values().filter_map(longest).max_by(|a, b| longer(a, b)),
        _ => None,
    }
}
