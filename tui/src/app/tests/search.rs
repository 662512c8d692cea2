//! Finding, folding and copying.

use serde_json::json;

use super::Person;
use crate::app::{Effect, Event, Key};
use crate::fixture::{answered, asks, machine, pending};
use crate::store::ExchangeId;

#[test]
fn search_finds_and_goes_on() {
    let mut person = Person::at(100, 30);
    person.types("/haiku").keys("Enter");
    assert_eq!(person.app.main.exchanges.selected, Some(ExchangeId(6)));
    person.types("/rate limit").keys("Enter");
    assert_eq!(person.app.main.exchanges.selected, Some(ExchangeId(3)));
    person.types("/no such words").keys("Enter");
    assert!(person.look().contains("not found: no such words"));
    // In a text, from match to match.
    person.keys("g d").types("/lifetime").keys("Enter");
    assert!(person.look().contains("A lifetime says"));
}

#[test]
fn a_long_search_goes_on_between_frames() {
    let mut store = machine();
    for id in 20..2020 {
        let asked = if id == 20 { "needle".repeat(200_000) } else { "hay ".repeat(500) };
        store.put_exchange(answered(pending(id, 1, 3000 - id, asks(&asked)), "yes", 100));
    }
    let mut person = Person::with(store, 100, 30);
    person.types("/needle");
    let key = |name: &str| Event::Key(Key::parse(name).unwrap());
    person.app.update(key("Enter"), &person.store, person.now);
    person.app.screen(&mut person.store, &person.session, person.now);
    // It is not there yet, and every key is answered meanwhile.
    assert!(person.app.is_behind());
    assert_ne!(person.app.main.exchanges.selected, Some(ExchangeId(20)));
    let screen = person.look();
    assert_eq!(person.app.main.exchanges.selected, Some(ExchangeId(20)), "{screen}");
    assert!(screen.contains("/needle  1/1"), "{screen}");
    // Something else is done before it has come: it is given up.
    person.keys("G").types("/needle");
    person.app.update(key("Enter"), &person.store, person.now);
    person.keys("k");
    assert_ne!(person.app.main.exchanges.selected, Some(ExchangeId(20)));
    assert!(!person.app.is_behind());
}

#[test]
fn search_in_json_unfolds_what_hides_the_match() {
    let mut person = Person::at(100, 30);
    person.keys("d ]").keys("O");
    assert!(!person.look().contains("tool_use_id"));
    person.types("/tool_use_id").keys("Enter");
    assert!(person.look().contains("tool_use_id"), "{}", person.look());
}

#[test]
fn paths_lead_through_json() {
    let mut person = Person::at(100, 30);
    person.keys("d ] O").types(".").types(".messages[3].content[1].name").keys("Enter");
    let screen = person.look();
    assert!(screen.contains("▌           \"name\": \"read_file\""), "{screen}");
    assert!(screen.contains(".messages[3].content[1].name ─"), "{screen}");
    person.keys("Y y");
    let copied = [".messages[3].content[1].name", "\"read_file\""];
    assert_eq!(person.effects, copied.map(|text| Effect::Copy(text.into())));
    person.types(".").types("messages[9]").keys("Enter");
    assert!(person.look().contains("there is no .messages[9]"), "{}", person.look());
    person.types(".").types("x").keys("Esc");
    assert!(person.look().contains("Esc back"), "{}", person.look());
}

#[test]
fn a_search_says_which_match_it_went_to() {
    let mut person = Person::at(100, 30);
    let mut goes = |keys: &str, says: &str| {
        let screen = person.keys(keys).look();
        let footer = screen.lines().last().unwrap();
        assert_eq!(footer.trim(), says, "{keys}: {screen}");
    };
    // Exchanges, from the last on.
    goes("/ h a i k u Enter", "/haiku  1/1");
    goes("/ m a i n Enter", "/main  2/2");
    goes("n", "/main  1/2");
    goes("N", "/main  2/2");
    // Processes and connections; what is found among the former is chosen.
    goes("1 / d Enter", "/d  1/2");
    goes("n", "/d  2/2");
    goes("4 / a p i Enter", "/api  1/1");
    goes("Esc Esc 4 / a p i Enter", "/api  1/3");
    goes("N", "/api  3/3");
    // A text, and JSON.
    goes("2 G d / l i f e t i m e Enter", "/lifetime  1/1");
    goes("] / r o l e Enter", "/role  1/5");
    goes("n n", "/role  3/5");
    goes("N", "/role  2/5");
    goes("Esc Esc g Enter / l i f e t i m e Enter", "/lifetime  1/3");
}

#[test]
fn json_folds_at_the_cursor() {
    let mut person = Person::at(100, 40);
    person.keys("d ] j j j j");
    let open = person.look();
    assert!(open.contains("\"role\": \"user\""));
    let folded = person.keys("o").look();
    assert!(folded.contains("\"messages\": [ … ") && !folded.contains("\"role\""), "{folded}");
    assert_eq!(person.keys("Enter").look(), open);
}

#[test]
fn copy_takes_the_value_under_the_cursor() {
    let mut person = Person::at(100, 40);
    person.keys("d ] j y");
    assert_eq!(person.effects.pop(), Some(Effect::Copy("\"claude-sonnet-4-5\"".into())));
    person.keys("j j j y");
    let Some(Effect::Copy(messages)) = person.effects.pop() else { panic!("copied") };
    let messages: serde_json::Value = serde_json::from_str(&messages).unwrap();
    assert_eq!(messages[0]["role"], json!("user"));
    person.keys("Esc y");
    assert!(
        matches!(person.effects.pop(), Some(Effect::Copy(text)) if text.starts_with("No: `main`"))
    );
}
