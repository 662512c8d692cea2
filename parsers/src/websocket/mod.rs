//! WebSocket (RFC 6455), passively, both directions, joined at any moment.
//!
//! [`WebSocket`] is the way in. A layer a file: `frame` reads headers, `search`
//! finds the frames where the framing is not known, `inflate` undoes
//! permessage-deflate (RFC 7692), `half` makes messages of one direction, and
//! `handshake` says what the peers agreed on.

mod frame;
mod half;
mod handshake;
mod inflate;
mod message;
mod search;
mod session;
mod socket;

pub use handshake::Extensions;
pub use message::{Defect, Kind, Message, close_name};
pub(crate) use session::Session;
pub use socket::{Event, WebSocket};
