//! The bytes of a recording: what the reader and the writer share.

use serde::{Deserialize, Serialize};

use crate::{Chunk, ConnId, Direction, Timestamp};

/// First bytes of every recording. The high bit and the line feed tell a file
/// that was damaged by a text-mode transfer.
pub(super) const MAGIC: [u8; 8] = *b"\x8fLLMTOP\n";

/// Version of the layout; a reader refuses any other.
pub(super) const VERSION: u16 = 1;

/// Length (`u32`) and checksum (`u32`) before each record, little-endian.
pub(super) const PREFIX: usize = 8;

/// No record is longer: one chunk holds at most one call's 16 MiB. Whatever
/// a file claims, no more memory than this is taken for a record.
pub(super) const MAX_RECORD: usize = 32 << 20;

/// The first byte of a record. Kinds that a reader does not know are skipped.
pub(super) mod kind {
    /// [`Header`](super::Header) as JSON.
    pub(in super::super) const HEADER: u8 = 1;
    /// A [`Capture`](crate::Capture) other than a chunk, as JSON.
    pub(in super::super) const CAPTURE: u8 = 2;
    /// A [`Chunk`](crate::Chunk), binary.
    pub(in super::super) const CHUNK: u8 = 3;
    /// [`Totals`](crate::Totals) as JSON: the recording ended in order.
    pub(in super::super) const END: u8 = 4;
}

/// Where and when a recording was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Header {
    /// Version of the llmtop that wrote it.
    pub version: String,
    /// Host name.
    pub host: String,
    /// Kernel release, as `uname -r` gives it.
    pub kernel: String,
    /// When the capture began.
    pub started: Timestamp,
}

/// Bytes of a chunk record before the captured bytes: connection, time and
/// offset (`u64` each, little-endian), direction (one byte).
const CHUNK_HEAD: usize = 8 + 8 + 8 + 1;

/// The head of a chunk record; the captured bytes follow it.
pub(super) fn chunk_head(chunk: &Chunk) -> [u8; CHUNK_HEAD] {
    let mut head = [0; CHUNK_HEAD];
    head[..8].copy_from_slice(&chunk.conn.0.to_le_bytes());
    head[8..16].copy_from_slice(&chunk.time.0.to_le_bytes());
    head[16..24].copy_from_slice(&chunk.offset.to_le_bytes());
    head[24] = match chunk.direction {
        Direction::Sent => 0,
        Direction::Received => 1,
    };
    head
}

/// Reads a chunk record (without its kind); `None`: it is none.
pub(super) fn chunk(record: &[u8]) -> Option<Chunk> {
    let (conn, rest) = record.split_first_chunk()?;
    let (time, rest) = rest.split_first_chunk()?;
    let (offset, rest) = rest.split_first_chunk()?;
    let (direction, bytes) = rest.split_first()?;
    Some(Chunk {
        conn: ConnId(u64::from_le_bytes(*conn)),
        time: Timestamp(u64::from_le_bytes(*time)),
        offset: u64::from_le_bytes(*offset),
        direction: match direction {
            0 => Direction::Sent,
            1 => Direction::Received,
            _ => return None,
        },
        bytes: bytes.to_vec(),
    })
}
