//! What is searched for.

use super::{Line, Role, Span};

/// A search text. Small letters match capitals too; one capital makes it
/// exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    exact: bool,
}

impl Pattern {
    /// `None` if there is nothing to search for.
    pub fn new(text: &str) -> Option<Self> {
        let exact = text.chars().any(char::is_uppercase);
        (!text.is_empty()).then(|| Pattern { text: text.to_owned(), exact })
    }

    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The first place in `bytes`.
    pub fn find(&self, bytes: &[u8]) -> Option<usize> {
        let needle = self.text.as_bytes();
        if self.exact {
            return memchr::memmem::find(bytes, needle);
        }
        let first = *needle.first()?;
        let (small, capital) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
        let last = bytes.len().checked_sub(needle.len())?;
        memchr::memchr2_iter(small, capital, &bytes[..=last])
            .find(|&at| bytes[at..at + needle.len()].eq_ignore_ascii_case(needle))
    }

    /// The last place in `bytes`.
    pub fn rfind(&self, bytes: &[u8]) -> Option<usize> {
        let needle = self.text.as_bytes();
        let first = *needle.first()?;
        let last = bytes.len().checked_sub(needle.len())?;
        let same = |at: &usize| {
            let here = &bytes[*at..*at + needle.len()];
            if self.exact { here == needle } else { here.eq_ignore_ascii_case(needle) }
        };
        let (small, capital) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
        memchr::memrchr2_iter(small, capital, &bytes[..=last]).find(same)
    }

    /// Marks its places in a line that is shown.
    pub fn mark(&self, line: &mut Line) {
        let spans = std::mem::take(&mut line.spans);
        for span in spans {
            let mut rest = span.text.as_str();
            while let Some(at) = self.find(rest.as_bytes()) {
                let end = at + self.text.len();
                let (Some(before), Some(here)) = (rest.get(..at), rest.get(at..end)) else {
                    break;
                };
                if !before.is_empty() {
                    line.spans.push(Span::new(before, span.role));
                }
                line.spans.push(Span::new(here, Role::Match));
                rest = rest.get(end..).unwrap_or("");
            }
            if !rest.is_empty() {
                line.spans.push(Span::new(rest, span.role));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Pattern, Role, Span};

    #[test]
    fn small_letters_match_capitals_and_not_the_other_way_round() {
        for (pattern, text, first, last) in [
            ("rate", "Rate limits rate", Some(0), Some(12)),
            ("Rate", "rate Rate", Some(5), Some(5)),
            ("x", "", None, None),
            ("longer", "long", None, None),
            ("é", "café é", Some(3), Some(6)),
        ] {
            let pattern = Pattern::new(pattern).unwrap();
            assert_eq!(pattern.find(text.as_bytes()), first, "{pattern:?}");
            assert_eq!(pattern.rfind(text.as_bytes()), last, "{pattern:?}");
        }
        assert_eq!(Pattern::new(""), None);
    }

    #[test]
    fn matches_are_marked() {
        let mut line = Line::of(Span::new("a token, a Token", Role::Text));
        Pattern::new("token").unwrap().mark(&mut line);
        let marked: Vec<_> = line.spans.iter().map(|it| (it.text.as_str(), it.role)).collect();
        assert_eq!(
            marked,
            [
                ("a ", Role::Text),
                ("token", Role::Match),
                (", a ", Role::Text),
                ("Token", Role::Match)
            ]
        );
    }
}
