//! JSON laid out one value a line, with folding.
//!
//! The layout keeps where lines begin and end in the body, not their text:
//! lines are told apart in one pass (a slice of it a frame, for a body is as
//! long as its sender likes), coloured and wrapped when they are looked at.

mod folding;
mod path;
mod tokens;
mod whole;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use llmtop_parsers::Body;

use super::document::{Document, Position};
use super::{Line, Pattern, Reader, Role, Span, Wrapped};
use tokens::{COLOURED, coloured, next_token, partly_coloured, token_end};

/// Bytes of one line; a longer value goes on in the next.
const PIECE: usize = 32 << 10;

/// Bytes that take as long to be looked through as a line to be made.
const A_LINE: usize = 256;

/// Lines that are laid out. What comes after is not shown, and that is said.
const LINES: usize = 2 << 20;

/// Wrapped lines that are kept.
const WRAPS: usize = 1024;

/// Matches of a search that are counted.
const MATCHES: usize = 100_000;

/// Levels that are moved in; deeper ones stay there.
const DEEPEST: u16 = 24;

/// Columns by which rows of a line hang below its first.
const HANGING: usize = 2;

/// A body as JSON, foldable.
#[derive(Debug)]
pub struct JsonDocument {
    body: Arc<Body>,
    lines: Vec<JsonLine>,
    folded: HashSet<usize>,
    wraps: HashMap<usize, Wrapped>,
    /// How far the layout has come.
    at: usize,
    open: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
struct JsonLine {
    start: u32,
    end: u32,
    depth: u16,
    kind: Kind,
    /// The line of the matching bracket.
    pair: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Value,
    Opens,
    Closes,
    /// The value of the line before goes on.
    Continues,
}

impl JsonDocument {
    /// A body that is JSON text. Lay it out before it is looked at.
    pub fn new(body: Arc<Body>) -> Self {
        JsonDocument {
            body,
            lines: Vec::new(),
            folded: HashSet::new(),
            wraps: HashMap::new(),
            at: 0,
            open: Vec::new(),
        }
    }

    /// Whether it shows this very body.
    pub fn shows(&self, body: &Arc<Body>) -> bool {
        Arc::ptr_eq(&self.body, body)
    }

    /// Lays out about `budget` bytes more, of which a line counts as some hundred at least.
    /// `false`: everything is laid out.
    pub fn lay_out(&mut self, budget: usize) -> bool {
        let body = Arc::clone(&self.body);
        let bytes = body.bytes.as_slice();
        // Offsets are kept in 32 bits; bodies are far shorter than that.
        let bytes = &bytes[..bytes.len().min(u32::MAX as usize)];
        let (from, before) = (self.at, self.lines.len());
        let spent = |this: &Self| {
            (this.at - from).saturating_add((this.lines.len() - before).saturating_mul(A_LINE))
        };
        // Where the line that is being read began, and where its last token ended.
        let mut line: Option<Range<usize>> = None;
        while let Some(at) = next_token(bytes, self.at)
            && self.lines.len() < LINES
            && (spent(self) < budget || line.is_some())
        {
            let begun = line.as_ref().map_or(at, |line| line.start);
            match bytes[at] {
                open @ (b'{' | b'[') => {
                    let close = if open == b'{' { b'}' } else { b']' };
                    if let Some(end) = next_token(bytes, at + 1).filter(|&end| bytes[end] == close)
                    {
                        line = Some(begun..end + 1);
                        self.at = end + 1;
                        continue;
                    }
                    self.open.push(self.lines.len());
                    self.push(begun..at + 1, self.open.len() - 1, Kind::Opens);
                    line = None;
                    self.at = at + 1;
                }
                b'}' | b']' => {
                    if let Some(line) = line.take() {
                        self.push(line, self.open.len(), Kind::Value);
                    }
                    let opener = self.open.pop();
                    let comma = next_token(bytes, at + 1).filter(|&next| bytes[next] == b',');
                    self.at = comma.map_or(at + 1, |comma| comma + 1);
                    self.push(at..self.at, self.open.len(), Kind::Closes);
                    self.join(opener);
                }
                b',' => {
                    self.push(begun..at + 1, self.open.len(), Kind::Value);
                    line = None;
                    self.at = at + 1;
                }
                _ => {
                    self.at = token_end(bytes, at);
                    line = Some(begun..self.at);
                }
            }
        }
        if let Some(line) = line {
            self.push(line, self.open.len(), Kind::Value);
        }
        next_token(bytes, self.at).is_some() && self.lines.len() < LINES
    }

