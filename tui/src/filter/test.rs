//! What a term compares an exchange with, compiled.

use std::ops::RangeBounds;

use regex::bytes::{Regex, RegexBuilder};

use super::Names;
use super::ast::{Op, Value};
use super::key::Kind;
use super::value::{self, Range};
use crate::nearest::nearest;
use crate::store::Seen;

/// Bytes that a compiled expression may take, and its lazily built tables.
const SIZE: usize = 1 << 20;

/// Brackets within brackets of an expression.
const NESTED: u32 = 50;

/// What a term compares an exchange with, compiled.
#[derive(Clone, Debug)]
pub(super) struct Test {
    of: Of,
    /// There is a value, and none that passes.
    negated: bool,
}

#[derive(Clone, Debug)]
enum Of {
    Any,
    Text(Regex),
    Figure(Range),
    Flag(bool),
}

impl Test {
    /// A test of a key; without one, of everything.
    ///
    /// # Errors
    /// Why the value is none for the key.
    pub(super) fn new(
        kind: Option<&Kind>,
        op: Op,
        value: &Value,
        names: &Names,
    ) -> Result<Self, String> {
        let negated = op == Op::IsNot;
        let equality = matches!(op, Op::Has | Op::Is | Op::IsNot);
        let textual = matches!(kind, None | Some(Kind::Text(_) | Kind::Words(..)));
        if !equality && (textual || matches!(kind, Some(Kind::Flag(_) | Kind::User(_)))) {
            return Err(format!("is no figure: use `:`, `=` or `!=`, not `{}`", op.sign()));
        }
        let of = match (kind, value) {
            (_, Value::Any) if matches!(op, Op::Has | Op::Is) => Of::Any,
            (_, Value::Any) => return Err("is something or nothing: use `:*` or `!`".to_owned()),
            (_, Value::Regex { pattern, ignore_case }) if textual => {
                Of::Text(compile(pattern, *ignore_case).map_err(|error| why(&error))?)
            }
            (_, Value::Regex { .. }) => return Err("is no text: no regular expression".to_owned()),
            (Some(Kind::Words(known, _)), Value::Text(text)) => {
                let word = text.to_ascii_lowercase();
                if !known.contains(&word.as_str()) {
                    return Err(unknown(text, known));
                }
                Of::Text(literal(&word, true)?)
            }
            (Some(Kind::Flag(_)), Value::Text(text)) => Of::Flag(match text.as_str() {
                "yes" | "true" | "1" => true,
                "no" | "false" | "0" => false,
                _ => return Err("has to be `yes` or `no`".to_owned()),
            }),
            (Some(Kind::User(_)), Value::Text(text)) => {
                let uid = text.parse().ok().or_else(|| (names.uid_of)(text));
                let uid = f64::from(uid.ok_or("has to be a user id, or a name of this machine")?);
                Of::Figure((std::ops::Bound::Included(uid), std::ops::Bound::Included(uid)))
            }
            (None | Some(Kind::Text(_)), Value::Text(text)) => {
                Of::Text(literal(text, op != Op::Has)?)
            }
            (Some(kind), Value::Text(text)) => Of::Figure(value::range(kind, op, text)?),
        };
        Ok(Test { of, negated })
    }

    /// Whether what a key reads passes.
    pub(super) fn holds(&self, kind: &Kind, seen: &Seen<'_>) -> bool {
        match kind {
            Kind::Text(read) | Kind::Words(_, read) => {
                let mut any = false;
                let found = read(seen, &mut |bytes| {
                    any = true;
                    self.finds(bytes)
                });
                if self.negated { any && !found } else { found }
            }
            Kind::Flag(read) => read(seen).is_some_and(|flag| match self.of {
                Of::Flag(wanted) => (flag == wanted) != self.negated,
                _ => !self.negated,
            }),
            Kind::Count(read)
            | Kind::Status(read)
            | Kind::Bytes(read)
            | Kind::Time(read)
            | Kind::Money(read)
            | Kind::User(read) => read(seen).is_some_and(|figure| match &self.of {
                Of::Figure(range) => range.contains(&figure) != self.negated,
                _ => !self.negated,
            }),
        }
    }

    /// Whether a text passes.
    pub(super) fn finds(&self, bytes: &[u8]) -> bool {
        match &self.of {
            Of::Text(regex) => regex.is_match(bytes),
            _ => true,
        }
    }
}

fn compile(pattern: &str, ignore_case: bool) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern)
        .case_insensitive(ignore_case)
        .multi_line(true)
        .size_limit(SIZE)
        .dfa_size_limit(SIZE)
        .nest_limit(NESTED)
        .build()
}

/// Small letters match capitals too; one capital makes it exact.
fn literal(text: &str, whole: bool) -> Result<Regex, String> {
    let escaped = regex::escape(text);
    let pattern = if whole { format!(r"\A(?:{escaped})\z") } else { escaped };
    let ignore_case = !text.chars().any(char::is_uppercase);
    compile(&pattern, ignore_case).map_err(|_| "is too long to be searched for".to_owned())
}

/// The last line of the engine's message says what is wrong.
fn why(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "is too large a regular expression".to_owned(),
        error => {
            let message = error.to_string();
            let last = message.lines().last().unwrap_or_default();
            format!("is no regular expression: {}", last.trim_start_matches("error: "))
        }
    }
}

fn unknown(word: &str, known: &[&'static str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(meant) => format!("is never `{word}`; did you mean `{meant}`?"),
        None => format!("is never `{word}`, but one of {}", known.join(", ")),
    }
}
