//! The captures in `tests/corpus`, and how they are played to a connection.
//! The format is described in `tests/corpus/README.md`.

use std::path::{Path, PathBuf};

use base64::Engine;
use llmtop_parsers::{Connection, Direction, Event, Limits, Timestamp};

/// One thing that happens to a connection.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Chunk(Direction, Vec<u8>),
    Gap(Direction, u64),
    Close,
}

/// What happened, and when (milliseconds).
type Steps = Vec<(u64, Step)>;

/// A capture.
#[derive(Clone, Debug)]
pub(crate) struct Capture {
    pub(crate) stdio: bool,
    pub(crate) joined_midway: bool,
    pub(crate) steps: Steps,
}

/// Every case of a protocol: its directory and its capture.
pub(crate) fn cases(protocol: &str) -> Vec<(PathBuf, Capture)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus").join(protocol);
    let mut cases: Vec<_> = std::fs::read_dir(&root)
        .unwrap_or_else(|error| panic!("{}: {error}", root.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| {
            let text = std::fs::read_to_string(path.join("capture.txt")).unwrap();
            (path.clone(), parse(&text, &path.display().to_string()))
        })
        .collect();
    cases.sort_by(|(a, _), (b, _)| a.cmp(b));
    assert!(!cases.is_empty(), "no captures in {}", root.display());
    cases
}

/// Reads a capture; `name` is for messages.
pub(crate) fn parse(text: &str, name: &str) -> Capture {
    let mut reader = Reader {
        capture: Capture { stdio: false, joined_midway: false, steps: Vec::new() },
        time: 0,
        fresh: true,
    };
    for (number, line) in text.lines().enumerate() {
        let read = reader.line(line);
        read.unwrap_or_else(|| panic!("{name}, line {}: {line:?}", number + 1));
    }
    reader.capture
}

struct Reader {
    capture: Capture,
    time: u64,
    /// The next bytes begin a chunk.
    fresh: bool,
}

impl Reader {
    fn line(&mut self, line: &str) -> Option<()> {
        let fresh = std::mem::replace(&mut self.fresh, true);
        let steps = &mut self.capture.steps;
        let words: Vec<&str> = line.split(' ').collect();
        let direction = match words[..] {
            [] | [""] => return Some(()),
            ["#", ..] => {
                self.fresh = fresh;
                return Some(());
            }
            ["stdio"] => {
                self.capture.stdio = true;
                return Some(());
            }
            ["midway"] => {
                self.capture.joined_midway = true;
                return Some(());
            }
            ["close"] => {
                steps.push((self.time, Step::Close));
                return Some(());
            }
            ["wait", millis] => {
                self.time += millis.parse::<u64>().ok()?;
                return Some(());
            }
            ["gap", way, lost] => {
                steps.push((self.time, Step::Gap(direction(way)?, lost.parse().ok()?)));
                return Some(());
            }
            [mark, ..] => direction(mark.get(..1)?)?,
        };
        let (mark, content) = line.split_once(' ')?;
        let mut bytes = match &mark[1..] {
            "" => unescape(content)?,
            "base64" => base64::engine::general_purpose::STANDARD.decode(content).ok()?,
            _ => return None,
        };
        self.fresh = false;
        match steps.last_mut() {
            Some((_, Step::Chunk(last, chunk))) if *last == direction && !fresh => {
                chunk.append(&mut bytes);
            }
            _ => {
                self.time += 1;
                steps.push((self.time, Step::Chunk(direction, bytes)));
            }
        }
        Some(())
    }
}

fn direction(mark: &str) -> Option<Direction> {
    match mark {
        ">" => Some(Direction::Sent),
        "<" => Some(Direction::Received),
        _ => None,
    }
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'\\' {
            bytes.push(*byte);
            continue;
        }
        let [escape, after @ ..] = rest else { return None };
        rest = after;
        bytes.push(match escape {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'\\' => b'\\',
            b'x' => {
                let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
                rest = &rest[2..];
                u8::from_str_radix(digits, 16).ok()?
            }
            _ => return None,
        });
    }
    Some(bytes)
}

