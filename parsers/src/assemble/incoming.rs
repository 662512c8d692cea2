//! A message body on its way in: decoded, and kept within its budget.

use crate::body::Keeper;
use crate::decode::Decoder;
use crate::http1::{Head, content_codings};
use crate::{Body, Finding, Limits};

/// Receives one body.
#[derive(Debug)]
pub(crate) struct Incoming {
    decoder: Decoder,
    keeper: Keeper,
    /// Bytes before decoding, those lost included.
    wire: u64,
    torn: bool,
}

impl Incoming {
    pub(crate) fn new(head: &Head, limits: &Limits) -> Self {
        let codings = content_codings(head);
        // Text of LLM APIs arrives compressed without saying so; an archive
        // that somebody downloads is to stay one.
        let sniff = head.values("content-type").next().is_none_or(is_textual);
        Incoming {
            decoder: Decoder::new(&codings, sniff, limits.body as u64),
            keeper: Keeper::new(limits.body),
            wire: 0,
            torn: false,
        }
    }

    /// Bytes before decoding.
    pub(crate) fn wire(&self) -> u64 {
        self.wire
    }

    /// What was decoded first.
    pub(crate) fn head(&self) -> &[u8] {
        self.keeper.head()
    }

    /// `sink` gets what `bytes` decode to.
    pub(crate) fn push(&mut self, bytes: &[u8], mut sink: impl FnMut(&[u8])) {
        self.wire = self.wire.saturating_add(bytes.len() as u64);
        let keeper = &mut self.keeper;
        self.decoder.push(bytes, &mut |decoded| {
            keeper.push(decoded);
            sink(decoded);
        });
    }

    /// So many bytes, as sent, are missing here; `None`: nobody knows how
    /// many. Whether what follows can still be decoded.
    pub(crate) fn hole(&mut self, lost: Option<u64>) -> bool {
        self.wire = self.wire.saturating_add(lost.unwrap_or(0));
        self.torn = true;
        if self.decoder.is_identity() {
            self.keeper.hole(lost);
            return true;
        }
        if !self.decoder.is_dead() {
            self.keeper.hole(None);
        }
        self.decoder.hole();
        false
    }

    /// The body is over; `whole`: as its framing says.
    pub(crate) fn finish(
        mut self,
        whole: bool,
        findings: &mut Vec<Finding>,
        mut sink: impl FnMut(&[u8]),
    ) -> Option<Body> {
        let keeper = &mut self.keeper;
        self.decoder.finish(whole && !self.torn, &mut |decoded| {
            keeper.push(decoded);
            sink(decoded);
        });
        if self.decoder.is_dead() && !self.torn {
            self.keeper.undecoded();
        }
        if let Some(problem) = self.decoder.problem() {
            findings.push(Finding { kind: "content_encoding", detail: problem.into() });
        }
        let dropped = self.keeper.dropped();
        if dropped > 0 {
            let detail = format!("{dropped} bytes between head and tail are not kept");
            findings.push(Finding { kind: "body_truncated", detail });
        }
        self.keeper.finish()
    }
}

/// Whether a content type is that of text.
fn is_textual(content_type: &str) -> bool {
    let content_type = content_type.to_ascii_lowercase();
    content_type.starts_with("text/") || is_json(&content_type) || is_lines(&content_type)
}

/// Whether a content type is JSON of any kind.
pub(crate) fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
        || essence.to_ascii_lowercase().ends_with("+json")
}

/// Whether a content type is JSON, a value a line.
pub(crate) fn is_lines(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    [
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonlines",
        "application/stream+json",
    ]
    .iter()
    .any(|known| essence.eq_ignore_ascii_case(known))
}

/// Whether a content type is a stream of server-sent events.
pub(crate) fn is_events(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("text/event-stream")
}