    fn push(&mut self, range: Range<usize>, depth: usize, kind: Kind) {
        let depth = depth.min(usize::from(u16::MAX)) as u16;
        let (mut start, mut kind) = (range.start, kind);
        loop {
            let mut end = range.end.min(start + PIECE);
            // Not within a character.
            while end < range.end && end > start + 1 && self.body.bytes[end] & 0xc0 == 0x80 {
                end -= 1;
            }
            let pair = self.lines.len() as u32;
            self.lines.push(JsonLine { start: start as u32, end: end as u32, depth, kind, pair });
            if end >= range.end {
                return;
            }
            (start, kind) = (end, Kind::Continues);
        }
    }

    /// Ties the last line, which closes, to the one that opens.
    fn join(&mut self, opener: Option<usize>) {
        let Some(opener) = opener else {
            return;
        };
        let closer = self.lines.len() - 1;
        self.lines[opener].pair = closer as u32;
        self.lines[closer].pair = opener as u32;
    }

    /// The value that a line shows, or opens: its text as sent.
    pub fn value(&self, line: usize) -> &str {
        let Some(it) = self.lines.get(line) else {
            return "";
        };
        let end = match it.kind {
            Kind::Opens => self.lines.get(it.pair as usize).map_or(it.end, |pair| pair.end),
            _ => it.end,
        };
        let text = self.text(it.start as usize..end as usize);
        let text = text.trim_end_matches(',');
        // What a key names, not the key.
        let key = if text.starts_with('"') { token_end(text.as_bytes(), 0) } else { 0 };
        let value = text.get(key..).unwrap_or("").trim_start();
        value.strip_prefix(':').map_or(text, str::trim_start)
    }

    /// The line that shows a byte of the body.
    pub fn line_of(&self, byte: usize) -> usize {
        self.lines.partition_point(|line| line.start as usize <= byte).saturating_sub(1)
    }

    /// The row of a line at a width that shows a byte of the body.
    pub fn row_of(&mut self, line: usize, byte: usize, width: usize) -> usize {
        let start = self.lines.get(line).map_or(0, |line| line.start as usize);
        self.wrapped(line, width).map_or(0, |wrapped| wrapped.line_of(byte.saturating_sub(start)))
    }

    /// Where a line begins in the body, and the body.
    pub fn bytes_from(&self, line: usize) -> (usize, &[u8]) {
        let start = self.lines.get(line).map_or(0, |line| line.start as usize);
        (start, &self.body.bytes)
    }

    /// The lines in which a pattern is found, in order; whether there may be more.
    pub fn matches(&self, pattern: &Pattern) -> (Vec<usize>, bool) {
        let bytes = &self.body.bytes;
        let mut lines = Vec::new();
        let mut from = 0;
        while lines.len() < MATCHES
            && let Some(found) = bytes.get(from..).and_then(|rest| pattern.find(rest))
        {
            let line = self.line_of(from + found);
            lines.push(line);
            match self.lines.get(line + 1) {
                Some(next) => from = next.start as usize,
                None => return (lines, false),
            }
        }
        let more = lines.len() >= MATCHES;
        (lines, more)
    }

