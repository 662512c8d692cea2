//! The README's tour: its very keys, pressed on the demo.

use std::path::Path;

use serde_json::Value;

use crate::harness::{Load, Round, Scratch, Server, Terminal, command, eventually};

/// Keys that somebody may have to press.
const MOST: usize = 25;

/// The keys of each step, as the README has them.
fn steps() -> Vec<Vec<String>> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let (_, tour) = readme.split_once("## Tour\n").unwrap();
    let block = tour.split("```").nth(1).unwrap();
    let keys = |line: &str| {
        let (keys, _) = line.split_once("  ").unwrap();
        keys.split_whitespace().map(str::to_owned).collect()
    };
    block.lines().skip(1).filter(|line| !line.is_empty()).map(keys).collect()
}

/// Presses the keys of a step.
fn press(terminal: &mut Terminal, keys: &[String]) {
    for key in keys {
        terminal.type_keys(sent(key));
        // A lone escape is told from a sequence by what follows it.
        std::thread::sleep(std::time::Duration::from_millis(150));
    }
}

/// What a terminal sends for a key.
fn sent(key: &str) -> &str {
    match key {
        "Enter" => "\r",
        "Esc" => "\x1b",
        key => key,
    }
}

#[test]
fn the_tour_of_the_readme_leads_where_it_says() {
    let folder = Scratch::new();
    let mut command = command();
    command.arg("--demo").current_dir(folder.path());
    let mut terminal = Terminal::open(&command, 200, 50);
    terminal.shows("ended · demo");
    let steps = steps();
    assert!(steps.iter().flatten().count() <= MOST);
    let seen: [&[&str]; 5] = [
        // Who spends most is selected.
        &["COST▾", "▌"],
        &["python · conversation", "⚒ run_tests", "200 passed", "The test is fixed"],
        &["TTFT▾", "1/18"],
        &[".json"],
        &["→ python", "tokens out "],
    ];
    assert_eq!(steps.len(), seen.len());
    for (keys, seen) in steps.iter().zip(seen) {
        press(&mut terminal, keys);
        seen.iter().for_each(|text| terminal.shows(text));
    }
    // The slowest first token of the demo is that of the agent's first call.
    let exported = eventually("the exported file", || {
        let entries = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap);
        entries.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|e| e == "json"))
    });
    let exported: Value = serde_json::from_slice(&std::fs::read(exported).unwrap()).unwrap();
    assert_eq!(exported["process"]["comm"], "python");
    assert_eq!(exported["response"]["tool_calls"][0]["name"], "run_tests");
    terminal.type_keys("q");
    assert!(terminal.ended().success());
}

#[test]
fn the_conversation_of_the_tour_is_read_live() {
    let server = Server::start();
    let mut load = Load::start(&server.https(), 1);
    let mut command = command();
    command.args(["-p", &load.pid().to_string()]);
    let mut terminal = Terminal::open(&command, 200, 50);
    terminal.shows("listening");
    load.round(Round { marker: "before", calls: 1, options: "tokens=3", padding: 0 });
    terminal.shows("before-0-0");
    // The server waits in the middle of its answer, and so does the client.
    load.begin(Round { marker: "held", calls: 1, options: "tokens=40 hold=1", padding: 0 });
    terminal.shows("held-0-0");
    for keys in &steps()[..2] {
        press(&mut terminal, keys);
    }
    terminal.shows("conversation");
    let text = server.request("held-0-0").text.unwrap();
    terminal.shows(text.split_whitespace().nth(3).unwrap());
    let last = text.split_whitespace().last().unwrap();
    assert!(!terminal.screen().contains(last), "the server has not sent {last}");
    assert!(load.is_waiting(), "the client has its answer");
    server.release("held-0-0");
    load.rest();
    terminal.shows(last);
    terminal.type_keys("q");
    assert!(terminal.ended().success());
    load.finish();
}
