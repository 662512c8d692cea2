//! What a connection tells.

use super::{ErrorCode, Head};
use crate::Role;

/// What happens on the streams of a connection, in order.
///
/// `from` says which end wrote it.
#[derive(Debug)]
pub enum Event<'a> {
    /// Which end the observed process is: told before the first stream, and
    /// again where that was mistaken.
    Role(Role),
    /// A request begins.
    Request {
        /// Its stream.
        stream: u32,
        /// Its head.
        head: Box<Head>,
    },
    /// A response begins; interim responses are not told.
    Response {
        /// Its stream.
        stream: u32,
        /// Its head.
        head: Box<Head>,
    },
    /// Some of a message's body. On a stream that was joined midway it may
    /// come without a head.
    Data {
        /// The message's stream.
        stream: u32,
        /// Who wrote it.
        from: Role,
        /// The next bytes of the body.
        bytes: &'a [u8],
    },
    /// Bytes of a message may be missing here.
    Lost {
        /// The message's stream.
        stream: u32,
        /// Who wrote it.
        from: Role,
        /// So many bytes of its body are; `None`: nobody knows whether and
        /// how many, of its head or body.
        bytes: Option<u64>,
    },
    /// Fields after a message's body.
    Trailers {
        /// The message's stream.
        stream: u32,
        /// Who wrote it.
        from: Role,
        /// The fields.
        head: Box<Head>,
    },
    /// A message is complete.
    End {
        /// The message's stream.
        stream: u32,
        /// Who wrote it.
        from: Role,
    },
    /// A stream was ended early; nothing more comes of it.
    Reset {
        /// The stream.
        stream: u32,
        /// Who ended it.
        from: Role,
        /// Why.
        code: ErrorCode,
    },
    /// No new streams are accepted.
    GoAway {
        /// Who says so.
        from: Role,
        /// Why.
        code: ErrorCode,
        /// What it adds, usually text; cut at 256 bytes.
        debug: String,
    },
    /// Too many streams are open at once: nothing more is told of this one.
    Forgotten {
        /// The stream.
        stream: u32,
    },
}
