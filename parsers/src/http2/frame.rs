//! Frame headers (RFC 9113 section 4.1).

/// Octets of a frame header.
pub(super) const HEADER: usize = 9;

/// What a client sends first (RFC 9113 section 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Where frames are looked for, stream ids are taken to be below this: eight
/// million requests on a connection.
const RECOGNISED_STREAMS: u32 = 1 << 24;

/// The longest payload while the peer has not allowed more.
pub(super) const DEFAULT_LONGEST: usize = 16 << 10;

const ACK: u8 = 0x1;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

/// The type of a frame (RFC 9113 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Headers,
    Priority,
    ResetStream,
    Settings,
    PushPromise,
    Ping,
    GoAway,
    WindowUpdate,
    Continuation,
    /// An extension.
    Other(u8),
}

impl Kind {
    fn of(octet: u8) -> Self {
        match octet {
            0x0 => Kind::Data,
            0x1 => Kind::Headers,
            0x2 => Kind::Priority,
            0x3 => Kind::ResetStream,
            0x4 => Kind::Settings,
            0x5 => Kind::PushPromise,
            0x6 => Kind::Ping,
            0x7 => Kind::GoAway,
            0x8 => Kind::WindowUpdate,
            0x9 => Kind::Continuation,
            other => Kind::Other(other),
        }
    }
}

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    flags: u8,
    /// 0: the connection itself.
    pub(super) stream: u32,
    /// Octets of the payload.
    pub(super) length: usize,
}

impl Frame {
    /// Reads a header that is where one must be; `None`: it is none, so the
    /// place is wrong. Unknown types, undefined flags and the reserved bit are
    /// ignored, as RFC 9113 section 4.1 wants.
    pub(super) fn parse(octets: &[u8; HEADER], longest: usize) -> Option<Self> {
        let [a, b, c, kind, flags, stream @ ..] = *octets;
        let frame = Frame {
            kind: Kind::of(kind),
            flags,
            stream: u32::from_be_bytes(stream) & 0x7fff_ffff,
            length: u32::from_be_bytes([0, a, b, c]) as usize,
        };
        (frame.length <= longest && frame.is_consistent()).then_some(frame)
    }

    /// Reads a header from where there may be none: it must look as
    /// implementations write it.
    pub(super) fn recognise(octets: &[u8; HEADER], longest: usize) -> Option<Self> {
        let frame = Frame::parse(octets, longest)?;
        let flags = match frame.kind {
            Kind::Data => END_STREAM | PADDED,
            Kind::Headers => END_STREAM | END_HEADERS | PADDED | PRIORITY,
            Kind::PushPromise => END_HEADERS | PADDED,
            Kind::Continuation => END_HEADERS,
            Kind::Settings | Kind::Ping => ACK,
            Kind::Priority | Kind::ResetStream | Kind::GoAway | Kind::WindowUpdate => 0,
            Kind::Other(_) => return None,
        };
        // Streams of servers (pushes) are rare enough to wait for others.
        let of_client = frame.stream == 0 || frame.stream % 2 == 1;
        let reserved = octets[5] & 0x80 != 0;
        let plausible = frame.stream < RECOGNISED_STREAMS && of_client && !reserved;
        (frame.flags & !flags == 0 && plausible).then_some(frame)
    }

    /// Whether type, flags, stream and length go together.
    fn is_consistent(&self) -> bool {
        let on_stream = self.stream != 0;
        let least = usize::from(self.padded())
            + match self.kind {
                Kind::Headers if self.flags & PRIORITY != 0 => 5,
                Kind::PushPromise => 4,
                _ => 0,
            };
        match self.kind {
            Kind::Data | Kind::Headers | Kind::PushPromise => on_stream && self.length >= least,
            Kind::Continuation => on_stream,
            Kind::Priority => on_stream && self.length == 5,
            Kind::ResetStream => on_stream && self.length == 4,
            Kind::Settings if self.is_ack() => !on_stream && self.length == 0,
            Kind::Settings => !on_stream && self.length.is_multiple_of(6),
            Kind::Ping => !on_stream && self.length == 8,
            Kind::GoAway => !on_stream && self.length >= 8,
            Kind::WindowUpdate => self.length == 4,
            Kind::Other(_) => true,
        }
    }

