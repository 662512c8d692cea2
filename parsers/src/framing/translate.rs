//! Messages that are no text, as text: events for a dialect, and JSON to show.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::messages::{Family, Unit};
use super::{Piece, event_stream, status};
use crate::llm::parse;
use crate::lossy;
use crate::protobuf::Reading;
use crate::{ApiError, BodyKind};

/// Tells a message of an event stream; `show`: for the body, too.
pub(super) fn event(
    message: event_stream::Message<'_>,
    show: bool,
    tell: &mut dyn FnMut(Piece<'_>),
) {
    let event_stream::Message { headers, payload } = message;
    let text = std::str::from_utf8(payload).unwrap_or_default();
    match headers.text(":message-type") {
        Some("exception") => {
            let said = parse(payload);
            let said = said.as_ref().and_then(|said| {
                ["message", "Message"].iter().find_map(|key| said.get(key)?.as_str())
            });
            tell(Piece::Failed(ApiError {
                kind: headers.text(":exception-type").map(str::to_owned),
                message: said.or((!text.is_empty()).then_some(text)).map(str::to_owned),
            }));
        }
        Some("error") => tell(Piece::Failed(ApiError {
            kind: headers.text(":error-code").map(str::to_owned),
            message: headers.text(":error-message").map(str::to_owned),
        })),
        _ => {
            let name = headers.text(":event-type").unwrap_or_default();
            tell(Piece::Event { name: name.as_bytes(), data: text.as_bytes() });
        }
    }
    if show {
        let headers = Value::Object(headers.into_json());
        let payload = shown(payload);
        tell(Piece::Shown(&format!("{{\"headers\":{headers},\"payload\":{payload}}}")));
    }
}

/// Tells a message of gRPC or Connect, or what came after the last. Answers
/// what was wrong with it.
pub(super) fn unit(
    family: Family,
    reading: Option<Reading>,
    unit: Unit<'_>,
    tell: &mut dyn FnMut(Piece<'_>),
) -> Option<&'static str> {
    match (unit, reading) {
        (Unit::Message(bytes), Some(reading)) => {
            let read = reading.read(bytes);
            tell(Piece::Event { name: b"", data: read.json.as_bytes() });
            tell(Piece::Shown(&read.json));
            return read.problem;
        }
        (Unit::Message(bytes), None) => {
            tell(Piece::Event { name: b"", data: bytes });
            tell(Piece::Shown(&shown(bytes)));
        }
        (Unit::End(bytes), _) => {
            let (fields, error) = match family {
                _ if family == Family::Connect || bytes.starts_with(b"{") => {
                    let said = parse(bytes).unwrap_or_default();
                    (metadata(&said), said.get("error").and_then(status::of_connect))
                }
                _ => {
                    let fields = lines(bytes);
                    let error = status::of_fields(&fields);
                    (fields, error)
                }
            };
            if !fields.is_empty() {
                tell(Piece::Fields(fields));
            }
            if let Some(error) = error {
                tell(Piece::Failed(error));
            }
        }
    }
    None
}

/// Bytes as a JSON value: JSON as it is, text as a text, otherwise
/// `{"base64": ...}`.
fn shown(bytes: &[u8]) -> Cow<'_, str> {
    match (BodyKind::of(bytes), std::str::from_utf8(bytes)) {
        _ if bytes.is_empty() => "null".into(),
        (BodyKind::Json, Ok(json)) => json.into(),
        (_, Ok(text)) => Value::from(text).to_string().into(),
        (_, Err(_)) => format!("{{\"base64\":\"{}\"}}", STANDARD.encode(bytes)).into(),
    }
}

/// The trailers that Connect sends as JSON: an array of values for each name.
fn metadata(said: &Value) -> Vec<(String, String)> {
    let metadata = said.get("metadata").and_then(Value::as_object);
    let values = metadata.into_iter().flatten().flat_map(|(name, values)| {
        let values = values.as_array().into_iter().flatten();
        values.filter_map(|value| Some((name.clone(), value.as_str()?.to_owned())))
    });
    values.take(MOST_FIELDS).collect()
}

/// The trailers that gRPC-Web sends as lines.
fn lines(bytes: &[u8]) -> Vec<(String, String)> {
    let text = lossy::text(bytes);
    let fields = text.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
    });
    fields.take(MOST_FIELDS).collect()
}

/// More trailers than anybody sends.
const MOST_FIELDS: usize = 256;
