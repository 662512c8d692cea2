//! Memory that unfinished bodies may take, all of them together.
//!
//! What one body may take is bounded by its own budget, and how many may be open by the
//! peers' goodwill: a few bytes on the wire decode to millions. So whatever grows beyond
//! [`FLOOR`] takes its room from one allowance for the process.

use std::sync::atomic::{AtomicUsize, Ordering};

/// For all bodies together, in bytes.
const MOST: usize = 512 << 20;
/// What each may have in any case, in bytes; also the step in which more is taken.
const FLOOR: usize = 64 << 10;

/// The allowance of the process.
pub(crate) static ROOM: Room = Room::new(MOST);

/// An allowance.
#[derive(Debug)]
pub(crate) struct Room {
    most: usize,
    taken: AtomicUsize,
}

impl Room {
    pub(crate) const fn new(most: usize) -> Self {
        Room { most, taken: AtomicUsize::new(0) }
    }
}

/// A part of an allowance, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    room: &'static Room,
    bytes: usize,
}

impl Share {
    /// None yet.
    pub(crate) fn of(room: &'static Room) -> Self {
        Share { room, bytes: 0 }
    }

    /// Whether there is room for `bytes` in all. If so, they are taken.
    pub(crate) fn reach(&mut self, bytes: usize) -> bool {
        if bytes <= self.bytes.max(FLOOR) {
            return true;
        }
        let more = bytes.next_multiple_of(FLOOR) - self.bytes;
        let take = |taken: usize| taken.checked_add(more).filter(|all| *all <= self.room.most);
        let fits = self.room.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
        if fits {
            self.bytes += more;
        }
        fits
    }

    /// What is there without asking, and what was taken.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.max(FLOOR)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_given_back() {
        static SMALL: Room = Room::new(3 * FLOOR);
        let (mut one, mut other) = (Share::of(&SMALL), Share::of(&SMALL));
        assert!(one.reach(2 * FLOOR));
        assert!(other.reach(FLOOR), "as anybody");
        assert!(!other.reach(FLOOR + 1));
        assert!(one.reach(2 * FLOOR), "it has them");
        drop(one);
        assert!(other.reach(3 * FLOOR));
        assert!(!other.reach(3 * FLOOR + 1));
        assert!(!other.reach(usize::MAX - FLOOR));
    }
}
