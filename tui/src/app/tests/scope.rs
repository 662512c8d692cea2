//! What the screen is of: everything on it follows the filter and what is chosen.

use super::processes::family;
use super::{Person, at_every_size};
use crate::app::Event;
use crate::fixture::{answered, asks, pending};
use crate::store::Scope;

#[test]
fn views_of_a_part() {
    let open = |width, height| Person::with(family(), width, height);
    at_every_size("of_process", "1 j j", open);
    at_every_size("of_process_and_filter", "1 j \\ 'model:gpt Enter", open);
    at_every_size("of_filter", "\\ 'model:gpt Enter", open);
    at_every_size("overview_of_process", "1 j j 5", open);
}

/// The first row.
fn header(person: &mut Person) -> String {
    person.look().lines().next().unwrap_or("").to_owned()
}

#[test]
fn every_pane_and_figure_follows_what_is_chosen() {
    let mut person = Person::with(family(), 200, 50);
    assert!(header(&mut person).contains(" 10 exchanges, 9 LLM "), "{}", header(&mut person));
    person.keys("1 s s s s s j j");
    let row = person.look();
    let row = row.lines().find(|row| row.starts_with('▌')).unwrap();
    assert!(row.contains("claude"), "{row}");
    let head = header(&mut person);
    assert!(head.contains("only claude 4242  3 exchanges "), "{head}");
    assert!(head.contains("1 process  ") && head.contains(" captured in all"), "{head}");
    let screen = person.look();
    assert!(screen.contains("Exchanges of claude 4242 ") && screen.contains(" 3/3 of 10 "));
    assert!(screen.contains("Connections of claude 4242 "), "{screen}");
    let screen = person.keys("5").look();
    assert!(screen.contains("Overview of claude 4242") && screen.contains("claude 4242"));
    assert!(!screen.contains("review 5001"), "{screen}");
    // What comes is of it, or is not shown.
    person.keys("Esc");
    for (id, process) in [(20, 1), (21, 4)] {
        person.store.put_exchange(answered(pending(id, process, 900, asks("more")), "x", 100));
        person.does(Event::StoreChanged);
    }
    let head = header(&mut person);
    assert!(head.contains("4 exchanges ") && !head.contains("LLM"), "{head}");
    // A filter narrows it further; Esc leaves what was chosen, and then the filter.
    person.keys("\\ 'more Enter");
    assert!(header(&mut person).contains("only claude 4242 · more  1 exchange "));
    person.keys("Esc");
    assert!(header(&mut person).contains("only more  2 exchanges "));
    person.keys("Esc");
    assert!(header(&mut person).contains(" 12 exchanges, 11 LLM "));
}

#[test]
fn processes_are_those_that_pass_the_filter() {
    let mut person = Person::with(family(), 120, 30);
    person.keys("1 \\ 'model:gpt-5 Enter");
    assert_eq!(person.app.main.processes.order.len(), 2);
    assert!(header(&mut person).contains("2 exchanges"), "{}", header(&mut person));
    // What is chosen and passes no more is chosen no more.
    person.keys("g \\ C-u 'model:claude Enter");
    assert!(person.app.main.processes.chosen);
    person.keys("\\ C-u 'model:sonnet Enter");
    assert!(!person.app.main.processes.chosen, "{}", person.look());
}

#[test]
fn a_paused_screen_tells_of_its_moment() {
    let mut person = Person::with(family(), 120, 30);
    person.keys("1 s s s s s j j Space");
    let before = header(&mut person);
    assert!(before.contains("3 exchanges"), "{before}");
    person.store.put_exchange(answered(pending(30, 1, 900, asks("later")), "x", 100));
    person.waits(3000);
    assert_eq!(header(&mut person), before);
    person.keys("Space");
    assert!(header(&mut person).contains("4 exchanges"));
}

#[test]
fn many_are_counted_bit_by_bit_and_exactly() {
    let mut person = Person::at(120, 30);
    for id in 100..5100 {
        person.store.put_exchange(answered(pending(id, 1 + id % 2, 900, asks("x")), "y", 100));
    }
    person.does(Event::StoreChanged).keys("1 j");
    let part = |person: &Person| {
        let part = person.app.narrowed.part(&person.store).expect("something is chosen");
        (part.figures.totals().all_exchanges, person.store.count(Scope::Chosen) as u64)
    };
    let (counted, listed) = part(&person);
    assert!(listed > 2000 && counted == listed);
    // A moment of before is counted anew.
    person.keys("Space");
    for (id, process) in [(6001, 1), (6002, 2)] {
        person.store.put_exchange(answered(pending(id, process, 900, asks("x")), "y", 100));
    }
    person.keys("\\ 'y Enter");
    let (counted, listed) = part(&person);
    assert_eq!(counted, listed - 1);
}
