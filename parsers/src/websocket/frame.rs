//! A frame's header (RFC 6455 section 5.2).

/// Octets of the longest header: two, a length of eight, a mask of four.
pub(super) const LONGEST: usize = 14;

/// A control frame's payload is at most this long (RFC 6455 section 5.5).
pub(super) const CONTROL: u64 = 125;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Its message ends with it.
    pub(super) ends: bool,
    /// RSV1: its message is compressed (RFC 7692 section 6).
    pub(super) compressed: bool,
    pub(super) opcode: Opcode,
    pub(super) mask: Option<[u8; 4]>,
    /// Octets of its payload.
    pub(super) length: u64,
}

/// What octets at a frame's beginning are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// A header of so many octets.
    Header(Frame, usize),
    /// Not enough of them to tell.
    Partial,
    /// No header.
    Invalid,
}

impl Opcode {
    pub(super) fn is_control(self) -> bool {
        matches!(self, Opcode::Close | Opcode::Ping | Opcode::Pong)
    }
}

impl Frame {
    /// Reads the header that `octets` begin with. What no endpoint may send is
    /// [`Parsed::Invalid`], so that headers prove something.
    pub(super) fn parse(octets: &[u8]) -> Parsed {
        let Some(first) = octets.first() else { return Parsed::Partial };
        let opcode = match first & 0x0F {
            0 => Opcode::Continuation,
            1 => Opcode::Text,
            2 => Opcode::Binary,
            8 => Opcode::Close,
            9 => Opcode::Ping,
            10 => Opcode::Pong,
            _ => return Parsed::Invalid,
        };
        let (ends, compressed) = (first & 0x80 != 0, first & 0x40 != 0);
        let begins = matches!(opcode, Opcode::Text | Opcode::Binary);
        // RFC 7692 section 6.1: only a message's first frame says that.
        if first & 0x30 != 0 || (compressed && !begins) || (opcode.is_control() && !ends) {
            return Parsed::Invalid;
        }
        let Some(second) = octets.get(1) else { return Parsed::Partial };
        let (length, at) = match second & 0x7F {
            126 => match octets.get(2..4).and_then(<[u8]>::first_chunk) {
                Some(length) => (u64::from(u16::from_be_bytes(*length)), 4),
                None => return Parsed::Partial,
            },
            127 => match octets.get(2..10).and_then(<[u8]>::first_chunk) {
                Some(length) => (u64::from_be_bytes(*length), 10),
                None => return Parsed::Partial,
            },
            length => (u64::from(length), 2),
        };
        // The shortest form is the only one.
        let shortest = match at {
            4 => 126,
            10 => 1 << 16,
            _ => 0,
        };
        if length < shortest || length >> 63 != 0 || (opcode.is_control() && length > CONTROL) {
            return Parsed::Invalid;
        }
        let frame = Frame { ends, compressed, opcode, mask: None, length };
        if second & 0x80 == 0 {
            return Parsed::Header(frame, at);
        }
        match octets.get(at..at + 4).and_then(<[u8]>::first_chunk) {
            Some(mask) => Parsed::Header(Frame { mask: Some(*mask), ..frame }, at + 4),
            None => Parsed::Partial,
        }
    }
}

/// Undoes the masking (RFC 6455 section 5.3) of octets that begin `at` octets
/// into their frame's payload.
pub(super) fn unmask(octets: &mut [u8], mask: [u8; 4], at: u64) {
    let mut mask = mask;
    mask.rotate_left((at % 4) as usize);
    let mut chunks = octets.chunks_exact_mut(4);
    let whole = u32::from_ne_bytes(mask);
    for chunk in &mut chunks {
        if let Some(word) = chunk.first_chunk_mut::<4>() {
            *word = (u32::from_ne_bytes(*word) ^ whole).to_ne_bytes();
        }
    }
    for (octet, key) in chunks.into_remainder().iter_mut().zip(mask) {
        *octet ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_the_specification_are_read() {
        let frame = |ends, compressed, opcode, mask, length| Frame {
            ends,
            compressed,
            opcode,
            mask,
            length,
        };
        let mask = Some([0x37, 0xfa, 0x21, 0x3d]);
        // RFC 6455 section 5.7 and RFC 7692 section 7.2.3.1.
        let cases: [(&[u8], Frame, usize); 7] = [
            (b"\x81\x05Hello", frame(true, false, Opcode::Text, None, 5), 2),
            (b"\x81\x85\x37\xfa\x21\x3d\x7f", frame(true, false, Opcode::Text, mask, 5), 6),
            (b"\x01\x03Hel", frame(false, false, Opcode::Text, None, 3), 2),
            (b"\x80\x02lo", frame(true, false, Opcode::Continuation, None, 2), 2),
            (b"\x82\x7E\x01\x00", frame(true, false, Opcode::Binary, None, 256), 4),
            (b"\x82\x7F\0\0\0\0\0\x01\0\0", frame(true, false, Opcode::Binary, None, 65536), 10),
            (b"\xc1\x07\xf2", frame(true, true, Opcode::Text, None, 7), 2),
        ];
        for (octets, frame, length) in cases {
            assert_eq!(Frame::parse(octets), Parsed::Header(frame, length), "{octets:x?}");
            for end in 0..length {
                assert_eq!(Frame::parse(&octets[..end]), Parsed::Partial, "{octets:x?} {end}");
            }
        }
    }

    #[test]
    fn what_no_endpoint_sends_is_none() {
        let cases: [&[u8]; 9] = [
            b"\xA1\x00",
            b"\x83\x00",
            b"\x8B\x00",
            b"\xC0\x00",
            b"\xC8\x00",
            b"\x09\x00",
            b"\x89\x7E\x00\x7E",
            b"\x82\x7E\x00\x7D",
            b"\x82\x7F\x80\0\0\0\0\0\0\0",
        ];
        for octets in cases {
            assert_eq!(Frame::parse(octets), Parsed::Invalid, "{octets:x?}");
        }
    }

    #[test]
    fn masking_is_undone_from_any_place() {
        let (mask, plain) = ([1, 2, 3, 4], b"The quick brown fox jumps over");
        let masked: Vec<u8> =
            plain.iter().enumerate().map(|(at, octet)| octet ^ mask[at % 4]).collect();
        for at in 0..plain.len() {
            let mut rest = masked[at..].to_vec();
            unmask(&mut rest, mask, at as u64);
            assert_eq!(rest, plain[at..], "from {at}");
        }
    }
}
