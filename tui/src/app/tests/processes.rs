//! Processes as a list, a tree and in groups, in any order.

use std::sync::Arc;

use llmtop_parsers::{Agent, Exchange, RateLimit, Timestamp};
use llmtop_probe::Process;

use super::Person;
use crate::app::{Event, Mouse, MouseKind};
use crate::fixture::{NOW, answered, asks, machine, pending, process};
use crate::store::{ProcessKey, Scope, Store};

/// An agent in a container that started a reviewer by a shell, a second one
/// beside it, and a server that is nobody's child.
pub(super) fn family() -> Store {
    let mut store = machine();
    for (key, pid, comm) in [(4, 5001, "review"), (5, 5002, "sh"), (6, 5003, "lint")] {
        process(&mut store, key, pid, comm);
    }
    let facts = |pid: u32, parent: u32, comm: &str, container: Option<&str>| Process {
        pid,
        parent: Some(parent),
        comm: comm.into(),
        container: container.map(Into::into),
        ..Process::default()
    };
    for (key, facts) in [
        (1, facts(4242, 1, "claude", Some("b7e1"))),
        (4, facts(5001, 5002, "review", Some("b7e1"))),
        (5, facts(5002, 4242, "sh", None)),
        (6, facts(5003, 4242, "lint", None)),
    ] {
        store.put_process(ProcessKey(key), Arc::new(facts), llmtop_probe::Timestamp(NOW.0));
    }
    for (id, process, model, before) in [
        (8, 4, "claude-opus-4-1-20250805", 29_000),
        (9, 6, "gpt-5-mini", 12_000),
        (10, 4, "gpt-5", 8000),
    ] {
        let mut record =
            answered(pending(id, process, before, asks("Look")), "It looks good.", 3000);
        let Exchange { request, response, usage, cost, provider, .. } = &mut record.exchange;
        request.model = Some(model.into());
        response.model = Some(model.into());
        usage.output_tokens = Some(id * 100);
        cost.usd = Some(id as f64 / 100.0);
        if model.starts_with("gpt") {
            *provider = Some("openai");
        }
        if process == 4 {
            let kind = Some("review\x1b[2J".into());
            request.agent = Some(Agent { kind, ..Agent::default() });
            request.retry = Some(1);
        } else {
            request.headers.push(("User-Agent".into(), "lint-cli/2.1.0 (\x1b[2J)".into()));
        }
        response.limits = vec![
            RateLimit { limit: Some(100), remaining: Some(90), ..RateLimit::default() },
            RateLimit {
                used_percent: Some(10.0 * id as f64 - 0.5),
                resets_at: Some(Timestamp(NOW.0 + id * 60_000_000_000)),
                ..RateLimit::default()
            },
        ];
        store.put_exchange(record);
    }
    store
}

/// The commands of the list, from above.
fn listed(person: &mut Person) -> Vec<String> {
    let screen = person.look();
    let rows = screen.lines().skip(4).take_while(|row| row.contains(|c: char| c.is_ascii_digit()));
    let name = |row: &str| {
        let words = row.trim_start_matches(['▌', ' ']).split_whitespace().skip(1);
        words.take_while(|word| !word.contains('-')).next().unwrap_or("").to_owned()
    };
    rows.map(name).collect()
}

#[test]
fn titles_sort_and_sort_the_other_way_round() {
    let mut person = Person::with(family(), 200, 50);
    person.keys("1 z");
    let click = |person: &mut Person, title: &str| {
        let screen = person.look();
        let (y, row) = screen.lines().enumerate().find(|(_, row)| row.contains("PID")).unwrap();
        let x = row.split(title).next().unwrap().chars().count() as u16;
        let press = Mouse { kind: MouseKind::Press, x, y: y as u16 };
        person.does(Event::Mouse(press));
        assert!(!person.app.main.processes.order.is_empty());
    };
    click(&mut person, "COST");
    assert_eq!(listed(&mut person), ["review", "lint", "claude", "node", "python3"]);
    assert!(person.look().contains("5 by cost") && person.look().contains("COST▾"));
    click(&mut person, "COST");
    assert_eq!(listed(&mut person), ["python3", "node", "claude", "lint", "review"]);
    assert!(person.look().contains("COST▴"));
    click(&mut person, "COMMAND");
    assert_eq!(listed(&mut person), ["claude", "lint", "node", "python3", "review"]);
    person.keys("r");
    assert_eq!(listed(&mut person), ["review", "python3", "node", "lint", "claude"]);
    click(&mut person, "QUOTA");
    assert_eq!(listed(&mut person)[..2], ["review", "lint"]);
    person.keys("<");
    assert!(person.look().contains("by dollars an hour"));
    person.keys("> >");
    assert!(person.look().contains("by errors"));
}

