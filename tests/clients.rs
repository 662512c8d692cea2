//! Every client, sync and async, streaming and not: exactly one exchange a
//! call, and it says what the client and the server know.

use crate::harness::{Ask, Call, Client, Exchange, Llmtop, RequestLog, Server, Tool};

const CHAT: &str = "openai.chat";
const RESPONSES: &str = "openai.responses";
const MESSAGES: &str = "anthropic.messages";

/// A client, what it asks, and how the answer is to be.
type Case = (Tool, &'static str, bool, &'static str);

const CURL: &[Case] = &[
    (Tool::Curl, CHAT, false, ""),
    (Tool::Curl, CHAT, true, ""),
    (Tool::Curl, CHAT, true, "gzip=1"),
];

const PYTHON: &[Case] = &[
    (Tool::Python("requests"), CHAT, false, "gzip=1"),
    (Tool::Python("requests"), CHAT, true, ""),
    (Tool::Python("httpx"), MESSAGES, false, ""),
    (Tool::Python("httpx"), MESSAGES, true, "gzip=1 reasoning=1"),
    (Tool::Python("httpx-async"), RESPONSES, false, ""),
    (Tool::Python("httpx-async"), RESPONSES, true, "tools=2"),
    (Tool::Python("aiohttp"), CHAT, false, "tools=1"),
    (Tool::Python("aiohttp"), CHAT, true, "gzip=1"),
];

const PYTHON_SDKS: &[Case] = &[
    (Tool::Python("openai"), CHAT, false, ""),
    (Tool::Python("openai"), CHAT, true, "tools=2"),
    (Tool::Python("openai"), RESPONSES, false, "reasoning=1 tools=1"),
    (Tool::Python("openai"), RESPONSES, true, "reasoning=1"),
    (Tool::Python("openai-async"), CHAT, false, "gzip=1"),
    (Tool::Python("openai-async"), CHAT, true, "gzip=1"),
    (Tool::Python("openai-async"), RESPONSES, false, ""),
    (Tool::Python("openai-async"), RESPONSES, true, "tools=2 gzip=1"),
    (Tool::Python("anthropic"), MESSAGES, false, "reasoning=1 tools=1"),
    (Tool::Python("anthropic"), MESSAGES, true, "reasoning=1 tools=2"),
    (Tool::Python("anthropic-async"), MESSAGES, false, ""),
    (Tool::Python("anthropic-async"), MESSAGES, true, "gzip=1"),
];

const NODE: &[Case] = &[
    (Tool::Node("fetch"), CHAT, false, "gzip=1"),
    (Tool::Node("fetch"), CHAT, true, ""),
    (Tool::Node("https"), MESSAGES, false, ""),
    (Tool::Node("https"), MESSAGES, true, "tools=1"),
    (Tool::Node("openai"), CHAT, false, ""),
    (Tool::Node("openai"), CHAT, true, "gzip=1"),
    (Tool::Node("openai"), RESPONSES, false, "tools=1"),
    (Tool::Node("openai"), RESPONSES, true, "reasoning=1"),
    (Tool::Node("anthropic"), MESSAGES, false, "gzip=1"),
    (Tool::Node("anthropic"), MESSAGES, true, "reasoning=1 tools=2"),
];

/// API errors, in every dialect: exchanges like others.
const ERRORS: &[Case] = &[
    (Tool::Curl, CHAT, true, "status=500"),
    (Tool::Python("openai"), CHAT, true, "status=429"),
    (Tool::Python("openai"), RESPONSES, false, "status=401"),
    (Tool::Node("anthropic"), MESSAGES, true, "status=429"),
];

fn spawn(cases: &[Case], base: &str) -> Vec<Client> {
    let client = |(index, &(tool, dialect, stream, options)): (usize, &Case)| {
        let calls = if tool == Tool::Curl { 1 } else { 2 };
        let marker = format!("m{index:02}");
        Client::spawn(tool, base, Ask { dialect, stream, calls, marker, options })
    };
    cases.iter().enumerate().map(client).collect()
}

/// The server's side of a call, after proving that the client understood it.
fn agreed(server: &Server, client: &Ask, call: &Call) -> RequestLog {
    let sent = server.request(&call.marker);
    assert_eq!(call.status, sent.status, "{client:?}");
    assert_eq!(call.text, sent.text.clone().unwrap_or_default(), "{client:?}");
    assert_eq!(call.usage.is_some(), sent.usage.is_some(), "{client:?}: {:?}", call.usage);
    assert_eq!(sent.dialect, client.dialect);
    sent
}

