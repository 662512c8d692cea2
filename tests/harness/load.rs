//! Many concurrent clients: `clients/load.py`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::process::{end, ended};
use super::{Certificates, client, tests_folder};

/// How long a client may stay silent under load.
const SILENCE: Duration = Duration::from_secs(180);

/// Clients that wait for rounds; killed when dropped.
pub(crate) struct Load {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Value>,
    rounds: u64,
}

/// What one round is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) marker: &'static str,
    /// Of each client.
    pub(crate) calls: usize,
    /// See `server/plan.py`.
    pub(crate) options: &'static str,
    /// Bytes added to each request.
    pub(crate) padding: usize,
}

/// What one client got for one call.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct LoadCall {
    pub(crate) marker: String,
    pub(crate) pid: u32,
    /// Its end of the connection.
    pub(crate) port: u16,
    pub(crate) text_bytes: u64,
    pub(crate) text_sha256: String,
    pub(crate) body_sha256: String,
}

impl Load {
    /// So many clients, each a process; none has connected.
    pub(crate) fn start(base: &str, clients: usize) -> Self {
        let mut child = Command::new(client::python())
            .arg(tests_folder().join("clients/load.py"))
            .args(["--base", base, "--ca"])
            .arg(Certificates::of_this_run().authority())
            .args(["--clients", &clients.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(serde_json::from_str(&line).expect(&line)).is_err() {
                    break;
                }
            }
        });
        Load { child, stdin, lines, rounds: 0 }
    }

    /// The parent of all clients.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Starts a round.
    pub(crate) fn begin(&mut self, round: Round) {
        let order = json!({"calls": round.calls, "marker": round.marker, "options": round.options,
            "padding": round.padding});
        writeln!(self.stdin.as_mut().unwrap(), "{order}").unwrap();
    }

    /// The next call that is through; `None`: so is the round.
    pub(crate) fn next(&mut self) -> Option<LoadCall> {
        let line = match self.lines.recv_timeout(SILENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => panic!("the clients hang"),
            Err(RecvTimeoutError::Disconnected) => panic!("the clients failed"),
        };
        if line.get("round").is_some() {
            assert_eq!(line["round"], self.rounds);
            self.rounds += 1;
            return None;
        }
        Some(serde_json::from_value(line).unwrap())
    }

    /// Whether no call came to its end since the last that was asked for.
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self.lines.try_recv(), Err(std::sync::mpsc::TryRecvError::Empty))
    }

    /// Waits for the end of the round that was begun.
    pub(crate) fn rest(&mut self) -> Vec<LoadCall> {
        std::iter::from_fn(|| self.next()).collect()
    }

    /// A whole round.
    pub(crate) fn round(&mut self, round: Round) -> Vec<LoadCall> {
        self.begin(round);
        self.rest()
    }

    /// Ends the clients, which close their connections.
    pub(crate) fn finish(mut self) {
        drop(self.stdin.take());
        let status = ended("the clients", &mut self.child);
        assert!(status.success(), "the clients ended with {status}");
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // Without orders the clients end too.
        drop(self.stdin.take());
        end(&mut self.child);
    }
}
