//! Lengths of time, as people write them.

use std::time::Duration;

const WHAT: &str = "a time like 40s, 5m or 1h; a number alone is seconds";

/// A length of time: a number of seconds, or one with a unit, as of sleep(1) and
/// systemd.time(7).
///
/// # Errors
/// What it should be.
pub fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let seconds = match unit.trim_start() {
        "ms" => 0.001,
        "" | "s" | "sec" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(format!("not {WHAT}")),
    };
    let number: f64 = number.parse().map_err(|_| format!("not {WHAT}"))?;
    Duration::try_from_secs_f64(number * seconds)
        .map_err(|_| "too long".to_owned())
        .and_then(|time| if time.is_zero() { Err("must be more than 0".into()) } else { Ok(time) })
}

#[cfg(test)]
mod tests {
    use super::{Duration, duration};

    #[test]
    fn durations() {
        let cases: &[(&str, Option<u64>)] = &[
            ("40", Some(40_000)),
            ("0.5", Some(500)),
            ("40s", Some(40_000)),
            ("250ms", Some(250)),
            ("5m", Some(300_000)),
            ("1.5 min", Some(90_000)),
            ("1h", Some(3_600_000)),
            ("2d", Some(172_800_000)),
            ("0", None),
            ("0s", None),
            ("", None),
            ("s", None),
            ("-1", None),
            ("nan", None),
            ("1e3", None),
            ("1 fortnight", None),
            ("99999999999999999999d", None),
        ];
        for (text, ms) in cases {
            assert_eq!(duration(text).ok(), ms.map(Duration::from_millis), "{text:?}");
        }
    }
}
