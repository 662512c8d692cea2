//! Server-sent events, by the WHATWG HTML Standard, "Parsing an event stream"
//! and "Interpreting an event stream".

use memchr::memchr2;

/// One event. Its text should be UTF-8, which is for whoever reads it to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event<'a> {
    /// The event's type; empty where none was sent (the standard's `message`).
    pub(crate) name: &'a [u8],
    /// Its data, lines joined by `\n`.
    pub(crate) data: &'a [u8],
    /// Longer than the bound: `data` is its beginning.
    pub(crate) truncated: bool,
}

/// Cuts a stream of bytes into events.
///
/// Drive it with [`push`](Self::push) as bytes arrive; it calls back for each
/// event whose blank line was seen. [`hole`](Self::hole) says that bytes are
/// missing: the event around them is dropped. [`finish`](Self::finish) gives
/// the event that the stream's end cut short, if one was. Holds at most one
/// event, of at most `limit` bytes.
#[derive(Debug)]
pub(crate) struct Parser {
    limit: usize,
    /// The beginning of a line whose end has not arrived.
    line: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    truncated: bool,
    last_was_cr: bool,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the first byte: a byte order mark may follow; this much of it was seen.
    Start(usize),
    /// Inside the stream.
    Inside,
    /// After a hole: somewhere inside a line.
    LostLine,
    /// After a hole, at the beginning of a line: inside an event.
    LostEvent,
}

const BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];
/// Of a line that is cut, so much more is kept than of an event: `event: ` or
/// `data: `, and a byte that shows that the data is longer than its bound.
const FIELD: usize = 7;

impl Parser {
    pub(crate) fn new(limit: usize) -> Self {
        Parser {
            limit,
            line: Vec::new(),
            name: Vec::new(),
            data: Vec::new(),
            has_data: false,
            truncated: false,
            last_was_cr: false,
            place: Place::Start(0),
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8], on_event: &mut impl FnMut(Event<'_>)) {
        let mut rest = bytes;
        if let Place::Start(seen) = self.place {
            rest = self.skip_bom(seen, rest);
        }
        while !rest.is_empty() {
            if self.last_was_cr {
                self.last_was_cr = false;
                if rest[0] == b'\n' {
                    rest = &rest[1..];
                    continue;
                }
            }
            let Some(end) = memchr2(b'\n', b'\r', rest) else {
                self.keep_line(rest);
                return;
            };
            if let Some((value, after)) = self.lone_data(rest, end) {
                on_event(Event { name: &self.name, data: value, truncated: false });
                self.clear_event();
                rest = after;
                continue;
            }
            self.last_was_cr = rest[end] == b'\r';
            if self.line.is_empty() {
                self.line_ended(&rest[..end], on_event);
            } else {
                self.keep_line(&rest[..end]);
                let line = std::mem::take(&mut self.line);
                self.line_ended(&line, on_event);
                // Its allocation serves the next cut line.
                self.line = line;
                self.line.clear();
            }
            rest = &rest[end + 1..];
        }
    }

    /// Bytes are missing here.
    pub(crate) fn hole(&mut self) {
        self.line.clear();
        self.clear_event();
        self.last_was_cr = false;
        self.place = Place::LostLine;
    }

    /// The event that the end of the stream cut short, if it had data: never
    /// dispatched by the standard, but all that was said of it.
    pub(crate) fn finish(mut self, on_event: &mut impl FnMut(Event<'_>)) {
        if !self.line.is_empty() && matches!(self.place, Place::Inside) {
            let line = std::mem::take(&mut self.line);
            self.field(&line);
        }
        if self.has_data {
            self.dispatch(on_event);
        }
    }

    fn skip_bom<'a>(&mut self, seen: usize, bytes: &'a [u8]) -> &'a [u8] {
        for (at, byte) in bytes.iter().enumerate() {
            let seen = seen + at;
            if seen == BOM.len() || *byte != BOM[seen] {
                self.place = Place::Inside;
                if seen < BOM.len() {
                    // What looked like a mark is the beginning of a line.
                    self.line.extend_from_slice(&BOM[..seen]);
                }
                return &bytes[at..];
            }
        }
        self.place = Place::Start(seen + bytes.len());
        &[]
    }

