//! HTTP without TLS: local model servers, on TCP sockets.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;

use crate::harness::{
    Ask, Certificates, Client, Exchange, Llmtop, Load, Report, Round, Server, Tool, program,
    tests_folder,
};

const CHAT: &str = "openai.chat";
const RESPONSES: &str = "openai.responses";
const MESSAGES: &str = "anthropic.messages";

/// Each sends and receives by other system calls.
const CLIENTS: &[(Tool, &str, bool, &str)] = &[
    (Tool::Curl, CHAT, false, ""),
    (Tool::Curl, CHAT, true, "gzip=1"),
    (Tool::Python("requests"), CHAT, true, ""),
    (Tool::Python("httpx"), MESSAGES, true, "gzip=1 reasoning=1"),
    (Tool::Python("httpx-async"), RESPONSES, true, "tools=2"),
    (Tool::Python("aiohttp"), CHAT, true, ""),
    (Tool::Python("openai"), CHAT, false, ""),
    (Tool::Node("fetch"), CHAT, true, ""),
    (Tool::Node("https"), MESSAGES, true, "tools=1"),
    (Tool::Node("openai"), RESPONSES, false, "gzip=1"),
    (Tool::Go("go"), CHAT, true, ""),
    (Tool::Go("go"), CHAT, false, "gzip=1"),
];

/// What llmtop says otherwise than it should: `wanted` by JSON pointer.
fn differences(exchange: &Exchange, wanted: &[(&str, Value)]) -> Vec<String> {
    let wrong = wanted.iter().filter(|(field, value)| exchange.at(field) != value);
    wrong.map(|(field, value)| format!("{field} is {}, not {value}", exchange.at(field))).collect()
}

/// What is to be shown of a call that the server logged.
fn wanted(server: &Server, marker: &str, pid: u32) -> Vec<(&'static str, Value)> {
    let sent = server.request(marker);
    assert!(!sent.tls);
    let url = format!("http://localhost:{}{}", sent.local.rsplit_once(':').unwrap().1, sent.path);
    let mut wanted = vec![
        ("/state", "complete".into()),
        ("/process/pid", pid.into()),
        ("/connection/role", "client".into()),
        ("/connection/tls", "none".into()),
        ("/connection/protocol", "http/1.1".into()),
        ("/connection/server_name", Value::Null),
        ("/connection/local", sent.peer.into()),
        ("/connection/peer", sent.local.into()),
        ("/connection/peer_process/pid", server.pid().into()),
        ("/connection/lost_bytes", 0.into()),
        // Nothing of the exchange itself was missed.
        ("/connection/joined_midway", false.into()),
        ("/dialect", sent.dialect.into()),
        ("/request/url", url.into()),
        ("/request/body_bytes", sent.body_bytes.into()),
        ("/request/body", sent.body.into()),
        ("/response/status", 200.into()),
        ("/response/text", sent.text.into()),
        ("/usage/source", "reported".into()),
    ];
    for (kind, field) in
        [("input_tokens", "/usage/input_tokens"), ("output_tokens", "/usage/output_tokens")]
    {
        wanted.push((field, sent.usage.as_ref().unwrap()[kind].clone()));
    }
    wanted
}

