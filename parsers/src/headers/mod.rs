//! What headers tell beside the answer: what is left of a quota, which attempt
//! this is, and on whose behalf it is made. Plain data, in one form whoever
//! sends it; nothing here reads a clock, so what is relative stays relative.

mod agent;
mod quota;
mod retry;
mod time;

pub use agent::Agent;
pub use quota::RateLimit;

pub(crate) use agent::agent;
pub(crate) use quota::{CREDITS, limits, merge};
pub(crate) use retry::{retries, retry_after_ms};
pub(crate) use time::{duration_ms, rfc3339};
