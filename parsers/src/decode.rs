//! Content codings (RFC 9110, section 8.4.1), incrementally: what was flushed
//! on one end is readable here at once.

use std::borrow::Cow;
use std::io::{self, Write};

use brotli_decompressor::DecompressorWriter;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use zstd::stream::raw::{DParameter, Operation};

/// More codings on one body than anybody sends.
const LAYERS: usize = 4;
/// Input is decoded in pieces of this size, so that little is decoded between
/// two looks at the allowance.
const PIECE: usize = 16 << 10;
/// Decoded bytes allowed for each byte on the wire, once over the free
/// allowance. Deflate's densest possible text is about 1030.
const RATIO: u64 = 256;
/// Windows above 128 MiB are refused (RFC 8878 asks for at least 8 MiB).
const ZSTD_WINDOW_LOG: u32 = 27;

/// Undoes the content codings of one body.
///
/// Drive it with [`push`](Self::push), which hands on what could be decoded,
/// and [`finish`](Self::finish) at the body's end. After an error the rest of
/// the body is dropped: [`problem`](Self::problem) says why.
pub(crate) struct Decoder {
    layers: Vec<Layer>,
    /// Bytes that may still decide whether this is gzip without saying so.
    undecided: Option<Vec<u8>>,
    wire: u64,
    decoded: u64,
    free: u64,
    problem: Option<String>,
    /// Decoding failed: the rest is dropped.
    dead: bool,
}

/// One coding being undone.
enum Layer {
    Gzip(MultiGzDecoder<Tank>),
    /// `deflate` is the zlib format; some send it raw. The first two bytes tell.
    Deflate(Vec<u8>),
    Zlib(ZlibDecoder<Tank>),
    Raw(DeflateDecoder<Tank>),
    Brotli(Box<DecompressorWriter<Tank>>),
    Zstd(Zstd),
}

/// A Zstandard decoder with the output it has made.
struct Zstd {
    decoder: zstd::stream::raw::Decoder<'static>,
    tank: Tank,
    /// Between two frames.
    complete: bool,
}

/// Where a layer writes to: refuses more than it has room for.
#[derive(Default)]
struct Tank {
    bytes: Vec<u8>,
    room: u64,
}

impl Write for Tank {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.room.checked_sub(bytes.len() as u64) {
            Some(room) => {
                self.room = room;
                self.bytes.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            None => Err(io::Error::new(io::ErrorKind::QuotaExceeded, "decompression bomb")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("layers", &self.layers.len()).finish_non_exhaustive()
    }
}

impl Decoder {
    /// For the codings in the order they were applied, lower case. `sniff`:
    /// without any, look for gzip that nobody announced. `free`: decoded bytes
    /// that are allowed whatever the ratio.
    pub(crate) fn new(codings: &[String], sniff: bool, free: u64) -> Self {
        let mut decoder = Decoder {
            layers: Vec::new(),
            undecided: (codings.is_empty() && sniff).then(Vec::new),
            wire: 0,
            decoded: 0,
            free,
            problem: None,
            dead: false,
        };
        if codings.len() > LAYERS {
            decoder.problem = Some(format!("{} content codings", codings.len()));
            return decoder;
        }
        for coding in codings.iter().rev() {
            match Layer::new(coding) {
                Ok(layer) => decoder.layers.push(layer),
                Err(problem) => {
                    // Kept as it is rather than not at all.
                    decoder.layers.clear();
                    decoder.problem = Some(problem);
                    decoder.undecided = None;
                    break;
                }
            }
        }
        decoder
    }

    /// What went wrong, if something did.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Whether decoding failed, so that the rest of the body is missing.
    pub(crate) fn is_dead(&self) -> bool {
        self.dead
    }

    /// Bytes are missing here: nothing after them can be decoded.
    pub(crate) fn hole(&mut self) {
        self.dead |= !self.layers.is_empty();
    }

    /// Whether the body's bytes are handed on as they come.
    pub(crate) fn is_identity(&self) -> bool {
        self.layers.is_empty()
    }

