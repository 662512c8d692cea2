//! The live screen, as a person sees and drives it.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::cli::{as_nobody, public_binary};
use crate::harness::{
    Ask, Client, Llmtop, Load, Round, Scratch, Server, Terminal, Tmux, Tool, binary, command,
    eventually, kernel,
};

/// Starts llmtop in a tmux shell on the clients of `load`, and returns once it
/// shows what they do.
fn watch(tmux: &Tmux, load: &mut Load, options: &str) {
    tmux.command(&format!("{} -p {} {options}", binary().display(), load.pid()));
    eventually("the first exchange on the screen", || {
        load.round(Round { marker: "warm", calls: 1, options: "tokens=3", padding: 0 });
        tmux.screen().contains("warm-0-0").then_some(())
    });
}

/// A word of the answer's second half that stands in no other place.
fn late_word(text: &str) -> String {
    let second_half = &text[text.char_indices().nth(text.chars().count() / 2).unwrap().0..];
    let word = second_half.split_whitespace().rfind(|word| word.starts_with("omega"));
    word.expect("each word comes once in ten").to_owned()
}

#[test]
fn an_answer_is_read_while_its_client_waits_and_all_is_done_by_keys() {
    let folder = Scratch::new();
    let server = Server::start();
    let mut load = Load::start(&server.https(), 1);
    let tmux = Tmux::open(200, 50);
    tmux.command(&format!("cd {}", folder.path().display()));
    watch(&tmux, &mut load, "");

    // The server waits in the middle of its answer, and so does the client.
    load.begin(Round { marker: "held", calls: 1, options: "tokens=40 hold=1", padding: 0 });
    tmux.shows("held-0-0");
    let text = server.request("held-0-0").text.unwrap();
    let early: String = text.split_whitespace().nth(3).unwrap().to_owned();
    tmux.shows(&early);
    let late = late_word(&text);
    assert!(!tmux.screen().contains(&late), "the server has not sent {late}");
    assert!(load.is_waiting(), "the client has its answer");
    server.release("held-0-0");
    assert_eq!(load.rest().len(), 1);
    tmux.shows(&late);

    // From the process into its conversation, and back.
    tmux.press(&["1", "Enter"]);
    tmux.until("the conversation", |screen| {
        screen.contains("conversation")
            && screen.contains("marker=held-0-0")
            && screen.to_lowercase().contains("user")
    });
    tmux.press(&["Escape"]);
    tmux.until("the main screen", |screen| !screen.contains("conversation"));

    // Paused, the screen stands still, and the capture does not.
    tmux.press(&["Space"]);
    tmux.until("PAUSED", |screen| screen.to_lowercase().contains("paused"));
    load.round(Round { marker: "meanwhile", calls: 1, options: "tokens=3", padding: 0 });
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert!(!tmux.screen().contains("meanwhile"), "{}", tmux.screen());
    tmux.press(&["Space"]);
    tmux.shows("meanwhile-0-0");

    // Search finds the exchange that scrolled on.
    tmux.press(&["2", "/"]);
    tmux.type_text("held-0-0");
    tmux.press(&["Enter"]);
    tmux.shows(&early);

    // Export writes what is selected, and says where.
    tmux.press(&["e", "j"]);
    tmux.shows(".json");
    let file = eventually("the exported file", || {
        let entries = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap);
        entries
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|end| end == "json"))
    });
    let name = file.file_name().unwrap().to_str().unwrap();
    tmux.shows(name);
    let exported: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(exported["schema"], "llmtop.exchange/1");
    assert_eq!(exported["response"]["text"], *text);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    tmux.press(&["q"]);
    tmux.shows("ready>");
    load.finish();
}

#[test]
fn another_users_process_is_stopped_and_goes_on() {
    let server = Server::start();
    let ask = Ask {
        dialect: "openai.chat",
        stream: true,
        calls: 1,
        marker: "held".to_owned(),
        options: "tokens=20 hold=1",
    };
    let mut client = Client::spawn_nobody(Tool::Curl, &server.http(), ask);
    let pid = client.pid();
    let mut command = command();
    command.args(["-p", &pid.to_string()]);
    let mut terminal = Terminal::open(&command, 120, 30);
    terminal.shows("listening");
    client.go();
    terminal.shows("held-0");
    let state = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat[stat.rfind(')').unwrap() + 2..].chars().next().unwrap()
    };
    // Capture keeps few capabilities: that for this is among them.
    for (keys, sent, stands) in [("1!sy", "SIGSTOP sent", true), ("!cy", "SIGCONT sent", false)] {
        terminal.type_keys(keys);
        terminal.shows(&format!("{sent} to {pid}"));
        eventually("the signal's effect", || ((state() == 'T') == stands).then_some(()));
    }
    server.release("held-0");
    assert_eq!(client.finish().len(), 1);
    terminal.type_keys("q");
    assert!(terminal.ended().success());
}

