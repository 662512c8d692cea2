//! What is left of a quota.
//!
//! - `x-ratelimit-{limit,remaining,reset}-NAME`: OpenAI and those who follow it;
//!   the reset is a duration. Others tell of something else in the same manner:
//!   [`fact::LIKE_OPENAI`].
//! - `anthropic-ratelimit-NAME-{limit,remaining,reset}`, the reset a moment; and
//!   of subscriptions `anthropic-ratelimit-unified-NAME-{utilization,reset,status}`,
//!   the utilization a fraction and the reset in seconds since 1970.
//! - `x-codex-NAME-{used-percent,window-minutes,reset-at}` of ChatGPT's plans, and
//!   `x-codex-credits-{has-credits,unlimited,balance}` of what one has bought.
//! - `x-quota-snapshot-NAME` of GitHub Copilot, like a URL's query: `ent` is what
//!   one is entitled to, `rem` the percentage that remains, `rst` the moment.
//! - `RateLimit` and `RateLimit-Policy` of the IETF and Hugging Face: [`structured`].

mod fact;
mod structured;

use std::borrow::Cow;

use self::fact::Fact;
use super::time::rfc3339;
use crate::Timestamp;

/// A limit, as a response tells it.
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
    /// `unlimited`, `has_credits` or `no_credits`. Of those that Google's errors name:
    /// `exceeded`.
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
        if structured::is_structured(&name) {
            let of_name = headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(&name));
            let told = structured::read(&name, value, of_name.count() == 1);
            told.into_iter().for_each(|(what, fact)| put(&mut limits, what.into(), fact));
        } else if let Some((what, fact)) = fact::read(&name, value.trim()) {
            put(&mut limits, what, fact);
        }
    }
    limits.retain(RateLimit::tells);
    limits
}

/// Puts a fact into the limit of this name.
fn put(limits: &mut Vec<RateLimit>, what: Cow<'_, str>, fact: Fact) {
    if let Some(known) = limits.iter_mut().find(|limit| limit.name == what) {
        fact.put(known);
    } else if limits.len() < LIMITS {
        let mut limit = RateLimit::named(what);
        fact.put(&mut limit);
        limits.push(limit);
    }
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
    /// One of which nothing is known but what it is called.
    pub(crate) fn named(name: impl Into<String>) -> Self {
        RateLimit { name: name.into(), ..RateLimit::default() }
    }

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

    /// Takes in one of three facts of Copilot's quotas, by the header's names of them,
    /// or the events'.
    pub(crate) fn snapshot(&mut self, fact: &str, value: &str) {
        match fact {
            // -1: no limit.
            "ent" | "entitlement" => self.limit = value.parse().ok(),
            "rem" | "percent_remaining" => {
                let left = value.parse::<f64>().ok();
                let left = left.filter(|left| (0.0..=100.0).contains(left));
                self.used_percent = left.map(|left| 100.0 - left);
            }
            "rst" | "reset_date" => self.resets_at = rfc3339(value),
            _ => {}
        }
    }
}

