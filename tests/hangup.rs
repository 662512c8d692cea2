//! The terminal goes away while the screen is on it: a closed window, a lost
//! ssh. llmtop ends by itself, however it is told, and if it is not.

use std::io::{Read, Write};

use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};

use crate::harness::{binary, eventually};

/// Killed when dropped, if it has not ended.
struct Running(Box<dyn Child + Send + Sync>);

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only where it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs this in a shell on a terminal, in which `$llmtop` is the binary; takes
/// the terminal away once the screen is on it (and stands still, if `paused`),
/// with `keys` on their way.
fn ends_without_its_terminal(script: &str, paused: bool, keys: &str) {
    let size = PtySize { rows: 24, cols: 80, ..PtySize::default() };
    let pty = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", script]);
    command.env("llmtop", binary());
    command.env("TERM", "xterm-256color");
    let mut running = Running(pty.slave.spawn_command(command).unwrap());
    drop(pty.slave);
    let mut output = pty.master.try_clone_reader().unwrap();
    let mut keyboard = pty.master.take_writer().unwrap();
    let (mut seen, mut piece) = (Vec::new(), [0; 4096]);
    let mut until = |shown: &[u8]| loop {
        if let Some(at) = seen.windows(shown.len()).position(|bytes| bytes == shown) {
            seen.drain(..at + shown.len());
            return;
        }
        let read = output.read(&mut piece).unwrap();
        seen.extend_from_slice(&piece[..read]);
    };
    // The end of a frame.
    until(b"\x1b[?2026l");
    if paused {
        // Nothing is drawn from here on, so no failed drawing ends it.
        keyboard.write_all(b" ").unwrap();
        until(b"PAUSED");
        until(b"\x1b[?2026l");
    }
    keyboard.write_all(keys.as_bytes()).unwrap();
    drop((output, keyboard, pty.master));
    eventually(&format!("the end of {script:?}"), || running.0.try_wait().unwrap());
}

#[test]
fn it_ends_when_its_terminal_is_closed() {
    ends_without_its_terminal(r#"exec "$llmtop" --demo"#, false, "");
}

#[test]
fn it_ends_when_its_terminal_is_closed_while_keys_are_typed() {
    // Whether it is reading at that moment is chance.
    for _ in 0..10 {
        ends_without_its_terminal(r#"exec "$llmtop" --demo"#, false, &"jk\t".repeat(300));
    }
}

#[test]
fn it_ends_when_hang_ups_are_ignored_as_under_nohup() {
    ends_without_its_terminal(r#"trap "" HUP; exec "$llmtop" --demo"#, false, "j");
}

#[test]
fn it_ends_when_no_signal_tells_it() {
    // In a session of its own the terminal is not its controlling one. The
    // shell outlives the hang-up, and ends as soon as llmtop does.
    let script = r#"trap "" HUP; setsid --wait timeout -s KILL 120 "$llmtop" --demo; exit 0"#;
    for paused in [false, true] {
        ends_without_its_terminal(script, paused, "");
    }
}
