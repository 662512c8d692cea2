//! No key is silent: what means something where one is does it, or says why not.

use super::Person;
use super::conversation::agents;
use crate::action::{ACTIONS, Action, Context};
use crate::fixture::machine;
use crate::store::Store;

/// Where an action means something, what has happened, and the keys that lead into the
/// middle of that.
type Place = (Context, fn() -> Store, &'static str);

const PLACES: &[Place] = &[
    (Context::Processes, machine, "1 j"),
    (Context::Exchanges, machine, "2 k k"),
    (Context::Answer, agents, "3"),
    (Context::Connections, machine, "4 j"),
    (Context::Conversation, agents, "Enter g } }"),
    (Context::Detail, machine, "g d"),
    (Context::Json, machine, "g d ] j j"),
    (Context::Compare, machine, "g x j x j"),
    (Context::Overview, machine, "5 j"),
    (Context::Columns, machine, "C j j"),
    (Context::Help, machine, "? j j"),
];

/// At an end there is nowhere to go, and a pane may have the focus already: both can be
/// seen.
const SEEN: &[Action] = &[
    Action::Up,
    Action::Down,
    Action::PageUp,
    Action::PageDown,
    Action::Top,
    Action::Bottom,
    Action::PreviousBlock,
    Action::NextBlock,
    Action::Processes,
    Action::Exchanges,
    Action::Answer,
    Action::Connections,
];

#[test]
fn every_key_does_something_or_says_why_not() {
    let mut silent = Vec::new();
    for &(context, store, keys) in PLACES {
        let here = ACTIONS.iter().filter(|entry| entry.contexts.contains(&context));
        for entry in here.filter(|entry| !SEEN.contains(&entry.action)) {
            for key in entry.keys {
                let mut person = Person::with(store(), 100, 24);
                person.keys(keys);
                assert_eq!(person.app.context(), context, "{keys}");
                let before = (person.look(), person.effects.len());
                person.keys(key);
                let after = (person.look(), person.effects.len());
                if before == after {
                    silent.push(format!("{context:?} {key} {}", entry.name));
                }
            }
        }
    }
    assert_eq!(silent, [""; 0], "{silent:#?}");
}

#[test]
fn what_means_nothing_here_says_so() {
    for (keys, says) in [
        ("1 d", "d means nothing here"),
        ("4 x", "x means nothing here"),
        ("2 < f", "only a list in order of time follows"),
    ] {
        let mut person = Person::with(machine(), 140, 40);
        let screen = person.keys(keys).look();
        assert!(screen.contains(says), "{keys}: {screen}");
    }
}