#[test]
fn tokens_a_second_are_in_the_order_of_what_the_column_says() {
    let mut store = family();
    // Much came a moment ago, and is over.
    let mut ended = answered(pending(40, 6, 3000, asks("Look")), "All of it.", 2900);
    ended.exchange.usage.output_tokens = Some(9000);
    store.put_exchange(ended);
    let slow = pending(41, 5, 9000, asks("Look"));
    crate::fixture::streaming(&mut store, slow, "a word and another", 8000);
    let mut person = Person::with(store, 200, 50);
    person.keys("1 z").app.main.processes.sort = crate::view::processes::Col::Rate;
    for keys in ["", "b"] {
        person.keys(keys).waits(1000);
        let screen = person.look();
        let rows = ["claude", " sh ", "lint"].map(|name| screen.find(name));
        assert!(rows.is_sorted() && rows[0].is_some(), "{screen}");
    }
}

#[test]
fn the_selection_stays_with_its_row() {
    for keys in ["1 z", "1 z t", "1 z b b b b"] {
        let mut person = Person::with(family(), 120, 30);
        person.keys(keys).keys("j j");
        let chosen = person.app.main.processes.selected.clone();
        assert!(chosen.is_some());
        for id in 20..30 {
            let record = answered(pending(id, 1 + id % 6, 5000 - id * 10, asks("more")), "x", 100);
            person.store.put_exchange(record);
            person.does(Event::StoreChanged);
            assert_eq!(person.app.main.processes.selected, chosen, "{keys}");
        }
    }
}

#[test]
fn a_group_is_what_the_screen_is_of() {
    let groups = [("b", 3), ("b b", 6), ("b b b", 5), ("b b b b", 5), ("b b b b b", 7)];
    for (keys, left) in groups {
        let mut person = Person::with(family(), 120, 40);
        let screen = person.keys("1 z").keys(keys).keys("Enter").look();
        assert!(screen.contains("of 10"), "{keys}: {screen}");
        assert_eq!(person.store.count(Scope::Chosen), left, "{keys}: {screen}");
    }
    // Those without one are a group, too.
    let mut person = Person::with(family(), 120, 40);
    person.keys("1 z b b b G Enter");
    let screen = person.look();
    assert!(screen.contains("only no container") && screen.contains("/5 of 10"), "{screen}");
}

/// Three calls of curl that have ended, and one of python.
pub(super) fn ended() -> Store {
    let mut store = machine();
    for (key, comm) in [(11, "curl"), (12, "curl"), (13, "python"), (14, "curl")] {
        process(&mut store, key, 9000 + key as u32, comm);
        let record = answered(pending(20 + key, key, 9000 - key, asks("Once")), "It is so.", 800);
        store.put_exchange(record);
        store.end_process(ProcessKey(key), llmtop_probe::Timestamp(NOW.0));
    }
    store
}

#[test]
fn ended_processes_of_one_command_are_one_row() {
    let mut person = Person::with(ended(), 120, 30);
    person.keys("1 z");
    let rows = |person: &mut Person| person.app.main.processes.order.len();
    let screen = person.look();
    assert_eq!(rows(&mut person), 5, "{screen}");
    assert!(screen.contains("ended ▸ curl ×3 ") && !screen.contains("9011"), "{screen}");
    // The screen is of all three of them, as of a process.
    person.keys("j");
    let screen = person.look();
    assert!(screen.contains("only curl ×3 ended  3 exchanges"), "{screen}");
    assert!(screen.contains("3 processes"), "{screen}");
    assert!(person.keys("F9").look().contains("these have ended"));
    // Opened, each is there; and closed again.
    person.keys("Enter");
    assert_eq!(rows(&mut person), 8);
    let screen = person.keys("j").look();
    assert!(screen.contains("▾ curl ×3") && screen.contains("9014   curl"), "{screen}");
    assert!(screen.contains("only curl 9014  1 exchange "), "{screen}");
    person.keys("k Enter");
    assert_eq!(rows(&mut person), 5);
    person.keys("o");
    assert_eq!(rows(&mut person), 7);
    assert!(!person.look().contains("×3"));
    // The one that is chosen keeps its row when the others fold.
    person.keys("/ '9012 Enter o");
    let screen = person.look();
    assert!(screen.contains("only curl 9012") && screen.contains("curl ×2"), "{screen}");
}

