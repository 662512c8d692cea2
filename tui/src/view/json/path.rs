//! Where a value is in JSON, as `jq` writes it: `.messages[2].content`.

use std::fmt::Write as _;

use super::tokens::token_end;
use super::{JsonDocument, Kind};

/// Lines that are counted to number an element; a path that needs more has
/// `[?]` in it.
const COUNTED: usize = 100_000;

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Member(String),
    Element(usize),
}

impl JsonDocument {
    /// The path of the value that a line shows, opens or closes.
    pub fn path(&self, line: usize) -> String {
        let Some(it) = self.lines.get(line) else { return String::new() };
        let mut at = match it.kind {
            Kind::Closes => it.pair as usize,
            _ => line,
        };
        let mut steps = Vec::new();
        let mut counted = COUNTED;
        while let Some(opener) = at.checked_sub(1).and_then(|before| self.opener_around(before)) {
            steps.push(match self.key(at) {
                Some(key) => dotted(&key),
                None => match self.number(opener, at, &mut counted) {
                    Some(number) => format!("[{number}]"),
                    None => "[?]".to_owned(),
                },
            });
            at = opener;
        }
        steps.reverse();
        let path = steps.concat();
        // Nothing but an index follows the first dot directly.
        if path.starts_with('.') { path } else { format!(".{path}") }
    }

    /// The line of the value at a path.
    ///
    /// # Errors
    /// What is not there, or not a path.
    pub fn find(&self, path: &str) -> Result<usize, String> {
        let mut at = 0;
        let mut so_far = String::new();
        for step in steps(path)? {
            let Some(line) = self.lines.get(at).filter(|line| line.kind == Kind::Opens) else {
                return Err(format!("{} has nothing in it", or_dot(&so_far)));
            };
            let end = line.pair as usize;
            let mut children = self.children(at, end);
            let found = match &step {
                Step::Member(name) => {
                    children.find(|&child| self.key(child).as_ref() == Some(name))
                }
                Step::Element(number) => {
                    children.filter(|&child| self.key(child).is_none()).nth(*number)
                }
            };
            let _ = match &step {
                Step::Member(name) => write!(so_far, "{}", dotted(name)),
                Step::Element(number) => write!(so_far, "[{number}]"),
            };
            at = found.ok_or_else(|| format!("there is no {so_far}"))?;
        }
        Ok(at)
    }

    /// The line that opens what a line is in, or that it opens itself.
    fn opener_around(&self, line: usize) -> Option<usize> {
        let mut at = line;
        loop {
            match self.lines.get(at)?.kind {
                Kind::Opens => return Some(at),
                Kind::Closes => at = self.lines[at].pair as usize,
                _ => {}
            }
            at = at.checked_sub(1)?;
        }
    }

    /// The values right below a line that opens, each by its first line.
    fn children(&self, opener: usize, closer: usize) -> impl Iterator<Item = usize> {
        let mut at = opener + 1;
        std::iter::from_fn(move || {
            while at < self.lines.len() && (at < closer || closer <= opener) {
                let here = at;
                let line = self.lines[here];
                at = match line.kind {
                    // Of one that does not end, all that follows is inside.
                    Kind::Opens if (line.pair as usize) <= here => self.lines.len(),
                    Kind::Opens => line.pair as usize + 1,
                    _ => here + 1,
                };
                match line.kind {
                    Kind::Value | Kind::Opens => return Some(here),
                    Kind::Closes | Kind::Continues => {}
                }
            }
            None
        })
    }

    /// Which element of an array a line is; `None`: it takes too long to count.
    fn number(&self, opener: usize, line: usize, counted: &mut usize) -> Option<usize> {
        let mut number = 0;
        for child in self.children(opener, self.lines.get(opener)?.pair as usize) {
            *counted = counted.checked_sub(1)?;
            if child >= line {
                break;
            }
            number += 1;
        }
        Some(number)
    }

