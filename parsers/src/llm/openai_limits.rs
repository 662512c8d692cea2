//! What is left of quotas, as the events of OpenAI's APIs tell it beside an
//! answer: `codex.rate_limits` of ChatGPT's plans, `rate_limits.updated` of the
//! Realtime API, `copilot_quota_snapshots` with an event of GitHub Copilot's that
//! ends an answer, and how long to wait, in the error of a plan that is used up.

use serde_json::Value;

use super::{Answer, json};
use crate::Timestamp;
use crate::headers::{CREDITS, RateLimit};

/// The names of such events.
pub(super) fn is_limits(kind: &str) -> bool {
    matches!(kind, "codex.rate_limits" | "rate_limits.updated")
}

/// The limits that an event tells, where it is one of those.
pub(super) fn limits(event: &Value) -> Vec<RateLimit> {
    let windows = event.get("rate_limits").map(|limits| match limits {
        Value::Array(limits) => limits.iter().filter_map(named).collect(),
        limits => limits
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, window)| of_plan(name, window))
            .collect::<Vec<_>>(),
    });
    let credits = event.get("credits").filter(|credits| credits.is_object()).map(of_credits);
    let limits = windows.into_iter().flatten().chain(credits);
    limits.filter(RateLimit::tells).take(MOST).collect()
}

/// Limits of one event that are read.
const MOST: usize = 32;

fn named(limit: &Value) -> Option<RateLimit> {
    let seconds = limit.get("reset_seconds").and_then(Value::as_f64);
    let ms = seconds.map(|seconds| seconds * 1000.0).filter(|ms| (0.0..1e15).contains(ms));
    Some(RateLimit {
        limit: json::count(limit, "limit"),
        remaining: json::count(limit, "remaining"),
        resets_after_ms: ms.map(|ms| ms.round() as u64),
        ..RateLimit::named(json::text(limit, "name")?)
    })
}

fn of_plan(name: &str, window: &Value) -> RateLimit {
    let percent = window.get("used_percent").and_then(Value::as_f64);
    let resets_at = json::count(window, "reset_at").and_then(|at| at.checked_mul(1_000_000_000));
    RateLimit {
        used_percent: percent.filter(|percent| *percent >= 0.0),
        window_minutes: json::count(window, "window_minutes"),
        resets_at: resets_at.map(Timestamp),
        ..RateLimit::named(name)
    }
}

/// Puts down what an event tells beside what it is about.
pub(super) fn told_beside(event: &Value, answer: &mut Answer) {
    if let Some(snapshots) = event.get("copilot_quota_snapshots").and_then(Value::as_object) {
        let limits = snapshots.iter().map(|(name, snapshot)| of_snapshot(name, snapshot));
        answer.limits = limits.filter(RateLimit::tells).take(MOST).collect();
    }
    if let Some(seconds) = json::count_in(event, "error", "resets_in_seconds") {
        answer.retry_after_ms = seconds.checked_mul(1000);
    }
}

fn of_snapshot(name: &str, snapshot: &Value) -> RateLimit {
    let mut limit = RateLimit::named(name);
    for fact in ["entitlement", "percent_remaining", "reset_date"] {
        limit.snapshot(fact, &snapshot.get(fact).map(json::as_text).unwrap_or_default());
    }
    limit
}

fn of_credits(credits: &Value) -> RateLimit {
    let mut limit = RateLimit::named(CREDITS);
    for fact in ["unlimited", "has_credits", "balance"] {
        limit.credit(fact, &credits.get(fact).map(json::as_text).unwrap_or_default());
    }
    limit
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_plans() {
        let event = json!({
            "type": "codex.rate_limits",
            "plan_type": "plus",
            "rate_limits": {
                "allowed": true,
                "primary": {"used_percent": 12.5, "window_minutes": 300, "reset_at": 1735689600},
                "secondary": {"used_percent": 40, "window_minutes": 10080, "reset_at": 1735776000},
            },
            "credits": {"has_credits": true, "unlimited": false, "balance": 5.39},
        });
        let window = |name, percent, minutes, at| RateLimit {
            used_percent: Some(percent),
            window_minutes: Some(minutes),
            resets_at: Some(Timestamp(at)),
            ..RateLimit::named(name)
        };
        let expected = [
            window("primary", 12.5, 300, 1_735_689_600_000_000_000),
            window("secondary", 40.0, 10_080, 1_735_776_000_000_000_000),
            RateLimit {
                status: Some("has_credits".into()),
                balance: Some("5.39".into()),
                ..RateLimit::named("credits")
            },
        ];
        assert_eq!(limits(&event), expected);
        let unlimited =
            json!({"rate_limits": null, "credits": {"unlimited": true, "has_credits": true}});
        let status = Some("unlimited".to_owned());
        assert_eq!(limits(&unlimited), [RateLimit { status, ..RateLimit::named("credits") }]);
    }

    #[test]
    fn those_beside_an_answer() {
        let event = json!({"type": "response.completed", "copilot_quota_snapshots": {
            "chat": {"entitlement": "-1", "percent_remaining": 100},
            "premium_interactions": {"entitlement": "300", "percent_remaining": 98.5,
                "overage_count": 0, "reset_date": "2025-01-01T00:00:00Z"},
            "nothing": {"entitlement": [7], "percent_remaining": -4, "reset_date": "soon"},
        }});
        let mut answer = Answer::default();
        told_beside(&event, &mut answer);
        let expected = [
            RateLimit { used_percent: Some(0.0), ..RateLimit::named("chat") },
            RateLimit {
                limit: Some(300),
                used_percent: Some(1.5),
                resets_at: Some(Timestamp(1_735_689_600_000_000_000)),
                ..RateLimit::named("premium_interactions")
            },
        ];
        assert_eq!(answer.limits, expected);
        // What tells nothing takes nothing away.
        let error = json!({"type": "usage_limit_reached", "resets_in_seconds": 8899});
        told_beside(&json!({"error": error}), &mut answer);
        told_beside(&json!({"error": "x", "copilot_quota_snapshots": 7}), &mut answer);
        assert_eq!(answer.limits, expected);
        assert_eq!(answer.retry_after_ms, Some(8_899_000));
    }

    #[test]
    fn those_of_a_session() {
        let event = json!({"type": "rate_limits.updated", "rate_limits": [
            {"name": "requests", "limit": 1000, "remaining": 999, "reset_seconds": 0.06},
            {"name": "tokens", "limit": 50000, "remaining": 49950, "reset_seconds": "soon"},
            {"limit": 1}, 7,
        ]});
        let expected = [
            RateLimit {
                limit: Some(1000),
                remaining: Some(999),
                resets_after_ms: Some(60),
                ..RateLimit::named("requests")
            },
            RateLimit {
                limit: Some(50_000),
                remaining: Some(49_950),
                ..RateLimit::named("tokens")
            },
        ];
        assert_eq!(limits(&event), expected);
    }
}
