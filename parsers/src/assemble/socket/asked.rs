//! What a client says before it asks, and the question.

use super::elide::{Piece, elide};
use crate::websocket::Message;
use crate::{Body, BodyKind, Elided, Finding, Timestamp};

/// The messages of a client that wait for an exchange to belong to.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// JSON values, with a comma between them.
    json: Vec<u8>,
    values: usize,
    elided: Vec<Elided>,
    /// Octets as sent.
    wire: u64,
    began: Option<Timestamp>,
    /// Pieces of audio and video, and their octets as sent.
    fed: (u64, u64),
    /// Messages that did not fit any more.
    dropped: u64,
}

/// A question.
#[derive(Debug)]
pub(super) struct Question {
    /// The message, or an array of several.
    pub(super) body: Option<Body>,
    pub(super) wire: u64,
    pub(super) began: Timestamp,
    pub(super) findings: Vec<Finding>,
}

/// Base64 strings beyond this many are left out without saying where.
const HOLES: usize = 256;

impl Asked {
    pub(super) fn is_empty(&self) -> bool {
        self.values == 0 && self.fed.0 == 0 && self.dropped == 0
    }

    /// A message in JSON; of all together no more than `limit` octets are kept.
    pub(super) fn add(&mut self, message: &Message, limit: usize) {
        self.count(message);
        if self.json.len() + message.payload.len() > limit {
            self.dropped += 1;
            return;
        }
        if self.values > 0 {
            self.json.push(b',');
        }
        self.values += 1;
        elide(&message.payload, |piece| match piece {
            Piece::Kept(bytes) => self.json.extend_from_slice(bytes),
            Piece::LeftOut(bytes) if self.elided.len() < HOLES => {
                let hole = Elided { at: self.json.len(), bytes: Some(bytes), lost: false };
                self.elided.push(hole);
            }
            Piece::LeftOut(_) => {}
        });
    }

    /// A message of which only the size matters.
    pub(super) fn feed(&mut self, message: &Message) {
        self.count(message);
        self.fed.0 += 1;
        self.fed.1 = self.fed.1.saturating_add(message.wire);
    }

    fn count(&mut self, message: &Message) {
        self.wire = self.wire.saturating_add(message.wire);
        self.began.get_or_insert(message.began);
    }

    /// All that was said, as one question at `time`.
    pub(super) fn take(&mut self, time: Timestamp) -> Question {
        let Asked { mut json, values, mut elided, wire, began, fed, dropped } =
            std::mem::take(self);
        let mut findings = Vec::new();
        let mut note = |kind, detail| findings.push(Finding { kind, detail });
        if fed.0 > 0 {
            let (pieces, octets) = fed;
            note("media", format!("{pieces} pieces of audio or video, {octets} bytes as sent"));
        }
        if dropped > 0 {
            note("body_truncated", format!("{dropped} messages more than fit"));
        }
        if let Some(finding) = left_out(elided.iter().filter_map(|hole| hole.bytes).sum()) {
            findings.push(finding);
        }
        if values > 1 {
            json.insert(0, b'[');
            json.push(b']');
            elided.iter_mut().for_each(|hole| hole.at += 1);
        }
        let kind = BodyKind::of(&json);
        let body = (values > 0).then_some(Body { bytes: json, elided, kind });
        Question { body, wire, began: began.unwrap_or(time), findings }
    }
}

/// Says that base64 of so many octets was left out.
pub(super) fn left_out(octets: u64) -> Option<Finding> {
    let detail = format!("{octets} bytes of base64 (audio, images) are not kept");
    (octets > 0).then_some(Finding { kind: "base64_elided", detail })
}
