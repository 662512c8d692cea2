//! The headers of a message.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// The headers of a message, in the order they were sent.
#[derive(Debug)]
pub(crate) struct Headers<'a>(Vec<(&'a str, Value)>);

impl<'a> Headers<'a> {
    /// Reads all headers of a message. `None`: they are malformed.
    pub(super) fn read(mut bytes: &'a [u8]) -> Option<Self> {
        let mut headers = Vec::new();
        while !bytes.is_empty() {
            let length = take::<1>(&mut bytes)?[0];
            let name = std::str::from_utf8(split(&mut bytes, usize::from(length))?).ok()?;
            headers.push((name, value(&mut bytes)?));
        }
        Some(Headers(headers))
    }

    /// The first header of this name, if it is text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| *own == name)?.1.as_str()
    }

    /// All of them, by name.
    pub(crate) fn into_json(self) -> Map<String, Value> {
        self.0.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// A value, after its type. Bytes are `{"base64": ...}`, a timestamp is the
/// number of its milliseconds, a UUID its usual text.
fn value(bytes: &mut &[u8]) -> Option<Value> {
    Some(match take::<1>(bytes)?[0] {
        0 => true.into(),
        1 => false.into(),
        2 => i8::from_be_bytes(take(bytes)?).into(),
        3 => i16::from_be_bytes(take(bytes)?).into(),
        4 => i32::from_be_bytes(take(bytes)?).into(),
        5 | 8 => i64::from_be_bytes(take(bytes)?).into(),
        6 => json!({"base64": STANDARD.encode(sized(bytes)?)}),
        7 => std::str::from_utf8(sized(bytes)?).ok()?.into(),
        9 => {
            let hex: String = take::<16>(bytes)?.iter().map(|byte| format!("{byte:02x}")).collect();
            let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
            parts.join("-").into()
        }
        _ => return None,
    })
}

/// What a two-byte length is before.
fn sized<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u16::from_be_bytes(take(bytes)?);
    split(bytes, usize::from(length))
}

fn split<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, kind: u8, value: &[u8]) -> Vec<u8> {
        [&[name.len() as u8], name.as_bytes(), &[kind], value].concat()
    }

    #[test]
    fn all_ten_types_are_read() {
        let cases: [(u8, &[u8], Value); 11] = [
            (0, b"", json!(true)),
            (1, b"", json!(false)),
            (2, b"\xff", json!(-1)),
            (3, b"\x01\0", json!(256)),
            (4, b"\xff\xff\xff\xfe", json!(-2)),
            (5, b"\0\0\0\x01\0\0\0\0", json!(1_u64 << 32)),
            (6, b"\0\x03\0\xff\x7f", json!({"base64": "AP9/"})),
            (7, b"\0\x05hello", json!("hello")),
            (7, b"\0\0", json!("")),
            (8, b"\0\0\0\0\0\0\x30\x39", json!(12345)),
            (9, b"\0\x11\x22\x33DUfw\x88\x99\xaa\xbb\xcc\xdd\xee\xff", {
                json!("00112233-4455-6677-8899-aabbccddeeff")
            }),
        ];
        for (kind, value, expected) in cases {
            let bytes = [header("a", kind, value), header(":b", 7, b"\0\x01x")].concat();
            let headers = Headers::read(&bytes).unwrap();
            assert_eq!(headers.text(":b"), Some("x"), "type {kind}");
            assert_eq!(Value::from(headers.into_json())["a"], expected, "type {kind}");
            for cut in 1..bytes.len() - 1 {
                let whole = header("a", kind, value).len();
                assert_eq!(Headers::read(&bytes[..cut]).is_some(), cut == whole, "{kind} to {cut}");
            }
        }
        assert!(Headers::read(&header("a", 10, b"")).is_none());
        assert!(Headers::read(&header("a", 7, b"\0\x01\xff")).is_none());
        assert!(Headers::read(b"\x01\xff\0").is_none());
        assert!(Headers::read(b"").unwrap().into_json().is_empty());
    }
}
