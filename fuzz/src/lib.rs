//! What the fuzz targets share: how bytes are played to the parsers, and what
//! has to hold whatever they are.
//!
//! A target turns the fuzzer's bytes into something that happens to a
//! [`Connection`](llmtop_parsers::Connection): a [`script`] of both directions,
//! or one [`body`] within well-formed messages. [`contract`] is checked on all
//! that comes out.

pub mod body;
pub mod contract;
pub mod dialect;
mod http2;
pub mod outlet;
mod requests;
mod same;
pub mod script;
pub mod stdio;
pub mod websocket;

use llmtop_parsers::Limits;

/// Small, so that they are met.
pub const LIMITS: Limits = Limits { body: 2048, head: 1024, event: 512, open_exchanges: 4 };
