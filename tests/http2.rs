//! HTTP/2: connections seen from their start, and joined when they were in use.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::harness::{Certificates, Exchange, Llmtop, eventually, program, tests_folder};

/// A script that answers lines with lines; killed when dropped.
struct Script {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Script {
    fn spawn(script: &str, arguments: &[&Path]) -> Self {
        let mut child = Command::new(program("node"))
            .arg(tests_folder().join(script))
            .args(arguments)
            .env("NODE_EXTRA_CA_CERTS", Certificates::of_this_run().authority())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Script { child, input, output }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Asks as `user`, and proves that the answer is theirs.
    fn ask(&mut self, user: &str) {
        writeln!(self.input, "{user}").unwrap();
        assert_eq!(self.line(), format!("You are {user}"));
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // Fails only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn server() -> (Script, String) {
    let certificates = Certificates::of_this_run();
    let files = [&*certificates.certificate(), &*certificates.key()];
    let mut server = Script::spawn("server/http2.mjs", &files);
    let base = format!("https://localhost:{}", server.line());
    (server, base)
}

/// What is to be known of a call, whenever llmtop began.
fn check(exchange: &Exchange, user: &str, stream: u32) {
    let expected: [(&str, Value); 16] = [
        ("/state", "complete".into()),
        ("/connection/protocol", "h2".into()),
        ("/connection/role", "client".into()),
        ("/connection/stream_id", stream.into()),
        ("/connection/lost_bytes", 0.into()),
        ("/dialect", "openai.chat".into()),
        ("/request/method", "POST".into()),
        ("/request/model", "gpt-4.1-mini".into()),
        ("/request/body/user", user.into()),
        ("/response/status", 200.into()),
        ("/response/model", "gpt-4.1-mini-2025-04-14".into()),
        ("/response/finish_reason", "stop".into()),
        ("/response/text", format!("You are {user}").into()),
        ("/usage/input_tokens", 11.into()),
        ("/usage/output_tokens", user.len().into()),
        ("/usage/source", "reported".into()),
    ];
    for (field, expected) in expected {
        assert_eq!(*exchange.at(field), expected, "{field} of {user}");
    }
}

#[test]
fn from_its_start() {
    let (_server, base) = server();
    let mut client = Script::spawn("clients/http2.mjs", &[Path::new(&base)]);
    let llmtop = Llmtop::json(&[client.child.id()], &[]);
    for user in ["ada", "grace"] {
        client.ask(user);
    }
    let report = llmtop.finish_after(2);
    let [first, second] = &report.exchanges[..] else { panic!("{:?}", report.exchanges) };
    check(first, "ada", 1);
    check(second, "grace", 3);
    for exchange in [first, second] {
        assert_eq!(*exchange.at("/connection/joined_midway"), false);
        assert_eq!(*exchange.at("/request/url"), format!("{base}/v1/chat/completions"));
        assert_eq!(*exchange.at("/findings"), serde_json::json!([]));
    }
}

#[test]
fn joined_in_use() {
    let (_server, base) = server();
    let mut client = Script::spawn("clients/http2.mjs", &[Path::new(&base)]);
    // The tables of header compression fill unseen.
    for user in ["ada", "grace", "edsger"] {
        client.ask(user);
    }
    let llmtop = Llmtop::json(&[client.child.id()], &[]);
    for user in ["barbara", "donald"] {
        client.ask(user);
    }
    eventually("two exchanges", || (llmtop.exchanges() >= 2).then_some(()));
    let report = llmtop.finish();
    let [first, second] = &report.exchanges[..] else { panic!("{:?}", report.exchanges) };
    check(first, "barbara", 7);
    check(second, "donald", 9);
    for exchange in [first, second] {
        assert_eq!(*exchange.at("/connection/joined_midway"), true);
        assert!(report.end["lost_bytes"] == 0, "{}", report.end);
    }
}
