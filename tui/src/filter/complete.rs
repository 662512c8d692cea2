//! What may come next while a filter is typed.

use std::collections::BTreeSet;

use super::ast::value_text;
use super::key::{KEYS, Key, Kind};
use super::{Names, parse};
use crate::store::Seen;

/// Characters of a value that is offered.
const LONGEST: usize = 60;

/// Values that are offered.
const MOST: usize = 100;

/// What may come at the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// Where the word begins that a candidate takes the place of, in bytes.
    pub from: usize,
    /// What it may become.
    pub candidates: Vec<Candidate>,
}

/// Something that may come at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What is put there.
    pub text: String,
    /// What it is.
    pub help: String,
}

/// What may come at `cursor`, in bytes. `seen` gives the values of a key that
/// are worth offering.
pub fn complete(
    text: &str,
    cursor: usize,
    names: &Names,
    seen: &dyn Fn(&Key) -> Vec<String>,
) -> Completion {
    let before = text.get(..cursor).unwrap_or(text);
    let from = word_start(before);
    let word = &before[from..];
    if let Some(name) = word.strip_prefix('@') {
        let saved = names.saved.iter().filter(|(known, _)| known.starts_with(name));
        let candidates = saved
            .map(|(name, filter)| Candidate { text: format!("@{name}"), help: filter.clone() })
            .collect();
        return Completion { from, candidates };
    }
    if let Some((key, value)) = parse::key_of(word) {
        let from = from + word.len() - value.len();
        return Completion { from, candidates: of_key(key, value, seen) };
    }
    let word = word.to_ascii_lowercase();
    let fits = |key: &&Key| key.names().any(|name| name.starts_with(&word));
    let candidates = KEYS.iter().filter(fits).map(|key| {
        let sign = match key.kind {
            Kind::Text(_) | Kind::Words(..) | Kind::Flag(_) | Kind::User(_) | Kind::Status(_) => {
                ':'
            }
            Kind::Count(_) | Kind::Bytes(_) | Kind::Time(_) | Kind::Money(_) => '>',
        };
        Candidate { text: format!("{}{sign}", key.name), help: key.help.to_owned() }
    });
    Completion { from, candidates: candidates.collect() }
}

/// Where the last word of a text begins, in bytes.
pub fn word_start(text: &str) -> usize {
    let before = text.rfind(|c: char| c.is_whitespace() || "()!\"".contains(c));
    before.map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8))
}

fn of_key(key: &Key, begun: &str, seen: &dyn Fn(&Key) -> Vec<String>) -> Vec<Candidate> {
    let known = match key.kind {
        Kind::Words(words, _) => words.iter().map(|&word| word.to_owned()).collect(),
        Kind::Flag(_) => vec!["yes".to_owned(), "no".to_owned()],
        Kind::Status(_) => ["2xx", "4xx", "5xx"].map(str::to_owned).to_vec(),
        _ => seen(key),
    };
    let begun = begun.to_lowercase();
    known
        .into_iter()
        .filter(|value| value.to_lowercase().starts_with(&begun))
        .map(|value| Candidate { text: value_text(&value), help: key.help.to_owned() })
        .collect()
}

/// The values of a key in exchanges, each once: those that are short, and told
/// without reading texts.
pub fn values<'a>(key: &Key, exchanges: impl Iterator<Item = Seen<'a>>) -> Vec<String> {
    let mut found = BTreeSet::new();
    let Kind::Text(read) = key.kind else { return Vec::new() };
    if key.heavy {
        return Vec::new();
    }
    for seen in exchanges {
        read(&seen, &mut |bytes| {
            if let Ok(text) = std::str::from_utf8(bytes)
                && text.chars().count() <= LONGEST
                && !text.is_empty()
                && !text.contains(char::is_control)
            {
                found.insert(text.to_owned());
            }
            found.len() >= MOST
        });
        if found.len() >= MOST {
            break;
        }
    }
    found.into_iter().collect()
}
