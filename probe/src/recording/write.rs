//! Making a recording.

use std::io::{self, Write};

use super::format::{self, Header, MAGIC, VERSION, kind};
use crate::{Capture, Totals};

/// Writes captures as a recording.
///
/// Drive it with [`capture`](Self::capture) for each, then
/// [`end`](Self::end) once. A recording whose writer died is whole up to the
/// last record that reached the disk: call [`flush`](Self::flush) now and then.
#[derive(Debug)]
pub struct Writer<W: Write> {
    to: W,
}

impl<W: Write> Writer<W> {
    /// Begins a recording.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn new(to: W, header: &Header) -> io::Result<Self> {
        let mut writer = Writer { to };
        writer.to.write_all(&MAGIC)?;
        writer.to.write_all(&VERSION.to_le_bytes())?;
        writer.record(kind::HEADER, &[&serde_json::to_vec(header)?])?;
        Ok(writer)
    }

    /// Adds one capture.
    ///
    /// # Errors
    /// Those of the destination.
    pub fn capture(&mut self, capture: &Capture) -> io::Result<()> {
        match capture {
            Capture::Chunk(chunk) => {
                self.record(kind::CHUNK, &[&format::chunk_head(chunk), &chunk.bytes])
            }
            other => self.record(kind::CAPTURE, &[&serde_json::to_vec(other)?]),
        }
    }

    /// Hands everything written so far to the operating system.
    ///
    /// # Errors
    /// Those of the destination.
    pub fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }

    /// Ends the recording in order.
    ///
    /// # Errors
    /// Those of the destination.
    pub fn end(mut self, totals: &Totals) -> io::Result<W> {
        self.record(kind::END, &[&serde_json::to_vec(totals)?])?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn record(&mut self, kind: u8, parts: &[&[u8]]) -> io::Result<()> {
        let length = 1 + parts.iter().map(|part| part.len()).sum::<usize>();
        let length32 = u32::try_from(length)
            .ok()
            .filter(|_| length <= format::MAX_RECORD)
            .ok_or_else(|| io::Error::other("a capture too long for a recording"))?;
        let mut sum = crc32fast::Hasher::new();
        sum.update(&[kind]);
        parts.iter().for_each(|part| sum.update(part));
        self.to.write_all(&length32.to_le_bytes())?;
        self.to.write_all(&sum.finalize().to_le_bytes())?;
        self.to.write_all(&[kind])?;
        parts.iter().try_for_each(|part| self.to.write_all(part))
    }
}