    /// The data of an event that has but one line of it, if the line before
    /// `end` is that and the blank line follows; and what is after that. So
    /// most events are, and are told without a copy.
    fn lone_data<'a>(&self, bytes: &'a [u8], end: usize) -> Option<(&'a [u8], &'a [u8])> {
        let (line, ended) = bytes.split_at(end);
        let value = line.strip_prefix(b"data:")?;
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let after = ended.strip_prefix(b"\n\n").or_else(|| ended.strip_prefix(b"\r\n\r\n"))?;
        let plain = self.place == Place::Inside && !self.has_data && self.line.is_empty();
        (plain && value.len() <= self.limit).then_some((value, after))
    }

    fn keep_line(&mut self, bytes: &[u8]) {
        if self.place == Place::LostLine {
            return;
        }
        let room = (self.limit + FIELD).saturating_sub(self.line.len());
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn line_ended(&mut self, line: &[u8], on_event: &mut impl FnMut(Event<'_>)) {
        match self.place {
            Place::LostLine => self.place = Place::LostEvent,
            Place::LostEvent if line.is_empty() => self.place = Place::Inside,
            Place::LostEvent => {}
            Place::Start(_) | Place::Inside if line.is_empty() => {
                if self.has_data {
                    self.dispatch(on_event);
                }
                self.clear_event();
            }
            Place::Start(_) | Place::Inside => self.field(line),
        }
    }

    fn field(&mut self, line: &[u8]) {
        let (name, value) = match memchr::memchr(b':', line) {
            Some(0) => return, // a comment
            Some(colon) => {
                let value = &line[colon + 1..];
                (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &b""[..]),
        };
        match name {
            b"data" => {
                if self.has_data {
                    self.extend_data(b"\n");
                }
                self.has_data = true;
                self.extend_data(value);
            }
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(&value[..value.len().min(self.limit)]);
            }
            // `id` and `retry` steer reconnection, which is not ours to do.
            _ => {}
        }
    }

    fn extend_data(&mut self, bytes: &[u8]) {
        let room = self.limit.saturating_sub(self.data.len());
        self.truncated |= bytes.len() > room;
        self.data.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn dispatch(&mut self, on_event: &mut impl FnMut(Event<'_>)) {
        let Parser { name, data, truncated, .. } = self;
        on_event(Event { name, data, truncated: *truncated });
    }

    fn clear_event(&mut self) {
        self.name.clear();
        self.data.clear();
        self.has_data = false;
        self.truncated = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lossy::text;

    /// An event's name and data.
    fn told(event: Event<'_>) -> String {
        format!("{}|{}", text(event.name), text(event.data))
    }

    /// Events as `name|data`, an unfinished one with `~` before it; the stream
    /// cut at every place.
    fn check(stream: &[u8], expected: &[&str]) {
        for at in 0..=stream.len() {
            let mut events = Vec::new();
            let mut tell = |event: Event<'_>| events.push(told(event));
            let mut parser = Parser::new(1 << 10);
            parser.push(&stream[..at], &mut tell);
            parser.push(&stream[at..], &mut tell);
            parser.finish(&mut |event| events.push(format!("~{}", told(event))));
            assert_eq!(events, expected, "{} cut at {at}", stream.escape_ascii());
        }
    }

    #[test]
    fn streams_are_cut_as_the_standard_says() {
        check(b"", &[]);
        check(b"data: a\n\n", &["|a"]);
        check(b"data:a\r\rdata:  b\r\n\r\n", &["|a", "| b"]);
        check(b"\xEF\xBB\xBFdata: a\n\n", &["|a"]);
        check(b"\xEF\xBB\xBF\xEF\xBB\xBFdata: a\n\n", &[]);
        check(b"\xEFdata: a\n\ndata: b\n\n", &["|b"]);
        check(b": comment\n\nevent: x\n\ndata: a\n\n", &["|a"]);
        check(b"event: x\ndata: 1\ndata: 2\n\ndata: 3\n\n", &["x|1\n2", "|3"]);
        check(b"data\n\ndata\ndata\n\ndata:", &["|", "|\n", "~|"]);
        check(b"event: x\nevent: y\nid: 1\nretry: 5\nother: z\ndata: a\n\n", &["y|a"]);
        check(b"data: a\n", &["~|a"]);
        check(b"event: x\n", &[]);
        check(b"data: a\n\ndata: {\"b\"", &["|a", "~|{\"b\""]);
        check(b"data: \xFF\n\n", &["|\u{FFFD}"]);
    }

    #[test]
    fn a_hole_costs_the_event_around_it() {
        for (before, after, expected) in [
            (&b"data: a\n\nda"[..], &b"ta: b\n\ndata: c\n\n"[..], &["a", "c"][..]),
            (b"data: a\n", b"\ndata: b\n\ndata: c\n\n", &["c"]),
            (b"data: a\r", b"\n\r\ndata: c\r\n\r\n", &["c"]),
            (b"", b"x\n\ndata: c\n\n", &["c"]),
        ] {
            let mut events = Vec::new();
            let mut parser = Parser::new(1 << 10);
            parser.push(before, &mut |event| events.push(text(event.data).into_owned()));
            parser.hole();
            parser.push(after, &mut |event| events.push(text(event.data).into_owned()));
            assert_eq!(events, expected, "{}", after.escape_ascii());
        }
    }

    #[test]
    fn an_event_holds_no_more_than_its_bound() {
        let expected = [
            ("xxxxxxxxxx", true),
            ("z", false),
            ("0123456789", false),
            ("\n\n\n\n\n\n\n\n\n\n", true),
        ];
        let long = [
            &b"data: "[..],
            &[b'x'; 50],
            b"\ndata: y\n\ndata: z\n:",
            &[b'x'; 50],
            b"\n\ndata: 0123456789\n\n",
            &b"data\n".repeat(50),
            b"\n",
        ]
        .concat();
        for size in 1..=long.len() {
            let mut parser = Parser::new(10);
            let mut events = Vec::new();
            for piece in long.chunks(size) {
                parser.push(piece, &mut |event| {
                    events.push((text(event.data).into_owned(), event.truncated));
                });
                assert!(parser.line.len() + parser.data.len() <= 30);
            }
            let events: Vec<_> = events.iter().map(|(data, cut)| (data.as_str(), *cut)).collect();
            assert_eq!(events, expected, "in pieces of {size}");
        }
    }
}
