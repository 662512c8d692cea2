//! One record of the ring buffer.

use llmtop_probe_common as abi;
use llmtop_probe_common::{Header, Kind};

/// A record, its payload borrowed from the ring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Record<'a> {
    Open(abi::Open),
    Chunk(abi::Chunk, &'a [u8]),
    Close(abi::Close),
    ServerName(abi::ServerName, &'a [u8]),
    Socket(abi::Socket),
    Exec(abi::Exec, &'a [u8]),
    Args(Header, &'a [u8]),
    Exit(Header),
    Mapped(Header),
    Bound(abi::Bound),
}

impl<'a> Record<'a> {
    /// Reads a record. `None`: it is none of this version's, or cut short.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (header, _) = fixed::<Header>(bytes)?;
        let payload = |rest: &'a [u8]| rest.get(..header.len as usize);
        let kind = header.kind;
        Some(if kind == Kind::Chunk as u16 {
            let (chunk, rest) = fixed(bytes)?;
            Self::Chunk(chunk, payload(rest)?)
        } else if kind == Kind::Open as u16 {
            Self::Open(fixed(bytes)?.0)
        } else if kind == Kind::Close as u16 {
            Self::Close(fixed(bytes)?.0)
        } else if kind == Kind::ServerName as u16 {
            let (name, rest) = fixed(bytes)?;
            Self::ServerName(name, payload(rest)?)
        } else if kind == Kind::Socket as u16 {
            Self::Socket(fixed(bytes)?.0)
        } else if kind == Kind::Exec as u16 {
            let (exec, rest) = fixed(bytes)?;
            Self::Exec(exec, payload(rest)?)
        } else if kind == Kind::Args as u16 {
            let (args, rest) = fixed::<abi::Args>(bytes)?;
            Self::Args(args.header, payload(rest)?)
        } else if kind == Kind::Exit as u16 {
            Self::Exit(header)
        } else if kind == Kind::Mapped as u16 {
            Self::Mapped(header)
        } else if kind == Kind::Bound as u16 {
            Self::Bound(fixed(bytes)?.0)
        } else {
            return None;
        })
    }
}

/// Plain integers and arrays of them in `repr(C)`: any bytes are a value.
///
/// # Safety
/// Every bit pattern must be valid for the type.
#[expect(unsafe_code, reason = "reading a record's fixed part from bytes")]
unsafe trait Plain: Copy {}

macro_rules! plain {
    ($($name:ty),*) => {$(
        #[expect(unsafe_code, reason = "reading a record's fixed part from bytes")]
        // SAFETY: integers and arrays of integers only.
        unsafe impl Plain for $name {}
    )*};
}
plain!(
    Header,
    abi::Open,
    abi::Chunk,
    abi::Close,
    abi::ServerName,
    abi::Socket,
    abi::Exec,
    abi::Args,
    abi::Bound
);

/// The fixed part, and what follows it.
#[expect(unsafe_code, reason = "reading a record's fixed part from bytes")]
fn fixed<T: Plain>(bytes: &[u8]) -> Option<(T, &[u8])> {
    let (head, rest) = bytes.split_at_checked(size_of::<T>())?;
    // SAFETY: `head` is as long as `T`, any bytes are a `T`, and the read
    // tolerates any alignment.
    let value = unsafe { head.as_ptr().cast::<T>().read_unaligned() };
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(kind: u16, len: u32, size: usize) -> Vec<u8> {
        let mut bytes = kind.to_ne_bytes().to_vec();
        bytes.extend(0u16.to_ne_bytes());
        bytes.extend(len.to_ne_bytes());
        bytes.resize(size, 7);
        bytes
    }

    #[test]
    fn a_payload_is_as_long_as_the_header_says() {
        let record = bytes(Kind::Chunk as u16, 5, size_of::<abi::Chunk>() + 256);
        match Record::parse(&record) {
            Some(Record::Chunk(chunk, payload)) => {
                assert_eq!((chunk.header.len, payload), (5, &[7u8; 5][..]));
                assert_eq!(chunk.offset, u64::from_ne_bytes([7; 8]));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn cut_or_unknown_records_are_none() {
        for kind in 0..=12u16 {
            for size in 0..256 {
                let bytes = bytes(kind, 100, size);
                let parsed = Record::parse(&bytes);
                assert!(
                    parsed.is_none() || (1..=10).contains(&kind) && size >= size_of::<Header>(),
                    "{kind} {size}"
                );
            }
            assert!(Record::parse(&bytes(kind, u32::MAX, 4096)).is_none_or(|r| !matches!(
                r,
                Record::Chunk(..) | Record::Exec(..) | Record::Args(..) | Record::ServerName(..)
            )));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = Record::parse(&bytes);
        }
    }
}
