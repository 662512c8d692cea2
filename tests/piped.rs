//! Recordings that come through a pipe, as slowly as somebody writes them.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Scratch, Terminal, command, ended, run};

/// Half a recording, and the open end of a pipe from which the rest may come.
fn half_of_one(folder: &Scratch) -> (PathBuf, File) {
    let whole = folder.file("whole");
    let mut demo = command();
    demo.args(["--demo", "--json", "-w"]).arg(&whole);
    assert!(run(demo).status.success());
    let pipe = folder.file("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    // A pipe is open at both ends before anybody waits for the other.
    let mut end = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    rustix::pipe::fcntl_setpipe_size(&end, 1 << 20).unwrap();
    let bytes = std::fs::read(&whole).unwrap();
    end.write_all(&bytes[..bytes.len() / 2]).unwrap();
    (pipe, end)
}

#[test]
fn a_recording_that_comes_slowly_is_shown_as_far_as_it_is_there_and_can_be_ended() {
    let folder = Scratch::new();
    let (pipe, _end) = half_of_one(&folder);
    let mut lines = command();
    lines.args(["--json", "-r", "-"]).stdin(File::open(&pipe).unwrap());
    lines.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = lines.spawn().unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(told.by_ref().take(2).any(|line| line.contains("llmtop.exchange/1")));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert!(told.last().unwrap().contains("llmtop.end/1"));
    assert_eq!(ended("llmtop", &mut child).code(), Some(0));
}

#[test]
fn the_screen_waits_for_no_pipe() {
    let folder = Scratch::new();
    let (pipe, _end) = half_of_one(&folder);
    let mut command = command();
    command.arg("-r").arg(&pipe).current_dir(folder.path());
    let mut terminal = Terminal::open(&command, 160, 40);
    terminal.shows("python");
    for no_file in ["-", "pipe"] {
        terminal.type_keys("L");
        terminal.shows("play the recording: ");
        terminal.type_keys(&format!("\x15{no_file}\r"));
        terminal.shows(&format!("not played: {no_file}: is no file"));
    }
    terminal.type_keys("q");
    assert!(terminal.ended().success());
}
