//! Length-prefixed messages: gRPC ("gRPC over HTTP2"), gRPC-Web, and the
//! streams of the Connect protocol. A byte of flags, four of length, a message.

use crate::decode::{Decoder, GZIP, RATIO};
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
    /// Decompressed bytes that messages may still have beyond what is usual.
    free: u64,
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
            free: limit as u64,
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
                        self.place = self.tell(flags, taken, on_unit);
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
                self.place = self.tell(flags, &message, on_unit);
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

    /// Tells a message; where that leaves it.
    fn tell(&mut self, flags: u8, bytes: &[u8], on_unit: &mut impl FnMut(Unit<'_>)) -> Place {
        let end = flags & !COMPRESSED != 0;
        // Nothing comes after the end: what does is of nobody's making.
        let next = if end { Place::Lost } else { Place::Prefix };
        let unit = |bytes| if end { Unit::End(bytes) } else { Unit::Message(bytes) };
        if flags & COMPRESSED == 0 {
            on_unit(unit(bytes));
            return next;
        }
        // Without a word on how, gzip gives itself away.
        let codings = if self.coding.is_empty() { vec![] } else { vec![self.coding.clone()] };
        // One allowance for all: a body has any number of messages.
        let mut decoder = Decoder::new(&codings, true, self.free);
        let mut decoded = Vec::new();
        let mut too_long = false;
        let mut spent = 0;
        let mut keep = |bytes: &[u8]| {
            spent += bytes.len() as u64;
            too_long |= decoded.len() + bytes.len() > self.limit;
            if !too_long {
                decoded.extend_from_slice(bytes);
            }
        };
        decoder.push(bytes, &mut keep);
        decoder.finish(true, &mut keep);
        let usual = RATIO.saturating_mul(bytes.len() as u64);
        self.free = self.free.saturating_sub(spent.saturating_sub(usual));
        let unannounced = codings.is_empty() && !decoder.is_identity();
        if let Some(problem) = decoder.problem().filter(|_| !unannounced) {
            self.problem.get_or_insert_with(|| problem.to_owned());
        } else if too_long {
            self.too_long += 1;
        } else {
            on_unit(unit(&decoded));
        }
        next
    }
}

#[cfg(test)]
mod tests;
