//! WebSockets, through the module's public door: what an encoder written from
//! the specifications sends is told, and nothing else, whatever is missing.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; clippy.toml excuses only #[test] functions"
)]

mod bounds;
mod encoder;
mod messages;
