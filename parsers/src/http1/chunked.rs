//! The chunked transfer coding (RFC 9112, section 7.1).

use memchr::memchr;

use crate::detect::Match;

/// A chunk's size line (extensions included) and each trailer line is at most
/// this long.
const LINE: usize = 16 << 10;
/// An extension longer than this does not help to find the place again.
const GLANCE: usize = 128;
/// All trailers together.
const TRAILERS: usize = 256 << 10;

/// Undoes the coding. Driven by [`next`](Self::next) with the bytes at hand
/// until it wants more or is done. Holds no bytes.
#[derive(Debug, Default)]
pub(crate) struct Chunked {
    place: Place,
    /// The size of the chunk whose size line is being read.
    size: u64,
    /// Length of the current line so far.
    line: usize,
    trailers: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Before the first digit of a size.
    #[default]
    Size,
    /// After at least one digit.
    Digits,
    /// After the digits: white space, extensions, until the line's end.
    Extension,
    /// Inside a chunk's data.
    Data(u64),
    /// Between a chunk's data and the next size: CR, LF.
    DataEnd,
    /// Trailer lines, until an empty one.
    Trailer,
}

/// What the bytes at hand hold.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// So many bytes are framing.
    Framing(usize),
    /// So many bytes are the body's.
    Data(usize),
    /// So many bytes are framing, and the body is over.
    End(usize),
    /// This is no chunked coding.
    Broken(&'static str),
}

impl Chunked {
    /// What `bytes`, which are not empty, begin with.
    #[inline]
    pub(crate) fn next(&mut self, bytes: &[u8]) -> Step {
        if let Place::Data(left) = &mut self.place {
            let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
            *left -= taken as u64;
            if *left == 0 {
                self.place = Place::DataEnd;
            }
            return Step::Data(taken);
        }
        match self.plain(bytes) {
            Some(taken) => Step::Framing(taken),
            None => self.framing(bytes),
        }
    }

