//! A shell in tmux, as people run llmtop.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::eventually;

/// One tmux server with one shell, ended when dropped.
pub(crate) struct Tmux {
    socket: String,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Tmux {
    pub(crate) fn open(columns: u16, rows: u16) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let tmux = Tmux { socket: format!("llmtop-test-{}-{number}", std::process::id()) };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        tmux.run(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &columns,
            "-y",
            &rows,
            "env PS1='ready> ' XDG_CONFIG_HOME=/nonexistent XDG_STATE_HOME=/proc/nonexistent bash --norc --noprofile",
        ]);
        tmux.shows("ready>");
        tmux
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-L", &self.socket])
            .args(arguments)
            .env_remove("TMUX")
            .output()
            .expect("tmux is needed: apt-get install tmux");
        assert!(output.status.success(), "tmux: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Types text as it is.
    pub(crate) fn type_text(&self, text: &str) {
        self.run(&["send-keys", "-l", "--", text]);
    }

    /// Presses keys by their tmux names.
    pub(crate) fn press(&self, keys: &[&str]) {
        for key in keys {
            self.run(&["send-keys", key]);
        }
    }

    /// A line for the shell.
    pub(crate) fn command(&self, line: &str) {
        self.type_text(line);
        self.press(&["Enter"]);
    }

    pub(crate) fn screen(&self) -> String {
        self.run(&["capture-pane", "-p"])
    }

    /// Waits until this is on the screen.
    pub(crate) fn shows(&self, text: &str) {
        self.until(&format!("{text:?}"), |screen| screen.contains(text));
    }

    /// Waits until the screen is so.
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) {
        let last = std::cell::RefCell::new(String::new());
        let started = std::time::Instant::now();
        eventually(what, || {
            *last.borrow_mut() = self.screen();
            let so = is_so(&last.borrow());
            assert!(
                so || started.elapsed() < super::PATIENCE / 2,
                "no {what} on\n{}",
                last.borrow()
            );
            so.then_some(())
        });
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        // Its own server, by its own socket.
        let _ = Command::new("tmux").args(["-L", &self.socket, "kill-server"]).output();
    }
}
