//! Which attempt a request is, and when the next one may come.

use super::time::http_date;
use crate::Timestamp;
use crate::llm::header;

/// How often the client's library has tried before, where it says so:
/// `x-stainless-retry-count` of the SDKs that Stainless makes (OpenAI,
/// Anthropic, Groq and others), the attempt in AWS's `amz-sdk-request`.
pub(crate) fn retries(headers: &[(String, String)]) -> Option<u32> {
    if let Some(count) = header(headers, "x-stainless-retry-count") {
        return count.trim().parse().ok();
    }
    let mut members = header(headers, "amz-sdk-request")?.split(';');
    let attempt = members.find_map(|member| member.trim().strip_prefix("attempt="))?;
    attempt.trim().parse::<u32>().ok()?.checked_sub(1)
}

/// How long to wait before another attempt, in milliseconds: `retry-after-ms`,
/// else the seconds of `Retry-After` (RFC 9110, section 10.2.3), or how far its
/// date is from that of the response (`Date`), which was `answered` then by this
/// machine's clock; 0 for one that has passed.
pub(crate) fn retry_after_ms(headers: &[(String, String)], answered: Timestamp) -> Option<u64> {
    let field = |name| header(headers, name).map(str::trim);
    let number = |name| field(name)?.parse::<f64>().ok();
    let Some(ms) = number("retry-after-ms").or_else(|| Some(number("retry-after")? * 1000.0))
    else {
        let until = http_date(field("retry-after")?)?;
        // Both by the server's clock, where it tells it.
        let now = field("date").and_then(http_date).unwrap_or(answered);
        return Some(until.millis_since(now).round() as u64);
    };
    (0.0..1e15).contains(&ms).then_some(ms.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &str, value: &str) -> Vec<(String, String)> {
        vec![("accept".into(), "*/*".into()), (name.into(), value.into())]
    }

    #[test]
    fn attempts_are_counted() {
        let cases = [
            ("X-Stainless-Retry-Count", "2", Some(2)),
            ("x-stainless-retry-count", "0", Some(0)),
            ("x-stainless-retry-count", "-1", None),
            ("x-stainless-retry-count", "many", None),
            ("amz-sdk-request", "attempt=3; max=5", Some(2)),
            ("amz-sdk-request", "ttl=1; attempt=1", Some(0)),
            ("amz-sdk-request", "attempt=0", None),
            ("retry-count", "2", None),
        ];
        for (name, value, expected) in cases {
            assert_eq!(retries(&headers(name, value)), expected, "{name}: {value}");
        }
    }

    #[test]
    fn waits_are_milliseconds() {
        let cases = [
            ("retry-after", "20", Some(20_000)),
            ("Retry-After-Ms", "1500.4", Some(1500)),
            ("retry-after", "0.5", Some(500)),
            ("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT", Some(60_000)),
            ("retry-after", "Wed, 21 Oct 2026 07:26:00 GMT", Some(0)),
            ("retry-after", "tomorrow", None),
            ("retry-after", "-1", None),
            ("retry-after", "NaN", None),
            ("retry-after", "1e300", None),
        ];
        for (name, value, expected) in cases {
            let headers = headers(name, value);
            assert_eq!(retry_after_ms(&headers, ANSWERED), expected, "{name}: {value}");
        }
    }

    /// 2026-10-21 07:27:00 UTC.
    const ANSWERED: Timestamp = Timestamp(1_792_567_620_000_000_000);

    #[test]
    fn a_date_is_measured_by_the_servers_clock() {
        let mut headers = headers("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT");
        headers.push(("Date".into(), "Wed, 21 Oct 2026 07:27:30 GMT".into()));
        assert_eq!(retry_after_ms(&headers, ANSWERED), Some(30_000));
        headers[2].1 = "now".into();
        assert_eq!(retry_after_ms(&headers, ANSWERED), Some(60_000));
    }
}
