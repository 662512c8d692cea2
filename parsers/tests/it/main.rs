//! The parsers, through their public door.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails; clippy.toml excuses only #[test] functions"
)]

mod arrivals;
mod bombs;
mod capture;
mod corpus;
mod early;
mod holes;
mod http2;
mod large;
mod losses;
mod random;
mod render;
mod stdio;
mod tunnelled;
mod websocket;
