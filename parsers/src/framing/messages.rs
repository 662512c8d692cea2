//! Length-prefixed messages: gRPC ("gRPC over HTTP2"), gRPC-Web, and the
//! streams of the Connect protocol. A byte of flags, four of length, a message.

use crate::decode::{Decoder, GZIP};
use crate::protobuf;

/// Flags and length.
const PREFIX: usize = 5;
/// The message is compressed.
const COMPRESSED: u8 = 0x01;

/// Whose messages they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Grpc,
    GrpcWeb,
    Connect,
    /// One of them.
    Unknown,
}

/// What comes out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unit<'a> {
    /// A message, decompressed.
    Message(&'a [u8]),
    /// What comes after the last message: trailers as header lines, or, of
    /// Connect, a JSON object.
    End(&'a [u8]),
}

/// Cuts a body into messages, of at most `limit` bytes each, decompressed.
///
/// Driven like [`super::sse::Parser`]. Nothing marks where a message begins but
/// the length of the one before: after a hole that is larger than the rest of
/// a message, or of unknown size, the rest of the body cannot be cut.
#[derive(Debug)]
pub(crate) struct Parser {
    family: Family,
    /// How compressed messages are; empty: nobody said.
    coding: String,
    limit: usize,
    place: Place,
    pending: Vec<u8>,
    too_long: u64,
    /// Bytes that could not be cut.
    uncut: u64,
    problem: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Prefix,
    Message {
        flags: u8,
        length: usize,
    },
    /// In a message that will not be told.
    Skipping {
        left: u64,
    },
    Lost,
}

/// Whether a body of which nobody said what it is begins with a message; `None`:
/// more has to come. A whole message is asked for, and that it reads as one.
pub(super) fn begin(bytes: &[u8], limit: usize) -> Option<bool> {
    let (flags, rest) = bytes.split_first()?;
    if !matches!(*flags, 0 | COMPRESSED) {
        return Some(false);
    }
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if length == 0 || length > limit {
        return Some(false);
    }
    let message = rest.get(..length)?;
    let compressed = *flags == COMPRESSED;
    Some(if compressed { message.starts_with(&GZIP) } else { protobuf::is_message(message) })
}

impl Family {
    fn knows(self, flags: u8) -> bool {
        let end = match self {
            Family::Grpc => 0,
            Family::GrpcWeb => 0x80,
            Family::Connect => 0x02,
            Family::Unknown => 0x82,
        };
        flags & !(COMPRESSED | end) == 0
    }
}

impl Parser {
    pub(crate) fn new(family: Family, coding: &str, limit: usize) -> Self {
        Parser {
            family,
            coding: coding.trim().to_ascii_lowercase(),
            limit,
            place: Place::Prefix,
            pending: Vec::new(),
            too_long: 0,
            uncut: 0,
            problem: None,
        }
    }

    /// Whether a body may begin so.
    pub(crate) fn may_begin_with(&self, byte: u8) -> bool {
        self.family.knows(byte)
    }

    pub(crate) fn family(&self) -> Family {
        self.family
    }

    /// Messages that were too long to be told.
    pub(crate) fn dropped(&self) -> u64 {
        self.too_long
    }

    /// Bytes that could not be cut into messages.
    pub(crate) fn uncut(&self) -> u64 {
        self.uncut
    }

    /// Why a message could not be decompressed.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    pub(crate) fn push(&mut self, bytes: &[u8], on_unit: &mut impl FnMut(Unit<'_>)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.place {
                Place::Prefix => rest = self.prefix(rest),
                Place::Message { flags, length } => {
                    let missing = length - self.pending.len();
                    let (taken, after) = rest.split_at(rest.len().min(missing));
                    rest = after;
                    if self.pending.is_empty() && taken.len() == length {
                        self.tell(flags, taken, on_unit);
                        self.place = Place::Prefix;
                    } else {
                        self.pending.extend_from_slice(taken);
                    }
                }
                Place::Skipping { left } => {
                    let skipped = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    rest = &rest[skipped..];
                    let left = left - skipped as u64;
                    self.place = if left == 0 { Place::Prefix } else { Place::Skipping { left } };
                }
                Place::Lost => {
                    self.uncut += rest.len() as u64;
                    return;
                }
            }
            if let Place::Message { flags, length } = self.place
                && self.pending.len() == length
            {
                let message = std::mem::take(&mut self.pending);
                self.tell(flags, &message, on_unit);
                self.place = Place::Prefix;
            }
        }
    }

    /// So many bytes are missing here; `None`: nobody knows how many.
    pub(crate) fn hole(&mut self, lost: Option<u64>) {
        let left = match self.place {
            Place::Message { length, .. } => (length - self.pending.len()) as u64,
            Place::Skipping { left } => left,
            Place::Prefix | Place::Lost => 0,
        };
        self.pending.clear();
        self.place = match lost.and_then(|lost| left.checked_sub(lost)) {
            Some(0) if left > 0 => Place::Prefix,
            Some(left) if left > 0 => Place::Skipping { left },
            _ => Place::Lost,
        };
    }

    /// Whether the body ended inside a message.
    pub(crate) fn is_cut(&self) -> bool {
        match self.place {
            Place::Prefix => !self.pending.is_empty(),
            Place::Message { .. } | Place::Skipping { .. } => true,
            Place::Lost => false,
        }
    }

    /// Reads on in the five bytes before a message; what comes after them.
    fn prefix<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (taken, rest) = bytes.split_at(bytes.len().min(PREFIX - self.pending.len()));
        self.pending.extend_from_slice(taken);
        if let [flags, a, b, c, d] = self.pending[..] {
            let length = u32::from_be_bytes([a, b, c, d]);
            self.pending.clear();
            self.place = match usize::try_from(length) {
                _ if !self.family.knows(flags) => {
                    self.uncut += PREFIX as u64;
                    Place::Lost
                }
                Ok(length) if length <= self.limit => Place::Message { flags, length },
                _ => {
                    self.too_long += 1;
                    Place::Skipping { left: length.into() }
                }
            };
        }
        rest
    }

    fn tell(&mut self, flags: u8, bytes: &[u8], on_unit: &mut impl FnMut(Unit<'_>)) {
        let end = flags & !COMPRESSED != 0;
        let unit = |bytes| if end { Unit::End(bytes) } else { Unit::Message(bytes) };
        if flags & COMPRESSED == 0 {
            return on_unit(unit(bytes));
        }
        // Without a word on how, gzip gives itself away.
        let codings = if self.coding.is_empty() { vec![] } else { vec![self.coding.clone()] };
        let mut decoder = Decoder::new(&codings, true, self.limit as u64);
        let mut decoded = Vec::new();
        let mut too_long = false;
        let mut keep = |bytes: &[u8]| {
            too_long |= decoded.len() + bytes.len() > self.limit;
            if !too_long {
                decoded.extend_from_slice(bytes);
            }
        };
        decoder.push(bytes, &mut keep);
        decoder.finish(true, &mut keep);
        let unannounced = codings.is_empty() && !decoder.is_identity();
        if let Some(problem) = decoder.problem().filter(|_| !unannounced) {
            self.problem.get_or_insert_with(|| problem.to_owned());
        } else if too_long {
            self.too_long += 1;
        } else {
            on_unit(unit(&decoded));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn framed(flags: u8, message: &[u8]) -> Vec<u8> {
        [&[flags], &(message.len() as u32).to_be_bytes()[..], message].concat()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(vec![], Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Messages, what comes after them with `end ` before it.
    fn units(parser: &mut Parser, pieces: &[&[u8]]) -> Vec<String> {
        let mut units = Vec::new();
        for piece in pieces {
            parser.push(piece, &mut |unit| {
                units.push(match unit {
                    Unit::Message(bytes) => bytes.escape_ascii().to_string(),
                    Unit::End(bytes) => format!("end {}", bytes.escape_ascii()),
                });
            });
        }
        units
    }

    #[test]
    fn any_cut_reads_the_same() {
        let stream = [
            framed(0, b"one"),
            framed(0, b""),
            framed(1, &gzip(b"three")),
            framed(2, b"{}"),
            framed(3, &gzip(b"{\"a\":1}")),
        ]
        .concat();
        for at in 0..=stream.len() {
            for coding in ["gzip", "GZIP ", ""] {
                let mut parser = Parser::new(Family::Connect, coding, 100);
                let (before, after) = stream.split_at(at);
                let expected = ["one", "", "three", "end {}", "end {\\\"a\\\":1}"];
                assert_eq!(units(&mut parser, &[before, after]), expected, "cut at {at}");
                assert_eq!((parser.uncut(), parser.is_cut()), (0, false));
                assert_eq!(parser.problem(), None);
            }
        }
        let mut parser = Parser::new(Family::GrpcWeb, "", 100);
        let web = [framed(0, b"one"), framed(0x80, b"grpc-status: 0\r\n")].concat();
        assert_eq!(units(&mut parser, &[&web]), ["one", "end grpc-status: 0\\r\\n"]);
    }

    #[test]
    fn what_cannot_be_cut_is_counted() {
        for (family, flags) in [(Family::Grpc, 2), (Family::GrpcWeb, 2), (Family::Connect, 0x80)] {
            let stream = [framed(0, b"one"), framed(flags, b"two"), framed(0, b"three")].concat();
            let mut parser = Parser::new(family, "", 100);
            assert_eq!(units(&mut parser, &[&stream]), ["one"]);
            assert_eq!(parser.uncut(), 18);
        }
    }

    #[test]
    fn what_is_too_long_is_passed_over() {
        let bomb = gzip(&[0; 100 << 10]);
        let stream = [framed(0, &[7; 200]), framed(1, &bomb), framed(0, b"3")].concat();
        for size in [1, 7, 1 << 20] {
            let mut parser = Parser::new(Family::Grpc, "gzip", 199);
            let pieces: Vec<&[u8]> = stream.chunks(size).collect();
            assert_eq!(units(&mut parser, &pieces), ["3"]);
            assert_eq!(parser.dropped(), 1);
            assert_eq!(parser.problem(), Some("gzip: decompression bomb"));
        }
    }

    #[test]
    fn a_message_that_cannot_be_decompressed_is_told_of() {
        let mut torn = gzip(b"two");
        torn.truncate(15);
        let stream = [framed(0, b"1"), framed(1, &torn), framed(0, b"3")].concat();
        for coding in ["gzip", "snappy", "deflate"] {
            let mut parser = Parser::new(Family::Grpc, coding, 100);
            assert_eq!(units(&mut parser, &[&stream]), ["1", "3"]);
            assert!(parser.problem().is_some(), "{coding}");
        }
    }

    #[test]
    fn a_hole_within_a_message_costs_that_message() {
        let stream = [framed(0, b"one"), framed(0, b"second"), framed(0, b"3")].concat();
        for from in 1..stream.len() {
            for to in from + 1..stream.len() {
                let mut parser = Parser::new(Family::Grpc, "", 100);
                let mut told = units(&mut parser, &[&stream[..from]]);
                parser.hole(Some((to - from) as u64));
                told.extend(units(&mut parser, &[&stream[to..]]));
                let inside = |begin, end| from >= begin && to <= end;
                let expected: &[&str] = match from {
                    _ if inside(5, 8) => &["second", "3"],
                    _ if inside(13, 19) => &["one", "3"],
                    8.. if from < 19 => &["one"],
                    19.. => &["one", "second"],
                    _ => &[],
                };
                assert_eq!(told, expected, "{from} to {to}");
            }
        }
        let mut parser = Parser::new(Family::Grpc, "", 100);
        units(&mut parser, &[&stream[..6]]);
        parser.hole(None);
        assert!(units(&mut parser, &[&stream[6..]]).is_empty());
    }

    proptest! {
        #[test]
        fn any_stream_comes_apart(
            messages in prop::collection::vec(("[a-z]{0,40}", any::<bool>()), 0..6),
            size in 1..30usize,
        ) {
            let stream: Vec<u8> = messages
                .iter()
                .flat_map(|(message, compress)| match compress {
                    true => framed(1, &gzip(message.as_bytes())),
                    false => framed(0, message.as_bytes()),
                })
                .collect();
            let mut parser = Parser::new(Family::Grpc, "gzip", 1000);
            let pieces: Vec<&[u8]> = stream.chunks(size).collect();
            let expected: Vec<String> = messages.into_iter().map(|(message, _)| message).collect();
            prop_assert_eq!(units(&mut parser, &pieces), expected);
            prop_assert!(!parser.is_cut());
        }

        #[test]
        fn any_bytes_are_survived(bytes in any::<Vec<u8>>(), size in 1..30usize) {
            let mut parser = Parser::new(Family::Connect, "gzip", 1000);
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            units(&mut parser, &pieces);
        }
    }
}
