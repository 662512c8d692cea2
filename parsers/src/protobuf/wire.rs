//! The wire format, as the specification "Encoding" of Protocol Buffers has it.

/// A field's value, as far as the wire tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    /// A text, bytes, a message, or numbers packed together.
    Bytes(&'a [u8]),
}

/// The fields of a message, in order: numbers and values. Ends with an error
/// where the bytes are no field. Groups, which no `proto3` has, are none.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a>(&'a [u8]);

/// The bytes are no fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken;

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Fields(message)
    }

    fn field(&mut self) -> Option<(u32, Wire<'a>)> {
        let tag = u32::try_from(varint(&mut self.0)?).ok()?;
        let number = tag >> 3;
        let value = match tag & 7 {
            0 => Wire::Varint(varint(&mut self.0)?),
            1 => Wire::Fixed64(u64::from_le_bytes(chunk(&mut self.0)?)),
            2 => {
                let length = usize::try_from(varint(&mut self.0)?).ok()?;
                let (bytes, rest) = self.0.split_at_checked(length)?;
                self.0 = rest;
                Wire::Bytes(bytes)
            }
            5 => Wire::Fixed32(u32::from_le_bytes(chunk(&mut self.0)?)),
            _ => return None,
        };
        (number > 0).then_some((number, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Wire<'a>), Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field.ok_or(Broken))
    }
}

/// A number of seven bits a byte, lowest first; more than 64 bits are none.
pub(super) fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7F);
        if at == 9 && bits > 1 {
            return None;
        }
        number |= bits << (7 * at);
        if byte & 0x80 == 0 {
            *bytes = &bytes[at + 1..];
            return Some(number);
        }
    }
    None
}

/// The next bytes, as many as fit.
pub(super) fn chunk<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (chunk, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*chunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_specification_are_read() {
        let fields = |bytes| Fields::of(bytes).collect::<Result<Vec<_>, _>>();
        assert_eq!(fields(b"\x08\x96\x01"), Ok(vec![(1, Wire::Varint(150))]));
        assert_eq!(fields(b"\x12\x07testing"), Ok(vec![(2, Wire::Bytes(b"testing"))]));
        let nested = fields(b"\x1a\x03\x08\x96\x01");
        assert_eq!(nested, Ok(vec![(3, Wire::Bytes(b"\x08\x96\x01"))]));
        let minus_two = b"\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        assert_eq!(fields(minus_two), Ok(vec![(1, Wire::Varint(-2_i64 as u64))]));
        assert_eq!(fields(b"\x0d\x01\0\0\0"), Ok(vec![(1, Wire::Fixed32(1))]));
        assert_eq!(fields(b"\x09\x01\0\0\0\0\0\0\0"), Ok(vec![(1, Wire::Fixed64(1))]));
        assert_eq!(fields(b""), Ok(vec![]));
        for broken in [
            &b"\x08"[..],
            b"\x08\x96",
            b"\x12\x08testing",
            b"\x0d\0\0",
            b"\x0b\x0c",
            b"\x00\x01",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
            b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
            b"\xf8\xff\xff\xff\x7f\x01",
        ] {
            assert_eq!(fields(broken), Err(Broken), "{}", broken.escape_ascii());
        }
    }
}
