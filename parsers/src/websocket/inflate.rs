//! Compressed messages of one direction (permessage-deflate, RFC 7692).

use flate2::{Decompress, FlushDecompress, Status};

/// What every compressed message ends with, and leaves out (section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];
/// Decoded octets are handed on in pieces of at most this size.
const BUFFER: usize = 16 << 10;
/// Input is decoded in pieces of this size, between which the allowance grows.
const PIECE: usize = 16 << 10;
/// Decoded octets allowed for each on the wire, once over the free allowance:
/// as for the content codings of HTTP.
const RATIO: u64 = 256;

/// Why a message cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// It is corrupt, or refers to octets of messages that were not seen: the
    /// two look alike.
    Refers,
    /// It decodes to far too much.
    Bomb,
}

/// Undoes the compression of one direction's messages.
///
/// A message may refer to the 32 KiB that those before it decoded to ("context
/// takeover"). What is known of them is kept; a message that refers to more
/// fails, and the next is tried without anything before it. So what comes out
/// is exact whatever the peers agreed on, and a window smaller than the largest
/// (`*_max_window_bits`) needs no care: it only makes references shorter.
#[derive(Debug)]
pub(super) struct Inflater {
    /// The window; `None`: nothing is known of what came before.
    stream: Option<Decompress>,
    /// Octets that a message may decode to whatever its length.
    free: u64,
    /// The peers agreed that no message refers to another.
    forgets: bool,
    wire: u64,
    decoded: u64,
}

impl Inflater {
    pub(super) fn new(free: usize, forgets: bool) -> Self {
        Inflater { stream: None, free: free as u64, forgets, wire: 0, decoded: 0 }
    }

    /// A message begins.
    pub(super) fn begin(&mut self) {
        (self.wire, self.decoded) = (0, 0);
        self.stream.get_or_insert_with(|| Decompress::new(false));
    }

    /// What came before, or is in the middle of the message, is not known.
    pub(super) fn lose(&mut self) {
        self.stream = None;
    }

    /// The next octets of a message. After a problem there are no more of it.
    pub(super) fn push(
        &mut self,
        octets: &[u8],
        sink: &mut impl FnMut(&[u8]),
    ) -> Result<(), Problem> {
        for piece in octets.chunks(PIECE) {
            self.wire += piece.len() as u64;
            if let Err(problem) = self.run(piece, sink) {
                self.lose();
                return Err(problem);
            }
        }
        Ok(())
    }

    /// The message is over.
    pub(super) fn finish(&mut self, sink: &mut impl FnMut(&[u8])) -> Result<(), Problem> {
        let result = self.push(&TAIL, sink);
        if self.forgets {
            self.lose();
        }
        result
    }

    fn run(&mut self, octets: &[u8], sink: &mut impl FnMut(&[u8])) -> Result<(), Problem> {
        let mut buffer = [0; BUFFER];
        let mut rest = octets;
        loop {
            let stream = self.stream.as_mut().ok_or(Problem::Refers)?;
            let before = (stream.total_in(), stream.total_out());
            let status = stream
                .decompress(rest, &mut buffer, FlushDecompress::Sync)
                .map_err(|_| Problem::Refers)?;
            let read = (stream.total_in() - before.0) as usize;
            let written = (stream.total_out() - before.1) as usize;
            rest = &rest[read..];
            if written > 0 {
                self.decoded += written as u64;
                if self.decoded > self.free.max(self.wire.saturating_mul(RATIO)) {
                    return Err(Problem::Bomb);
                }
                sink(&buffer[..written]);
            }
            if status == Status::StreamEnd {
                // A last block is followed by others all the same (section 7.2.3.4);
                // what zlib makes of them knows nothing of what was before.
                stream.reset(false);
                if rest.is_empty() {
                    return Ok(());
                }
                continue;
            }
            let stuck = read == 0 && written == 0;
            if stuck || (rest.is_empty() && written < BUFFER) {
                return Ok(());
            }
        }
    }
}

/// Whether `octets` are a compressed message that needs none before it, and
/// says JSON: as much as matters of what it decodes to is looked at.
pub(super) fn is_json(octets: &[u8]) -> bool {
    let mut inflater = Inflater::new(LOOK, true);
    let mut decoded = Vec::new();
    inflater.begin();
    let mut keep = |piece: &[u8]| decoded.extend_from_slice(piece);
    let result = inflater.push(octets, &mut keep).and_then(|()| inflater.finish(&mut keep));
    result != Err(Problem::Refers) && looks_like_json(&decoded, result.is_ok())
}

/// Decoded octets looked at.
const LOOK: usize = 64 << 10;

/// Whether text is an object or an array in JSON, judged by how it begins and,
/// if `whole`, ends.
pub(super) fn looks_like_json(text: &[u8], whole: bool) -> bool {
    let text = text.trim_ascii();
    let (begins, ends) = match text {
        [b'{', .., last] => (true, *last == b'}'),
        [b'[', .., last] => (true, *last == b']'),
        _ => (false, false),
    };
    begins
        && (ends || !whole)
        && match std::str::from_utf8(text) {
            Ok(_) => true,
            Err(error) => !whole && error.error_len().is_none(),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(inflater: &mut Inflater, octets: &[u8]) -> Result<Vec<u8>, Problem> {
        let mut out = Vec::new();
        let mut keep = |piece: &[u8]| out.extend_from_slice(piece);
        inflater.begin();
        inflater.push(octets, &mut keep)?;
        inflater.finish(&mut keep)?;
        Ok(out)
    }

    /// RFC 7692 sections 7.2.3.1 to 7.2.3.5.
    #[test]
    fn examples_of_the_specification_are_read() {
        let first: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
        let hello = Ok(b"Hello".to_vec());
        let mut inflater = Inflater::new(100, false);
        assert_eq!(message(&mut inflater, first), hello);
        assert_eq!(message(&mut inflater, b"\xf2\x00\x11\x00\x00"), hello, "sharing the window");
        let mut forgets = Inflater::new(100, true);
        assert_eq!(message(&mut forgets, first), hello);
        assert_eq!(message(&mut forgets, first), hello);
        let stored = b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00";
        assert_eq!(message(&mut inflater, stored), hello, "no compression");
        let last = b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
        assert_eq!(message(&mut inflater, last), hello, "a block with BFINAL");
        let two = b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00";
        assert_eq!(message(&mut inflater, two), hello, "two blocks");
    }

    #[test]
    fn what_refers_to_the_unseen_is_not_made_up() {
        let mut inflater = Inflater::new(100, false);
        assert_eq!(message(&mut inflater, b"\xf2\x00\x11\x00\x00"), Err(Problem::Refers));
        let whole = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
        assert_eq!(message(&mut inflater, whole), Ok(b"Hello".to_vec()), "the next is its own");
        assert_eq!(message(&mut inflater, b"\xf2\x00\x11\x00\x00"), Ok(b"Hello".to_vec()));
        inflater.lose();
        assert_eq!(message(&mut inflater, b"\xf2\x00\x11\x00\x00"), Err(Problem::Refers));
    }
}
