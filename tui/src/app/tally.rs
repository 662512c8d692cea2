//! How many matches a search has, and which one was gone to: `3/17`.

/// Matches, in order, as far as they were counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Which one, from 1; 0: it is not among those that were counted.
    nth: usize,
    of: usize,
    /// There may be more.
    more: bool,
}

impl Tally {
    /// Of lines, or places, in order.
    pub(super) fn of<T: PartialEq>(found: &[T], here: &T, more: bool) -> Self {
        let nth = found.iter().position(|place| place == here).map_or(0, |at| at + 1);
        Tally { nth, of: found.len(), more }
    }

    /// Another one was looked at, after those before: whether it matches, and is the one
    /// that was gone to.
    pub(super) fn count(&mut self, hit: bool, here: bool) {
        self.of += usize::from(hit);
        if here {
            self.nth = self.of;
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.nth {
            0 => f.write_str("?")?,
            nth => write!(f, "{nth}")?,
        }
        write!(f, "/{}{}", self.of, if self.more { "+" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn it_says_what_it_knows() {
        assert_eq!(Tally::of(&[4, 7, 9], &7, false).to_string(), "2/3");
        assert_eq!(Tally::of(&[4, 7, 9], &12, true).to_string(), "?/3+");
    }
}
