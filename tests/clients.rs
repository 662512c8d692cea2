//! Every client, sync and async, streaming and not: exactly one exchange a
//! call, and it says what the client and the server know.

use crate::calls::{CHAT, Case, MESSAGES, RESPONSES, agree, check};
use crate::harness::{Server, Tool};

const CURL: &[Case] = &[
    (Tool::Curl, CHAT, false, ""),
    (Tool::Curl, CHAT, true, ""),
    (Tool::Curl, CHAT, true, "gzip=1"),
];

const WGET: &[Case] = &[
    (Tool::Wget, CHAT, false, ""),
    (Tool::Wget, CHAT, true, ""),
    (Tool::Wget, CHAT, false, "tokens=2000"),
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

/// The harness itself: without llmtop, every client prints what the server sent.
#[test]
fn clients_print_what_the_server_sent() {
    for cases in [CURL, WGET, PYTHON, PYTHON_SDKS, NODE, ERRORS] {
        let server = Server::start();
        assert!(agree(&server, &server.https(), cases).iter().all(|sent| sent.tls));
    }
    let server = Server::start();
    assert!(!agree(&server, &server.http(), CURL).iter().any(|sent| sent.tls));
}

#[test]
fn curl() {
    check(CURL);
}

#[test]
fn wget() {
    check(WGET);
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
