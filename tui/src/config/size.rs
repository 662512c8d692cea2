//! Sizes in bytes, as people write them.

use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A size in bytes. Written as a number of bytes, or with a unit: `64MiB`,
/// `64M`, `1g` (all binary).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

const WHAT: &str = "a size like 64MiB";

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let shift = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 0,
            "k" | "kb" | "kib" => 10,
            "m" | "mb" | "mib" => 20,
            "g" | "gb" | "gib" => 30,
            _ => return Err(format!("not {WHAT}")),
        };
        let number: u64 = number.parse().map_err(|_| format!("not {WHAT}"))?;
        number
            .checked_shl(shift)
            .filter(|size| size >> shift == number)
            .map(Size)
            .ok_or_else(|| "too large".to_owned())
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Sizes;
        impl Visitor<'_> for Sizes {
            type Value = Size;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(WHAT)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Size, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_i64<E: Error>(self, bytes: i64) -> Result<Size, E> {
                u64::try_from(bytes).map(Size).map_err(|_| E::custom(format!("not {WHAT}")))
            }
        }
        from.deserialize_any(Sizes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let cases: &[(&str, Option<u64>)] = &[
            ("0", Some(0)),
            ("1024", Some(1024)),
            ("64MiB", Some(64 << 20)),
            ("64 mb", Some(64 << 20)),
            ("2g", Some(2 << 30)),
            ("1k", Some(1024)),
            ("", None),
            ("MiB", None),
            ("-1", None),
            ("1.5g", None),
            ("1t", None),
            ("18446744073709551615g", None),
        ];
        for (text, size) in cases {
            assert_eq!(text.parse().ok(), size.map(Size), "{text:?}");
        }
    }
}
