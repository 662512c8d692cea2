//! Keys of one's own.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use toml::Spanned;

use crate::action::{ACTIONS, Action, Entry};
use crate::app::{Code, Key};
use crate::keymap::KeyMap;
use crate::nearest::nearest;

/// Keys that terminals send as others, and those.
const SAME: [(&str, &str); 3] = [("C-i", "Tab"), ("C-m", "Enter"), ("C-[", "Esc")];

/// The keys of an action, as written: one, or a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Keys;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a key like \"q\", or a list of keys")
            }

            fn visit_str<E>(self, key: &str) -> Result<Keys, E> {
                Ok(Keys(vec![key.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some(key) = list.next_element()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        from.deserialize_any(OneOrMore)
    }
}

/// The keys of the table, but for those of the configuration.
///
/// # Errors
/// The first thing that is wrong, and at which byte of the file.
pub(super) fn map(
    bound: &BTreeMap<Spanned<String>, Spanned<Keys>>,
) -> Result<KeyMap, (usize, String)> {
    let mut map = KeyMap::default();
    let mut places = Vec::new();
    for (name, keys) in bound {
        let entry = named(name.get_ref()).map_err(|why| (name.span().start, why))?;
        let at = keys.span().start;
        let parsed = keys.get_ref().0.iter().map(|key| parse(key));
        let parsed = parsed.collect::<Result<Vec<_>, _>>().map_err(|why| (at, why))?;
        if entry.action == Action::Quit && parsed.is_empty() {
            return Err((at, "`quit` needs a key".to_owned()));
        }
        map.bind(entry.action, parsed);
        places.push((entry.action, at));
    }
    let Some((key, first, second)) = map.clash() else { return Ok(map) };
    // What stands in the file is to be changed, the later one where both do.
    let place = |entry: &Entry| {
        places.iter().find(|(action, _)| *action == entry.action).map(|&(_, at)| at)
    };
    let (at, known) = match (place(first), place(second)) {
        (Some(a), Some(b)) if a > b => (a, second),
        (Some(a), None) => (a, second),
        (_, Some(b)) => (b, first),
        (None, None) => (0, first),
    };
    let known = known.name;
    Err((at, format!("`{key}` is a key of `{known}` already, where both mean something")))
}

fn named(name: &str) -> Result<&'static Entry, String> {
    let unknown = || match nearest(name, ACTIONS.iter().map(|entry| entry.name)) {
        Some(meant) => format!("no action is called `{name}`; did you mean `{meant}`?"),
        None => format!("no action is called `{name}`; `llmtop config init` lists all"),
    };
    ACTIONS.iter().find(|entry| entry.name == name).ok_or_else(unknown)
}

fn parse(name: &str) -> Result<Key, String> {
    let no_key = || format!("`{name}` is no key: q, G, C-d, A-x, F5, Enter, Space, PgDn, S-Tab");
    let mut key = Key::parse(name).ok_or_else(no_key)?;
    // A terminal sends the same for both.
    if let (true, Code::Char(letter)) = (key.ctrl, key.code) {
        key.code = Code::Char(letter.to_ascii_lowercase());
    }
    let written = key.to_string();
    if let Some((_, sent)) = SAME.iter().find(|(same, _)| *same == written) {
        return Err(format!("terminals send `{written}` as `{sent}`: name that"));
    }
    if written == "C-z" {
        return Err(format!("`{written}` stops llmtop, as it stops every program"));
    }
    Ok(key)
}

/// The section of the template: every action at its default.
pub(super) fn template() -> String {
    let mut text =
        "\n# Keys of the live screen: one, a list of them, or none (`[]`). An action that is\n\
        # named here has these keys instead of its own.\n#[keys]\n"
            .to_owned();
    for entry in ACTIONS {
        let keys: Vec<_> = entry.keys.iter().map(|key| format!("{key:?}")).collect();
        let _ = writeln!(text, "#{} = [{}]", entry.name, keys.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::{Config, template};
    use crate::action::{Action, Context};
    use crate::app::Key;
    use crate::keymap::KeyMap;

    #[test]
    fn own_keys_take_the_place_of_the_tables() {
        let text = "[keys]\nquit = \"Q\"\ncompare = [\"q\", \"C-k\"]\ntree = []\n";
        let map = Config::parse(text).unwrap().key_map;
        let asks = |key, context| map.of_key(Key::parse(key).unwrap(), context);
        for (key, context, action) in [
            ("Q", Context::Processes, Some(Action::Quit)),
            ("q", Context::Exchanges, Some(Action::Compare)),
            ("C-k", Context::Json, Some(Action::Compare)),
            ("x", Context::Exchanges, None),
            ("q", Context::Processes, None),
            ("t", Context::Processes, None),
            ("s", Context::Processes, Some(Action::Sort)),
        ] {
            assert_eq!(asks(key, context), action, "{key} in {context:?}");
        }
        assert_eq!(map.how(Action::Tree), ":tree");
        assert_eq!(map.names(Action::Compare), "q C-k");
    }

    #[test]
    fn one_key_may_mean_two_things_in_two_places() {
        // Columns are sorted among processes, and blocks are read elsewhere.
        let text = "[keys]\nsort = \"K\"\n";
        assert!(Config::parse(text).is_ok());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, (line, column), part) in [
            ("[keys]\nquite = \"Q\"", (2, 1), "did you mean `quit`?"),
            ("[keys]\nbanana = \"Q\"", (2, 1), "lists all"),
            ("[keys]\nquit = \"Strg-Q\"", (2, 8), "`Strg-Q` is no key"),
            ("[keys]\nquit = [\"Q\", \"C-z\"]", (2, 8), "C-z"),
            ("[keys]\nquit = \"C-Z\"", (2, 8), "stops llmtop"),
            ("[keys]\nquit = \"C-M\"", (2, 8), "`C-m` as `Enter`"),
            ("[keys]\nquit = \"C-[\"", (2, 8), "`C-[` as `Esc`"),
            ("[keys]\nquit = []", (2, 8), "`quit` needs a key"),
            ("[keys]\nquit = 3", (2, 8), "a key like"),
            ("[keys]\nquit = [3]", (2, 9), "string"),
            ("[keys]\nquit = \"x\"", (2, 8), "`x` is a key of `compare` already"),
            ("[keys]\nsort = \"X\"\ntree = \"X\"", (3, 8), "`X` is a key of `sort` already"),
            ("[keys]\ntree = \"X\"\nsort = \"X\"", (3, 8), "`X` is a key of `tree` already"),
            ("[keys]\nquit = [\"Q\", \"Q\"]", (2, 8), "`Q` is a key of `quit` already"),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert!(error.message.contains(part), "{text:?}: {error}");
            assert_eq!((error.line, error.column), (line, column), "{text:?}: {error}");
        }
    }

    #[test]
    fn the_template_lists_every_action() {
        let text = template();
        let (_, section) = text.split_once("#[keys]\n").unwrap();
        let settings: String = section.lines().map(|line| format!("{}\n", &line[1..])).collect();
        let config = Config::parse(&format!("[keys]\n{settings}")).unwrap();
        assert_eq!(config.keys.len(), crate::action::ACTIONS.len());
        assert_eq!(config.key_map, KeyMap::default());
    }
}