    fn text(&self, range: Range<usize>) -> &str {
        let bytes = self.body.bytes.get(range).unwrap_or(&[]);
        str::from_utf8(bytes).unwrap_or_else(|error| {
            // Said to be JSON, so this is somebody's bug: show what can be shown.
            str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or("")
        })
    }

    fn indent(&self, line: usize) -> usize {
        let it = &self.lines[line];
        2 + 2 * usize::from(it.depth.min(DEEPEST)) + 2 * usize::from(it.kind == Kind::Continues)
    }

    /// A line that needs more than one row.
    fn wrapped(&mut self, line: usize, width: usize) -> Option<&Wrapped> {
        let it = self.lines.get(line)?;
        let length = (it.end - it.start) as usize;
        // What `coloured` adds is a blank.
        let room = width.saturating_sub(self.indent(line) + 1).max(8);
        if length < room {
            return None;
        }
        let room = room.saturating_sub(HANGING).max(8);
        if self.wraps.len() >= WRAPS {
            self.wraps.clear();
        }
        if self.wraps.get(&line).is_none_or(|wrapped| wrapped.width() != room) {
            let mut wrapped = Wrapped::new(room);
            wrapped.extend(self.text(it.start as usize..it.end as usize));
            self.wraps.insert(line, wrapped);
        }
        self.wraps.get(&line)
    }
}

impl Document for JsonDocument {
    fn blocks(&self) -> usize {
        self.lines.len()
    }

    fn next(&self, line: usize) -> Option<usize> {
        let next = self.hidden_by(line).unwrap_or(line) + 1;
        (next < self.lines.len()).then_some(next)
    }

    fn previous(&self, line: usize) -> Option<usize> {
        let before = line.checked_sub(1)?;
        match self.lines.get(before) {
            Some(it) if it.kind == Kind::Closes => {
                let opener = it.pair as usize;
                Some(if self.folded.contains(&opener) { opener } else { before })
            }
            _ => Some(before),
        }
    }

    fn height(&mut self, _: &Reader<'_>, line: usize, width: usize) -> usize {
        self.wrapped(line, width).map_or(1, Wrapped::height)
    }

    fn line(&mut self, _: &Reader<'_>, at: Position, width: usize) -> Line {
        let Some(&it) = self.lines.get(at.block) else {
            return Line::default();
        };
        let (start, end) = (it.start as usize, it.end as usize);
        let indent = self.indent(at.block);
        let rows = self.wrapped(at.block, width).map(|wrapped| wrapped.range(at.line));
        let folded = self.hidden_by(at.block);
        let mark = match it.kind {
            Kind::Opens if at.line > 0 => " ",
            Kind::Opens if folded.is_some() => "▸",
            Kind::Opens => "▾",
            _ => " ",
        };
        let mut spans = vec![
            Span::new(format!(" {mark}"), Role::Dim),
            Span::new(" ".repeat(indent - 2 + HANGING * usize::from(at.line > 0)), Role::Text),
        ];
        match rows {
            None => coloured(self.text(start..end), it.kind, &mut spans),
            Some(rows) => {
                let head = self.text(start..end.min(start + COLOURED + 4));
                let row = self.text(start + rows.start..start + rows.end);
                partly_coloured(head, row, rows.start, it.kind, &mut spans);
            }
        }
        if let Some(closer) = folded
            && let Some(close) = self.lines.get(closer)
        {
            let hidden = closer - at.block - 1;
            spans.push(Span::new(format!(" … {hidden} lines "), Role::Faint));
            let text = self.text(close.start as usize..close.end as usize);
            coloured(text, Kind::Closes, &mut spans);
        }
        spans.into()
    }

