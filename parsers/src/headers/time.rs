//! Times and durations as headers write them.

use crate::Timestamp;

/// A duration as Go prints it (`1h2m3.5s`, `12ms`), or a bare number of
/// seconds; in milliseconds.
pub(crate) fn duration_ms(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    if let Ok(seconds) = rest.parse::<f64>() {
        return whole(seconds * 1000.0);
    }
    let mut ms = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        ms += number
            * match &rest[..end] {
                "d" => 86_400_000.0,
                "h" => 3_600_000.0,
                "m" => 60_000.0,
                "s" => 1000.0,
                "ms" => 1.0,
                "us" | "µs" | "μs" => 1e-3,
                "ns" => 1e-6,
                _ => return None,
            };
        rest = &rest[end..];
    }
    whole(ms)
}

fn whole(ms: f64) -> Option<u64> {
    (0.0..1e15).contains(&ms).then_some(ms.round() as u64)
}

/// Seconds since the Unix epoch.
pub(super) fn unix(text: &str) -> Option<Timestamp> {
    Some(Timestamp(text.trim().parse::<u64>().ok()?.checked_mul(1_000_000_000)?))
}

/// A moment as RFC 3339 writes it, to the second.
pub(crate) fn rfc3339(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let mark = |at: usize, marks: &[u8]| text.as_bytes().get(at).is_some_and(|b| marks.contains(b));
    let marked = mark(4, b"-") && mark(7, b"-") && mark(10, b"Tt ");
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(marked && mark(13, b":") && mark(16, b":")) {
        return None;
    }
    let zone = text.get(19..)?.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let offset = match zone.as_bytes() {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (zone.get(1..3)?, zone.get(4..6)?);
            let minutes = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
            if *sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    moment([year, month, day], [hour, minute, second], offset)
}

/// A moment as HTTP writes it (RFC 9110, section 5.6.7): `Sun, 06 Nov 1994
/// 08:49:37 GMT`, and the two obsolete forms, of which one has two digits of the
/// year: of the years since 1970 the first one that they fit.
pub(super) fn http_date(text: &str) -> Option<Timestamp> {
    let words: Vec<&str> =
        text.split([' ', ',', '-']).filter(|word| !word.is_empty()).take(7).collect();
    let (day, month, year, time) = match words[..] {
        [_, day, month, year, time, "GMT"] => (day, month, year, time),
        [_, month, day, time, year] => (day, month, year, time),
        _ => return None,
    };
    let number = |digits: &str| -> Option<i64> {
        let all = (1..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        all.then(|| digits.parse().ok())?
    };
    let month = MONTHS.iter().position(|name| *name == month)? as i64 + 1;
    let year = match (year.len(), number(year)?) {
        (2, year) if year < 70 => 2000 + year,
        (2, year) => 1900 + year,
        (_, year) => year,
    };
    let mut clock = time.split(':').map(number);
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    moment([year, month, number(day)?], [hour, minute, second], 0)
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A date and a time of day, so many minutes ahead of UTC.
fn moment(date: [i64; 3], time: [i64; 3], offset: i64) -> Option<Timestamp> {
    let ([year, month, day], [hour, minute, second]) = (date, time);
    let sane = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60;
    if !sane || second > 60 {
        return None;
    }
    let seconds = (days(year, month, day) * 24 + hour) * 3600 + minute * 60 + second - offset * 60;
    u64::try_from(seconds).ok()?.checked_mul(1_000_000_000).map(Timestamp)
}

/// Days from 1970-01-01 to a day of the Gregorian calendar: those of the whole
/// years before, counted from March, so that a leap day is a year's last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let of_years = year * 365 + year / 4 - year / 100 + year / 400;
    let of_months = (153 * ((month + 9) % 12) + 2) / 5;
    of_years + of_months + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_in_go_and_in_seconds() {
        let cases = [
            ("12ms", Some(12)),
            ("1s", Some(1000)),
            ("6m0s", Some(360_000)),
            ("1h2m3.5s", Some(3_723_500)),
            ("2m59.56s", Some(179_560)),
            ("17.6µs", Some(0)),
            ("1d1h", Some(90_000_000)),
            ("33011.382", Some(33_011_382)),
            ("0", Some(0)),
            ("", None),
            ("-1", None),
            ("s", None),
            ("1x", None),
            ("1.2.3s", None),
            ("99999999999999999999h", None),
            ("1m2", None),
        ];
        for (text, expected) in cases {
            assert_eq!(duration_ms(text), expected, "{text}");
        }
    }

    #[test]
    fn moments() {
        let seconds = |text| rfc3339(text).map(|time| time.0 / 1_000_000_000);
        let cases = [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2024-02-29T12:30:45Z", Some(1_709_209_845)),
            ("2000-03-01T00:00:00.123456Z", Some(951_868_800)),
            ("2025-01-01T01:00:00+01:00", Some(1_735_689_600)),
            ("2024-12-31T22:30:00-01:30", Some(1_735_689_600)),
            ("2025-01-01 00:00:00Z", Some(1_735_689_600)),
            ("2025-01-01T00:00:00", None),
            ("2025-13-01T00:00:00Z", None),
            ("2025-01-01", None),
            ("1969-12-31T23:59:59Z", None),
            ("20250-1-01T00:00:00Z", None),
            ("2025-01-01T00:00:0éZ", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(seconds(text), expected, "{text}");
        }
        assert_eq!(unix("1735689600"), rfc3339("2025-01-01T00:00:00Z"));
        assert_eq!(unix("soon"), None);
        assert_eq!(unix("18446744073709551615"), None);
    }

    /// RFC 9110 section 5.6.7: the same moment in all three forms.
    #[test]
    fn moments_of_http() {
        let moment = Some(Timestamp(784_111_777_000_000_000));
        let cases = [
            ("Sun, 06 Nov 1994 08:49:37 GMT", moment),
            ("Sunday, 06-Nov-94 08:49:37 GMT", moment),
            ("Sun Nov  6 08:49:37 1994", moment),
            ("Tue, 01-Jan-30 00:00:00 GMT", Some(Timestamp(1_893_456_000_000_000_000))),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sun, 06 Nov 1994 08:49 GMT", None),
            ("Sun, 06 Now 1994 08:49:37 GMT", None),
            ("Sun, 32 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 24:49:37 GMT", None),
            ("Sun, +6 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 99999 08:49:37 GMT", None),
            ("Sun, 06 Nov 1901 08:49:37 GMT", None),
            ("120", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(http_date(text), expected, "{text}");
        }
    }
}
