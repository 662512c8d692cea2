//! Messages whose field numbers are known, as the JSON mapping of `proto3` has
//! them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};

use super::room::Room;
use super::tree;
use super::wire::{Fields, Wire, chunk, varint};

/// A message type: its fields.
#[derive(Debug)]
pub(crate) struct Message(pub(super) &'static [Field]);

/// A field of a message.
#[derive(Debug)]
pub(super) struct Field {
    number: u32,
    name: &'static str,
    kind: Kind,
    repeated: bool,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Bool,
    /// `int32`.
    Int,
    /// `int64`: a text in JSON, as the mapping wants it.
    Long,
    Float,
    Double,
    Text,
    Bytes,
    /// The names of its values from 0 on.
    Enum(&'static [&'static str]),
    Message(&'static Message),
    /// From texts to such messages.
    Map(&'static Message),
    /// From texts to texts.
    Texts,
    /// `google.protobuf.Duration`: a text of seconds.
    Duration,
    /// `google.protobuf.Any`: a message that names its type, of these types.
    Named(&'static [(&'static str, &'static Message)]),
    /// `google.protobuf.Struct`: any JSON object.
    Struct,
    /// `google.protobuf.Value`: any JSON.
    Any,
}

/// A field that is there at most once.
pub(super) const fn one(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind, repeated: false }
}

/// A field that may come more than once.
pub(super) const fn many(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind, repeated: true }
}

impl Message {
    /// Reads a message, as far as it is one. What the type does not have is
    /// under its number, as in a tree.
    pub(super) fn read(&self, bytes: &[u8], room: &mut Room) -> Map<String, Value> {
        let mut object = Map::new();
        for field in Fields::of(bytes) {
            let Ok((number, wire)) = field else {
                room.broken = true;
                break;
            };
            let known = self.0.iter().find(|field| field.number == number);
            let added = match known.map(|field| (field, field.read(wire, room))) {
                Some((field, Some(values))) => field.add(&mut object, values, room),
                _ => {
                    room.strange = true;
                    tree::add(&mut object, number, wire, room)
                }
            };
            if !added {
                break;
            }
        }
        object
    }
}

impl Field {
    /// The values of a field: one, or those that are packed together. `None`:
    /// it is of another type.
    fn read(&self, wire: Wire<'_>, room: &mut Room) -> Option<Vec<Value>> {
        match wire {
            Wire::Bytes(mut packed) if self.repeated && self.kind.is_number() => {
                let mut values = Vec::new();
                while !packed.is_empty() && room.take() {
                    let wire = match self.kind {
                        Kind::Float => Wire::Fixed32(u32::from_le_bytes(chunk(&mut packed)?)),
                        Kind::Double => Wire::Fixed64(u64::from_le_bytes(chunk(&mut packed)?)),
                        _ => Wire::Varint(varint(&mut packed)?),
                    };
                    values.push(self.kind.read(wire, room)?);
                }
                Some(values)
            }
            wire => Some(vec![self.kind.read(wire, room)?]),
        }
    }

    /// Adds its values; whether there was room.
    fn add(&self, object: &mut Map<String, Value>, values: Vec<Value>, room: &mut Room) -> bool {
        if !room.take() {
            return false;
        }
        let place = object.entry(self.name).or_insert(Value::Null);
        for value in values {
            match (&mut *place, value) {
                (Value::Array(all), value) if self.repeated => all.push(value),
                (place, value) if self.repeated => *place = Value::Array(vec![value]),
                // An entry of a map is an object of one member.
                (Value::Object(all), Value::Object(entry)) if self.kind.is_map() => {
                    all.extend(entry);
                }
                (place, value) => *place = value,
            }
        }
        true
    }
}

impl Kind {
    fn is_number(self) -> bool {
        matches!(
            self,
            Kind::Bool | Kind::Int | Kind::Long | Kind::Float | Kind::Double | Kind::Enum(_)
        )
    }

    fn is_map(self) -> bool {
        matches!(self, Kind::Map(_) | Kind::Texts)
    }

    fn read(self, wire: Wire<'_>, room: &mut Room) -> Option<Value> {
        Some(match (self, wire) {
            (Kind::Bool, Wire::Varint(number)) => (number != 0).into(),
            // Negative ones are sent with 64 bits.
            (Kind::Int, Wire::Varint(number)) => (number as i32).into(),
            (Kind::Long, Wire::Varint(number)) => (number as i64).to_string().into(),
            (Kind::Float, Wire::Fixed32(bits)) => {
                // The shortest text that is this `f32`, not its exact value.
                let text = f32::from_bits(bits).to_string();
                fraction(text.parse().unwrap_or(f64::NAN))
            }
            (Kind::Double, Wire::Fixed64(bits)) => fraction(f64::from_bits(bits)),
            (Kind::Text, Wire::Bytes(bytes)) => std::str::from_utf8(bytes).ok()?.into(),
            (Kind::Bytes, Wire::Bytes(bytes)) => STANDARD.encode(bytes).into(),
            (Kind::Enum(names), Wire::Varint(number)) => {
                let name = usize::try_from(number).ok().and_then(|number| names.get(number));
                name.map_or_else(|| number.into(), |name| (*name).into())
            }
            (Kind::Message(message), Wire::Bytes(bytes)) => {
                Value::Object(room.deeper(|room| message.read(bytes, room))?)
            }
            (Kind::Map(message), Wire::Bytes(bytes)) => {
                let (key, value) = entry(bytes)?;
                let value = room.deeper(|room| message.read(value, room))?;
                Value::Object([(key.to_owned(), Value::Object(value))].into_iter().collect())
            }
            (Kind::Texts, Wire::Bytes(bytes)) => {
                let (key, value) = entry(bytes)?;
                let value = std::str::from_utf8(value).ok()?;
                Value::Object([(key.to_owned(), value.into())].into_iter().collect())
            }
            (Kind::Duration, Wire::Bytes(bytes)) => duration(bytes)?.into(),
            (Kind::Named(types), Wire::Bytes(bytes)) => {
                // It has the fields of a map's entry.
                let (url, value) = entry(bytes)?;
                let name = url.rsplit('/').next();
                let known = types.iter().find(|(known, _)| Some(*known) == name);
                let mut object = match known {
                    Some((_, message)) => room.deeper(|room| message.read(value, room))?,
                    None => {
                        [("value".to_owned(), STANDARD.encode(value).into())].into_iter().collect()
                    }
                };
                object.insert("@type".to_owned(), url.into());
                Value::Object(object)
            }
            (Kind::Struct, Wire::Bytes(bytes)) => {
                Value::Object(room.deeper(|room| structure(bytes, room))?)
            }
            (Kind::Any, Wire::Bytes(bytes)) => room.deeper(|room| any(bytes, room))?,
            _ => return None,
        })
    }
}

/// Key and value of an entry of a map.
fn entry(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (mut key, mut value) = ("", &b""[..]);
    for field in Fields::of(bytes) {
        match field.ok()? {
            (1, Wire::Bytes(bytes)) => key = std::str::from_utf8(bytes).ok()?,
            (2, Wire::Bytes(bytes)) => value = bytes,
            _ => {}
        }
    }
    Some((key, value))
}

/// `google.protobuf.Duration`, which is not below zero.
fn duration(bytes: &[u8]) -> Option<String> {
    let (mut seconds, mut nanos) = (0, 0);
    for field in Fields::of(bytes) {
        match field.ok()? {
            (1, Wire::Varint(number)) => seconds = i64::try_from(number).ok()?,
            (2, Wire::Varint(number)) => nanos = u32::try_from(number).ok()?,
            _ => {}
        }
    }
    (nanos < 1_000_000_000).then(|| format!("{seconds}.{nanos:09}s"))
}

/// `google.protobuf.Struct`.
fn structure(bytes: &[u8], room: &mut Room) -> Map<String, Value> {
    let mut object = Map::new();
    for field in Fields::of(bytes) {
        match field {
            Ok((1, Wire::Bytes(bytes))) if room.take() => {
                let Some((key, value)) = entry(bytes) else { continue };
                let value = room.deeper(|room| any(value, room)).unwrap_or_default();
                object.insert(key.to_owned(), value);
            }
            Ok(_) => {}
            Err(_) => room.broken = true,
        }
    }
    object
}

/// `google.protobuf.Value`.
fn any(bytes: &[u8], room: &mut Room) -> Value {
    let mut value = Value::Null;
    for field in Fields::of(bytes) {
        value = match field {
            Ok((1, _)) => Value::Null,
            Ok((2, Wire::Fixed64(bits))) => fraction(f64::from_bits(bits)),
            Ok((3, Wire::Bytes(bytes))) => String::from_utf8_lossy(bytes).into(),
            Ok((4, Wire::Varint(number))) => (number != 0).into(),
            Ok((5, Wire::Bytes(bytes))) => {
                room.deeper(|room| structure(bytes, room)).map_or(Value::Null, Value::Object)
            }
            Ok((6, Wire::Bytes(bytes))) => {
                let mut values = Vec::new();
                for field in Fields::of(bytes) {
                    if let Ok((1, Wire::Bytes(bytes))) = field
                        && room.take()
                    {
                        values.push(room.deeper(|room| any(bytes, room)).unwrap_or_default());
                    }
                }
                values.into()
            }
            Ok(_) => value,
            Err(_) => {
                room.broken = true;
                value
            }
        };
    }
    value
}

/// A number, whole ones without a fraction, as JSON from a server has them.
fn fraction(number: f64) -> Value {
    const WHOLE: f64 = (1_u64 << 53) as f64;
    if number.fract() == 0.0 && number.abs() < WHOLE {
        return (number as i64).into();
    }
    Number::from_f64(number).map_or_else(|| number.to_string().into(), Value::Number)
}