#[test]
fn stopped_by_control_z_it_gives_the_terminal_back_and_comes_again() {
    let tmux = Tmux::open(80, 24);
    tmux.command(&format!("{} --demo", binary().display()));
    tmux.until("the screen", |screen| !screen.contains("ready>") && screen.contains("llmtop"));
    tmux.press(&["C-z"]);
    tmux.shows("Stopped");
    tmux.command("echo typed by hand");
    tmux.until("an echo", |screen| screen.lines().any(|line| line == "typed by hand"));
    tmux.command("fg");
    tmux.until("the screen again", |screen| !screen.contains("ready>"));
    tmux.press(&["q"]);
    tmux.until("the prompt", |screen| {
        screen.contains("Stopped") && screen.trim_end().ends_with("ready>")
    });
}

#[test]
fn keys_of_the_configuration_hold_on_the_screen() {
    let folder = Scratch::new();
    let file = folder.file("config.toml");
    std::fs::write(&file, "[keys]\nquit = \"F10\"\nhelp = \"q\"\n").unwrap();
    let tmux = Tmux::open(80, 24);
    tmux.command(&format!("{} --demo --config {}", binary().display(), file.display()));
    tmux.shows("F10 quit");
    tmux.press(&["q"]);
    tmux.shows("Help: ");
    tmux.press(&["F10"]);
    tmux.until("the prompt", |screen| screen.trim_end().ends_with("ready>"));
}

pub(crate) fn demo() -> Command {
    let mut command = command();
    command.arg("--demo");
    command
}

#[test]
fn the_terminal_is_given_back_however_it_ends() {
    let mut live = command();
    live.args(["-p", &std::process::id().to_string()]);
    for command in [demo(), live] {
        for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
            let mut terminal = Terminal::open(&command, 80, 24);
            eventually("the screen", || terminal.is_taken().then_some(()));
            terminal.signal(signal);
            terminal.ended();
            eventually("the restored terminal", || terminal.differences().is_empty().then_some(()));
            assert!(!String::from_utf8_lossy(&terminal.raw()).contains("panicked"));
        }
        let mut terminal = Terminal::open(&command, 80, 24);
        eventually("the screen", || terminal.is_taken().then_some(()));
        terminal.type_keys("q");
        assert!(terminal.ended().success());
        assert_eq!(terminal.differences(), Vec::<&str>::new());
    }
}

#[test]
fn a_terminal_that_is_not_given_back_is_noticed() {
    let mut command = Command::new("sh");
    command.args([
        "-c",
        r"stty raw -echo; printf '\033[?1049h\033[?25l\033[?1000h\033[?2004h'; sleep 600",
    ]);
    let terminal = Terminal::open(&command, 80, 24);
    eventually("every difference", || {
        let all =
            ["alternate screen", "cursor hidden", "mouse", "bracketed paste", "no echo", "raw"];
        (terminal.differences() == all).then_some(())
    });
}

#[test]
fn a_recording_is_read_without_privileges() {
    let folder = Scratch::new();
    let recording = folder.file("recording");
    let server = Server::start();
    let mut load = Load::start(&server.https(), 1);
    let llmtop = Llmtop::json(&[load.pid()], &["-w".as_ref(), recording.as_ref()]);
    load.round(Round { marker: "played", calls: 2, options: "", padding: 0 });
    load.finish();
    assert_eq!(llmtop.finish_after(2).exchanges.len(), 2);
    std::fs::set_permissions(&recording, std::fs::Permissions::from_mode(0o644)).unwrap();
    let copy = public_binary(&folder);
    let mut command = as_nobody(&copy);
    command.arg("-r").arg(&recording);
    let mut terminal = Terminal::open(&command, 120, 30);
    terminal.shows("played-0-");
    assert!(kernel::held_by(terminal.pid()).is_empty(), "no BPF for a recording");
    terminal.type_keys("q");
    assert!(terminal.ended().success());
}

#[test]
fn a_recording_is_played_in_the_place_of_what_is_shown() {
    let folder = Scratch::new();
    let recording = folder.file("recording");
    let server = Server::start();
    let mut load = Load::start(&server.http(), 1);
    let llmtop = Llmtop::json(&[load.pid()], &["-w".as_ref(), recording.as_ref()]);
    load.round(Round { marker: "played", calls: 2, options: "", padding: 0 });
    load.finish();
    assert_eq!(llmtop.finish_after(2).exchanges.len(), 2);
    let mut live = command();
    live.args(["-p", &std::process::id().to_string()]);
    for (command, shows) in [(demo(), "test_retry"), (live, "listening")] {
        let mut terminal = Terminal::open(&command, 120, 30);
        terminal.shows(shows);
        terminal.type_keys("L/nonexistent\r");
        terminal.shows("not played: /nonexistent");
        terminal.type_keys(&format!("L{}\r", recording.display()));
        terminal.shows("played-0-1");
        assert!(!terminal.screen().contains(shows), "{}", terminal.screen());
        eventually("that nothing is captured any more", || {
            kernel::held_by(terminal.pid()).is_empty().then_some(())
        });
        terminal.type_keys("q");
        assert!(terminal.ended().success());
    }
}

