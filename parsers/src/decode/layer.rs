//! One content coding, undone.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{DParameter, Operation};

use crate::room::{ROOM, Share};

/// Decoded bytes are handed on in pieces of at most this size. Every open body
/// that is compressed holds as much.
const BUFFER: usize = 8 << 10;
/// Windows above 8 MiB are refused, as RFC 9659 asks for.
const ZSTD_WINDOW_LOG: u32 = 23;
/// That of Brotli is of 16 MiB at most (RFC 7932, section 9.1).
const BROTLI_WINDOW_LOG: u32 = 24;
/// The magic number of gzip (RFC 1952).
pub(crate) const GZIP: [u8; 2] = [0x1F, 0x8B];
/// That of a Zstandard frame (RFC 8878).
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// That of a skippable one, whose first byte ends in any four bits.
const SKIPPABLE: [u8; 4] = [0x50, 0x2A, 0x4D, 0x18];

/// One coding being undone.
pub(super) struct Layer {
    coding: Coding,
    buffer: Vec<u8>,
    /// At the coding's own end.
    complete: bool,
    /// What came after that, too short to tell whether it is more.
    tail: Vec<u8>,
    /// It was not: neither is what follows.
    padded: bool,
    /// Decoded bytes so far.
    decoded: usize,
    /// Room for its window, as far as that is used.
    share: Share,
}

enum Coding {
    Gzip(Decompress),
    /// `deflate` is the zlib format; some send it raw. The first two bytes tell.
    Deflate(Vec<u8>),
    /// Either, once told.
    Inflate(Decompress),
    Brotli(Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>),
    Zstd(zstd::stream::raw::Decoder<'static>),
}

/// What one step did.
struct Step {
    read: usize,
    written: usize,
    ended: bool,
}

impl std::fmt::Debug for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Layer").field(&self.name()).finish()
    }
}

impl Layer {
    pub(super) fn gzip() -> Self {
        Layer::of(Coding::Gzip(Decompress::new_gzip(15)))
    }

    pub(super) fn new(coding: &str) -> Result<Self, String> {
        Ok(match coding {
            "gzip" | "x-gzip" => Layer::gzip(),
            "deflate" => Layer::of(Coding::Deflate(Vec::new())),
            "br" => {
                let alloc = StandardAlloc::default;
                let state = BrotliState::new(alloc(), alloc(), alloc());
                Layer::of(Coding::Brotli(Box::new(state)))
            }
            "zstd" => {
                let failed = |error| format!("zstd: {error}");
                let mut decoder = zstd::stream::raw::Decoder::new().map_err(failed)?;
                let limit = DParameter::WindowLogMax(ZSTD_WINDOW_LOG);
                decoder.set_parameter(limit).map_err(failed)?;
                Layer::of(Coding::Zstd(decoder))
            }
            other => return Err(format!("unknown content coding {other:?}")),
        })
    }

    /// Nothing more will be decoded: gives back what it takes.
    pub(super) fn give_up(&mut self) {
        *self = Layer::of(Coding::Deflate(Vec::new()));
    }

