//! Many at once, much at once, and more than can be kept up with.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::harness::{Exchange, Llmtop, Load, LoadCall, Round, Server, eventually};

/// These tests fill the machine: one at a time.
static MACHINE: Mutex<()> = Mutex::new(());

fn alone() -> std::sync::MutexGuard<'static, ()> {
    // Another test's failure is no reason to fail here.
    MACHINE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The clients' port of an exchange's connection.
fn port(exchange: &Exchange) -> Option<u16> {
    exchange.at("/connection/local").as_str()?.rsplit_once(':')?.1.parse().ok()
}

/// Proves an exchange whole: of this client, and all of its answer.
fn check_whole(exchange: &Exchange, call: &LoadCall) {
    let text = exchange.at("/response/text").as_str().unwrap_or_default();
    assert!(text.starts_with(&call.marker), "{}: {:.80}", call.marker, text);
    assert_eq!(text.len() as u64, call.text_bytes, "{}", call.marker);
    assert_eq!(sha256(text.as_bytes()), call.text_sha256, "{}", call.marker);
    assert_eq!(exchange.at("/state"), "complete", "{}", call.marker);
    assert_eq!(exchange.at("/process/pid"), call.pid, "{}", call.marker);
    assert_eq!(port(exchange), Some(call.port), "{}", call.marker);
    assert_eq!(exchange.at("/connection/lost_bytes"), 0, "{}", call.marker);
}

#[test]
fn a_thousand_streamed_exchanges_of_forty_clients_stay_apart() {
    let _machine = alone();
    let server = Server::start();
    let mut load = Load::start(&server.https(), 40);
    // Descendants of a watched process are watched.
    let llmtop = Llmtop::json(&[load.pid(), server.pid()], &[]);
    let calls = load.round(Round { marker: "many", calls: 25, options: "", padding: 0 });
    load.finish();
    assert_eq!(calls.len(), 1000);
    assert_eq!(server.connections(40).len(), 40, "connections are kept");
    let report = llmtop.finish_after(1000);
    let mut found: HashMap<&str, &Exchange> = HashMap::new();
    for exchange in &report.exchanges {
        let marker = exchange.marker().expect("a marker");
        assert!(found.insert(marker, exchange).is_none(), "{marker} twice");
    }
    for call in &calls {
        let exchange = found.remove(call.marker.as_str());
        check_whole(exchange.unwrap_or_else(|| panic!("{} is missing", call.marker)), call);
    }
    assert!(found.is_empty(), "exchanges nobody made: {:?}", found.keys());
    assert_eq!(report.lost_bytes(), 0);
}

#[test]
fn eight_mebibytes_in_one_write_and_a_streamed_answer_of_thirty_two_arrive_whole() {
    let _machine = alone();
    let server = Server::start();
    let mut load = Load::start(&server.https(), 1);
    let llmtop = Llmtop::json(&[load.pid(), server.pid()], &[]);
    let large = load.round(Round { marker: "large", calls: 1, options: "", padding: 8 << 20 });
    let long =
        load.round(Round { marker: "long", calls: 1, options: "bytes=33554432", padding: 0 });
    load.finish();
    assert_eq!(long[0].text_bytes, 32 << 20);
    let report = llmtop.finish_after(2);
    assert_eq!(report.exchanges.len(), 2);
    assert_eq!(report.lost_bytes(), 0);

    let request = report.of_marker("large-0-0")[0];
    let sent = server.request("large-0-0");
    assert!(sent.body_bytes > 8 << 20);
    assert_eq!(sent.body_sha256, large[0].body_sha256);
    assert_eq!(*request.at("/request/body_bytes"), sent.body_bytes);
    // Python writes JSON with blanks after `,` and `:`, and so hashes it.
    let body = python_json(request.at("/request/body"));
    assert_eq!(sha256(body.as_bytes()), sent.body_sha256);
    check_whole(request, &large[0]);

    let answer = report.of_marker("long-0-0")[0];
    check_whole(answer, &long[0]);
    assert_eq!(server.request("long-0-0").text_sha256.unwrap(), long[0].text_sha256);
}

