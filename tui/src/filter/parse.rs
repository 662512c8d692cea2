//! From text to a filter.

use super::ast::{Expr, Op, Term, Value};
use super::key::{KEYS, Key};
use super::test::Test;
use super::{FilterError, Names};
use crate::nearest::nearest;

/// Bytes of a filter.
pub const LONGEST: usize = 4096;

/// Terms of a filter, saved ones it names included.
const MOST: usize = 256;

/// Brackets within brackets, and saved filters within saved ones.
const DEEPEST: usize = 32;

/// Reads a filter.
pub(super) fn parse(text: &str, names: &Names) -> Result<Expr, FilterError> {
    let mut counted = Counted { terms: 0, depth: 0, within: Vec::new() };
    read(text, names, &mut counted)
}

/// Whether a word means something between terms.
pub(super) fn is_word(text: &str) -> bool {
    ["and", "or", "not"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The key that a word begins with, and what follows its comparison.
pub(super) fn key_of(word: &str) -> Option<(&'static Key, &str)> {
    let end = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    let (name, rest) = word.split_at(end);
    let (sign, _) = comparison(rest)?;
    Some((Key::named(name)?, &rest[sign.len()..]))
}

/// What is bounded across saved filters.
struct Counted {
    terms: usize,
    depth: usize,
    /// Saved filters that are being read.
    within: Vec<String>,
}

fn read(text: &str, names: &Names, counted: &mut Counted) -> Result<Expr, FilterError> {
    if text.len() > LONGEST {
        let message = format!("the filter is longer than {LONGEST} bytes");
        return Err(FilterError::new(0..0, message));
    }
    let mut parser = Parser { text, at: 0, names, counted };
    parser.space();
    if parser.rest().is_empty() {
        return Ok(Expr::And(Vec::new()));
    }
    let expr = parser.any()?;
    match parser.peek() {
        None => Ok(expr),
        Some(_) => Err(parser.wrong(1, "this `)` closes nothing")),
    }
}

struct Parser<'a> {
    text: &'a str,
    /// Where the rest begins: always between characters.
    at: usize,
    names: &'a Names,
    counted: &'a mut Counted,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self, bytes: usize) {
        self.at = (self.at + bytes).min(self.text.len());
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.skip(rest.len() - rest.trim_start().len());
    }

    fn wrong(&self, bytes: usize, message: impl Into<String>) -> FilterError {
        let end = (self.at + bytes).min(self.text.len());
        FilterError::new(self.at..end, message)
    }

    /// Takes a sign, or a word that ends here.
    fn takes(&mut self, sign: &str, word: &str) -> bool {
        let rest = self.rest();
        let length = if !sign.is_empty() && rest.starts_with(sign) {
            sign.len()
        } else {
            let head = rest.get(..word.len()).filter(|head| head.eq_ignore_ascii_case(word));
            let ends = rest.get(word.len()..).is_some_and(|rest| {
                rest.chars().next().is_none_or(|next| next.is_whitespace() || "()".contains(next))
            });
            if head.is_none() || !ends {
                return false;
            }
            word.len()
        };
        self.skip(length);
        self.space();
        true
    }

    /// `a or b`
    fn any(&mut self) -> Result<Expr, FilterError> {
        let mut parts = vec![self.all()?];
        while self.takes("||", "or") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Expr::Or))
    }

    /// `a b`, `a and b`
    fn all(&mut self) -> Result<Expr, FilterError> {
        let mut parts = vec![self.not()?];
        loop {
            let and = self.takes("&&", "and");
            let at = self.at;
            let or = self.takes("||", "or");
            self.at = at;
            if !and && (or || matches!(self.peek(), None | Some(')'))) {
                return Ok(one_or(parts, Expr::And));
            }
            parts.push(self.not()?);
        }
    }

    fn not(&mut self) -> Result<Expr, FilterError> {
        if self.takes("!", "not") {
            return self.deeper(|parser| Ok(Expr::Not(Box::new(parser.not()?))));
        }
        self.operand()
    }

    fn deeper(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<Expr, FilterError>,
    ) -> Result<Expr, FilterError> {
        if self.counted.depth == DEEPEST {
            return Err(self.wrong(1, format!("nested more than {DEEPEST} deep")));
        }
        self.counted.depth += 1;
        let expr = inner(self);
        self.counted.depth -= 1;
        expr
    }

    fn operand(&mut self) -> Result<Expr, FilterError> {
        let begun = self.at;
        if self.takes("||", "or") || self.takes("&&", "and") {
            let at = begun..self.at;
            return Err(FilterError::new(at, "a condition is missing before this"));
        }
        let expr = match self.peek() {
            None | Some(')') => return Err(self.wrong(0, "a condition is missing here")),
            Some('(') => {
                self.skip(1);
                self.space();
                let expr = self.deeper(Parser::any)?;
                if self.peek() != Some(')') {
                    let at = begun..begun + 1;
                    return Err(FilterError::new(at, "this `(` is not closed by a `)`"));
                }
                self.skip(1);
                expr
            }
            Some('@') => self.saved()?,
            Some(_) => self.term()?,
        };
        match self.peek() {
            Some(next) if !next.is_whitespace() && next != ')' => {
                let message =
                    format!("a space is missing before `{next}`, or quotes around it all");
                return Err(self.wrong(next.len_utf8(), message));
            }
            _ => self.space(),
        }
        Ok(expr)
    }

    /// `@name`
    fn saved(&mut self) -> Result<Expr, FilterError> {
        let begun = self.at;
        self.skip(1);
        let name = self.identifier().to_owned();
        self.skip(name.len());
        let at = begun..self.at;
        let Some(text) = self.names.saved.get(&name) else {
            let meant = nearest(&name, self.names.saved.keys().map(String::as_str));
            let hint = match meant {
                Some(meant) => format!("; did you mean `@{meant}`?"),
                None if self.names.saved.is_empty() => {
                    "; the configuration has none, under [filters]".to_owned()
                }
                None => String::new(),
            };
            return Err(FilterError::new(at, format!("no filter is saved as `@{name}`{hint}")));
        };
        if self.counted.within.contains(&name) {
            return Err(FilterError::new(at, format!("the saved filter `@{name}` names itself")));
        }
        self.counted.within.push(name.clone());
        let names = self.names;
        let expr = self.deeper(|parser| read(text, names, parser.counted)).map_err(|error| {
            FilterError::new(at, format!("in the saved filter `@{name}`: {error}"))
        });
        self.counted.within.pop();
        Ok(Expr::Saved(name, Box::new(expr?)))
    }

    /// Letters, digits, `_` and `-` from here on.
    fn identifier(&self) -> &str {
        let rest = self.rest();
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        &rest[..rest.find(|c| !inside(c)).unwrap_or(rest.len())]
    }

    /// `key:value`, or a value alone.
    fn term(&mut self) -> Result<Expr, FilterError> {
        self.counted.terms += 1;
        if self.counted.terms > MOST {
            return Err(self.wrong(1, format!("more than {MOST} conditions")));
        }
        let (key, op) = match self.key()? {
            Some((key, op)) => (Some(key), op),
            None => (None, Op::Has),
        };
        let from = self.at;
        let value = self.value(key)?;
        let test = Test::new(key.map(|key| &key.kind), op, &value, self.names);
        let test = test.map_err(|message| {
            let what = key.map_or("this".to_owned(), |key| format!("`{}`", key.name));
            FilterError::new(from.min(self.at)..self.at, format!("{what} {message}"))
        })?;
        Ok(Expr::Term(Box::new(Term { key, op, value, test })))
    }

    /// A key and its comparison; `None`: a value stands alone.
    fn key(&mut self) -> Result<Option<(&'static Key, Op)>, FilterError> {
        let name = self.identifier();
        let length = name.len();
        let after = self.rest().get(length..).unwrap_or("");
        let Some((sign, op)) = comparison(after) else { return Ok(None) };
        let gap = after.len() - after.trim_start().len();
        if length == 0 {
            let message = format!("a key is missing before `{sign}`");
            return Err(self.wrong(sign.len(), message));
        }
        let Some(key) = Key::named(name) else {
            let known = KEYS.iter().flat_map(Key::names);
            let message = match nearest(&name.to_ascii_lowercase(), known) {
                Some(meant) => format!("no key is called `{name}`; did you mean `{meant}`?"),
                None => format!("no key is called `{name}`; quote it to search for the text"),
            };
            return Err(self.wrong(length, message));
        };
        self.skip(length + gap + sign.len());
        // `tokens > 5k` reads well, `model: opus` does not: a key with `:` may be
        // all that is typed yet.
        if op != Op::Has {
            self.space();
        }
        Ok(Some((key, op)))
    }

    fn value(&mut self, key: Option<&'static Key>) -> Result<Value, FilterError> {
        match self.peek() {
            Some('"') => return self.quoted(),
            Some('/') => {
                if let Some(value) = self.regex() {
                    return Ok(value);
                }
            }
            _ => {}
        }
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || "()\"".contains(c));
        let word = rest[..end.unwrap_or(rest.len())].to_owned();
        if word.is_empty() {
            let what = key.map_or("", |key| key.name);
            return Err(self.wrong(0, format!("what `{what}` has to be is missing here")));
        }
        self.skip(word.len());
        Ok(if key.is_some() && word == "*" { Value::Any } else { Value::Text(word) })
    }

    fn quoted(&mut self) -> Result<Value, FilterError> {
        let begun = self.at;
        let mut text = String::new();
        let mut escaped = false;
        for (at, character) in self.rest().char_indices().skip(1) {
            match character {
                'n' if escaped => text.push('\n'),
                't' if escaped => text.push('\t'),
                '"' | '\\' if escaped => text.push(character),
                _ if escaped => text.extend(['\\', character]),
                '"' => {
                    self.skip(at + 1);
                    return Ok(Value::Text(text));
                }
                '\\' => {}
                _ => text.push(character),
            }
            escaped = character == '\\' && !escaped;
        }
        Err(FilterError::new(begun..begun + 1, "this quote is not closed"))
    }

    /// `/regex/` or `/regex/i`. `None`: a path.
    fn regex(&mut self) -> Option<Value> {
        let rest = self.rest();
        let mut pattern = String::new();
        let mut escaped = false;
        for (at, character) in rest.char_indices().skip(1) {
            if character == '/' && !escaped {
                let after = &rest[at + 1..];
                let ignore_case = after.starts_with('i');
                let end = at + 1 + usize::from(ignore_case);
                let next = rest.get(end..)?.chars().next();
                let ends = next.is_none_or(|next| next.is_whitespace() || next == ')');
                if !ends || pattern.is_empty() {
                    return None;
                }
                self.skip(end);
                return Some(Value::Regex { pattern, ignore_case });
            }
            if escaped && character == '/' {
                pattern.pop();
            }
            pattern.push(character);
            escaped = character == '\\' && !escaped;
        }
        None
    }
}

/// A comparison: `:` directly, others after blanks, too.
fn comparison(text: &str) -> Option<(&'static str, Op)> {
    let find = |text: &str, blanks: bool| {
        let fits =
            |(sign, _): &&(&'static str, Op)| text.starts_with(sign) && !(blanks && *sign == ":");
        Op::ALL.iter().find(fits).copied()
    };
    find(text, false).or_else(|| find(text.trim_start(), true))
}

fn one_or(mut parts: Vec<Expr>, many: impl FnOnce(Vec<Expr>) -> Expr) -> Expr {
    match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            parts.extend(last);
            many(parts)
        }
    }
}
