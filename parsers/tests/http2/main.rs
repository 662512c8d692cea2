//! HTTP/2 through its public door.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that panics has failed, as it should"
)]

mod early;
mod everything;
mod framing;
mod loss;
mod waiting;
mod wire;
