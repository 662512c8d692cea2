//! Which keys ask for which action: those of the table, or the person's own.

use crate::action::{ACTIONS, Action, Context, Entry};
use crate::app::Key;

/// The keys of every action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyMap {
    /// In the order of [`ACTIONS`].
    keys: Vec<Vec<Key>>,
}

impl Default for KeyMap {
    /// The keys of the table.
    fn default() -> Self {
        let parsed = |entry: &Entry| entry.keys.iter().filter_map(|key| Key::parse(key)).collect();
        KeyMap { keys: ACTIONS.iter().map(parsed).collect() }
    }
}

impl KeyMap {
    fn all(&self) -> impl Iterator<Item = (&'static Entry, &[Key])> {
        ACTIONS.iter().zip(self.keys.iter().map(Vec::as_slice))
    }

    /// What a key asks for here.
    pub fn of_key(&self, key: Key, context: Context) -> Option<Action> {
        self.all()
            .find(|(entry, keys)| entry.contexts.contains(&context) && keys.contains(&key))
            .map(|(entry, _)| entry.action)
    }

    /// What a key asks for somewhere.
    pub fn elsewhere(&self, key: Key) -> Option<&'static Entry> {
        self.all().find(|(_, keys)| keys.contains(&key)).map(|(entry, _)| entry)
    }

    /// Gives an action these keys, and no others.
    pub fn bind(&mut self, action: Action, keys: Vec<Key>) {
        let places = ACTIONS.iter().zip(&mut self.keys);
        for (_, place) in places.filter(|(entry, _)| entry.action == action) {
            place.clone_from(&keys);
        }
    }

    /// A key that asks for two things in one place, or for one twice.
    pub fn clash(&self) -> Option<(Key, &'static Entry, &'static Entry)> {
        let bound: Vec<_> =
            self.all().flat_map(|(entry, keys)| keys.iter().map(move |key| (key, entry))).collect();
        bound.iter().enumerate().find_map(|(at, (key, entry))| {
            let meet = |other: &&Entry| other.contexts.iter().any(|it| entry.contexts.contains(it));
            let mut others = bound[at + 1..].iter();
            let twice = others.find(|(other, second)| other == key && meet(second));
            twice.map(|(_, second)| (**key, *entry, *second))
        })
    }

    /// The keys of an action.
    pub fn of(&self, action: Action) -> &[Key] {
        self.all().find(|(entry, _)| entry.action == action).map_or(&[], |(_, keys)| keys)
    }

    /// The keys of an action by name, one blank between two.
    pub fn names(&self, action: Action) -> String {
        self.of(action).iter().map(Key::to_string).collect::<Vec<_>>().join(" ")
    }

    /// How to ask for an action: its first key or, where it has none, its name in
    /// the command palette.
    pub fn how(&self, action: Action) -> String {
        let entry = ACTIONS.iter().find(|entry| entry.action == action);
        match self.of(action).first() {
            Some(key) => key.to_string(),
            None => {
                let palette = self.of(Action::Palette).first().map(Key::to_string);
                let name = entry.map_or("", |entry| entry.name);
                format!("{}{name}", palette.unwrap_or_default())
            }
        }
    }

    /// What the footer offers here: a key and a word each. What has no key is
    /// left to the palette.
    pub fn footer(&self, context: Context) -> impl Iterator<Item = (String, &'static str)> {
        self.all().filter_map(move |(entry, keys)| {
            let (word, contexts) = entry.footer?;
            contexts.contains(&context).then_some((keys.first()?.to_string(), word))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::KeyMap;
    use crate::action::{ACTIONS, EVERYWHERE};
    use crate::app::Key;

    #[test]
    fn every_key_has_a_name_and_one_meaning_in_a_context() {
        let map = KeyMap::default();
        assert_eq!(map.clash(), None);
        for &context in EVERYWHERE {
            let mut taken = HashSet::new();
            for entry in ACTIONS.iter().filter(|entry| entry.contexts.contains(&context)) {
                for key in entry.keys {
                    let parsed = Key::parse(key).unwrap_or_else(|| panic!("{key} is a key"));
                    assert_eq!(&parsed.to_string(), key);
                    assert!(taken.insert(key), "{key} is taken twice in {context:?}");
                    assert_eq!(map.of_key(parsed, context), Some(entry.action));
                }
            }
        }
    }

    #[test]
    fn what_is_offered_works() {
        let map = KeyMap::default();
        for &context in EVERYWHERE {
            for (key, word) in map.footer(context) {
                let key = Key::parse(&key).unwrap();
                assert!(map.of_key(key, context).is_some(), "{word} does nothing in {context:?}");
            }
        }
    }
}
