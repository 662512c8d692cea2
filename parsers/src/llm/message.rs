//! Messages of a conversation, alike whatever the dialect.

use crate::ToolCall;

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// `system`, `user`, `assistant`, `tool`, or the API's own word.
    pub role: String,
    /// Its parts, in order.
    pub parts: Vec<Part>,
}

impl Message {
    /// A message of one role.
    pub fn new(role: impl Into<String>, parts: Vec<Part>) -> Self {
        Message { role: role.into(), parts }
    }

    /// A message of an API that puts tools' results among others' parts:
    /// results are the tool's, but for those of the provider's own tools, which the
    /// answer itself holds.
    pub(super) fn with_results(role: &str, parts: Vec<Part>) -> Vec<Self> {
        if role == "assistant" {
            return vec![Message::new(role, parts)];
        }
        let (results, rest): (Vec<Part>, Vec<Part>) =
            parts.into_iter().partition(|part| matches!(part, Part::ToolResult { .. }));
        let mut messages = Vec::new();
        if !results.is_empty() {
            messages.push(Message::new("tool", results));
        }
        if !rest.is_empty() || messages.is_empty() {
            messages.push(Message::new(role, rest));
        }
        messages
    }
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Text.
    Text(String),
    /// Reasoning.
    Reasoning(String),
    /// A call the model asked for.
    ToolCall(ToolCall),
    /// What the tool returned.
    ToolResult {
        /// The call's id.
        id: Option<String>,
        /// What it returned, as text.
        text: String,
        /// The tool failed.
        error: bool,
    },
    /// Anything else (an image, a file): what it is, and how many bytes.
    Other {
        /// Its type, in the API's words.
        kind: String,
        /// Bytes as sent.
        bytes: u64,
    },
}
