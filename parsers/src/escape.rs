//! The one display boundary: whatever was captured passes through here before
//! a terminal sees it.
//!
//! What comes out holds no control character but `\n`, nothing that reorders
//! text and nothing that hides in it; what would have is shown instead:
//!
//! | character | shown as |
//! |---|---|
//! | C0 controls (`\r` too), DEL | `^M`, `^[`, `^?` |
//! | C1 controls, bidirectional controls, zero-width and invisible characters, line and paragraph separators, byte order mark, tags, noncharacters | `\u{9b}` |
//! | bytes that are not UTF-8 | `\xff` |
//! | tab | spaces up to the next multiple of four columns |
//!
//! Invisible characters that belong where they stand are kept: joiners inside
//! emoji and between letters of the scripts that need them, variation
//! selectors after an emoji. Combining marks are kept, eight to a letter. So
//! are private-use characters (terminals draw symbols there) and unassigned
//! ones: neither moves the cursor.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

/// Columns between tab stops.
const TAB: usize = 4;

/// Combining marks that one letter may carry: more than any language needs.
const MARKS: usize = 8;

/// Makes control characters visible (`^[`, `\u{9b}`, bidirectional overrides
/// too), expands tabs, keeps `\n`. See the module for the whole table.
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')) {
        return Cow::Borrowed(text);
    }
    let mut scan = Scan::default();
    let Some(first) = scan.first_unfit(text) else {
        return Cow::Borrowed(text);
    };
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    out.push_str(&text[..first]);
    scan.write(&text[first..], &mut out);
    Cow::Owned(out)
}

/// The same for bytes that need not be text: what is not UTF-8 becomes `\xff`.
pub fn visible_bytes(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return visible(text);
    }
    let mut out = String::with_capacity(bytes.len() * 2);
    let mut scan = Scan::default();
    for chunk in bytes.utf8_chunks() {
        scan.write(chunk.valid(), &mut out);
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
            scan.column += 4;
            scan.before = None;
        }
    }
    Cow::Owned(out)
}

/// Where a line stands: what tabs, joiners and marks depend on.
#[derive(Debug, Default)]
struct Scan {
    column: usize,
    /// The character before, if it was kept.
    before: Option<char>,
    /// Combining marks in a row up to here.
    marks: usize,
}

enum Fit {
    Keep,
    Tab,
    Caret,
    Escape,
}

impl Scan {
    /// Goes to the first character that cannot stay as it is.
    fn first_unfit(&mut self, text: &str) -> Option<usize> {
        let mut rest = text.char_indices();
        while let Some((at, character)) = rest.next() {
            let after = || rest.clone().next().map(|(_, next)| next);
            match self.judge(character, after) {
                Fit::Keep => self.keep(character),
                _ => return Some(at),
            }
        }
        None
    }

    fn write(&mut self, text: &str, out: &mut String) {
        let mut rest = text.chars();
        while let Some(character) = rest.next() {
            let fit = self.judge(character, || rest.clone().next());
            let from = out.len();
            match fit {
                Fit::Keep => {
                    out.push(character);
                    self.keep(character);
                    continue;
                }
                Fit::Tab => out.extend(std::iter::repeat_n(' ', TAB - self.column % TAB)),
                // C0 is 64 below its letter, DEL 64 above its sign.
                Fit::Caret => {
                    out.push('^');
                    out.push(char::from((character as u8) ^ 0x40));
                }
                Fit::Escape => {
                    let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
                }
            }
            self.column += out.len() - from;
            self.before = None;
            self.marks = 0;
        }
    }

    fn keep(&mut self, character: char) {
        match character {
            '\n' => *self = Scan::default(),
            _ => {
                let width = character.width().unwrap_or(0);
                self.column += width;
                self.marks = if width == 0 { self.marks + 1 } else { 0 };
                self.before = Some(character);
            }
        }
    }

