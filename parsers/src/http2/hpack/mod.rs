//! Header compression (RFC 7541), read by a bystander.
//!
//! An endpoint must give up at the first index it cannot resolve. A bystander
//! need not: it may have come late, and lost nothing but what was said before.
//! Here such a field is simply unknown, and the fields around it are exact.

mod huffman;
mod integer;
mod table;

use std::borrow::Cow;

use table::{Dynamic, Name};

/// A field of a header block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name; `None` if it was sent in a block that was not seen.
    pub name: Option<&'a [u8]>,
    /// The value; `None` likewise.
    pub value: Option<&'a [u8]>,
}

/// What is wrong with a header block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It ends inside a field.
    #[error("header block ends inside a field")]
    Truncated,
    /// An integer does not fit 32 bits.
    #[error("integer in a header block is too large")]
    Integer,
    /// A string is not Huffman-coded as it says.
    #[error("invalid Huffman code in a header block")]
    Huffman,
    /// The index 0 refers to nothing.
    #[error("header block refers to index 0")]
    Index,
}

/// Decodes the header blocks of one direction of a connection.
///
/// Give it every block, whole and in order, to [`decode`](Self::decode); say
/// [`lost`](Self::lost) where blocks may be missing between two. What it
/// remembers stays under 64 KiB, by the reckoning of RFC 7541 section 4.1.
///
/// Changes of the peer's `SETTINGS_HEADER_TABLE_SIZE` need not be told: the
/// encoder announces each change of its table in its next block (section 4.2).
#[derive(Debug)]
pub struct Decoder {
    table: Dynamic,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder that will see every block from the first.
    pub fn new() -> Self {
        Decoder { table: Dynamic::new() }
    }

    /// A decoder for a connection on which blocks have gone before.
    pub fn midway() -> Self {
        Decoder { table: Dynamic::midway() }
    }

    /// Blocks may be missing here: how far the entries known so far have moved
    /// cannot be told, so all are forgotten.
    pub fn lost(&mut self) {
        *self = Self::midway();
    }

    /// Whether every field the encoder may refer to is known.
    pub fn is_whole(&self) -> bool {
        self.table.is_whole()
    }

    /// Decodes a block, field by field.
    ///
    /// # Errors
    /// The block is broken. The fields before that point are right; what
    /// follows in the block, and what it would have added to the table, is
    /// [lost](Self::lost).
    pub fn decode(
        &mut self,
        mut block: &[u8],
        mut each: impl FnMut(Field<'_>),
    ) -> Result<(), Error> {
        while !block.is_empty() {
            if let Err(error) = self.field(&mut block, &mut each) {
                self.lost();
                return Err(error);
            }
        }
        Ok(())
    }

    fn field(&mut self, block: &mut &[u8], each: &mut impl FnMut(Field<'_>)) -> Result<(), Error> {
        let first = block.first().copied().unwrap_or_default();
        if first & 0x80 != 0 {
            match self.find(index(block, 7)?)? {
                Some((name, value)) => each(Field { name: name.known(), value: Some(value) }),
                None => each(Field { name: None, value: None }),
            }
        } else if first & 0x40 != 0 {
            let (name, value) = self.literal(block, 6)?;
            each(Field { name: name.known(), value: Some(&value) });
            self.table.insert(name, &value);
        } else if first & 0x20 != 0 {
            self.table.resize(index(block, 5)?);
        } else {
            // Not to be indexed, by this hop or by any.
            let (name, value) = self.literal(block, 4)?;
            each(Field { name: name.known(), value: Some(&value) });
        }
        Ok(())
    }

    fn literal<'a>(
        &mut self,
        block: &mut &'a [u8],
        prefix: u32,
    ) -> Result<(Name, Cow<'a, [u8]>), Error> {
        let name = match index(block, prefix)? {
            0 => Name::Sent(string(block)?.into()),
            index => self.find(index)?.map_or(Name::Unknown, |(name, _)| name),
        };
        Ok((name, string(block)?))
    }

    /// What an index refers to, if that is known.
    fn find(&mut self, index: usize) -> Result<Option<(Name, &[u8])>, Error> {
        if index == 0 {
            return Err(Error::Index);
        }
        if self.table.is_beyond(index) {
            // No encoder does this: blocks have gone by unseen, and unsaid.
            self.lost();
        }
        Ok(self.table.find(index))
    }
}

fn index(block: &mut &[u8], prefix: u32) -> Result<usize, Error> {
    // `u32` to `usize` is lossless where this runs; elsewhere it saturates.
    Ok(usize::try_from(integer::read(block, prefix)?).unwrap_or(usize::MAX))
}

/// A string literal (RFC 7541 section 5.2).
fn string<'a>(block: &mut &'a [u8]) -> Result<Cow<'a, [u8]>, Error> {
    let huffman = block.first().is_some_and(|first| first & 0x80 != 0);
    let length = index(block, 7)?;
    let (octets, rest) = block.split_at_checked(length).ok_or(Error::Truncated)?;
    *block = rest;
    if huffman { huffman::decode(octets).map(Cow::Owned) } else { Ok(Cow::Borrowed(octets)) }
}
