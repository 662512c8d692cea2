//! Pieces that wait until it is known what they belong to.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::http2::half::Piece;
use crate::{Direction, Role, Timestamp};

/// How long a piece waits for what comes from the other direction.
const LONGEST: Duration = Duration::from_secs(1);

/// Pieces, in order, as what ends a stream or leaves a hole in it means what came
/// before. Bounded.
#[derive(Debug)]
pub(super) struct Held {
    pieces: Vec<Waiting>,
    bytes: usize,
    most: (usize, usize),
}

/// A piece, and when it passed.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) direction: Direction,
    pub(super) time: Timestamp,
    piece: Kept,
}

#[derive(Debug)]
enum Kept {
    Data { stream: u32, bytes: Vec<u8> },
    Other(Piece<'static>),
}

impl From<Piece<'_>> for Kept {
    fn from(piece: Piece<'_>) -> Self {
        Kept::Other(match piece {
            Piece::Data { stream, bytes } => return Kept::Data { stream, bytes: bytes.to_vec() },
            Piece::Preface => Piece::Preface,
            Piece::Head { stream, promised, head, ends_stream } => {
                Piece::Head { stream, promised, head, ends_stream }
            }
            Piece::End { stream } => Piece::End { stream },
            Piece::Hole { stream, lost } => Piece::Hole { stream, lost },
            Piece::Reset { stream, code } => Piece::Reset { stream, code },
            Piece::MaxFrameSize(size) => Piece::MaxFrameSize(size),
            Piece::GoAway(go_away) => Piece::GoAway(go_away),
            Piece::Unframed => Piece::Unframed,
        })
    }
}

impl Waiting {
    pub(super) fn new(direction: Direction, time: Timestamp, piece: Piece<'_>) -> Self {
        Waiting { direction, time, piece: piece.into() }
    }

    /// What waited goes on.
    pub(super) fn go_on(self, go: impl FnOnce(Direction, Timestamp, Piece<'_>)) {
        let Waiting { direction, time, piece } = self;
        match piece {
            Kept::Data { stream, bytes } => {
                go(direction, time, Piece::Data { stream, bytes: &bytes });
            }
            Kept::Other(piece) => go(direction, time, piece),
        }
    }

    /// Its stream, if it is of one.
    pub(super) fn stream(&self) -> Option<u32> {
        match &self.piece {
            Kept::Data { stream, .. } => Some(*stream),
            Kept::Other(piece) => piece.stream(),
        }
    }

    fn size(&self) -> usize {
        match &self.piece {
            Kept::Data { bytes, .. } => bytes.len(),
            Kept::Other(Piece::Head { head, .. }) => head.size(),
            Kept::Other(Piece::GoAway(go_away)) => go_away.debug.len(),
            Kept::Other(_) => 0,
        }
    }
}

impl Held {
    /// `most`: bytes of bodies and heads, and pieces, beyond which it is full.
    pub(super) fn new(most: (usize, usize)) -> Self {
        Held { pieces: Vec::new(), bytes: 0, most }
    }

    pub(super) fn push(&mut self, waiting: Waiting) {
        self.bytes += waiting.size();
        self.pieces.push(waiting);
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes > self.most.0 || self.pieces.len() > self.most.1
    }

    /// Whether one has waited for too long at `time`.
    pub(super) fn is_overdue(&self, time: Timestamp) -> bool {
        let since = self.pieces.first().map_or(time, |oldest| oldest.time);
        Duration::from_nanos(time.0.saturating_sub(since.0)) > LONGEST
    }

    pub(super) fn take(&mut self) -> Vec<Waiting> {
        self.bytes = 0;
        std::mem::take(&mut self.pieces)
    }

    /// Those of streams up to `last`.
    pub(super) fn take_to(&mut self, last: u32) -> Vec<Waiting> {
        let up_to = |one: &mut Waiting| one.stream().is_some_and(|stream| stream <= last);
        let taken: Vec<_> = self.pieces.extract_if(.., up_to).collect();
        self.bytes -= taken.iter().map(Waiting::size).sum::<usize>();
        taken
    }

    /// The streams that they belong to.
    pub(super) fn streams(&self) -> BTreeSet<u32> {
        self.pieces.iter().filter_map(Waiting::stream).collect()
    }

    /// The likeliest writer of what is held. What is joined midway is nearly
    /// always a response, as requests are sent at once; unless it is the start
    /// of a document that the observed process, mostly a client, has written.
    pub(super) fn guess(&self) -> Option<(Direction, Role)> {
        self.pieces.iter().find_map(|waiting| {
            let Kept::Data { bytes, .. } = &waiting.piece else { return None };
            let document = matches!(bytes.first(), Some(b'{' | b'['));
            let client = document && waiting.direction == Direction::Sent;
            Some((waiting.direction, if client { Role::Client } else { Role::Server }))
        })
    }
}
