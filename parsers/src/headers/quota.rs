//! What is left of a quota.
//!
//! - `x-ratelimit-{limit,remaining,reset}-NAME`: OpenAI and those who follow it;
//!   the reset is a duration.
//! - `anthropic-ratelimit-NAME-{limit,remaining,reset}`, the reset a moment; and
//!   of subscriptions `anthropic-ratelimit-unified-NAME-{utilization,reset,status}`,
//!   the utilization a fraction and the reset in seconds since 1970.
//! - `x-codex-NAME-{used-percent,window-minutes,reset-at}` of ChatGPT's plans, and
//!   `x-codex-credits-{has-credits,unlimited,balance}` of what one has bought.
//! - `x-quota-snapshot-NAME` of GitHub Copilot, like a URL's query: `ent` is what
//!   one is entitled to, `rem` the percentage that remains, `rst` the moment.

use super::time::{duration_ms, rfc3339, unix};
use crate::Timestamp;
use crate::llm::percent_decoded;

/// A limit, as a response's headers tell it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RateLimit {
    /// What is limited, in the API's words: `requests`, `input-tokens`,
    /// `unified-5h`, `primary`.
    pub name: String,
    /// How much there is in a period.
    pub limit: Option<u64>,
    /// How much of it is left.
    pub remaining: Option<u64>,
    /// How much of it is used, of 100.
    pub used_percent: Option<f64>,
    /// The period, in minutes.
    pub window_minutes: Option<u64>,
    /// When it begins anew.
    pub resets_at: Option<Timestamp>,
    /// When it begins anew, in milliseconds after the response.
    pub resets_after_ms: Option<u64>,
    /// How it stands, in the API's words: `allowed`, `rejected`. Of credits:
    /// `unlimited`, `has_credits` or `no_credits`.
    pub status: Option<String>,
    /// What is left of credits, as the API writes it, in units of its own.
    pub balance: Option<String>,
}

/// Limits of one response that are kept.
const LIMITS: usize = 32;

/// All limits that a response's headers tell, in the order of their first
/// headers.
pub(crate) fn limits(headers: &[(String, String)]) -> Vec<RateLimit> {
    let mut limits: Vec<RateLimit> = Vec::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        let Some((what, fact)) = read(&name, value.trim()) else {
            continue;
        };
        let known = limits.iter().position(|limit| limit.name == what);
        let at = known.unwrap_or(limits.len());
        if at == LIMITS {
            continue;
        }
        if known.is_none() {
            limits.push(RateLimit { name: what.to_owned(), ..RateLimit::default() });
        }
        set(&mut limits[at], fact);
    }
    limits.retain(RateLimit::tells);
    limits
}

/// Puts limits that were told later in the place of those of the same name.
pub(crate) fn merge(limits: &mut Vec<RateLimit>, later: &[RateLimit]) {
    for limit in later {
        match limits.iter().position(|known| known.name == limit.name) {
            Some(at) => limits[at].clone_from(limit),
            None if limits.len() < LIMITS => limits.push(limit.clone()),
            None => {}
        }
    }
}

impl RateLimit {
    /// Whether it says more than a period: Azure says -1 where it does not know.
    pub(crate) fn tells(&self) -> bool {
        let counted = self.limit.is_some() || self.remaining.is_some();
        counted || self.used_percent.is_some() || self.status.is_some() || self.balance.is_some()
    }

    /// Takes in one of three facts of credits.
    pub(crate) fn credit(&mut self, fact: &str, value: &str) {
        match (fact, value) {
            ("unlimited", "true") => self.status = Some("unlimited".to_owned()),
            ("has_credits", "true" | "false") if self.status.is_none() => {
                let status = if value == "true" { "has_credits" } else { "no_credits" };
                self.status = Some(status.to_owned());
            }
            ("balance", balance) if !balance.is_empty() => self.balance = Some(balance.to_owned()),
            _ => {}
        }
    }
}

/// What a plan's limit by credits is called.
pub(crate) const CREDITS: &str = "credits";

