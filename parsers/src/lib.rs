//! What captured bytes mean: passive, sans-IO parsers from the bytes of a
//! connection to the exchanges with a language model that they carry.
//!
//! The way in is [`Connection`]; what comes out are [`Event`]s about
//! [`Exchange`]s. No clock, no files, no threads: the same bytes at the same
//! times give the same events, on a live machine, in a test, under a fuzzer.
#![forbid(unsafe_code)]

mod assemble;
mod body;
mod connection;
pub mod conversation;
mod decode;
mod detect;
pub mod escape;
mod exchange;
mod framing;
mod headers;
mod http1;
pub mod http2;
pub mod llm;
mod lossy;
mod percent;
pub mod price;
mod protobuf;
pub mod redact;
mod room;
mod stdio;
mod stream;
pub mod usage;
pub mod websocket;

pub use body::{Body, BodyKind, Elided};
pub use connection::{Connection, Event, Limits, Verdict};
pub use exchange::{
    ApiError, Arrival, Cost, CostSource, Delta, DeltaKind, Direction, Exchange, ExchangeSeq,
    Finding, Protocol, Request, Response, Role, State, Timestamp, Timing, ToolCall, Usage,
    UsageSource,
};
pub use framing::events;
pub use headers::{Agent, RateLimit};
