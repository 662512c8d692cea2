//! Columns that are chosen, orders, themes, and what is remembered of them.

use super::Person;
use super::fixture::{NOW, machine};
use crate::app::{App, Event, Mouse, MouseKind, UiOptions};
use crate::config::Remembered;
use crate::store::ExchangeId;

/// The titles of the list of exchanges.
fn titles(screen: &str) -> String {
    screen.lines().find(|line| line.contains("ASKED")).unwrap_or_default().to_owned()
}

/// The rows below them.
fn rows(screen: &str) -> Vec<&str> {
    screen.lines().skip_while(|line| !line.contains("ASKED")).skip(1).take(7).collect()
}

#[test]
fn columns_are_hidden_and_moved() {
    let mut person = Person::at(200, 50);
    let before = titles(&person.look());
    assert!(before.contains("TIME     PROCESS    MODEL"), "{before}");
    person.keys("C j Enter j > Esc");
    let after = titles(&person.look());
    assert!(after.contains("TIME     STATUS MODEL") && !after.contains("PROCESS"), "{after}");
    // What rows are sorted by is there, though it was hidden and there is no room.
    assert!(!Person::at(100, 30).look().contains("TTFT"));
    assert!(titles(&Person::at(100, 30).keys("> > >").look()).contains("TTFT▾"));
    let hidden = person.keys("C j j j j j j Enter Esc > > >").look();
    assert!(titles(&hidden).contains("TTFT▾"), "{hidden}");
    assert!(!titles(&person.keys("< < <").look()).contains("TTFT"));
    person.keys("1 C G Enter g Enter Esc");
    let screen = person.look();
    assert!(!screen.contains("RETRY") && !screen.contains("PID "), "{screen}");
}

#[test]
fn exchanges_are_sorted_and_the_first_is_selected() {
    let mut person = Person::at(200, 50);
    let mut first = |keys: &str, says: &str, id: u64| {
        let screen = person.keys(keys).look();
        let footer = screen.lines().last().unwrap();
        assert!(footer.contains(says), "{keys}: {screen}");
        assert_eq!(person.app.main.exchanges.selected, Some(ExchangeId(id)), "{keys}: {screen}");
        screen
    };
    let screen = first("< < <", "by ttft, the largest first", 7);
    assert!(titles(&screen).contains("TTFT▾"), "{screen}");
    let rows = rows(&screen);
    assert!(rows[1].contains("1.1s") && rows[2].contains("600ms"), "{screen}");
    // What is not known stands last, both ways.
    assert!(rows.last().unwrap().contains("Rate limit"), "{screen}");
    let screen = first("r", "by ttft, the smallest first", 4);
    assert!(titles(&screen).contains("TTFT▴"), "{screen}");
    let rows = self::rows(&screen);
    assert!(rows.last().unwrap().contains("Rate limit"), "{screen}");
    // Moving about goes by rows.
    person.keys("j");
    assert_eq!(person.app.main.exchanges.selected, Some(ExchangeId(6)));
    person.keys("G");
    assert_ne!(person.app.main.exchanges.selected, Some(ExchangeId(7)));
    person.keys("r > > >");
    assert!(person.look().contains("in order of time"), "{}", person.look());
    assert_eq!(person.app.main.exchanges.selected, Some(ExchangeId(7)), "the newest");
    // A click on a title sorts, too.
    let screen = person.look();
    let y = screen.lines().position(|line| line.contains("ASKED")).unwrap() as u16;
    let x = screen.lines().nth(y.into()).unwrap().find("COST").unwrap() as u16;
    person.does(Event::Mouse(Mouse { kind: MouseKind::Press, x, y }));
    assert!(titles(&person.look()).contains("COST▾"), "{}", person.look());
}

#[test]
fn themes_change_by_key() {
    let mut person = Person::at(100, 30);
    for name in ["light", "high-contrast", "ansi", "dark"] {
        assert!(person.keys("T").look().contains(&format!("theme: {name}")));
        assert_eq!(person.app.theme().name(), name);
    }
}

#[test]
fn how_the_screen_was_left_is_how_it_comes_again() {
    let mut person = Person::at(200, 50);
    assert_eq!(person.app.remembered(), Remembered::default());
    person.keys("1 s s r t C Enter Esc 2 < C G Enter Esc T");
    let left = person.app.remembered();
    assert_eq!(left.theme.as_deref(), Some("light"));
    assert_eq!(left.processes.sort.as_deref(), Some("out"));
    assert_eq!(left.exchanges.sort.as_deref(), Some("cost"));
    assert!(left.processes.reverse && left.processes.tree);
    assert_eq!(left.exchanges.columns.as_ref().map(Vec::len), Some(9));
    let options = UiOptions { remembered: left.clone(), ..person.app.options.clone() };
    let mut again = Person::with(machine(), 200, 50);
    again.app = App::new(options, (200, 50), NOW);
    assert_eq!(again.app.remembered(), left);
    let header = |screen: String| screen.lines().skip(3).take(1).collect::<String>();
    assert_eq!(header(again.look()), header(person.look()));
    // What another version wrote is left out, and the rest holds.
    let mut odd = left;
    odd.processes.sort = Some("nonsense".into());
    odd.exchanges.columns = Some(vec!["nonsense".into()]);
    let options = UiOptions { remembered: odd, ..person.app.options.clone() };
    again.app = App::new(options, (200, 50), NOW);
    assert_eq!(again.app.remembered().processes.sort, None);
    assert_eq!(again.app.remembered().exchanges.columns, None);
    assert!(titles(&again.look()).contains("PROCESS"));
}

#[test]
fn what_could_not_be_read_is_told() {
    let mut person = Person::at(100, 30);
    let notice = Some("state.json: not understood".into());
    let options = UiOptions { notice, ..person.app.options.clone() };
    person.app = App::new(options, (100, 30), NOW);
    assert!(person.look().contains("state.json: not understood"), "{}", person.look());
}
