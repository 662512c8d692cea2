//! Where exchanges go besides the screen: JSON lines, readable lines, a
//! recording, a file in one of many formats.

mod csv;
mod curl;
pub mod export;
pub mod file;
mod har;
pub mod json;
mod limit;
mod lines;
mod markdown;
mod plain;
mod record;
mod tape;

use std::io;

use llmtop_parsers::{Delta, Timestamp};
use llmtop_probe::{Capture, Totals};

use crate::store::Seen;

pub use lines::JsonLines;
pub use plain::PlainLines;
pub use record::{OnFailure, Recorder};
pub use tape::Tape;

/// Takes what the pipeline tells, in order, on the pipeline's thread.
///
/// An error ends the run, that of a closed pipe quietly; every sink has its
/// [`end`](Self::end) even so.
pub trait Sink: Send {
    /// Whether it begins in the middle, and is to be told first what is there: the
    /// processes and the open connections, as captures. Asked before each
    /// [`capture`](Self::capture).
    fn wants_briefing(&mut self) -> bool {
        false
    }

    /// Something was captured, before anything is made of it.
    ///
    /// # Errors
    /// Those of the destination, as with every method here.
    fn capture(&mut self, capture: &Capture) -> io::Result<()> {
        let _ = capture;
        Ok(())
    }

    /// Whether [`delta`](Self::delta) does anything.
    fn wants_deltas(&self) -> bool {
        false
    }

    /// The answer of a shown exchange, begun at `started`, grew.
    ///
    /// # Errors
    /// Those of the destination.
    fn delta(&mut self, ulid: &str, started: Timestamp, delta: &Delta) -> io::Result<()> {
        let _ = (ulid, started, delta);
        Ok(())
    }

    /// A shown exchange ended.
    ///
    /// # Errors
    /// Those of the destination.
    fn finished(&mut self, seen: Seen<'_>) -> io::Result<()> {
        let _ = seen;
        Ok(())
    }

    /// Nothing more arrives for now.
    ///
    /// # Errors
    /// Those of the destination.
    fn idle(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// The source ended after `exchanges` shown ones.
    ///
    /// # Errors
    /// Those of the destination.
    fn end(&mut self, totals: &Totals, exchanges: u64) -> io::Result<()> {
        let _ = (totals, exchanges);
        Ok(())
    }
}

/// The one to tell of two results: that of a closed pipe only where nothing else failed.
pub fn graver(one: io::Result<()>, other: io::Result<()>) -> io::Result<()> {
    match one {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => other.and(Err(error)),
        one => one.and(other),
    }
}

#[cfg(test)]
mod tests;