    /// The name of the member that begins on a line.
    fn key(&self, line: usize) -> Option<String> {
        let it = self.lines.get(line)?;
        let text = self.text(it.start as usize..it.end as usize);
        if it.kind == Kind::Continues || !text.starts_with('"') {
            return None;
        }
        let end = token_end(text.as_bytes(), 0).min(text.len());
        let (name, rest) = text.split_at_checked(end)?;
        let name = || serde_json::from_str(name).unwrap_or_else(|_| name.to_owned());
        rest.trim_start().starts_with(':').then(name)
    }
}

fn or_dot(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}

/// A member's step as it is written.
fn dotted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = name.chars().next().is_some_and(|c| !c.is_ascii_digit());
    if starts && name.chars().all(plain) {
        format!(".{name}")
    } else {
        format!("[{}]", serde_json::Value::from(name))
    }
}

/// The steps of a path as it is typed: `.a.b[2]`, `a["b c"].d`, `.`.
fn steps(path: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut rest = path.trim();
    let wrong = |rest: &str| Err(format!("not a path, from `{rest}` on: .name, [2], [\"a name\"]"));
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (step, after) = if inside.starts_with('"') {
                let end = token_end(inside.as_bytes(), 0).min(inside.len());
                let (name, after) = inside.split_at_checked(end).unwrap_or((inside, ""));
                let Ok(name) = serde_json::from_str(name) else { return wrong(rest) };
                (Step::Member(name), after)
            } else {
                let (number, after) = inside.split_at(inside.find(']').unwrap_or(inside.len()));
                let Ok(number) = number.trim().parse() else { return wrong(rest) };
                (Step::Element(number), after)
            };
            let Some(after) = after.strip_prefix(']') else { return wrong(rest) };
            steps.push(step);
            rest = after;
        } else {
            let name = rest.strip_prefix('.').unwrap_or(rest);
            let end = name.find(['.', '[']).unwrap_or(name.len());
            let (name, after) = name.split_at(end);
            if !name.is_empty() {
                steps.push(Step::Member(name.to_owned()));
            } else if !after.starts_with('[') && !after.is_empty() {
                return wrong(rest);
            }
            rest = after;
        }
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use llmtop_parsers::{Body, BodyKind};
    use proptest::prelude::*;

    use super::JsonDocument;

    fn laid_out(text: &str) -> JsonDocument {
        let body = Body { bytes: text.into(), elided: Vec::new(), kind: BodyKind::Json };
        let mut document = JsonDocument::new(Arc::new(body));
        while document.lay_out(usize::MAX) {}
        document
    }

    #[test]
    fn paths_lead_there_and_back() {
        let document =
            laid_out(r#"{"a":[1,{"b c":[[],{}],"d":"x"},[2]],"1":{"é\"":null},"e":{"f":true}}"#);
        for (path, value) in [
            (".a[0]", "1"),
            (".a[1][\"b c\"]", "[[],{}]"),
            (".a[1][\"b c\"][1]", "{}"),
            (".a[1].d", "\"x\""),
            (".a[2][0]", "2"),
            ("[\"1\"][\"é\\\"\"]", "null"),
            (".e.f", "true"),
        ] {
            let line = document.find(path).unwrap();
            assert_eq!(document.value(line), value, "{path}");
            let written = if path.starts_with('[') { format!(".{path}") } else { path.to_owned() };
            assert_eq!(document.path(line), written);
        }
        assert_eq!(document.find("e.f"), document.find(" .e.f "));
        assert_eq!((document.find("."), document.path(0)), (Ok(0), ".".to_owned()));
        let wrong = |path: &str| document.find(path).unwrap_err();
        assert_eq!(wrong(".a[7]"), "there is no .a[7]");
        assert_eq!(wrong(".e.f.g"), ".e.f has nothing in it");
        assert!(wrong(".a[x]").starts_with("not a path, from `[x]` on"));
        assert!(wrong("a..b").starts_with("not a path"));
    }

    proptest! {
        #[test]
        fn any_line_has_a_path(text in "[\\[\\]{}:,\"\\\\a1 \n]{0,80}") {
            let document = laid_out(&text);
            for line in 0..document.lines.len() {
                let path = document.path(line);
                prop_assert!(path.starts_with('.'), "{}", path);
            }
            let _ = document.find(&text);
        }
    }
}
