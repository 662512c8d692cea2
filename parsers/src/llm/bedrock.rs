//! What the dialects of Amazon Bedrock share.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{header, json, parse};
use crate::ApiError;
use crate::usage::{Convention, Reported};

/// What `InvokeModelWithResponseStream` wraps each event of the model's own API
/// in: `{"bytes": BASE64, "p": PADDING}`, under the event name `chunk`.
pub(crate) fn unwrap_chunk(name: &[u8], data: &[u8]) -> Option<String> {
    if name != b"chunk" {
        return None;
    }
    let chunk = parse(data)?;
    let bytes = STANDARD.decode(json::text(&chunk, "bytes")?).ok()?;
    String::from_utf8(bytes).ok()
}

/// Figures that Bedrock itself adds to the last event of a stream.
pub(super) fn metrics(event: &Value) -> Option<Reported> {
    let metrics = event.get("amazon-bedrock-invocationMetrics")?;
    Some(Reported {
        convention: Convention::BEDROCK_CONVERSE,
        input: json::count(metrics, "inputTokenCount"),
        output: json::count(metrics, "outputTokenCount"),
        cache_read: json::count(metrics, "cacheReadInputTokenCount"),
        cache_write: json::count(metrics, "cacheWriteInputTokenCount"),
        ..Reported::default()
    })
}

/// Figures that Bedrock tells in the headers of an answer that is no stream.
pub(crate) fn counted_by_headers(headers: &[(String, String)]) -> Option<Reported> {
    let count = |name| header(headers, name)?.trim().parse().ok();
    let reported = Reported {
        convention: Convention::BEDROCK_CONVERSE,
        input: count("x-amzn-bedrock-input-token-count"),
        output: count("x-amzn-bedrock-output-token-count"),
        cache_read: count("x-amzn-bedrock-cache-read-input-token-count"),
        cache_write: count("x-amzn-bedrock-cache-write-input-token-count"),
        ..Reported::default()
    };
    (reported.input.is_some() || reported.output.is_some()).then_some(reported)
}

/// The operation `CountTokens`, as paths name it.
pub(super) const COUNT: &str = "count-tokens";

/// What is counted: the request of this call, as `CountTokens` holds it
/// (`converse` or `invokeModel`).
pub(super) fn to_count<'a>(body: &'a Value, of: &str) -> Option<&'a Value> {
    body.get("input")?.get(of).filter(|request| request.is_object())
}

/// The answer to `CountTokens`, which is nothing else.
pub(super) fn counted(body: &Value) -> Reported {
    Reported { input: json::count(body, "inputTokens"), ..Reported::default() }
}

/// The error of an AWS API: its type is in a header (`Type:URL`) or in the body
/// (`Prefix#Type`).
pub(crate) fn error(headers: &[(String, String)], body: Option<&Value>) -> Option<ApiError> {
    let of_body = body.and_then(|body| json::text(body, "__type"));
    let kind = header(headers, "x-amzn-errortype").or(of_body)?;
    let kind = kind.rsplit('#').next().unwrap_or(kind);
    let kind = kind.split(':').next().unwrap_or(kind);
    let message =
        body.and_then(|body| json::owned(body, "message").or_else(|| json::owned(body, "Message")));
    Some(ApiError { kind: Some(kind.to_owned()), message })
}

/// The model that a path (`/model/MODEL/CALL`) names, and the call. Of an ARN
/// that names a model or an inference profile of the system, that name; others
/// stay whole, as their last part is an account's own.
pub(super) fn model_and_call(path: &str) -> Option<(String, &str)> {
    let (_, rest) = path.split_once("/model/")?;
    let (model, call) = rest.trim_end_matches('/').rsplit_once('/')?;
    let model = json::percent_decoded(model);
    let named = ["inference-profile/", "foundation-model/"].iter().find_map(|kind| {
        let (arn, name) = model.split_once(kind)?;
        (arn.starts_with("arn:") && arn.ends_with(':')).then(|| name.to_owned())
    });
    let model = named.unwrap_or(model);
    (!model.is_empty()).then_some((model, call))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_name_models() {
        let cases = [
            ("/model/amazon.nova-lite-v1:0/converse", Some(("amazon.nova-lite-v1:0", "converse"))),
            (
                "/model/us.anthropic.claude-sonnet-4-20250514-v1%3A0/invoke",
                Some(("us.anthropic.claude-sonnet-4-20250514-v1:0", "invoke")),
            ),
            (
                "/proxy/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Feu.x.y-v1%3A0/converse-stream",
                Some(("eu.x.y-v1:0", "converse-stream")),
            ),
            (
                "/model/arn:aws:bedrock:us-east-1:1:application-inference-profile/a1/converse",
                Some(("arn:aws:bedrock:us-east-1:1:application-inference-profile/a1", "converse")),
            ),
            ("/model/", None),
            ("/model//converse", None),
            ("/models/x/converse", None),
        ];
        for (path, expected) in cases {
            let found = model_and_call(path);
            assert_eq!(found.as_ref().map(|(model, call)| (&model[..], *call)), expected, "{path}");
        }
    }

    #[test]
    fn chunks_are_unwrapped() {
        let chunk = br#"{"bytes":"eyJhIjoxfQ==","p":"abc"}"#;
        assert_eq!(unwrap_chunk(b"chunk", chunk).as_deref(), Some(r#"{"a":1}"#));
        assert_eq!(unwrap_chunk(b"", chunk), None);
        for broken in [r#"{"bytes":"/w=="}"#, r#"{"bytes":"?"}"#, r#"{"bytes":1}"#, "{"] {
            assert_eq!(unwrap_chunk(b"chunk", broken.as_bytes()), None, "{broken}");
        }
    }

    #[test]
    fn errors_are_named() {
        let headers = |kind: &str| vec![("X-Amzn-ErrorType".to_owned(), kind.to_owned())];
        let body = json!({"message": "slow down"});
        let expected = Some(ApiError {
            kind: Some("ThrottlingException".into()),
            message: Some("slow down".into()),
        });
        for kind in ["ThrottlingException", "ThrottlingException:http://internal.amazon.com/x/"] {
            assert_eq!(error(&headers(kind), Some(&body)), expected, "{kind}");
        }
        let body = json!({"__type": "com.amazon#ThrottlingException", "Message": "slow down"});
        assert_eq!(error(&[], Some(&body)), expected);
        assert_eq!(error(&[], Some(&json!({"message": "?"}))), None);
    }
}
