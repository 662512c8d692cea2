//! What one request says that the one before it did not.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use llmtop_parsers::llm::{self, Message, Part};
use llmtop_parsers::{Body, BodyKind, ToolCall};
use serde_json::Value;

use crate::view::Role;

/// Members of a request that say that the server remembers what came before.
const REMEMBERED: &[&str] =
    &["previous_response_id", "previous_interaction_id", "conversation", "conversation_id"];

/// A message as it is shown: its texts are shared with the document.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) role: String,
    pub(super) parts: Vec<Piece>,
}

/// A part of a message.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text(Arc<str>),
    Reasoning(Arc<str>),
    Call(ToolCall),
    Result(Outcome),
    Other { kind: String, bytes: u64 },
}

/// What a tool returned.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) id: Option<String>,
    pub(super) text: Arc<str>,
    pub(super) error: bool,
}

/// A request's messages, read with those of the request before it at hand.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// Its messages by hash, and whether each is a system prompt.
    marks: Vec<(u64, bool)>,
    /// Those that the request before had not, with their places.
    pub(super) fresh: Vec<(usize, Said)>,
    /// Messages of the request before that are not sent any more.
    pub(super) gone: usize,
    /// Messages of the request before.
    pub(super) before: usize,
}

impl Said {
    pub(super) fn is_system(&self) -> bool {
        !matches!(self.role.as_str(), "assistant" | "model" | "user" | "tool" | "function")
    }

    pub(super) fn is_assistant(&self) -> bool {
        matches!(self.role.as_str(), "assistant" | "model")
    }
}

impl From<Message> for Said {
    fn from(message: Message) -> Self {
        let piece = |part| match part {
            Part::Text(text) => Piece::Text(text.into()),
            Part::Reasoning(text) => Piece::Reasoning(text.into()),
            Part::ToolCall(call) => Piece::Call(call),
            Part::ToolResult { id, text, error } => {
                Piece::Result(Outcome { id, text: text.into(), error })
            }
            Part::Other { kind, bytes } => Piece::Other { kind, bytes },
        };
        Said { role: message.role, parts: message.parts.into_iter().map(piece).collect() }
    }
}

impl Told {
    /// Reads a request's body; `before` is the request that it continues.
    /// `None`: its messages are not known.
    pub(super) fn read(dialect: &str, body: &Body, before: Option<&Told>) -> Option<Self> {
        if body.kind != BodyKind::Json {
            return None;
        }
        let value = serde_json::from_slice(&body.bytes).ok()?;
        let messages = llm::by_name(dialect)?.messages(&value);
        Some(Told::new(messages, before, is_remembered(&value)))
    }

    /// `goes_on`: the messages come after those of the request before, which are
    /// not sent again.
    fn new(messages: Vec<Message>, before: Option<&Told>, goes_on: bool) -> Self {
        let messages: Vec<Said> = messages.into_iter().map(Said::from).collect();
        let marks: Vec<(u64, bool)> =
            messages.iter().map(|said| (hash(said), said.is_system())).collect();
        let known = before.map_or(&[][..], |before| &before.marks);
        // System prompts change while the history goes on: each for itself.
        let alike = words(known).zip(words(&marks)).take_while(|(one, other)| one == other).count();
        let mut left: HashMap<u64, usize> = HashMap::new();
        let skip = if goes_on { usize::MAX } else { alike };
        let open = words(known).skip(skip).chain(prompts(known));
        open.for_each(|mark| *left.entry(mark).or_default() += 1);
        let mut seen = 0;
        let mut fresh = Vec::new();
        for (at, (said, &(mark, system))) in messages.into_iter().zip(&marks).enumerate() {
            let begins = !system && !goes_on && seen < alike;
            seen += usize::from(!system);
            if begins || left.get_mut(&mark).is_some_and(take) {
                continue;
            }
            fresh.push((at, said));
        }
        let gone = words(known).skip(skip).filter(|mark| left.get_mut(mark).is_some_and(take));
        let gone = gone.count();
        Told { marks, fresh, gone, before: words(known).count() }
    }

