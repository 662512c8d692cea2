//! llmtop in a pseudo-terminal: what it draws, and how it leaves.

use std::io::{Read, Write};
use std::os::fd::BorrowedFd;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, tcgetattr};

use super::eventually;

/// A program in a terminal of its own, killed when dropped.
pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    seen: Arc<Mutex<Seen>>,
    /// Reads what it writes, to the end.
    reader: JoinHandle<()>,
}

/// All that the program wrote, and what a terminal makes of it.
struct Seen {
    raw: Vec<u8>,
    screen: vt100::Parser,
}

impl Terminal {
    pub(crate) fn open(command: &Command, columns: u16, rows: u16) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut builder = CommandBuilder::new(command.get_program());
        builder.args(command.get_args());
        builder.env("TERM", "xterm-256color");
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => builder.env(name, value),
                None => builder.env_remove(name),
            }
        }
        if let Some(folder) = command.get_current_dir() {
            builder.cwd(folder);
        }
        let child = pair.slave.spawn_command(builder).unwrap();
        let mut output = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let seen = Arc::new(Mutex::new(Seen {
            raw: Vec::new(),
            screen: vt100::Parser::new(rows, columns, 0),
        }));
        let written = Arc::clone(&seen);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // An error is the end of the last program that had the terminal.
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                let mut seen = written.lock().unwrap();
                seen.raw.extend_from_slice(&buffer[..count]);
                seen.screen.process(&buffer[..count]);
            }
        });
        Terminal { child, master: pair.master, keys, seen, reader }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Types.
    pub(crate) fn type_keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.pid() as i32).unwrap(), signal).unwrap();
    }

    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.seen.lock().unwrap().screen.screen_mut().set_size(rows, columns);
        self.master.resize(size).unwrap();
    }

    /// The screen as text, a line a row.
    pub(crate) fn screen(&self) -> String {
        self.seen.lock().unwrap().screen.screen().contents()
    }

    /// Every byte so far.
    pub(crate) fn raw(&self) -> Vec<u8> {
        self.seen.lock().unwrap().raw.clone()
    }

    /// Waits until this is on the screen.
    pub(crate) fn shows(&self, text: &str) {
        eventually(&format!("{text:?} on the screen\n{}", self.screen()), || {
            self.screen().contains(text).then_some(())
        });
    }

    /// Waits for the program's end, and until all that it wrote was read; its exit
    /// status.
    pub(crate) fn ended(&mut self) -> portable_pty::ExitStatus {
        let child = &mut self.child;
        let status =
            eventually("the end of the program in the terminal", || child.try_wait().unwrap());
        eventually("its last words", || self.reader.is_finished().then_some(()));
        status
    }

    /// Whether the program has taken the terminal over.
    pub(crate) fn is_taken(&self) -> bool {
        self.differences().contains(&"alternate screen")
    }

    /// How the terminal differs from one that nobody has touched.
    pub(crate) fn differences(&self) -> Vec<&'static str> {
        let seen = self.seen.lock().unwrap();
        let screen = seen.screen.screen();
        let descriptor = self.master.as_raw_fd().unwrap();
        // SAFETY: the descriptor is the master's, which `self` keeps open.
        #[expect(unsafe_code, reason = "portable-pty gives the raw descriptor only")]
        let master = unsafe { BorrowedFd::borrow_raw(descriptor) };
        let modes = tcgetattr(master).unwrap().local_modes;
        let checks = [
            ("alternate screen", screen.alternate_screen()),
            ("cursor hidden", screen.hide_cursor()),
            ("mouse", screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None),
            ("bracketed paste", screen.bracketed_paste()),
            ("no echo", !modes.contains(LocalModes::ECHO)),
            ("raw", !modes.contains(LocalModes::ICANON | LocalModes::ISIG)),
        ];
        checks.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Fails only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
