//! A message body on its way in: decoded, cut, and kept within its budget.

use crate::body::Keeper;
use crate::decode::Decoder;
use crate::framing::content_type::is_textual;
use crate::framing::{Framing, Piece};
use crate::http1::{Head, content_codings};
use crate::{Body, Finding, Limits};

/// Receives one body: undoes its codings, cuts it into pieces, keeps it.
#[derive(Debug)]
pub(crate) struct Incoming {
    decoder: Decoder,
    framing: Framing,
    keeper: Keeper,
    /// Pieces that are kept in the body's stead.
    shown: u64,
    budget: usize,
    /// Bytes before decoding, those lost included.
    wire: u64,
    torn: bool,
}

impl Incoming {
    pub(crate) fn new(head: &Head, framing: Framing, limits: &Limits) -> Self {
        let codings = content_codings(head);
        // Text of LLM APIs arrives compressed without saying so; an archive
        // that somebody downloads is to stay one.
        let sniff = head.values("content-type").next().is_none_or(is_textual);
        // An array's brackets come on top of what is in it.
        let brackets = if framing.is_translated() { 2 } else { 0 };
        Incoming {
            decoder: Decoder::new(&codings, sniff, limits.body as u64),
            framing,
            keeper: Keeper::new(limits.body.saturating_sub(brackets)),
            shown: 0,
            budget: limits.body,
            wire: 0,
            torn: false,
        }
    }

    /// Bytes before decoding.
    pub(crate) fn wire(&self) -> u64 {
        self.wire
    }

    /// Whether it comes in pieces.
    pub(crate) fn is_stream(&self) -> bool {
        self.framing.is_stream()
    }

    /// Whether it is an envelope of messages, of one perhaps.
    pub(crate) fn is_envelope(&self) -> bool {
        self.framing.is_envelope()
    }

    /// Whether only its content made it a stream.
    pub(crate) fn is_guess(&self) -> bool {
        self.framing.is_guess()
    }

    /// `tell` gets the pieces that end within `bytes`.
    pub(crate) fn push(&mut self, bytes: &[u8], mut tell: impl FnMut(Piece<'_>)) {
        self.wire = self.wire.saturating_add(bytes.len() as u64);
        let Incoming { decoder, framing, keeper, shown, .. } = self;
        decoder.push(bytes, &mut |decoded| take(decoded, framing, keeper, shown, &mut tell));
    }

    /// No more comes that could tell what form it has.
    fn settle(&mut self) {
        let Incoming { framing, keeper, .. } = self;
        framing.settle(&mut |piece| {
            if let Piece::Raw(bytes) = piece {
                keeper.push(bytes);
            }
        });
    }

    /// So many bytes, as sent, are missing here; `None`: nobody knows how
    /// many. Whether what follows can still be decoded.
    pub(crate) fn hole(&mut self, lost: Option<u64>) -> bool {
        self.wire = self.wire.saturating_add(lost.unwrap_or(0));
        self.torn = true;
        let identity = self.decoder.is_identity();
        self.settle();
        self.framing.hole(lost.filter(|_| identity));
        if identity {
            self.keeper.hole(lost.filter(|_| !self.framing.is_translated()));
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
        mut tell: impl FnMut(Piece<'_>),
    ) -> Option<Body> {
        let Incoming { decoder, framing, keeper, shown, torn, .. } = &mut self;
        decoder.finish(whole && !*torn, &mut |decoded| {
            take(decoded, framing, keeper, shown, &mut tell);
        });
        if self.decoder.is_dead() && !self.torn {
            self.keeper.undecoded();
        }
        if let Some(problem) = self.decoder.problem() {
            findings.push(Finding { kind: "content_encoding", detail: problem.into() });
        }
        self.settle();
        let mut body = self.keeper.finish(findings);
        if let Some(body) = &mut body {
            if self.framing.is_translated() {
                body.enclose(self.shown != 1 || !self.framing.is_envelope());
            } else if body.is_whole()
                && let Some(json) = self.framing.read(&body.bytes)
            {
                let mut keeper = Keeper::new(self.budget);
                keeper.push(json.as_bytes());
                *body = keeper.finish(findings).unwrap_or_default();
            }
        }
        self.framing.finish(findings, &mut tell);
        body
    }
}

/// Cuts decoded bytes, tells their pieces and keeps what is to be shown.
fn take(
    decoded: &[u8],
    framing: &mut Framing,
    keeper: &mut Keeper,
    shown: &mut u64,
    tell: &mut impl FnMut(Piece<'_>),
) {
    framing.push(decoded, &mut |piece| match piece {
        Piece::Shown(json) => {
            if *shown > 0 {
                keeper.push(b",");
            }
            *shown += 1;
            keeper.push(json.as_bytes());
        }
        Piece::Raw(bytes) => keeper.push(bytes),
        piece => tell(piece),
    });
    if !framing.is_translated() {
        keeper.push(decoded);
    }
}