    fn judge(&self, character: char, after: impl Fn() -> Option<char>) -> Fit {
        match character {
            ' '..='~' | '\n' => Fit::Keep,
            '\t' => Fit::Tab,
            '\0'..='\x1f' | '\x7f' => Fit::Caret,
            '\u{80}'..='\u{9f}' => Fit::Escape,
            '\u{200c}' | '\u{200d}' if self.joins(character, after()) => Fit::Keep,
            '\u{fe0e}' | '\u{fe0f}' if self.before.is_some_and(takes_variant) => Fit::Keep,
            _ if is_hidden(character) => Fit::Escape,
            _ if self.marks >= MARKS && character.width() == Some(0) => Fit::Escape,
            _ => Fit::Keep,
        }
    }

    /// Whether a joiner stands where it changes what is drawn.
    fn joins(&self, joiner: char, after: Option<char>) -> bool {
        let (Some(before), Some(after)) = (self.before, after) else {
            return false;
        };
        let emoji = joiner == '\u{200d}'
            && (is_pictograph(before) || before == '\u{fe0f}')
            && is_pictograph(after);
        emoji || (needs_joiners(before) && needs_joiners(after))
    }
}

/// Characters that show nothing, or change how others are shown.
fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' // soft hyphen
            | '\u{34f}' // combining grapheme joiner
            | '\u{61c}' // Arabic letter mark
            | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' // Hangul fillers
            | '\u{17b4}' | '\u{17b5}' // Khmer inherent vowels
            | '\u{180b}'..='\u{180f}' // Mongolian selectors and separator
            | '\u{200b}'..='\u{200f}' // zero widths, joiners, marks of direction
            | '\u{2028}'..='\u{202e}' // separators, embeddings, overrides
            | '\u{2060}'..='\u{206f}' // word joiner, invisible operators, isolates
            | '\u{fdd0}'..='\u{fdef}' // noncharacters
            | '\u{fe00}'..='\u{fe0f}' // variation selectors
            | '\u{feff}' // byte order mark
            | '\u{fff0}'..='\u{fffb}' // specials
            | '\u{fffe}' | '\u{ffff}'
            | '\u{1bca0}'..='\u{1bca3}' // shorthand controls
            | '\u{1d173}'..='\u{1d17a}' // musical controls
            | '\u{e0000}'..='\u{e0fff}' // tags, more variation selectors
    ) || u32::from(character) & 0xfffe == 0xfffe
}

/// Symbols and pictographs that emoji sequences are made of.
fn is_pictograph(character: char) -> bool {
    matches!(
        character,
        '\u{2190}'..='\u{21ff}' // arrows
            | '\u{2300}'..='\u{23ff}' // technical
            | '\u{25a0}'..='\u{27bf}' // shapes, symbols, dingbats
            | '\u{2b00}'..='\u{2bff}' // more arrows, stars
            | '\u{1f000}'..='\u{1faff}' // emoji, skin tones
    )
}

/// What may be asked to look like an emoji, or not to.
fn takes_variant(character: char) -> bool {
    is_pictograph(character)
        || matches!(
            character,
            '0'..='9' | '#' | '*' | '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}'
        )
        || matches!(character, '\u{2122}' | '\u{2139}' | '\u{2934}' | '\u{2935}')
        || matches!(character, '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}')
}

