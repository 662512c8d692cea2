//! What was recorded is what was seen, whole or cut.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use llmtop_probe::Totals;
use llmtop_probe::recording::{Ending, Item, Reader};
use serde_json::Value;

use crate::harness::{
    Ask, Client, Exchange, Llmtop, Load, Report, Round, Scratch, Server, Terminal, Tool, binary,
    command, ended, run,
};

/// Plays a recording as JSON lines.
fn play(recording: &Path) -> Report {
    let mut command = command();
    command.arg("--json").arg("-r").arg(recording);
    let output = run(command);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    Report::of(&lines)
}

/// Records while `clients` run.
fn record(recording: &Path, server: &Server, mut clients: Vec<Client>) -> Report {
    let mut watched: Vec<u32> = clients.iter().map(Client::pid).collect();
    watched.push(server.pid());
    let llmtop = Llmtop::json(&watched, &[OsStr::new("-w"), recording.as_os_str()]);
    for client in &mut clients {
        client.go();
    }
    let calls: usize = clients.into_iter().map(|client| client.finish().len()).sum();
    llmtop.finish_after(calls)
}

fn client(
    server: &Server,
    tool: Tool,
    dialect: &'static str,
    marker: &str,
    calls: usize,
) -> Client {
    let marker = marker.to_owned();
    let ask = Ask { dialect, stream: true, calls, marker, options: "gzip=1 reasoning=1 tools=1" };
    Client::spawn(tool, &server.https(), ask)
}

/// The exchanges in the order in which they began, which is not that in which
/// they are told, and without what names a run.
fn contents(report: &Report) -> Vec<Value> {
    let mut exchanges: Vec<&Exchange> = report.exchanges.iter().collect();
    exchanges.sort_by_key(|exchange| {
        let started = exchange.at("/timing/started_at").as_str().unwrap();
        (started, exchange.at("/process/pid").as_u64(), exchange.marker())
    });
    let mut contents: Vec<Value> =
        exchanges.into_iter().map(|exchange| exchange.0.clone()).collect();
    for exchange in &mut contents {
        exchange.as_object_mut().unwrap().remove("id");
        exchange["connection"].as_object_mut().unwrap().remove("id");
    }
    contents
}

/// Names the first member that differs: a whole exchange may be megabytes.
fn same(live: &Value, played: &Value) {
    let (live, played) = (live.as_object().unwrap(), played.as_object().unwrap());
    for (name, seen) in live {
        let shown = |value: Option<&Value>| {
            value
                .map(ToString::to_string)
                .unwrap_or_default()
                .chars()
                .take(2000)
                .collect::<String>()
        };
        let (seen, again) = (Some(seen), played.get(name));
        assert!(seen == again, "{name}\nlive:   {}\nplayed: {}", shown(seen), shown(again));
    }
    assert_eq!(live.len(), played.len());
}

#[test]
fn a_recording_plays_the_exchanges_that_were_seen() {
    let folder = Scratch::new();
    let recording = folder.file("recording");
    let server = Server::start();
    let clients = vec![
        client(&server, Tool::Python("httpx"), "openai.chat", "a", 3),
        client(&server, Tool::Python("anthropic"), "anthropic.messages", "b", 3),
        client(&server, Tool::Node("https"), "openai.responses", "c", 3),
        client(&server, Tool::Curl, "openai.chat", "d", 1),
    ];
    let live = record(&recording, &server, clients);
    assert_eq!(live.exchanges.len(), 10);
    let played = play(&recording);
    assert_eq!(contents(&played), contents(&live));
    assert_eq!(played.end["captured_bytes"], live.end["captured_bytes"]);

    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(&recording).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "a recording is its owner's");
}

#[test]
fn a_recording_cut_anywhere_plays_up_to_there() {
    let folder = Scratch::new();
    let recording = folder.file("recording");
    let server = Server::start();
    let live = record(
        &recording,
        &server,
        vec![client(&server, Tool::Python("requests"), "openai.chat", "cut", 4)],
    );
    assert_eq!(live.exchanges.len(), 4);
    let whole = contents(&live);
    let bytes = std::fs::read(&recording).unwrap();
    let cut = folder.file("cut");
    let mut complete = 0;
    let steps = 200;
    for step in 1..=steps {
        let length = bytes.len() * step / steps;
        std::fs::write(&cut, &bytes[..length]).unwrap();
        let report = play(&cut);
        let here = contents(&report);
        let ended: Vec<_> =
            here.iter().filter(|exchange| exchange["state"] == "complete").collect();
        assert!(ended.len() >= complete, "{length} bytes show less than fewer bytes did");
        complete = ended.len();
        for (found, expected) in ended.iter().zip(&whole) {
            assert_eq!(*found, expected, "cut at {length} of {}", bytes.len());
        }
    }
    assert_eq!(complete, 4);
}

