//! A message history as a chain of hashes: one state after each turn.
//!
//! Clients do not send back word for word what they got: blocks are split or
//! joined, whitespace is trimmed, arguments are written anew, reasoning is
//! dropped, ids are changed. So a turn is what was said by one side in a row:
//! its text without whitespace, and its tool calls and results, whatever
//! their order. Of an assistant's turn only text and calls count: what else is
//! in it (results of the provider's tools, pictures, marks) is told in other
//! forms when it is answered and when it is sent back.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use crate::Response;
use crate::llm::{self, Message, Part};

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    turns: Vec<Turn>,
    open: Option<Open>,
    system: u64,
}

/// One side's turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// The assistant's, or anybody else's.
    pub(super) assistant: bool,
    /// The history up to and with this turn.
    pub(super) state: u64,
}

/// The turn that may still grow.
#[derive(Clone, Debug)]
struct Open {
    before: u64,
    text: DefaultHasher,
    /// A sum: order does not matter.
    others: u64,
}

impl History {
    /// The history of a request.
    pub(super) fn of(messages: &[Message]) -> Self {
        let mut history = History::default();
        let mut system = DefaultHasher::new();
        for message in messages {
            match message.role.as_str() {
                "system" => message.parts.iter().for_each(|part| {
                    if let Part::Text(text) = part {
                        text.hash(&mut system);
                    }
                }),
                role => {
                    message.parts.iter().for_each(|part| history.push(role == "assistant", part))
                }
            }
        }
        history.system = system.finish();
        history
    }

    /// Adds the answer. False if there is nothing to add.
    pub(super) fn answer(&mut self, response: &Response) -> bool {
        let text = response.text.clone().map(Part::Text);
        let calls = response.tool_calls.iter().cloned().map(Part::ToolCall);
        let parts: Vec<Part> = text.into_iter().chain(calls).collect();
        parts.iter().for_each(|part| self.push(true, part));
        !parts.is_empty()
    }

    /// The turns, from the first.
    pub(super) fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// The history as a whole; `None` if it is empty.
    pub(super) fn state(&self) -> Option<u64> {
        self.turns.last().map(|turn| turn.state)
    }

    /// The system prompt.
    pub(super) fn system(&self) -> u64 {
        self.system
    }

    fn push(&mut self, assistant: bool, part: &Part) {
        let counts = match part {
            Part::Text(_) | Part::ToolCall(_) => true,
            Part::ToolResult { .. } | Part::Other { .. } => !assistant,
            Part::Reasoning(_) => false,
        };
        if !counts {
            return;
        }
        let same = self.turns.last().is_some_and(|turn| turn.assistant == assistant);
        let before = self.state().unwrap_or(0);
        let open = match &mut self.open {
            Some(open) if same => open,
            open => {
                self.turns.push(Turn { assistant, state: 0 });
                open.insert(Open { before, text: DefaultHasher::new(), others: 0 })
            }
        };
        match part {
            Part::Text(text) if assistant => feed(&mut open.text, aloud(text)),
            Part::Text(text) => feed(&mut open.text, text),
            other => open.others = open.others.wrapping_add(hash_of(other)),
        }
        let mut state = DefaultHasher::new();
        (open.before, assistant, open.text.finish(), open.others).hash(&mut state);
        if let Some(turn) = self.turns.last_mut() {
            turn.state = state.finish();
        }
    }
}

/// Without the thoughts that some models write before their answer, and that clients
/// leave out when they send it back.
fn aloud(text: &str) -> &str {
    let thought = text.trim_start().strip_prefix("<think>");
    thought.and_then(|rest| rest.split_once("</think>")).map_or(text, |(_, said)| said)
}

/// Text without whitespace, however it is cut into pieces.
fn feed(hasher: &mut DefaultHasher, text: &str) {
    for word in text.split_whitespace() {
        hasher.write(word.as_bytes());
    }
}

fn hash_of(part: &Part) -> u64 {
    let mut hasher = DefaultHasher::new();
    match part {
        Part::ToolCall(call) => {
            ("call", &call.name).hash(&mut hasher);
            let arguments = call.arguments.trim();
            // None at all, or an object without members.
            let arguments = if arguments.is_empty() { "{}" } else { arguments };
            match llm::parse(arguments.as_bytes()) {
                Some(arguments) => feed_value(&mut hasher, &arguments),
                None => feed(&mut hasher, arguments),
            }
        }
        Part::ToolResult { text, .. } => {
            "result".hash(&mut hasher);
            feed(&mut hasher, text);
        }
        Part::Other { kind, .. } => ("other", kind).hash(&mut hasher),
        Part::Text(text) | Part::Reasoning(text) => feed(&mut hasher, text),
    }
    hasher.finish()
}

/// A JSON value, whatever the order of its members.
fn feed_value(hasher: &mut DefaultHasher, value: &Value) {
    match value {
        Value::Object(members) => {
            let mut sum = 0_u64;
            for (key, value) in members {
                let mut member = DefaultHasher::new();
                key.hash(&mut member);
                feed_value(&mut member, value);
                sum = sum.wrapping_add(member.finish());
            }
            ("object", sum).hash(hasher);
        }
        Value::Array(values) => {
            ("array", values.len()).hash(hasher);
            values.iter().for_each(|value| feed_value(hasher, value));
        }
        Value::String(text) => text.hash(hasher),
        Value::Number(number) => number.as_f64().map(f64::to_bits).hash(hasher),
        Value::Bool(value) => value.hash(hasher),
        Value::Null => "null".hash(hasher),
    }
}