    /// The next bytes of the body. `sink` gets what they decode to.
    pub(crate) fn push(&mut self, bytes: &[u8], sink: &mut impl FnMut(&[u8])) {
        if let Some(mut head) = self.undecided.take() {
            if head.is_empty() && bytes.first().is_none_or(|byte| *byte != GZIP[0]) {
                if bytes.is_empty() {
                    self.undecided = Some(head);
                    return;
                }
            } else {
                head.extend_from_slice(&bytes[..bytes.len().min(GZIP.len())]);
                let taken = bytes.len().min(GZIP.len());
                if GZIP.starts_with(&head) && head.len() < GZIP.len() {
                    self.undecided = Some(head);
                    return;
                }
                if head.starts_with(&GZIP) {
                    self.layers.push(Layer::Gzip(MultiGzDecoder::new(Tank::default())));
                    self.problem = Some("gzip, but not announced as such".into());
                }
                self.decode(&head, sink);
                return self.decode(&bytes[taken..], sink);
            }
        }
        self.decode(bytes, sink);
    }

    /// The body's end; `whole`: as its framing says. Hands on what is left.
    pub(crate) fn finish(&mut self, whole: bool, sink: &mut impl FnMut(&[u8])) {
        if let Some(head) = self.undecided.take() {
            sink(&head);
        }
        for layer in &mut self.layers {
            if let Layer::Deflate(head) = layer {
                sink(head);
            }
            if whole && self.wire > 0 && !self.dead && !layer.is_complete() {
                let problem = format!("{}: ends before its end", layer.name());
                self.problem.get_or_insert(problem);
            }
        }
    }

    fn decode(&mut self, bytes: &[u8], sink: &mut impl FnMut(&[u8])) {
        if bytes.is_empty() || self.dead {
            return;
        }
        let Some(first) = self.layers.first() else { return sink(bytes) };
        if self.wire == 0 && !first.may_begin_with(bytes) {
            self.problem = Some(format!("not {}, though announced", first.name()));
            self.layers.clear();
            return sink(bytes);
        }
        for piece in bytes.chunks(PIECE) {
            self.wire += piece.len() as u64;
            let allowance = self.free.max(self.wire.saturating_mul(RATIO));
            let room = allowance.saturating_sub(self.decoded);
            let mut moving = Cow::Borrowed(piece);
            for layer in &mut self.layers {
                let result = layer.write(&moving, room);
                // What was decoded up to an error is good.
                moving = Cow::Owned(layer.take());
                if let Err(error) = result {
                    self.problem = Some(format!("{}: {error}", layer.name()));
                    self.dead = true;
                }
            }
            self.decoded += moving.len() as u64;
            if !moving.is_empty() {
                sink(&moving);
            }
            if self.dead {
                return;
            }
        }
    }
}

/// The magic number of gzip (RFC 1952).
const GZIP: [u8; 2] = [0x1F, 0x8B];
/// That of a Zstandard frame (RFC 8878).
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

impl Layer {
    fn new(coding: &str) -> Result<Self, String> {
        let tank = Tank::default();
        Ok(match coding {
            "gzip" | "x-gzip" => Layer::Gzip(MultiGzDecoder::new(tank)),
            "deflate" => Layer::Deflate(Vec::new()),
            "br" => Layer::Brotli(Box::new(DecompressorWriter::new(tank, 32 << 10))),
            "zstd" => Layer::Zstd(Zstd::new().map_err(|error| format!("zstd: {error}"))?),
            other => return Err(format!("unknown content coding {other:?}")),
        })
    }

    fn name(&self) -> &'static str {
        match self {
            Layer::Gzip(_) => "gzip",
            Layer::Deflate(_) | Layer::Zlib(_) | Layer::Raw(_) => "deflate",
            Layer::Brotli(_) => "br",
            Layer::Zstd(_) => "zstd",
        }
    }

    /// Whether a body that begins so can be this coding's.
    fn may_begin_with(&self, bytes: &[u8]) -> bool {
        let magic: &[u8] = match self {
            Layer::Gzip(_) => &GZIP,
            // A skippable frame may come first: 0x184D2A5?, little-endian.
            Layer::Zstd(_) if bytes[0] & 0xF0 == 0x50 => return true,
            Layer::Zstd(_) => &ZSTD,
            _ => return true,
        };
        bytes.iter().zip(magic).all(|(byte, magic)| byte == magic)
    }

