//! What one header tells of a quota.

use std::borrow::Cow;

use super::{CREDITS, RateLimit};
use crate::Timestamp;
use crate::headers::time::{duration_ms, rfc3339, unix};
use crate::llm::percent_decoded;

/// What one header tells.
pub(super) enum Fact {
    Limit(Option<u64>),
    Remaining(Option<u64>),
    UsedPercent(Option<f64>),
    WindowMinutes(Option<u64>),
    ResetsAt(Option<Timestamp>),
    ResetsAfter(Option<u64>),
    Status(String),
    Credit(&'static str, String),
    Snapshot(String),
}

/// How the headers of a family begin, and what those of them are about that do not
/// name it; those that do mean something of it, but for OpenAI's own.
pub(super) const LIKE_OPENAI: [(&str, &str); 7] = [
    ("x-ratelimit-", "requests"),
    // Drafts of the IETF.
    ("ratelimit-", "requests"),
    ("x-tokenlimit-", "tokens"),    // Together
    ("ratelimitbysize-", "bysize"), // Mistral: tokens
    ("x-ratelimitbysize-", "bysize"),
    ("x-trial-endpoint-call-", "trial-endpoint-call"), // Cohere
    ("x-endpoint-monthly-call-", "endpoint-monthly-call"),
];

/// Of what a header tells a fact, and which.
pub(super) fn read<'a>(name: &'a str, value: &str) -> Option<(Cow<'a, str>, Fact)> {
    let count = || value.parse().ok();
    let percent = |factor: f64| {
        let percent = value.parse::<f64>().ok()? * factor;
        (percent.is_finite() && percent >= 0.0).then_some(percent)
    };
    let family = |(prefix, about)| Some((about, name.strip_prefix(prefix)?));
    if let Some((about, rest)) = LIKE_OPENAI.into_iter().find_map(family) {
        let (fact, of) = rest.split_once('-').map_or((rest, None), |(fact, of)| (fact, Some(of)));
        let what = match (about, of) {
            ("requests", Some(of)) => of.into(),
            (about, Some(of)) => format!("{about}-{of}").into(),
            (about, None) => about.into(),
        };
        return Some((
            what,
            match fact {
                "limit" => Fact::Limit(count()),
                "remaining" => Fact::Remaining(count()),
                "reset" => match moment(value) {
                    Some(moment) => Fact::ResetsAt(Some(moment)),
                    // Without a name, its unit is anybody's guess.
                    None if of.is_none() && about != "bysize" => return None,
                    None => Fact::ResetsAfter(duration_ms(value)),
                },
                _ => return None,
            },
        ));
    }
    if let Some(rest) = name.strip_prefix("anthropic-ratelimit-") {
        let (what, fact) = rest.rsplit_once('-')?;
        let unified = what.starts_with("unified");
        return Some((
            what.into(),
            match fact {
                "limit" => Fact::Limit(count()),
                "remaining" => Fact::Remaining(count()),
                "reset" if unified => Fact::ResetsAt(unix(value)),
                "reset" => Fact::ResetsAt(rfc3339(value)),
                "utilization" => Fact::UsedPercent(percent(100.0)),
                "status" => Fact::Status(value.to_owned()),
                _ => return None,
            },
        ));
    }
    if let Some(fact) = name.strip_prefix("x-codex-credits-") {
        let facts = ["has-credits", "unlimited", "balance"];
        let fact = facts.into_iter().find(|known| *known == fact)?;
        let fact = if fact == "has-credits" { "has_credits" } else { fact };
        return Some((CREDITS.into(), Fact::Credit(fact, value.to_owned())));
    }
    if let Some(rest) = name.strip_prefix("x-codex-") {
        let facts = ["used-percent", "window-minutes", "reset-at", "reset-after-seconds"];
        let fact = facts.iter().find(|fact| rest.ends_with(**fact))?;
        let what = rest.strip_suffix(fact)?.strip_suffix('-')?;
        return Some((
            what.into(),
            match *fact {
                "used-percent" => Fact::UsedPercent(percent(1.0)),
                "window-minutes" => Fact::WindowMinutes(count()),
                "reset-at" => Fact::ResetsAt(unix(value)),
                _ => Fact::ResetsAfter(duration_ms(value)),
            },
        ));
    }
    let what = name.strip_prefix("x-quota-snapshot-")?;
    Some((what.into(), Fact::Snapshot(value.to_owned())))
}

/// A moment, if it is no duration: as RFC 3339 writes it, or since the Unix epoch, in
/// seconds (as DigitalOcean does) or milliseconds. No quota lasts 30 years.
fn moment(value: &str) -> Option<Timestamp> {
    const YEARS_30: u64 = 1_000_000_000;
    match value.trim().parse::<u64>() {
        Ok(number) if number >= YEARS_30 * 1000 => number.checked_mul(1_000_000).map(Timestamp),
        Ok(number) if number >= YEARS_30 => unix(value),
        Ok(_) => None,
        Err(_) => rfc3339(value),
    }
}

impl Fact {
    /// Puts it where it belongs.
    pub(super) fn put(self, limit: &mut RateLimit) {
        match self {
            Fact::Limit(count) => limit.limit = count,
            Fact::Remaining(count) => limit.remaining = count,
            Fact::UsedPercent(percent) => limit.used_percent = percent,
            Fact::WindowMinutes(minutes) => limit.window_minutes = minutes,
            Fact::ResetsAt(time) => limit.resets_at = time,
            Fact::ResetsAfter(ms) => limit.resets_after_ms = ms,
            Fact::Status(status) => limit.status = Some(status),
            Fact::Credit(fact, value) => limit.credit(fact, &value),
            Fact::Snapshot(snapshot) => {
                let facts = snapshot.split('&').filter_map(|pair| pair.split_once('='));
                facts.for_each(|(fact, value)| limit.snapshot(fact, &percent_decoded(value)));
            }
        }
    }
}
