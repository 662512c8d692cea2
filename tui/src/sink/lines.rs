//! `--json`: one object a line.

use std::io::{self, Write};

use llmtop_parsers::{Delta, Timestamp};
use llmtop_probe::Totals;

use super::{Sink, json};
use crate::store::Seen;

/// Writes JSON lines, each flushed at once.
pub struct JsonLines {
    to: Box<dyn Write + Send>,
    deltas: bool,
    show_secrets: bool,
}

impl JsonLines {
    /// Writes the start line: every probe is attached by now. `source` is
    /// `live` or `recording`.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn start(
        to: Box<dyn Write + Send>,
        source: &str,
        now: Timestamp,
        deltas: bool,
        show_secrets: bool,
    ) -> io::Result<Self> {
        let mut lines = JsonLines { to, deltas, show_secrets };
        lines.line(json::start(source, now))?;
        Ok(lines)
    }

    fn line(&mut self, mut line: String) -> io::Result<()> {
        line.push('\n');
        self.to.write_all(line.as_bytes())?;
        self.to.flush()
    }
}

impl Sink for JsonLines {
    fn wants_deltas(&self) -> bool {
        self.deltas
    }

    fn delta(&mut self, ulid: &str, started: Timestamp, delta: &Delta) -> io::Result<()> {
        if !self.deltas {
            return Ok(());
        }
        delta.pieces().try_for_each(|piece| self.line(json::delta(ulid, started, delta, piece)))
    }

    fn finished(&mut self, seen: Seen<'_>) -> io::Result<()> {
        self.line(json::exchange(seen, self.show_secrets))
    }

    fn end(&mut self, totals: &Totals, exchanges: u64) -> io::Result<()> {
        self.line(json::end(totals, exchanges))
    }
}