    fn of(coding: Coding) -> Self {
        Layer {
            coding,
            buffer: Vec::new(),
            complete: false,
            tail: Vec::new(),
            padded: false,
            decoded: 0,
            share: Share::of(&ROOM),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self.coding {
            Coding::Gzip(_) => "gzip",
            Coding::Deflate(_) | Coding::Inflate(_) => "deflate",
            Coding::Brotli(_) => "br",
            Coding::Zstd(_) => "zstd",
        }
    }

    /// Whether a body that begins so can be this coding's.
    pub(super) fn may_begin_with(&self, bytes: &[u8]) -> bool {
        let begins = |magic: &[u8]| bytes.iter().zip(magic).all(|(byte, magic)| byte == magic);
        match self.coding {
            Coding::Gzip(_) => begins(&GZIP),
            Coding::Zstd(_) if bytes.first().is_some_and(|first| first & 0xF0 == 0x50) => {
                bytes.iter().zip(SKIPPABLE).skip(1).all(|(byte, magic)| *byte == magic)
            }
            Coding::Zstd(_) => begins(&ZSTD),
            _ => true,
        }
    }

    /// Whether the coding's own end was seen.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Bytes too few to be told from anything.
    pub(super) fn undecided(&self) -> &[u8] {
        match &self.coding {
            Coding::Deflate(head) => head,
            _ => &[],
        }
    }

    /// Hands all that `bytes` decode to on to `sink`, until that fails.
    pub(super) fn decode(
        &mut self,
        bytes: &[u8],
        sink: &mut dyn FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<(), String> {
        if let Coding::Deflate(head) = &mut self.coding {
            head.extend_from_slice(bytes);
            let [first, second, ..] = head[..] else { return Ok(()) };
            let head = std::mem::take(head);
            // RFC 1950, section 2.2: CM is 8, and the two bytes are a multiple of 31.
            let zlib = first & 0x0F == 8 && u16::from_be_bytes([first, second]).is_multiple_of(31);
            self.coding = Coding::Inflate(Decompress::new(zlib));
            return self.decode(&head, sink);
        }
        if self.buffer.is_empty() {
            self.buffer = vec![0; BUFFER];
        }
        let mut tail = std::mem::take(&mut self.tail);
        let mut rest = bytes;
        if !tail.is_empty() {
            tail.extend_from_slice(bytes);
            rest = &tail;
        }
        loop {
            if self.complete && !self.goes_on(rest) {
                return Ok(());
            }
            let name = self.name();
            let step = self.coding.step(rest, &mut self.buffer);
            let step = step.map_err(|problem| format!("{name}: {problem}"))?;
            self.complete = step.ended;
            rest = &rest[step.read..];
            self.decoded = self.decoded.saturating_add(step.written);
            if !self.share.reach(self.decoded.min(self.coding.window())) {
                return Err(format!("{name}: too many compressed bodies at once"));
            }
            if step.written > 0 {
                sink(&self.buffer[..step.written])?;
            }
            // A full buffer may leave more behind; otherwise all is told.
            let stuck = step.read == 0 && step.written == 0;
            if stuck || (rest.is_empty() && step.written < self.buffer.len()) {
                return Ok(());
            }
        }
    }

    /// Whether `rest`, after the coding's end, is more of it: gzip has members
    /// and zstd frames. Anything else is padding, and so is all behind it. What is too
    /// short to tell is kept.
    fn goes_on(&mut self, rest: &[u8]) -> bool {
        let magic = match self.coding {
            Coding::Gzip(_) => GZIP.len(),
            Coding::Zstd(_) => ZSTD.len(),
            _ => return false,
        };
        self.padded |= !self.may_begin_with(rest);
        if self.padded {
            return false;
        }
        if rest.len() < magic {
            self.tail = rest.to_vec();
            return false;
        }
        if let Coding::Gzip(decompress) = &mut self.coding {
            *decompress = Decompress::new_gzip(15);
        }
        true
    }
}

impl Coding {
    /// Decoded bytes that it remembers, at most.
    fn window(&self) -> usize {
        match self {
            Coding::Gzip(_) | Coding::Deflate(_) | Coding::Inflate(_) => 32 << 10,
            Coding::Brotli(_) => 1 << BROTLI_WINDOW_LOG,
            Coding::Zstd(_) => 1 << ZSTD_WINDOW_LOG,
        }
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, String> {
        match self {
            Coding::Gzip(decompress) | Coding::Inflate(decompress) => {
                let before = (decompress.total_in(), decompress.total_out());
                let status = decompress
                    .decompress(input, output, FlushDecompress::Sync)
                    .map_err(|error| error.message().unwrap_or("corrupt").to_owned())?;
                Ok(Step {
                    read: (decompress.total_in() - before.0) as usize,
                    written: (decompress.total_out() - before.1) as usize,
                    ended: status == Status::StreamEnd,
                })
            }
            Coding::Brotli(state) => {
                let (mut read, mut written, mut total) = (0, 0, 0);
                let (mut available_in, mut available_out) = (input.len(), output.len());
                let result = BrotliDecompressStream(
                    &mut available_in,
                    &mut read,
                    input,
                    &mut available_out,
                    &mut written,
                    output,
                    &mut total,
                    state,
                );
                let ended = matches!(result, BrotliResult::ResultSuccess);
                match result {
                    BrotliResult::ResultFailure => Err("corrupt".into()),
                    _ => Ok(Step { read, written, ended }),
                }
            }
            Coding::Zstd(decoder) => {
                let status =
                    decoder.run_on_buffers(input, output).map_err(|error| error.to_string())?;
                let ended = status.remaining == 0;
                Ok(Step { read: status.bytes_read, written: status.bytes_written, ended })
            }
            // Told apart before it comes here.
            Coding::Deflate(_) => Ok(Step { read: 0, written: 0, ended: false }),
        }
    }
}
