//! Figures as people read them: short, and never more exact than known.

use llmtop_parsers::{Exchange, Timestamp, Usage, UsageSource};

use crate::store::{Tally, is_cost_estimated};

/// Columns of a cost with its marks.
const COST: usize = 8;

/// A count in at most five columns: `999`, `1.2k`, `45k`, `1.2M`.
pub fn count(n: u64) -> String {
    scaled(n as f64, 1000.0, &["", "k", "M", "G", "T"])
}

/// Bytes: `999 B`, `1.2 kB`, `45 MB`.
pub fn bytes(n: u64) -> String {
    scaled(n as f64, 1000.0, &[" B", " kB", " MB", " GB", " TB"])
}

fn scaled(value: f64, step: f64, units: &[&str]) -> String {
    let mut value = value;
    let mut at = 0;
    // What would be rounded up to 1000 belongs to the next unit.
    while value >= step - 0.5 && at + 1 < units.len() {
        value /= step;
        at += 1;
    }
    let unit = units.get(at).copied().unwrap_or("");
    if at == 0 || value >= 99.95 || (value >= 9.95 && unit.len() == 1) {
        format!("{value:.0}{unit}")
    } else {
        format!("{value:.1}{unit}")
    }
}

/// Milliseconds: `0.8ms`, `351ms`, `1.8s`, `2m03s`, `1h02m`.
pub fn duration(ms: f64) -> String {
    if ms < 9.95 {
        format!("{ms:.1}ms")
    } else if ms < 999.5 {
        format!("{ms:.0}ms")
    } else if ms < 59_950.0 {
        format!("{:.1}s", ms / 1e3)
    } else if ms < 3_599_500.0 {
        let seconds = (ms / 1e3).round() as u64;
        format!("{}m{:02}s", seconds / 60, seconds % 60)
    } else {
        let minutes = (ms / 6e4) as u64;
        format!("{}h{:02}m", minutes / 60, minutes % 60)
    }
}

/// US dollars: `$0.0021`, `$1.23`, `$123`.
pub fn usd(amount: f64) -> String {
    if amount == 0.0 {
        "$0".to_owned()
    } else if amount < 0.00005 {
        "<$0.0001".to_owned()
    } else if amount < 0.099_95 {
        format!("${amount:.4}")
    } else if amount < 99.995 {
        format!("${amount:.2}")
    } else if amount < 9_999.5 {
        format!("${amount:.0}")
    } else {
        format!("${}", count(amount as u64))
    }
}

/// US dollars in a column of costs, between what marks them: as exact as there is room.
fn marked(before: &str, amount: f64, after: &str) -> String {
    let text = |decimals: usize| match 0.1_f64.powi(decimals as i32) {
        _ if amount == 0.0 || amount >= 0.099_95 => format!("{before}{}{after}", usd(amount)),
        // At least so much: no more than that it is something.
        least if amount < least / 2.0 && !after.is_empty() => format!("{before}$0{after}"),
        least if amount < least / 2.0 => format!("{before}<${least:.decimals$}"),
        _ => format!("{before}${amount:.decimals$}{after}"),
    };
    (2..4).rev().map(text).fold(text(4), |longer, text| match longer.len() > COST {
        true => text,
        false => longer,
    })
}

/// What an exchange costs; `?` where no price is known.
pub fn cost(exchange: &Exchange) -> String {
    let before = about(is_cost_estimated(exchange), "");
    exchange.cost.usd.map_or_else(|| "?".to_owned(), |sum| marked(&before, sum, ""))
}

/// A count of tokens of this usage.
pub fn tokens(n: u64, usage: &Usage) -> String {
    about(usage.source == UsageSource::Estimated, &count(n))
}

/// A count of tokens of several exchanges.
pub fn tokens_of(n: u64, tally: &Tally) -> String {
    about(tally.estimated > 0 && n > 0, &count(n))
}

