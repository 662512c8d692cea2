//! Keys of the person's own.

use super::{Person, at_every_size};
use crate::app::{Effect, Exit};
use crate::config::Config;

/// Somebody with these lines below `[keys]`.
fn with(keys: &str, width: u16, height: u16) -> Person {
    let mut person = Person::at(width, height);
    let config = Config::parse(&format!("[keys]\n{keys}")).unwrap();
    person.app.options.keys = config.key_map;
    person
}

const OWN: &str = r#"
exchanges = ["F2"]
compare = ["C-x"]
filter = []
help = ["F12"]
pause = ["f"]
follow = ["Space"]
search-next = ["*"]
"#;

#[test]
fn views() {
    for (name, keys) in [("main", ""), ("help", "F12"), ("palette", ":")] {
        at_every_size(&format!("own_keys_{name}"), keys, |width, height| with(OWN, width, height));
    }
}

#[test]
fn own_keys_do_and_those_of_the_table_do_not() {
    let mut person = with(OWN, 200, 50);
    let before = person.look();
    assert_eq!(person.keys("? \\ F4 x").look(), before);
    assert!(person.keys("f").look().contains("PAUSED"));
    assert_eq!(person.keys("f").look(), before);
    // What was the one's is the other's, wherever either means something.
    let follows = person.app.main.exchanges.follow;
    person.keys("Space");
    assert_eq!(person.app.main.exchanges.follow, !follows);
    let mut person = with("quit = [\"F10\"]", 80, 24);
    person.keys("q C-c");
    assert_eq!(person.effects, []);
    person.keys("F10");
    assert_eq!(person.effects, [Effect::Exit(Exit::Quit)]);
}

#[test]
fn what_is_told_names_the_keys_that_hold() {
    let mut person = with(OWN, 200, 50);
    assert!(person.keys("C-x").look().contains("marked: C-x on another"));
    assert!(person.keys("*").look().contains("nothing to search for: / asks"));
    // What has no key is called by its name, by the palette.
    person.keys(":").types("filter").keys("Enter").types("proc:nobody").keys("Enter");
    let screen = person.look();
    assert!(screen.contains(":filter changes the filter, Esc shows all"), "{screen}");
}

#[test]
fn a_line_that_is_typed_is_typed_whatever_its_letters_are_bound_to() {
    let mut person = with("quit = [\"z\", \"F10\"]\nzoom = []\nfold = []", 120, 30);
    person.keys("\\").types("proc:zz").keys("Esc / z Esc : z Esc");
    assert_eq!(person.effects, []);
    person.keys("z");
    assert_eq!(person.effects, [Effect::Exit(Exit::Quit)]);
}
