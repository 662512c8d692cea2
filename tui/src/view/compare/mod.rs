//! What differs between two exchanges: facts, headers, request, answer.

mod facts;

use llmtop_parsers::{Body, Exchange, redact};
use serde_json::Value;
use similar::{Algorithm, DiffOp, capture_diff_slices};
use unicode_width::UnicodeWidthStr;

use super::task::Task;
use super::text::{Look, TextDocument};
use super::{Reader, Role, Span, format, truncated};
use crate::store::Record;
use facts::{Facts, Pair, facts};

/// Bytes of two exchanges that are compared at once.
const AT_ONCE: usize = 64 << 10;

/// Bytes of a body that is compared.
const READ: usize = 4 << 20;

/// Lines that are compared one by one, after those that are alike at both ends.
const LINES: usize = 3000;

/// Lines that are shown around a difference.
const CONTEXT: usize = 3;

/// Columns of a fact's name, and of its first value.
const NAME: usize = 20;
const VALUE: usize = 32;

/// What differs, as a document, and how many lines of it.
#[derive(Debug, Default)]
pub struct Comparison {
    /// The text.
    pub document: TextDocument,
    /// Lines of the first that the second has not.
    pub removed: usize,
    /// Lines of the second that the first has not.
    pub added: usize,
}

/// Two exchanges that are compared, by a thread where that takes longer than a frame may.
#[derive(Debug)]
pub struct Comparing(Task<Comparison>);

impl Comparing {
    /// Has it done, with both as they are now.
    pub fn begin(reader: &Reader<'_>, left: &Record, right: &Record, secrets: bool) -> Self {
        let both = [left, right];
        let facts = both.map(|record| facts(reader, record));
        let [left, right] = both.map(|record| record.exchange.clone());
        Comparing(Task::begin(move || Comparison::of(facts, &left, &right, secrets)))
    }

    /// What differs, once that is known.
    pub fn take(&self) -> Option<Comparison> {
        // Nothing came of it, in the worst case.
        self.0.take().map(Option::unwrap_or_default)
    }
}

impl Comparison {
    /// Compares two exchanges as they are now. Credentials are redacted unless
    /// `secrets`. `None`: that takes longer than a frame may.
    pub fn new(reader: &Reader<'_>, left: &Record, right: &Record, secrets: bool) -> Option<Self> {
        let both = [left, right];
        let short = both.map(|it| weight(&it.exchange)).iter().sum::<usize>() <= AT_ONCE;
        short.then(|| {
            let facts = both.map(|record| facts(reader, record));
            Comparison::of(facts, &left.exchange, &right.exchange, secrets)
        })
    }

    fn of(both: [Facts; 2], left: &Exchange, right: &Exchange, secrets: bool) -> Self {
        let mut comparison = Comparison::default();
        comparison.facts(&facts::paired(both, left, right));
        let both = |read: &dyn Fn(&Exchange) -> Vec<String>| (read(left), read(right));
        comparison.part(
            "request's headers",
            both(&|it: &Exchange| headers(&it.request.headers, secrets)),
        );
        comparison.part("request", both(&|it: &Exchange| lines(it.request.body.as_deref())));
        comparison.part("answer", both(&answer));
        comparison
    }

    /// Facts in two columns: the first's, and the second's where it is another.
    fn facts(&mut self, facts: &[Pair]) {
        self.document.begin();
        self.document.line(vec![Span::new("facts", Role::Title)], Look::default());
        let name = facts.iter().map(|fact| fact.name.width()).max().unwrap_or(0).min(NAME) + 2;
        let changed = facts.iter().filter(|fact| fact.old != fact.new);
        let old = changed.map(|fact| fact.old.width()).max().unwrap_or(0).min(VALUE);
        for fact in facts {
            let label = format!("{:<name$}", truncated(&fact.name, NAME));
            let mut line = vec![Span::new(label, Role::Dim)];
            if fact.old == fact.new {
                line.push(Span::new(fact.old.as_str(), Role::Dim));
            } else {
                self.removed += 1;
                self.added += 1;
                let room = old.saturating_sub(fact.old.width());
                line.push(Span::new(fact.old.as_str(), Role::Error));
                line.push(Span::new(format!("{:room$} → ", ""), Role::Faint));
                line.push(Span::new(fact.new.as_str(), Role::Good));
            }
            self.document.line(line, Look { indent: 2, ..Look::default() });
        }
    }

