//! What keys, the mouse, signals and the store do to the screen.

use llmtop_parsers::{CostSource, Delta, DeltaKind, Role, UsageSource};
use llmtop_probe::ConnId;

use super::Person;
use super::fixture::{NOW, answered, asks, machine, pending, process, streaming};
use crate::app::{Code, Effect, Event, Exit, Key, Mouse, MouseKind, Signal};
use crate::sink::export::Format;
use crate::store::{ExchangeId, ProcessKey, Store};

#[test]
fn a_newcomer_drills_down_and_comes_back() {
    let mut person = Person::at(100, 30);
    let main = person.look();
    assert!(person.keys("1 Enter").look().contains("claude · conversation"));
    assert!(person.keys("d").look().contains("Timing"));
    assert!(person.keys("Esc").look().contains("claude · conversation"));
    person.keys("Esc Esc");
    assert_eq!(person.look(), main);
    person.keys("q");
    assert_eq!(person.effects, [Effect::Exit(Exit::Quit)]);
}

#[test]
fn an_answer_grows_before_ones_eyes() {
    let mut person = Person::at(100, 30);
    assert!(!person.look().contains("moreover"));
    let delta = Delta::new(person.now, DeltaKind::Text, " moreover".into());
    person.store.add_delta(ExchangeId(7), &delta);
    person.does(Event::StoreChanged);
    assert!(person.look().contains("moreover"), "{}", person.look());
}

#[test]
fn pause_freezes_the_screen_and_only_the_screen() {
    let mut person = Person::at(100, 30);
    person.keys("Space");
    let frozen = person.look();
    assert!(frozen.contains("PAUSED"));
    let delta = Delta::new(person.now, DeltaKind::Text, " moreover".into());
    person.store.add_delta(ExchangeId(7), &delta);
    person.store.put_exchange(pending(8, 1, 0, asks("newer")));
    person.waits(5000).does(Event::StoreChanged);
    assert_eq!(person.look(), frozen);
    let thawed = person.keys("Space").look();
    assert!(!thawed.contains("PAUSED") && thawed.contains("newer"), "{thawed}");
}

#[test]
fn scrolling_ends_following() {
    let mut person = Person::at(100, 30);
    person.keys("k");
    let selected = person.app.main.exchanges.selected;
    person.store.put_exchange(pending(8, 1, 0, asks("newer")));
    person.does(Event::StoreChanged);
    assert_eq!(person.app.main.exchanges.selected, selected);
    // Going to the end takes it up again.
    person.keys("G");
    person.store.put_exchange(pending(9, 1, 0, asks("newest")));
    person.does(Event::StoreChanged);
    assert_eq!(person.app.main.exchanges.selected, Some(ExchangeId(9)));
}

#[test]
fn following_stays_with_an_answer_until_it_ends() {
    let mut store = Store::default();
    process(&mut store, 1, 100, "client");
    store.put_exchange(pending(1, 1, 9000, asks("first")));
    let mut person = Person::with(store, 100, 30);
    person.look();
    let text = Delta::new(person.now, DeltaKind::Text, "word".into());
    person.store.add_delta(ExchangeId(1), &text);
    person.store.put_exchange(pending(2, 1, 0, asks("second")));
    let mut page = pending(3, 1, 0, asks("no model"));
    page.exchange.dialect = None;
    person.store.put_exchange(page);
    person.does(Event::StoreChanged).look();
    assert_eq!(person.app.main.exchanges.selected, Some(ExchangeId(1)));
    person.store.put_exchange(answered(pending(1, 1, 9000, asks("first")), "word", 10));
    person.does(Event::StoreChanged).look();
    assert_eq!(person.app.main.exchanges.selected, Some(ExchangeId(2)));
    assert!(person.app.main.exchanges.follow);
}

