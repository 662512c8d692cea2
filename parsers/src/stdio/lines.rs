//! The lines of one direction.

use crate::Timestamp;
use crate::framing::ndjson::Parser;

/// A line without its end, never empty.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    /// What it says.
    pub(crate) bytes: &'a [u8],
    /// When its first bytes moved.
    pub(crate) began: Timestamp,
    /// When its end did.
    pub(crate) ended: Timestamp,
}

/// What a direction tells.
#[derive(Clone, Copy, Debug)]
pub(super) enum Told<'a> {
    Line(Line<'a>),
    /// One that is longer than what is kept.
    TooLong,
}

/// Holds at most one line, up to its limit.
#[derive(Debug)]
pub(super) struct Lines {
    parser: Parser,
    /// When the line began whose end is still to come.
    began: Timestamp,
}

impl Lines {
    pub(super) fn new(limit: usize) -> Self {
        Lines { parser: Parser::new(limit), began: Timestamp(0) }
    }

    pub(super) fn push(&mut self, time: Timestamp, bytes: &[u8], tell: &mut impl FnMut(Told<'_>)) {
        if self.parser.is_between() {
            self.began = time;
        }
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (began, dropped) = (self.began, self.parser.dropped());
            let mut told = |bytes: &[u8]| tell(Told::Line(Line { bytes, began, ended: time }));
            self.parser.push(line, &mut told);
            if self.parser.dropped() > dropped {
                tell(Told::TooLong);
            }
            if line.ends_with(b"\n") {
                self.began = time;
            }
        }
    }

    /// Bytes are missing here: the line around them is not told.
    pub(super) fn hole(&mut self) {
        self.parser.hole();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_begin_with_their_first_bytes() {
        let mut told = Vec::new();
        let mut lines = Lines::new(8);
        for (time, bytes) in
            [(1, "a"), (2, "b\nc\n\nd"), (3, ""), (4, "e\r\nlonger than"), (5, " 8\nf\n")]
        {
            lines.push(Timestamp(time), bytes.as_bytes(), &mut |one| {
                told.push(match one {
                    Told::Line(line) => {
                        let text = String::from_utf8_lossy(line.bytes).into_owned();
                        format!("{text} {}-{}", line.began.0, line.ended.0)
                    }
                    Told::TooLong => "too long".to_owned(),
                });
            });
        }
        assert_eq!(told, ["ab 1-2", "c 2-2", "de 2-4", "too long", "f 5-5"]);
    }
}
