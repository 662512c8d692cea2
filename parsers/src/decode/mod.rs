//! Content codings (RFC 9110, section 8.4.1), incrementally: what was flushed
//! on one end is readable here at once.

mod layer;

pub(crate) use layer::GZIP;
use layer::Layer;

/// More codings on one body than anybody sends.
const LAYERS: usize = 4;
/// Decoded bytes allowed for each byte on the wire, once over the free
/// allowance. Deflate's densest possible text is about 1030.
pub(crate) const RATIO: u64 = 256;
/// Input is decoded in pieces of this size, between which the allowance grows.
const PIECE: usize = 16 << 10;

/// Undoes the content codings of one body.
///
/// Drive it with [`push`](Self::push), which hands on what could be decoded,
/// and [`finish`](Self::finish) at the body's end. After an error the rest of
/// the body is dropped: [`problem`](Self::problem) says why. Holds one window
/// and one buffer a coding; nothing decoded waits in it.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// The coding that was applied last first.
    layers: Vec<Layer>,
    /// Bytes that may still decide whether this is gzip without saying so.
    undecided: Option<Vec<u8>>,
    wire: u64,
    budget: Budget,
    problem: Option<String>,
    /// Decoding failed: the rest is dropped.
    dead: bool,
}

/// How much may still be decoded.
#[derive(Debug)]
struct Budget {
    /// Allowed whatever the ratio.
    free: u64,
    /// Decoded so far, by all layers together.
    spent: u64,
    allowed: u64,
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
            budget: Budget { free, spent: 0, allowed: free },
            problem: None,
            dead: false,
        };
        if codings.len() > LAYERS {
            decoder.problem = Some(format!("{} content codings", codings.len()));
            return decoder;
        }
        match codings.iter().rev().map(|coding| Layer::new(coding)).collect() {
            Ok(layers) => decoder.layers = layers,
            // Kept as it is rather than not at all.
            Err(problem) => decoder.problem = Some(problem),
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
        self.layers.iter_mut().for_each(Layer::give_up);
    }

    /// Whether the body's bytes are handed on as they come.
    pub(crate) fn is_identity(&self) -> bool {
        self.layers.is_empty()
    }

    /// The next bytes of the body. `sink` gets what they decode to.
    pub(crate) fn push(&mut self, bytes: &[u8], sink: &mut impl FnMut(&[u8])) {
        if bytes.is_empty() || self.dead {
            return;
        }
        let Some(mut head) = self.undecided.take() else { return self.decode(bytes, sink) };
        if head.is_empty() && bytes[0] != GZIP[0] {
            return sink(bytes);
        }
        let (taken, rest) = bytes.split_at(bytes.len().min(GZIP.len() - head.len()));
        head.extend_from_slice(taken);
        if head == GZIP {
            self.layers.push(Layer::gzip());
            self.problem = Some("gzip, but not announced as such".into());
        } else if GZIP.starts_with(&head) {
            self.undecided = Some(head);
            return;
        }
        self.decode(&head, sink);
        if !rest.is_empty() {
            self.decode(rest, sink);
        }
    }

    /// The body's end; `whole`: as its framing says. Hands on what is left.
    pub(crate) fn finish(&mut self, whole: bool, sink: &mut impl FnMut(&[u8])) {
        if let Some(head) = self.undecided.take() {
            sink(&head);
        }
        if self.dead {
            return;
        }
        for layer in &self.layers {
            sink(layer.undecided());
            if whole && self.wire > 0 && !layer.is_complete() {
                let problem = format!("{}: ends before its end", layer.name());
                self.problem.get_or_insert(problem);
            }
        }
    }

    fn decode(&mut self, bytes: &[u8], sink: &mut impl FnMut(&[u8])) {
        let Some(first) = self.layers.first() else { return sink(bytes) };
        if self.wire == 0 && !first.may_begin_with(bytes) {
            self.problem = Some(format!("not {}, though announced", first.name()));
            self.layers.clear();
            return sink(bytes);
        }
        for piece in bytes.chunks(PIECE) {
            self.wire += piece.len() as u64;
            self.budget.allowed = self.budget.free.max(self.wire.saturating_mul(RATIO));
            if let Err(problem) = run(&mut self.layers, piece, &mut self.budget, sink) {
                self.problem = Some(problem);
                self.dead = true;
                self.layers.iter_mut().for_each(Layer::give_up);
                return;
            }
        }
    }
}

/// Sends `bytes` through the layers, and what comes out to `sink`.
fn run(
    layers: &mut [Layer],
    bytes: &[u8],
    budget: &mut Budget,
    sink: &mut dyn FnMut(&[u8]),
) -> Result<(), String> {
    let Some((first, rest)) = layers.split_first_mut() else {
        sink(bytes);
        return Ok(());
    };
    let name = first.name();
    first.decode(bytes, &mut |output| {
        budget.spent += output.len() as u64;
        if budget.spent > budget.allowed {
            return Err(format!("{name}: decompression bomb"));
        }
        run(rest, output, budget, sink)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

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
            decoder.finish(true, &mut |bytes| assert!(bytes.is_empty(), "{name} was held back"));
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
                    decoder.finish(true, &mut |bytes| {
                        assert!(bytes.is_empty(), "{name} was held back")
                    });
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

    #[test]
    fn what_goes_on_is_joined_and_what_follows_is_ignored() {
        let gzip = |text: &str| {
            let mut encoder = GzEncoder::new(vec![], Compression::default());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        };
        let zstd = |text: &str| zstd::encode_all(text.as_bytes(), 3).unwrap();
        let skippable = b"\x5c\x2a\x4d\x18\x03\0\0\0abc";
        // Padding may begin as another part does, and one may follow it.
        let bodies = [
            ("gzip", [gzip("one "), gzip("two"), b"\0\0".to_vec(), gzip("three")].concat()),
            ("gzip", [gzip("one two"), b"\x1f\x1f".to_vec()].concat()),
            ("zstd", [zstd("one "), skippable.to_vec(), zstd("two")].concat()),
            ("zstd", [zstd("one two"), b"\xc8".to_vec(), zstd("three")].concat()),
            ("zstd", [zstd("one two"), b"\x28\xb5\x2f\x2f".to_vec(), zstd("three")].concat()),
            ("zstd", [zstd("one two"), b"\x50\x2a".to_vec()].concat()),
        ];
        for (coding, whole) in bodies {
            for size in 1..=whole.len() {
                let mut decoder = Decoder::new(&[coding.to_owned()], false, 1 << 20);
                let mut output = Vec::new();
                for piece in whole.chunks(size) {
                    decoder.push(piece, &mut |bytes| output.extend_from_slice(bytes));
                }
                decoder.finish(true, &mut |_| ());
                assert_eq!((&output[..], decoder.problem()), (&b"one two"[..], None), "by {size}");
            }
        }
    }
}