#[test]
fn the_header_says_whether_what_is_looked_at_is_followed() {
    let mut person = Person::at(100, 30);
    for (keys, follows) in [
        ("", true),
        ("f", false),
        ("3", true),
        ("f", false),
        ("2 f", true),
        ("Enter", true),
        ("f", false),
        ("f", true),
        ("k", false),
        ("G", true),
        ("d ]", false),
        ("Esc Esc", true),
        ("g Enter", false),
    ] {
        let screen = person.keys(keys).look();
        let said = (screen.contains("FOLLOWING"), screen.contains("LIVE"));
        assert_eq!(said, (follows, !follows), "{keys}: {screen}");
    }
}

#[test]
fn an_estimate_is_marked_wherever_it_is_shown() {
    let with = |usage, cost| {
        let mut store = Store::default();
        process(&mut store, 1, 100, "client");
        let mut record = answered(pending(1, 1, 9000, asks("hi")), "hello, and so on", 10);
        (record.exchange.usage.source, record.exchange.cost.source) = (usage, cost);
        store.put_exchange(record);
        Person::with(store, 200, 50)
    };
    let mut person = with(UsageSource::Estimated, CostSource::Priced);
    let screen = person.look();
    assert!(screen.contains("~1.2k → ~4 tokens"), "the header: {screen}");
    assert!(screen.contains("~1.2k → ~4 ·"), "the answer: {screen}");
    // The header, the process, the exchange, and the answer; then two of them.
    for (keys, figures) in [("", 4), ("Enter", 2), ("d", 2), ("[", 2)] {
        let screen = person.keys(keys).look();
        assert_eq!(screen.matches("~$0.0021").count(), figures, "{keys}: {screen}");
        assert_eq!(screen.matches("$0.0021").count(), figures, "{keys}: {screen}");
        assert!(screen.contains("~1.2k → ~4 ·") || keys == "[", "{keys}: {screen}");
    }
    assert!(person.look().contains("~1200"), "{}", person.look());
    // What the API reports is no estimate, whatever else is one.
    let screen = with(UsageSource::Estimated, CostSource::Reported).look();
    assert!(screen.contains("~1.2k") && !screen.contains("~$"), "{screen}");
    let mut person = with(UsageSource::Reported, CostSource::Priced);
    assert!(!person.look().contains('~'), "{}", person.look());
    // With the last estimate, the marks of the sums go.
    let mut estimate = answered(pending(2, 1, 9000, asks("hi")), "hello", 10);
    estimate.exchange.usage.source = UsageSource::Estimated;
    person.store.put_exchange(estimate);
    assert!(person.does(Event::StoreChanged).look().contains("~$0.0042"));
    person.store.remove_exchange(ExchangeId(2));
    assert!(!person.does(Event::StoreChanged).look().contains('~'), "{}", person.look());
}

#[test]
fn a_cost_that_is_not_known_is_not_nothing() {
    let mut store = Store::default();
    process(&mut store, 1, 100, "client");
    let mut record = answered(pending(1, 1, 9000, asks("hi")), "hello", 10);
    record.exchange.cost = Default::default();
    store.put_exchange(record);
    let screen = Person::with(store, 200, 50).look();
    let header = screen.lines().next().unwrap();
    assert!(header.contains(" ? ") && !screen.contains("$0"), "{screen}");
}

#[test]
fn a_row_claims_no_first_token_and_no_whole_word_that_is_none() {
    let mut store = Store::default();
    process(&mut store, 1, 100, "client");
    let mut whole = answered(pending(1, 1, 9000, asks("hi")), "hello", 1000);
    whole.exchange.timing.first_token = None;
    store.put_exchange(whole);
    let text = "abcdefghijklmnopqrstuvwxyz".repeat(20);
    streaming(&mut store, pending(2, 1, 2000, asks("alphabet")), &text, 1000);
    let screen = Person::with(store, 200, 50).look();
    let row = |word: &str| screen.lines().find(|line| line.contains(word)).unwrap().to_owned();
    assert!(row("hi → hello").contains("1.0s") && !row("hi → hello").contains("ms"), "{screen}");
    assert!(row("alphabet →").contains("alphabet → …"), "{screen}");
}

