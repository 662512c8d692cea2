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

mod scan;
mod shape;

use std::borrow::Cow;

use self::shape::Shape;
use super::Dialect;
use super::answer::{Answer, Slot};
use crate::lossy::text;

/// Longer events are rare, and parsing them is not what takes the time.
const LONGEST: usize = 4 << 10;

/// Reads the events of one answer. For each of them, ask [`again`](Self::again),
/// and where it does not know, [`event`](Self::event). Holds at most one event,
/// of at most 4 KiB.
#[derive(Debug, Default)]
pub(crate) struct Repeat {
    shape: Option<Shape>,
    /// Shapes in a row that were tried out in vain.
    vain: u32,
}

impl Repeat {
    /// What an event adds, and where, if it says again what the one before said
    /// and does nothing else. It is text, as far as it was compared; `name` and
    /// `data` need not be.
    pub(crate) fn again<'a>(
        &mut self,
        dialect: &dyn Dialect,
        name: &[u8],
        data: &'a [u8],
    ) -> Option<(Slot, Cow<'a, str>)> {
        let shape = self.shape.as_ref()?;
        let piece = shape.is_of(dialect, name).then(|| shape.piece(data)).flatten()?;
        self.vain = 0;
        Some((shape.slot, piece))
    }

    /// Reads any other event, as [`Dialect::event`] does. `answer` has no deltas
    /// yet.
    pub(crate) fn event(
        &mut self,
        dialect: &dyn Dialect,
        name: &[u8],
        data: &[u8],
        answer: &mut Answer,
    ) {
        let (name, data) = (text(name), text(data));
        self.shape = None;
        answer.watch();
        dialect.event(&name, &data, answer);
        if let (Some(slot), [(_, piece)]) = (answer.grown(), &answer.deltas[..])
            && data.len() <= LONGEST
        {
            // The more often it was in vain, the less often it is tried.
            self.vain += 1;
            if self.vain.is_power_of_two() {
                self.shape = Shape::of(dialect, &name, &data, slot, piece);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::path::Path;

    use super::shape::{Hole, members};
    use super::*;
    use crate::llm::{self, DIALECTS, RequestHead};
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

    /// Reads an event as whoever drives it does.
    fn read(repeat: &mut Repeat, dialect: &dyn Dialect, event: [&str; 2], answer: &mut Answer) {
        let [name, data] = event.map(str::as_bytes);
        match repeat.again(dialect, name, data) {
            Some((slot, piece)) => answer.add(slot, &piece),
            None => repeat.event(dialect, name, data, answer),
        }
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
                        self::read(&mut repeat, dialect, [name, data], &mut read);
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
    fn whose_an_event_is_does_not_depend_on_what_it_adds() {
        let head = RequestHead { method: "", path: "", query: "", host: "", headers: &[] };
        let mut compared = 0;
        for (dialect, events) in streams() {
            let turn = |data: &str| {
                let message = llm::parse(data.as_bytes()).unwrap();
                format!("{:?}", dialect.turn(&head, Role::Server, &message))
            };
            let mut answer = Answer::default();
            for (name, data) in &events {
                let mut repeat = Repeat::default();
                repeat.event(dialect, name.as_bytes(), data.as_bytes(), &mut answer);
                let alike = |variant: &String| {
                    repeat.again(dialect, name.as_bytes(), variant.as_bytes()).is_some()
                };
                for variant in variants(data).into_iter().filter(alike) {
                    assert_eq!(turn(&variant), turn(data), "{variant}");
                    compared += 1;
                }
                answer.deltas.clear();
            }
        }
        assert!(compared > 100, "{compared}");
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
            let dialect = llm::by_name(dialect).unwrap();
            let (mut repeat, mut answer) = (Repeat::default(), Answer::default());
            repeat.event(dialect, b"", data.as_bytes(), &mut answer);
            let shape = repeat.shape.unwrap_or_else(|| panic!("{data}"));
            let next =
                data.replace("\"a\"", "\"b\\n\"").replace("\"x\"", "\"yz\"").replace("4", "10");
            assert_eq!(shape.piece(next.as_bytes()).as_deref(), Some("b\n"), "{next}");
        }
    }
}
