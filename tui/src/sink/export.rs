//! Exchanges for files: one from the screen, all of a recording.

use std::io::{self, Write};

use super::{Sink, json};
use crate::store::{ExchangeId, Seen, Store};

/// One exchange as the JSON file to be written, and the name for it.
///
/// # Errors
/// Where it is not in the store any more.
pub fn one(
    store: &Store,
    id: ExchangeId,
    show_secrets: bool,
) -> Result<(String, Vec<u8>), &'static str> {
    const GONE: &str = "the exchange is not kept any more";
    let record = store.exchange(id).ok_or(GONE)?;
    let seen = Seen::of(store, record).ok_or(GONE)?;
    let mut line = json::exchange(seen, show_secrets);
    line.push('\n');
    // The name holds nothing that was captured.
    Ok((format!("llmtop-{}.json", record.ulid), line.into_bytes()))
}

/// Writes the exchanges of a recording: one array, or one object a line.
pub struct Exporter {
    to: Box<dyn Write + Send>,
    array: bool,
    any: bool,
    show_secrets: bool,
}

impl Exporter {
    /// `array`: one JSON array instead of lines.
    pub fn new(to: Box<dyn Write + Send>, array: bool, show_secrets: bool) -> Self {
        Exporter { to, array, any: false, show_secrets }
    }
}

impl Sink for Exporter {
    fn finished(&mut self, seen: Seen<'_>) -> io::Result<()> {
        let line = json::exchange(seen, self.show_secrets);
        let before = match (self.array, self.any) {
            (false, _) => "",
            (true, false) => "[\n",
            (true, true) => ",\n",
        };
        let after = if self.array { "" } else { "\n" };
        self.any = true;
        write!(self.to, "{before}{line}{after}")
    }

    fn end(&mut self, _: &llmtop_probe::Totals, _: u64) -> io::Result<()> {
        if self.array {
            self.to.write_all(if self.any { b"\n]\n" } else { b"[]\n" })?;
        }
        self.to.flush()
    }
}
