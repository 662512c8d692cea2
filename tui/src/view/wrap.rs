//! Where the lines of a text begin when it is wrapped to a width.
//!
//! A text that grows at its end costs its growth only, and whatever the text,
//! a line is bounded in columns and in bytes.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Bytes of one cluster of characters that are looked at: an endless run of
/// combining marks is cut, not followed.
const CLUSTER: usize = 64;

/// Line starts of one text at one width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    width: usize,
    starts: Vec<usize>,
    seen: usize,
}

impl Wrapped {
    /// Nothing wrapped yet. A width of 0 counts as 1.
    pub fn new(width: usize) -> Self {
        Wrapped { width: width.max(1), starts: vec![0], seen: 0 }
    }

    /// The width it is for.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Takes in what was added to the text since the last call. The text may
    /// only have grown at its end.
    pub fn extend(&mut self, text: &str) {
        if text.len() == self.seen {
            return;
        }
        if text.len() < self.seen {
            // Another text after all.
            self.starts.truncate(1);
        }
        // The last line may go on, so it is wrapped again; those before it stand.
        let from = self.starts.last().copied().unwrap_or(0);
        wrap(text, from, self.width, &mut self.starts);
        self.seen = text.len();
    }

    /// Lines so far, at least one.
    pub fn height(&self) -> usize {
        self.starts.len()
    }

    /// The bytes of a line, with its line break.
    pub fn range(&self, line: usize) -> Range<usize> {
        let start = self.starts.get(line).copied().unwrap_or(self.seen);
        start..self.starts.get(line + 1).copied().unwrap_or(self.seen)
    }

    /// The line that holds a byte of the text.
    pub fn line_of(&self, byte: usize) -> usize {
        self.starts.partition_point(|&start| start <= byte).saturating_sub(1)
    }
}

/// Adds the starts of the lines after the one that begins at `from`.
fn wrap(text: &str, from: usize, width: usize, starts: &mut Vec<usize>) {
    let bytes = text.as_bytes();
    // Marks without width would make a line that never ends.
    let longest = width * 16 + CLUSTER;
    let (mut line, mut at, mut column) = (from, from, 0);
    // Where the line may be broken: after its last space.
    let mut space = None;
    while at < bytes.len() {
        if bytes[at] == b'\n' {
            at += 1;
            starts.push(at);
            (line, column, space) = (at, 0, None);
            continue;
        }
        let (next, columns) = step(text, at);
        if (column + columns > width || at - line >= longest) && at > line {
            let hangs = bytes[at] == b' ';
            line = if hangs { at + 1 } else { space.unwrap_or(at) };
            starts.push(line);
            (at, column, space) = (line, 0, None);
            continue;
        }
        if bytes[at] == b' ' {
            space = Some(next);
        }
        (at, column) = (next, column + columns);
    }
}

/// The end of the cluster at `at`, and the columns it takes on the screen.
fn step(text: &str, at: usize) -> (usize, usize) {
    let bytes = text.as_bytes();
    let ascii_follows = bytes.get(at + 1).is_none_or(u8::is_ascii);
    match bytes[at] {
        b' '..=b'~' if ascii_follows => (at + 1, 1),
        byte if byte.is_ascii() && (byte.is_ascii_control() || ascii_follows) => {
            (at + 1, columns(&text[at..at + 1]))
        }
        _ => {
            let end = super::floor(text, at + CLUSTER);
            let cluster = text[at..end].graphemes(true).next().unwrap_or(&text[at..end]);
            (at + cluster.len().max(1), columns(cluster))
        }
    }
}

/// Columns of captured text once it is made fit to be shown.
fn columns(text: &str) -> usize {
    super::line::steady(text).width()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr;

    use super::Wrapped;

    fn line<'t>(wrapped: &Wrapped, text: &'t str, line: usize) -> &'t str {
        text[wrapped.range(line)].trim_end_matches(['\n', '\r'])
    }

    fn lines(text: &str, width: usize) -> Vec<&str> {
        let mut wrapped = Wrapped::new(width);
        wrapped.extend(text);
        (0..wrapped.height()).map(|at| line(&wrapped, text, at)).collect()
    }

    #[test]
    fn breaks_at_spaces_else_anywhere() {
        for (text, width, want) in [
            ("", 5, vec![""]),
            // The space at the edge hangs over it.
            ("one two three", 7, vec!["one two ", "three"]),
            ("one two three", 8, vec!["one two ", "three"]),
            ("abcdefgh", 3, vec!["abc", "def", "gh"]),
            ("a\n\nb", 5, vec!["a", "", "b"]),
            ("a\r\nb", 5, vec!["a", "b"]),
            ("end\n", 5, vec!["end", ""]),
            ("日本語", 4, vec!["日本", "語"]),
            ("日本語", 1, vec!["日", "本", "語"]),
            ("ab👩‍👩‍👧cd", 4, vec!["ab👩‍👩‍👧", "cd"]),
            ("🇩🇪🇯🇵🇫🇷", 4, vec!["🇩🇪🇯🇵", "🇫🇷"]),
            ("❄️❄️❄️", 2, vec!["❄️❄️", "❄️"]),
        ] {
            assert_eq!(lines(text, width), want, "{text:?} in {width}");
        }
    }

    #[test]
    fn a_line_of_marks_ends() {
        let marks = "e".to_owned() + &"\u{301}".repeat(100_000);
        assert!(lines(&marks, 10).iter().all(|line| line.len() <= 10 * 16 + 2 * super::CLUSTER));
    }

    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("\x1b[2J".to_owned()),
            Just("\u{9b}31m".to_owned()),
            Just("\u{202e}".to_owned()),
            Just("\t".to_owned()),
            Just("\n".to_owned()),
            Just("\r".to_owned()),
            Just("e\u{301}\u{301}".to_owned()),
            Just("👩‍👩‍👧‍👦🏳️‍🌈".to_owned()),
            Just("🇩🇪🇩❄️".to_owned()),
            Just("漢字仮名".to_owned()),
            "[ -~]{0,12}",
            any::<char>().prop_map(String::from),
        ];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn every_byte_is_on_one_line_and_none_is_too_wide(text in hostile(), width in 1usize..40) {
            let mut wrapped = Wrapped::new(width);
            wrapped.extend(&text);
            prop_assert_eq!(wrapped.starts[0], 0);
            prop_assert!(wrapped.starts.windows(2).all(|pair| pair[0] < pair[1]));
            for at in 0..wrapped.height() {
                let slice = line(&wrapped, &text, at);
                prop_assert!(!slice.contains('\n'));
                prop_assert_eq!(wrapped.line_of(wrapped.starts[at]), at);
                // What cannot be split may be wider than the screen.
                let alone = slice.chars().count() <= 1 || super::step(&text, wrapped.starts[at]).0 >= wrapped.starts[at] + slice.len();
                let slice = slice.strip_suffix(' ').unwrap_or(slice);
                prop_assert!(crate::view::shown(slice).width() <= width.max(8) || alone, "{:?}", slice);
            }
        }

        #[test]
        fn growing_is_the_same_as_wrapping_at_once(text in "[a-z \n]{0,200}", width in 1usize..20, cut in 0usize..200) {
            let cut = crate::view::floor(&text, cut);
            let mut grown = Wrapped::new(width);
            grown.extend(&text[..cut]);
            grown.extend(&text);
            let mut whole = Wrapped::new(width);
            whole.extend(&text);
            prop_assert_eq!(grown, whole);
        }
    }
}
