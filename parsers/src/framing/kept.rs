//! The events of a body that was kept, told again.

use super::content_type::is_json;
use super::{Framing, Outlook, Piece};
use crate::lossy::text;
use crate::protobuf::Reading;
use crate::{Exchange, Protocol};

/// Tells the events of a streamed answer again, in order: their names, where
/// their form names events, and what they say. Nothing is told of a body that
/// is not there, or not whole.
pub fn events(exchange: &Exchange, tell: &mut dyn FnMut(&str, &str)) {
    let Some(body) = exchange.response.body.as_deref().filter(|body| body.is_whole()) else {
        return;
    };
    let sent_as = crate::llm::header(&exchange.response.headers, "content-type");
    // What was translated is kept as an array; messages that no head describes are lines.
    let content_type = match (exchange.protocol, body.bytes.first()) {
        (Protocol::WebSocket | Protocol::Stdio, _) => "application/x-ndjson",
        (_, Some(b'[')) => "application/json",
        _ => sent_as.filter(|kind| !is_json(kind)).unwrap_or_default(),
    };
    let mut framing = Framing::of_response(&Outlook {
        content_type,
        coding: "",
        reading: Reading::Tree,
        array: true,
        anything: true,
        unknown: false,
        limit: body.bytes.len(),
    });
    let mut piece = |piece: Piece<'_>| match piece {
        Piece::Event { name, data } => tell(&text(name), &text(data)),
        Piece::Cut { name, data } if !data.is_empty() => tell(&text(name), &text(data)),
        _ => {}
    };
    framing.push(&body.bytes, &mut piece);
    framing.finish(&mut Vec::new(), &mut piece);
}
