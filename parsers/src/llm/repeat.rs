//! Events that say again what the one before said, with another piece of text.
//!
//! Nearly all events of a streamed answer do. So [`Repeat`] keeps the shape of
//! one that a dialect has read: its text as it stood, but for the piece that it
//! added, and but for members that no dialect reads. An event of the same shape
//! is read by comparing, which is several times faster than parsing it.
//!
//! Nothing is guessed. That all else in an event is of no further consequence,
//! and that the piece comes from this place and no other, is tried out on an
//! empty [`Answer`] before the shape is used; and it is used for events that
//! directly follow one another only. What does not fit is the dialect's to read.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr2;

use super::Dialect;
use super::answer::{Answer, Slot};

/// Members of an event itself that differ from one to the next and that no
/// dialect reads.
const UNREAD: [&str; 4] = ["obfuscation", "sequence_number", "created", "created_at"];

/// Longer events are rare, and parsing them is not what takes the time.
const LONGEST: usize = 4 << 10;

/// Stand for the piece while a shape is tried out. Two: one may be the piece.
const MARKS: [&str; 2] = ["§", "¶"];

/// Reads the events of one answer. Drive it with [`event`](Self::event) for
/// each of them. Holds at most one event, of at most 4 KiB.
#[derive(Debug, Default)]
pub(crate) struct Repeat {
    shape: Option<Shape>,
    /// Shapes in a row that were tried out in vain.
    vain: u32,
}

/// What events of a kind have in common.
#[derive(Debug)]
struct Shape {
    dialect: &'static str,
    name: String,
    /// What precedes each hole, and the hole.
    parts: Vec<(String, Hole)>,
    /// What follows the last.
    end: String,
    slot: Slot,
}

/// Where events of a shape differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hole {
    /// The piece that is added: inside a string's quotes.
    Piece,
    /// Inside the quotes of a string that nobody reads.
    Text,
    /// A number that nobody reads.
    Number,
}

impl Repeat {
    /// Reads an event, as [`Dialect::event`] does. `answer` has no deltas yet.
    pub(crate) fn event(
        &mut self,
        dialect: &dyn Dialect,
        name: &str,
        data: &str,
        answer: &mut Answer,
    ) {
        if let Some(shape) = &self.shape
            && shape.dialect == dialect.name()
            && shape.name == name
            && let Some(piece) = shape.piece(data)
        {
            self.vain = 0;
            return answer.add(shape.slot, &piece);
        }
        self.shape = None;
        answer.watch();
        dialect.event(name, data, answer);
        if let (Some(slot), [(_, piece)]) = (answer.grown(), &answer.deltas[..])
            && data.len() <= LONGEST
        {
            // The more often it was in vain, the less often it is tried.
            self.vain += 1;
            if self.vain.is_power_of_two() {
                self.shape = Shape::of(dialect, name, data, slot, piece);
            }
        }
    }
}

impl Shape {
    /// The shape of an event that did nothing of consequence but add `piece`
    /// to `slot`, if it can be told.
    fn of(dialect: &dyn Dialect, name: &str, data: &str, slot: Slot, piece: &str) -> Option<Self> {
        let members = members(data);
        let is_source = |member: &&Member<'_>| {
            member.hole == Hole::Text
                && unescaped(data, member.at.clone()).is_some_and(|text| text == piece)
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

    /// What an event of this shape adds. `None`: it is not, or needs a closer
    /// look.
    fn piece<'a>(&self, data: &'a str) -> Option<Cow<'a, str>> {
        let mut piece = None;
        let mut at = 0;
        for (before, hole) in &self.parts {
            if !data.as_bytes().get(at..)?.starts_with(before.as_bytes()) {
                return None;
            }
            at += before.len();
            let end = at
                + match hole {
                    Hole::Number => number(&data.as_bytes()[at..])?,
                    Hole::Piece | Hole::Text => string(&data.as_bytes()[at..])?,
                };
            match hole {
                Hole::Piece => piece = Some(unescaped(data, at..end)?),
                Hole::Text if !is_plain(&data[at..end]) => return None,
                Hole::Text | Hole::Number => {}
            }
            at = end;
        }
        let ends = &data.as_bytes()[at..] == self.end.as_bytes();
        // Dialects look further where a member is empty.
        piece.filter(|piece| ends && !piece.is_empty())
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
struct Member<'a> {
    key: &'a str,
    at: Range<usize>,
    hole: Hole,
    /// Of the outermost object.
    outermost: bool,
}

/// Such members of all objects in a JSON text, in order.
fn members(json: &str) -> Vec<Member<'_>> {
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