#[test]
fn many_rows_are_brought_up_to_date_though_nothing_more_happens() {
    fn run(store: &mut Store, key: u64) {
        process(store, key, 9000 + key as u32, "curl");
        store.put_exchange(answered(pending(key, key, 9000, asks("hi")), "hello", 10));
        store.end_process(ProcessKey(key), llmtop_probe::Timestamp(NOW.0));
    }
    let mut store = Store::default();
    (1..=300).for_each(|key| run(&mut store, key));
    let mut person = Person::with(store, 120, 30);
    assert!(person.look().contains("curl ×300"), "{}", person.look());
    run(&mut person.store, 301);
    person.does(Event::StoreChanged);
    // It stands still for a moment, and not for longer.
    let tick = person.app.next_tick().expect("a tick");
    assert!(tick <= Timestamp(person.now.0 + 1_000_000_000));
    person.now = tick;
    let screen = person.does(Event::Tick).look();
    assert!(screen.contains("curl ×301"), "{screen}");
    // After that, only the figures of the last minutes move.
    assert!(person.app.next_tick() > Some(Timestamp(tick.0 + 1_000_000_000)));
}

#[test]
fn a_parent_has_started_before_its_child() {
    let mut store = Store::default();
    let started = |pid: u32, parent: u32, at: u64| Process {
        pid,
        parent: Some(parent),
        comm: format!("p{at}"),
        started: Some(llmtop_probe::Timestamp(at)),
        ..Process::default()
    };
    // Pid 10 is used twice, and 20 is its own parent's parent by mistake.
    for (key, facts) in [(1, started(10, 20, 1)), (2, started(20, 10, 5)), (3, started(10, 20, 9))]
    {
        process(&mut store, key, facts.pid, "x");
        store.put_process(ProcessKey(key), Arc::new(facts), llmtop_probe::Timestamp(0));
        store.put_exchange(answered(pending(key, key, 9000, asks("hi")), "hello", 10));
    }
    let mut person = Person::with(store, 120, 30);
    person.keys("1 z t s");
    let items = &person.app.main.processes.order;
    let branches: Vec<_> = items.iter().map(|item| item.branch.as_str()).collect();
    assert_eq!(branches, ["", "└ ", "  └ "]);
}

#[test]
fn what_is_learnt_at_the_end_came_while_the_answer_did() {
    let mut store = Store::default();
    process(&mut store, 1, 10, "x");
    let pulse = |store: &Store| {
        let process = store.process(ProcessKey(1)).unwrap();
        let beats: Vec<f32> = process.sums.pulse.beats(NOW, 12).map(|beat| beat.tokens).collect();
        beats
    };
    let record = pending(1, 1, 40_000, asks("hi"));
    store.put_exchange(record.clone());
    // 350 tokens of an answer that took 40 seconds, the first after 10.
    let mut record = answered(record, "x", 40_000);
    record.exchange.usage.output_tokens = Some(350);
    store.put_exchange(record.clone());
    let beats = pulse(&store);
    assert_eq!(beats.iter().sum::<f32>().round(), 350.0);
    assert_eq!(beats.iter().filter(|&&tokens| tokens > 0.0).count(), 7);
    // Said again, it is not counted again; taken back, it was never there.
    store.put_exchange(record.clone());
    assert_eq!(pulse(&store), beats);
    store.remove_exchange(record.id);
    assert!(pulse(&store).iter().all(|tokens| tokens.abs() < 0.001));
}

#[test]
fn ended_processes_fold_below_their_parents_too() {
    let mut store = ended();
    // Two of them were started by claude, and a program of its own by one of these.
    for (key, parent) in [(11, 4242), (12, 4242), (14, 9012)] {
        let mut it = (*store.process(ProcessKey(key)).unwrap().process).clone();
        it.parent = Some(parent);
        store.put_process(ProcessKey(key), it.into(), llmtop_probe::Timestamp(NOW.0));
    }
    let mut person = Person::with(store, 120, 30);
    let screen = person.keys("1 z t").look();
    // What has ended below one is folded with it.
    assert!(screen.contains("└ ▸ curl ×2") && !screen.contains("9014"), "{screen}");
    person.keys("j");
    assert!(person.look().contains("only curl ×2 ended  3 exchanges"), "{}", person.look());
    let screen = person.keys("Enter").look();
    assert!(screen.contains("└ ▾ curl ×2") && screen.contains("│ └ curl"), "{screen}");
    person.keys("Enter Esc");
    let mut it = (*person.store.process(ProcessKey(14)).unwrap().process).clone();
    it.parent = Some(4242);
    person.store.put_process(ProcessKey(14), it.into(), llmtop_probe::Timestamp(NOW.0));
    let screen = person.does(Event::StoreChanged).look();
    assert!(screen.contains("└ ▸ curl ×3"), "{screen}");
    person.types("/curl").keys("Enter");
    assert!(person.look().contains("only curl ×3 ended  3 exchanges"), "{}", person.look());
    let screen = person.keys("Enter").look();
    assert!(screen.contains("└ ▾ curl ×3") && screen.contains("  ├ curl"), "{screen}");
    // Each in a row of its own, as its parent's.
    let screen = person.keys("Enter o").look();
    assert!(screen.contains("├ curl") && !screen.contains("×3"), "{screen}");
}