    fn part(&mut self, name: &str, (left, right): (Vec<String>, Vec<String>)) {
        if !self.document.is_empty() {
            self.document.blank();
        }
        self.document.begin();
        let heading = |rest: &str| vec![Span::new(format!("{name}{rest}"), Role::Title)];
        if left == right {
            let alike = if left.is_empty() { ": there is none" } else { ": alike" };
            return self.document.line(heading(alike), Look::default());
        }
        self.document.line(heading(""), Look::default());
        for op in operations(&left, &right) {
            let (old, new) = (left.get(op.old_range()), right.get(op.new_range()));
            match op {
                DiffOp::Equal { .. } => self.alike(new.unwrap_or(&[])),
                _ => {
                    self.removed += old.map_or(0, <[_]>::len);
                    self.added += new.map_or(0, <[_]>::len);
                    self.lines("-", old.unwrap_or(&[]), Role::Error);
                    self.lines("+", new.unwrap_or(&[]), Role::Good);
                }
            }
        }
    }

    /// Lines that both have: those next to what differs.
    fn alike(&mut self, lines: &[String]) {
        if lines.len() <= 2 * CONTEXT + 1 {
            return self.lines(" ", lines, Role::Dim);
        }
        let (before, rest) = lines.split_at(CONTEXT);
        let (folded, after) = rest.split_at(rest.len() - CONTEXT);
        self.lines(" ", before, Role::Dim);
        let text = format!("  … {} lines alike", folded.len());
        self.document.line(vec![Span::new(text, Role::Faint)], Look::default());
        self.lines(" ", after, Role::Dim);
    }

    fn lines(&mut self, sign: &str, lines: &[String], role: Role) {
        for line in lines {
            // The sign is a part of the text: it is copied with it.
            let text = format!("{sign} {line}");
            self.document.own(text.into(), Look { role, indent: 1, ..Look::default() });
        }
    }
}

/// How to come from one to the other. What is alike at both ends is set aside,
/// and of what is left, more than [`LINES`] lines are not told apart: the work is
/// bounded, whatever the texts.
fn operations(left: &[String], right: &[String]) -> Vec<DiffOp> {
    let shorter = left.len().min(right.len());
    let head = left.iter().zip(right).take_while(|(one, other)| one == other).count();
    let ends = left.iter().rev().zip(right.iter().rev());
    let tail = ends.take(shorter - head).take_while(|(one, other)| one == other).count();
    let (old, new) = (&left[head..left.len() - tail], &right[head..right.len() - tail]);
    let mut operations = vec![DiffOp::Equal { old_index: 0, new_index: 0, len: head }];
    if old.len().max(new.len()) > LINES {
        let (old_index, new_index) = (head, head);
        let (old_len, new_len) = (old.len(), new.len());
        operations.push(DiffOp::Replace { old_index, old_len, new_index, new_len });
    } else {
        let mut between = capture_diff_slices(Algorithm::Myers, old, new);
        between.iter_mut().for_each(|op| moved(op, head));
        operations.append(&mut between);
    }
    let (old_index, new_index) = (left.len() - tail, right.len() - tail);
    operations.push(DiffOp::Equal { old_index, new_index, len: tail });
    operations.retain(|op| !op.old_range().is_empty() || !op.new_range().is_empty());
    operations
}

/// The same operation, so many lines further on.
fn moved(op: &mut DiffOp, by: usize) {
    match op {
        DiffOp::Equal { old_index, new_index, .. }
        | DiffOp::Delete { old_index, new_index, .. }
        | DiffOp::Insert { old_index, new_index, .. }
        | DiffOp::Replace { old_index, new_index, .. } => {
            *old_index += by;
            *new_index += by;
        }
    }
}

fn headers(all: &[(String, String)], secrets: bool) -> Vec<String> {
    let shown = all.iter().map(|(name, value)| {
        let value = if secrets { value.into() } else { redact::header(name, value) };
        format!("{name}: {value}")
    });
    shown.collect()
}

/// Bytes that are compared of an exchange.
fn weight(exchange: &Exchange) -> usize {
    let (request, response) = (&exchange.request, &exchange.response);
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let calls = response.tool_calls.iter().map(|call| call.arguments.len());
    request.body.as_ref().map_or(0, |body| body.bytes.len())
        + text(&response.text)
        + text(&response.reasoning)
        + calls.sum::<usize>()
}

fn answer(exchange: &Exchange) -> Vec<String> {
    let response = &exchange.response;
    let mut lines = Vec::new();
    for (name, text) in [("reasoning", &response.reasoning), ("text", &response.text)] {
        if let Some(text) = text {
            push(&mut lines, 0, name, text);
        }
    }
    for call in &response.tool_calls {
        lines.push(format!("call: {}", call.name.as_deref().unwrap_or("-")));
        match serde_json::from_str(&call.arguments) {
            Ok(value) => flatten(&mut lines, 1, "arguments", &value),
            Err(_) => push(&mut lines, 1, "arguments", &call.arguments),
        }
    }
    if let Some(error) = &exchange.error {
        let parts = [error.kind.as_deref(), error.message.as_deref()];
        push(&mut lines, 0, "error", &parts.map(Option::unwrap_or_default).join(": "));
    }
    lines
}

