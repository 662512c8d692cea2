//! A parsed filter: how it judges, and how it is written.

use std::fmt::{self, Display, Formatter, Write};

use super::key::{Key, Known};
use super::read;
use super::test::Test;
use crate::store::Seen;

/// A filter or a part of one.
#[derive(Clone, Debug)]
pub(super) enum Expr {
    /// All of them; of none: everything passes.
    And(Vec<Expr>),
    /// Any of them.
    Or(Vec<Expr>),
    Not(Box<Expr>),
    /// A saved filter, and what its name stands for.
    Saved(String, Box<Expr>),
    Term(Box<Term>),
}

/// One test of an exchange.
#[derive(Clone, Debug)]
pub(super) struct Term {
    /// What is asked; `None`: everything is searched.
    pub(super) key: Option<&'static Key>,
    pub(super) op: Op,
    pub(super) value: Value,
    pub(super) test: Test,
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Has,
    Is,
    IsNot,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// A value as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// `*`: any.
    Any,
    Text(String),
    Regex {
        pattern: String,
        ignore_case: bool,
    },
}

impl Op {
    /// The longer ones first, so that the first that fits is meant.
    pub(super) const ALL: [(&'static str, Op); 8] = [
        ("!=", Op::IsNot),
        ("<=", Op::AtMost),
        (">=", Op::AtLeast),
        ("==", Op::Is),
        (":", Op::Has),
        ("=", Op::Is),
        ("<", Op::Less),
        (">", Op::More),
    ];

    pub(super) fn sign(self) -> &'static str {
        match self {
            Op::Has => ":",
            Op::Is => "=",
            Op::IsNot => "!=",
            Op::Less => "<",
            Op::AtMost => "<=",
            Op::More => ">",
            Op::AtLeast => ">=",
        }
    }
}

impl Expr {
    pub(super) fn holds(&self, seen: &Seen<'_>) -> bool {
        match self {
            Expr::And(parts) => parts.iter().all(|part| part.holds(seen)),
            Expr::Or(parts) => parts.iter().any(|part| part.holds(seen)),
            Expr::Not(part) => !part.holds(seen),
            Expr::Saved(_, part) => part.holds(seen),
            Expr::Term(term) => term.holds(seen),
        }
    }

    /// Kleene's logic of three values: `None` is "not known yet".
    pub(super) fn decide(&self, seen: &Seen<'_>) -> Option<bool> {
        match self {
            Expr::And(parts) => settle(parts.iter().map(|part| part.decide(seen)), false),
            Expr::Or(parts) => settle(parts.iter().map(|part| part.decide(seen)), true),
            Expr::Not(part) => part.decide(seen).map(|holds| !holds),
            Expr::Saved(_, part) => part.decide(seen),
            Expr::Term(term) => term.decide(seen),
        }
    }

    /// Whether it looks at more than facts: at bodies and texts.
    pub(super) fn is_heavy(&self) -> bool {
        match self {
            Expr::And(parts) | Expr::Or(parts) => parts.iter().any(Expr::is_heavy),
            Expr::Not(part) | Expr::Saved(_, part) => part.is_heavy(),
            Expr::Term(term) => term.key.is_none_or(|key| key.heavy),
        }
    }
}

/// What follows from the parts where one `decisive` part is enough.
fn settle(parts: impl Iterator<Item = Option<bool>>, decisive: bool) -> Option<bool> {
    let mut open = false;
    for part in parts {
        match part {
            Some(holds) if holds == decisive => return Some(decisive),
            Some(_) => {}
            None => open = true,
        }
    }
    (!open).then_some(!decisive)
}

impl Term {
    fn holds(&self, seen: &Seen<'_>) -> bool {
        match self.key {
            Some(key) => self.test.holds(&key.kind, seen),
            None => read::everything(seen, &mut |bytes| self.test.finds(bytes)),
        }
    }

    fn decide(&self, seen: &Seen<'_>) -> Option<bool> {
        let holds = || Some(self.holds(seen));
        if crate::store::is_over(&seen.record.exchange) {
            return holds();
        }
        match self.key.map_or(Known::Grows, |key| key.known) {
            Known::Always => holds(),
            Known::Asked if seen.record.exchange.timing.sent.is_some() => holds(),
            // What is found stays there, whatever comes after it.
            Known::Grows if self.op == Op::Has && !matches!(self.value, Value::Regex { .. }) => {
                holds().filter(|&holds| holds)
            }
            Known::Asked | Known::Grows | Known::Ended => None,
        }
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Expr::And(parts) => list(f, parts, " ", |part| matches!(part, Expr::Or(_))),
            Expr::Or(parts) => list(f, parts, " or ", |_| false),
            Expr::Not(part) => {
                f.write_char('!')?;
                operand(f, part, matches!(**part, Expr::And(_) | Expr::Or(_)))
            }
            Expr::Saved(name, _) => write!(f, "@{name}"),
            Expr::Term(term) => term.fmt(f),
        }
    }
}

fn list(
    f: &mut Formatter<'_>,
    parts: &[Expr],
    between: &str,
    in_brackets: impl Fn(&Expr) -> bool,
) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        operand(f, part, in_brackets(part))?;
    }
    Ok(())
}

fn operand(f: &mut Formatter<'_>, part: &Expr, in_brackets: bool) -> fmt::Result {
    if in_brackets { write!(f, "({part})") } else { part.fmt(f) }
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(key) = self.key {
            write!(f, "{}{}", key.name, self.op.sign())?;
        }
        match &self.value {
            Value::Any => f.write_char('*'),
            Value::Text(text) if is_plain(text, self.key.is_some()) => f.write_str(text),
            Value::Text(text) => f.write_str(&quoted(text)),
            Value::Regex { pattern, ignore_case } => {
                f.write_char('/')?;
                let mut escaped = false;
                for character in pattern.chars() {
                    if character == '/' && !escaped {
                        f.write_char('\\')?;
                    }
                    escaped = character == '\\' && !escaped;
                    f.write_char(character)?;
                }
                f.write_str(if *ignore_case { "/i" } else { "/" })
            }
        }
    }
}

/// Whether a value means itself without quotes, after a key or alone.
fn is_plain(text: &str, after_key: bool) -> bool {
    let special = |c: char| c.is_whitespace() || c.is_control() || "()\"".contains(c);
    let reads_otherwise = |c: char| ":=<>!&|@/".contains(c);
    !text.is_empty()
        && text != "*"
        && !text.contains(special)
        && !text.starts_with('/')
        && (after_key || !(text.contains(reads_otherwise) || super::parse::is_word(text)))
}

/// A text as the value of a key.
pub(super) fn value_text(text: &str) -> String {
    if is_plain(text, true) { text.to_owned() } else { quoted(text) }
}

/// Text between quotes.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}
