//! Markdown as models write it, lightly styled: nothing is hidden or moved, so
//! that what is read, searched and copied is what was sent.

use std::ops::Range;

use super::Role;

/// Bytes of a line that are looked at; the rest of it is plain.
pub(super) const LONGEST: usize = 4096;

/// Where code begins and ends in a text that may grow.
#[derive(Clone, Debug, Default)]
pub(super) struct Fences {
    /// How the text begins: in code, and in which language.
    open: Option<Fence>,
    /// Lines that begin or end code: where, and what holds after them.
    found: Vec<(usize, Option<Fence>)>,
    /// How far it was looked at: a whole number of lines.
    seen: usize,
}

/// What code stands between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fence {
    mark: u8,
    length: usize,
    language: String,
}

impl Fences {
    /// Of a text that goes on from another one.
    pub(super) fn after(before: Option<Fence>) -> Self {
        Fences { open: before, ..Fences::default() }
    }

    /// Looks at what was added to the text.
    pub(super) fn extend(&mut self, text: &str) {
        let whole = memchr::memrchr(b'\n', text.as_bytes()).map_or(0, |end| end + 1);
        let Some(new) = text.get(self.seen..whole) else { return };
        let bytes = new.as_bytes();
        let mut open = self.end();
        let mut at = 0;
        // Most lines have no mark, and are passed over.
        while let Some(mark) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'`', b'~', rest)) {
            let mark = at + mark;
            let begins = memchr::memrchr(b'\n', &bytes[at..mark]).map_or(at, |end| at + end + 1);
            let ends = memchr::memchr(b'\n', &bytes[mark..]).map_or(bytes.len(), |end| mark + end);
            if let Some(next) = toggled(&new[begins..ends], open.as_ref()) {
                open.clone_from(&next);
                self.found.push((self.seen + begins, next));
            }
            at = ends + 1;
        }
        self.seen = whole;
    }

    /// What holds at the end of what was looked at.
    pub(super) fn end(&self) -> Option<Fence> {
        self.state(usize::MAX).cloned()
    }

    /// What holds before a line that begins at a byte.
    fn state(&self, line: usize) -> Option<&Fence> {
        let after = self.found.partition_point(|(at, _)| *at < line);
        match after.checked_sub(1).and_then(|last| self.found.get(last)) {
            Some((_, state)) => state.as_ref(),
            None => self.open.as_ref(),
        }
    }

    /// What the line of `text` is that begins at a byte.
    pub(super) fn style(&self, text: &str, line: Range<usize>) -> Styled<'_> {
        let shown = &text[line.clone()];
        let open = self.state(line.start);
        if toggled(shown, open).is_some() {
            return Styled::Parts(vec![(0..shown.len(), Role::Comment)]);
        }
        match open {
            Some(fence) => {
                Styled::Code { language: &fence.language, run: self.run(text, line.start) }
            }
            None => Styled::Parts(prose(shown)),
        }
    }

    /// The code around a byte: from the line after the fence on, up to the next one.
    fn run(&self, text: &str, at: usize) -> Range<usize> {
        let next = self.found.partition_point(|(line, _)| *line < at);
        let fence = next.checked_sub(1).and_then(|last| self.found.get(last));
        let begins = fence.map_or(0, |(line, _)| {
            let rest = text.as_bytes().get(*line..).unwrap_or_default();
            line + memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1)
        });
        let ends = self.found.get(next).map_or(text.len(), |(line, _)| *line);
        begins..ends.clamp(begins, text.len())
    }
}

/// What a line is.
#[derive(Debug)]
pub(super) enum Styled<'f> {
    /// These parts, in order; all of it.
    Parts(Vec<(Range<usize>, Role)>),
    /// A line of the code that stands there.
    Code {
        /// As the fence names it.
        language: &'f str,
        /// All of the code, as far as it is in this text.
        run: Range<usize>,
    },
}

/// What holds after a line, if it begins code or ends it (CommonMark 0.31,
/// section 4.5, but that a language is one word).
fn toggled(line: &str, open: Option<&Fence>) -> Option<Option<Fence>> {
    let text = line.trim_start();
    let mark = *text.as_bytes().first().filter(|byte| matches!(byte, b'`' | b'~'))?;
    let length = text.bytes().take_while(|&byte| byte == mark).count();
    if length < 3 {
        return None;
    }
    let rest = text[length..].trim();
    match open {
        Some(fence) => {
            (fence.mark == mark && length >= fence.length && rest.is_empty()).then_some(None)
        }
        None if mark == b'`' && rest.contains('`') => None,
        None => {
            let language = rest.split([' ', ',', '{']).next().unwrap_or("");
            let language = language.chars().take(16).collect::<String>().to_ascii_lowercase();
            Some(Some(Fence { mark, length, language }))
        }
    }
}

/// A line outside of code.
fn prose(line: &str) -> Vec<(Range<usize>, Role)> {
    let (whole, line) = (line.len(), &line[..super::floor(line, LONGEST)]);
    let mut parts = marks(line);
    if line.len() < whole {
        parts.push((line.len()..whole, Role::Text));
    }
    parts
}

