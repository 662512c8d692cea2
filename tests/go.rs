//! Go's `crypto/tls`: programs with symbols and without, over either HTTP, whenever
//! llmtop began.

use std::path::Path;

use crate::calls::{CHAT, agreed, check_where_used};
use crate::harness::{
    Ask, Call, Client, Exchange, Llmtop, Report, RequestLog, Server, Told, Tool, command,
    go_client, run,
};

const GO: Tool = Tool::Go("go");
const GO_HTTP2: Tool = Tool::Go("go-h2");

fn ask(marker: &str, calls: usize, stream: bool, options: &'static str) -> Ask {
    Ask { dialect: CHAT, stream, calls, marker: marker.to_owned(), options }
}

#[test]
fn every_call_once() {
    // It waits for its turn, and its file is probed before the others come.
    let server = Server::start();
    let waiting = Told::spawn(GO, &server.https(), &ask("waiting", 1, false, ""));
    check_where_used(
        &[
            (GO, CHAT, false, ""),
            (GO, CHAT, true, ""),
            (GO, CHAT, true, "gzip=1"),
            (GO, CHAT, false, "tokens=2000"),
            (GO, CHAT, true, "status=429"),
            (GO_HTTP2, CHAT, false, "gzip=1"),
            (GO_HTTP2, CHAT, true, ""),
            (GO_HTTP2, CHAT, true, "tokens=2000"),
        ],
        &[waiting.pid()],
    );
}

/// What llmtop says of a call otherwise than the server.
fn differences(shown: &Exchange, pid: u32, midway: bool, sent: &RequestLog) -> Vec<String> {
    let expected = [
        ("/state", "complete".into()),
        ("/process/pid", pid.into()),
        ("/connection/role", "client".into()),
        ("/connection/tls", "go".into()),
        ("/connection/local", sent.peer.clone().into()),
        ("/connection/peer", sent.local.clone().into()),
        ("/connection/lost_bytes", 0.into()),
        ("/connection/joined_midway", midway.into()),
        ("/request/body", sent.body.clone().unwrap()),
        ("/response/status", sent.status.into()),
        ("/response/text", sent.text.clone().into()),
        ("/usage/input_tokens", sent.usage.as_ref().unwrap()["input_tokens"].clone()),
        ("/usage/output_tokens", sent.usage.as_ref().unwrap()["output_tokens"].clone()),
    ];
    let wrong = expected.iter().filter(|(field, value)| shown.at(field) != value);
    wrong.map(|(field, value)| format!("{field} is {}, not {value}", shown.at(field))).collect()
}

/// Each call is there once, as the server logged it.
fn same(report: &Report, server: &Server, pid: u32, midway: bool, calls: &[Call]) {
    for Call { marker, .. } in calls {
        let found = report.of_marker(marker);
        let [exchange] = found[..] else { panic!("{marker} is there {} times", found.len()) };
        let wrong = differences(exchange, pid, midway, &server.request(marker));
        assert!(wrong.is_empty(), "{marker}: {}", wrong.join("\n"));
    }
    assert_eq!(report.exchanges.len(), calls.len(), "an exchange nobody made");
    assert_eq!(report.lost_bytes(), 0);
}

/// A client that is connected, and waits inside `Read` for what comes next, when
/// llmtop begins. What that call reads is the head of the next answer.
fn joined(tool: Tool) {
    let server = Server::start();
    let ask = ask("joined", 4, true, "");
    let mut client = Told::spawn(tool, &server.https(), &ask);
    client.call();
    let llmtop = Llmtop::json(&[client.pid()], &[]);
    let calls: Vec<Call> = (0..3).map(|_| client.call()).collect();
    for call in &calls {
        agreed(&server, tool, &ask, call);
    }
    let pid = client.pid();
    client.finish();
    // Of HTTP/1 nothing before a request matters; of HTTP/2, what its headers refer to.
    let midway = tool.protocol() == "h2";
    same(&llmtop.finish_after(calls.len()), &server, pid, midway, &calls);
}

#[test]
fn a_kept_connection_is_joined() {
    joined(GO);
}

#[test]
fn an_http2_connection_is_joined() {
    joined(GO_HTTP2);
}

/// A program that runs, and connects when llmtop is there.
fn running(program: &Path, tool: Tool) {
    let server = Server::start();
    let ask = ask("running", 2, true, "");
    let mut client = Told::spawn_as(tool, program, &server.https(), &ask);
    let llmtop = Llmtop::json(&[client.pid()], &[]);
    let calls = [client.call(), client.call()];
    let pid = client.pid();
    client.finish();
    same(&llmtop.finish_after(2), &server, pid, false, &calls);
}

#[test]
fn with_symbols_and_without() {
    running(&go_client(false), GO);
    running(&go_client(true), GO);
}

/// Goroutines that write and read at once, whose stacks grow on the way.
fn many(tool: Tool, calls: usize) {
    let server = Server::start();
    let client = || Client::spawn(tool, &server.https(), ask("many", calls, true, "tokens=3"));
    let waiting = Told::spawn(GO, &server.https(), &ask("waiting", 1, false, ""));
    let mut client = client();
    let llmtop = Llmtop::json(&[client.pid(), waiting.pid()], &[]);
    client.go();
    let pid = client.pid();
    let made = client.finish();
    same(&llmtop.finish_after(calls), &server, pid, false, &made);
}

#[test]
fn goroutines_at_once() {
    many(Tool::Go("go-many"), 60);
}

#[test]
fn goroutines_of_one_connection() {
    many(Tool::Go("go-h2-many"), 60);
}

#[test]
fn doctor_says_where_it_is_probed() {
    let server = Server::start();
    let client = Told::spawn(GO, &server.https(), &ask("doctor", 1, false, ""));
    let mut doctor = command();
    doctor.args(["doctor", "--explain", &client.pid().to_string()]);
    let output = run(doctor);
    let said = String::from_utf8(output.stdout).unwrap();
    for expected in ["Go 1.", "crypto/tls.(*Conn).Write", "crypto/tls.(*Conn).Read", "`ret`"] {
        assert!(said.contains(expected), "{expected:?} is missing in:\n{said}");
    }
}
