//! A connection's life as bytes: what is sent, received and lost, in order.
//!
//! `FE` and a letter begins a step, anything else is bytes of the step before;
//! a fuzzer that inserts or removes bytes leaves the other steps alone.
//!
//! | bytes | step |
//! |---|---|
//! | `FE '>'`, `FE '<'` | a chunk that is sent, received |
//! | `FE ')'`, `FE '('` | bytes sent, received, that are lost: as many as the next byte says |
//! | `FE '}'`, `FE '{'` | the same, by the next eight bytes, little-endian |
//! | `FE '.'` | the connection ends |
//! | `FE '~'` | (first) the connection existed before |
//! | `FE '|'` | (first) it is a process's standard input and output |
//! | `FE FE` | the byte `FE` |

use llmtop_parsers::{Connection, Direction, Event, Limits, Timestamp};

use crate::{LIMITS, contract, outlet};

const MARK: u8 = 0xFE;

/// One thing that happens to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Bytes that moved at once.
    Chunk(Direction, Vec<u8>),
    /// Bytes that were lost.
    Gap(Direction, u64),
    /// The end.
    Close,
}

/// What happens to a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// It is no connection, but a process's standard input and output.
    pub stdio: bool,
    /// Bytes had moved before.
    pub joined_midway: bool,
    /// In order.
    pub steps: Vec<Step>,
}

/// Plays the script that `data` is: the [`contract`] must hold.
///
/// # Panics
/// It does not.
pub fn check(data: &[u8]) {
    let events = Script::read(data).play(LIMITS);
    contract::check(&events, LIMITS);
    outlet::check(&events);
}

impl Script {
    /// Any bytes are a script.
    pub fn read(bytes: &[u8]) -> Self {
        let mut script = Script::default();
        let mut chunk = (Direction::Sent, Vec::new());
        let mut rest = bytes;
        while let [byte, after @ ..] = rest {
            rest = after;
            let direction = match (*byte, rest.first()) {
                (MARK, Some(b'>' | b')' | b'}')) => Direction::Sent,
                (MARK, Some(b'<' | b'(' | b'{')) => Direction::Received,
                (MARK, Some(b'.' | b'~' | b'|')) => chunk.0,
                (MARK, Some(&MARK)) => {
                    chunk.1.push(MARK);
                    rest = &rest[1..];
                    continue;
                }
                (byte, _) => {
                    chunk.1.push(byte);
                    continue;
                }
            };
            script.push(&mut chunk);
            let mark = rest[0];
            rest = &rest[1..];
            let lost = match mark {
                b')' | b'(' => Some(1),
                b'}' | b'{' => Some(8),
                _ => None,
            };
            if let Some(size) = lost {
                let (octets, after) = rest.split_at(rest.len().min(size));
                rest = after;
                let mut lost = [0; 8];
                lost[..octets.len()].copy_from_slice(octets);
                script.steps.push(Step::Gap(direction, u64::from_le_bytes(lost)));
            }
            match mark {
                b'.' => script.steps.push(Step::Close),
                b'~' if script.steps.is_empty() => script.joined_midway = true,
                b'|' if script.steps.is_empty() => script.stdio = true,
                _ => {}
            }
            chunk.0 = direction;
        }
        script.push(&mut chunk);
        script
    }

    fn push(&mut self, chunk: &mut (Direction, Vec<u8>)) {
        if !chunk.1.is_empty() {
            self.steps.push(Step::Chunk(chunk.0, std::mem::take(&mut chunk.1)));
        }
    }

    /// Plays it, to its end, and what came out. Time stands still.
    pub fn play(&self, limits: Limits) -> Vec<Event> {
        let connect = if self.stdio { Connection::stdio } else { Connection::new };
        let mut connection = connect(limits, self.joined_midway);
        let mut events = Vec::new();
        for step in self.steps.iter().chain([&Step::Close]) {
            match step {
                Step::Chunk(direction, bytes) => connection.receive(*direction, TIME, bytes),
                Step::Gap(direction, lost) => connection.gap(*direction, TIME, *lost),
                Step::Close => connection.close(TIME),
            }
            events.extend(std::iter::from_fn(|| connection.poll()));
        }
        events
    }

    /// The same bytes, every chunk cut into pieces of at most `size`.
    pub fn in_pieces(&self, size: usize) -> Self {
        let pieces = |step: &Step| -> Vec<Step> {
            match step {
                Step::Chunk(direction, bytes) => bytes
                    .chunks(size.max(1))
                    .map(|piece| Step::Chunk(*direction, piece.to_vec()))
                    .collect(),
                other => vec![other.clone()],
            }
        };
        Script { steps: self.steps.iter().flat_map(pieces).collect(), ..*self }
    }
}

/// So that a cut moves no time.
pub(crate) const TIME: Timestamp = Timestamp(1_700_000_000_000_000_000);
