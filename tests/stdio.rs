//! MCP servers on their standard input and output, with the protocol's own SDKs.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::harness::{
    Exchange, Gated, Llmtop, Report, Scratch, Server, clients_folder, program, python, tests_folder,
};

const CALLS: usize = 2;

/// In whose language an end is written. Python's server moves its descriptors; node's
/// client makes pairs of sockets for pipes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sdk {
    Python,
    Node,
}

use Sdk::{Node, Python};

/// Client and server.
const PAIRS: [(Sdk, Sdk); 4] = [(Python, Python), (Python, Node), (Node, Python), (Node, Node)];

impl Sdk {
    /// The program, and its arguments.
    fn command(self, role: &str) -> Vec<String> {
        let (program, script) = match self {
            Python => (python(), "stdio.py"),
            Node => (program("node"), "stdio.mjs"),
        };
        let script = tests_folder().join("clients").join(script);
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        vec![text(&program), text(&script), role.to_owned()]
    }
}

/// What starts a client of a server.
fn client((client, server): (Sdk, Sdk), marker: &str, more: &[&str]) -> Vec<String> {
    let mut command = client.command("client");
    command.extend(more.iter().map(|&word| word.to_owned()));
    command
        .extend(["--marker", marker, "--calls", &CALLS.to_string(), "--server"].map(str::to_owned));
    command.extend(server.command("server"));
    command
}

/// A call, as a client printed it.
struct Call {
    text: String,
    said: String,
}

fn calls(printed: &str) -> Vec<Call> {
    let text = |call: &Value, name: &str| call[name].as_str().unwrap().to_owned();
    let read = |line: &str| {
        let call = serde_json::from_str(line).unwrap();
        Call { text: text(&call, "text"), said: text(&call, "said") }
    };
    let calls: Vec<_> = printed.lines().map(read).collect();
    assert_eq!(calls.len(), CALLS + 1, "{printed}");
    calls
}

/// What is shown of a client's calls is what it printed, and each message is shown once.
fn check(report: &Report, client: u32, calls: &[Call]) {
    let of_client: Vec<_> = report
        .exchanges
        .iter()
        .filter(|one| {
            [one.at("/process/pid"), one.at("/connection/peer_process/pid")]
                .contains(&&client.into())
        })
        .collect();
    let server: u32 = calls[0].said.split(' ').next().unwrap().parse().unwrap();
    for call in calls {
        let asked = |one: &&&Exchange| *one.at("/request/body/params/arguments/text") == *call.text;
        let shown: Vec<_> = of_client.iter().filter(asked).collect();
        assert_eq!(shown.len(), 1, "{}", call.text);
        let fails = call.text.ends_with("fail");
        let wanted: &[(&str, Value)] = &[
            ("/state", "complete".into()),
            ("/process/pid", client.into()),
            ("/connection/peer_process/pid", server.into()),
            ("/connection/role", "server".into()),
            ("/connection/tls", "none".into()),
            ("/connection/protocol", "stdio".into()),
            ("/connection/peer", Value::Null),
            ("/connection/lost_bytes", 0.into()),
            // Nothing of the exchange itself was missed.
            ("/connection/joined_midway", false.into()),
            ("/dialect", "mcp".into()),
            ("/operation", "execute_tool".into()),
            ("/request/url", Value::Null),
            ("/request/body/method", "tools/call".into()),
            ("/response/text", call.said.as_str().into()),
            ("/error/kind", if fails { "tool_error".into() } else { Value::Null }),
        ];
        for (field, value) in wanted {
            assert_eq!(shown[0].at(field), value, "{field} of {}", call.text);
        }
    }
    let mut known = HashSet::new();
    for one in &of_client {
        let asked = one.at("/request/body");
        let named = (asked["method"].to_string(), asked["id"].to_string());
        assert!(asked["id"].is_null() || known.insert(named), "twice: {asked}");
    }
    let methods = |method: &str| {
        of_client.iter().filter(|e| *e.at("/request/body/method") == *method).count()
    };
    assert_eq!(methods("tools/list"), 1);
}

#[test]
fn every_message_once_from_the_first_on() {
    let spawn = |(at, pair): (usize, &(Sdk, Sdk))| {
        let command = client(*pair, &format!("s{at}"), &[]);
        let environment = [("LLMTOP_MODULES", clients_folder().into())];
        Gated::spawn(Path::new(&command[0]), &command[1..], &environment)
    };
    let mut clients: Vec<_> = PAIRS.iter().enumerate().map(spawn).collect();
    let watched: Vec<u32> = clients.iter().map(Gated::pid).collect();
    let llmtop = Llmtop::json(&watched, &["--stdio".as_ref()]);
    clients.iter_mut().for_each(Gated::go);
    let printed: Vec<_> = clients.into_iter().map(|client| calls(&client.finish())).collect();
    // initialize and its notification, tools/list, and the calls.
    let report = llmtop.finish_after(PAIRS.len() * (3 + CALLS + 1));
    for (client, calls) in watched.iter().zip(&printed) {
        check(&report, *client, calls);
        for method in ["initialize", "notifications/initialized"] {
            let asked = |one: &&Exchange| {
                *one.at("/request/body/method") == *method && *one.at("/process/pid") == *client
            };
            assert_eq!(report.exchanges.iter().filter(asked).count(), 1, "{method}");
        }
    }
    assert_eq!(report.lost_bytes(), 0);
}