    fn progress(&self, at: Position) -> (usize, usize) {
        let here = self.lines.get(at.block).map_or(0, |line| line.start as usize);
        (here, self.body.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use llmtop_parsers::{Body, BodyKind, Timestamp};
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use unicode_width::UnicodeWidthStr;

    use super::{Document, JsonDocument, Kind, Position, Reader};
    use crate::store::Store;

    fn laid_out(text: &str, budget: usize) -> JsonDocument {
        let bytes = text.as_bytes().to_vec();
        let body = Body { bytes, elided: Vec::new(), kind: BodyKind::Json };
        let mut document = JsonDocument::new(Arc::new(body));
        while document.lay_out(budget) {}
        document
    }

    fn lines(document: &JsonDocument) -> Vec<&str> {
        let range = |line: &super::JsonLine| line.start as usize..line.end as usize;
        document.lines.iter().map(|line| document.text(range(line))).collect()
    }

    #[test]
    fn one_value_a_line_and_brackets_that_know_each_other() {
        let text = r#"{"a":[1,{"b":[]},"x,]"],"c":null}"#;
        let document = laid_out(text, usize::MAX);
        let want =
            ["{", r#""a":["#, "1,", "{", r#""b":[]"#, "},", r#""x,]""#, "],", r#""c":null"#, "}"];
        assert_eq!(lines(&document), want);
        let pairs: Vec<(usize, usize)> = (0..want.len())
            .filter(|&line| document.lines[line].kind == Kind::Opens)
            .map(|line| (line, document.lines[line].pair as usize))
            .collect();
        assert_eq!(pairs, [(0, 9), (1, 7), (3, 5)]);
        assert_eq!(document.value(4), "[]");
        assert_eq!(document.value(1), r#"[1,{"b":[]},"x,]"]"#);
    }

    #[test]
    fn what_is_folded_is_stepped_over() {
        let mut document = laid_out(r#"{"a":[1,2],"b":3}"#, usize::MAX);
        assert_eq!(document.toggle(2), Some(1), "a value folds what it is in");
        assert_eq!((document.next(1), document.previous(5)), (Some(5), Some(1)));
        document.unhide(3);
        assert_eq!((document.next(1), document.previous(5)), (Some(2), Some(4)));
    }

    #[test]
    fn a_value_longer_than_a_piece_is_several_lines() {
        let long = "é".repeat(3 * super::PIECE / 2);
        let text = json!({ "long": long }).to_string();
        let document = laid_out(&text, 1000);
        assert!(document.lines.len() > 4);
        assert_eq!(lines(&document).concat(), text);
    }

    #[test]
    fn a_long_value_fills_rows_and_no_more() {
        for text in ["x".repeat(300), "word ".repeat(60)] {
            let mut document = laid_out(&json!({ "a": { "long": text } }).to_string(), usize::MAX);
            let store = Store::default();
            let reader = Reader::new(&store, None, Timestamp(0), 0);
            for width in 30..120 {
                let rows: Vec<String> = (0..document.height(&reader, 2, width))
                    .map(|line| document.line(&reader, Position { block: 2, line }, width))
                    .map(|line| line.spans.iter().map(|span| &*span.text).collect())
                    .collect();
                assert!(rows[0].starts_with("      \"long\": \""), "{rows:?}");
                assert!(rows.iter().all(|row| row.width() <= width), "{width}: {rows:?}");
            }
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec(("\\PC{0,4}", inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_byte_is_lost_however_it_is_sliced(value in any_json(), budget in 1usize..50) {
            let text = value.to_string();
            prop_assert_eq!(lines(&laid_out(&text, budget)).concat(), text);
            let pretty = laid_out(&serde_json::to_string_pretty(&value).unwrap(), budget);
            prop_assert_eq!(pretty.lines.len(), laid_out(&value.to_string(), budget).lines.len());
            prop_assert!(pretty.open.is_empty());
        }

        #[test]
        fn any_bytes_are_laid_out(text in "[\\[\\]{}:,\"\\\\a1 \n]{0,80}", budget in 1usize..50) {
            let document = laid_out(&text, budget);
            for line in 0..document.lines.len() {
                let _ = (document.value(line), document.next(line), document.previous(line));
                prop_assert!(document.lines[line].start <= document.lines[line].end);
            }
        }
    }
}
