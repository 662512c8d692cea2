//! The bytes of one direction that no parser has consumed yet.

use crate::Timestamp;

/// Carries the beginning of a message over to the next chunk: its bytes, and
/// when the first of them moved. Bounded by whoever extends it.
#[derive(Debug, Default)]
pub(crate) struct Carry {
    bytes: Vec<u8>,
    since: Timestamp,
}

impl Carry {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// When the first byte moved.
    pub(crate) fn since(&self) -> Timestamp {
        self.since
    }

    pub(crate) fn extend(&mut self, time: Timestamp, bytes: &[u8]) {
        if self.bytes.is_empty() {
            self.since = time;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Gives up the bytes, keeping their allocation only where it is small.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(4 << 10);
    }

    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}
