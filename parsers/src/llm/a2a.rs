//! `a2a`: the Agent2Agent protocol (<https://a2a-protocol.org>), versions 0.3
//! and 1.0, over JSON-RPC and as HTTP with JSON. What an agent makes comes as
//! artifacts and messages of parts; in a stream, piece by piece.

use serde_json::Value;

use super::answer::{Answer, Slot, SlotKind};
use super::json::one_of;
use super::message::{Message, Part};
use super::{Dialect, Recognised, RequestFacts, RequestHead, json, jsonrpc, provider};
use crate::ApiError;

/// See the module.
#[derive(Debug)]
pub(super) struct A2a;

impl Dialect for A2a {
    fn name(&self) -> &'static str {
        "a2a"
    }

    fn usual_operation(&self) -> &'static str {
        INVOKE
    }

    fn is_model(&self) -> bool {
        false
    }

    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised> {
        let says_so = head.header("a2a-version").is_some();
        let path = head.path.trim_end_matches('/');
        let sends = path.ends_with("/message:send") || path.ends_with("/message:stream");
        let operation = match (head.method, body) {
            ("POST", None) => (sends || says_so).then_some(INVOKE)?,
            ("POST", Some(body)) if sends => {
                body.get("message").is_some_and(Value::is_object).then_some(INVOKE)?
            }
            ("POST", Some(body)) => {
                let method = jsonrpc::method(body);
                method.and_then(operation).or(says_so.then_some(INVOKE))?
            }
            ("GET", None) if says_so && path.contains("/tasks") => "GetTask",
            _ => return None,
        };
        Some(Recognised { provider: provider::of_host(head.host), operation })
    }

    fn request(&self, head: &RequestHead<'_>, body: &Value) -> RequestFacts {
        let streams = ["message/stream", "SendStreamingMessage", "tasks/resubscribe"];
        let streams = head.path.trim_end_matches('/').ends_with(":stream")
            || jsonrpc::method(body).is_some_and(|method| streams.contains(&method));
        RequestFacts { model: None, stream: Some(streams) }
    }

    fn event(&self, _name: &str, data: &str, answer: &mut Answer) {
        if let Some(value) = json::object(data) {
            read(&value, answer);
        }
    }

    fn response(&self, body: &Value, answer: &mut Answer) {
        jsonrpc::messages(body).iter().for_each(|message| read(message, answer));
        answer.done = true;
    }

    fn answers(&self, value: &Value) -> bool {
        let inner = value.get("result").unwrap_or(value);
        let kinds = ["status-update", "artifact-update"];
        json::text(inner, "kind").is_some_and(|kind| kinds.contains(&kind))
            || ["statusUpdate", "artifactUpdate"].iter().any(|key| inner.get(key).is_some())
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        jsonrpc::messages(body).iter().filter(|one| one.is_object()).map(message).collect()
    }
}

/// OpenTelemetry's name of what messages are sent for.
const INVOKE: &str = "invoke_agent";

/// Methods by both versions' names.
const METHODS: &[(&str, &str)] = &[
    ("SendMessage", INVOKE),
    ("SendStreamingMessage", INVOKE),
    ("message/send", INVOKE),
    ("message/stream", INVOKE),
    ("GetTask", "GetTask"),
    ("tasks/get", "GetTask"),
    ("ListTasks", "ListTasks"),
    ("CancelTask", "CancelTask"),
    ("tasks/cancel", "CancelTask"),
    ("SubscribeToTask", "SubscribeToTask"),
    ("tasks/resubscribe", "SubscribeToTask"),
    ("CreateTaskPushNotificationConfig", "CreateTaskPushNotificationConfig"),
    ("tasks/pushNotificationConfig/set", "CreateTaskPushNotificationConfig"),
    ("GetTaskPushNotificationConfig", "GetTaskPushNotificationConfig"),
    ("tasks/pushNotificationConfig/get", "GetTaskPushNotificationConfig"),
    ("ListTaskPushNotificationConfigs", "ListTaskPushNotificationConfigs"),
    ("tasks/pushNotificationConfig/list", "ListTaskPushNotificationConfigs"),
    ("DeleteTaskPushNotificationConfig", "DeleteTaskPushNotificationConfig"),
    ("tasks/pushNotificationConfig/delete", "DeleteTaskPushNotificationConfig"),
    ("GetExtendedAgentCard", "GetExtendedAgentCard"),
    ("agent/getAuthenticatedExtendedCard", "GetExtendedAgentCard"),
];

fn operation(method: &str) -> Option<&'static str> {
    METHODS.iter().find(|(known, _)| *known == method).map(|(_, operation)| *operation)
}