/// What a reader gets of these bytes, and how they end.
fn items(bytes: &[u8]) -> (Vec<Item>, Ending) {
    let mut reader = Reader::new(bytes).expect("a cut recording is one");
    let items = std::iter::from_fn(|| reader.next_item().unwrap()).collect();
    (items, reader.ending().unwrap())
}

#[test]
fn every_byte_is_a_place_to_cut() {
    let folder = Scratch::new();
    let recording = folder.file("recording");
    let server = Server::start();
    let mut load = Load::start(&server.https(), 1);
    let llmtop = Llmtop::json(&[load.pid()], &[OsStr::new("-w"), recording.as_os_str()]);
    load.round(Round { marker: "c", calls: 1, options: "tokens=2", padding: 0 });
    load.finish();
    llmtop.finish_after(1);
    let bytes = std::fs::read(&recording).unwrap();
    let (whole, ending) = items(&bytes);
    assert_eq!(ending, Ending::Whole);
    let mut before = 0;
    for length in 1..bytes.len() {
        let (cut, ending) = items(&bytes[..length]);
        assert_eq!(cut, whole[..cut.len()], "cut at {length}");
        assert!(cut.len() >= before, "cut at {length} holds less than before");
        assert!(matches!(ending, Ending::Cut(_)), "cut at {length}: {ending:?}");
        before = cut.len();
    }
    assert_eq!(before, whole.len() - 1);
}

/// The key that every client here sends.
const SECRET: &str = "sk-test-secret-000111222333";

#[test]
fn secrets_leave_only_when_asked_to() {
    let folder = Scratch::new();
    let recording = folder.file("recording");
    let server = Server::start();
    let clients = vec![
        client(&server, Tool::Python("openai"), "openai.chat", "a", 1),
        client(&server, Tool::Python("anthropic"), "anthropic.messages", "b", 1),
        // Its key is among its arguments, too.
        client(&server, Tool::Curl, "openai.chat", "c", 1),
    ];
    let live = record(&recording, &server, clients);
    assert_eq!(live.exchanges.len(), 3);
    for exchange in &live.exchanges {
        let headers = exchange.at("/request/headers").as_array().unwrap();
        let redacted =
            headers.iter().filter(|pair| pair[1].as_str().unwrap().contains("<redacted:"));
        assert_eq!(redacted.count(), 1, "{headers:?}");
        assert!(!exchange.0.to_string().contains(SECRET));
    }
    let modes: [&[&str]; 4] = [
        &["--json"],
        &["--plain"],
        &["export", "--format", "json"],
        &["export", "--format", "jsonl"],
    ];
    for mode in modes {
        for show in [false, true] {
            let mut command = command();
            command.args(mode).arg("-r").arg(&recording);
            if show {
                command.arg("--show-secrets");
            }
            let output = run(command);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{mode:?}: {said}");
            let printed = String::from_utf8(output.stdout).unwrap();
            assert!(printed.contains("a-0"), "{mode:?} shows nothing: {printed}");
            // Plain lines have no headers to show.
            let expected = show && mode[0] != "--plain";
            assert_eq!(printed.contains(SECRET), expected, "{mode:?}, --show-secrets {show}");
        }
    }
}

#[test]
fn gaps_are_recorded() {
    let folder = Scratch::new();
    let recording = folder.file("recording");
    let server = Server::start();
    let mut load = Load::start(&server.https(), 2);
    let llmtop = Llmtop::json(&[load.pid()], &[OsStr::new("-w"), recording.as_os_str()]);
    load.begin(Round { marker: "g", calls: 40, options: "bytes=4000000", padding: 0 });
    load.next().expect("a call");
    llmtop.signal(rustix::process::Signal::STOP);
    for _ in 0..40 {
        load.next().expect("a call");
    }
    llmtop.signal(rustix::process::Signal::CONT);
    load.rest();
    load.finish();
    let live = llmtop.finish_after(80);
    assert!(live.lost_bytes() > 0, "160 MB fit into the ring buffer");
    let played = play(&recording);
    assert_eq!(played.lost_bytes(), live.lost_bytes());
    assert_eq!(played.exchanges.len(), live.exchanges.len());
    for (played, live) in contents(&played).iter().zip(&contents(&live)) {
        same(live, played);
    }
}

