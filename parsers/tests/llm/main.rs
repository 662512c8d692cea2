//! The dialects, through their public doors.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

// Streams and whole answers, kept as data.
mod corpus;
// Requests that are told by their path.
mod envelopes;
// What no API would send.
mod hostile;
// Which dialect a request speaks.
mod recognition;
// What a request says.
mod requests;
// How many tokens an answer took.
mod usage;

use llmtop_parsers::{Exchange, ExchangeSeq, Protocol, Role, Timestamp};

/// An exchange of which nothing is known.
fn exchange() -> Exchange {
    Exchange::new(ExchangeSeq(0), Role::Client, Protocol::Http1, Timestamp(0))
}