    /// Decodes `bytes` into the tank, which takes at most `room` more.
    fn write(&mut self, bytes: &[u8], room: u64) -> io::Result<()> {
        if let Layer::Deflate(head) = self {
            head.extend_from_slice(bytes);
            let [first, second, ..] = head[..] else { return Ok(()) };
            let head = std::mem::take(head);
            // RFC 1950, section 2.2: CM is 8, and the two bytes are a multiple of 31.
            let zlib = first & 0x0F == 8 && u16::from_be_bytes([first, second]) % 31 == 0;
            *self = if zlib {
                Layer::Zlib(ZlibDecoder::new(Tank::default()))
            } else {
                Layer::Raw(DeflateDecoder::new(Tank::default()))
            };
            return self.write(&head, room);
        }
        match self {
            Layer::Gzip(decoder) => {
                decoder.get_mut().room = room;
                write_flushed(decoder, bytes)
            }
            Layer::Zlib(decoder) => {
                decoder.get_mut().room = room;
                write_flushed(decoder, bytes)
            }
            Layer::Raw(decoder) => {
                decoder.get_mut().room = room;
                write_flushed(decoder, bytes)
            }
            Layer::Brotli(decoder) => {
                decoder.get_mut().room = room;
                write_flushed(decoder, bytes)
            }
            Layer::Zstd(zstd) => {
                zstd.tank.room = room;
                zstd.write(bytes)
            }
            Layer::Deflate(_) => Ok(()),
        }
    }

    /// What was decoded since it was last taken.
    fn take(&mut self) -> Vec<u8> {
        std::mem::take(match self {
            Layer::Gzip(decoder) => &mut decoder.get_mut().bytes,
            Layer::Zlib(decoder) => &mut decoder.get_mut().bytes,
            Layer::Raw(decoder) => &mut decoder.get_mut().bytes,
            Layer::Brotli(decoder) => &mut decoder.get_mut().bytes,
            Layer::Zstd(zstd) => &mut zstd.tank.bytes,
            Layer::Deflate(_) => return Vec::new(),
        })
    }

    /// Whether the coding's own end was seen.
    fn is_complete(&mut self) -> bool {
        match self {
            Layer::Gzip(decoder) => decoder.try_finish().is_ok(),
            // These do not mind a missing end, but after it they take nothing.
            Layer::Zlib(decoder) => matches!(decoder.write(&[0]), Ok(0)),
            Layer::Raw(decoder) => matches!(decoder.write(&[0]), Ok(0)),
            Layer::Brotli(decoder) => decoder.close().is_ok(),
            Layer::Zstd(zstd) => zstd.complete,
            Layer::Deflate(_) => false,
        }
    }
}

/// Writes all of `bytes`, those after the coding's end ignored, and takes out
/// all that they decode to.
fn write_flushed(decoder: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match decoder.write(bytes)? {
            0 => break,
            taken => bytes = &bytes[taken..],
        }
    }
    decoder.flush()
}