    /// What is to be said before its messages.
    pub(super) fn notes(&self) -> Vec<(String, Role)> {
        let Told { gone, before, .. } = self;
        let gone = (*gone > 0).then(|| {
            let text = format!("─── {gone} of {before} earlier messages are not sent any more ───");
            (text, Role::Faint)
        });
        let nothing = self.fresh.is_empty().then(|| match self.marks.len() {
            0 => ("no messages are in the request".to_owned(), Role::Dim),
            _ => ("the same messages again".to_owned(), Role::Dim),
        });
        gone.into_iter().chain(nothing).collect()
    }
}

/// One of several that are counted.
fn take(left: &mut usize) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}

/// Marks of what is not a system prompt.
fn words(marks: &[(u64, bool)]) -> impl Iterator<Item = u64> {
    marks.iter().filter(|(_, system)| !system).map(|(mark, _)| *mark)
}

fn prompts(marks: &[(u64, bool)]) -> impl Iterator<Item = u64> {
    marks.iter().filter(|(_, system)| *system).map(|(mark, _)| *mark)
}

fn is_remembered(request: &Value) -> bool {
    REMEMBERED.iter().any(|name| request.get(name).is_some_and(|value| !value.is_null()))
}

fn hash(said: &Said) -> u64 {
    let mut hasher = DefaultHasher::new();
    said.role.hash(&mut hasher);
    for part in &said.parts {
        std::mem::discriminant(part).hash(&mut hasher);
        match part {
            Piece::Text(text) | Piece::Reasoning(text) => text.hash(&mut hasher),
            Piece::Call(call) => (&call.id, &call.name, &call.arguments).hash(&mut hasher),
            Piece::Result(Outcome { id, text, error }) => (id, text, error).hash(&mut hasher),
            Piece::Other { kind, bytes } => (kind, bytes).hash(&mut hasher),
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::{Message, Part, Told};

    fn messages(said: &[(&str, &str)]) -> Vec<Message> {
        said.iter()
            .map(|(role, text)| Message::new(*role, vec![Part::Text((*text).into())]))
            .collect()
    }

    /// The places of what is new, and how many are gone.
    fn told(said: &[(&str, &str)], before: &Told, goes_on: bool) -> (Vec<usize>, usize) {
        let told = Told::new(messages(said), Some(before), goes_on);
        (told.fresh.iter().map(|(at, _)| *at).collect(), told.gone)
    }

    #[test]
    fn only_what_is_new_is_told() {
        let asked = [("system", "be brief"), ("user", "a"), ("assistant", "b"), ("user", "c")];
        let first = Told::new(messages(&asked), None, false);
        assert_eq!((first.fresh.len(), first.gone), (4, 0));
        type Case<'a> = (&'a [(&'a str, &'a str)], bool, &'a [usize], usize);
        let cases: &[Case<'_>] = &[
            // The history goes on.
            (&[asked[0], asked[1], asked[2], asked[3], ("assistant", "d")], false, &[4], 0),
            // The same again.
            (&asked, false, &[], 0),
            // Another system prompt is new, and alone.
            (&[("system", "be long"), asked[1], asked[2], asked[3]], false, &[0], 0),
            // A message was edited: what follows it is not new.
            (&[asked[0], ("user", "A"), asked[2], asked[3]], false, &[1], 1),
            // The history was replaced by a summary.
            (&[asked[0], ("user", "so far: ..."), asked[3]], false, &[1], 2),
            // Of two alike, one is new.
            (&[asked[0], asked[1], asked[1]], false, &[2], 2),
            // The server remembers; the prompt is sent again.
            (&[asked[0], ("user", "c")], true, &[1], 0),
        ];
        for (said, goes_on, fresh, gone) in cases {
            assert_eq!(told(said, &first, *goes_on), (fresh.to_vec(), *gone), "{said:?}");
        }
    }
}
