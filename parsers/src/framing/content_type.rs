//! What a `Content-Type` says of a body's form.

use super::messages::Family;

/// Its type and subtype, without parameters (RFC 9110, section 8.3.1).
fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

fn is_any(content_type: &str, known: &[&str]) -> bool {
    let essence = essence(content_type);
    known.iter().any(|known| essence.eq_ignore_ascii_case(known))
}

/// Whether it is JSON of any kind.
pub(crate) fn is_json(content_type: &str) -> bool {
    let essence = essence(content_type).to_ascii_lowercase();
    essence == "application/json"
        || (essence.ends_with("+json") && messages(content_type).is_none())
}

/// Whether it is JSON, a value a line.
pub(crate) fn is_lines(content_type: &str) -> bool {
    let known = [
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonlines",
        "application/stream+json",
    ];
    is_any(content_type, &known)
}

/// Whether it is a stream of server-sent events.
pub(crate) fn is_events(content_type: &str) -> bool {
    is_any(content_type, &["text/event-stream"])
}

/// Whether it is an AWS event stream.
pub(crate) fn is_event_stream(content_type: &str) -> bool {
    is_any(content_type, &["application/vnd.amazon.eventstream"])
}

/// Whether it is one message of Protocol Buffers, as Connect's calls without
/// streams, and some REST APIs, have it.
pub(crate) fn is_protobuf(content_type: &str) -> bool {
    let known = [
        "application/proto",
        "application/protobuf",
        "application/x-protobuf",
        "application/vnd.google.protobuf",
    ];
    is_any(content_type, &known)
}

/// Length-prefixed messages: whose, and whether they are JSON instead of
/// Protocol Buffers.
pub(crate) fn messages(content_type: &str) -> Option<(Family, bool)> {
    let essence = essence(content_type).to_ascii_lowercase();
    let (name, codec) = essence.split_once('+').unwrap_or((&essence, "proto"));
    let family = match name {
        "application/grpc" => Family::Grpc,
        "application/grpc-web" => Family::GrpcWeb,
        "application/connect" => Family::Connect,
        _ => return None,
    };
    Some((family, codec == "json"))
}

/// Whether it is text.
pub(crate) fn is_textual(content_type: &str) -> bool {
    let content_type = content_type.to_ascii_lowercase();
    content_type.starts_with("text/") || is_json(&content_type) || is_lines(&content_type)
}

/// Whether it makes an exchange worth a look.
pub(crate) fn is_telling(content_type: &str) -> bool {
    is_json(content_type)
        || is_events(content_type)
        || is_lines(content_type)
        || is_event_stream(content_type)
        || is_protobuf(content_type)
        || messages(content_type).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_tell_the_form() {
        for content_type in ["application/json; charset=utf-8", "application/problem+json"] {
            assert!(is_json(content_type), "{content_type}");
        }
        for (content_type, expected) in [
            ("application/grpc", Some((Family::Grpc, false))),
            ("application/grpc+proto; a=b", Some((Family::Grpc, false))),
            ("application/grpc-web+proto", Some((Family::GrpcWeb, false))),
            ("application/connect+proto", Some((Family::Connect, false))),
            ("Application/Connect+JSON", Some((Family::Connect, true))),
            ("application/grpc-web-text", None),
            ("application/json", None),
        ] {
            assert_eq!(messages(content_type), expected, "{content_type}");
            let telling = expected.is_some() || content_type.ends_with("/json");
            assert_eq!(is_telling(content_type), telling, "{content_type}");
        }
        assert!(!is_json("application/connect+json"));
    }
}
