//! What can happen to the screen: one closed enum, so that everything it does
//! can be driven by a test.

use std::fmt;

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A key was pressed.
    Key(Key),
    /// The mouse did something.
    Mouse(Mouse),
    /// The terminal has a new size.
    Resize {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// Text was pasted.
    Paste(String),
    /// The store or the session changed.
    StoreChanged,
    /// Time passed that the screen had asked for.
    Tick,
    /// A signal asked for something.
    Signal(Signal),
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, SIGTERM, SIGHUP: end.
    Quit,
    /// SIGTSTP: stop, giving the terminal back.
    Stop,
    /// SIGCONT after a stop: the screen was somebody else's meanwhile.
    Resumed,
}

/// A key with its modifiers. Shift is part of a character already, and kept
/// for other keys only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Which.
    pub code: Code,
    /// With Control.
    pub ctrl: bool,
    /// With Alt.
    pub alt: bool,
}

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "a key is called what is printed on it")]
pub enum Code {
    Char(char),
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Left,
    Right,
    Up,
    Down,
    Home,
    End,
    PageUp,
    PageDown,
    Function(u8),
}

/// A mouse event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mouse {
    /// What.
    pub kind: MouseKind,
    /// Column, from 0.
    pub x: u16,
    /// Row, from 0.
    pub y: u16,
}

/// What the mouse did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MouseKind {
    /// The left button went down.
    Press,
    /// The wheel turned away.
    ScrollUp,
    /// The wheel turned near.
    ScrollDown,
}

const NAMED: &[(&str, Code)] = &[
    ("Enter", Code::Enter),
    ("Esc", Code::Esc),
    ("Tab", Code::Tab),
    ("S-Tab", Code::BackTab),
    ("Backspace", Code::Backspace),
    ("Delete", Code::Delete),
    ("Left", Code::Left),
    ("Right", Code::Right),
    ("Up", Code::Up),
    ("Down", Code::Down),
    ("Home", Code::Home),
    ("End", Code::End),
    ("PgUp", Code::PageUp),
    ("PgDn", Code::PageDown),
    ("Space", Code::Char(' ')),
];

impl Key {
    /// A key without modifiers.
    pub const fn plain(code: Code) -> Self {
        Key { code, ctrl: false, alt: false }
    }

    /// Reads a key's name: `q`, `G`, `C-d`, `Enter`, `F5`.
    pub fn parse(name: &str) -> Option<Self> {
        let (name, ctrl) = strip(name, "C-");
        let (name, alt) = strip(name, "A-");
        let mut chars = name.chars();
        let code = match (chars.next()?, chars.next()) {
            (character, None) => Code::Char(character),
            ('F', Some(_)) if name[1..].parse::<u8>().is_ok() => {
                Code::Function(name[1..].parse().ok()?)
            }
            _ => NAMED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?.1,
        };
        Some(Key { code, ctrl, alt })
    }
}

fn strip<'a>(name: &'a str, prefix: &str) -> (&'a str, bool) {
    match name.strip_prefix(prefix) {
        Some(rest) if !rest.is_empty() => (rest, true),
        _ => (name, false),
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("C-")?;
        }
        if self.alt {
            f.write_str("A-")?;
        }
        if let Some((name, _)) = NAMED.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            Code::Char(character) => write!(f, "{character}"),
            Code::Function(number) => write!(f, "F{number}"),
            // Every other code has a name above.
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, Key};

    #[test]
    fn names_are_read_as_they_are_written() {
        for name in ["q", "G", "C-d", "A-x", "Enter", "S-Tab", "Space", "F5", "-", "?", "F", "PgDn"]
        {
            let key = Key::parse(name).unwrap_or_else(|| panic!("{name} is a key"));
            assert_eq!(key.to_string(), name);
        }
        assert_eq!(Key::parse("C-d"), Some(Key { code: Code::Char('d'), ctrl: true, alt: false }));
        assert_eq!(Key::parse("nonsense"), None);
        assert_eq!(Key::parse(""), None);
    }
}
