//! How bodies are cut into the pieces they come in: one file a form.

pub(crate) mod content_type;
mod event_stream;
mod json_array;
mod kept;
mod messages;
pub(crate) mod ndjson;
mod sse;
pub(crate) mod status;
mod translate;

pub use kept::events;

use crate::protobuf::Reading;
use crate::{ApiError, Finding};
use content_type::{is_event_stream, is_events, is_json, is_lines, is_protobuf};
use messages::Family;

/// One piece of a body.
#[derive(Debug)]
pub(crate) enum Piece<'a> {
    /// An event: its name, where the form names events, and what it says. Both
    /// are text that nobody has judged.
    Event { name: &'a [u8], data: &'a [u8] },
    /// The beginning of an event that the body's end cut short.
    Cut { name: &'a [u8], data: &'a [u8] },
    /// What is to be shown of a body that is not shown as it was sent: a JSON
    /// value.
    Shown(&'a str),
    /// Bytes that are to be shown as they are after all.
    Raw(&'a [u8]),
    /// Header fields that came after all else.
    Fields(Vec<(String, String)>),
    /// The body says that the exchange failed.
    Failed(ApiError),
}

/// What is known of a body before it comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outlook<'a> {
    pub(crate) content_type: &'a str,
    /// How messages within the body are compressed (`grpc-encoding`,
    /// `connect-content-encoding`).
    pub(crate) coding: &'a str,
    /// How messages of Protocol Buffers are read.
    pub(crate) reading: Reading,
    /// JSON may be an array that is sent piece by piece.
    pub(crate) array: bool,
    /// It may be a stream whatever its type says: its beginning decides.
    pub(crate) anything: bool,
    /// What was said of it was not seen, or not all.
    pub(crate) unknown: bool,
    /// Bytes of a piece that are kept.
    pub(crate) limit: usize,
}

/// Cuts a decoded body into pieces.
///
/// Drive it with [`push`](Self::push) and [`hole`](Self::hole), then
/// [`finish`](Self::finish). Holds at most one piece, of at most the limit it
/// was given.
#[derive(Debug)]
pub(crate) struct Framing {
    form: Form,
    limit: usize,
    /// Nothing of the body came yet.
    fresh: bool,
    /// Events that are told only in part.
    truncated: u64,
    /// What was wrong with messages of Protocol Buffers.
    problem: Option<&'static str>,
}

#[derive(Debug)]
enum Form {
    /// Not cut at all.
    Whole,
    /// One message of Protocol Buffers.
    Message(Reading),
    /// Perhaps a stream: its beginning, so far, will tell.
    Undecided(Vec<u8>),
    /// Anything: nobody said what it is. Its beginning, not shown yet, will
    /// tell; messages in it are read so.
    Unknown {
        head: Vec<u8>,
        reading: Reading,
        sought: event_stream::Parser,
    },
    Events(sse::Parser),
    Lines(ndjson::Parser),
    /// Perhaps: a body of JSON, cut if it is an array.
    Array(json_array::Parser),
    EventStream(event_stream::Parser),
    /// Nobody said what it is: messages of an event stream are looked for.
    Sought(event_stream::Parser),
    /// `None`: the messages are JSON.
    Messages(messages::Parser, Option<Reading>),
}

/// Bytes that tell a stream of events from anything else.
const BEGINNING: usize = 6;

impl Framing {
    /// For the body of a response.
    pub(crate) fn of_response(outlook: &Outlook<'_>) -> Self {
        let Outlook { content_type, limit, .. } = *outlook;
        let form = if is_events(content_type) {
            Form::Events(sse::Parser::new(limit))
        } else if is_lines(content_type) {
            Form::Lines(ndjson::Parser::new(limit))
        } else if outlook.array && is_json(content_type) {
            Form::Array(json_array::Parser::new(limit))
        } else if let Some(form) = Form::binary(outlook) {
            form
        } else if outlook.unknown {
            Form::unknown(outlook)
        } else if outlook.anything {
            Form::Undecided(Vec::new())
        } else {
            Form::Whole
        };
        Framing { form, limit, fresh: true, truncated: 0, problem: None }
    }

    /// For the body of a request: text is not cut.
    pub(crate) fn of_request(outlook: &Outlook<'_>) -> Self {
        let form = match Form::binary(outlook) {
            Some(form) => form,
            None if outlook.unknown => Form::unknown(outlook),
            None => Form::Whole,
        };
        Framing { form, limit: outlook.limit, fresh: true, truncated: 0, problem: None }
    }