/// A body as lines: JSON a value a line, texts in it line by line.
fn lines(body: Option<&Body>) -> Vec<String> {
    let Some(body) = body else { return Vec::new() };
    if body.bytes.len() > READ {
        let size = format::bytes(body.bytes.len() as u64);
        return vec![format!("{size}: too long to be compared")];
    }
    let mut lines = Vec::new();
    match serde_json::from_slice(&body.bytes) {
        Ok(Value::Object(fields)) => {
            fields.iter().for_each(|(name, value)| flatten(&mut lines, 0, name, value));
        }
        Ok(value) => flatten(&mut lines, 0, "-", &value),
        Err(_) => lines.extend(String::from_utf8_lossy(&body.bytes).lines().map(str::to_owned)),
    }
    lines
}

fn flatten(lines: &mut Vec<String>, depth: usize, name: &str, value: &Value) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            lines.push(format!("{indent}{name}:"));
            fields.iter().for_each(|(name, value)| flatten(lines, depth + 1, name, value));
        }
        Value::Array(items) if !items.is_empty() => {
            lines.push(format!("{indent}{name}:"));
            items.iter().for_each(|item| flatten(lines, depth + 1, "-", item));
        }
        Value::String(text) => push(lines, depth, name, text),
        scalar => lines.push(format!("{indent}{name}: {scalar}")),
    }
}

/// A named text: on the same line where it is one.
fn push(lines: &mut Vec<String>, depth: usize, name: &str, text: &str) {
    let indent = "  ".repeat(depth);
    if !text.contains('\n') {
        return lines.push(format!("{indent}{name}: {text}"));
    }
    lines.push(format!("{indent}{name}:"));
    lines.extend(text.lines().map(|line| format!("{indent}  {line}")));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use similar::DiffOp;

    use super::{LINES, flatten, operations};

    #[test]
    fn json_is_compared_value_by_value() {
        let value =
            serde_json::json!({"a": 1, "b": ["x", {"c": "two\nlines"}], "d": {}, "e": null});
        let mut lines = Vec::new();
        flatten(&mut lines, 0, "body", &value);
        let expected = [
            "body:",
            "  a: 1",
            "  b:",
            "    -: x",
            "    -:",
            "      c:",
            "        two",
            "        lines",
            "  d: {}",
            "  e: null",
        ];
        assert_eq!(lines, expected);
    }

    /// What the operations make of the one, which is the other.
    fn apply(left: &[String], right: &[String]) -> Vec<String> {
        let mut made = Vec::new();
        let mut at = 0;
        for op in operations(left, right) {
            // Where there is nothing old, its place does not matter.
            if !op.old_range().is_empty() {
                assert_eq!(op.old_range().start, at, "nothing is left out");
                at = op.old_range().end;
            }
            match op {
                DiffOp::Equal { .. } => made.extend_from_slice(&left[op.old_range()]),
                _ => made.extend_from_slice(&right[op.new_range()]),
            }
        }
        assert_eq!(at, left.len());
        made
    }

    #[test]
    fn what_is_alike_is_shown_around_differences_only() {
        let store = crate::store::Store::default();
        let reader = super::Reader::new(&store, None, llmtop_parsers::Timestamp(0), 0);
        let left: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        let mut right = left.clone();
        right[10] = "new".to_owned();
        let mut comparison = super::Comparison::default();
        comparison.part("text", (left.clone(), right));
        comparison.part("same", (left.clone(), left));
        comparison.part("none", (Vec::new(), Vec::new()));
        assert_eq!((comparison.removed, comparison.added), (1, 1));
        let text = comparison.document.plain(&reader, 10_000);
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|it| !it.is_empty()).collect();
        let expected = [
            "text",
            "0",
            "1",
            "2",
            "… 4 lines alike",
            "7",
            "8",
            "9",
            "- 10",
            "+ new",
            "11",
            "12",
            "13",
            "… 3 lines alike",
            "17",
            "18",
            "19",
            "same: alike",
            "none: there is none",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn long_texts_are_bounded() {
        let lines = |word: &str| (0..=LINES).map(|n| format!("{word} {n}")).collect::<Vec<_>>();
        let (left, mut right) = (lines("a"), lines("b"));
        assert_eq!(operations(&left, &right).len(), 1);
        assert_eq!(apply(&left, &right), right);
        // What is alike at the ends costs nothing.
        right.clone_from(&left);
        right.insert(7, "new".to_owned());
        assert_eq!(operations(&left, &right).len(), 3);
        assert_eq!(apply(&left, &right), right);
    }

    proptest! {
        #[test]
        fn the_operations_lead_from_one_to_the_other(
            left in prop::collection::vec("[ab]", 0..12), right in prop::collection::vec("[ab]", 0..12)
        ) {
            prop_assert_eq!(apply(&left, &right), right);
        }
    }
}
