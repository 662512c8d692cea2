//! HTTP/2 (RFC 9113), passively, both directions, joined at any moment.
//!
//! [`Http2`] is the way in. A layer a file: `half` takes one direction apart
//! into pieces of frames, `search` finds the frames where the framing is not
//! known, [`hpack`] decodes the header blocks, and `connection` makes streams
//! of the two directions.

mod connection;
mod error;
mod event;
mod frame;
mod half;
mod head;
pub mod hpack;
mod payload;
mod role;
mod search;
mod session;
mod streams;

pub use connection::Http2;
pub use error::ErrorCode;
pub use event::Event;
pub use head::Head;
pub(crate) use session::Session;
