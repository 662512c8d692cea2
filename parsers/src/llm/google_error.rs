//! What Google's errors tell beside their message: messages of `google.rpc` among
//! their details (<https://cloud.google.com/apis/design/errors#error_details>), in
//! JSON as ProtoJSON writes them, whichever of Google's APIs sends them; with gRPC, in
//! the field `grpc-status-details-bin`.
//!
//! - `RetryInfo`: `retryDelay`, after which another attempt may come.
//! - `QuotaFailure`: `violations`, the quotas that the request would have exceeded,
//!   each with its `quotaId` and most with the `quotaValue` that they are.
//! - `ErrorInfo`: in its `metadata`, what its `domain` likes. Code Assist (Gemini CLI)
//!   says which `model` is used up, and when it is not any more (`quotaResetDelay`,
//!   `quotaResetTimeStamp`); others which quota it was (`quota_limit`).

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use super::json;
use super::{Answer, header, parse};
use crate::headers::{self, RateLimit, duration_ms, rfc3339};
use crate::protobuf::{Reading, STATUS};

/// Violations of one error that are read.
const MOST: usize = 32;

/// Reads what an error (`{"error": {"details": [...]}}`) tells.
pub(super) fn read(body: &Value, answer: &mut Answer) {
    if let Some(error) = body.get("error") {
        read_details(error, answer);
    }
}

/// Reads what the fields around an answer of gRPC tell of its error.
pub(super) fn read_fields(fields: &[(String, String)], answer: &mut Answer) {
    let details = header(fields, "grpc-status-details-bin");
    if let Some(status) = details.and_then(|details| BASE64.decode(details.trim()).ok())
        && let Some(error) = parse(Reading::As(&STATUS).read(&status).json.as_bytes())
    {
        read_details(&error, answer);
    }
}

