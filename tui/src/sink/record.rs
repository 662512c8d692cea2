//! `-w`: a recording of everything captured.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use llmtop_probe::recording::{Header, Writer};
use llmtop_probe::{Capture, Timestamp, Totals};

use super::{Sink, file};

/// Writes captures into a recording.
pub struct Recorder {
    /// `None` after the end.
    writer: Option<Writer<BufWriter<File>>>,
}

impl Recorder {
    /// Creates the file.
    ///
    /// # Errors
    /// One line that names the file.
    pub fn create(path: &Path, now: Timestamp) -> io::Result<Self> {
        let system = rustix::system::uname();
        let header = Header {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: system.nodename().to_string_lossy().into_owned(),
            kernel: system.release().to_string_lossy().into_owned(),
            started: now,
        };
        let to = BufWriter::with_capacity(1 << 18, file::create(path)?);
        Ok(Recorder { writer: Some(Writer::new(to, &header)?) })
    }
}

impl Sink for Recorder {
    fn capture(&mut self, capture: &Capture) -> io::Result<()> {
        self.writer.as_mut().map_or(Ok(()), |writer| writer.capture(capture))
    }

    fn idle(&mut self) -> io::Result<()> {
        self.writer.as_mut().map_or(Ok(()), Writer::flush)
    }

    fn end(&mut self, totals: &Totals, _: u64) -> io::Result<()> {
        self.writer.take().map_or(Ok(()), |writer| writer.end(totals).map(drop))
    }
}
