//! Many things in order, of which any can be asked for by its rank.

/// Things in a piece, at most.
const PIECE: usize = 512;

/// Things in order, in pieces: to put one in its place moves no more than a piece, and to
/// find a rank looks at the lengths of pieces.
#[derive(Clone, Debug)]
pub(super) struct Sorted<T> {
    /// None is empty.
    pieces: Vec<Vec<T>>,
    len: usize,
}

impl<T> Default for Sorted<T> {
    fn default() -> Self {
        Sorted { pieces: Vec::new(), len: 0 }
    }
}

impl<T: Ord> Sorted<T> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Puts one in its place, unless it is there.
    pub(super) fn insert(&mut self, thing: T) {
        if self.pieces.is_empty() {
            self.pieces.push(Vec::new());
        }
        let at = self.piece_of(&thing).min(self.pieces.len() - 1);
        let piece = &mut self.pieces[at];
        let Err(place) = piece.binary_search(&thing) else { return };
        piece.insert(place, thing);
        self.len += 1;
        if piece.len() > PIECE {
            let half = piece.split_off(PIECE / 2);
            self.pieces.insert(at + 1, half);
        }
    }

    /// Takes one away.
    pub(super) fn remove(&mut self, thing: &T) {
        let at = self.piece_of(thing);
        let Some(piece) = self.pieces.get_mut(at) else { return };
        let Ok(place) = piece.binary_search(thing) else { return };
        piece.remove(place);
        self.len -= 1;
        if piece.is_empty() {
            self.pieces.remove(at);
        }
    }

    /// The one of a rank.
    pub(super) fn get(&self, mut rank: usize) -> Option<&T> {
        for piece in &self.pieces {
            if let Some(thing) = piece.get(rank) {
                return Some(thing);
            }
            rank -= piece.len();
        }
        None
    }

    /// How many stand before one.
    pub(super) fn rank(&self, thing: &T) -> usize {
        let at = self.piece_of(thing);
        let before: usize = self.pieces.iter().take(at).map(Vec::len).sum();
        let piece = self.pieces.get(at);
        before + piece.map_or(0, |piece| piece.partition_point(|other| other < thing))
    }

    /// The first piece that ends at one or after it.
    fn piece_of(&self, thing: &T) -> usize {
        self.pieces.partition_point(|piece| piece.last().is_some_and(|last| last < thing))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::Sorted;

    proptest! {
        #[test]
        fn it_is_a_set_with_ranks(
            moves in prop::collection::vec((any::<bool>(), 0u32..2000), 0..3000)
        ) {
            let (mut sorted, mut set) = (Sorted::default(), BTreeSet::new());
            // More than one piece, whatever is moved.
            for thing in (0..2000).step_by(2) {
                sorted.insert(thing);
                set.insert(thing);
            }
            for (adds, thing) in moves {
                if adds {
                    sorted.insert(thing);
                    set.insert(thing);
                } else {
                    sorted.remove(&thing);
                    set.remove(&thing);
                }
            }
            prop_assert_eq!(sorted.len(), set.len());
            for (rank, thing) in set.iter().enumerate() {
                prop_assert_eq!(sorted.get(rank), Some(thing));
                prop_assert_eq!(sorted.rank(thing), rank);
            }
            prop_assert_eq!(sorted.get(set.len()), None);
            prop_assert!(sorted.pieces.iter().all(|piece| !piece.is_empty()));
        }
    }
}
