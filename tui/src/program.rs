//! A pager or an editor that shows a text: run for the user behind sudo, with that
//! user's rights and no others.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use llmtop_parsers::escape;
use rustix::process::{Gid, Pid, Signal, Uid, WaitOptions, kill_process, waitpid};

use crate::config::{self, Invoker};
use crate::sink::file;

/// A program that runs, and the file that it shows, which is removed when this
/// is dropped.
#[derive(Debug)]
pub struct Running {
    pid: Pid,
    path: PathBuf,
}

/// What became of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It runs.
    Runs,
    /// It was stopped, as by Ctrl-Z.
    Stopped,
    /// It ended, well or not.
    Ended(bool),
}

/// Runs `program`, words of a shell, on a new file with this text, whose name ends
/// as told. Nothing of the text acts on a terminal.
///
/// # Errors
/// The file cannot be made, or the program cannot be started.
pub fn start(program: &str, extension: &str, text: &str) -> io::Result<Running> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let name = format!("llmtop-{}-{}.{extension}", std::process::id(), since.as_nanos());
    let path = std::env::temp_dir().join(name);
    let mut file = file::create(&path)?;
    // From here on it is removed, whatever happens.
    let mut running = Running { pid: Pid::INIT, path };
    file.write_all(escape::visible(text).as_bytes())?;
    drop(file);
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(format!("exec {program} \"$1\"")).arg("llmtop").arg(&running.path);
    if !io::stdin().is_terminal() {
        // That is a recording.
        command.stdin(Stdio::from(File::open("/dev/tty")?));
    }
    if let Some(user) = config::invoker() {
        run_as(&mut command, user);
    }
    running.pid = Pid::from_child(&command.spawn()?);
    Ok(running)
}

impl Running {
    /// What became of it since the last call.
    ///
    /// # Errors
    /// Somebody else has waited for it.
    pub fn state(&self) -> io::Result<State> {
        let changed = waitpid(Some(self.pid), WaitOptions::NOHANG | WaitOptions::UNTRACED)?;
        Ok(match changed {
            None => State::Runs,
            Some((_, status)) if status.stopped() => State::Stopped,
            Some((_, status)) => State::Ended(status.exit_status() == Some(0)),
        })
    }

    /// Goes on, should it be stopped still.
    pub fn go_on(&self) {
        // It may have ended meanwhile.
        let _ = kill_process(self.pid, Signal::CONT);
    }

    /// Tells it that its terminal is gone.
    pub fn hang_up(&self) {
        let _ = kill_process(self.pid, Signal::HUP);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // An editor may have put another file in its place, or removed it.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Gives up every right but this user's, before the program begins.
fn run_as(command: &mut Command, user: Invoker) {
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    let groups: Vec<Gid> = config::groups_of(user).into_iter().map(Gid::from_raw).collect();
    if let Some((name, home)) = config::account_of(user) {
        command.env("HOME", home).env("USER", &name).env("LOGNAME", &name);
    }
    let give_up = move || -> io::Result<()> {
        rustix::thread::set_thread_groups(&groups)?;
        rustix::thread::set_thread_res_gid(gid, gid, gid)?;
        // Whoever is not root any more has no capabilities either.
        Ok(rustix::thread::set_thread_res_uid(uid, uid, uid)?)
    };
    // SAFETY: between fork and exec only three system calls are made, on what was
    // allocated before; nothing is locked or allocated.
    #[expect(unsafe_code, reason = "the standard library sets no supplementary groups")]
    unsafe {
        command.pre_exec(give_up);
    }
}