#[test]
fn hostile_text_reaches_no_terminal() {
    let folder = Scratch::new();
    let recording = folder.file("recording");
    let server = Server::start();
    let mut load = Load::start(&server.https(), 1);
    let llmtop = Llmtop::json(&[load.pid()], &["-w".as_ref(), recording.as_ref()]);
    let calls = load.round(Round { marker: "evil", calls: 1, options: "hostile=1", padding: 0 });
    load.finish();
    let report = llmtop.finish_after(1);
    // In the JSON it is all there, escaped.
    let text = report.exchanges[0].at("/response/text").as_str().unwrap();
    assert_eq!(text.len() as u64, calls[0].text_bytes);
    assert!(text.contains("\x1b]52;c;"));

    for mode in [&[][..], &["--plain"], &["--json"]] {
        let mut command = command();
        command.args(mode).arg("-r").arg(&recording);
        let mut terminal = Terminal::open(&command, 160, 40);
        terminal.shows("survived");
        if mode.is_empty() {
            terminal.type_keys("q");
        }
        terminal.ended();
        let raw = terminal.raw();
        for sequence in ["\x1b]52;c;aG9z", "\x1b]0;hostile", "\u{9b}31m", "\u{202e}"] {
            let found = raw.windows(sequence.len()).any(|window| window == sequence.as_bytes());
            assert!(!found, "{mode:?} lets {sequence:?} through");
        }
    }
}

#[test]
fn it_fits_every_terminal() {
    for (columns, rows) in [(40, 12), (80, 24), (200, 50), (300, 100)] {
        let mut terminal = Terminal::open(&demo(), columns, rows);
        terminal.shows("llmtop");
        for keys in ["?", "\x1b", "2", "\r", "\x1b", "\t", " ", " "] {
            terminal.type_keys(keys);
        }
        // Smaller than anything useful, and back.
        terminal.resize(12, 3);
        terminal.resize(columns, rows);
        terminal.shows("llmtop");
        terminal.type_keys("qq");
        assert!(terminal.ended().success(), "{columns}x{rows}");
        assert_eq!(terminal.differences(), Vec::<&str>::new(), "{columns}x{rows}");
    }
}

#[test]
fn keys_that_come_at_once_are_all_obeyed() {
    let mut terminal = Terminal::open(&demo(), 80, 24);
    terminal.shows("llmtop");
    // More than one read's worth; the last is the end.
    terminal.type_keys(&format!("{}q", "j".repeat(3000)));
    assert!(terminal.ended().success());
}

#[test]
fn how_the_screen_was_left_is_remembered() {
    let folder = Scratch::new();
    let state = folder.file("state/llmtop/state.json");
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/demo.llmtop");
    let screen = |arguments: &[&OsStr]| {
        let mut command = command();
        command.args(arguments).env("XDG_STATE_HOME", folder.path().join("state"));
        let terminal = Terminal::open(&command, 120, 30);
        terminal.shows("claude-sonnet-4-6");
        terminal
    };
    let open = || screen(&["-r".as_ref(), recording.as_os_str()]);
    let ends = |mut terminal: Terminal| {
        terminal.type_keys("q");
        assert!(terminal.ended().success());
    };
    ends(open());
    assert!(!state.exists(), "nothing was changed, nothing is kept");
    let mut terminal = open();
    terminal.type_keys("<T");
    terminal.shows("theme:");
    ends(terminal);
    let kept = std::fs::metadata(&state).unwrap();
    assert_eq!(kept.permissions().mode() & 0o777, 0o600);
    let terminal = open();
    terminal.shows("COST▾");
    ends(terminal);
    // The demo is always the same.
    let mut terminal = screen(&["--demo".as_ref()]);
    assert!(!terminal.screen().contains("COST▾"));
    terminal.type_keys("r");
    ends(terminal);
    let terminal = open();
    terminal.shows("COST▾");
    ends(terminal);
    // What is broken is said to be, and harms nothing.
    std::fs::write(&state, "{").unwrap();
    let terminal = open();
    terminal.shows("state.json: not understood");
    ends(terminal);
}

#[test]
fn no_color_is_obeyed() {
    let mut command = demo();
    command.env("NO_COLOR", "1");
    let mut terminal = Terminal::open(&command, 100, 30);
    terminal.shows("llmtop");
    terminal.type_keys("q");
    terminal.ended();
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    for sequence in raw.split('\x1b').filter_map(|rest| rest.strip_prefix('[')) {
        let end = sequence.find(|character: char| character.is_ascii_alphabetic()).unwrap_or(0);
        if sequence[end..].starts_with('m') {
            let colours = ["38", "48"]
                .iter()
                .any(|code| sequence[..end].split(';').any(|part| part == *code));
            assert!(!colours, "a colour: {:?}", &sequence[..end]);
        }
    }
}
