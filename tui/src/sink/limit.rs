//! What is left of a quota, as JSON.

use llmtop_parsers::RateLimit;
use serde::Serialize;

use super::json::rfc3339;

/// A limit as the contract has it.
#[derive(Serialize)]
pub(super) struct LimitObject<'a> {
    name: &'a str,
    limit: Option<u64>,
    remaining: Option<u64>,
    used_percent: Option<f64>,
    window_minutes: Option<u64>,
    resets_at: Option<String>,
    resets_after_ms: Option<u64>,
    status: Option<&'a str>,
    balance: Option<&'a str>,
}

impl<'a> LimitObject<'a> {
    pub(super) fn new(limit: &'a RateLimit) -> Self {
        LimitObject {
            name: &limit.name,
            limit: limit.limit,
            remaining: limit.remaining,
            used_percent: limit.used_percent,
            window_minutes: limit.window_minutes,
            resets_at: limit.resets_at.map(rfc3339),
            resets_after_ms: limit.resets_after_ms,
            status: limit.status.as_deref(),
            balance: limit.balance.as_deref(),
        }
    }
}