/// As gRPC has it: with padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn read_details(error: &Value, answer: &mut Answer) {
    for detail in json::array(error, "details") {
        let kind = json::text(detail, "@type").and_then(|kind| kind.rsplit('/').next());
        match kind {
            Some("google.rpc.RetryInfo") => {
                let delay = json::text(detail, "retryDelay").and_then(duration_ms);
                answer.retry_after_ms = delay.or(answer.retry_after_ms);
            }
            Some("google.rpc.QuotaFailure") => {
                let violations = json::array(detail, "violations").iter();
                let limits: Vec<RateLimit> = violations.filter_map(exceeded).take(MOST).collect();
                headers::merge(&mut answer.limits, &limits);
            }
            Some("google.rpc.ErrorInfo") => {
                let limit = detail.get("metadata").and_then(used_up);
                headers::merge(&mut answer.limits, limit.as_slice());
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

/// What an `ErrorInfo` says of a quota, if it is about one.
fn used_up(metadata: &Value) -> Option<RateLimit> {
    let text = |key| json::text(metadata, key);
    let resets_after_ms = text("quotaResetDelay").and_then(duration_ms);
    let resets_at = text("quotaResetTimeStamp").and_then(rfc3339);
    let resets = resets_after_ms.is_some() || resets_at.is_some();
    let name = match text("quota_limit") {
        Some(name) => name,
        None if resets => text("model").unwrap_or("quota"),
        None => return None,
    };
    Some(RateLimit {
        limit: text("quota_limit_value").and_then(|value| value.parse().ok()),
        resets_at,
        resets_after_ms,
        status: Some("exceeded".to_owned()),
        ..RateLimit::named(name)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Timestamp;

    /// A field of bytes: its number, and what it holds.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u8::try_from(bytes.len()).ok().filter(|length| *length < 0x80).unwrap();
        [&[number << 3 | 2, length], bytes].concat()
    }

    fn detail(kind: &str, message: &[u8]) -> Vec<u8> {
        let url = format!("type.googleapis.com/google.rpc.{kind}");
        let any = [field(1, url.as_bytes()), field(2, message)].concat();
        let length = any.len() as u16;
        [&[3 << 3 | 2, length as u8 | 0x80, (length >> 7) as u8], &any[..]].concat()
    }

    fn told(details: &str) -> Answer {
        let mut answer = Answer::default();
        let fields = [
            ("grpc-status".to_owned(), "8".to_owned()),
            ("Grpc-Status-Details-Bin".to_owned(), details.to_owned()),
        ];
        read_fields(&fields, &mut answer);
        answer
    }

    #[test]
    fn grpcs_details_are_read_by_their_numbers() {
        // 41 seconds and 500,000,000 nanoseconds.
        let delay = b"\x08\x29\x10\x80\xca\xb5\xee\x01";
        let violation = [field(4, b"requests"), field(5, b"PerDay"), b"\x38\x32".to_vec()].concat();
        let entry = |key: &str, value: &str| {
            field(3, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat())
        };
        let info = [
            field(1, b"RATE_LIMIT_EXCEEDED"),
            entry("model", "m"),
            entry("quotaResetDelay", "1h0.5s"),
        ]
        .concat();
        let status = [
            b"\x08\x08".to_vec(),
            field(2, b"You exceeded your quota."),
            detail("RetryInfo", &field(1, delay)),
            detail("QuotaFailure", &field(1, &violation)),
            detail("Help", b""),
            detail("ErrorInfo", &info),
        ]
        .concat();
        let exceeded =
            |name| RateLimit { status: Some("exceeded".to_owned()), ..RateLimit::named(name) };
        let expected = [
            RateLimit { limit: Some(50), ..exceeded("PerDay") },
            RateLimit { resets_after_ms: Some(3_600_500), ..exceeded("m") },
        ];
        let padded = base64::engine::general_purpose::STANDARD.encode(&status);
        for details in [&padded, padded.trim_end_matches('=')] {
            let answer = told(details);
            assert_eq!(answer.retry_after_ms, Some(41_500));
            assert_eq!(answer.limits, expected);
        }
        // As far as it goes, and nothing but what it says.
        for cut in 0..status.len() {
            let answer = told(&base64::engine::general_purpose::STANDARD.encode(&status[..cut]));
            assert!(answer.retry_after_ms.is_none_or(|ms| ms == 41_500));
            assert!(answer.limits.iter().all(|limit| expected.contains(limit)), "cut at {cut}");
        }
        assert_eq!(told("no base64!").limits, []);
        // Less than nothing, and a second that is none.
        for delay in
            [&b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"[..], b"\x10\x80\x94\xeb\xdc\x03"]
        {
            let status = detail("RetryInfo", &field(1, delay));
            let answer = told(&base64::engine::general_purpose::STANDARD.encode(status));
            assert_eq!(answer.retry_after_ms, None);
        }
    }

    #[test]
    fn error_infos_tell_what_is_used_up() {
        let limit = |metadata: Value| {
            let detail =
                json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "metadata": metadata});
            let mut answer = Answer::default();
            read(&json!({"error": {"details": [detail]}}), &mut answer);
            assert_eq!(answer.retry_after_ms, None);
            answer.limits.pop()
        };
        let exceeded =
            |name| RateLimit { status: Some("exceeded".to_owned()), ..RateLimit::named(name) };
        let code_assist = json!({"model": "gemini-3-pro", "quotaResetDelay": "83h6m40.25s",
            "quotaResetTimeStamp": "2025-01-01T00:00:00Z", "uiMessage": "true"});
        let expected = RateLimit {
            resets_after_ms: Some(299_200_250),
            resets_at: Some(Timestamp(1_735_689_600_000_000_000)),
            ..exceeded("gemini-3-pro")
        };
        assert_eq!(limit(code_assist), Some(expected));
        let unnamed = json!({"quotaResetDelay": "479.417207ms"});
        assert_eq!(
            limit(unnamed),
            Some(RateLimit { resets_after_ms: Some(479), ..exceeded("quota") })
        );
        let vertex = json!({"quota_limit": "PerMinute", "quota_limit_value": "60",
            "quota_metric": "requests", "service": "aiplatform.googleapis.com"});
        assert_eq!(limit(vertex), Some(RateLimit { limit: Some(60), ..exceeded("PerMinute") }));
        for nothing in [
            json!({"model": "m", "quotaResetDelay": "soon", "quotaResetTimeStamp": 7}),
            json!({"service": "generativelanguage.googleapis.com"}),
            json!([]),
            json!(null),
        ] {
            assert_eq!(limit(nothing), None);
        }
    }
}
