//! A message of unknown type: its field numbers, and what their values look
//! like.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value, json};

use super::room::Room;
use super::wire::{Fields, Wire};

/// Reads a message, as far as it is one: field numbers are the names, a field
/// that comes more than once is an array.
pub(super) fn message(bytes: &[u8], room: &mut Room) -> Map<String, Value> {
    let mut object = Map::new();
    for field in Fields::of(bytes) {
        let Ok((number, wire)) = field else {
            room.broken = true;
            break;
        };
        if !add(&mut object, number, wire, room) {
            break;
        }
    }
    object
}

/// Adds one field; whether there was room.
pub(super) fn add(
    object: &mut Map<String, Value>,
    number: u32,
    wire: Wire<'_>,
    room: &mut Room,
) -> bool {
    if !room.take() {
        return false;
    }
    let value = value(wire, room);
    match object.get_mut(&number.to_string()) {
        Some(Value::Array(values)) => values.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
        None => {
            object.insert(number.to_string(), value);
        }
    }
    true
}

/// What a value looks like: never an array. A text where it is one, a message
/// where all of it reads as one, otherwise `{"base64": ...}`; eight or four
/// bytes as a fraction where that is of a usual size.
fn value(wire: Wire<'_>, room: &mut Room) -> Value {
    match wire {
        Wire::Varint(number) => number.into(),
        Wire::Fixed64(bits) => usual(f64::from_bits(bits)).unwrap_or_else(|| bits.into()),
        Wire::Fixed32(bits) => {
            usual(f64::from(f32::from_bits(bits))).unwrap_or_else(|| bits.into())
        }
        Wire::Bytes(bytes) => {
            let text = std::str::from_utf8(bytes).ok().filter(|text| is_text(text));
            // Field 1 begins with what is also a line break or a tab.
            let may_be_text =
                text.filter(|_| !bytes.starts_with(b"\n") && bytes[..].first() != Some(&b'\t'));
            if let Some(text) = may_be_text {
                text.into()
            } else if is_message(bytes) && !room.is_deepest() {
                let object = room.deeper(|room| message(bytes, room)).unwrap_or_default();
                Value::Object(object)
            } else if let Some(text) = text {
                text.into()
            } else {
                json!({"base64": STANDARD.encode(bytes)})
            }
        }
    }
}

fn is_text(text: &str) -> bool {
    text.chars().all(|character| !character.is_control() || "\n\r\t".contains(character))
}

/// Whether all of it reads as a message.
pub(crate) fn is_message(bytes: &[u8]) -> bool {
    Fields::of(bytes).all(|field| field.is_ok())
}

/// A fraction that somebody may have meant.
fn usual(number: f64) -> Option<Value> {
    let usual = number == 0.0 || (1e-9..1e15).contains(&number.abs());
    Number::from_f64(number).filter(|_| usual).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (Value, bool) {
        let mut room = Room::default();
        (Value::Object(message(bytes, &mut room)), room.problem().is_some())
    }

    #[test]
    fn values_are_what_they_look_like() {
        let cases: [(&[u8], Value); 12] = [
            (b"", json!({})),
            (b"\x08\x96\x01", json!({"1": 150})),
            (b"\x12\x05hello", json!({"2": "hello"})),
            (b"\x12\x00", json!({"2": ""})),
            (b"\x1a\x03\x08\x96\x01", json!({"3": {"1": 150}})),
            (b"\x1a\x0c\x0a\x0aabcdefghij", json!({"3": {"1": "abcdefghij"}})),
            (b"\x0a\x02\n\n", json!({"1": "\n\n"})),
            (b"\x0a\x03\n- ", json!({"1": "\n- "})),
            (b"\x0a\x01\xff", json!({"1": {"base64": "/w=="}})),
            (b"\x08\x01\x08\x02\x08\x03", json!({"1": [1, 2, 3]})),
            (b"\x09\0\0\0\0\0\0\xf8\x3f\x0d\0\0\0\xc0", json!({"1": [1.5, -2.0]})),
            (b"\x09\x01\0\0\0\0\0\0\0", json!({"1": 1})),
        ];
        for (bytes, expected) in cases {
            assert_eq!(read(bytes), (expected, false), "{}", bytes.escape_ascii());
        }
        assert_eq!(read(b"\x08\x01\x12\x05he"), (json!({"1": 1}), true));
    }

    #[test]
    fn depth_and_count_are_bounded() {
        let mut deep = b"\x08\x01".to_vec();
        for _ in 0..100 {
            let mut outer = vec![0x12];
            let mut length = deep.len();
            while length > 0x7F {
                outer.push(length as u8 | 0x80);
                length >>= 7;
            }
            outer.push(length as u8);
            outer.append(&mut deep);
            deep = outer;
        }
        let (value, problem) = read(&deep);
        assert!(!problem, "what is too deep is shown as bytes");
        assert!(value.to_string().contains("base64"));
        let (value, problem) = read(&b"\x08\x01".repeat(1 << 19));
        assert!(problem);
        assert_eq!(value["1"].as_array().unwrap().len(), 1 << 18);
    }
}
