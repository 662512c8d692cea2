//! Where the keys of a filter read an exchange.

use llmtop_parsers::llm::Part;
use llmtop_parsers::{Timestamp, redact};

use crate::store::{Seen, canonical, client, is_failed, messages, words};

/// Gives texts to a test until it says yes; whether it did.
pub type Texts = fn(&Seen<'_>, &mut dyn FnMut(&[u8]) -> bool) -> bool;

/// A figure, where it is known.
pub type Figure = fn(&Seen<'_>) -> Option<f64>;

/// Yes or no, where it is known.
pub type Flag = fn(&Seen<'_>) -> Option<bool>;

type Test<'t> = &'t mut dyn FnMut(&[u8]) -> bool;

pub(super) const ROLES: &[&str] = &["client", "server"];
pub(super) const TLS: &[&str] = &["openssl", "boringssl", "gnutls", "nss", "go", "rustls", "none"];
pub(super) const PROTOCOLS: &[&str] = &["http/1.1", "h2", "websocket", "stdio"];
pub(super) const STATES: &[&str] = &["pending", "streaming", "complete", "aborted"];
pub(super) const USAGE: &[&str] = &["reported", "estimated", "none"];

/// Everything a person may have read: what a word without a key is searched in.
pub(super) fn everything(seen: &Seen<'_>, test: Test<'_>) -> bool {
    // Cheap ones first.
    const FACTS: [Texts; 14] = [
        comm,
        model,
        provider,
        dialect,
        host,
        url,
        finish,
        error,
        finding,
        tool,
        agent,
        id,
        peer,
        conversation,
    ];
    const TEXTS: [Texts; 4] = [text, reasoning, call, asked];
    FACTS.iter().chain(&TEXTS).any(|read| read(seen, test))
}

/// Bytes of what [`everything`] and the other heavy keys look at.
pub(super) fn size(seen: &Seen<'_>) -> usize {
    let exchange = &seen.record.exchange;
    let bodies = [&exchange.request.body, &exchange.response.body];
    let texts = [&exchange.response.text, &exchange.response.reasoning];
    bodies.into_iter().flatten().map(|body| body.bytes.len()).sum::<usize>()
        + texts.into_iter().flatten().map(String::len).sum::<usize>()
}

fn all<'a, T: AsRef<[u8]> + 'a>(texts: impl IntoIterator<Item = T>, test: Test<'_>) -> bool {
    texts.into_iter().any(|text| test(text.as_ref()))
}

pub(super) fn comm(seen: &Seen<'_>, test: Test<'_>) -> bool {
    test(seen.process.comm.as_bytes())
}

pub(super) fn exe(seen: &Seen<'_>, test: Test<'_>) -> bool {
    all(seen.process.exe.as_deref(), test)
}

pub(super) fn args(seen: &Seen<'_>, test: Test<'_>) -> bool {
    test(redact::args(&seen.process.args).join(" ").as_bytes())
}

pub(super) fn container(seen: &Seen<'_>, test: Test<'_>) -> bool {
    all(seen.process.container.as_deref(), test)
}

pub(super) fn peer(seen: &Seen<'_>, test: Test<'_>) -> bool {
    let address = seen.connection.endpoint.peer.map(|peer| canonical(peer).to_string());
    all(address, test) || all(seen.peer_process.map(|peer| peer.comm.as_str()), test)
}

pub(super) fn role(seen: &Seen<'_>, test: Test<'_>) -> bool {
    test(words::role(seen.record.exchange.role).as_bytes())
}

pub(super) fn tls(seen: &Seen<'_>, test: Test<'_>) -> bool {
    test(words::tls(seen.connection.tls).as_bytes())
}

pub(super) fn protocol(seen: &Seen<'_>, test: Test<'_>) -> bool {
    test(words::protocol(seen.record.exchange.protocol).as_bytes())
}

pub(super) fn state(seen: &Seen<'_>, test: Test<'_>) -> bool {
    test(words::state(seen.record.exchange.state).as_bytes())
}

pub(super) fn usage(seen: &Seen<'_>, test: Test<'_>) -> bool {
    test(words::usage_source(seen.record.exchange.usage.source).as_bytes())
}

pub(super) fn id(seen: &Seen<'_>, test: Test<'_>) -> bool {
    test(seen.record.ulid.as_bytes())
}

pub(super) fn conversation(seen: &Seen<'_>, test: Test<'_>) -> bool {
    all(seen.record.conversation.map(|it| format!("c{}", it.0)), test)
}

pub(super) fn model(seen: &Seen<'_>, test: Test<'_>) -> bool {
    let exchange = &seen.record.exchange;
    all(exchange.request.model.iter().chain(&exchange.response.model), test)
}

pub(super) fn provider(seen: &Seen<'_>, test: Test<'_>) -> bool {
    all(seen.record.exchange.provider, test)
}

pub(super) fn dialect(seen: &Seen<'_>, test: Test<'_>) -> bool {
    all(seen.record.exchange.dialect, test)
}

pub(super) fn operation(seen: &Seen<'_>, test: Test<'_>) -> bool {
    all(seen.record.exchange.operation, test)
}

pub(super) fn agent(seen: &Seen<'_>, test: Test<'_>) -> bool {
    let exchange = &seen.record.exchange;
    let agent = exchange.request.agent.iter();
    let named = agent.flat_map(|agent| [&agent.id, &agent.parent_id, &agent.kind]);
    all(named.flatten().map(String::as_str).chain(client(&exchange.request.headers)), test)
}

pub(super) fn error(seen: &Seen<'_>, test: Test<'_>) -> bool {
    let error = seen.record.exchange.error.as_ref();
    error.is_some_and(|error| all([&error.kind, &error.message].into_iter().flatten(), test))
}

pub(super) fn finding(seen: &Seen<'_>, test: Test<'_>) -> bool {
    let findings = seen.record.exchange.findings.iter();
    all(findings.flat_map(|finding| [finding.kind, finding.detail.as_str()]), test)
}

pub(super) fn finish(seen: &Seen<'_>, test: Test<'_>) -> bool {
    all(&seen.record.exchange.response.finish_reason, test)
}

pub(super) fn method(seen: &Seen<'_>, test: Test<'_>) -> bool {
    all(&seen.record.exchange.request.method, test)
}

pub(super) fn host(seen: &Seen<'_>, test: Test<'_>) -> bool {
    all(seen.host(), test)
}

pub(super) fn url(seen: &Seen<'_>, test: Test<'_>) -> bool {
    all(seen.url(false), test)
}

pub(super) fn header(seen: &Seen<'_>, test: Test<'_>) -> bool {
    let exchange = &seen.record.exchange;
    let headers = exchange.request.headers.iter().chain(&exchange.response.headers);
    all(headers.map(|(name, value)| format!("{name}: {}", redact::header(name, value))), test)
}

/// What people and tools say in a request.
pub(super) fn prompt(seen: &Seen<'_>, test: Test<'_>) -> bool {
    let exchange = &seen.record.exchange;
    let body = exchange.request.body.as_deref();
    let found = exchange.dialect.zip(body).and_then(|(dialect, body)| messages(dialect, body));
    let parts = found.iter().flatten().flat_map(|message| &message.parts);
    all(
        parts.filter_map(|part| match part {
            Part::Text(text) | Part::Reasoning(text) => Some(text.as_str()),
            Part::ToolCall(call) => Some(call.arguments.as_str()),
            Part::ToolResult { text, .. } => Some(text.as_str()),
            Part::Other { .. } => None,
        }),
        test,
    )
}

/// The messages of a request; the body where there are none.
fn asked(seen: &Seen<'_>, test: Test<'_>) -> bool {
    let mut any = false;
    let found = prompt(seen, &mut |text| {
        any = true;
        test(text)
    });
    found || (!any && request(seen, test))
}

pub(super) fn request(seen: &Seen<'_>, test: Test<'_>) -> bool {
    all(seen.record.exchange.request.body.as_deref().map(|body| &body.bytes), test)
}

pub(super) fn response(seen: &Seen<'_>, test: Test<'_>) -> bool {
    all(seen.record.exchange.response.body.as_deref().map(|body| &body.bytes), test)
}

pub(super) fn text(seen: &Seen<'_>, test: Test<'_>) -> bool {
    let response = &seen.record.exchange.response;
    all(response.text.iter().chain(&response.other_choices), test)
}

pub(super) fn reasoning(seen: &Seen<'_>, test: Test<'_>) -> bool {
    all(&seen.record.exchange.response.reasoning, test)
}

pub(super) fn tool(seen: &Seen<'_>, test: Test<'_>) -> bool {
    let calls = seen.record.exchange.response.tool_calls.iter();
    all(calls.filter_map(|call| call.name.as_deref()), test)
}

pub(super) fn call(seen: &Seen<'_>, test: Test<'_>) -> bool {
    let calls = seen.record.exchange.response.tool_calls.iter();
    all(calls.map(|call| call.arguments.as_str()), test)
}

pub(super) fn pid(seen: &Seen<'_>) -> Option<f64> {
    Some(f64::from(seen.process.pid))
}

pub(super) fn uid(seen: &Seen<'_>) -> Option<f64> {
    Some(f64::from(seen.process.uid))
}

pub(super) fn conn(seen: &Seen<'_>) -> Option<f64> {
    count(Some(seen.connection.id.0))
}

pub(super) fn status(seen: &Seen<'_>) -> Option<f64> {
    seen.record.exchange.response.status.map(f64::from)
}

pub(super) fn retry(seen: &Seen<'_>) -> Option<f64> {
    seen.record.exchange.request.retry.map(f64::from)
}

pub(super) fn llm(seen: &Seen<'_>) -> Option<bool> {
    Some(seen.record.exchange.dialect.is_some())
}

pub(super) fn failed(seen: &Seen<'_>) -> Option<bool> {
    Some(is_failed(&seen.record.exchange))
}

pub(super) fn stream(seen: &Seen<'_>) -> Option<bool> {
    seen.record.exchange.request.stream
}

pub(super) fn midway(seen: &Seen<'_>) -> Option<bool> {
    Some(seen.record.exchange.joined_midway)
}

pub(super) fn tokens(seen: &Seen<'_>) -> Option<f64> {
    let usage = &seen.record.exchange.usage;
    let known = [usage.input_tokens, usage.output_tokens].into_iter().flatten();
    known.reduce(u64::saturating_add).map(|sum| sum as f64)
}

pub(super) fn input(seen: &Seen<'_>) -> Option<f64> {
    count(seen.record.exchange.usage.input_tokens)
}

pub(super) fn output(seen: &Seen<'_>) -> Option<f64> {
    count(seen.record.exchange.usage.output_tokens)
}

pub(super) fn cached(seen: &Seen<'_>) -> Option<f64> {
    count(seen.record.exchange.usage.cache_read_tokens)
}

pub(super) fn cache_write(seen: &Seen<'_>) -> Option<f64> {
    count(seen.record.exchange.usage.cache_write_tokens)
}

pub(super) fn reasoning_tokens(seen: &Seen<'_>) -> Option<f64> {
    count(seen.record.exchange.usage.reasoning_tokens)
}

pub(super) fn cost(seen: &Seen<'_>) -> Option<f64> {
    seen.record.exchange.cost.usd
}

pub(super) fn ttft(seen: &Seen<'_>) -> Option<f64> {
    since(seen, seen.record.exchange.timing.first_token)
}

pub(super) fn ttfb(seen: &Seen<'_>) -> Option<f64> {
    since(seen, seen.record.exchange.timing.first_byte)
}

pub(super) fn duration(seen: &Seen<'_>) -> Option<f64> {
    since(seen, seen.record.exchange.timing.ended)
}

pub(super) fn events(seen: &Seen<'_>) -> Option<f64> {
    count(Some(seen.record.exchange.response.events))
}

pub(super) fn bytes(seen: &Seen<'_>) -> Option<f64> {
    let exchange = &seen.record.exchange;
    count(Some(exchange.request.body_bytes.saturating_add(exchange.response.body_bytes)))
}

pub(super) fn sent(seen: &Seen<'_>) -> Option<f64> {
    count(Some(seen.record.exchange.request.body_bytes))
}

pub(super) fn received(seen: &Seen<'_>) -> Option<f64> {
    count(Some(seen.record.exchange.response.body_bytes))
}

pub(super) fn lost(seen: &Seen<'_>) -> Option<f64> {
    count(Some(seen.record.exchange.lost_bytes))
}

/// Exact up to 2^53.
fn count(figure: Option<u64>) -> Option<f64> {
    figure.map(|figure| figure as f64)
}

fn since(seen: &Seen<'_>, at: Option<Timestamp>) -> Option<f64> {
    at.map(|at| at.millis_since(seen.record.exchange.timing.started))
}