    /// Whether the body comes in pieces.
    pub(crate) fn is_stream(&self) -> bool {
        match &self.form {
            Form::Whole | Form::Message(_) | Form::Undecided(_) | Form::Unknown { .. } => false,
            Form::Events(_) | Form::Lines(_) | Form::EventStream(_) | Form::Messages(..) => true,
            Form::Array(parser) => parser.told() > 0,
            Form::Sought(parser) => parser.told() > 0,
        }
    }

    /// Whether only its content made it a stream.
    pub(crate) fn is_guess(&self) -> bool {
        matches!(self.form, Form::Array(_))
    }

    /// Whether the body is shown as [`Piece::Shown`] and [`Piece::Raw`] say, not
    /// as it is.
    pub(crate) fn is_translated(&self) -> bool {
        matches!(self.form, Form::EventStream(_) | Form::Messages(..) | Form::Unknown { .. })
    }

    /// Whether it is an envelope of messages: of several, or of one that is all
    /// there is.
    pub(crate) fn is_envelope(&self) -> bool {
        matches!(self.form, Form::Messages(..))
    }

    /// The next decoded bytes.
    pub(crate) fn push(&mut self, bytes: &[u8], tell: &mut dyn FnMut(Piece<'_>)) {
        if let Some(first) = bytes.first()
            && std::mem::take(&mut self.fresh)
            && !self.form.may_begin_with(*first)
        {
            // A page that says what went wrong, mostly.
            self.form = Form::Whole;
        }
        match &mut self.form {
            Form::Whole | Form::Message(_) => {}
            Form::Undecided(head) => {
                let (taken, rest) = bytes.split_at(bytes.len().min(BEGINNING - head.len()));
                head.extend_from_slice(taken);
                if head.len() == BEGINNING {
                    let head = std::mem::take(head);
                    self.form = Form::of_events(&head, self.limit).unwrap_or(Form::Whole);
                    self.push(&head, tell);
                    self.push(rest, tell);
                }
            }
            Form::Unknown { head, reading, sought } => {
                let told = head.len();
                head.extend_from_slice(bytes);
                // Its messages begin as those of gRPC do, but for the checksum.
                sought.push(bytes, &mut |_| {});
                let form = if sought.told() > 0 {
                    Some(Form::Sought(event_stream::Parser::midway(self.limit)))
                } else {
                    Form::told_by(head, *reading, self.limit)
                };
                if let Some(form) = form {
                    let head = std::mem::take(head);
                    self.form = form;
                    if !self.is_translated() {
                        // What comes now is shown by whoever pushes it.
                        tell(Piece::Raw(&head[..told]));
                    }
                    self.push(&head, tell);
                }
            }
            Form::Events(parser) => parser.push(bytes, &mut |event| {
                self.truncated += u64::from(event.truncated);
                tell(Piece::Event { name: event.name, data: event.data });
            }),
            Form::Lines(parser) => parser.push(bytes, &mut |line| {
                tell(Piece::Event { name: b"", data: line });
            }),
            Form::Array(parser) => parser.push(bytes, &mut |element| {
                tell(Piece::Event { name: b"", data: element });
            }),
            Form::EventStream(parser) => {
                parser.push(bytes, &mut |message| translate::event(message, true, tell));
            }
            Form::Sought(parser) => {
                parser.push(bytes, &mut |message| translate::event(message, false, tell));
            }
            Form::Messages(parser, reading) => {
                let (family, problem) = (parser.family(), &mut self.problem);
                parser.push(bytes, &mut |unit| {
                    let trouble = translate::unit(family, *reading, unit, tell);
                    *problem = problem.or(trouble);
                });
            }
        }
    }

    /// Bytes are missing here; `None`: nobody knows how many.
    pub(crate) fn hole(&mut self, lost: Option<u64>) {
        self.fresh = false;
        match &mut self.form {
            Form::Whole | Form::Message(_) | Form::Unknown { .. } => {}
            // What comes after may begin as anything.
            Form::Undecided(_) => self.form = Form::Whole,
            Form::Events(parser) => parser.hole(),
            Form::Lines(parser) => parser.hole(),
            Form::Array(parser) => parser.hole(),
            Form::EventStream(parser) | Form::Sought(parser) => parser.hole(),
            Form::Messages(parser, _) => parser.hole(lost),
        }
    }

    /// No more comes that could tell what it is: what was held back is shown.
    pub(crate) fn settle(&mut self, tell: &mut dyn FnMut(Piece<'_>)) {
        if let Form::Unknown { head, .. } = &self.form {
            tell(Piece::Raw(head));
            self.form = Form::Whole;
        }
    }

    /// A body that is one message of Protocol Buffers, read.
    pub(crate) fn read(&mut self, body: &[u8]) -> Option<String> {
        let Form::Message(reading) = self.form else { return None };
        let read = reading.read(body);
        self.problem = read.problem;
        Some(read.json)
    }

    /// The body is over. What an unfinished last piece says is told, as far as
    /// it is there, and what was wrong goes to `findings`.
    pub(crate) fn finish(self, findings: &mut Vec<Finding>, tell: &mut dyn FnMut(Piece<'_>)) {
        let mut note = |kind, detail: String| findings.push(Finding { kind, detail });
        let mut dropped = self.truncated;
        match self.form {
            Form::Whole
            | Form::Message(_)
            | Form::Undecided(_)
            | Form::Unknown { .. }
            | Form::Sought(_) => {}
            Form::Events(parser) => parser.finish(&mut |event| {
                tell(Piece::Cut { name: event.name, data: event.data });
            }),
            Form::Lines(parser) => {
                dropped = parser.dropped();
                parser.finish(&mut |line| tell(Piece::Event { name: b"", data: line }));
            }
            Form::Array(parser) if parser.told() == 0 => {}
            Form::Array(parser) => {
                dropped = parser.dropped();
                parser.finish(&mut |data| tell(Piece::Cut { name: b"", data }));
            }
            Form::EventStream(parser) => {
                dropped = parser.dropped();
                if parser.corrupt() > 0 {
                    let detail = format!("{} times the checksums do not hold", parser.corrupt());
                    note("corrupt_messages", detail);
                }
                if parser.is_cut() {
                    tell(Piece::Cut { name: b"", data: b"" });
                }
            }
            Form::Messages(parser, _) => {
                dropped = parser.dropped();
                if parser.uncut() > 0 {
                    let detail = format!("{} bytes cannot be cut into messages", parser.uncut());
                    note("corrupt_messages", detail);
                }
                if let Some(problem) = parser.problem() {
                    note("message_encoding", problem.to_owned());
                }
                if parser.is_cut() {
                    tell(Piece::Cut { name: b"", data: b"" });
                }
            }
        }
        if dropped > 0 {
            let detail = format!("{dropped} events longer than {} bytes", self.limit);
            note("event_too_long", detail);
        }
        if let Some(problem) = self.problem {
            note("protobuf", problem.to_owned());
        }
    }
}

impl Form {
    /// Forms that are no text.
    fn binary(outlook: &Outlook<'_>) -> Option<Self> {
        let Outlook { content_type, coding, reading, limit, .. } = *outlook;
        if is_event_stream(content_type) {
            return Some(Form::EventStream(event_stream::Parser::new(limit)));
        }
        if is_protobuf(content_type) {
            return Some(Form::Message(reading));
        }
        let (family, json) = content_type::messages(content_type)?;
        let parser = messages::Parser::new(family, coding, limit);
        Some(Form::Messages(parser, (!json).then_some(reading)))
    }

    fn unknown(outlook: &Outlook<'_>) -> Self {
        let Outlook { reading, limit, .. } = *outlook;
        Form::Unknown { head: Vec::new(), reading, sought: event_stream::Parser::midway(limit) }
    }

    /// Server-sent events, if it begins so.
    fn of_events(head: &[u8], limit: usize) -> Option<Self> {
        let begins = |with: &[u8]| head.starts_with(with);
        (begins(b"data:") || begins(b"event:") || begins(b"retry:") || begins(b": "))
            .then(|| Form::Events(sse::Parser::new(limit)))
    }

    /// What a body of which nobody said what it is begins as; it may be the
    /// middle of one. `None`: more has to come.
    fn told_by(head: &[u8], reading: Reading, limit: usize) -> Option<Self> {
        if head.len() < BEGINNING {
            return None;
        }
        if let Some(form) = Form::of_events(head, limit) {
            return Some(form);
        }
        match head.trim_ascii_start().first() {
            Some(b'[') => return Some(Form::Array(json_array::Parser::new(limit))),
            Some(b',') => return Some(Form::Array(json_array::Parser::midway(limit))),
            _ => {}
        }
        match messages::begin(head, limit) {
            Some(true) => {
                let parser = messages::Parser::new(Family::Unknown, "", limit);
                Some(Form::Messages(parser, Some(reading)))
            }
            Some(false) => Some(Form::Sought(event_stream::Parser::midway(limit))),
            None => None,
        }
    }

    /// Whether a body of this form may begin so.
    fn may_begin_with(&self, byte: u8) -> bool {
        match self {
            // No message is as long as to need more than the lowest bit.
            Form::EventStream(_) => byte <= 1,
            Form::Messages(parser, _) => parser.may_begin_with(byte),
            _ => true,
        }
    }
}