#[test]
fn a_recording_that_finds_no_room_ends_and_nothing_else_does() {
    let folder = Scratch::new();
    let small = folder.file("small");
    std::fs::create_dir(&small).unwrap();
    // A mount that nobody else sees, and that goes with the process.
    let mut full = std::process::Command::new("unshare");
    let script =
        "mount -t tmpfs -o size=16k none \"$1\" && exec \"$0\" --json --demo -w \"$1/rec\"";
    full.args(["-m", "sh", "-c", script]).arg(binary()).arg(&small);
    full.env("XDG_CONFIG_HOME", "/nonexistent");
    let output = run(full);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("small/rec") && said.contains("No space left"), "{said}");
    let mut demo = command();
    demo.args(["--json", "--demo"]);
    let lines = |output: &std::process::Output| -> Vec<Value> {
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let (with, without) = (Report::of(&lines(&output)), Report::of(&lines(&run(demo))));
    assert!(!with.exchanges.is_empty());
    assert_eq!(contents(&with), contents(&without));
    assert_eq!(with.end, without.end);
}

#[test]
fn the_screen_begins_and_ends_a_recording() {
    let folder = Scratch::new();
    let server = Server::start();
    // One connection that is kept: it is older than the recording.
    let mut load = Load::start(&server.https(), 1);
    let mut command = command();
    command.args(["-p", &load.pid().to_string()]).current_dir(folder.path());
    let mut terminal = Terminal::open(&command, 160, 40);
    terminal.shows("listening");
    let mut round =
        |marker| load.round(Round { marker, calls: 1, options: "tokens=3", padding: 0 });
    round("before");
    terminal.shows("before-0-0");
    terminal.type_keys("R");
    terminal.shows("record from now on to: ");
    // What is proposed is replaced.
    terminal.type_keys("\x15part.llmtop\r");
    terminal.shows("● REC");
    round("meanwhile");
    terminal.shows("meanwhile-0-0");
    terminal.type_keys("R");
    terminal.shows("recorded to part.llmtop");
    round("after");
    terminal.shows("after-0-0");
    terminal.type_keys("q");
    assert!(terminal.ended().success());

    let report = play(&folder.path().join("part.llmtop"));
    let asked: Vec<String> =
        report.exchanges.iter().map(|it| it.0["request"]["body"].to_string()).collect();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].contains("meanwhile-0-0"), "{asked:?}");
}

#[test]
fn a_recording_has_its_end_though_nobody_reads_the_lines() {
    let folder = Scratch::new();
    let recording = folder.file("recording");
    for (to, status) in [(recording.as_path(), 0), (Path::new("/dev/full"), 1)] {
        let mut command = command();
        command.args(["--demo", "--json", "-w"]).arg(to).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let lines = child.stdout.take().unwrap();
        // Too small for what is still to come.
        rustix::pipe::fcntl_setpipe_size(&lines, 4096).unwrap();
        BufReader::new(lines).read_line(&mut String::new()).unwrap();
        assert_eq!(ended("llmtop", &mut child).code(), Some(status), "{}", to.display());
    }
    let (items, ending) = items(&std::fs::read(&recording).unwrap());
    assert_eq!(ending, Ending::Whole);
    let mut counted = Totals::default();
    for item in items {
        match item {
            Item::Capture(capture) => counted.count(&capture),
            Item::End(totals) => assert_eq!(totals.captured_bytes, counted.captured_bytes),
        }
    }
}

#[test]
fn a_recording_ends_where_another_is_played() {
    let folder = Scratch::new();
    let mut demo = command();
    demo.args(["--demo", "--json", "-w"]).arg(folder.file("other.llmtop"));
    assert!(run(demo).status.success());
    for (to, status) in [("own.llmtop", 0), ("/dev/full", 1)] {
        let mut command = command();
        command.args(["--demo", "-w", to]).current_dir(folder.path());
        let mut terminal = Terminal::open(&command, 160, 40);
        terminal.shows("python");
        terminal.type_keys("L");
        terminal.shows("play the recording: ");
        terminal.type_keys("\x15other.llmtop\r");
        terminal.shows("playing other.llmtop");
        let told = terminal.screen().contains("recorded to own.llmtop");
        assert_eq!(told, status == 0, "{}", terminal.screen());
        terminal.type_keys("q");
        assert_eq!(terminal.ended().exit_code(), status, "{to}");
    }
    assert_eq!(items(&std::fs::read(folder.file("own.llmtop")).unwrap()).1, Ending::Whole);
}
