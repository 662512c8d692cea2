//! AWS event stream, `application/vnd.amazon.eventstream`: messages of typed
//! headers and a payload, each under two checksums. By the specification of the
//! Smithy project, "Event stream specification".

mod headers;

pub(crate) use headers::Headers;

/// A message's bytes around headers and payload: prelude and last checksum.
const FRAME: u32 = 16;
/// Total length, length of the headers, CRC-32 of both.
const PRELUDE: usize = 12;
/// Most that headers may take, as AWS' own SDKs have it.
const MAX_HEADERS: u32 = 128 << 10;
/// Most that a payload may take.
const MAX_PAYLOAD: u32 = 24 << 20;
/// How many bytes may be summed for each that came, so that bytes made to look
/// like many long messages cost no more than any others.
const SUMS: u64 = 4;

/// One message.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    pub(crate) headers: Headers<'a>,
    pub(crate) payload: &'a [u8],
}

/// Cuts a body into messages, of at most `limit` bytes each.
///
/// Driven like [`super::sse::Parser`]. A message is told only if both its
/// checksums hold; where one does not, or after a hole, the next message is
/// where a prelude's checksum holds.
#[derive(Debug)]
pub(crate) struct Parser {
    limit: usize,
    pending: Vec<u8>,
    /// Of a message that is too long: bytes to come.
    skip: u64,
    /// Where the next message begins is not known.
    lost: bool,
    told: u64,
    corrupt: u64,
    too_long: u64,
    received: u64,
    summed: u64,
}

/// How long a message is.
#[derive(Clone, Copy)]
struct Prelude {
    total: u32,
    headers: u32,
}

impl Parser {
    pub(crate) fn new(limit: usize) -> Self {
        Parser {
            limit,
            pending: Vec::new(),
            skip: 0,
            lost: false,
            told: 0,
            corrupt: 0,
            too_long: 0,
            received: 0,
            summed: 0,
        }
    }

    /// For what may be the middle of a message, or something else altogether.
    pub(crate) fn midway(limit: usize) -> Self {
        Parser { lost: true, ..Parser::new(limit) }
    }

    /// Messages told so far.
    pub(crate) fn told(&self) -> u64 {
        self.told
    }

    /// Messages, or pieces between messages, whose checksum did not hold.
    pub(crate) fn corrupt(&self) -> u64 {
        self.corrupt
    }

    /// Messages that were too long to be told.
    pub(crate) fn dropped(&self) -> u64 {
        self.too_long
    }

    pub(crate) fn push(&mut self, bytes: &[u8], on_message: &mut impl FnMut(Message<'_>)) {
        self.received += bytes.len() as u64;
        let skipped = bytes.len().min(usize::try_from(self.skip).unwrap_or(usize::MAX));
        self.skip -= skipped as u64;
        let mut pending = std::mem::take(&mut self.pending);
        pending.extend_from_slice(&bytes[skipped..]);
        let mut at = 0;
        while let Some(step) = self.step(&pending[at..], on_message) {
            at += step;
        }
        pending.drain(..at);
        self.pending = pending;
    }

    /// Bytes are missing here: the message around them is dropped.
    pub(crate) fn hole(&mut self) {
        self.pending.clear();
        self.skip = 0;
        self.lost = true;
    }

    /// Whether the body ended inside a message.
    pub(crate) fn is_cut(&self) -> bool {
        !self.lost && (self.skip > 0 || !self.pending.is_empty())
    }

    /// Reads what `bytes` begin with; how much that was, or `None`: more has to
    /// come.
    fn step(&mut self, bytes: &[u8], on_message: &mut impl FnMut(Message<'_>)) -> Option<usize> {
        let prelude: &[u8; PRELUDE] = bytes.first_chunk()?;
        let Some(prelude) = Prelude::read(prelude) else {
            if !std::mem::replace(&mut self.lost, true) {
                self.corrupt += 1;
            }
            return Some(1);
        };
        let total = prelude.total as usize;
        if total > self.limit {
            self.lost = false;
            self.too_long += 1;
            let here = bytes.len().min(total);
            self.skip = (total - here) as u64;
            return Some(here);
        }
        let message = bytes.get(..total)?;
        let (summed, checksum) = message.split_last_chunk()?;
        self.summed += summed.len() as u64;
        if crc32fast::hash(summed) != u32::from_be_bytes(*checksum) {
            // Either what it holds is corrupt, or bytes are missing and the
            // next message begins inside.
            if !std::mem::replace(&mut self.lost, true) {
                self.corrupt += 1;
            }
            let affordable = self.summed <= self.received.saturating_mul(SUMS);
            return Some(if affordable { 1 } else { total });
        }
        self.lost = false;
        let (headers, payload) = summed[PRELUDE..].split_at(prelude.headers as usize);
        match Headers::read(headers) {
            Some(headers) => {
                self.told += 1;
                on_message(Message { headers, payload });
            }
            None => self.corrupt += 1,
        }
        Some(total)
    }
}

impl Prelude {
    /// A prelude whose checksum holds, of a message that may be.
    fn read(bytes: &[u8; PRELUDE]) -> Option<Self> {
        let word = |at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
        let prelude = Prelude { total: word(0)?, headers: word(4)? };
        let payload = prelude.total.checked_sub(FRAME)?.checked_sub(prelude.headers)?;
        let fits = prelude.headers <= MAX_HEADERS && payload <= MAX_PAYLOAD;
        (fits && crc32fast::hash(&bytes[..8]) == word(8)?).then_some(prelude)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Written from the specification, independently of the parser.
    pub(super) fn message(headers: &[u8], payload: &[u8]) -> Vec<u8> {
        let total = (headers.len() + payload.len() + 16) as u32;
        let mut message = total.to_be_bytes().to_vec();
        message.extend((headers.len() as u32).to_be_bytes());
        message.extend(crc32(&message).to_be_bytes());
        message.extend_from_slice(headers);
        message.extend_from_slice(payload);
        message.extend(crc32(&message).to_be_bytes());
        message
    }

    /// CRC-32 of IEEE 802.3, bit by bit.
    fn crc32(bytes: &[u8]) -> u32 {
        let mut crc = !0_u32;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0xEDB8_8320 * (crc & 1));
            }
        }
        !crc
    }

