//! What events that repeat one another have in common.

use std::borrow::Cow;
use std::ops::Range;

use super::LONGEST;
use super::scan::{number, plain, string, text};
use crate::llm::Dialect;
use crate::llm::answer::{Answer, Slot};

/// Members of an event itself that differ from one to the next and that no
/// dialect reads.
const UNREAD: [&str; 5] = ["obfuscation", "sequence_number", "event_id", "created", "created_at"];

/// Stand for the piece while a shape is tried out. Two: one may be the piece.
const MARKS: [&str; 2] = ["§", "¶"];

/// What events of a kind have in common.
#[derive(Debug)]
pub(super) struct Shape {
    dialect: &'static str,
    name: String,
    /// What precedes each hole, and the hole.
    parts: Vec<(String, Hole)>,
    /// What follows the last.
    end: String,
    /// Where events of this shape add their piece.
    pub(super) slot: Slot,
}

/// Where events of a shape differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hole {
    /// The piece that is added: inside a string's quotes.
    Piece,
    /// Inside the quotes of a string that nobody reads.
    Text,
    /// A number that nobody reads.
    Number,
}

impl Shape {
    /// The shape of an event that did nothing of consequence but add `piece`
    /// to `slot`, if it can be told.
    pub(super) fn of(
        dialect: &dyn Dialect,
        name: &str,
        data: &str,
        slot: Slot,
        piece: &str,
    ) -> Option<Self> {
        let members = members(data);
        let is_source = |member: &&Member<'_>| {
            member.hole == Hole::Text
                && text(&data.as_bytes()[member.at.start - 1..])
                    .is_some_and(|(text, _)| text == piece)
                && adds(dialect, name, data, &member.at, slot, piece)
        };
        let source = members.iter().find(is_source)?.at.clone();
        let mut parts = Vec::new();
        let mut done = 0;
        for member in members {
            let hole = match member.hole {
                _ if member.at == source => Hole::Piece,
                hole if member.outermost && UNREAD.contains(&member.key) => hole,
                _ => continue,
            };
            parts.push((data.get(done..member.at.start)?.to_owned(), hole));
            done = member.at.end;
        }
        Some(Shape {
            dialect: dialect.name(),
            name: name.to_owned(),
            parts,
            end: data.get(done..)?.to_owned(),
            slot,
        })
    }

    /// Whether it may be that of an event.
    pub(super) fn is_of(&self, dialect: &dyn Dialect, name: &[u8]) -> bool {
        // Most have no name. Nothing is not compared with nothing: `memcmp` looks at
        // where it would be, which is nowhere, and that takes longer than all the rest.
        let named_alike = match name {
            [] => self.name.is_empty(),
            name => self.name.as_bytes() == name,
        };
        named_alike && self.dialect == dialect.name()
    }

    /// What an event of this shape adds. `None`: it is not, or needs a closer
    /// look.
    pub(super) fn piece<'a>(&self, data: &'a [u8]) -> Option<Cow<'a, str>> {
        let mut rest = data;
        let mut piece = None;
        for (before, hole) in &self.parts {
            rest = rest.strip_prefix(before.as_bytes())?;
            let length = match hole {
                Hole::Number => number(rest)?,
                // Where something else than a quote ends it, nothing of it follows.
                Hole::Text => Some(plain(rest)).filter(|length| rest[..*length].is_ascii())?,
                Hole::Piece => {
                    let (found, length) = text(&data[data.len() - rest.len() - 1..])?;
                    piece = Some(found);
                    length - 2
                }
            };
            // Dialects look further where a member is empty.
            rest = rest.get(length..).filter(|_| length > 0)?;
        }
        piece.filter(|_| rest == self.end.as_bytes())
    }
}

/// Whether an event with another piece at `at` adds that one to `slot`, and
/// the event itself does nothing after it but add its own.
fn adds(
    dialect: &dyn Dialect,
    name: &str,
    data: &str,
    at: &Range<usize>,
    slot: Slot,
    piece: &str,
) -> bool {
    let mark = MARKS[usize::from(piece == MARKS[0])];
    let marked = [&data[..at.start], mark, &data[at.end..]].concat();
    let mut answer = Answer::with_limit(2 * LONGEST);
    answer.watch();
    dialect.event(name, &marked, &mut answer);
    let (first, alone) = (answer.facts(), answer.grown() == Some(slot));
    answer.watch();
    dialect.event(name, data, &mut answer);
    alone
        && answer.grown() == Some(slot)
        && answer.facts() == first
        && answer.only(slot) == Some(&[mark, piece].concat())
}

/// A member of an object whose value is a string (what is inside the quotes) or
/// a whole number.
pub(super) struct Member<'a> {
    key: &'a str,
    pub(super) at: Range<usize>,
    pub(super) hole: Hole,
    /// Of the outermost object.
    outermost: bool,
}

/// Such members of all objects in a JSON text, in order.
pub(super) fn members(json: &str) -> Vec<Member<'_>> {
    let bytes = json.as_bytes();
    let mut members = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        if *byte != b'"' {
            continue;
        }
        let Some(length) = string(&bytes[at..]) else { break };
        let key = at..at + length;
        at = key.end + 1;
        // A string that is no key is followed by no colon.
        let Some(value) = json[at..].trim_ascii_start().strip_prefix(':') else { continue };
        let value = value.trim_ascii_start().as_bytes();
        let from = json.len() - value.len();
        let (from, length, hole) = match value.first() {
            Some(b'"') => (from + 1, string(&value[1..]), Hole::Text),
            _ => (from, number(value), Hole::Number),
        };
        let Some(length) = length else { continue };
        let (key, span) = (&json[key], from..from + length);
        at = span.end + usize::from(hole == Hole::Text);
        members.push(Member { key, at: span, hole, outermost: depth == 1 });
    }
    members
}
