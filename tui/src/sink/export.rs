//! Exchanges into files: one from the screen, all of a recording.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Seen, Sink, file, json};
use crate::store::{ExchangeId, Store};

/// Writes one exchange as JSON into a new file in `directory`, named after
/// its id; gives the path.
///
/// # Errors
/// Where it is not in the store any more, or the file cannot be written.
pub fn one(
    store: &Store,
    id: ExchangeId,
    directory: &Path,
    show_secrets: bool,
) -> io::Result<PathBuf> {
    let gone = || io::Error::new(io::ErrorKind::NotFound, "the exchange is not kept any more");
    let record = store.exchange(id).ok_or_else(gone)?;
    let connection = store.connection(record.connection).ok_or_else(gone)?;
    let process = store.process(record.process).ok_or_else(gone)?;
    let peer = if record.process == connection.process {
        connection.peer_process.as_deref()
    } else {
        store.process(connection.process).map(|own| &*own.process)
    };
    let seen = Seen { record, connection, process: &process.process, peer_process: peer };
    let line = json::exchange(seen, show_secrets);
    // The name holds nothing that was captured.
    let path = directory.join(format!("llmtop-{}.json", record.ulid));
    let mut file = file::create(&path)?;
    file.write_all(line.as_bytes())?;
    file.write_all(b"\n")?;
    Ok(path)
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