impl Capture {
    /// Plays it, and what came out.
    pub(crate) fn play(&self, limits: Limits) -> Vec<Event> {
        let connect = if self.stdio { Connection::stdio } else { Connection::new };
        let mut connection = connect(limits, self.joined_midway);
        let mut events = Vec::new();
        for (millis, step) in &self.steps {
            let time = Timestamp(millis * 1_000_000);
            match step {
                Step::Chunk(direction, bytes) => connection.receive(*direction, time, bytes),
                Step::Gap(direction, lost) => connection.gap(*direction, time, *lost),
                Step::Close => connection.close(time),
            }
            events.extend(std::iter::from_fn(|| connection.poll()));
        }
        events
    }

    /// The same bytes, each chunk cut into pieces of at most `size`.
    pub(crate) fn in_pieces(&self, size: usize) -> Capture {
        let pieces = |(time, step): &(u64, Step)| -> Steps {
            match step {
                Step::Chunk(direction, bytes) => bytes
                    .chunks(size)
                    .map(|piece| (*time, Step::Chunk(*direction, piece.to_vec())))
                    .collect(),
                other => vec![(*time, other.clone())],
            }
        };
        Capture { steps: self.steps.iter().flat_map(pieces).collect(), ..self.clone() }
    }

    /// Bytes in all.
    pub(crate) fn len(&self) -> usize {
        self.steps.iter().map(|(_, step)| step.len()).sum()
    }

    /// Where each chunk begins.
    pub(crate) fn edges(&self) -> Vec<usize> {
        let ends = self.steps.iter().scan(0, |passed, (_, step)| {
            *passed += step.len();
            Some(*passed)
        });
        ends.filter(|end| *end < self.len()).collect()
    }

    /// Where `text` is, within one chunk.
    pub(crate) fn find(&self, text: &[u8]) -> Option<usize> {
        let mut passed = 0;
        for (_, step) in &self.steps {
            if let Step::Chunk(_, bytes) = step
                && let Some(at) = bytes.windows(text.len()).position(|window| window == text)
            {
                return Some(passed + at);
            }
            passed += step.len();
        }
        None
    }

    /// Cut in two at byte `at`: what came before and what came after.
    fn halves(&self, at: usize) -> (Steps, Steps) {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut passed = 0;
        for (time, step) in &self.steps {
            let cut = at.saturating_sub(passed);
            match step {
                Step::Chunk(direction, bytes) if cut > 0 && cut < bytes.len() => {
                    before.push((*time, Step::Chunk(*direction, bytes[..cut].to_vec())));
                    after.push((*time, Step::Chunk(*direction, bytes[cut..].to_vec())));
                }
                _ if cut > 0 => before.push((*time, step.clone())),
                _ => after.push((*time, step.clone())),
            }
            passed += step.len();
        }
        (before, after)
    }

    /// The same, one chunk cut in two at byte `at`.
    pub(crate) fn split_at(&self, at: usize) -> Capture {
        let (mut steps, mut after) = self.halves(at);
        steps.append(&mut after);
        Capture { steps, ..self.clone() }
    }

    /// What somebody sees who joins at byte `at`.
    pub(crate) fn joined_at(&self, at: usize) -> Capture {
        Capture { joined_midway: true, steps: self.halves(at).1, ..*self }
    }
}

impl Step {
    /// The same bytes, not captured.
    pub(crate) fn lost(&self) -> Step {
        match self {
            Step::Chunk(direction, bytes) => Step::Gap(*direction, bytes.len() as u64),
            other => other.clone(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Step::Chunk(_, bytes) => bytes.len(),
            Step::Gap(..) | Step::Close => 0,
        }
    }
}