/// A response, or an event of a stream of them, with or without JSON-RPC
/// around it.
fn read(value: &Value, answer: &mut Answer) {
    if let Some(error) = json::error(value) {
        answer.error = Some(error);
        answer.done = true;
        return;
    }
    let result = value.get("result").unwrap_or(value);
    // Version 1.0 names the kind by the member, 0.3 inside.
    let kinds = [
        ("message", "message"),
        ("task", "task"),
        ("statusUpdate", "status-update"),
        ("artifactUpdate", "artifact-update"),
    ];
    let named = kinds.iter().find_map(|(member, kind)| {
        Some((*kind, result.get(member).filter(|inner| inner.is_object())?))
    });
    let inside = json::text(result, "kind").map(|kind| (kind, result));
    match inside.or(named) {
        Some(("message", message)) => {
            answer.id = json::owned(message, "messageId").or(answer.id.take());
            read_message(message, SlotKind::Text, answer);
            answer.done = true;
        }
        Some(("task", task)) => {
            answer.id = json::owned(task, "id").or(answer.id.take());
            for artifact in json::array(task, "artifacts") {
                read_artifact(artifact, false, answer);
            }
            read_status(task, answer);
        }
        Some(("status-update", update)) => {
            answer.id = json::owned(update, "taskId").or(answer.id.take());
            read_status(update, answer);
            answer.done |= json::flag(update, "final");
        }
        Some(("artifact-update", update)) => {
            answer.id = json::owned(update, "taskId").or(answer.id.take());
            let append = json::flag(update, "append");
            if let Some(artifact) = update.get("artifact") {
                read_artifact(artifact, append, answer);
            }
        }
        _ => {}
    }
}

/// How a task stands. What it says while it works is about the work.
fn read_status(task: &Value, answer: &mut Answer) {
    let status = task.get("status").unwrap_or(&Value::Null);
    let Some(state) = json::text(status, "state") else {
        return;
    };
    answer.finish_reason = Some(state.to_owned());
    let plain = state.strip_prefix("TASK_STATE_").unwrap_or(state).to_ascii_lowercase();
    let works = matches!(plain.as_str(), "submitted" | "working");
    let failed = matches!(plain.as_str(), "failed" | "rejected");
    let message = status.get("message").filter(|message| message.is_object());
    if failed {
        let message = message.map(text_of).filter(|text| !text.is_empty());
        answer.error = Some(ApiError { kind: Some(state.to_owned()), message });
    } else if let Some(message) = message {
        let kind = if works { SlotKind::Reasoning } else { SlotKind::Text };
        read_message(message, kind, answer);
    }
    answer.done |= failed || matches!(plain.as_str(), "completed" | "canceled" | "cancelled");
}

fn read_message(message: &Value, kind: SlotKind, answer: &mut Answer) {
    let name = json::text(message, "messageId").unwrap_or_default();
    replace(Slot::of_name(name, kind), &text_of(message), answer);
}

fn read_artifact(artifact: &Value, append: bool, answer: &mut Answer) {
    let name = one_of(artifact, &["artifactId", "name"]).and_then(Value::as_str);
    let slot = Slot::of_name(name.unwrap_or_default(), SlotKind::Text);
    let text = text_of(artifact);
    if append { answer.add(slot, &text) } else { replace(slot, &text, answer) }
}

/// The whole of something, which may hold no text at all.
fn replace(slot: Slot, text: &str, answer: &mut Answer) {
    if !text.is_empty() {
        answer.replace(slot, text);
    }
}

/// The text of a message's or an artifact's parts.
fn text_of(parts: &Value) -> String {
    json::array(parts, "parts").iter().filter_map(|part| json::text(part, "text")).collect()
}

/// What a request sends: a message of parts, or a mere call.
fn message(body: &Value) -> Message {
    let params = body.get("params").unwrap_or(body);
    let Some(message) = params.get("message").filter(|message| message.is_object()) else {
        let kind = json::text(body, "method").unwrap_or("unknown").to_owned();
        return Message::new("user", vec![Part::Other { kind, bytes: json::size(body) }]);
    };
    let role = match json::text(message, "role").unwrap_or("user") {
        "ROLE_AGENT" | "agent" => "assistant",
        _ => "user",
    };
    Message::new(role, json::array(message, "parts").iter().map(part).collect())
}

fn part(part: &Value) -> Part {
    if let Some(text) = part.get("text").and_then(Value::as_str) {
        return Part::Text(text.to_owned());
    }
    let members = ["data", "file", "url", "raw"];
    let kind = json::text(part, "kind")
        .or_else(|| members.iter().find(|member| part.get(member).is_some()).copied());
    Part::Other { kind: kind.unwrap_or("unknown").to_owned(), bytes: json::size(part) }
}