#[test]
fn a_long_answer_stays_put_while_it_grows_below() {
    let mut store = machine();
    let text = (0..200).map(|line| format!("line {line}\n")).collect::<String>();
    streaming(&mut store, pending(8, 1, 2000, asks("count")), &text, 1000);
    let mut person = Person::with(store, 100, 30);
    assert!(person.keys("3").look().contains("line 199"));
    let scrolled = person.keys("PgUp").look();
    assert!(!scrolled.contains("▌ line 199"));
    let text_part = |screen: &str| -> Vec<String> {
        let lines = screen.lines().filter(|line| line.starts_with("▌ line 1"));
        lines.map(str::to_owned).collect()
    };
    let before = text_part(&scrolled);
    assert!(!before.is_empty());
    let delta = Delta::new(person.now, DeltaKind::Text, "line 200\n".into());
    person.store.add_delta(ExchangeId(8), &delta);
    person.does(Event::StoreChanged);
    assert_eq!(text_part(&person.look()), before);
    assert!(person.keys("G").look().contains("▌ line 200"));
}

#[test]
fn eighty_columns_offer_the_filter_and_the_pause() {
    let mut person = Person::at(80, 24);
    let screen = person.look();
    let footer = screen.lines().last().unwrap();
    assert!(footer.contains("\\ filter  Space pause"), "{footer}");
    assert!(footer.ends_with("? help  q quit"), "{footer}");
}

#[test]
fn the_help_scrolls_to_the_keys_of_other_pages() {
    let mut person = Person::at(80, 24);
    let top = person.keys("?").look();
    assert!(top.contains("next pane") && !top.contains("In a conversation"), "{top}");
    let end = person.keys("G").look();
    assert!(end.contains("While the screen is paused"), "{end}");
    assert!(end.contains("show the column, or hide it"), "{end}");
}

#[test]
fn export_names_the_exchange_that_is_looked_at() {
    let mut person = Person::at(100, 30);
    assert!(person.keys("g e").look().contains("export as  j JSON  h HAR  c curl  m chat"));
    person.keys("j Enter e c e m e h e Enter");
    let formats = [Format::Json, Format::Curl, Format::Markdown, Format::Har, Format::Json];
    assert_eq!(person.effects, formats.map(|format| Effect::Export(ExchangeId(1), format)));
    // Any other key is the way back, and does nothing else.
    person.keys("e Esc e q e C-c");
    assert_eq!(person.effects.len(), formats.len());
    assert!(person.look().contains("conversation"));
}

#[test]
fn two_exchanges_are_compared() {
    let mut person = Person::at(100, 40);
    let marked = person.keys("g x").look();
    assert!(marked.contains("marked: x on another") && marked.contains("◆"), "{marked}");
    // Marked twice is not marked.
    assert!(!person.keys("x").look().contains("◆"));
    person.keys("G x g d x");
    let screen = person.look();
    assert!(screen.contains("claude 14:01:45 → claude 14:03:16"), "{screen}");
    let state = screen.lines().find(|line| line.contains(" state ")).unwrap();
    assert!(state.contains(" complete ") && state.contains(" → streaming"), "{screen}");
    assert!(!screen.contains("sekret"), "{screen}");
    person.types("/println").keys("Enter");
    assert!(person.look().contains("println"), "{}", person.look());
    person.keys("y");
    let Some(Effect::Copy(text)) = person.effects.pop() else { panic!("copied") };
    assert!(text.contains("+         tool_use_id: toolu_1"), "{text}");
    assert!(person.keys("Esc").look().contains("Timing"), "back to where it was opened");
    // Gone, it says so; marked, it stays.
    person.keys("Esc g x j x");
    person.store.remove_exchange(ExchangeId(1));
    person.does(Event::StoreChanged);
    assert!(person.look().contains("forgotten → claude"), "{}", person.look());
}