/// The length of a string's inside, up to the quote.
fn string(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// The length of a whole number that is neither negative nor large (RFC 8259,
/// section 6).
fn number(bytes: &[u8]) -> Option<usize> {
    let length = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let fraction = matches!(bytes.get(length), Some(b'.' | b'e' | b'E'));
    let zeros = length > 1 && bytes[0] == b'0';
    (matches!(length, 1..19) && !fraction && !zeros).then_some(length)
}

/// The text that the inside of a string stands for; `None`: it is none.
fn unescaped(data: &str, at: Range<usize>) -> Option<Cow<'_, str>> {
    let inside = data.get(at.clone())?;
    if is_plain(inside) {
        return Some(Cow::Borrowed(inside));
    }
    serde_json::from_str(data.get(at.start - 1..at.end + 1)?).ok().map(Cow::Owned)
}

/// Whether the inside of a string stands for itself.
fn is_plain(inside: &str) -> bool {
    inside.bytes().all(|byte| byte >= b' ' && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::llm::DIALECTS;
    use crate::{Exchange, ExchangeSeq, Protocol, Role, Timestamp};

    /// Name and data of each event.
    type Events = Vec<(String, String)>;

    /// The streams of the corpus.
    fn streams() -> Vec<(&'static dyn Dialect, Events)> {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus/llm");
        let mut streams = Vec::new();
        for dialect in DIALECTS {
            let Ok(files) = std::fs::read_dir(corpus.join(dialect.name())) else { continue };
            for file in files.map(|file| file.unwrap().path()) {
                if file.extension().is_some_and(|extension| extension == "sse") {
                    let text = std::fs::read_to_string(file).unwrap();
                    streams.push((*dialect, text.split("\n\n").map(event).collect()));
                }
            }
        }
        streams
    }

    fn event(block: &str) -> (String, String) {
        let field = |name| block.lines().find_map(|line| line.strip_prefix(name));
        let name = field("event: ").unwrap_or_default();
        (name.to_owned(), field("data: ").unwrap_or_default().to_owned())
    }

    /// The event with another value in each of its members.
    fn variants(data: &str) -> Vec<String> {
        let texts =
            ["", "x", "error", "a\\nb\\u00e4", "\\ud83d", "\u{1}", "a\\", "\\x", "\",\"a\":\""];
        let numbers = ["0", "1", "01", "1.5", "-1", "99999999999999999999"];
        let with =
            |at: &Range<usize>, value: &str| [&data[..at.start], value, &data[at.end..]].concat();
        let variants = members(data).into_iter().flat_map(|member| {
            let values = if member.hole == Hole::Number { &numbers[..] } else { &texts[..] };
            values.iter().map(|value| with(&member.at, value)).collect::<Vec<_>>()
        });
        variants.chain([format!("{data} "), format!("{data}x"), data.replace(':', ": ")]).collect()
    }

    /// All that an answer says, and what was told of it since.
    fn said(answer: &mut Answer) -> String {
        let mut exchange =
            Exchange::new(ExchangeSeq(0), Role::Client, Protocol::Http1, Timestamp::default());
        answer.fill(&mut exchange);
        format!("{exchange:?} {:?}", std::mem::take(&mut answer.deltas))
    }

    #[test]
    fn events_are_read_as_their_dialect_reads_them() {
        for (dialect, events) in streams() {
            let mut before = Answer::default();
            for (name, data) in &events {
                for variant in variants(data) {
                    let (mut read, mut parsed) = (before.clone(), before.clone());
                    let mut repeat = Repeat::default();
                    for data in [data, data, &variant, data, &variant, &variant] {
                        repeat.event(dialect, name, data, &mut read);
                        dialect.event(name, data, &mut parsed);
                        assert_eq!(said(&mut read), said(&mut parsed), "{name} {variant}");
                    }
                }
                dialect.event(name, data, &mut before);
                before.deltas.clear();
            }
        }
    }

    #[test]
    fn shapes_are_told_of_the_usual_events() {
        let cases = [
            (
                "openai.chat",
                r#"{"id":"c","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"a"}}],"obfuscation":"x"}"#,
            ),
            (
                "openai.chat",
                r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"a"}}]}}]}"#,
            ),
            (
                "openai.responses",
                r#"{"type":"response.output_text.delta","sequence_number":4,"output_index":1,"delta":"a"}"#,
            ),
            (
                "anthropic.messages",
                r#"{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"a"}}"#,
            ),
            (
                "anthropic.messages",
                r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"a"}}"#,
            ),
        ];
        for (dialect, data) in cases {
            let dialect = crate::llm::by_name(dialect).unwrap();
            let (mut repeat, mut answer) = (Repeat::default(), Answer::default());
            repeat.event(dialect, "", data, &mut answer);
            let shape = repeat.shape.unwrap_or_else(|| panic!("{data}"));
            let next =
                data.replace("\"a\"", "\"b\\n\"").replace("\"x\"", "\"\"").replace("4", "10");
            assert_eq!(shape.piece(&next).as_deref(), Some("b\n"), "{next}");
        }
    }
}
