//! Calls by a table: made by real clients while llmtop watches, and compared
//! with what the client printed and the server logged.

use serde_json::{Value, json};

use crate::harness::{Ask, Call, Client, Exchange, Llmtop, RequestLog, Server, Tool};

pub(crate) const CHAT: &str = "openai.chat";
pub(crate) const RESPONSES: &str = "openai.responses";
pub(crate) const MESSAGES: &str = "anthropic.messages";

/// A client, what it asks, whether for a stream, and how the answer is to be.
pub(crate) type Case = (Tool, &'static str, bool, &'static str);

/// What is to be shown of a call.
struct Expected {
    pid: u32,
    comm: String,
    tool: Tool,
    ask: Ask,
    sent: RequestLog,
}

fn spawn(cases: &[Case], base: &str) -> Vec<Client> {
    let client = |(index, &(tool, dialect, stream, options)): (usize, &Case)| {
        let calls = if tool.calls_once() { 1 } else { 2 };
        let marker = format!("m{index:02}");
        Client::spawn(tool, base, Ask { dialect, stream, calls, marker, options })
    };
    cases.iter().enumerate().map(client).collect()
}

/// Lets all of them call, and proves that each understood what the server sent.
fn make(server: &Server, mut clients: Vec<Client>) -> Vec<Expected> {
    for client in &mut clients {
        client.go();
    }
    let mut made = Vec::new();
    for client in clients {
        let (pid, comm, tool, ask) =
            (client.pid(), client.comm(), client.tool(), client.ask().clone());
        for call in client.finish() {
            let sent = agreed(server, tool, &ask, &call);
            made.push(Expected { pid, comm: comm.clone(), tool, ask: ask.clone(), sent });
        }
    }
    made
}

/// The server's side of a call, after proving that the client understood it.
pub(crate) fn agreed(server: &Server, tool: Tool, ask: &Ask, call: &Call) -> RequestLog {
    let sent = server.request(&call.marker);
    assert_eq!(call.status, sent.status, "{tool:?} {ask:?}");
    assert_eq!(call.text, sent.text.clone().unwrap_or_default(), "{tool:?} {ask:?}");
    assert_eq!(call.usage.is_some(), sent.usage.is_some(), "{tool:?} {ask:?}: {:?}", call.usage);
    assert_eq!(sent.dialect, ask.dialect);
    assert_eq!(sent.stream, ask.stream, "{tool:?} {ask:?}");
    sent
}

/// Without llmtop: every client prints what the server sent.
pub(crate) fn agree(server: &Server, base: &str, cases: &[Case]) -> Vec<RequestLog> {
    make(server, spawn(cases, base)).into_iter().map(|made| made.sent).collect()
}

/// With llmtop: exactly one exchange a call, which says what the client and the
/// server know.
pub(crate) fn check(cases: &[Case]) {
    check_where_used(cases, &[]);
}

/// The same, of programs whose files are probed as soon as somebody runs them: these
/// do.
pub(crate) fn check_where_used(cases: &[Case], users: &[u32]) {
    let server = Server::start();
    let clients = spawn(cases, &server.https());
    let mut watched: Vec<u32> = clients.iter().map(Client::pid).collect();
    // The server is an OpenSSL program too: both ends are seen.
    watched.push(server.pid());
    watched.extend(users);
    let llmtop = Llmtop::json(&watched, &[]);
    let made = make(&server, clients);
    let report = llmtop.finish_after(made.len());
    let mut wrong = Vec::new();
    for call in &made {
        let (marker, tool) = (&call.sent.marker, call.tool);
        let found = report.of_marker(marker);
        if found.len() != 1 {
            wrong.push(format!("{marker} {tool:?}: {} exchanges, not one", found.len()));
        }
        for exchange in found {
            let differences = differences(exchange, call, server.pid());
            wrong.extend(
                differences
                    .into_iter()
                    .map(|text| format!("{marker} {tool:?} {:?}: {text}", call.ask)),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(report.exchanges.len(), made.len(), "an exchange nobody made");
    assert_eq!(report.lost_bytes(), 0);
}

/// What llmtop says otherwise than the client and the server.
fn differences(shown: &Exchange, call: &Expected, server: u32) -> Vec<String> {
    let sent = &call.sent;
    let mut wrong = Vec::new();
    let mut same = |field: &str, expected: Value| {
        let found = shown.at(field);
        if *found != expected {
            wrong.push(format!("{field} is {found}, not {expected}"));
        }
    };
    same("/schema", "llmtop.exchange/1".into());
    same("/state", "complete".into());
    same("/process/pid", call.pid.into());
    same("/process/comm", call.comm.as_str().into());
    same("/connection/role", "client".into());
    same("/connection/tls", call.tool.tls().into());
    same("/connection/protocol", call.tool.protocol().into());
    same("/connection/server_name", "localhost".into());
    same("/connection/local", sent.peer.clone().into());
    same("/connection/peer", sent.local.clone().into());
    same("/connection/peer_process/pid", server.into());
    same("/connection/lost_bytes", 0.into());
    same("/connection/joined_midway", false.into());
    same("/dialect", sent.dialect.clone().into());
    // A message of a WebSocket has no status, and its upgrade's method and URL.
    let (method, scheme, status) = match call.tool.protocol() {
        "websocket" => ("GET", "wss", Value::Null),
        _ => ("POST", "https", sent.status.into()),
    };
    same("/request/method", method.into());
    let port = port_of(&sent.local);
    same("/request/url", format!("{scheme}://localhost:{port}{}", sent.path).into());
    same("/request/model", sent.model.clone().into());
    same("/request/stream", sent.stream.into());
    same("/request/body", sent.body.clone().unwrap());
    if !call.tool.compresses() {
        same("/request/body_bytes", sent.body_bytes.into());
    }
    same("/response/status", status);
    same("/response/text", sent.text.clone().into());
    same("/response/reasoning", sent.reasoning.clone().into());
    if sent.status == 200 {
        same("/response/tool_calls", sent.tool_calls.clone().into());
        same("/error", Value::Null);
        same("/usage/source", "reported".into());
        for (kind, tokens) in sent.usage.as_ref().unwrap().as_object().unwrap() {
            same(&format!("/usage/{kind}"), tokens.clone());
        }
    } else {
        same("/error/message", format!("refused {}", sent.marker).into());
    }
    same("/findings", json!([]));
    wrong
}

fn port_of(address: &str) -> &str {
    address.rsplit_once(':').unwrap().1
}
