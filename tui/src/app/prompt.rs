//! A line being typed.

use tui_input::{Input, InputRequest};

use super::event::{Code, Key};

/// Characters of a line; what is pasted beyond that is dropped.
const LONGEST: usize = 256;

/// A line being typed.
#[derive(Debug)]
pub(super) struct Prompt {
    pub(super) purpose: Purpose,
    input: Input,
    longest: usize,
}

/// What a line is typed for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Something to search for.
    #[default]
    Search,
    /// A place in JSON.
    Path,
    /// A recording's file, to be played.
    Recording,
    /// A recording's file, to be made.
    Record,
}

impl Purpose {
    /// What stands before the line, while something is captured or not.
    pub(super) fn label(self, live: bool) -> &'static str {
        match self {
            Purpose::Search => "/",
            Purpose::Path => "path: ",
            Purpose::Recording if live => "end the capture, and play the recording: ",
            Purpose::Recording => "play the recording: ",
            Purpose::Record => "record from now on to: ",
        }
    }
}

impl Default for Prompt {
    fn default() -> Self {
        Prompt::with("", LONGEST)
    }
}

/// What a key did to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// It goes on.
    On,
    /// It is what the person wants.
    Done,
    /// It is not.
    Cancelled,
}

impl Prompt {
    /// A line that has begun, of so many characters at most.
    pub(super) fn with(text: &str, longest: usize) -> Self {
        Prompt { purpose: Purpose::default(), input: Input::new(text.to_owned()), longest }
    }

    /// A line for a purpose that has begun.
    pub(super) fn begun(purpose: Purpose, text: &str) -> Self {
        Prompt { purpose, ..Prompt::with(text, LONGEST) }
    }

    /// An empty line for a purpose.
    pub(super) fn of(purpose: Purpose) -> Self {
        Prompt { purpose, ..Prompt::default() }
    }

    pub(super) fn key(&mut self, key: Key) -> Typed {
        let request = match (key.code, key.ctrl) {
            (Code::Enter, _) => return Typed::Done,
            (Code::Esc, _) | (Code::Char('c'), true) => return Typed::Cancelled,
            (Code::Backspace, _) if self.text().is_empty() => return Typed::Cancelled,
            (Code::Backspace, false) => InputRequest::DeletePrevChar,
            (Code::Backspace, true) | (Code::Char('w'), true) => InputRequest::DeletePrevWord,
            (Code::Delete, _) => InputRequest::DeleteNextChar,
            (Code::Left, _) | (Code::Char('b'), true) => InputRequest::GoToPrevChar,
            (Code::Right, _) | (Code::Char('f'), true) => InputRequest::GoToNextChar,
            (Code::Home, _) | (Code::Char('a'), true) => InputRequest::GoToStart,
            (Code::End, _) | (Code::Char('e'), true) => InputRequest::GoToEnd,
            (Code::Char('u'), true) => InputRequest::DeleteLine,
            (Code::Char('k'), true) => InputRequest::DeleteTillEnd,
            (Code::Char(character), false) if !key.alt => {
                self.insert(character);
                return Typed::On;
            }
            _ => return Typed::On,
        };
        self.input.handle(request);
        Typed::On
    }

    pub(super) fn paste(&mut self, text: &str) {
        for character in text.chars().take(self.longest) {
            self.insert(character);
        }
    }

    pub(super) fn text(&self) -> &str {
        self.input.value()
    }

    /// Where the cursor is, in bytes.
    pub(super) fn cursor(&self) -> usize {
        let text = self.text();
        text.char_indices().nth(self.input.cursor()).map_or(text.len(), |(at, _)| at)
    }

    /// Before and after the cursor, fit to be shown.
    pub(super) fn parts(&self) -> (String, String) {
        let (before, after) = self.text().split_at(self.cursor());
        (crate::view::shown(before), crate::view::shown(after))
    }

    /// Puts `word` in the place of what is between `from` and the cursor.
    pub(super) fn put(&mut self, from: usize, word: &str) {
        let (before, after) = self.text().split_at(self.cursor());
        let begun = before.get(..from).unwrap_or(before);
        let cursor = begun.chars().count() + word.chars().count();
        let text = format!("{begun}{word}{after}");
        if text.chars().count() <= self.longest {
            self.input = Input::new(text).with_cursor(cursor);
        }
    }

    fn insert(&mut self, character: char) {
        if !character.is_control() && self.text().chars().count() < self.longest {
            self.input.handle(InputRequest::InsertChar(character));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, LONGEST, Prompt, Typed};

    #[test]
    fn a_line_is_typed_and_edited() {
        let mut prompt = Prompt::default();
        for name in ["h", "e", "y", "Left", "Backspace", "é", "End", "C-w", "o", "k"] {
            assert_eq!(prompt.key(Key::parse(name).unwrap()), Typed::On);
        }
        assert_eq!(prompt.text(), "ok");
        assert_eq!(prompt.key(Key::parse("Enter").unwrap()), Typed::Done);
        assert_eq!(prompt.key(Key::parse("Esc").unwrap()), Typed::Cancelled);
    }

    #[test]
    fn a_word_is_put_in_the_place_of_what_was_begun() {
        let mut prompt = Prompt::with("é mod:x", 9);
        for name in ["Left", "Left"] {
            prompt.key(Key::parse(name).unwrap());
        }
        prompt.put(3, "model");
        assert_eq!((prompt.text(), prompt.cursor()), ("é model:x", 8));
        prompt.put(3, "too long by far");
        assert_eq!(prompt.text(), "é model:x");
    }

    #[test]
    fn a_paste_is_cut_and_cleaned() {
        let mut prompt = Prompt::default();
        prompt.paste(&"a\x1b\n".repeat(10_000));
        assert!(prompt.text().chars().count() <= LONGEST);
        assert!(prompt.text().chars().all(|character| character == 'a'));
    }
}
