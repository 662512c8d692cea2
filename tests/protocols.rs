//! HTTP/2, WebSocket, gRPC and content codings, as real clients speak them.

use serde_json::Value;

use crate::calls::{CHAT, Case, MESSAGES, RESPONSES, agreed, check};
use crate::harness::{Ask, Llmtop, Server, Told, Tool};

const GEMINI: &str = "google.gemini";
const COHERE: &str = "cohere.chat";
const OLLAMA: &str = "ollama.chat";
const CONVERSE: &str = "bedrock.converse";

const HTTP2: &[Case] = &[
    (Tool::CurlHttp2, CHAT, false, "gzip=1"),
    (Tool::CurlHttp2, CHAT, true, ""),
    (Tool::Python("httpx-h2"), CHAT, true, "tools=1"),
    (Tool::Python("httpx-h2"), RESPONSES, false, "br=1"),
    (Tool::Python("httpx-async-h2"), MESSAGES, true, "reasoning=1 zstd=1"),
    (Tool::Node("undici-h2"), CHAT, false, "br=1"),
    (Tool::Node("undici-h2"), MESSAGES, true, "tools=2"),
];

const GRPC: &[Case] = &[
    (Tool::Node("grpc"), GEMINI, false, ""),
    (Tool::Node("grpc"), GEMINI, false, "gzip=1"),
    (Tool::Node("grpc"), GEMINI, true, ""),
    (Tool::Node("grpc"), GEMINI, true, "gzip=1"),
];

/// With permessage-deflate and without.
const WEBSOCKET: &[Case] = &[
    (Tool::Python("websockets"), RESPONSES, true, "tools=2"),
    (Tool::Python("websockets-threads"), RESPONSES, true, "reasoning=1"),
    (Tool::Python("websockets-plain"), RESPONSES, true, ""),
];

const CODINGS: &[Case] = &[
    (Tool::Curl, CHAT, true, "br=1"),
    (Tool::Curl, CHAT, true, "zstd=1"),
    (Tool::Curl, CHAT, false, "zstd=1"),
    (Tool::Python("httpx"), CHAT, true, "br=1"),
    (Tool::Python("httpx"), MESSAGES, true, "zstd=1"),
    (Tool::Python("httpx"), RESPONSES, true, "deflate=1"),
    (Tool::Node("fetch"), CHAT, true, "br=1"),
    (Tool::Python("httpx"), RESPONSES, true, "asked_in=zstd tools=1"),
    (Tool::Python("httpx-h2"), RESPONSES, true, "asked_in=zstd"),
];

/// Streams that are no server-sent events.
const FRAMINGS: &[Case] = &[
    (Tool::Python("httpx"), GEMINI, true, "zstd=1"),
    (Tool::Python("httpx"), OLLAMA, true, "tools=1"),
    (Tool::Python("httpx-h2"), COHERE, true, ""),
    (Tool::Python("httpx-h2"), CONVERSE, false, ""),
];

#[test]
fn http2() {
    check(HTTP2);
}

#[test]
fn websocket() {
    check(WEBSOCKET);
}

#[test]
fn grpc() {
    check(GRPC);
}

#[test]
fn framings() {
    check(FRAMINGS);
}

#[test]
fn content_codings() {
    check(CODINGS);
}

/// llmtop comes when the connection has been in use; what it then shows of
/// each call is whole.
fn check_joined(tool: Tool) {
    let server = Server::start();
    let ask =
        Ask { dialect: CHAT, stream: true, calls: 4, marker: "joined".to_owned(), options: "" };
    let mut client = Told::spawn(tool, &server.https(), &ask);
    // The tables of header compression fill unseen.
    for _ in 0..2 {
        agreed(&server, tool, &ask, &client.call());
    }
    // The server waits in a read that began before any probe: of the first
    // request its end sees nothing. Neither end knows its addresses.
    let llmtop = Llmtop::json(&[client.pid(), server.pid()], &[]);
    let sent = [(); 2].map(|()| agreed(&server, tool, &ask, &client.call()));
    client.finish();
    let report = llmtop.finish_after(sent.len());
    assert_eq!(report.exchanges.len(), sent.len(), "{:#?}", report.exchanges);
    for (exchange, sent) in report.exchanges.iter().zip(&sent) {
        assert_eq!(sent.peer, server.request("joined-0").peer, "one connection");
        let expected = [
            ("/state", Value::from("complete")),
            ("/connection/protocol", "h2".into()),
            ("/connection/role", "client".into()),
            ("/connection/joined_midway", true.into()),
            ("/connection/lost_bytes", 0.into()),
            ("/connection/peer_process/pid", server.pid().into()),
            ("/dialect", CHAT.into()),
            ("/request/model", sent.model.clone().into()),
            ("/request/body", sent.body.clone().unwrap()),
            ("/response/text", sent.text.clone().into()),
            ("/response/finish_reason", "stop".into()),
            ("/usage/source", "reported".into()),
        ];
        let usage = sent.usage.as_ref().unwrap().as_object().unwrap();
        let usage = usage.iter().map(|(kind, tokens)| (format!("/usage/{kind}"), tokens.clone()));
        let expected = expected.map(|(field, value)| (field.to_owned(), value));
        for (field, expected) in expected.into_iter().chain(usage) {
            assert_eq!(*exchange.at(&field), expected, "{field} of {} by {tool:?}", sent.marker);
        }
    }
}

#[test]
fn http2_joined_in_use() {
    check_joined(Tool::Python("httpx-h2"));
    check_joined(Tool::Node("undici-h2"));
}
