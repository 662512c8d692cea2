//! A client that keeps its connection and makes each call when told to.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use super::client::{Ask, Call, Client, Tool};
use super::process::{end, ended};
use super::wait::PATIENCE;

/// Killed when dropped.
pub(crate) struct Told {
    child: Child,
    stdin: Option<ChildStdin>,
    calls: Receiver<Call>,
}

impl Told {
    /// Started; it has not connected.
    pub(crate) fn spawn(tool: Tool, base: &str, ask: &Ask) -> Self {
        Self::spawn_as(tool, &tool.program(), base, ask)
    }

    /// The same by another copy of the tool.
    pub(crate) fn spawn_as(tool: Tool, program: &Path, base: &str, ask: &Ask) -> Self {
        let (mut arguments, environment) = Client::command(tool, base, ask);
        arguments.push("--told".to_owned());
        let mut child = Command::new(program)
            .args(arguments)
            .envs(environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, calls) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(serde_json::from_str(&line).expect(&line)).is_err() {
                    break;
                }
            }
        });
        Told { child, stdin, calls }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets it make its next call; what it got.
    pub(crate) fn call(&mut self) -> Call {
        writeln!(self.stdin.as_mut().unwrap()).unwrap();
        self.calls.recv_timeout(PATIENCE).expect("the answer to a call")
    }

    /// Waits for its end, after its last call.
    pub(crate) fn finish(mut self) {
        drop(self.stdin.take());
        let status = ended("the client", &mut self.child);
        assert!(status.success(), "the client ended with {status}");
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}