#[test]
fn long_requests_are_compared_beside_the_screen() {
    let mut store = machine();
    for id in [20, 21] {
        let text = format!("{} number {id}", "one word\n".repeat(20_000));
        store.put_exchange(answered(pending(id, 1, 900 - id, asks(&text)), "yes", 100));
    }
    let mut person = Person::with(store, 100, 40);
    person.keys("G x");
    for key in ['k', 'x'] {
        let key = Event::Key(Key::plain(Code::Char(key)));
        person.app.update(key, &person.store, person.now);
    }
    // The key is answered by a frame that compares nothing.
    person.app.screen(&mut person.store, &person.session, person.now);
    assert!(person.app.is_reading());
    let screen = person.look();
    assert!(screen.contains("lines alike") && screen.contains("number 21"), "{screen}");
    assert!(screen.contains("claude 14:03:19"), "{screen}");
}

#[test]
fn secrets_are_redacted_unless_asked_for() {
    for (show, seen) in [(false, false), (true, true)] {
        let mut person = Person::at(120, 50);
        person.app.options.show_secrets = show;
        let screen = person.keys("d [ [ [").look();
        assert!(screen.contains("x-api-key"), "{screen}");
        assert_eq!(screen.contains("sekret"), seen, "{screen}");
        assert_eq!(screen.contains("SECRETS SHOWN"), seen);
    }
}

#[test]
fn the_mouse_selects_opens_and_scrolls() {
    let mut person = Person::at(200, 50);
    let row = |person: &mut Person, text: &str| {
        let screen = person.look();
        screen.lines().position(|line| line.contains(text)).unwrap() as u16
    };
    let y = row(&mut person, "Rate limit");
    let press = Event::Mouse(Mouse { kind: MouseKind::Press, x: 20, y });
    person.does(press.clone());
    assert_eq!(person.app.main.exchanges.selected, Some(ExchangeId(3)));
    person.does(press.clone());
    assert!(person.look().contains("python3 · conversation"));
    person.keys("d");
    let x = person.look().lines().nth(3).unwrap().find("Timing").unwrap() as u16;
    person.does(Event::Mouse(Mouse { kind: MouseKind::Press, x, y: 3 }));
    assert!(person.look().contains("request sent"), "{}", person.look());
    // Switched off, it is the terminal's own.
    person.keys("Esc Esc m");
    assert_eq!(person.effects.pop(), Some(Effect::Mouse(false)));
    let before = person.look();
    person.does(press);
    assert_eq!(person.look(), before);
}

#[test]
fn nothing_is_drawn_when_nothing_changed() {
    let mut store = Store::default();
    process(&mut store, 1, 4242, "claude");
    store.put_exchange(answered(pending(1, 1, 9000, asks("hi")), "hello", 10));
    let mut person = Person::with(store, 100, 30);
    person.look();
    assert!(!person.app.dirty());
    // Nothing moves by itself but what was spent within five minutes, every
    // five seconds; then no tick is asked for.
    assert_eq!(person.app.next_tick().map(|at| at.millis_since(NOW)), Some(5000.0));
    person.waits(300_000);
    assert_eq!(person.app.next_tick(), None);
    assert!(!person.app.dirty());
    let now = person.now;
    person.app.update(Event::Resize { width: 100, height: 30 }, &person.store, now);
    assert!(!person.app.dirty());
    person.app.update(Event::StoreChanged, &person.store, now);
    assert!(person.app.dirty());
    // An answer that streams moves eight times a second, once it is silent
    // once a second.
    let mut more = pending(2, 1, 100, asks("more"));
    more.exchange.timing.started = person.now;
    person.store.put_exchange(more);
    person.look();
    assert_eq!(person.app.next_tick().map(|at| at.millis_since(now)), Some(125.0));
    person.waits(60_000);
    assert_eq!(person.app.next_tick().map(|at| at.millis_since(person.now)), Some(1000.0));
}

