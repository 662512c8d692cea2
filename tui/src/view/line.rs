//! Styled text as plain data: what a piece of text means, never its colour.

use std::borrow::Cow;

/// What a piece of text means; the theme says how that looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "roles are called what they are for")]
pub enum Role {
    #[default]
    Text,
    Dim,
    Faint,
    Title,
    Accent,
    Good,
    Warning,
    Error,
    Money,
    Live,
    Model,
    Process,
    System,
    User,
    Assistant,
    Reasoning,
    Tool,
    JsonKey,
    JsonString,
    JsonNumber,
    JsonLiteral,
    JsonPunctuation,
    Heading,
    Strong,
    Code,
    Keyword,
    Comment,
    Match,
}

/// A piece of text with its meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Fit for a terminal: see [`shown`].
    pub text: String,
    /// What it means.
    pub role: Role,
}

/// One line of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Its pieces, left to right.
    pub spans: Vec<Span>,
    /// The cursor is on it.
    pub cursor: bool,
}

impl Span {
    /// Text that llmtop itself wrote.
    pub fn new(text: impl Into<String>, role: Role) -> Self {
        Span { text: text.into(), role }
    }

    /// Captured text, made fit for a terminal.
    pub fn shown(text: &str, role: Role) -> Self {
        Span { text: shown(text), role }
    }
}

impl Line {
    /// A line of one piece.
    pub fn of(span: Span) -> Self {
        Line { spans: vec![span], cursor: false }
    }
}

impl Line {
    /// The line in at most `width` columns; where it is longer, it ends with a
    /// sign of that.
    #[must_use]
    pub fn cut(mut self, width: usize) -> Self {
        let columns = |span: &Span| unicode_width::UnicodeWidthStr::width(span.text.as_str());
        // Blanks at the end are nothing that one would miss.
        while let Some(last) = self.spans.last_mut() {
            last.text.truncate(last.text.trim_end_matches(' ').len());
            if !last.text.is_empty() {
                break;
            }
            self.spans.pop();
        }
        if self.spans.iter().map(columns).sum::<usize>() <= width {
            return self;
        }
        let mut room = width;
        for at in 0..self.spans.len() {
            let wide = columns(&self.spans[at]);
            if wide >= room {
                // One that ends where the room does is cut for those after it.
                let longer = format!("{} ", self.spans[at].text);
                self.spans[at].text = truncated(&longer, room);
                self.spans.truncate(at + 1);
                break;
            }
            room -= wide;
        }
        self
    }
}

impl From<Vec<Span>> for Line {
    fn from(spans: Vec<Span>) -> Self {
        Line { spans, cursor: false }
    }
}

/// The one display boundary: captured text as it may reach a terminal, on one
/// line.
pub fn shown(text: &str) -> String {
    let visible = steady(text);
    if visible.contains(['\n', '\r', '\t', '\x1b']) {
        // What the boundary keeps for others to break lines at.
        return visible.replace(['\n', '\r', '\t', '\x1b'], " ");
    }
    visible.into_owned()
}

/// Captured text without what would act on a terminal, and without what
/// terminals disagree about the width of, for where one of them thinks a line
/// is longer, cells stay on the screen that nobody wrote: flags are shown as
/// their letters, and symbols as the symbols they are, not as emoji.
pub(super) fn steady(text: &str) -> Cow<'_, str> {
    let visible = llmtop_parsers::escape::visible(text);
    if visible.is_ascii() || !visible.contains(|c| c == EMOJI || letter_of(c).is_some()) {
        return visible;
    }
    let kept = visible.chars().filter(|&c| c != EMOJI);
    Cow::Owned(kept.map(|c| letter_of(c).unwrap_or(c)).collect())
}

/// Variation selector 16: what is before it is to look like an emoji.
const EMOJI: char = '\u{fe0f}';

/// The letter that a regional indicator stands for; two of them are a flag.
fn letter_of(character: char) -> Option<char> {
    let place = u32::from(character).checked_sub(0x1f1e6).filter(|&place| place < 26)?;
    char::from_u32(u32::from('A') + place)
}

/// The beginning of captured text as one line of at most `width` columns:
/// runs of white space become one space. Looks at a bounded part of it.
pub fn gist(text: &str, width: usize) -> String {
    let bound = width.saturating_mul(8).saturating_add(64);
    let head = &text[..floor(text, bound)];
    let mut words = String::with_capacity(head.len().min(256));
    for word in head.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    truncated(&shown(&words), width)
}

/// The last character boundary at or before a byte.
pub fn floor(text: &str, byte: usize) -> usize {
    let mut at = byte.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Text cut to `width` columns, with an ellipsis where it was.
pub fn truncated(text: &str, width: usize) -> String {
    use unicode_segmentation::UnicodeSegmentation;
    use unicode_width::UnicodeWidthStr;

    if text.len() <= width || text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for cluster in text.graphemes(true) {
        let columns = cluster.width();
        if used + columns >= width {
            break;
        }
        used += columns;
        out.push_str(cluster);
    }
    if width > 0 {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Line, Role, Span, gist, shown, truncated};

    #[test]
    fn a_line_is_as_wide_on_every_terminal() {
        for (text, is) in [
            ("🇩🇪 and 🇯🇵🇫🇷", "DE and JPFR"),
            ("half a flag 🇩", "half a flag D"),
            ("❄️ 1️⃣ ❄︎", "❄ 1⃣ ❄︎"),
            ("\u{1f1e5}\u{1f200}", "\u{1f1e5}\u{1f200}"),
            ("👩‍👩‍👧 \x1b", "👩‍👩‍👧 ^["),
        ] {
            assert_eq!(shown(text), is);
        }
    }

    #[test]
    fn cuts_by_columns() {
        for (text, width, cut) in [
            ("short", 10, "short"),
            ("exactly", 7, "exactly"),
            ("too long", 5, "too …"),
            ("日本語テキスト", 7, "日本語…"),
            ("日本語", 4, "日…"),
            ("👩‍👩‍👧 family", 4, "👩‍👩‍👧 …"),
            ("x", 0, ""),
        ] {
            assert_eq!(truncated(text, width), cut, "{text} in {width}");
        }
    }

    #[test]
    fn a_line_that_is_cut_says_so() {
        for (spans, width, cut) in [
            (&["one", "two"][..], 6, "onetwo"),
            (&["one", "two"], 5, "onet…"),
            (&["one", "two"], 4, "one…"),
            (&["one", "two"], 3, "on…"),
            (&["one", "  ", " "], 3, "one"),
            (&["日本", "語"], 5, "日本…"),
            (&["one"], 0, ""),
            (&[], 3, ""),
        ] {
            let spans: Vec<_> = spans.iter().map(|text| Span::new(*text, Role::Text)).collect();
            let line = Line::from(spans.clone()).cut(width);
            let text: String = line.spans.iter().map(|span| span.text.as_str()).collect();
            assert_eq!(text, cut, "{spans:?} in {width}");
        }
    }

    #[test]
    fn a_gist_is_one_line() {
        assert_eq!(gist("  two\n\n  lines\tand a tab ", 40), "two lines and a tab");
        let endless = "word ".repeat(1 << 20);
        assert!(gist(&endless, 20).chars().count() <= 20);
    }
}
