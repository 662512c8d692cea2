//! What values are called, as the JSON contract has it.

use llmtop_parsers::{CostSource, Protocol, Role, State, UsageSource};
use llmtop_probe::Tls;

/// A TLS implementation.
pub fn tls(tls: Tls) -> &'static str {
    match tls {
        Tls::Openssl => "openssl",
        Tls::Boringssl => "boringssl",
        Tls::Gnutls => "gnutls",
        Tls::Nss => "nss",
        Tls::Go => "go",
        Tls::Rustls => "rustls",
        Tls::None => "none",
    }
}

/// What carries an exchange.
pub fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http1 => "http/1.1",
        Protocol::Http2 => "h2",
        Protocol::WebSocket => "websocket",
        Protocol::Stdio => "stdio",
    }
}

/// How far an exchange has come.
pub fn state(state: State) -> &'static str {
    match state {
        State::Pending => "pending",
        State::Streaming => "streaming",
        State::Complete => "complete",
        State::Aborted => "aborted",
    }
}

/// Which end a process is.
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Client => "client",
        Role::Server => "server",
    }
}

/// Where token figures come from.
pub fn usage_source(source: UsageSource) -> &'static str {
    match source {
        UsageSource::Reported => "reported",
        UsageSource::Estimated => "estimated",
        UsageSource::None => "none",
    }
}

/// Where a cost comes from.
pub fn cost_source(source: CostSource) -> &'static str {
    match source {
        CostSource::Reported => "reported",
        CostSource::Priced => "priced",
        CostSource::Unpriced => "unpriced",
    }
}
