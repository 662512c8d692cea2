//! A pager that has the terminal: whose rights it has, and what the terminal's keys and
//! signals do meanwhile.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use rustix::process::Signal;

use crate::harness::{Scratch, Terminal, Tmux, binary, command, eventually};
use crate::screen::demo;

/// A pager that tells who runs it, and on what, and reads a line.
const PAGER: &str = r#"#!/bin/sh
echo "[pager of $(id -u) in $(id -G) with mode $(stat -c %a "$1") shows $1]"
head -n 3 "$1"
echo "[waits]"
read line
echo "[read $line]"
exit $(test "$line" = well; echo $?)
"#;

#[test]
fn a_pager_has_the_terminal_and_its_users_rights() {
    let folder = Scratch::new();
    let pager = folder.file("pager");
    std::fs::write(&pager, PAGER).unwrap();
    std::fs::set_permissions(&pager, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut live = command();
    live.args(["-p", &std::process::id().to_string()]);
    // With all capabilities, and with those that capture keeps.
    for mut command in [demo(), live] {
        command.env("PAGER", &pager).env("SUDO_UID", "65534").env("SUDO_GID", "65534");
        let mut terminal = Terminal::open(&command, 100, 30);
        eventually("the screen", || terminal.is_taken().then_some(()));
        terminal.type_keys("?");
        terminal.shows("Help");
        let raw = |terminal: &Terminal| String::from_utf8_lossy(&terminal.raw()).into_owned();
        for (round, answer) in ["well", "ill"].into_iter().enumerate() {
            terminal.type_keys("v");
            eventually("the pager", || {
                (raw(&terminal).matches("[waits]").count() > round).then_some(())
            });
            assert_eq!(terminal.differences(), Vec::<&str>::new());
            // Keys are the pager's alone, Ctrl-C would be too.
            terminal.type_keys(&format!("{answer}\n"));
            let read = format!("[read {answer}]");
            eventually("what was typed", || raw(&terminal).contains(&read).then_some(()));
            eventually("the screen again", || terminal.is_taken().then_some(()));
        }
        eventually("what became of it", || raw(&terminal).contains("pager: failed").then_some(()));
        let raw = raw(&terminal);
        let (_, told) = raw.split_once("[pager of ").unwrap();
        let (told, _) = told.split_once(']').unwrap();
        let (who, path) = told.split_once(" shows ").unwrap();
        assert_eq!(who, "65534 in 65534 with mode 600");
        eventually("its file's end", || (!std::path::Path::new(path).exists()).then_some(()));
        terminal.type_keys("q");
        assert!(terminal.ended().success());
        assert_eq!(terminal.differences(), Vec::<&str>::new());
    }
}

/// A pager that says that it waits, and who it is, until it is given a line.
const WAITS: &str = "#!/bin/sh\necho \"[waits as $$ for $1]\"\nread line\necho \"[read $line]\"\n";

fn waits(folder: &Scratch) -> PathBuf {
    let pager = folder.file("pager");
    std::fs::write(&pager, WAITS).unwrap();
    std::fs::set_permissions(&pager, std::fs::Permissions::from_mode(0o755)).unwrap();
    pager
}

/// The demo, in whose place a pager waits now; the pager's pid, and its file.
fn opened(folder: &Scratch) -> (Terminal, u32, PathBuf) {
    let mut command = demo();
    command.env("PAGER", waits(folder));
    let mut terminal = Terminal::open(&command, 100, 30);
    terminal.shows("llmtop");
    terminal.type_keys("?v");
    let (pid, path) = eventually("the pager", || {
        let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
        let (_, told) = raw.split_once("[waits as ")?;
        let (pid, path) = told.split_once(']')?.0.split_once(" for ")?;
        Some((pid.parse().ok()?, PathBuf::from(path)))
    });
    assert_eq!(terminal.differences(), Vec::<&str>::new());
    (terminal, pid, path)
}

#[test]
fn control_c_is_the_pagers() {
    let folder = Scratch::new();
    let (mut terminal, _, path) = opened(&folder);
    terminal.type_keys("\x03");
    eventually("the screen again", || terminal.is_taken().then_some(()));
    terminal.shows("pager: failed");
    assert!(!path.exists());
    terminal.type_keys("q");
    assert!(terminal.ended().success());
    assert_eq!(terminal.differences(), Vec::<&str>::new());
}

#[test]
fn told_to_end_it_ends_its_pager() {
    for signal in [Signal::TERM, Signal::HUP] {
        let folder = Scratch::new();
        let (mut terminal, pid, path) = opened(&folder);
        terminal.signal(signal);
        terminal.ended();
        assert_eq!(terminal.differences(), Vec::<&str>::new());
        eventually("the pager's end", || (!process_runs(pid)).then_some(()));
        assert!(!path.exists());
    }
}

fn process_runs(pid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}

#[test]
fn control_z_stops_both_and_both_go_on() {
    let folder = Scratch::new();
    let pager = waits(&folder);
    let tmux = Tmux::open(100, 30);
    tmux.command(&format!("PAGER={} {} --demo", pager.display(), binary().display()));
    tmux.until("the screen", |screen| !screen.contains("ready>") && screen.contains("llmtop"));
    tmux.press(&["?", "v"]);
    tmux.shows("[waits as");
    tmux.press(&["C-z"]);
    tmux.shows("Stopped");
    tmux.command("echo typed by hand");
    tmux.until("an echo", |screen| screen.lines().any(|line| line == "typed by hand"));
    tmux.command("fg");
    tmux.until("the job", |screen| {
        screen.lines().any(|line| {
            line.contains("--demo") && !line.contains("ready>") && !line.contains("Stopped")
        })
    });
    tmux.command("well");
    // The pager has read it, and the screen is there again.
    tmux.shows("Help: ");
    tmux.press(&["q"]);
    tmux.until("the prompt", |screen| screen.trim_end().ends_with("ready>"));
    tmux.shows("[read well]");
}
