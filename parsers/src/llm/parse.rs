//! From bytes to a JSON value, in bounded memory.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Values that one document may hold. A value takes some hundred bytes of
/// memory and may be two bytes of JSON: without a limit, a body inside its size
/// limit would still take gigabytes. The longest agents' requests have tens of
/// thousands.
const VALUES: u32 = 1 << 20;

/// Reads one JSON document (RFC 8259). `None`: it is none, is nested deeper
/// than 128, or holds more than a million values.
///
/// Escapes of lone surrogates, which some servers send where they cut a text
/// in the middle of a character, are read as U+FFFD.
pub fn parse(json: &[u8]) -> Option<Value> {
    match read(json) {
        Ok(value) => Some(value),
        Err(_) => read(&without_lone_surrogates(json)?).ok(),
    }
}

fn read(json: &[u8]) -> serde_json::Result<Value> {
    let left = Cell::new(VALUES);
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = Bounded(&left).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads a value while values are left.
struct Bounded<'a>(&'a Cell<u32>);

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        let left =
            self.0.get().checked_sub(1).ok_or_else(|| D::Error::custom("too many values"))?;
        self.0.set(left);
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = from.next_element_seed(Bounded(self.0))? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(key) = from.next_key::<String>()? {
            members.insert(key, from.next_value_seed(Bounded(self.0))?);
        }
        Ok(Value::Object(members))
    }
}

/// The document with `\ufffd` for every escape of half a surrogate pair.
/// `None`: there is none.
fn without_lone_surrogates(json: &[u8]) -> Option<Cow<'_, [u8]>> {
    let unit = |at: usize| -> Option<u16> {
        let escape = json.get(at..at + 6)?;
        let digits = std::str::from_utf8(escape.strip_prefix(b"\\u")?).ok()?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut mended: Option<Vec<u8>> = None;
    let mut at = 0;
    while let Some(backslash) = memchr::memchr(b'\\', &json[at..]) {
        at += backslash;
        match (unit(at), unit(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at += 12,
            (Some(0xd800..=0xdfff), _) => {
                mended.get_or_insert_with(|| json.to_vec())[at..at + 6].copy_from_slice(b"\\ufffd");
                at += 6;
            }
            // The escaped character may be a backslash itself.
            _ => at = (at + 2).min(json.len()),
        }
    }
    mended.map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_read_as_themselves() {
        let cases = [
            "null",
            "[1, -2, 3.5, 1e300, 18446744073709551615, true, \"a\\n\\ud83d\\ude00\"]",
            "{\"b\": {\"a\": []}, \"a\": {}}",
        ];
        for case in cases {
            let expected: Value = serde_json::from_str(case).unwrap();
            assert_eq!(parse(case.as_bytes()), Some(expected), "{case}");
        }
        for broken in ["", "{", "[1,]", "1 2", "nul", "\"\\x\"", "\u{feff}1"] {
            assert_eq!(parse(broken.as_bytes()), None, "{broken}");
        }
        assert_eq!(parse(b"\"\xff\""), None);
    }

    #[test]
    fn half_characters_are_replaced() {
        let cases = [
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\ude00b""#, "\u{fffd}b"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
            (r#""\ud83d\\ud83d""#, "\u{fffd}\\ud83d"),
            (r#""\\\ud83dx""#, "\\\u{fffd}x"),
        ];
        for (from, to) in cases {
            assert_eq!(parse(from.as_bytes()), Some(json!(to)), "{from}");
        }
    }

    #[test]
    fn memory_is_bounded() {
        let many = format!("[{}0]", "0,".repeat(VALUES as usize - 2));
        assert!(parse(many.as_bytes()).is_some());
        let too_many = format!("[{}0]", "0,".repeat(VALUES as usize - 1));
        assert_eq!(parse(too_many.as_bytes()), None);
        assert_eq!(parse("[".repeat(1 << 20).as_bytes()), None);
        let long = format!("\"{}\"", "x, ".repeat(1 << 20));
        assert!(parse(long.as_bytes()).is_some(), "commas in text do not count");
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in any::<Vec<u8>>(), text in "[\\[\\]{}\",:\\\\ud8-f0-3]*") {
            let _ = parse(&bytes);
            let _ = parse(text.as_bytes());
        }
    }
}