/// JSON as Python's `json.dumps` writes it; enough of it for ASCII.
fn python_json(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!("[{}]", items.iter().map(python_json).collect::<Vec<_>>().join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| {
                    format!("{}: {}", Value::from(name.as_str()), python_json(value))
                })
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

#[test]
fn what_a_stopped_llmtop_misses_is_counted_on_the_right_connections() {
    let _machine = alone();
    let server = Server::start();
    // Connections of both kinds: these move nothing while llmtop is stopped,
    let mut quiet = Load::start(&server.https(), 4);
    // and these move all they can.
    let mut busy = Load::start(&server.https(), 12);
    let llmtop = Llmtop::json(&[quiet.pid(), busy.pid()], &[]);
    let quiet_before = quiet.round(Round { marker: "before", calls: 2, options: "", padding: 0 });

    busy.begin(Round { marker: "busy", calls: 25, options: "bytes=4000000", padding: 100_000 });
    busy.next().expect("a call");
    llmtop.signal(Signal::STOP);
    std::thread::sleep(Duration::from_secs(5));
    llmtop.signal(Signal::CONT);
    let during = busy.rest();

    // What it missed fills the ring still, and the pipeline: until that is
    // through, more is lost, and counted.
    let settled = || {
        let lines = llmtop.lines();
        let is_whole = |line: &&Value| {
            let text = line.pointer("/response/text").and_then(Value::as_str);
            line["state"] == "complete" && text.is_some_and(|text| text.starts_with("settling"))
        };
        lines.iter().filter(is_whole).count()
    };
    eventually("llmtop catches up", || {
        let before = settled();
        busy.round(Round { marker: "settling", calls: 1, options: "", padding: 0 });
        std::thread::sleep(Duration::from_secs(1));
        (settled() >= before + 12).then_some(())
    });

    // The same connections, and clean again.
    let clean = Round { marker: "after", calls: 5, options: "", padding: 0 };
    let quiet_after = quiet.round(clean);
    let busy_after = busy.round(Round { marker: "later", ..clean });
    quiet.finish();
    busy.finish();
    let connections = server.connections(16);
    let report = llmtop.finish_after(4 * 7 + 12 * 5);

    let moved: u64 = connections.iter().map(|connection| connection.read + connection.wrote).sum();
    // None of these connections may be ignored.
    let captured = report.end["captured_bytes"].as_u64().unwrap();
    assert_eq!(captured + report.lost_bytes(), moved, "{}", report.end);
    assert!(report.lost_bytes() > 0, "the load was too small to prove anything: {}", report.end);

    let whole = |calls: &[LoadCall]| {
        for call in calls {
            let found = report.of_marker(&call.marker);
            assert_eq!(found.len(), 1, "{}", call.marker);
            check_whole(found[0], call);
        }
    };
    whole(&quiet_before);
    whole(&quiet_after);
    whole(&busy_after);
    let ports: HashSet<u16> = during.iter().map(|call| call.port).collect();
    for exchange in &report.exchanges {
        let lost = exchange.at("/connection/lost_bytes").as_u64().unwrap();
        let on_a_busy_one = port(exchange).is_some_and(|port| ports.contains(&port));
        assert!(
            lost == 0 || on_a_busy_one,
            "a gap on a connection that lost nothing: {exchange:?}"
        );
    }
    let marked =
        report.exchanges.iter().filter(|exchange| *exchange.at("/connection/lost_bytes") != 0);
    assert!(marked.count() > 0, "no exchange shows a gap");
}

#[test]
fn answers_are_told_while_they_stream() {
    let server = Server::start();
    let mut load = Load::start(&server.https(), 1);
    let llmtop = Llmtop::json_deltas(&[load.pid()]);
    load.begin(Round { marker: "held", calls: 1, options: "tokens=20 hold=1", padding: 0 });
    // The server waits in the middle of its answer, and so does the client.
    let told = eventually("the first half of the answer", || {
        let lines = llmtop.lines();
        let text: String = lines
            .iter()
            .filter(|line| line["schema"] == "llmtop.delta/1" && line["kind"] == "text")
            .map(|line| line["text"].as_str().unwrap())
            .collect();
        (text.len() > "held-0-0".len()).then_some(text)
    });
    assert!(told.starts_with("held-0-0"), "{told}");
    assert_eq!(llmtop.exchanges(), 0, "it is not over");
    server.release("held-0-0");
    let calls = load.rest();
    load.finish();
    let report = llmtop.finish_after(1);
    let text: String = report
        .deltas
        .iter()
        .filter(|line| line["kind"] == "text")
        .map(|line| line["text"].as_str().unwrap())
        .collect();
    assert_eq!(sha256(text.as_bytes()), calls[0].text_sha256, "the deltas make the text");
    assert!(report.deltas.iter().all(|delta| delta["id"] == *report.exchanges[0].at("/id")));
}
