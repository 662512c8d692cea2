//! What is inside frames, header blocks aside.

use super::frame::Frame;

/// Octets of a GOAWAY's debug data that are kept.
const DEBUG: usize = 256;

const SETTINGS_MAX_FRAME_SIZE: u16 = 0x5;

/// A DATA frame that is passing.
#[derive(Debug)]
pub(super) struct Data {
    pub(super) stream: u32,
    /// Of the payload, padding included.
    left: usize,
    /// `None`: its length comes next.
    padding: Option<usize>,
    pub(super) ends_stream: bool,
}

impl Data {
    pub(super) fn new(frame: &Frame) -> Self {
        Data {
            stream: frame.stream,
            left: frame.length,
            padding: if frame.padded() { None } else { Some(0) },
            ends_stream: frame.ends_stream(),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.left == 0
    }

    /// Takes data or padding off `input`; the data, if it was some.
    pub(super) fn take<'a>(&mut self, input: &mut &'a [u8]) -> Option<&'a [u8]> {
        let Some(padding) = self.padding else {
            let (length, rest) = input.split_first()?;
            *input = rest;
            self.left -= 1;
            self.padding = Some(usize::from(*length).min(self.left));
            return None;
        };
        let data = self.left.saturating_sub(padding);
        let length = if data > 0 { data } else { self.left }.min(input.len());
        let (bytes, rest) = input.split_at(length);
        *input = rest;
        self.left -= length;
        (data > 0).then_some(bytes)
    }

    /// Skips what is missing: how many bytes of this frame, and of its data.
    pub(super) fn skip(&mut self, missing: usize) -> (usize, Option<u64>) {
        let skipped = missing.min(self.left);
        let data =
            self.padding.map(|padding| skipped.min(self.left.saturating_sub(padding)) as u64);
        self.left -= skipped;
        // Without its length, padding and data cannot be told apart.
        self.padding = Some(match self.padding {
            Some(padding) => padding.min(self.left),
            None => self.left,
        });
        (skipped, data)
    }
}

/// The longest payload that a SETTINGS frame allows (RFC 9113 section 6.5.2).
/// Changes of the header table are told in the header blocks.
pub(super) fn max_frame_size(payload: &[u8]) -> Option<usize> {
    let mut settings = payload.chunks_exact(6).filter_map(|setting| match *setting {
        [a, b, c, d, e, f] => Some((u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, f]))),
        _ => None,
    });
    let (_, size) = settings.rfind(|(id, _)| *id == SETTINGS_MAX_FRAME_SIZE)?;
    Some(size.min((1 << 24) - 1) as usize)
}

/// A GOAWAY frame (RFC 9113 section 6.8).
#[derive(Debug)]
pub(super) struct GoAway {
    /// The last stream its sender has dealt with.
    pub(super) last_stream: u32,
    pub(super) code: u32,
    /// Anything, usually a reason.
    pub(super) debug: String,
}

impl GoAway {
    pub(super) fn parse(payload: &[u8]) -> Option<Self> {
        let (last, rest) = payload.split_first_chunk()?;
        let (code, debug) = rest.split_first_chunk()?;
        Some(GoAway {
            last_stream: u32::from_be_bytes(*last) & 0x7fff_ffff,
            code: u32::from_be_bytes(*code),
            debug: String::from_utf8_lossy(&debug[..debug.len().min(DEBUG)]).into_owned(),
        })
    }
}
