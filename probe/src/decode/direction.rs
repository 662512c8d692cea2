//! One direction of a connection: its chunks in order, what is missing between
//! them as gaps.

use std::collections::BTreeMap;

/// Bytes held back for a chunk that two CPUs may have swapped.
const WINDOW_BYTES: usize = 1 << 20;
/// Chunks held back.
const WINDOW_CHUNKS: usize = 64;

/// What comes out, in order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    Gap(u64),
    Bytes { time: u64, offset: u64, bytes: Vec<u8> },
}

/// Driving contract: [`chunk`](Self::chunk) with each chunk as it is found,
/// [`finish`](Self::finish) with the kernel's counters when all chunks they
/// count were given. Every byte of the direction comes out once, as bytes or in
/// a gap.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// Bytes of the direction that came out.
    next: u64,
    /// Those of them that came out in gaps.
    lost: u64,
    waiting: BTreeMap<u64, Waiting>,
    waiting_bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    lost: u64,
    time: u64,
    bytes: Vec<u8>,
}

impl Order {
    /// A chunk that has `offset` bytes of the direction before it, of which
    /// `lost` were lost.
    pub(super) fn chunk(
        &mut self,
        offset: u64,
        lost: u64,
        time: u64,
        bytes: &[u8],
        out: &mut Vec<Piece>,
    ) {
        if offset < self.next {
            return; // came out already, as part of a gap or of a twin
        }
        if self.waiting.is_empty() && self.due(offset, lost) {
            self.release(offset, time, bytes.to_vec(), out);
            return;
        }
        self.waiting_bytes += bytes.len();
        self.waiting.insert(offset, Waiting { lost, time, bytes: bytes.to_vec() });
        while let Some((&offset, first)) = self.waiting.first_key_value() {
            let full = self.waiting.len() > WINDOW_CHUNKS || self.waiting_bytes > WINDOW_BYTES;
            if !full && !self.due(offset, first.lost) {
                break;
            }
            self.release_first(out);
        }
    }

    /// What comes before `offset`, of which `lost` bytes were lost, is nobody's
    /// concern: it does not come out.
    pub(super) fn begin(&mut self, offset: u64, lost: u64) {
        if offset > self.next {
            (self.next, self.lost) = (offset, lost);
        }
    }

    /// What comes before `offset` was given, but for `lost` bytes; what `part` had
    /// follows, and came out there.
    pub(super) fn join(&mut self, offset: u64, lost: u64, part: &Self, out: &mut Vec<Piece>) {
        self.flush(out);
        let missing = lost.saturating_sub(self.lost).min(offset.saturating_sub(self.next));
        if missing > 0 {
            self.gap(missing, out);
        }
        self.begin(offset.saturating_add(part.next), lost.saturating_add(part.lost));
    }

    /// No chunk is on its way any more: `moved` bytes were moved, and `ignored`
    /// of them, at the end, never looked at.
    pub(super) fn finish(&mut self, moved: u64, ignored: u64, out: &mut Vec<Piece>) {
        self.flush(out);
        let end = moved.saturating_sub(ignored);
        if end > self.next {
            self.gap(end - self.next, out);
        }
    }

    /// What is missing before what waits does not come any more.
    pub(super) fn flush(&mut self, out: &mut Vec<Piece>) {
        while !self.waiting.is_empty() {
            self.release_first(out);
        }
    }

    /// Whether all that is missing before `offset` is known to be lost.
    fn due(&self, offset: u64, lost: u64) -> bool {
        offset.saturating_sub(self.next) <= lost.saturating_sub(self.lost)
    }

    fn release_first(&mut self, out: &mut Vec<Piece>) {
        if let Some((offset, first)) = self.waiting.pop_first() {
            self.waiting_bytes -= first.bytes.len();
            if offset >= self.next {
                self.release(offset, first.time, first.bytes, out);
            }
        }
    }

    fn release(&mut self, offset: u64, time: u64, bytes: Vec<u8>, out: &mut Vec<Piece>) {
        if offset > self.next {
            self.gap(offset - self.next, out);
        }
        self.next = offset.saturating_add(bytes.len() as u64);
        out.push(Piece::Bytes { time, offset, bytes });
    }

    fn gap(&mut self, lost: u64, out: &mut Vec<Piece>) {
        self.next += lost;
        self.lost += lost;
        out.push(Piece::Gap(lost));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives `(offset, lost, length)` in turn, then finishes; answers with the
    /// lengths that came out, gaps negative.
    fn check(given: &[(u64, u64, usize)], moved: u64, ignored: u64, expected: &[i64]) {
        let (mut order, mut out) = (Order::default(), Vec::new());
        for &(offset, lost, length) in given {
            order.chunk(offset, lost, 0, &vec![1; length], &mut out);
        }
        order.finish(moved, ignored, &mut out);
        let lengths: Vec<i64> = out
            .iter()
            .map(|piece| match piece {
                Piece::Gap(lost) => -(*lost as i64),
                Piece::Bytes { bytes, .. } => bytes.len() as i64,
            })
            .collect();
        assert_eq!(lengths, expected, "{given:?}");
        let mut at = 0;
        for piece in &out {
            match piece {
                Piece::Gap(lost) => at += lost,
                Piece::Bytes { offset, bytes, .. } => {
                    assert_eq!(*offset, at);
                    at += bytes.len() as u64;
                }
            }
        }
        assert_eq!(at, moved - ignored);
    }

    #[test]
    fn order_and_gaps() {
        check(&[], 0, 0, &[]);
        check(&[(0, 0, 5), (5, 0, 5)], 10, 0, &[5, 5]);
        // lost in the middle, at the end, at the start
        check(&[(0, 0, 5), (8, 3, 5)], 13, 0, &[5, -3, 5]);
        check(&[(0, 0, 5)], 9, 0, &[5, -4]);
        check(&[(7, 7, 5)], 12, 0, &[-7, 5]);
        check(&[], 12, 0, &[-12]);
        // swapped by two CPUs
        check(&[(5, 0, 5), (0, 0, 5)], 10, 0, &[5, 5]);
        check(&[(10, 0, 1), (5, 0, 5), (0, 0, 5), (11, 0, 2)], 13, 0, &[5, 5, 1, 2]);
        // swapped, and one lost between them
        check(&[(8, 3, 5), (0, 0, 5)], 13, 0, &[5, -3, 5]);
        // never came
        check(&[(0, 0, 5), (8, 0, 5)], 13, 0, &[5, -3, 5]);
        // ignored at the end
        check(&[(0, 0, 5)], 100, 95, &[5]);
        check(&[(0, 0, 5)], 100, 90, &[5, -5]);
        // a twin is dropped
        check(&[(0, 0, 5), (0, 0, 5), (5, 0, 1)], 6, 0, &[5, 1]);
    }

    #[test]
    fn the_window_is_bounded() {
        let given: Vec<_> = (0..100).map(|n| (10 + n * 10, 0, 10)).collect();
        let mut expected = vec![-10];
        expected.resize(101, 10);
        check(&given, 1010, 0, &expected);
    }
}