/// The marks of a line, and what is between them.
fn marks(line: &str) -> Vec<(Range<usize>, Role)> {
    let indent = line.len() - line.trim_start().len();
    let text = &line[indent..];
    let hashes = text.bytes().take_while(|&byte| byte == b'#').count();
    if (1..=6).contains(&hashes) && text[hashes..].starts_with(' ') {
        return vec![(0..line.len(), Role::Heading)];
    }
    if text.starts_with('>') {
        return vec![(0..line.len(), Role::Dim)];
    }
    let mut parts = Vec::new();
    let mut at = indent + bullet(text);
    if at > indent {
        parts.push((0..at, Role::Heading));
    } else {
        at = 0;
    }
    let mut plain = at;
    while let Some(found) =
        memchr::memchr3(b'`', b'*', b'_', line.get(at..).unwrap_or("").as_bytes())
    {
        at += found;
        match marked(line, at) {
            Some((end, role)) => {
                if plain < at {
                    parts.push((plain..at, Role::Text));
                }
                parts.push((at..end, role));
                (at, plain) = (end, end);
            }
            None => {
                at += line[at..].bytes().take_while(|byte| *byte == line.as_bytes()[at]).count()
            }
        }
    }
    if plain < line.len() {
        parts.push((plain..line.len(), Role::Text));
    }
    parts
}

/// Bytes of a list's mark: `- `, `* `, `12. `.
fn bullet(text: &str) -> usize {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let mark = match text.as_bytes().get(digits) {
        Some(b'.' | b')') if (1..=9).contains(&digits) => digits + 1,
        Some(b'-' | b'*' | b'+') if digits == 0 => 1,
        _ => return 0,
    };
    if text[mark..].starts_with(' ') { mark + 1 } else { 0 }
}

/// The end of what a mark at a byte encloses, and what that is.
fn marked(line: &str, at: usize) -> Option<(usize, Role)> {
    let rest = line.get(at..)?;
    let mark = *rest.as_bytes().first()?;
    let length = rest.bytes().take_while(|&byte| byte == mark).count();
    if mark != b'`' {
        // `snake_case` has no strong part, nor has `2 ** 3`.
        let inside = mark == b'_' && at > 0 && line.as_bytes()[at - 1].is_ascii_alphanumeric();
        let opens = rest[length..].chars().next().is_some_and(|next| !next.is_whitespace());
        if length != 2 || inside || !opens {
            return None;
        }
    }
    let closing = &rest[..length];
    let mut from = length;
    loop {
        let found = from + rest.get(from..)?.find(closing)?;
        let run = rest[found..].bytes().take_while(|&byte| byte == mark).count();
        if run == length && found > length {
            let role = if mark == b'`' { Role::Code } else { Role::Strong };
            return Some((at + found + length, role));
        }
        from = found + run;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Fences, Role, Styled};

    fn styled(text: &str) -> Vec<Vec<(&str, Role)>> {
        let mut fences = Fences::default();
        fences.extend(text);
        let mut begins = 0;
        text.split_inclusive('\n')
            .map(|line| {
                let shown = line.trim_end_matches('\n');
                let parts = match fences.style(text, begins..begins + shown.len()) {
                    Styled::Parts(parts) => parts,
                    Styled::Code { run, .. } => {
                        assert!(run.contains(&begins) || run.is_empty() || shown.is_empty());
                        vec![(0..shown.len(), Role::Code)]
                    }
                };
                begins += line.len();
                parts.into_iter().map(|(range, role)| (&shown[range], role)).collect()
            })
            .collect()
    }

    #[test]
    fn prose_is_styled_and_code_is_found() {
        let text = "# Title\n- a **bold** `code`, snake_case, 2 ** 3\n```rust\nfn x # **no**\n\
            ```\n> said\n12. twelve\n~~~\n```\n~~~\nplain\n";
        let lines = styled(text);
        assert_eq!(lines[0], [("# Title", Role::Heading)]);
        assert_eq!(
            lines[1],
            [
                ("- ", Role::Heading),
                ("a ", Role::Text),
                ("**bold**", Role::Strong),
                (" ", Role::Text),
                ("`code`", Role::Code),
                (", snake_case, 2 ** 3", Role::Text),
            ]
        );
        assert_eq!(lines[2], [("```rust", Role::Comment)]);
        assert_eq!(lines[3], [("fn x # **no**", Role::Code)]);
        assert_eq!(lines[5], [("> said", Role::Dim)]);
        assert_eq!(lines[6], [("12. ", Role::Heading), ("twelve", Role::Text)]);
        assert_eq!(lines[8], [("```", Role::Code)], "another fence's mark is code");
        assert_eq!(lines[10], [("plain", Role::Text)]);
        let mut fences = Fences::default();
        fences.extend(text);
        let at = text.find("fn x").unwrap();
        let Styled::Code { language, run } = fences.style(text, at..at + 13) else { panic!() };
        assert_eq!((language, &text[run]), ("rust", "fn x # **no**\n"));
    }

    proptest! {
        #[test]
        fn any_text_is_all_there_and_grows_alike(text in "[`*_#>~ \n.1a-ü]{0,120}", cut in 0usize..120) {
            let whole: String = styled(&text).concat().iter().map(|(part, _)| *part).collect();
            prop_assert_eq!(whole, text.replace('\n', ""));
            let mut grown = Fences::default();
            grown.extend(&text[..crate::view::floor(&text, cut)]);
            grown.extend(&text);
            let mut once = Fences::default();
            once.extend(&text);
            prop_assert_eq!(grown.found, once.found);
        }
    }
}
