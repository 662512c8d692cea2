//! What moves on a WebSocket.

use crate::Timestamp;

/// What a message says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// Anything.
    Binary,
}

/// A message: its frames put together and decompressed.
#[derive(Clone, Debug)]
pub struct Message {
    /// What it says that it is; [`Kind::Binary`] where that was not seen.
    pub kind: Kind,
    /// What it says, as far as it fits and can be read.
    pub payload: Vec<u8>,
    /// Octets behind `payload` that did not fit.
    pub dropped: u64,
    /// Octets of its payload as sent: compressed, without headers; those lost
    /// included.
    pub wire: u64,
    /// Of these, lost in capture.
    pub lost: u64,
    /// When its first frame did.
    pub began: Timestamp,
    /// Why it cannot be read as it was sent.
    pub defect: Option<Defect>,
}

/// Why a message cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// Octets of it were lost, or were sent before this was joined.
    Torn,
    /// It is corrupt, or compressed with references to messages that were not
    /// seen.
    Undecodable,
    /// It decodes to far too much.
    Bomb,
}

impl Message {
    /// Whether all of it is there.
    pub fn is_whole(&self) -> bool {
        self.defect.is_none() && self.dropped == 0
    }

    pub(super) fn keep(&mut self, octets: &[u8], limit: usize) {
        let room = limit.saturating_sub(self.payload.len());
        let kept = octets.len().min(room);
        self.payload.extend_from_slice(&octets[..kept]);
        self.dropped = self.dropped.saturating_add((octets.len() - kept) as u64);
    }
}

/// What a status code means (RFC 6455 section 7.4.1 and its registry).
pub fn close_name(code: u16) -> &'static str {
    match code {
        1000 => "normal closure",
        1001 => "going away",
        1002 => "protocol error",
        1003 => "unsupported data",
        1007 => "invalid payload data",
        1008 => "policy violation",
        1009 => "message too big",
        1010 => "mandatory extension",
        1011 => "internal error",
        1012 => "service restart",
        1013 => "try again later",
        1014 => "bad gateway",
        3000..=3999 => "registered",
        4000..=4999 => "private",
        _ => "unknown",
    }
}
