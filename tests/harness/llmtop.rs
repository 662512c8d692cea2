//! llmtop itself, as a script runs it: `--json`.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::process::{end, ended};
use super::{PATIENCE, eventually, target_folder};

/// How long exchanges may take to arrive after their clients ended, before the
/// test goes on to say which are missing.
const LAST_LINES: Duration = Duration::from_secs(20);

/// The built binary.
pub(crate) fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_llmtop"))
}

/// A command that runs it, with no configuration of the machine's owner.
pub(crate) fn command() -> Command {
    let mut command = Command::new(binary());
    command.env("XDG_STATE_HOME", "/proc/nonexistent");
    command.env("XDG_CONFIG_HOME", "/nonexistent").env_remove("SUDO_USER").env_remove("SUDO_UID");
    command.env("XDG_CACHE_HOME", target_folder().join("test-cache"));
    command
}

/// A command that watches these processes.
pub(crate) fn watching(watched: &[u32], mode: &str, more: &[&OsStr]) -> Command {
    let mut command = command();
    command.arg(mode).args(more);
    for pid in watched {
        command.arg("-p").arg(pid.to_string());
    }
    command
}

/// A running `llmtop --json`, killed when dropped.
pub(crate) struct Llmtop {
    child: Child,
    lines: Arc<Mutex<Vec<Value>>>,
    reader: Option<JoinHandle<()>>,
    errors: Option<JoinHandle<String>>,
}

/// All that it printed.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) start: Value,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) deltas: Vec<Value>,
    pub(crate) end: Value,
    /// Its messages.
    pub(crate) said: String,
}

/// One exchange, as printed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exchange(pub(crate) Value);

impl Llmtop {
    /// Watches these processes; returns once every probe is attached.
    pub(crate) fn json(watched: &[u32], more: &[&OsStr]) -> Self {
        Self::start(watching(watched, "--json", more))
    }

    /// The same, with each delta as it arrives.
    pub(crate) fn json_deltas(watched: &[u32]) -> Self {
        Self::start(watching(watched, "--json=deltas", &[]))
    }

    /// Runs a command that prints JSON lines; returns after the first.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&lines);
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let reader = std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line)
                    .unwrap_or_else(|error| panic!("not JSON ({error}): {line}"));
                written.lock().unwrap().push(value);
            }
        });
        let errors = collect(child.stderr.take().unwrap());
        let mut llmtop = Llmtop { child, lines, reader: Some(reader), errors: Some(errors) };
        eventually("llmtop's first line", || {
            if let Some(status) = llmtop.child.try_wait().unwrap() {
                let said = llmtop.errors.take().map(|thread| thread.join().unwrap());
                panic!("llmtop ended with {status}: {}", said.unwrap_or_default());
            }
            llmtop
                .lines
                .lock()
                .unwrap()
                .first()
                .map(|line| assert_eq!(line["schema"], "llmtop.start/1"))
        });
        llmtop
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// How many exchanges it has printed.
    pub(crate) fn exchanges(&self) -> usize {
        let lines = self.lines.lock().unwrap();
        lines.iter().filter(|line| line["schema"] == "llmtop.exchange/1").count()
    }

    /// The lines so far.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.lines.lock().unwrap().clone()
    }

    /// Waits until so many exchanges were printed, or for a while where they
    /// do not come; then ends it. The caller compares.
    pub(crate) fn finish_after(self, exchanges: usize) -> Report {
        let started = Instant::now();
        while self.exchanges() < exchanges && started.elapsed() < LAST_LINES {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.finish()
    }

    /// Ends it by SIGTERM, which it has to answer with a last line and success.
    pub(crate) fn finish(self) -> Report {
        self.signal(Signal::TERM);
        self.finished()
    }

    /// Waits for its own end.
    pub(crate) fn finished(mut self) -> Report {
        let status = ended("llmtop", &mut self.child);
        self.reader.take().unwrap().join().unwrap();
        let said = self.errors.take().unwrap().join().unwrap();
        assert!(status.success(), "llmtop ended with {status}: {said}");
        Report { said, ..Report::of(&self.lines.lock().unwrap()) }
    }

    /// Ends it by SIGKILL.
    pub(crate) fn kill(mut self) -> Option<ExitStatus> {
        end(&mut self.child)
    }
}

impl Drop for Llmtop {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn collect(mut stderr: ChildStderr) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut said = String::new();
        // What is no UTF-8 ends it early, and the test fails by its status.
        let _ = stderr.read_to_string(&mut said);
        said
    })
}

impl Report {
    /// Sorts lines by their kind.
    ///
    /// # Panics
    /// Where the first and last are not what they have to be.
    pub(crate) fn of(lines: &[Value]) -> Self {
        let of_schema = |schema: &str| -> Vec<Value> {
            lines.iter().filter(|line| line["schema"] == schema).cloned().collect()
        };
        let start = lines.first().expect("a start line").clone();
        let end = lines.last().unwrap().clone();
        assert_eq!(start["schema"], "llmtop.start/1");
        assert_eq!(end["schema"], "llmtop.end/1");
        let exchanges: Vec<_> = of_schema("llmtop.exchange/1").into_iter().map(Exchange).collect();
        let deltas = of_schema("llmtop.delta/1");
        assert_eq!(exchanges.len() + deltas.len() + 2, lines.len(), "a line of an unknown schema");
        assert_eq!(end["exchanges"], exchanges.len(), "{end}");
        Report { start, exchanges, deltas, end, said: String::new() }
    }

    /// The exchanges whose request names this marker.
    pub(crate) fn of_marker(&self, marker: &str) -> Vec<&Exchange> {
        self.exchanges.iter().filter(|exchange| exchange.marker() == Some(marker)).collect()
    }

    pub(crate) fn lost_bytes(&self) -> u64 {
        self.end["lost_bytes"].as_u64().expect("lost_bytes")
    }
}

impl Exchange {
    /// The value at a JSON pointer, null where there is none.
    pub(crate) fn at(&self, pointer: &str) -> &Value {
        self.0.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// The marker in its request's body, wherever the dialect has the prompt.
    pub(crate) fn marker(&self) -> Option<&str> {
        let prompt = find(self.at("/request/body"), "marker=")?;
        prompt.split("marker=").nth(1)?.split_whitespace().next()
    }
}

/// The first string with this word in it.
fn find<'value>(value: &'value Value, word: &str) -> Option<&'value str> {
    match value {
        Value::String(text) => text.contains(word).then_some(text),
        Value::Array(items) => items.iter().find_map(|item| find(item, word)),
        Value::Object(fields) => fields.values().find_map(|field| find(field, word)),
        _ => None,
    }
}

/// What a command printed and how it ended, within [`PATIENCE`].
pub(crate) fn run(mut command: Command) -> std::process::Output {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let errors = collect(child.stderr.take().unwrap());
    let mut stdout = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut printed = Vec::new();
        let _ = stdout.read_to_end(&mut printed);
        printed
    });
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > PATIENCE {
            end(&mut child);
            panic!("{command:?} did not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let stdout = reader.join().unwrap();
    std::process::Output { status, stdout, stderr: errors.join().unwrap().into_bytes() }
}
