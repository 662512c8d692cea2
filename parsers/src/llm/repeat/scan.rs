//! Strings and numbers in the text of JSON.

use std::borrow::Cow;

use memchr::memchr2;

/// The length of a string's inside, up to the quote.
pub(super) fn string(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// The length of a whole number that is neither negative nor large (RFC 8259,
/// section 6).
pub(super) fn number(bytes: &[u8]) -> Option<usize> {
    let length = digits(bytes);
    let fraction = matches!(bytes.get(length), Some(b'.' | b'e' | b'E'));
    let zeros = length > 1 && bytes[0] == b'0';
    (matches!(length, 1..19) && !fraction && !zeros).then_some(length)
}

/// So many bytes at the beginning are digits.
fn digits(bytes: &[u8]) -> usize {
    leading(bytes, |word| {
        let word = word ^ all(b'0');
        // What is above nine carries into its own highest bit, and no further.
        (((word & !HIGHS) + all(0x7F - 9)) | word) & HIGHS
    })
}

/// The text that a string stands for whose opening quote the bytes begin with,
/// and the string's length, quotes included. `None`: it is none, or no text.
pub(super) fn text(bytes: &[u8]) -> Option<(Cow<'_, str>, usize)> {
    let inside = bytes.get(1..)?;
    let plain = plain(inside);
    if inside.get(plain) == Some(&b'"') {
        let text = std::str::from_utf8(&inside[..plain]).ok()?;
        return Some((Cow::Borrowed(text), plain + 2));
    }
    let length = string(inside)? + 2;
    let text = serde_json::from_slice(&bytes[..length]).ok()?;
    Some((Cow::Owned(text), length))
}

/// So many bytes at the beginning of a string's inside stand for themselves: up
/// to a quote, a backslash or a control character.
pub(super) fn plain(bytes: &[u8]) -> usize {
    leading(bytes, |word| {
        // A byte below `bound` borrows from its own highest bit, and only then from
        // those after it, which do not matter any more.
        let below = |word: u64, bound| word.wrapping_sub(all(bound)) & !word & HIGHS;
        below(word, b' ') | below(word ^ all(b'"'), 1) | below(word ^ all(b'\\'), 1)
    })
}

/// How many bytes come before the first that is marked. Eight are looked at a time,
/// the first of them lowest; `marks` sets the highest bit of each that it marks, of
/// zero among others, and may err after the first.
fn leading(bytes: &[u8], marks: impl Fn(u64) -> u64) -> usize {
    let (words, rest) = bytes.as_chunks();
    let first = |word| marks(u64::from_le_bytes(word)).trailing_zeros() as usize / 8;
    for (at, word) in words.iter().enumerate() {
        let first = first(*word);
        if first < word.len() {
            return at * word.len() + first;
        }
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    bytes.len() - rest.len() + first(last)
}

const HIGHS: u64 = all(0x80);

/// A word of eight such bytes.
const fn all(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of each kind, at each place; and what comes after them does not matter.
    fn check(scan: fn(&[u8]) -> usize, ends: fn(u8) -> bool) {
        for length in 1..20 {
            for byte in 0..=u8::MAX {
                for at in 0..length {
                    let expected = if ends(byte) { at } else { length };
                    let mut bytes = vec![b'1'; length];
                    for _ in 0..2 {
                        bytes[at] = byte;
                        assert_eq!(scan(&bytes), expected, "{}", bytes.escape_ascii());
                        bytes[at..].fill(byte);
                    }
                }
            }
        }
    }

    #[test]
    fn plain_text_ends_where_it_ends() {
        check(plain, |byte| byte < b' ' || byte == b'"' || byte == b'\\');
    }

    #[test]
    fn numbers_end_where_they_end() {
        check(digits, |byte| !byte.is_ascii_digit());
        for (text, length) in [
            ("0,", Some(1)),
            ("01", None),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("123456789012345678", Some(18)),
            ("1234567890123456789", None),
        ] {
            assert_eq!(number(text.as_bytes()), length, "{text}");
        }
    }
}
