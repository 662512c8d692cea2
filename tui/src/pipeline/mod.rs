//! From captures to exchanges: where capture and parsers meet.
//!
//! A source runs on a thread of its own and fills a bounded channel; one more
//! thread, the pipeline, empties it, owns the parsers, writes the store and
//! feeds the sinks. The source never waits for any of them.

pub mod both_ends;
pub mod channel;
mod engine;
mod entry;
mod facts;
mod processes;
mod run;
mod ulid;

pub use engine::{Engine, Lookup, Options};
pub use facts::Facts;
pub use run::{Outcome, Running, start};
