//! Newline-delimited JSON: one value a line, blank lines ignored.

use memchr::memchr;

/// Cuts a stream of bytes into lines. Driven like [`super::sse::Parser`];
/// holds at most one line, of at most `limit` bytes.
#[derive(Debug)]
pub(crate) struct Parser {
    limit: usize,
    line: Vec<u8>,
    /// The line is longer than the bound, or a hole cut it: it is not told.
    broken: bool,
    /// Lines that were longer.
    dropped: u64,
}

impl Parser {
    pub(crate) fn new(limit: usize) -> Self {
        Parser { limit, line: Vec::new(), broken: false, dropped: 0 }
    }

    /// Lines that were too long to be told.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Whether the last line that was begun is over.
    pub(crate) fn is_between(&self) -> bool {
        self.line.is_empty() && !self.broken
    }

    pub(crate) fn push(&mut self, bytes: &[u8], on_line: &mut impl FnMut(&[u8])) {
        let mut rest = bytes;
        while let Some(end) = memchr(b'\n', rest) {
            if self.line.is_empty() && !self.broken && end <= self.limit {
                tell(&rest[..end], on_line);
            } else {
                self.keep(&rest[..end]);
                if !self.broken {
                    tell(&self.line, on_line);
                }
                self.line.clear();
                self.broken = false;
            }
            rest = &rest[end + 1..];
        }
        self.keep(rest);
    }

    /// Bytes are missing here: the line around them is dropped.
    pub(crate) fn hole(&mut self) {
        self.line.clear();
        self.broken = true;
    }

    /// The last line needs no line end.
    pub(crate) fn finish(self, on_line: &mut impl FnMut(&[u8])) {
        if !self.broken {
            tell(&self.line, on_line);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if !self.broken && self.line.len() + bytes.len() > self.limit {
            self.dropped += 1;
            self.hole();
        }
        if !self.broken {
            self.line.extend_from_slice(bytes);
        }
    }
}

fn tell(line: &[u8], on_line: &mut impl FnMut(&[u8])) {
    let line = line.trim_ascii();
    if !line.is_empty() {
        on_line(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lossy::text;

    fn check(stream: &[u8], expected: &[&str]) {
        for at in 0..=stream.len() {
            let mut lines = Vec::new();
            let mut parser = Parser::new(8);
            parser.push(&stream[..at], &mut |line| lines.push(text(line).into_owned()));
            parser.push(&stream[at..], &mut |line| lines.push(text(line).into_owned()));
            parser.finish(&mut |line| lines.push(text(line).into_owned()));
            assert_eq!(lines, expected, "{} cut at {at}", stream.escape_ascii());
        }
    }

    #[test]
    fn lines_are_values() {
        check(b"", &[]);
        check(b"{}\n[1]\r\n\n 2", &["{}", "[1]", "2"]);
        check(b"1\n\"too long to keep\"\n2\n", &["1", "2"]);
    }

    #[test]
    fn a_hole_costs_the_line_around_it() {
        let mut lines = Vec::new();
        let mut parser = Parser::new(8);
        parser.push(b"1\n[2", &mut |line| lines.push(text(line).into_owned()));
        parser.hole();
        parser.push(b",3]\n4\n", &mut |line| lines.push(text(line).into_owned()));
        assert_eq!(lines, ["1", "4"]);
    }
}