/// What several exchanges cost; `?` where no price is known of any, and with a `+` where
/// that is so of some: what is known is a lower bound. `None`: none costs anything.
pub fn cost_of(tally: &Tally) -> Option<String> {
    match (tally.priced, tally.unpriced) {
        (0, 0) => None,
        (0, _) => Some("?".to_owned()),
        (_, unpriced) => {
            let before = about(tally.estimated_costs > 0, "");
            Some(marked(&before, tally.usd, if unpriced > 0 { "+" } else { "" }))
        }
    }
}

/// A figure, marked where it is an estimate: `~85`.
pub fn about(estimated: bool, figure: &str) -> String {
    format!("{}{figure}", if estimated { "~" } else { "" })
}

/// Tokens a second: `62 t/s`, `7.0 t/s`.
pub fn rate(tokens_per_second: f64) -> String {
    format!("{} t/s", rate_alone(tokens_per_second))
}

/// The same where a title says what it is.
pub fn rate_alone(tokens_per_second: f64) -> String {
    if tokens_per_second < 9.95 {
        format!("{tokens_per_second:.1}")
    } else {
        count(tokens_per_second as u64)
    }
}

/// The time of day, `utc_offset` seconds east of Greenwich: `14:03:22`.
pub fn clock(at: Timestamp, utc_offset: i32) -> String {
    let second = (at.0 / 1_000_000_000) as i64 + i64::from(utc_offset);
    let day = second.rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", day / 3600, day / 60 % 60, day % 60)
}

#[cfg(test)]
mod tests {
    use super::{COST, Tally, Timestamp, bytes, clock, cost_of, count, duration, usd};

    #[test]
    fn costs_keep_their_marks_in_a_column() {
        for (usd, estimated_costs, unpriced, want) in [
            (0.0021, 0, 0, "$0.0021"),
            (0.00001, 0, 0, "<$0.0001"),
            (0.00001, 0, 1, "$0+"),
            (0.00001, 1, 1, "~$0+"),
            (0.00001, 1, 0, "~<$0.001"),
            (0.0021, 1, 0, "~$0.0021"),
            (0.0021, 1, 1, "~$0.002+"),
            (0.0003, 1, 1, "~$0+"),
            (0.0, 1, 1, "~$0+"),
            (1234.5, 1, 1, "~$1234+"),
            (1e9, 1, 1, "~$1.0G+"),
        ] {
            let tally = Tally { usd, estimated_costs, unpriced, priced: 1, ..Tally::default() };
            assert_eq!(cost_of(&tally).as_deref(), Some(want));
            assert!(want.len() <= COST);
        }
    }

    #[test]
    fn figures_are_short() {
        for (n, want) in [
            (0, "0"),
            (999, "999"),
            (1000, "1.0k"),
            (1234, "1.2k"),
            (45_678, "46k"),
            (999_700, "1.0M"),
            (12_345_678, "12M"),
        ] {
            assert_eq!(count(n), want);
        }
        for (n, want) in
            [(5, "5 B"), (1500, "1.5 kB"), (12_345_678, "12.3 MB"), (999_999, "1.0 MB")]
        {
            assert_eq!(bytes(n), want);
        }
        for (ms, want) in [
            (0.0, "0.0ms"),
            (351.2, "351ms"),
            (1800.0, "1.8s"),
            (59_960.0, "1m00s"),
            (123_000.0, "2m03s"),
            (3_720_000.0, "1h02m"),
        ] {
            assert_eq!(duration(ms), want);
        }
        for (amount, want) in [
            (0.0, "$0"),
            (0.00001, "<$0.0001"),
            (0.0021, "$0.0021"),
            (1.234, "$1.23"),
            (1234.5, "$1234"),
        ] {
            assert_eq!(usd(amount), want);
        }
        assert_eq!(clock(Timestamp(1_700_000_000_000_000_000), 3600), "23:13:20");
    }
}
