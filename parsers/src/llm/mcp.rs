//! `mcp`: the Model Context Protocol over HTTP
//! (<https://modelcontextprotocol.io/specification>): JSON-RPC messages that are
//! posted, answered by JSON or by server-sent events; with sessions up to
//! revision 2025-11-25, without since 2026-07-28.

use serde_json::Value;

use super::answer::{Answer, Slot, SlotKind};
use super::message::{Message, Part};
use super::{Dialect, Recognised, RequestFacts, RequestHead, json, jsonrpc, provider};
use crate::{ApiError, ToolCall};

/// See the module.
#[derive(Debug)]
pub(super) struct Mcp;

impl Dialect for Mcp {
    fn name(&self) -> &'static str {
        "mcp"
    }

    fn usual_operation(&self) -> &'static str {
        ANY
    }

    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised> {
        let headers = ["mcp-protocol-version", "mcp-session-id", "mcp-method"];
        let says_so = headers.iter().any(|name| head.header(name).is_some());
        let operation = match (head.method, body) {
            ("POST", None) => operation(head.header("mcp-method").filter(|_| says_so)?),
            ("POST", Some(body)) => {
                let first = jsonrpc::messages(body).first()?;
                let method = jsonrpc::method(body);
                let known = method.is_some_and(|method| is_ours(method, body));
                let ours = known || (says_so && jsonrpc::is_message(first));
                ours.then(|| method.map_or(ANY, operation))?
            }
            // What the server says unasked.
            ("GET", None) => says_so.then_some("listen")?,
            _ => return None,
        };
        Some(Recognised { provider: provider::of_host(head.host), operation })
    }

    fn is_model(&self) -> bool {
        false
    }

    fn request(&self, _head: &RequestHead<'_>, _body: &Value) -> RequestFacts {
        RequestFacts::default()
    }

    fn event(&self, _name: &str, data: &str, answer: &mut Answer) {
        if let Some(value) = super::parse(data.as_bytes()) {
            for (position, message) in jsonrpc::messages(&value).iter().enumerate() {
                read(message, position as u64, answer);
            }
        }
    }

    fn response(&self, body: &Value, answer: &mut Answer) {
        for (position, message) in jsonrpc::messages(body).iter().enumerate() {
            read(message, position as u64, answer);
        }
        answer.done = true;
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        jsonrpc::messages(body).iter().filter(|one| one.is_object()).map(message).collect()
    }
}

/// A method without a name of its own here, or of a message that calls none.
const ANY: &str = "message";

/// The protocol's methods, of all revisions.
const METHODS: &[&str] = &[
    "initialize",
    "ping",
    "server/discover",
    "subscriptions/listen",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/read",
    "resources/templates/list",
    "resources/subscribe",
    "resources/unsubscribe",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "sampling/createMessage",
    "elicitation/create",
    "roots/list",
    "logging/setLevel",
    "tasks/get",
    "tasks/list",
    "tasks/result",
    "tasks/update",
    "tasks/cancel",
    "notifications/initialized",
    "notifications/cancelled",
    "notifications/progress",
    "notifications/message",
    "notifications/resources/updated",
    "notifications/resources/list_changed",
    "notifications/tools/list_changed",
    "notifications/prompts/list_changed",
    "notifications/roots/list_changed",
    "notifications/tasks/status",
    "notifications/elicitation/complete",
];

/// OpenTelemetry's name of a method, where it has one; else the method's own.
fn operation(method: &str) -> &'static str {
    match METHODS.iter().find(|known| **known == method) {
        Some(&"tools/call") => "execute_tool",
        known => known.copied().unwrap_or(ANY),
    }
}

/// Whether a method is this protocol's and not one of another's of that name.
fn is_ours(method: &str, body: &Value) -> bool {
    let has = |pointer| {
        let mut all = jsonrpc::messages(body).iter();
        all.any(|message| message.pointer(pointer).is_some())
    };
    let is_dated =
        |message: &Value| message.pointer("/params/protocolVersion").is_some_and(Value::is_string);
    match method {
        // Language servers initialise, agents of editors (ACP) number their versions, and
        // everybody pings.
        "initialize" => jsonrpc::messages(body).iter().any(is_dated),
        "ping" => has("/params/_meta"),
        // Agents (A2A) have tasks too.
        _ if method.starts_with("tasks/") => has("/params/taskId"),
        _ => METHODS.contains(&method),
    }
}

/// A message of an answer, which is the `position`th of its batch.
/// Notifications and what the server asks are no part of it.
fn read(message: &Value, position: u64, answer: &mut Answer) {
    if !jsonrpc::is_response(message) {
        return;
    }
    answer.done = true;
    if let Some(error) = json::error(message) {
        answer.error = Some(error);
        return;
    }
    let result = message.get("result").unwrap_or(&Value::Null);
    answer.finish_reason = json::owned(result, "resultType").or(answer.finish_reason.take());
    let mut text = text_of(result);
    if text.is_empty() {
        text = result.get("structuredContent").map(json::as_text).unwrap_or_default();
    }
    let slot = Slot::of_item(position, SlotKind::Text);
    if position > 0 && !text.is_empty() {
        answer.add(slot, "\n");
    }
    answer.add(slot, &text);
    if result.get("isError").and_then(Value::as_bool) == Some(true) {
        let message = Some(text).filter(|text| !text.is_empty());
        answer.error = Some(ApiError { kind: Some("tool_error".to_owned()), message });
    }
}

/// What a result holds as text: a tool's content, a resource's contents, a
/// prompt's messages. Anything else is only named.
fn text_of(result: &Value) -> String {
    let content = json::array(result, "content").iter();
    let contents = json::array(result, "contents").iter();
    let messages = json::array(result, "messages").iter().filter_map(|one| one.get("content"));
    let blocks = content.chain(contents).chain(messages);
    let texts: Vec<String> = blocks.map(block).collect();
    texts.join("\n")
}

fn block(block: &Value) -> String {
    let resource = block.get("resource").unwrap_or(block);
    match json::text(resource, "text") {
        Some(text) => text.to_owned(),
        None => {
            let kind = json::text(block, "type").or_else(|| json::text(resource, "uri"));
            format!("[{}]", kind.unwrap_or("unknown"))
        }
    }
}

/// A message of a request: a tool's call is one, anything else is named.
fn message(message: &Value) -> Message {
    let params = message.get("params").unwrap_or(&Value::Null);
    match json::text(message, "method") {
        Some("tools/call") => {
            let call = ToolCall {
                id: jsonrpc::bare_id(message),
                name: json::owned(params, "name"),
                arguments: params.get("arguments").map_or_else(|| "{}".to_owned(), json::as_text),
            };
            Message::new("assistant", vec![Part::ToolCall(call)])
        }
        method => {
            let kind = method.unwrap_or("response").to_owned();
            Message::new("user", vec![Part::Other { kind, bytes: json::size(message) }])
        }
    }
}