/// What a plan's limit by credits is called.
pub(crate) const CREDITS: &str = "credits";

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&str, &str)]) -> Vec<RateLimit> {
        let headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        limits(&headers)
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
                ..RateLimit::named("requests")
            },
            RateLimit {
                limit: Some(2_000_000),
                remaining: Some(1_999_000),
                resets_after_ms: Some(360_000),
                ..RateLimit::named("tokens")
            },
        ];
        assert_eq!(of(&headers), expected);
        // A gateway's: what its reset means is not known, unless it can only be a moment.
        let bare = [("x-ratelimit-limit", "20"), ("x-ratelimit-reset", "60")];
        let expected = RateLimit { limit: Some(20), ..RateLimit::named("requests") };
        assert_eq!(of(&bare), std::slice::from_ref(&expected));
        let resets_at = Some(Timestamp(1_741_305_600_000_000_000));
        for moment in ["1741305600000", "1741305600", "2025-03-07T00:00:00Z"] {
            let bare = [("x-ratelimit-limit", "20"), ("x-ratelimit-reset", moment)];
            assert_eq!(of(&bare), [RateLimit { resets_at, ..expected.clone() }], "{moment}");
            let named =
                [("x-ratelimit-limit-requests", "20"), ("x-ratelimit-reset-requests", moment)];
            assert_eq!(of(&named), [RateLimit { resets_at, ..expected.clone() }], "{moment}");
        }
    }

    #[test]
    fn those_of_others() {
        let limit =
            |name, limit, remaining| RateLimit { limit, remaining, ..RateLimit::named(name) };
        let together = [
            ("x-ratelimit-limit", "100"),
            ("x-ratelimit-remaining", "99"),
            ("x-ratelimit-reset", "1"),
            ("x-tokenlimit-limit", "3000"),
            ("x-tokenlimit-remaining", "2900"),
            ("x-tokenlimit-limit-dynamic", "5000"),
        ];
        let expected = [
            limit("requests", Some(100), Some(99)),
            limit("tokens", Some(3000), Some(2900)),
            limit("tokens-dynamic", Some(5000), None),
        ];
        assert_eq!(of(&together), expected);
        let mistral = [
            ("x-ratelimit-limit-req-minute", "60"),
            ("x-ratelimit-remaining-req-minute", "59"),
            ("x-ratelimit-tokens-query-cost", "32"),
            ("ratelimitbysize-limit", "2000"),
            ("ratelimitbysize-remaining", "1968"),
            ("ratelimitbysize-reset", "51"),
            ("ratelimitbysize-query-cost", "32"),
            ("x-ratelimitbysize-limit-month", "10000"),
        ];
        let expected = [
            limit("req-minute", Some(60), Some(59)),
            RateLimit { resets_after_ms: Some(51_000), ..limit("bysize", Some(2000), Some(1968)) },
            limit("bysize-month", Some(10_000), None),
        ];
        assert_eq!(of(&mistral), expected);
        let cohere = [
            ("x-endpoint-monthly-call-limit", "1000"),
            ("x-trial-endpoint-call-limit", "20"),
            ("x-trial-endpoint-call-remaining", "19"),
        ];
        let expected = [
            limit("endpoint-monthly-call", Some(1000), None),
            limit("trial-endpoint-call", Some(20), Some(19)),
        ];
        assert_eq!(of(&cohere), expected);
        let drafts = [("RateLimit-Limit", "10"), ("RateLimit-Reset", "5")];
        assert_eq!(of(&drafts), [limit("requests", Some(10), None)]);
    }

    #[test]
    fn azure_does_not_always_know() {
        let headers = [
            ("x-ratelimit-limit-tokens", "-1"),
            ("x-ratelimit-remaining-tokens", "-1"),
            ("x-ratelimit-reset-tokens", "0"),
            ("x-ratelimit-remaining-requests", "0"),
        ];
        assert_eq!(
            of(&headers),
            [RateLimit { remaining: Some(0), ..RateLimit::named("requests") }]
        );
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
                ..RateLimit::named("input-tokens")
            },
            RateLimit {
                resets_at: new_year,
                status: Some("allowed_warning".into()),
                ..RateLimit::named("unified")
            },
            RateLimit {
                used_percent: Some(25.0),
                resets_at: new_year,
                status: Some("allowed".into()),
                ..RateLimit::named("unified-5h")
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
                ..RateLimit::named("primary")
            },
            RateLimit { used_percent: Some(80.0), ..RateLimit::named("bengalfox-secondary") },
            RateLimit {
                status: Some("has_credits".into()),
                balance: Some("5.39".into()),
                ..RateLimit::named("credits")
            },
            RateLimit {
                limit: Some(300),
                used_percent: Some(1.5),
                resets_at: new_year,
                ..RateLimit::named("premium_interactions")
            },
            RateLimit { used_percent: Some(0.0), ..RateLimit::named("chat") },
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
