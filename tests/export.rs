//! Exports say what the JSON says, and a command sends the same request again.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use llmtop::pipeline::{self, Engine, Options};
use llmtop::sink::export::{self, Format};
use llmtop::store::{Session, Shared, Store};
use llmtop_probe::recording::Recording;
use serde_json::Value;

use crate::harness::{Ask, Certificates, Client, Llmtop, Scratch, Server, Tool, command, run};

/// Records what clients with these dialects do, two calls each.
fn record(recording: &Path, server: &Server, clients: &[(Tool, &'static str)]) {
    let mut clients: Vec<Client> = clients
        .iter()
        .enumerate()
        .map(|(at, &(tool, dialect))| {
            let marker = format!("export-{at}");
            let options = "gzip=1 quoted='$(id)'";
            let ask = Ask { dialect, stream: at % 2 == 0, calls: 2, marker, options };
            Client::spawn(tool, &server.https(), ask)
        })
        .collect();
    let pids: Vec<u32> = clients.iter().map(Client::pid).collect();
    let llmtop = Llmtop::json(&pids, &[OsStr::new("-w"), recording.as_os_str()]);
    for client in &mut clients {
        client.go();
    }
    let calls: usize = clients.into_iter().map(|client| client.finish().len()).sum();
    llmtop.finish_after(calls);
}

fn exported(recording: &Path, format: &str) -> String {
    let mut command = command();
    command.args(["export", "--format", format, "-r"]).arg(recording);
    let output = run(command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_format_says_the_same() {
    let folder = Scratch::new();
    let recording = folder.file("recording");
    let server = Server::start();
    let clients =
        [(Tool::Python("httpx"), "openai.chat"), (Tool::Node("https"), "anthropic.messages")];
    record(&recording, &server, &clients);
    let lines = exported(&recording, "jsonl");
    let exchanges: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(exchanges.len(), 4);
    let array: Value = serde_json::from_str(&exported(&recording, "json")).unwrap();
    assert_eq!(array.as_array().unwrap(), &exchanges);

    let har: Value = serde_json::from_str(&exported(&recording, "har")).unwrap();
    let entries = har["log"]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), exchanges.len());
    for (entry, exchange) in entries.iter().zip(&exchanges) {
        assert_eq!(entry["request"]["url"], exchange["request"]["url"]);
        assert_eq!(entry["response"]["status"], exchange["response"]["status"]);
        assert_eq!(entry["time"], exchange["timing"]["duration_ms"]);
        assert_eq!(entry["_llmtop"]["usage"], exchange["usage"]);
        let body: Value =
            serde_json::from_str(entry["request"]["postData"]["text"].as_str().unwrap()).unwrap();
        assert_eq!(body, exchange["request"]["body"]);
        let pairs = entry["request"]["headers"].as_array().unwrap().iter();
        let pairs: Vec<Value> =
            pairs.map(|pair| vec![pair["name"].clone(), pair["value"].clone()].into()).collect();
        assert_eq!(Value::from(pairs), exchange["request"]["headers"]);
    }

    let csv = exported(&recording, "csv");
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), exchanges.len() + 1);
    let column = |name: &str| rows[0].iter().position(|known| *known == name).unwrap();
    for (row, exchange) in rows[1..].iter().zip(&exchanges) {
        assert_eq!(exchange["id"], row[column("id")]);
        let tokens = exchange["usage"]["output_tokens"].to_string();
        assert_eq!(row[column("output_tokens")], tokens);
        assert_eq!(row[column("process")], exchange["process"]["comm"].as_str().unwrap());
    }
}

/// The exchanges of a recording as commands for a shell.
fn scripts(recording: &Path) -> Vec<String> {
    let shared = Arc::new(Shared::new(Store::with_budget(u64::MAX), Session::default()).unwrap());
    let engine = Engine::new(Options::default(), Arc::clone(&shared), Vec::new(), None, None);
    let source = Recording::open(recording).unwrap();
    pipeline::start(Box::new(source), engine).unwrap().join().unwrap().into_result().unwrap();
    let store = shared.store();
    let scripts = store.exchanges().map(|record| {
        let (name, script) = export::one(&store, record.id, Format::Curl, false).unwrap();
        assert!(name.ends_with(".sh"));
        String::from_utf8(script).unwrap()
    });
    scripts.collect()
}

#[test]
fn a_command_sends_the_same_request_again() {
    let folder = Scratch::new();
    let recording = folder.file("recording");
    let server = Server::start();
    let clients = [
        (Tool::Python("requests"), "openai.chat"),
        (Tool::Node("https"), "anthropic.messages"),
        (Tool::Python("openai"), "openai.responses"),
    ];
    record(&recording, &server, &clients);
    let before = server.requests();
    let scripts = scripts(&recording);
    assert_eq!(scripts.len(), before.len());
    for script in &scripts {
        let file = folder.file("again.sh");
        std::fs::write(&file, script).unwrap();
        assert!(!script.contains("sk-test-secret"), "{script}");
        let mut shell = Command::new("sh");
        shell.arg(&file).env("CURL_CA_BUNDLE", Certificates::of_this_run().authority());
        // Without the key it says which one is missing.
        let variable = script.split(": \"${").nth(1).expect("a variable").split(':').next();
        let variable = variable.unwrap();
        let missing = run_shell(&mut shell);
        assert!(!missing.status.success());
        let said = String::from_utf8_lossy(&missing.stderr).into_owned();
        assert!(said.contains(variable), "{said}");
        let sent = run_shell(shell.env(variable, "sk-test-secret-of-somebody-else"));
        assert!(sent.status.success(), "{script}\n{}", String::from_utf8_lossy(&sent.stderr));
    }
    let after = server.requests();
    assert_eq!(after.len(), 2 * before.len(), "each request was sent again");
    for request in &before {
        let same = after.iter().filter(|other| {
            (&other.marker, &other.path, &other.body_sha256)
                == (&request.marker, &request.path, &request.body_sha256)
        });
        assert_eq!(same.count(), 2, "{} was not sent again as it was", request.marker);
    }
}

fn run_shell(shell: &mut Command) -> std::process::Output {
    shell.output().unwrap()
}
