//! Figures with units: `5k`, `1.5MB`, `300ms`, `$0.01`, and ranges of them.

use std::ops::Bound;

use super::ast::Op;
use super::key::Kind;

/// From where to where.
pub(super) type Range = (Bound<f64>, Bound<f64>);

type Units = &'static [(&'static str, f64)];

const COUNT: Units = &[("", 1.0), ("k", 1e3), ("m", 1e6), ("g", 1e9)];
const BYTES: Units = &[
    ("", 1.0),
    ("b", 1.0),
    ("k", 1e3),
    ("kb", 1e3),
    ("m", 1e6),
    ("mb", 1e6),
    ("g", 1e9),
    ("gb", 1e9),
    ("kib", 1024.0),
    ("mib", 1_048_576.0),
    ("gib", 1_073_741_824.0),
];
const MILLIS: Units =
    &[("us", 1e-3), ("ms", 1.0), ("s", 1e3), ("m", 6e4), ("min", 6e4), ("h", 3.6e6)];
const DOLLARS: Units = &[("", 1.0), ("usd", 1.0)];

/// Reads what a figure is compared with.
///
/// # Errors
/// What is expected instead.
pub(super) fn range(kind: &Kind, op: Op, text: &str) -> Result<Range, String> {
    if matches!(op, Op::Has | Op::Is | Op::IsNot) {
        if let (Kind::Status(_), Some(class)) = (kind, class_of(text)) {
            return Ok((Bound::Included(class), Bound::Excluded(class + 100.0)));
        }
        if let Some((from, to)) = text.split_once("..") {
            let end = |text: &str| {
                if text.is_empty() {
                    Ok(Bound::Unbounded)
                } else {
                    figure(kind, text).map(Bound::Included)
                }
            };
            return Ok((end(from)?, end(to)?));
        }
    }
    let value = figure(kind, text)?;
    let exact = matches!(op, Op::Has | Op::Is | Op::IsNot);
    if exact && matches!(kind, Kind::Time(_) | Kind::Money(_)) {
        return Err("is measured and never exactly that: use `>`, `<`, or a range `1..2`, \
            each with its unit"
            .to_owned());
    }
    Ok(match op {
        Op::Has | Op::Is | Op::IsNot => (Bound::Included(value), Bound::Included(value)),
        Op::Less => (Bound::Unbounded, Bound::Excluded(value)),
        Op::AtMost => (Bound::Unbounded, Bound::Included(value)),
        Op::More => (Bound::Excluded(value), Bound::Unbounded),
        Op::AtLeast => (Bound::Included(value), Bound::Unbounded),
    })
}

/// A figure in the kind's own unit: one, byte, millisecond, dollar.
fn figure(kind: &Kind, text: &str) -> Result<f64, String> {
    let (units, expected) = match kind {
        Kind::Time(_) => (MILLIS, "a time with its unit: `300ms`, `2s`, `1.5m`, `1h`"),
        Kind::Bytes(_) => (BYTES, "a size: `800`, `20kB`, `1.5MB`, `2MiB`"),
        Kind::Money(_) => (DOLLARS, "dollars: `$0.01`"),
        Kind::Status(_) => (&COUNT[..1], "a status: `200`, `4xx`, `400..499`"),
        _ => (COUNT, "a number: `500`, `5k`, `1.5M`"),
    };
    let wrong = || format!("has to be {expected}");
    let digits = match kind {
        Kind::Money(_) => text.strip_prefix('$').unwrap_or(text),
        _ => text,
    };
    let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
    let (number, unit) = digits.split_at(end);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let unit = unit.to_ascii_lowercase();
    let (_, scale) = units
        .iter()
        .find(|(name, _)| *name == unit)
        // Nothing is the same in every unit.
        .or_else(|| units.first().filter(|_| unit.is_empty() && number == 0.0))
        .ok_or_else(wrong)?;
    Some(number * scale).filter(|value| value.is_finite()).ok_or_else(wrong)
}

/// `4xx`: 400.
fn class_of(text: &str) -> Option<f64> {
    let [class @ b'1'..=b'5', b'x' | b'X', b'x' | b'X'] = text.as_bytes() else { return None };
    Some(f64::from(class - b'0') * 100.0)
}
