//! What rustls hands its `encrypt` and `decrypt`, and what it gets back. Where fields lie
//! follows from the layout that rustc chooses.

use crate::memory;

/// `ContentType::ApplicationData`, as rustc numbers it.
const APPLICATION_DATA: u8 = 3;

/// How a version does this.
pub trait Records {
    /// What is to be encrypted, by the message's place.
    fn plain(message: u64) -> Option<Plain>;
    /// What is to be decrypted, by the message's place.
    fn sealed(message: u64) -> Option<Sealed>;
    /// What was decrypted, by the result's place.
    fn opened(result: u64) -> Option<Opened>;
}

/// See [`Records::plain`].
pub struct Plain {
    pub is_data: bool,
    pub len: u64,
    pub pieces: Pieces,
}

/// Where plaintext lies: in a slice, or in so many of a list, from a byte on.
pub enum Pieces {
    One(u64),
    Many { list: u64, count: u64, skip: u64 },
}

/// See [`Records::sealed`].
pub struct Sealed {
    pub payload: u64,
    pub len: u64,
}

/// See [`Records::opened`].
pub struct Opened {
    /// Of success or failure.
    pub tag: u8,
    pub payload: u64,
    pub len: u64,
    pub is_data: bool,
}

/// 0.23: a slice, or several.
pub struct Borrowed;

impl Records for Borrowed {
    /// `OutboundPlainMessage`: its `OutboundChunks`, an enum without a tag, of which a first
    /// word of zero is `Single`, with a slice behind it; else it is `Multiple`: a slice of
    /// slices, from a byte, to a byte. Behind it the `ContentType`.
    #[inline(always)]
    fn plain(message: u64) -> Option<Plain> {
        let [list, first, second, third, kind] = memory::words::<5>(message)?;
        let (len, pieces) = if list == 0 {
            (second, Pieces::One(first))
        } else {
            (third.wrapping_sub(second), Pieces::Many { list, count: first, skip: second })
        };
        Some(Plain { is_data: kind as u8 == APPLICATION_DATA, len, pieces })
    }

    /// `InboundOpaqueMessage` begins with its payload.
    #[inline(always)]
    fn sealed(message: u64) -> Option<Sealed> {
        let [payload, len] = memory::words::<2>(message)?;
        Some(Sealed { payload, len })
    }

    /// Behind the tag a slice, and the `ContentType`.
    #[inline(always)]
    fn opened(result: u64) -> Option<Opened> {
        let [tag, payload, len, kind] = memory::words::<4>(result)?;
        Some(Opened { tag: tag as u8, payload, len, is_data: kind as u8 == APPLICATION_DATA })
    }
}

/// 0.21 and 0.22: a slice to be encrypted, a `Vec` to be decrypted. Compilers of their time
/// put a `Vec`'s capacity behind where it lies, and a message's type behind its version;
/// later ones have both in front.
pub struct Owned;

/// `ProtocolVersion::TLSv1_2`, as rustc numbers it: that of all that is encrypted.
const TLS_1_2: u16 = 4;

/// Where a `Vec` of a record lies, by its first two words: a capacity is less than any address.
#[inline(always)]
fn place(one: u64, other: u64) -> u64 {
    if one < other { other } else { one }
}

impl Records for Owned {
    /// `BorrowedPlainMessage`: a slice, and behind it `ContentType` and `ProtocolVersion`, each
    /// with room for a number that it does not know.
    #[inline(always)]
    fn plain(message: u64) -> Option<Plain> {
        let [slice, len, kinds] = memory::words::<3>(message)?;
        let kind = if kinds as u16 == TLS_1_2 { (kinds >> 32) as u8 } else { kinds as u8 };
        Some(Plain { is_data: kind == APPLICATION_DATA, len, pieces: Pieces::One(slice) })
    }

    /// `OpaqueMessage` begins with its payload.
    #[inline(always)]
    fn sealed(message: u64) -> Option<Sealed> {
        let [one, other, len] = memory::words::<3>(message)?;
        Some(Sealed { payload: place(one, other), len })
    }

    /// Behind the tag a `Vec`, the `ProtocolVersion` and the `ContentType`.
    #[inline(always)]
    fn opened(result: u64) -> Option<Opened> {
        let [tag, one, other, len, kinds] = memory::words::<5>(result)?;
        let is_data = (kinds >> 32) as u8 == APPLICATION_DATA;
        Some(Opened { tag: tag as u8, payload: place(one, other), len, is_data })
    }
}
