//! A value for each of the latest moments of equal length, in fixed memory.

use llmtop_parsers::Timestamp;

/// The latest `KEPT` moments of `SECONDS` each. Time moves by what is written;
/// nothing is allocated before that.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Ring<T, const KEPT: usize, const SECONDS: u64> {
    /// Number of the latest moment, counted from 1970.
    last: u64,
    /// That of number n at n modulo `KEPT`; empty at first.
    slots: Vec<T>,
}

impl<T: Clone + Default, const KEPT: usize, const SECONDS: u64> Ring<T, KEPT, SECONDS> {
    /// The number of the moment in which a time lies.
    pub(super) fn number(at: Timestamp) -> u64 {
        at.0 / (SECONDS * 1_000_000_000)
    }

    /// The latest moment that was written to; `None`: none was.
    pub(super) fn last(&self) -> Option<u64> {
        (!self.slots.is_empty()).then_some(self.last)
    }

    /// What is kept of a moment.
    pub(super) fn get(&self, number: u64) -> Option<&T> {
        self.slots.get(self.place(number)?)
    }

    /// To write to a moment; `None`: it is older than what is kept.
    pub(super) fn at(&mut self, number: u64) -> Option<&mut T> {
        if self.slots.is_empty() {
            self.slots = vec![T::default(); KEPT];
            self.last = number;
        }
        if number > self.last {
            for passed in (self.last + 1..=number).rev().take(KEPT) {
                self.slots[passed as usize % KEPT] = T::default();
            }
            self.last = number;
        }
        let place = self.place(number)?;
        self.slots.get_mut(place)
    }

    fn place(&self, number: u64) -> Option<usize> {
        let kept = number <= self.last && self.last - number < KEPT as u64;
        kept.then_some(number as usize % KEPT)
    }
}

#[cfg(test)]
mod tests {
    use super::Ring;

    #[test]
    fn the_latest_are_kept_in_whatever_order_they_come() {
        let mut ring = Ring::<u32, 4, 1>::default();
        assert_eq!((ring.last(), ring.get(0)), (None, None));
        for number in [10, 12, 9, 8, 12] {
            if let Some(slot) = ring.at(number) {
                *slot += 1;
            }
        }
        let kept =
            |ring: &Ring<u32, 4, 1>| (7..15).map(|n| ring.get(n).copied()).collect::<Vec<_>>();
        assert_eq!(ring.last(), Some(12));
        assert_eq!(kept(&ring), [None, None, Some(1), Some(1), Some(0), Some(2), None, None]);
        // Nothing of before is left after a long pause, however long.
        *ring.at(u64::MAX).unwrap() = 7;
        assert_eq!(ring.get(u64::MAX), Some(&7));
        assert_eq!(ring.get(u64::MAX - 3), Some(&0));
        assert_eq!(ring.get(12), None);
    }
}