    /// The same, of what is no data, byte by byte.
    fn framing(&mut self, bytes: &[u8]) -> Step {
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            at += 1;
            match self.place {
                Place::Size | Place::Digits => match (byte as char).to_digit(16) {
                    Some(digit) => {
                        let Some(size) = self.size.checked_mul(16) else {
                            return Step::Broken("chunk size overflows");
                        };
                        self.size = size | u64::from(digit);
                        self.place = Place::Digits;
                        self.line += 1;
                        if self.line > LINE {
                            return Step::Broken("chunk size line too long");
                        }
                    }
                    None if self.place == Place::Size => return Step::Broken("no chunk size"),
                    None if matches!(byte, b'\r' | b'\n' | b';' | b' ' | b'\t') => {
                        self.place = Place::Extension;
                        at -= 1;
                    }
                    None => return Step::Broken("no chunk size"),
                },
                Place::Extension => {
                    at -= 1;
                    let rest = &bytes[at..];
                    let Some(end) = memchr(b'\n', rest) else {
                        self.line += rest.len();
                        if self.line > LINE {
                            return Step::Broken("chunk size line too long");
                        }
                        return Step::Framing(bytes.len());
                    };
                    at += end + 1;
                    self.line = 0;
                    let size = std::mem::take(&mut self.size);
                    if size > 0 {
                        self.place = Place::Data(size);
                        return Step::Framing(at);
                    }
                    self.place = Place::Trailer;
                }
                Place::DataEnd => match byte {
                    b'\r' if self.line == 0 => self.line = 1,
                    b'\n' => {
                        self.line = 0;
                        self.place = Place::Size;
                    }
                    _ => return Step::Broken("chunk longer than its size"),
                },
                Place::Trailer => {
                    at -= 1;
                    let rest = &bytes[at..];
                    let end = memchr(b'\n', rest);
                    let piece = &rest[..end.unwrap_or(rest.len())];
                    self.line += piece.iter().filter(|byte| **byte != b'\r').count();
                    self.trailers += piece.len() + 1;
                    if self.line > LINE || self.trailers > TRAILERS {
                        return Step::Broken("trailers too long");
                    }
                    let Some(end) = end else { return Step::Framing(bytes.len()) };
                    at += end + 1;
                    if self.line == 0 {
                        return Step::End(at);
                    }
                    self.line = 0;
                }
                // Left to the next step.
                Place::Data(_) => return Step::Framing(at - 1),
            }
        }
        Step::Framing(bytes.len())
    }

    /// What lies between the data of two chunks, if `bytes` hold all of it and
    /// it is written as nearly everybody does: by digits alone.
    fn plain(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = match self.place {
            Place::Size => 0,
            Place::DataEnd if self.line == 0 && bytes.starts_with(b"\r\n") => 2,
            _ => return None,
        };
        let last = at + 8;
        let mut size = 0;
        while let Some(digit) = char::from(*bytes.get(at)?).to_digit(16) {
            size = size << 4 | u64::from(digit);
            at += 1;
            if at > last {
                return None;
            }
        }
        if size == 0 || !bytes[at..].starts_with(b"\r\n") {
            return None;
        }
        self.place = Place::Data(size);
        Some(at + 2)
    }

    /// Whether a whole chunk begins here, for somebody who lost the place: a
    /// size line, as many bytes, and the line end after them.
    pub(super) fn begins(bytes: &[u8]) -> Match {
        let digits = bytes.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let rest = &bytes[digits..];
        if digits > 8 || (digits == 0 && !rest.is_empty()) {
            return Match::No;
        }
        // Some write blanks after the size; an extension begins with `;`.
        let blanks = rest.iter().take(GLANCE).take_while(|byte| **byte == b' ').count();
        let line = match &rest[blanks..] {
            [] | [b'\r'] => return Match::Partial,
            [b'\r', b'\n', ..] => digits + blanks + 2,
            [b';', ..] => match memchr(b'\n', &rest[..rest.len().min(GLANCE)]) {
                Some(end) => digits + end + 1,
                None if rest.len() < GLANCE => return Match::Partial,
                None => return Match::No,
            },
            _ => return Match::No,
        };
        let size = bytes[..digits]
            .iter()
            .fold(0, |size, digit| size << 4 | (*digit as char).to_digit(16).unwrap_or(0) as usize);
        // The last chunk is followed by an empty line at once.
        match bytes.get(line + size..) {
            Some([b'\r', b'\n', ..]) => Match::Yes,
            None | Some([] | [b'\r']) => Match::Partial,
            Some(_) => Match::No,
        }
    }

    /// Bytes are missing here. Whether they all lie inside one chunk's data,
    /// so that the place is not lost.
    pub(crate) fn skip(&mut self, lost: u64) -> bool {
        match &mut self.place {
            Place::Data(left) if lost <= *left => {
                *left -= lost;
                if *left == 0 {
                    self.place = Place::DataEnd;
                }
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &[u8], expected: Result<&[u8], &'static str>) {
        for size in 1..=input.len() {
            let mut chunked = Chunked::default();
            let mut body = Vec::new();
            let mut outcome = Err("unfinished");
            'pieces: for piece in input.chunks(size) {
                let mut rest = piece;
                while !rest.is_empty() {
                    match chunked.next(rest) {
                        Step::Framing(n) => rest = &rest[n..],
                        Step::Data(n) => {
                            body.extend_from_slice(&rest[..n]);
                            rest = &rest[n..];
                        }
                        Step::End(_) => {
                            outcome = Ok(&body[..]);
                            break 'pieces;
                        }
                        Step::Broken(why) => {
                            outcome = Err(why);
                            break 'pieces;
                        }
                    }
                }
            }
            assert_eq!(outcome, expected, "{} in pieces of {size}", input.escape_ascii());
        }
    }

    #[test]
    fn a_chunk_is_known_by_its_end() {
        for (bytes, expected) in [
            (&b""[..], Match::Partial),
            (b"5", Match::Partial),
            (b"5\r\nhel", Match::Partial),
            (b"5\r\nhello\r", Match::Partial),
            (b"5\r\nhello\r\n", Match::Yes),
            (b"5;a=b\r\nhello\r\n0\r\n\r\n", Match::Yes),
            (b"0\r\n\r\n", Match::Yes),
            (b"5\r\nhello!\r\n", Match::No),
            (b"data: 5\r\n", Match::No),
            (b"d of\r\n", Match::No),
            (b"5 \r\nhello\r\n", Match::Yes),
            (b"\r\n5\r\nhello\r\n", Match::No),
            (b"000000005\r\nhello\r\n", Match::No),
        ] {
            assert_eq!(Chunked::begins(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn chunks_are_joined() {
        check(b"0\r\n\r\n", Ok(b""));
        check(b"5\r\nhello\r\n0\r\n\r\n", Ok(b"hello"));
        check(b"5;a=\"b;c\"\r\nhello\r\n0;x\r\nTrailer: 1\r\n\r\n", Ok(b"hello"));
        check(b"05 \r\nhello\r\n00\r\n\r\n", Ok(b"hello"));
        check(b"2\nhi\nA\n0123456789\n0\n\n", Ok(b"hi0123456789"));
        check(b"2\r\nhiX", Err("chunk longer than its size"));
        check(b"x\r\n", Err("no chunk size"));
        check(b"\r\n", Err("no chunk size"));
        check(b"10000000000000000\r\n", Err("chunk size overflows"));
        check(b"5\r\nhell", Err("unfinished"));
    }
}
