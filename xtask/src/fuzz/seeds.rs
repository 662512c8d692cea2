//! What the fuzzer begins with: `tests/corpus` in the shape that each target
//! reads.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use llmtop_parsers::Direction::{self, Received, Sent};
use llmtop_parsers::http2::{Event, Http2};
use llmtop_parsers::{Limits, Role, Timestamp, llm};
use sha2::{Digest, Sha256};

use capture::{Capture, Step};

// How captures are read is the parsers' tests' to say, what the first byte of
// a body's seed means the targets'.
#[path = "../../../parsers/tests/it/capture.rs"]
#[expect(dead_code, clippy::unwrap_used, clippy::panic, reason = "written for tests")]
mod capture;
#[path = "../../../fuzz/src/requests.rs"]
mod requests;

/// Seeds longer than what the fuzzer tries are cut by it, and mean nothing then.
const LONGEST: usize = 4096;

/// Writes them below `fuzz/corpus`, and how many they are.
pub(super) fn write(root: &Path) -> Result<usize> {
    let mut seeds = Seeds::default();
    for path in files(&root.join("tests/corpus"))? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        if name == "capture.txt" {
            let text = std::fs::read_to_string(&path)?;
            seeds.capture(&capture::parse(&text, &path.display().to_string()));
        } else if let Some(target) = target_of(&extension) {
            let dialect = path.parent().and_then(Path::file_name).unwrap_or_default();
            seeds.answer(target, &dialect.to_string_lossy(), &std::fs::read(&path)?);
        }
    }
    let corpus = super::corpus(root);
    let mut count = 0;
    for (target, seeds) in seeds.0 {
        let folder = corpus.join(target);
        std::fs::create_dir_all(&folder)?;
        for seed in seeds.iter().filter(|seed| seed.len() <= LONGEST) {
            let hash: String =
                Sha256::digest(seed).iter().take(10).map(|byte| format!("{byte:02x}")).collect();
            std::fs::write(folder.join(hash), seed).context("a seed")?;
            count += 1;
        }
    }
    Ok(count)
}

/// By target.
#[derive(Default)]
struct Seeds(BTreeMap<&'static str, Vec<Vec<u8>>>);

impl Seeds {
    fn add(&mut self, target: &'static str, choices: &[u8], bytes: &[u8]) {
        self.0.entry(target).or_default().push([choices, bytes].concat());
    }

    /// An answer's body, or its stream.
    fn answer(&mut self, target: &'static str, dialect: &str, bytes: &[u8]) {
        let request = requests::REQUESTS.iter().position(|(name, ..)| *name == dialect);
        self.add(target, &[request.unwrap_or(0) as u8, 0, 200], bytes);
        if let Some(dialect) = llm::DIALECTS.iter().position(|known| known.name() == dialect) {
            self.add("dialects", &[dialect as u8], bytes);
        }
    }

    fn capture(&mut self, capture: &Capture) {
        let script = script(capture.stdio, capture.joined_midway, &capture.steps);
        self.add("pipeline", &[], &script);
        if capture.stdio {
            return self.add("stdio", &[7], &script);
        }
        let received = bytes(capture, Received);
        match split_head(&received) {
            Some((head, _)) if head.starts_with("HTTP/1.1 101") => self.websocket(capture, &head),
            Some((head, body)) => {
                self.add("http1", &[], &script);
                self.add("http1", &[200], body);
                self.body(&bytes(capture, Sent), &head, body);
            }
            None => {
                self.add("http2", &[], &script);
                self.add("http2", &[200], &received);
                self.messages(capture);
            }
        }
    }

    /// The body of an answer over HTTP/1.
    fn body(&mut self, sent: &[u8], head: &str, body: &[u8]) {
        let value = |name: &str| value(head, name).unwrap_or_default();
        let target = match value("content-encoding").as_str() {
            "gzip" => "gzip",
            "deflate" => "deflate",
            "br" => "brotli",
            "zstd" => "zstd",
            _ => match value("content-type").split(';').next().unwrap_or_default() {
                "text/event-stream" => "sse",
                "application/x-ndjson" | "application/stream+json" => "ndjson",
                "application/vnd.amazon.eventstream" => "event_stream",
                _ => "json_array",
            },
        };
        let asked = |path: &str| sent.windows(path.len()).any(|window| window == path.as_bytes());
        let request = requests::REQUESTS.iter().position(|(_, path, _)| asked(path)).unwrap_or(0);
        let whole =
            if value("transfer-encoding") == "chunked" { dechunked(body) } else { body.to_vec() };
        self.add(target, &[request as u8, 0, 200], &whole);
    }

    /// The messages of gRPC and Connect on each stream.
    fn messages(&mut self, capture: &Capture) {
        let mut http2 = Http2::new(Limits::default(), capture.joined_midway);
        let mut bodies: BTreeMap<(u32, bool), Vec<u8>> = BTreeMap::new();
        for (_, step) in &capture.steps {
            if let Step::Chunk(direction, bytes) = step {
                http2.receive(*direction, Timestamp(0), bytes, |_, event| {
                    if let Event::Data { stream, from, bytes } = event {
                        let body = bodies.entry((stream, from == Role::Client)).or_default();
                        body.extend_from_slice(bytes);
                    }
                });
            }
        }
        // A flag byte that is known, and a length.
        for body in bodies.values().filter(|body| matches!(body[..], [0..=3, 0, ..])) {
            self.add("grpc", &[0, 200], body);
            self.add("grpc", &[3, 200], body);
        }
    }

    /// What moved once it was open.
    fn websocket(&mut self, capture: &Capture, head: &str) {
        let mut steps = capture.steps.clone();
        for direction in [Sent, Received] {
            let first = steps.iter_mut().find_map(|(_, step)| match step {
                Step::Chunk(way, bytes) if *way == direction => Some(bytes),
                _ => None,
            });
            if let Some(bytes) = first {
                let rest = split_head(bytes).map(|(_, rest)| rest.to_vec());
                *bytes = rest.unwrap_or_default();
            }
        }
        let deflates = value(head, "sec-websocket-extensions").is_some();
        for path in 0..4 {
            let choice = path + if deflates { 4 } else { 0 };
            self.add("websocket", &[200, choice], &script(false, false, &steps));
        }
    }
}

/// The target for a file of this kind.
fn target_of(extension: &str) -> Option<&'static str> {
    match extension {
        "sse" => Some("sse"),
        "json" => Some("json_array"),
        "ndjson" | "jsonl" => Some("ndjson"),
        "eventstream" => Some("event_stream"),
        _ => None,
    }
}

