//! The last row: what can be done, what is asked, or what is being typed.

use unicode_width::UnicodeWidthStr;

use super::{Line, Span};

/// The last row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Footer {
    /// Keys and what they do.
    Keys(Offers),
    /// A line being typed: before and after the cursor.
    Prompt {
        /// What it is for.
        label: &'static str,
        /// Text before the cursor.
        before: Vec<Span>,
        /// Text after it.
        after: Vec<Span>,
        /// A row above it.
        hint: Option<Hint>,
    },
    /// Something to be told once.
    Message(Span),
}

/// What helps with a line that is being typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// What is wrong with it, or what may come next.
    pub text: Vec<Span>,
    /// At the right: what it does.
    pub note: Vec<Span>,
}

/// Keys and what they do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// What they are about: a question that they answer.
    pub about: Vec<Span>,
    /// The keys.
    pub keys: Vec<Offer>,
}

/// A key and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The key's name.
    pub key: String,
    /// What it does, in a word.
    pub word: &'static str,
}

impl Default for Footer {
    fn default() -> Self {
        Footer::Keys(Offers::default())
    }
}

impl From<(String, &'static str)> for Offer {
    fn from((key, word): (String, &'static str)) -> Self {
        Offer { key, word }
    }
}

impl Offer {
    /// Columns of the key, a blank, and the word.
    pub fn width(&self) -> u16 {
        (self.key.width() + 1 + self.word.width()) as u16
    }
}

impl Offers {
    /// Keys that stand for themselves.
    pub fn of(keys: impl Iterator<Item = (String, &'static str)>) -> Self {
        Offers { about: Vec::new(), keys: keys.map(Offer::from).collect() }
    }

    /// What there is room for in so many columns: what they are about, and the
    /// keys with the column at which each begins. The last two keys are always
    /// there: help and quit, or the ways out of a question.
    pub fn places(&self, width: u16) -> (Line, Vec<(u16, &Offer)>) {
        let columns = |offer: &Offer| offer.width() + 2;
        let about = Line::from(self.about.clone());
        let mut at = 1;
        // Who is asked has to see all answers: rather the question is cut.
        let about = if self.about.is_empty() {
            about
        } else {
            let keys: u16 = self.keys.iter().map(columns).sum();
            let about = about.cut(usize::from((width + 1).saturating_sub(at + 2 + keys)));
            let wide = about.spans.iter().map(|span| span.text.width() as u16).sum::<u16>();
            at += if wide > 0 { wide + 2 } else { 0 };
            about
        };
        let (first, last) = self.keys.split_at(self.keys.len().saturating_sub(2));
        // A blank is before the first and two are after each, but for the last one.
        let mut room = (width + 2).saturating_sub(at + last.iter().map(columns).sum::<u16>());
        let fitting = first.iter().map_while(|offer| {
            room = room.checked_sub(columns(offer))?;
            Some(offer)
        });
        let places = fitting.chain(last).map(|offer| {
            let from = at;
            at += columns(offer);
            (from, offer)
        });
        (about, places.collect())
    }

    /// What is offered at a column.
    pub fn at(&self, column: u16, width: u16) -> Option<&Offer> {
        let (_, places) = self.places(width);
        let hit = |(from, offer): &(u16, &Offer)| (*from..from + offer.width()).contains(&column);
        places.into_iter().find(hit).map(|(_, offer)| offer)
    }
}
