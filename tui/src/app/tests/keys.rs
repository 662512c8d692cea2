//! Finding commands, and what else there is around keys.

use super::Person;
use crate::app::{Effect, Event, Exit, Mouse, MouseKind};
use crate::view::Pane;

fn press(x: usize, y: usize) -> Event {
    Event::Mouse(Mouse { kind: MouseKind::Press, x: x as u16, y: y as u16 })
}

/// Where a text stands on a screen, in cells: the first of these texts on the
/// last row that has it.
fn place(screen: &str, text: &str) -> (usize, usize) {
    let rows: Vec<_> = screen.lines().collect();
    let y = rows.iter().rposition(|row| row.contains(text)).unwrap();
    let before = &rows[y][..rows[y].find(text).unwrap()];
    (unicode_width::UnicodeWidthStr::width(before), y)
}

#[test]
fn the_palette_at_every_size() {
    for (width, height) in [(40, 12), (80, 24), (200, 50), (300, 100)] {
        let mut person = Person::at(width, height);
        person.keys("1 :").types("sort");
        insta::assert_snapshot!(format!("palette_{width}x{height}"), person.look());
    }
    insta::assert_snapshot!("palette_of_json", Person::at(80, 24).keys("g d ] :").look());
}

#[test]
fn a_command_is_found_and_carried_out() {
    let mut person = Person::at(100, 30);
    let before = person.look();
    // Both of them change their minds.
    assert_eq!(person.keys(":").types("quit").keys("Esc").look(), before);
    assert_eq!(person.keys(": Backspace").look(), before);
    person.keys(":").types("pause").keys("Enter");
    assert!(person.look().contains("PAUSED"));
    // The arrows choose another; past the end it begins again.
    person.keys("2 :").types("next").keys("Down Up Up Down Enter");
    assert_eq!(person.app.main.focus, Pane::Answer);
    person.keys(":").types("nonsense").keys("Enter");
    assert!(person.look().contains("no such command here"), "{}", person.look());
    person.keys(":").does(Event::Paste("quit\n".into())).keys("Enter");
    assert_eq!(person.effects, [Effect::Exit(Exit::Quit)]);
}

#[test]
fn the_palette_offers_what_means_something_here() {
    let mut person = Person::at(80, 24);
    assert!(person.keys("1 :").types("sort").look().contains("sort-reverse"));
    let screen = person.keys("Esc 2 :").types("sort").look();
    assert!(screen.contains("no such command here"), "{screen}");
}

#[test]
fn the_mouse_works_the_palette() {
    let mut person = Person::at(100, 30);
    let screen = person.keys(":").types("help").look();
    let (x, y) = place(&screen, "help");
    // The last row is what is typed; the one above it is the last command.
    assert_eq!(y, 29);
    let screen = person.does(press(x, 28)).look();
    assert!(screen.contains("Help: "), "{screen}");
    person.keys("Esc :");
    let wheel = Mouse { kind: MouseKind::ScrollDown, x: 5, y: 20 };
    person.does(Event::Mouse(wheel)).keys("Up Up Up Enter");
    assert!(person.look().contains("conversation"), "the first is to open: {}", person.look());
    person.keys("Esc :").does(press(0, 0));
    assert!(!person.look().contains("Commands"));
}

#[test]
fn what_the_footer_offers_can_be_clicked() {
    let mut person = Person::at(100, 30);
    for (text, then) in
        [("Space pause", "PAUSED"), ("? help", "Help: "), ("Esc back", "1 Processes")]
    {
        let (x, y) = place(&person.look(), text);
        assert_eq!(y, 29);
        // On the word as on the key.
        let screen = person.does(press(x + text.len() - 1, y)).look();
        assert!(screen.contains(then), "{text}: {screen}");
    }
    person.does(press(0, 29));
    assert_eq!(person.effects, []);
    let (x, y) = place(&person.look(), "q quit");
    person.does(press(x, y));
    assert_eq!(person.effects, [Effect::Exit(Exit::Quit)]);
    // Answers of a question too.
    person.keys("e");
    let (x, y) = place(&person.look(), "h HAR");
    person.does(press(x, y));
    assert!(matches!(person.effects.last(), Some(Effect::Export(..))), "{:?}", person.effects);
}