impl Zstd {
    fn new() -> io::Result<Self> {
        let mut decoder = zstd::stream::raw::Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG))?;
        Ok(Zstd { decoder, tank: Tank::default(), complete: true })
    }

    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let mut output = vec![0; 32 << 10];
        loop {
            let status = self.decoder.run_on_buffers(bytes, &mut output)?;
            bytes = &bytes[status.bytes_read..];
            self.tank.write_all(&output[..status.bytes_written])?;
            self.complete = status.remaining == 0;
            let full = status.bytes_written == output.len();
            if bytes.is_empty() && !full {
                return Ok(());
            }
            if status.bytes_read == 0 && status.bytes_written == 0 {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "no progress"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    const EVENTS: [&str; 4] = ["data: one\n\n", "data: two\n\n", "data: one two one\n\n", "\n"];

    /// Compresses the events, each flushed on its own.
    fn flushed<W: Write>(
        mut encoder: W,
        written: impl Fn(&mut W) -> &mut Vec<u8>,
        end: impl Fn(W) -> Vec<u8>,
    ) -> Vec<Vec<u8>> {
        let mut pieces: Vec<Vec<u8>> = EVENTS
            .iter()
            .map(|event| {
                encoder.write_all(event.as_bytes()).unwrap();
                encoder.flush().unwrap();
                std::mem::take(written(&mut encoder))
            })
            .collect();
        pieces.push(end(encoder));
        pieces
    }

    fn compressed(coding: &str) -> Vec<Vec<u8>> {
        let level = Compression::default();
        match coding {
            "gzip" => flushed(GzEncoder::new(vec![], level), GzEncoder::get_mut, |encoder| {
                encoder.finish().unwrap()
            }),
            "zlib" => flushed(ZlibEncoder::new(vec![], level), ZlibEncoder::get_mut, |encoder| {
                encoder.finish().unwrap()
            }),
            "raw" => {
                flushed(DeflateEncoder::new(vec![], level), DeflateEncoder::get_mut, |encoder| {
                    encoder.finish().unwrap()
                })
            }
            _ => flushed(
                zstd::stream::write::Encoder::new(vec![], 3).unwrap(),
                |encoder| encoder.get_mut(),
                |encoder| encoder.finish().unwrap(),
            ),
        }
    }

    #[test]
    fn each_flush_is_readable_at_once() {
        for (name, coding) in
            [("gzip", "gzip"), ("zlib", "deflate"), ("raw", "deflate"), ("zstd", "zstd")]
        {
            let mut decoder = Decoder::new(&[coding.to_owned()], false, 1 << 20);
            let mut expected = EVENTS.iter();
            for piece in compressed(name) {
                let mut output = Vec::new();
                decoder.push(&piece, &mut |bytes| output.extend_from_slice(bytes));
                let event = expected.next().copied().unwrap_or_default();
                assert_eq!(output, event.as_bytes(), "{name}");
            }
            decoder.finish(true, &mut |_| panic!("{name}: something was held back"));
            assert_eq!(decoder.problem(), None, "{name}");
        }
    }

    #[test]
    fn any_cut_decodes_the_same_and_a_missing_end_is_told() {
        for (name, coding) in
            [("gzip", "gzip"), ("zlib", "deflate"), ("raw", "deflate"), ("zstd", "zstd")]
        {
            let whole = compressed(name).concat();
            for size in 1..whole.len() {
                for end in [whole.len(), whole.len() - 1] {
                    let mut decoder = Decoder::new(&[coding.to_owned()], false, 1 << 20);
                    let mut output = Vec::new();
                    for piece in whole[..end].chunks(size) {
                        decoder.push(piece, &mut |bytes| output.extend_from_slice(bytes));
                    }
                    decoder.finish(true, &mut |_| panic!("{name}: something was held back"));
                    assert_eq!(output, EVENTS.concat().as_bytes(), "{name} by {size}");
                    assert_eq!(decoder.problem().is_none(), end == whole.len(), "{name} to {end}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_as_announced_is_kept_as_it_is() {
        for (coding, body, problem) in [
            ("gzip", &b"{}"[..], "not gzip, though announced"),
            ("zstd", b"{}", "not zstd, though announced"),
            ("lzma", b"{}", "unknown content coding \"lzma\""),
        ] {
            let mut decoder = Decoder::new(&[coding.to_owned()], true, 1 << 20);
            let mut output = Vec::new();
            decoder.push(body, &mut |bytes| output.extend_from_slice(bytes));
            decoder.finish(true, &mut |bytes| output.extend_from_slice(bytes));
            assert_eq!((&output[..], decoder.problem()), (body, Some(problem)));
        }
    }

    #[test]
    fn a_body_that_only_begins_like_gzip_is_left_alone() {
        for body in [&b"\x1f"[..], b"\x1f\x1f", b"\x1e\x8b", b""] {
            let mut decoder = Decoder::new(&[], true, 1 << 20);
            let mut output = Vec::new();
            for byte in body {
                decoder.push(&[*byte], &mut |bytes| output.extend_from_slice(bytes));
            }
            decoder.finish(true, &mut |bytes| output.extend_from_slice(bytes));
            assert_eq!((&output[..], decoder.problem()), (body, None));
        }
    }
}