fn check(cases: &[Case]) {
    let server = Server::start();
    let mut clients = spawn(cases, &server.https());
    let mut watched: Vec<u32> = clients.iter().map(Client::pid).collect();
    // The server is an OpenSSL program too: both ends are seen.
    watched.push(server.pid());
    let llmtop = Llmtop::json(&watched, &[]);
    let mut expected = Vec::new();
    for client in &mut clients {
        client.go();
    }
    for client in clients {
        let (pid, comm, ask) = (client.pid(), client.comm(), client.ask().clone());
        for call in client.finish() {
            expected.push((pid, comm.clone(), ask.clone(), agreed(&server, &ask, &call)));
        }
    }
    let report = llmtop.finish_after(expected.len());
    let mut wrong = Vec::new();
    for (pid, comm, ask, sent) in &expected {
        let found = report.of_marker(&sent.marker);
        if found.len() != 1 {
            wrong.push(format!("{ask:?}: {} exchanges, not one, of {}", found.len(), sent.marker));
        }
        for exchange in found {
            let differences = differences(exchange, *pid, comm, sent, server.pid());
            wrong.extend(
                differences.into_iter().map(|text| format!("{} {ask:?}: {text}", sent.marker)),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(report.exchanges.len(), expected.len(), "an exchange nobody made");
    assert_eq!(report.lost_bytes(), 0);
}

/// What llmtop says otherwise than the client and the server.
fn differences(
    shown: &Exchange,
    pid: u32,
    comm: &str,
    sent: &RequestLog,
    server: u32,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut same = |field: &str, expected: serde_json::Value| {
        let found = shown.at(field);
        if *found != expected {
            wrong.push(format!("{field} is {found}, not {expected}"));
        }
    };
    same("/schema", "llmtop.exchange/1".into());
    same("/state", "complete".into());
    same("/process/pid", pid.into());
    same("/process/comm", comm.into());
    same("/connection/role", "client".into());
    same("/connection/tls", "openssl".into());
    same("/connection/protocol", "http/1.1".into());
    same("/connection/server_name", "localhost".into());
    same("/connection/local", sent.peer.clone().into());
    same("/connection/peer", sent.local.clone().into());
    same("/connection/peer_process/pid", server.into());
    same("/connection/lost_bytes", 0.into());
    same("/connection/joined_midway", false.into());
    same("/dialect", sent.dialect.clone().into());
    same("/request/method", "POST".into());
    same("/request/url", format!("https://localhost:{}{}", port_of(&sent.local), sent.path).into());
    same("/request/stream", asked_to_stream(sent).into());
    same("/request/body", sent.body.clone().unwrap());
    same("/request/body_bytes", sent.body_bytes.into());
    same("/response/status", sent.status.into());
    same("/response/text", sent.text.clone().into());
    same("/response/reasoning", sent.reasoning.clone().into());
    if sent.status == 200 {
        same("/response/tool_calls", sent.tool_calls.clone().into());
        same("/error", serde_json::Value::Null);
        same("/usage/source", "reported".into());
        for (kind, tokens) in sent.usage.as_ref().unwrap().as_object().unwrap() {
            same(&format!("/usage/{kind}"), tokens.clone());
        }
    } else {
        same("/error/message", format!("refused {}", sent.marker).into());
    }
    wrong
}

fn port_of(address: &str) -> &str {
    address.rsplit_once(':').unwrap().1
}

/// What the request asked for, whatever the answer was.
fn asked_to_stream(sent: &RequestLog) -> bool {
    sent.body.as_ref().unwrap()["stream"].as_bool().unwrap_or(false)
}

/// The harness itself: without llmtop, every client prints what the server sent.
#[test]
fn clients_print_what_the_server_sent() {
    for cases in [CURL, PYTHON, PYTHON_SDKS, NODE, ERRORS] {
        let server = Server::start();
        for mut client in spawn(cases, &server.https()) {
            let ask = client.ask().clone();
            client.go();
            for call in client.finish() {
                assert!(agreed(&server, &ask, &call).tls);
            }
        }
    }
    let server = Server::start();
    for mut client in spawn(CURL, &server.http()) {
        let ask = client.ask().clone();
        client.go();
        for call in client.finish() {
            assert!(!agreed(&server, &ask, &call).tls);
        }
    }
}

#[test]
fn curl() {
    check(CURL);
}

#[test]
fn python() {
    check(PYTHON);
}

#[test]
fn python_sdks() {
    check(PYTHON_SDKS);
}

#[test]
fn node() {
    check(NODE);
}

#[test]
fn api_errors() {
    check(ERRORS);
}