/// Each call must be there once, as the server logged it.
fn check(report: &Report, server: &Server, calls: &[(String, u32)]) {
    let mut found: HashMap<&str, Vec<&Exchange>> = HashMap::new();
    for exchange in &report.exchanges {
        found.entry(exchange.marker().expect("a marker")).or_default().push(exchange);
    }
    let mut wrong = Vec::new();
    for (marker, pid) in calls {
        let views = found.remove(marker.as_str()).unwrap_or_default();
        if views.len() != 1 {
            wrong.push(format!("{marker}: {} exchanges, not one", views.len()));
        }
        let wanted = wanted(server, marker, *pid);
        for view in views {
            let differences = differences(view, &wanted);
            wrong.extend(differences.into_iter().map(|text| format!("{marker}: {text}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(found.is_empty(), "exchanges nobody made: {found:?}");
    assert_eq!(report.lost_bytes(), 0);
}

#[test]
fn every_client_once_at_both_ends() {
    let server = Server::start();
    let client = |(index, &(tool, dialect, stream, options))| {
        let calls = if tool == Tool::Curl { 1 } else { 2 };
        let marker = format!("p{index:02}");
        Client::spawn(tool, &server.http(), Ask { dialect, stream, calls, marker, options })
    };
    let mut clients: Vec<Client> = CLIENTS.iter().enumerate().map(client).collect();
    let mut watched: Vec<u32> = clients.iter().map(Client::pid).collect();
    watched.push(server.pid());
    let llmtop = Llmtop::json(&watched, &[]);
    for client in &mut clients {
        client.go();
    }
    let mut calls = Vec::new();
    for client in clients {
        let pid = client.pid();
        for call in client.finish() {
            assert_eq!(Some(&call.text), server.request(&call.marker).text.as_ref());
            calls.push((call.marker, pid));
        }
    }
    let report = llmtop.finish_after(calls.len());
    check(&report, &server, &calls);
}

/// Rounds of kept connections, of which llmtop misses the first.
fn rounds(clients: usize, calls: usize, missed: bool) {
    let server = Server::start();
    let mut load = Load::start(&server.http(), clients);
    let round = |marker| Round { marker, calls, options: "", padding: 0 };
    if missed {
        load.round(round("before"));
    }
    let llmtop = Llmtop::json(&[load.pid(), server.pid()], &[]);
    let made = load.round(round("seen"));
    load.finish();
    let made: Vec<_> = made.into_iter().map(|call| (call.marker, call.pid)).collect();
    assert_eq!(made.len(), clients * calls);
    let report = llmtop.finish_after(made.len());
    check(&report, &server, &made);
}

#[test]
fn kept_connections_are_joined_at_the_next_message() {
    rounds(4, 3, true);
}

#[test]
fn forty_clients_at_once() {
    rounds(40, 5, false);
}

#[test]
fn a_server_is_enough() {
    let server = Server::start();
    let ask = Ask {
        dialect: CHAT,
        stream: true,
        calls: 1,
        marker: "alone".to_owned(),
        options: "tokens=9",
    };
    let mut client = Client::spawn(Tool::Curl, &server.http(), ask);
    let llmtop = Llmtop::json(&[server.pid()], &[]);
    client.go();
    let call = client.finish().remove(0);
    let report = llmtop.finish_after(1);
    assert_eq!(report.exchanges.len(), 1);
    let wanted = [
        ("/connection/role", "server".into()),
        ("/connection/tls", "none".into()),
        ("/connection/joined_midway", false.into()),
        ("/response/text", call.text.into()),
    ];
    assert_eq!(differences(&report.exchanges[0], &wanted), [""; 0]);
}

/// A Python script that says a line when it is ready, and ends with its input.
struct Script {
    child: Child,
    input: ChildStdin,
    said: String,
}

impl Script {
    fn start(script: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(program("python3"))
            .arg(tests_folder().join(script))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let input = child.stdin.take().unwrap();
        Script { child, input, said: said.trim_end().to_owned() }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // Fails only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_proxy_that_takes_tls_away_has_two_legs() {
    let server = Server::start();
    let certificates = Certificates::of_this_run();
    let backend = server.http().rsplit_once(':').unwrap().1.to_owned();
    let (certificate, key) = (certificates.certificate(), certificates.key());
    let files = [certificate.to_str().unwrap(), key.to_str().unwrap(), &backend];
    let proxy = Script::start("server/proxy.py", &files);
    let ask = Ask { dialect: CHAT, stream: true, calls: 1, marker: "legs".to_owned(), options: "" };
    let base = format!("https://localhost:{}", proxy.said);
    let mut client = Client::spawn(Tool::Curl, &base, ask);
    let llmtop = Llmtop::json(&[client.pid(), proxy.child.id(), server.pid()], &[]);
    let pid = client.pid();
    client.go();
    let call = client.finish().remove(0);
    let report = llmtop.finish_after(2);
    let leg = |tls: &str, pid: u32, peer: u32| {
        let wanted = [
            ("/process/pid", pid.into()),
            ("/connection/peer_process/pid", peer.into()),
            ("/connection/role", "client".into()),
            ("/response/text", call.text.as_str().into()),
            ("/state", "complete".into()),
        ];
        let of_tls = report.exchanges.iter().filter(|e| *e.at("/connection/tls") == *tls);
        let legs: Vec<_> = of_tls.map(|exchange| differences(exchange, &wanted)).collect();
        assert_eq!(legs, [[""; 0]], "{tls}");
    };
    leg("openssl", pid, proxy.child.id());
    leg("none", proxy.child.id(), server.pid());
    assert_eq!(report.exchanges.len(), 2);
}

#[test]
fn what_is_not_http_stays_in_the_kernel() {
    let mut script = Script::start("clients/chatter.py", &[]);
    let llmtop = Llmtop::json(&[script.child.id()], &["--all".as_ref()]);
    // It chats now, and says so when it is through.
    script.input.write_all(b"go\n").unwrap();
    let ended = crate::harness::eventually("the end", || script.child.try_wait().unwrap());
    assert!(ended.success());
    let report = llmtop.finish();
    assert_eq!(report.exchanges, []);
    assert_eq!(report.end["captured_bytes"], 0, "{}", report.end);
}
