//! Newline-delimited JSON: one value a line, blank lines ignored.

use std::borrow::Cow;

use memchr::memchr;

/// Cuts a stream of bytes into lines. Driven like [`crate::sse::Parser`];
/// holds at most one line, of at most `limit` bytes.
#[derive(Debug)]
pub(crate) struct Parser {
    limit: usize,
    line: Vec<u8>,
    /// The line is longer than the bound, or a hole cut it: it is not told.
    broken: bool,
}

impl Parser {
    pub(crate) fn new(limit: usize) -> Self {
        Parser { limit, line: Vec::new(), broken: false }
    }

    pub(crate) fn push(&mut self, bytes: &[u8], on_line: &mut impl FnMut(Cow<'_, str>)) {
        let mut rest = bytes;
        while let Some(end) = memchr(b'\n', rest) {
            if self.line.is_empty() && !self.broken {
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
    pub(crate) fn finish(self, on_line: &mut impl FnMut(Cow<'_, str>)) {
        if !self.broken {
            tell(&self.line, on_line);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.line.len() + bytes.len() > self.limit {
            self.hole();
        }
        if !self.broken {
            self.line.extend_from_slice(bytes);
        }
    }
}

fn tell(line: &[u8], on_line: &mut impl FnMut(Cow<'_, str>)) {
    let line = line.trim_ascii();
    if !line.is_empty() {
        on_line(String::from_utf8_lossy(line));
    }
}