    pub(super) fn is_ack(&self) -> bool {
        self.flags & ACK != 0
    }

    pub(super) fn ends_stream(&self) -> bool {
        matches!(self.kind, Kind::Data | Kind::Headers) && self.flags & END_STREAM != 0
    }

    pub(super) fn ends_headers(&self) -> bool {
        self.flags & END_HEADERS != 0
    }

    /// Whether the payload begins with the length of its padding.
    pub(super) fn padded(&self) -> bool {
        matches!(self.kind, Kind::Data | Kind::Headers | Kind::PushPromise)
            && self.flags & PADDED != 0
    }

    /// The part of a HEADERS, PUSH_PROMISE or CONTINUATION payload that is a
    /// piece of a header block. `payload` may be cut short; what is left of
    /// the piece is returned.
    pub(super) fn fragment<'a>(&self, payload: &'a [u8]) -> &'a [u8] {
        let mut from = 0;
        let mut to = self.length;
        if self.padded() {
            from = 1;
            to = to.saturating_sub(payload.first().copied().unwrap_or_default().into());
        }
        match self.kind {
            Kind::Headers if self.flags & PRIORITY != 0 => from += 5,
            Kind::PushPromise => from += 4,
            _ => {}
        }
        payload.get(from..to.min(payload.len())).unwrap_or_default()
    }

    /// The stream a PUSH_PROMISE promises.
    pub(super) fn promised(&self, payload: &[u8]) -> Option<u32> {
        let from = usize::from(self.padded());
        let id = payload.get(from..from + 4)?.first_chunk().map(|id| u32::from_be_bytes(*id))?;
        (self.kind == Kind::PushPromise).then_some(id & 0x7fff_ffff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(octets: [u8; HEADER], parses: bool, recognised: bool) {
        assert_eq!(Frame::parse(&octets, DEFAULT_LONGEST).is_some(), parses, "{octets:x?}");
        assert_eq!(Frame::recognise(&octets, DEFAULT_LONGEST).is_some(), recognised, "{octets:x?}");
    }

    #[test]
    fn headers() {
        // DATA, plain; on no stream; on a server's; reserved bit; undefined flag.
        check([0, 1, 0, 0, 1, 0, 0, 0, 5], true, true);
        check([0, 1, 0, 0, 1, 0, 0, 0, 0], false, false);
        check([0, 1, 0, 0, 1, 0, 0, 0, 6], true, false);
        check([0, 1, 0, 0, 1, 0x80, 0, 0, 5], true, false);
        check([0, 1, 0, 0, 0x41, 0, 0, 0, 5], true, false);
        // More streams than anybody has.
        check([0, 1, 0, 0, 1, 1, 0, 0, 5], true, false);
        // Padded, without room for the length of the padding.
        check([0, 0, 0, 0, 8, 0, 0, 0, 5], false, false);
        // The longest, and one more.
        check([0, 0x40, 0, 0, 0, 0, 0, 0, 5], true, true);
        check([0, 0x40, 1, 0, 0, 0, 0, 0, 5], false, false);
        // SETTINGS of one parameter and a half; an ACK with a payload.
        check([0, 0, 6, 4, 0, 0, 0, 0, 0], true, true);
        check([0, 0, 9, 4, 0, 0, 0, 0, 0], false, false);
        check([0, 0, 6, 4, 1, 0, 0, 0, 0], false, false);
        // Extensions are skipped, not recognised.
        check([0, 0, 9, 0xbb, 0, 0, 0, 0, 0], true, false);
        // Nothing, and text.
        check([0; HEADER], false, false);
        check(*b"data: {\"i", false, false);
    }
}
