//! What Google's errors tell beside their message: messages of `google.rpc` among
//! their details (<https://cloud.google.com/apis/design/errors#error_details>), in
//! JSON as ProtoJSON writes them, whichever of Google's APIs sends them.
//!
//! - `RetryInfo`: `retryDelay`, after which another attempt may come.
//! - `QuotaFailure`: `violations`, the quotas that the request would have exceeded,
//!   each with its `quotaId` and most with the `quotaValue` that they are.

use serde_json::Value;

use super::Answer;
use super::json;
use crate::headers::{RateLimit, duration_ms};

/// Violations of one error that are read.
const MOST: usize = 32;

/// Reads what an error (`{"error": {"details": [...]}}`) tells.
pub(super) fn read(body: &Value, answer: &mut Answer) {
    let Some(error) = body.get("error") else { return };
    for detail in json::array(error, "details") {
        let kind = json::text(detail, "@type").and_then(|kind| kind.rsplit('/').next());
        match kind {
            Some("google.rpc.RetryInfo") => {
                let delay = json::text(detail, "retryDelay").and_then(duration_ms);
                answer.retry_after_ms = delay.or(answer.retry_after_ms);
            }
            Some("google.rpc.QuotaFailure") => {
                let violations = json::array(detail, "violations").iter();
                answer.limits = violations.filter_map(exceeded).take(MOST).collect();
            }
            _ => {}
        }
    }
}

fn exceeded(violation: &Value) -> Option<RateLimit> {
    let name = json::text(violation, "quotaId").or_else(|| json::text(violation, "quotaMetric"))?;
    // Numbers of 64 bits are strings in ProtoJSON.
    let value = json::text(violation, "quotaValue").and_then(|value| value.parse().ok());
    Some(RateLimit {
        limit: value.or_else(|| json::count(violation, "quotaValue")),
        status: Some("exceeded".to_owned()),
        ..RateLimit::named(name)
    })
}
