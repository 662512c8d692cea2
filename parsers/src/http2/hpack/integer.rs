//! Integers with a prefix (RFC 7541 section 5.1).

use super::Error;

/// Reads an integer whose first `prefix` bits are the low bits of the next
/// byte, and takes it off `input`, which on error stays as it is. Values past
/// `u32` are refused: no length or index of a header block is that large.
pub(super) fn read(input: &mut &[u8], prefix: u32) -> Result<u32, Error> {
    let (&first, mut rest) = input.split_first().ok_or(Error::Truncated)?;
    let mask = (1u32 << prefix) - 1;
    let low = u32::from(first) & mask;
    if low < mask {
        *input = rest;
        return Ok(low);
    }
    let mut value = u64::from(mask);
    // Five more bytes hold 35 bits; more would be leading zeros at best.
    for shift in (0..35).step_by(7) {
        let (&byte, after) = rest.split_first().ok_or(Error::Truncated)?;
        rest = after;
        value += u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let value = u32::try_from(value).map_err(|_| Error::Integer)?;
            *input = rest;
            return Ok(value);
        }
    }
    Err(Error::Integer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], prefix: u32, expected: Result<u32, Error>, left: usize) {
        let mut input = bytes;
        assert_eq!(read(&mut input, prefix), expected, "{bytes:x?}");
        assert_eq!(input.len(), left, "{bytes:x?}");
    }

    #[test]
    fn integers() {
        // RFC 7541, C.1.1 to C.1.3.
        check(&[0b1110_1010], 5, Ok(10), 0);
        check(&[0b0001_1111, 0b1001_1010, 0b0000_1010], 5, Ok(1337), 0);
        check(&[0b0010_1010, 7], 8, Ok(42), 1);

        check(&[0xff, 0x00], 7, Ok(127), 0);
        check(&[0xff, 0x80, 0x80, 0x80, 0x80, 0x00], 8, Ok(255), 0);
        check(&[0x7f, 0x80, 0xff, 0xff, 0xff, 0x0f], 7, Ok(u32::MAX), 0);
    }

    #[test]
    fn refused() {
        check(&[0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], 8, Err(Error::Integer), 7);
        check(&[0x7f, 0xff, 0xff, 0xff, 0xff, 0x7f], 7, Err(Error::Integer), 6);
        check(&[0x1f, 0x80], 5, Err(Error::Truncated), 2);
        check(&[], 5, Err(Error::Truncated), 0);
    }
}