#[test]
fn signals_end_it_and_stop_it() {
    let mut person = Person::at(80, 24);
    person.does(Event::Signal(Signal::Stop)).keys("C-z").does(Event::Signal(Signal::Quit));
    let want = [Effect::Suspend, Effect::Suspend, Effect::Exit(Exit::Signal)];
    assert_eq!(person.effects, want);
}

#[test]
fn an_exchange_that_is_gone_is_said_to_be() {
    let mut person = Person::at(100, 30);
    person.keys("d");
    person.store.remove_exchange(ExchangeId(7));
    person.does(Event::StoreChanged);
    assert!(person.look().contains("forgotten"));
    for keys in ["]", "]", "y", "e", "n", "o", "j", "G", "Esc", "Enter", "Esc"] {
        person.keys(keys);
    }
}

#[test]
fn what_is_looked_at_is_not_forgotten() {
    let mut store = Store::with_budget(40 << 10);
    process(&mut store, 1, 100, "client");
    let mut person = Person::with(store, 100, 30);
    let ends = |person: &mut Person, id: u64| {
        let record = answered(pending(id, 1, 90_000 - id * 100, asks("hi")), "hello", 10);
        person.store.put_exchange(record);
        person.store.settle(ExchangeId(id));
        person.does(Event::StoreChanged);
    };
    let kept = |person: &Person, id| person.store.exchange(ExchangeId(id)).is_some();
    ends(&mut person, 1);
    ends(&mut person, 2);
    // It is open, on a screen that is paused.
    person.keys("2 g d Space");
    (3..100).for_each(|id| ends(&mut person, id));
    assert!(kept(&person, 1) && !kept(&person, 2) && kept(&person, 99));
    person.keys("Space");
    assert!(!person.look().contains("forgotten"));
    // Looked at no more, it is the next to go.
    person.keys("Esc G");
    ends(&mut person, 100);
    assert!(!kept(&person, 1));
}

#[test]
fn a_server_on_this_machine_is_listed_only_with_everything() {
    let mut store = Store::default();
    process(&mut store, 1, 100, "client");
    process(&mut store, 2, 200, "backend");
    store.put_exchange(answered(pending(1, 1, 900, asks("hi")), "hello", 10));
    let mut client = store.connections().next().unwrap().clone();
    client.endpoint.peer = Some("127.0.0.1:443".parse().unwrap());
    let mut server = client.clone();
    (server.id, server.process) = (ConnId(2), ProcessKey(2));
    server.endpoint.local = Some("[::ffff:127.0.0.1]:443".parse().unwrap());
    server.endpoint.peer = client.endpoint.local;
    server.role = Some(Role::Server);
    store.put_connection(client);
    store.put_connection(server);

    let mut person = Person::with(store, 200, 50);
    let screen = person.look();
    assert!(screen.contains("Connections") && screen.contains("api.example.com"), "{screen}");
    assert!(screen.contains("1 process") && !screen.contains("backend"), "{screen}");
    while !person.app.main.lists_all() {
        person.keys("a");
    }
    let screen = person.look();
    assert!(screen.contains("backend") && screen.contains("serving 10.0.0.5:51001"), "{screen}");
    assert!(screen.contains("2 processes"), "{screen}");
}

#[test]
fn the_busiest_process_is_selected_until_one_is_chosen() {
    let mut store = Store::default();
    process(&mut store, 1, 100, "early");
    let mut person = Person::with(store, 100, 30);
    process(&mut person.store, 2, 200, "busy");
    person.store.put_exchange(answered(pending(1, 2, 900, asks("hi")), "hello", 10));
    person.does(Event::StoreChanged);
    assert!(person.keys("1 Enter").look().contains("busy · conversation"));
    person.keys("Esc 1 j");
    let chosen = person.app.main.processes.selected.clone();
    person.store.put_exchange(pending(2, 1, 5, asks("now I am")));
    person.does(Event::StoreChanged);
    assert_eq!(person.app.main.processes.selected, chosen);
}