    fn payloads(parser: &mut Parser, pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut payloads = Vec::new();
        for piece in pieces {
            parser.push(piece, &mut |message| payloads.push(message.payload.to_vec()));
        }
        payloads
    }

    #[test]
    fn the_example_of_the_specification_is_read() {
        // Message with no headers and an empty payload, with its checksums.
        let example = b"\0\0\0\x10\0\0\0\0\x05\xc2\x48\xeb\x7d\x98\xc8\xff";
        assert_eq!(message(b"", b""), example);
        let mut parser = Parser::new(100);
        assert_eq!(payloads(&mut parser, &[example]), [b""]);
        assert_eq!((parser.told(), parser.corrupt(), parser.is_cut()), (1, 0, false));
    }

    #[test]
    fn any_cut_reads_the_same() {
        let stream = [message(b"", b"one"), message(b"\x01a\0", b""), message(b"", b"3")].concat();
        for at in 0..=stream.len() {
            let mut parser = Parser::new(100);
            let (before, after) = stream.split_at(at);
            assert_eq!(payloads(&mut parser, &[before, after]), [&b"one"[..], b"", b"3"]);
            assert_eq!((parser.corrupt(), parser.is_cut()), (0, false));
            let mut parser = Parser::new(100);
            payloads(&mut parser, &[before]);
            let ends = [0, 19, 38, stream.len()];
            assert_eq!(parser.is_cut(), !ends.contains(&at), "{at}");
        }
    }

    #[test]
    fn damage_costs_the_message_it_is_in() {
        let messages = [message(b"", b"one"), message(b"", b"second"), message(b"", b"3")];
        let stream = messages.concat();
        let second = messages[0].len()..messages[0].len() + messages[1].len();
        for at in second {
            let mut damaged = stream.clone();
            damaged[at] ^= 0x40;
            for missing in [false, true] {
                if missing {
                    damaged.remove(at);
                }
                let mut parser = Parser::new(100);
                assert_eq!(payloads(&mut parser, &[&damaged]), [&b"one"[..], b"3"], "{at}");
                assert_eq!(parser.corrupt(), 1, "{at}");
            }
        }
    }

    #[test]
    fn after_a_hole_the_next_message_is_found() {
        let stream = [message(b"", b"one"), message(b"", b"second"), message(b"", b"3")].concat();
        for at in 1..stream.len() {
            let mut parser = Parser::midway(100);
            let told = payloads(&mut parser, &[&stream[at..]]);
            let expected = [&b"second"[..], b"3"];
            let begun = usize::from(at > 19) + usize::from(at > 41);
            assert_eq!(told, expected[begun.min(2)..], "{at}");
            assert_eq!(parser.corrupt(), 0, "{at}: a loss is not damage");
        }
    }

    #[test]
    fn what_is_too_long_is_passed_over() {
        let stream = [message(b"", &[7; 200]), message(b"", b"2")].concat();
        for size in 1..50 {
            let mut parser = Parser::new(100);
            let pieces: Vec<&[u8]> = stream.chunks(size).collect();
            assert_eq!(payloads(&mut parser, &pieces), [b"2"]);
            assert_eq!((parser.dropped(), parser.corrupt()), (1, 0));
            assert!(parser.pending.capacity() <= 256);
        }
    }

    /// Preludes that all claim what follows, none of which is a message.
    #[test]
    fn made_up_preludes_cost_little() {
        let mut prelude = (1_u32 << 20).to_be_bytes().to_vec();
        prelude.extend(0_u32.to_be_bytes());
        prelude.extend(crc32(&prelude).to_be_bytes());
        let stream = prelude.repeat((4 << 20) / prelude.len());
        let mut parser = Parser::new(16 << 20);
        for piece in stream.chunks(32 << 10) {
            assert!(payloads(&mut parser, &[piece]).is_empty());
        }
        assert!(parser.summed <= (SUMS + 1) * parser.received, "{parser:?}");
    }

    proptest! {
        #[test]
        fn any_stream_comes_apart(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
            size in 1..30usize,
        ) {
            let stream: Vec<u8> = bodies.iter().flat_map(|body| message(b"", body)).collect();
            let mut parser = Parser::new(1000);
            let pieces: Vec<&[u8]> = stream.chunks(size).collect();
            prop_assert_eq!(payloads(&mut parser, &pieces), bodies);
            prop_assert!(!parser.is_cut());
        }

        #[test]
        fn any_bytes_are_survived(bytes in any::<Vec<u8>>(), size in 1..30usize) {
            let mut parser = Parser::new(1000);
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            payloads(&mut parser, &pieces);
        }
    }
}