/// What one header tells.
enum Fact {
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

/// Of what a header tells a fact, and which.
fn read<'a>(name: &'a str, value: &str) -> Option<(&'a str, Fact)> {
    let count = || value.parse().ok();
    let percent = |factor: f64| {
        let percent = value.parse::<f64>().ok()? * factor;
        (percent.is_finite() && percent >= 0.0).then_some(percent)
    };
    if let Some(rest) = name.strip_prefix("x-ratelimit-") {
        let (fact, what) = rest.split_once('-').unwrap_or((rest, "requests"));
        let bare = !rest.contains('-');
        return Some((
            what,
            match fact {
                "limit" => Fact::Limit(count()),
                "remaining" => Fact::Remaining(count()),
                // Without a name, it is a moment for some and a duration for others.
                "reset" if !bare => Fact::ResetsAfter(duration_ms(value)),
                _ => return None,
            },
        ));
    }
    if let Some(rest) = name.strip_prefix("anthropic-ratelimit-") {
        let (what, fact) = rest.rsplit_once('-')?;
        let unified = what.starts_with("unified");
        return Some((
            what,
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
        return Some((CREDITS, Fact::Credit(fact, value.to_owned())));
    }
    if let Some(rest) = name.strip_prefix("x-codex-") {
        let facts = ["used-percent", "window-minutes", "reset-at", "reset-after-seconds"];
        let fact = facts.iter().find(|fact| rest.ends_with(**fact))?;
        let what = rest.strip_suffix(fact)?.strip_suffix('-')?;
        return Some((
            what,
            match *fact {
                "used-percent" => Fact::UsedPercent(percent(1.0)),
                "window-minutes" => Fact::WindowMinutes(count()),
                "reset-at" => Fact::ResetsAt(unix(value)),
                _ => Fact::ResetsAfter(duration_ms(value)),
            },
        ));
    }
    let what = name.strip_prefix("x-quota-snapshot-")?;
    Some((what, Fact::Snapshot(value.to_owned())))
}

fn set(limit: &mut RateLimit, fact: Fact) {
    match fact {
        Fact::Limit(count) => limit.limit = count,
        Fact::Remaining(count) => limit.remaining = count,
        Fact::UsedPercent(percent) => limit.used_percent = percent,
        Fact::WindowMinutes(minutes) => limit.window_minutes = minutes,
        Fact::ResetsAt(time) => limit.resets_at = time,
        Fact::ResetsAfter(ms) => limit.resets_after_ms = ms,
        Fact::Status(status) => limit.status = Some(status),
        Fact::Credit(fact, value) => limit.credit(fact, &value),
        Fact::Snapshot(snapshot) => set_snapshot(limit, &snapshot),
    }
}

fn set_snapshot(limit: &mut RateLimit, snapshot: &str) {
    for (key, value) in snapshot.split('&').filter_map(|pair| pair.split_once('=')) {
        match key {
            // -1: no limit.
            "ent" => limit.limit = value.parse().ok(),
            "rem" => {
                let left = value.parse::<f64>().ok();
                let left = left.filter(|left| (0.0..=100.0).contains(left));
                limit.used_percent = left.map(|left| 100.0 - left);
            }
            "rst" => limit.resets_at = rfc3339(&percent_decoded(value)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&str, &str)]) -> Vec<RateLimit> {
        let headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        limits(&headers)
    }

    fn named(name: &str) -> RateLimit {
        RateLimit { name: name.to_owned(), ..RateLimit::default() }
    }

    #[test]
    fn openais_and_those_like_it() {
        let headers = [
            ("content-type", "application/json"),
            ("X-RateLimit-Limit-Requests", "10000"),
            ("x-ratelimit-limit-tokens", "2000000"),
            ("x-ratelimit-remaining-requests", "9999"),
            ("x-ratelimit-remaining-tokens", "1999000"),
            ("x-ratelimit-reset-requests", "6ms"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ];
        let expected = [
            RateLimit {
                limit: Some(10_000),
                remaining: Some(9999),
                resets_after_ms: Some(6),
                ..named("requests")
            },
            RateLimit {
                limit: Some(2_000_000),
                remaining: Some(1_999_000),
                resets_after_ms: Some(360_000),
                ..named("tokens")
            },
        ];
        assert_eq!(of(&headers), expected);
        // A gateway's: what its reset means is not known.
        let bare = [("x-ratelimit-limit", "20"), ("x-ratelimit-reset", "1741305600000")];
        assert_eq!(of(&bare), [RateLimit { limit: Some(20), ..named("requests") }]);
    }

    #[test]
    fn azure_does_not_always_know() {
        let headers = [
            ("x-ratelimit-limit-tokens", "-1"),
            ("x-ratelimit-remaining-tokens", "-1"),
            ("x-ratelimit-reset-tokens", "0"),
            ("x-ratelimit-remaining-requests", "0"),
        ];
        assert_eq!(of(&headers), [RateLimit { remaining: Some(0), ..named("requests") }]);
    }

    #[test]
    fn anthropics() {
        let headers = [
            ("anthropic-ratelimit-input-tokens-limit", "2000000"),
            ("anthropic-ratelimit-input-tokens-remaining", "1500000"),
            ("anthropic-ratelimit-input-tokens-reset", "2025-01-01T00:00:00Z"),
            ("anthropic-ratelimit-unified-status", "allowed_warning"),
            ("anthropic-ratelimit-unified-reset", "1735689600"),
            ("anthropic-ratelimit-unified-representative-claim", "five_hour"),
            ("anthropic-ratelimit-unified-5h-utilization", "0.25"),
            ("anthropic-ratelimit-unified-5h-reset", "1735689600"),
            ("anthropic-ratelimit-unified-5h-status", "allowed"),
        ];
        let new_year = Some(Timestamp(1_735_689_600_000_000_000));
        let expected = [
            RateLimit {
                limit: Some(2_000_000),
                remaining: Some(1_500_000),
                resets_at: new_year,
                ..named("input-tokens")
            },
            RateLimit {
                resets_at: new_year,
                status: Some("allowed_warning".into()),
                ..named("unified")
            },
            RateLimit {
                used_percent: Some(25.0),
                resets_at: new_year,
                status: Some("allowed".into()),
                ..named("unified-5h")
            },
        ];
        assert_eq!(of(&headers), expected);
    }

    #[test]
    fn plans_of_codex_and_copilot() {
        let headers = [
            ("x-codex-primary-used-percent", "12.5"),
            ("x-codex-primary-window-minutes", "300"),
            ("x-codex-primary-reset-at", "1735689600"),
            ("x-codex-bengalfox-secondary-used-percent", "80"),
            ("x-codex-credits-has-credits", "true"),
            ("x-codex-credits-unlimited", "false"),
            ("x-codex-credits-balance", "5.39"),
            ("x-codex-turn-state", "opaque"),
            (
                "x-quota-snapshot-premium_interactions",
                "ent=300&ov=0.0&ovPerm=true&rem=98.5&rst=2025-01-01T00%3A00%3A00Z",
            ),
            ("x-quota-snapshot-chat", "ent=-1&rem=100.0"),
        ];
        let new_year = Some(Timestamp(1_735_689_600_000_000_000));
        let expected = [
            RateLimit {
                used_percent: Some(12.5),
                window_minutes: Some(300),
                resets_at: new_year,
                ..named("primary")
            },
            RateLimit { used_percent: Some(80.0), ..named("bengalfox-secondary") },
            RateLimit {
                status: Some("has_credits".into()),
                balance: Some("5.39".into()),
                ..named("credits")
            },
            RateLimit {
                limit: Some(300),
                used_percent: Some(1.5),
                resets_at: new_year,
                ..named("premium_interactions")
            },
            RateLimit { used_percent: Some(0.0), ..named("chat") },
        ];
        assert_eq!(of(&headers), expected);
    }

    #[test]
    fn nonsense_is_nothing_and_many_are_bounded() {
        let headers = [
            ("x-ratelimit-", "1"),
            ("x-ratelimit-limit-", "x"),
            ("x-codex--used-percent", "NaN"),
            ("anthropic-ratelimit-", "1"),
            ("x-quota-snapshot-", "&&=&rem=900&rst=%"),
            ("x-ratelimit-remaining-tokens", "99999999999999999999999"),
        ];
        assert_eq!(of(&headers), []);
        let many: Vec<(String, String)> =
            (0..1000).map(|n| (format!("x-ratelimit-limit-{n}"), "1".to_owned())).collect();
        assert_eq!(limits(&many).len(), LIMITS);
    }
}
