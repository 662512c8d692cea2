//! Clients in containers: namespaces and a libssl of their own, named by the container
//! they are in.

use serde_json::Value;

use crate::harness::{
    Certificates, Container, Exchange, Gated, Llmtop, RequestLog, Server, command, eventually,
    program,
};
use crate::stacks::compare;

fn authority() -> std::path::PathBuf {
    Certificates::of_this_run().authority()
}

/// A call of the server by curl, from `/tmp` or the folder `at`.
fn curl(server: &Server, marker: &str, at: &str) -> Vec<String> {
    let body = serde_json::json!({
        "model": "gpt-4.1-mini",
        "messages": [{"role": "user", "content": format!("marker={marker} tokens=9")}],
    });
    let address =
        format!("{}/v1/chat/completions", server.https().replace("localhost", "127.0.0.1"));
    [
        "-sSf",
        "--max-time",
        "300",
        "--http1.1",
        "--cacert",
        &format!("{at}/ca.pem"),
        "-H",
        "content-type: application/json",
    ]
    .into_iter()
    .chain(["--data-binary", &body.to_string(), &address])
    .map(str::to_owned)
    .collect()
}

/// The same call in a container.
fn call(container: &mut Container, server: &Server, marker: &str) {
    let words = curl(server, marker, "/tmp");
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let answer = container.run(&format!("curl {}", quoted.join(" ")));
    assert_eq!(text(&answer), server.request(marker).text.unwrap());
}

fn text(answer: &str) -> String {
    let answer: Value = serde_json::from_str(answer).unwrap();
    answer["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
}

fn container(id: &str) -> Container {
    Container::start(id, &["curl"], &[&authority()])
}

/// What llmtop says otherwise, of a call of curl in the container `id`.
fn differences(shown: &Exchange, id: &str, sent: &RequestLog) -> Vec<String> {
    let pid = shown.at("/process/pid").as_u64().unwrap();
    let more = [
        ("/process/comm", "curl".into()),
        ("/process/container", id.into()),
        ("/connection/tls", "openssl".into()),
        ("/connection/joined_midway", false.into()),
    ];
    compare(shown, u32::try_from(pid).unwrap(), sent, more)
}

#[test]
fn named_and_chosen_by_their_id() {
    let id = Container::new_id();
    let mut inside = container(&id);
    let (there, here) = (Server::beside(inside.pid()), Server::start());
    let mut watching = command();
    watching.args(["--json", "--container", &id[..12]]);
    let llmtop = Llmtop::start(watching);
    for marker in ["inside-0", "inside-1"] {
        call(&mut inside, &there, marker);
    }
    let folder = authority();
    let arguments = curl(&here, "outside", folder.parent().unwrap().to_str().unwrap());
    let mut outside = Gated::spawn(&program("curl"), arguments, &[]);
    outside.go();
    assert_eq!(text(&outside.finish()), here.request("outside").text.unwrap());

    let report = llmtop.finish_after(2);
    for marker in ["inside-0", "inside-1"] {
        let [exchange] = report.of_marker(marker)[..] else {
            panic!("{marker} is there {} times", report.of_marker(marker).len());
        };
        let wrong = differences(exchange, inside.id(), &there.request(marker));
        assert!(wrong.is_empty(), "{marker}: {}", wrong.join("\n"));
    }
    assert_eq!(report.exchanges.len(), 2, "another's: {:#?}", report.exchanges);
    assert_eq!(report.lost_bytes(), 0);
}

/// One network namespace is told from another, though all addresses are of the loopback
/// interface: the server that is named is the one beside the client.
#[test]
fn both_ends_in_one_network_namespace() {
    let mut inside = container(&Container::new_id());
    let there = Server::beside(inside.pid());
    let llmtop = Llmtop::json(&[inside.pid(), there.pid()], &[]);
    call(&mut inside, &there, "both");
    let report = llmtop.finish_after(1);
    let [exchange] = report.of_marker("both")[..] else { panic!("{:#?}", report.exchanges) };
    let wrong = differences(exchange, inside.id(), &there.request("both"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(*exchange.at("/connection/peer_process/pid"), there.pid());
    assert_eq!(*exchange.at("/connection/peer_process/container"), Value::Null);
    assert_eq!(report.exchanges.len(), 1);
}

/// A container that starts after llmtop: what its first processes do while their
/// libraries are found may be missed, what is shown is right.
#[test]
fn started_later() {
    let id = Container::new_id();
    let mut watching = command();
    watching.args(["--json", "--container", &id]);
    let llmtop = Llmtop::start(watching);
    let mut inside = container(&id);
    let there = Server::beside(inside.pid());
    let mut calls = 0;
    eventually("an exchange of the container", || {
        call(&mut inside, &there, &format!("later-{calls}"));
        calls += 1;
        (llmtop.exchanges() > 0).then_some(())
    });
    let last = format!("later-{calls}");
    call(&mut inside, &there, &last);
    eventually("the last call", || {
        let is_last = |line: &Value| Exchange(line.clone()).marker() == Some(&*last);
        llmtop.lines().iter().any(is_last).then_some(())
    });
    let report = llmtop.finish_after(1);
    for exchange in &report.exchanges {
        let marker = exchange.marker().expect("the question is there");
        assert_eq!(report.of_marker(marker).len(), 1);
        let wrong = differences(exchange, &id, &there.request(marker));
        assert!(wrong.is_empty(), "{marker}: {}", wrong.join("\n"));
    }
}