/// A client that has called already.
struct Running(Child);

impl Running {
    fn start(pair: (Sdk, Sdk), marker: &str) -> Self {
        Self::of(&client(pair, marker, &["--wait"]))
    }

    fn of(command: &[String]) -> Self {
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .env("LLMTOP_MODULES", clients_folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::with_capacity(6, child.stdout.as_mut().unwrap());
        out.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Running(child)
    }

    fn finish(mut self) -> Vec<Call> {
        self.0.stdin.take().unwrap().write_all(b"go\n").unwrap();
        let mut printed = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
        calls(&printed)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only where it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn servers_that_run_already() {
    let start = |(at, pair): (usize, &(Sdk, Sdk))| Running::start(*pair, &format!("r{at}"));
    let clients: Vec<_> = PAIRS.iter().enumerate().map(start).collect();
    let watched: Vec<u32> = clients.iter().map(|client| client.0.id()).collect();
    let llmtop = Llmtop::json(&watched, &["--stdio".as_ref()]);
    let printed: Vec<_> = clients.into_iter().map(Running::finish).collect();
    let report = llmtop.finish_after(PAIRS.len() * (1 + CALLS + 1));
    for (client, calls) in watched.iter().zip(&printed) {
        check(&report, *client, calls);
    }
    let before = |one: &&Exchange| *one.at("/request/body/params/arguments/text") == *"before";
    assert_eq!(report.exchanges.iter().filter(before).count(), 0);
}

/// A name stands for what programs of that name say and are told: with their servers, too,
/// but not for what those and other programs that they start say elsewhere.
#[test]
fn of_a_name() {
    let (server, folder) = (Server::start(), Scratch::new());
    let name = format!("mcp-{}", std::process::id());
    let called = |real: &str| {
        let place = folder.file(real);
        std::fs::create_dir(&place).unwrap();
        std::os::unix::fs::symlink(program(real), place.join(&name)).unwrap();
        place.join(&name)
    };
    let (node, bash) = (called("node"), called("bash"));
    let as_named = |mut command: Vec<String>| {
        command[0] = node.to_str().unwrap().to_owned();
        command
    };
    let running = Running::of(&as_named(client((Node, Python), "n0", &["--wait"])));
    let later = as_named(client((Node, Node), "n1", &[]));
    let environment = [("LLMTOP_MODULES", clients_folder().into())];
    let mut later = Gated::spawn(&node, &later[1..], &environment);
    let ask = format!("curl -s {}/page/10 && true", server.http());
    let mut shell = Gated::spawn(&bash, ["-c", &ask], &[]);
    let pids = [running.0.id(), later.pid()];
    let llmtop = Llmtop::json(&[], &["-c", &name, "--stdio", "--all"].map(OsStr::new));
    later.go();
    shell.go();
    let printed = [running.finish(), calls(&later.finish())];
    shell.finish();
    let report = llmtop.finish_after(1 + 3 + 2 * (CALLS + 1));
    for (pid, calls) in pids.into_iter().zip(&printed) {
        check(&report, pid, calls);
    }
    let of_clients = |one: &&Exchange| pids.iter().any(|pid| *one.at("/process/pid") == *pid);
    assert_eq!(report.exchanges.iter().filter(of_clients).count(), report.exchanges.len());
}

#[test]
fn nothing_unless_asked_for() {
    let clients: Vec<_> = PAIRS.iter().map(|&pair| Running::start(pair, "n")).collect();
    let watched: Vec<u32> = clients.iter().map(|client| client.0.id()).collect();
    let llmtop = Llmtop::json(&watched, &["--all".as_ref()]);
    clients.into_iter().for_each(|client| drop(client.finish()));
    let report = llmtop.finish();
    assert_eq!(report.exchanges, []);
    assert_eq!(report.end["captured_bytes"], 0, "{}", report.end);
}

#[test]
fn other_pipes_stay_in_the_kernel() {
    let script = "seq 100000 | sort -R | wc -l; echo '{\"a\":1}' | cat | cat";
    let mut shell = Gated::spawn(&program("bash"), ["-c", script], &[]);
    let llmtop = Llmtop::json(&[shell.pid()], &["--stdio".as_ref(), "--all".as_ref()]);
    shell.go();
    assert_eq!(shell.finish(), "100000\n{\"a\":1}\n");
    let report = llmtop.finish();
    assert_eq!(report.exchanges, []);
    assert_eq!(report.end["captured_bytes"], 0, "{}", report.end);
}
