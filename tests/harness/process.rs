//! Child processes that start when told, and never outlive their test.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};

use super::eventually;

/// A program that waits before its first instruction until [`Gated::go`], so
/// that its pid is known, and watched, before it does anything: a shell that
/// becomes the program, under the same pid.
pub(crate) struct Gated {
    child: Option<Child>,
    program: String,
}

impl Gated {
    /// Its standard output and error are collected.
    pub(crate) fn spawn<S: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = S>,
        environment: &[(&str, OsString)],
    ) -> Self {
        let child = Command::new("/bin/sh")
            .args(["-c", "read -r go && exec \"$0\" \"$@\" </dev/null"])
            .arg(program)
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Gated { child: Some(child), program: program.display().to_string() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Lets it start.
    pub(crate) fn go(&mut self) {
        let mut stdin = self.child.as_mut().unwrap().stdin.take().expect("goes once");
        stdin.write_all(b"go\n").unwrap();
    }

    /// Its output, as it comes.
    #[allow(dead_code, reason = "the benches use it")]
    pub(crate) fn stdout(&mut self) -> ChildStdout {
        self.child.as_mut().unwrap().stdout.take().expect("read once")
    }

    /// Its output, however it ended.
    pub(crate) fn output(&mut self) -> Output {
        self.child.take().unwrap().wait_with_output().unwrap()
    }

    /// Its output, once it ended well.
    ///
    /// # Panics
    /// Where it failed, with what it said.
    pub(crate) fn finish(mut self) -> String {
        let Output { status, stdout, stderr } = self.output();
        let stderr = String::from_utf8_lossy(&stderr);
        assert!(status.success(), "{} ended with {status}: {stderr}", self.program);
        String::from_utf8(stdout).unwrap()
    }
}

impl Drop for Gated {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            end(child);
        }
    }
}

/// Kills a child of ours and waits for it.
pub(crate) fn end(child: &mut Child) -> Option<ExitStatus> {
    // Fails only where it has ended already.
    let _ = child.kill();
    child.wait().ok()
}

/// Waits for a child to end by itself.
pub(crate) fn ended(what: &str, child: &mut Child) -> ExitStatus {
    eventually(&format!("the end of {what}"), || child.try_wait().unwrap())
}

/// What the kernel calls a process that runs this program.
pub(crate) fn comm(program: &Path) -> String {
    let name = program.file_name().unwrap().to_str().unwrap();
    name.chars().take(15).collect()
}