/// All files below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(self::files(&path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A capture as `fuzz/src/script.rs` reads it.
fn script(stdio: bool, joined_midway: bool, steps: &[(u64, Step)]) -> Vec<u8> {
    const MARK: u8 = 0xFE;
    let mut script = Vec::new();
    if stdio {
        script.extend([MARK, b'|']);
    }
    if joined_midway {
        script.extend([MARK, b'~']);
    }
    for (_, step) in steps {
        match step {
            Step::Chunk(direction, bytes) => {
                script.extend([MARK, if *direction == Sent { b'>' } else { b'<' }]);
                for byte in bytes {
                    script.extend(std::iter::repeat_n(*byte, if *byte == MARK { 2 } else { 1 }));
                }
            }
            Step::Gap(direction, lost) => {
                script.extend([MARK, if *direction == Sent { b'}' } else { b'{' }]);
                script.extend(lost.to_le_bytes());
            }
            Step::Close => script.extend([MARK, b'.']),
        }
    }
    script
}

/// All bytes of a direction.
fn bytes(capture: &Capture, way: Direction) -> Vec<u8> {
    let chunks = capture.steps.iter().filter_map(|(_, step)| match step {
        Step::Chunk(direction, bytes) if *direction == way => Some(&bytes[..]),
        _ => None,
    });
    chunks.collect::<Vec<_>>().concat()
}

/// The head of a message of HTTP/1, and what follows it.
fn split_head(bytes: &[u8]) -> Option<(String, &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let is_http1 = bytes.starts_with(b"HTTP/1.") || bytes.first()?.is_ascii_uppercase();
    let (head, rest) = bytes.split_at(end);
    is_http1.then(|| (String::from_utf8_lossy(head).into_owned(), rest))
}

/// The value of a header, lower case.
fn value(head: &str, name: &str) -> Option<String> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(header, _)| header.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_ascii_lowercase())
}

/// A body without its chunks' framing, as far as that is good.
fn dechunked(body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    let mut rest = body;
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let digits = String::from_utf8_lossy(&rest[..end]);
        let size = usize::from_str_radix(digits.split(';').next().unwrap_or_default(), 16);
        let Some(data) = size.ok().and_then(|size| rest.get(end + 2..end + 2 + size)) else {
            break;
        };
        whole.extend_from_slice(data);
        rest = rest.get(end + 2 + data.len() + 2..).unwrap_or_default();
    }
    whole
}
