//! Errors that gRPC and Connect tell outside their messages.

use serde_json::Value;

use crate::ApiError;
use crate::llm::{header, percent_decoded};

/// The names of gRPC's status codes, from 0 on ("Status codes and their use in
/// gRPC").
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The error that `grpc-status` and `grpc-message` tell, if it is one.
pub(crate) fn of_fields(fields: &[(String, String)]) -> Option<ApiError> {
    let status = header(fields, "grpc-status")?.trim();
    let name = status.parse::<usize>().ok().and_then(|code| CODES.get(code));
    let kind = match name {
        Some(&"OK") => return None,
        Some(name) => (*name).to_owned(),
        None => format!("grpc-status {status}"),
    };
    // Percent-encoded, so that it may hold any text.
    let message = header(fields, "grpc-message").map(percent_decoded);
    Some(ApiError { kind: Some(kind), message })
}

/// The error that a JSON object of Connect tells, itself or as its `error`.
pub(crate) fn of_connect(body: &Value) -> Option<ApiError> {
    let error = body.get("error").unwrap_or(body);
    let text = |key| error.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(ApiError { kind: Some(text("code")?), message: text("message") })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_tell_errors() {
        let told = |status: &str, message: &str| {
            let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            of_fields(&[field("Grpc-Status", status), field("grpc-message", message)])
        };
        let error = |kind: &str, message: &str| {
            Some(ApiError { kind: Some(kind.into()), message: Some(message.into()) })
        };
        assert_eq!(told("0", ""), None);
        assert_eq!(told("8", "quota%20used%2"), error("RESOURCE_EXHAUSTED", "quota used%2"));
        assert_eq!(told("16", "%e2%82%AC%"), error("UNAUTHENTICATED", "€%"));
        assert_eq!(told("99", "x"), error("grpc-status 99", "x"));
        assert_eq!(of_fields(&[]), None);
        let body = json!({"error": {"code": "unavailable", "message": "later"}, "metadata": {}});
        assert_eq!(of_connect(&body), error("unavailable", "later"));
        assert_eq!(of_connect(&body["error"]), error("unavailable", "later"));
        assert_eq!(of_connect(&json!({"metadata": {}})), None);
    }
}
