//! `-w`: a recording of everything captured.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use llmtop_probe::recording::{Header, Writer};
use llmtop_probe::{Capture, Timestamp, Totals};

use super::{Sink, file};

/// Hears of it, in one line that names the file, when a recording fails.
pub type OnFailure = Box<dyn FnMut(&str) + Send>;

/// Writes captures into a recording. One that fails, as on a full disk, ends
/// there and is told of at once; everything else goes on, and the run fails when
/// it is over.
pub struct Recorder {
    /// `None` after the end, and after a failure.
    writer: Option<Writer<BufWriter<File>>>,
    path: PathBuf,
    failed: Option<io::Error>,
    on_failure: OnFailure,
}

impl Recorder {
    /// Creates the file.
    ///
    /// # Errors
    /// One line that names the file.
    pub fn create(path: &Path, now: Timestamp, on_failure: OnFailure) -> io::Result<Self> {
        let system = rustix::system::uname();
        let header = Header {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: system.nodename().to_string_lossy().into_owned(),
            kernel: system.release().to_string_lossy().into_owned(),
            started: now,
        };
        let to = BufWriter::with_capacity(1 << 18, file::create(path)?);
        let writer = Some(Writer::new(to, &header)?);
        Ok(Recorder { writer, path: path.to_owned(), failed: None, on_failure })
    }

    fn check(&mut self, result: io::Result<()>) {
        let Err(error) = result else { return };
        self.writer = None;
        let what = format!("{}: the recording ends early: {error}", self.path.display());
        (self.on_failure)(&what);
        // Not its kind: a closed pipe ends a run quietly that wrote to it, and this is no run.
        self.failed = Some(io::Error::other(what));
    }
}

impl Sink for Recorder {
    fn capture(&mut self, capture: &Capture) -> io::Result<()> {
        let written = self.writer.as_mut().map_or(Ok(()), |writer| writer.capture(capture));
        self.check(written);
        Ok(())
    }

    fn idle(&mut self) -> io::Result<()> {
        let flushed = self.writer.as_mut().map_or(Ok(()), Writer::flush);
        self.check(flushed);
        Ok(())
    }

    fn end(&mut self, totals: &Totals, _: u64) -> io::Result<()> {
        let ended = self.writer.take().map_or(Ok(()), |writer| writer.end(totals).map(drop));
        self.check(ended);
        self.failed.take().map_or(Ok(()), Err)
    }
}