/// Scripts in which joiners change the shape of letters.
fn needs_joiners(character: char) -> bool {
    matches!(
        character,
        '\u{600}'..='\u{8ff}' // Arabic, Syriac, Thaana, N'Ko, Mandaic
            | '\u{900}'..='\u{dff}' // the scripts of India
            | '\u{1000}'..='\u{109f}' // Myanmar
            | '\u{1780}'..='\u{17ff}' // Khmer
            | '\u{1800}'..='\u{18af}' // Mongolian
            | '\u{fb50}'..='\u{fdcf}' | '\u{fe70}'..='\u{fefc}' // Arabic forms
    ) && !is_hidden(character)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_text_is_not_copied() {
        let texts = [
            "",
            "two\nlines",
            "naïve café, Ελλάδα, 日本語, 한국어, العربية",
            "👩‍👩‍👧 👍🏽 🏳️‍🌈 ❤️ 1️⃣ 🇩🇪",
            "می‌خواهم",
            "क्‍ष",
            "e\u{301}",
            "\u{e0b0} powerline",
        ];
        for text in texts {
            assert!(matches!(visible(text), Cow::Borrowed(_)), "{text:?} -> {}", visible(text));
            assert!(matches!(visible_bytes(text.as_bytes()), Cow::Borrowed(_)), "{text:?}");
        }
    }

    #[test]
    fn what_would_act_is_shown() {
        let cases = [
            ("\x1b[2Jgone", "^[[2Jgone"),
            ("\x1b]52;c;aGk=\x07", "^[]52;c;aGk=^G"),
            ("a\r\nb", "a^M\nb"),
            ("\0\x7f", "^@^?"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("\u{85}", "\\u{85}"),
            ("if \u{202e}} \u{2066}//\u{2069}", "if \\u{202e}} \\u{2066}//\\u{2069}"),
            ("pass\u{200b}word", "pass\\u{200b}word"),
            ("a\u{200d}b", "a\\u{200d}b"),
            ("👩\u{200d}", "👩\\u{200d}"),
            ("\u{200d}👩", "\\u{200d}👩"),
            ("👩\u{200d}\u{200d}👩", "👩\\u{200d}\\u{200d}👩"),
            ("x\u{fe0f}", "x\\u{fe0f}"),
            ("\u{2028}\u{2029}\u{feff}", "\\u{2028}\\u{2029}\\u{feff}"),
            ("hi\u{e0068}\u{e0069}", "hi\\u{e0068}\\u{e0069}"),
            ("\u{1fffe}\u{ffff}", "\\u{1fffe}\\u{ffff}"),
        ];
        for (from, to) in cases {
            assert_eq!(visible(from), to, "{from:?}");
            assert_eq!(visible_bytes(from.as_bytes()), to, "{from:?}");
        }
    }

    #[test]
    fn tabs_reach_the_next_stop() {
        let cases = [
            ("\tx", "    x"),
            ("a\tx", "a   x"),
            ("abcd\tx", "abcd    x"),
            ("日\tx", "日  x"),
            ("ab\n\tx\ty", "ab\n    x   y"),
            ("\x01\tx", "^A  x"),
            ("e\u{301}\tx", "e\u{301}   x"),
        ];
        for (from, to) in cases {
            assert_eq!(visible(from), to, "{from:?}");
        }
    }

    #[test]
    fn marks_do_not_pile_up() {
        let pile = format!("a{}b", "\u{301}".repeat(20));
        let shown = visible(&pile).into_owned();
        let marks = "\u{301}".repeat(8);
        assert_eq!(shown, format!("a{marks}\\u{{301}}{marks}\\u{{301}}\u{301}\u{301}b"));
    }

    #[test]
    fn bytes_that_are_no_text_are_shown() {
        let cases: [(&[u8], &str); 4] = [
            (b"\xff\xfe", "\\xff\\xfe"),
            (b"ok\x80\x1b[", "ok\\x80^[["),
            (b"\xe2\x82", "\\xe2\\x82"),
            (b"\xff\t|", "\\xff    |"),
        ];
        for (from, to) in cases {
            assert_eq!(visible_bytes(from), to, "{from:?}");
        }
    }

    fn is_safe(shown: &str) -> bool {
        shown.chars().all(|c| c == '\n' || !c.is_control())
            && !shown.contains(['\u{202e}', '\u{2066}', '\u{feff}', '\u{200b}', '\u{2028}'])
    }

    proptest! {
        #[test]
        fn nothing_acts(text in any::<String>(), marks in "[\\u{0}-\\u{a0}\\u{200b}-\\u{2070}👩\u{fe0f}]*") {
            for text in [text, marks] {
                let shown = visible(&text).into_owned();
                prop_assert!(is_safe(&shown), "{shown:?}");
                // Nothing is left to do a second time.
                prop_assert!(matches!(visible(&shown), Cow::Borrowed(_)), "{shown:?}");
            }
        }

        #[test]
        fn no_byte_acts(bytes in any::<Vec<u8>>()) {
            prop_assert!(is_safe(&visible_bytes(&bytes)));
        }

        #[test]
        fn ascii_text_is_itself(text in "[ -~\n]*") {
            prop_assert!(matches!(visible(&text), Cow::Borrowed(same) if same == text));
        }
    }
}
