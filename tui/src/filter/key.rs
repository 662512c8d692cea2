//! The table of keys: what a filter can ask about an exchange.

use std::fmt::Write as _;

use super::read::{self, Figure, Flag, Texts};

/// Something a filter can ask about an exchange.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// What its values are, and where they are read.
    pub kind: Kind,
    /// What it is, in a line.
    pub help: &'static str,
    /// From when on it does not change.
    pub(super) known: Known,
    /// It is read from bodies and texts, not from facts.
    pub(super) heavy: bool,
}

/// What the values of a key are.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Any text.
    Text(Texts),
    /// One of these words.
    Words(&'static [&'static str], Texts),
    /// A count.
    Count(Figure),
    /// An HTTP status.
    Status(Figure),
    /// Bytes.
    Bytes(Figure),
    /// Milliseconds.
    Time(Figure),
    /// US dollars.
    Money(Figure),
    /// Yes or no.
    Flag(Flag),
    /// A user's number.
    User(Figure),
}

/// From when on the value of a key does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// From the beginning.
    Always,
    /// Once the request was sent.
    Asked,
    /// Only at the end; until then more may come, and nothing goes away.
    Grows,
    /// Only at the end.
    Ended,
}

impl Kind {
    /// How the documentation calls it.
    pub fn name(&self) -> &'static str {
        match self {
            Text(_) => "text",
            Words(..) => "word",
            Count(_) => "number",
            Status(_) => "status",
            Bytes(_) => "size",
            Time(_) => "time",
            Money(_) => "dollars",
            Kind::Flag(_) => "yes or no",
            Kind::User(_) => "user",
        }
    }
}

impl Key {
    /// A key by its name or another name for it.
    pub fn named(name: &str) -> Option<&'static Key> {
        KEYS.iter().find(|key| key.names().any(|known| known.eq_ignore_ascii_case(name)))
    }

    /// Its name, then the others.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }

    const fn heavy(mut self) -> Self {
        self.heavy = true;
        self
    }
}

const fn key(
    name: &'static str,
    aliases: &'static [&'static str],
    kind: Kind,
    known: Known,
    help: &'static str,
) -> Key {
    Key { name, aliases, kind, help, known, heavy: false }
}

use Kind::{Bytes, Count, Money, Status, Text, Time, Words};
use Known::{Always, Asked, Ended, Grows};

/// Every key, in the order in which the documentation has them.
pub static KEYS: &[Key] = &[
    key("proc", &["process", "comm"], Text(read::comm), Always, "name of the process"),
    key("pid", &[], Count(read::pid), Always, "process id"),
    key("exe", &[], Text(read::exe), Always, "path of its executable"),
    key("args", &["cmdline"], Text(read::args), Always, "its arguments, credentials redacted"),
    key("user", &["uid"], Kind::User(read::uid), Always, "its user, by name or number"),
    key("container", &[], Text(read::container), Always, "id of its container"),
    key("peer", &[], Text(read::peer), Ended, "address or process at the other end"),
    key("role", &[], Words(read::ROLES, read::role), Always, "which end the process is"),
    key("tls", &[], Words(read::TLS, read::tls), Always, "whose plaintext it is"),
    key("protocol", &["proto"], Words(read::PROTOCOLS, read::protocol), Always, "what carries it"),
    key("conn", &["connection"], Count(read::conn), Always, "number of the connection"),
    key("id", &[], Text(read::id), Always, "id of the exchange, as JSON has it"),
    key("conversation", &["conv"], Text(read::conversation), Grows, "its conversation: `c1`"),
    key("llm", &[], Kind::Flag(read::llm), Ended, "whether it is an exchange with a model"),
    key("model", &[], Text(read::model), Grows, "model asked for, or model that answered"),
    key("provider", &[], Text(read::provider), Grows, "who serves it: `anthropic`"),
    key("dialect", &["api"], Text(read::dialect), Grows, "shape of the API: `openai.chat`"),
    key("operation", &["op"], Text(read::operation), Grows, "`chat`, `embeddings`, ..."),
    key(
        "agent",
        &[],
        Text(read::agent),
        Asked,
        "agent that asks: its id, parent, kind, or the client's name",
    ),
    key("state", &[], Words(read::STATES, read::state), Ended, "how far it has come"),
    key("status", &["code"], Status(read::status), Ended, "HTTP status"),
    key("failed", &[], Kind::Flag(read::failed), Ended, "cut off, an error, or a status of 400 up"),
    key("error", &[], Text(read::error), Grows, "kind or message of the error"),
    key("finding", &[], Text(read::finding), Grows, "what deserves a second look"),
    key("finish", &["finish_reason"], Text(read::finish), Ended, "why the answer ended"),
    key("method", &[], Text(read::method), Asked, "HTTP method"),
    key("host", &["server"], Text(read::host), Asked, "host that is asked"),
    key("url", &["path"], Text(read::url), Asked, "URL, credentials redacted"),
    key("header", &["headers"], Text(read::header), Grows, "`name: value`, credentials redacted"),
    key("stream", &[], Kind::Flag(read::stream), Asked, "whether a streamed answer was asked for"),
    key("retry", &["retries"], Count(read::retry), Asked, "attempts before, where the client says"),
    key("prompt", &["messages"], Text(read::prompt), Asked, "texts of the request's messages")
        .heavy(),
    key("request", &["body"], Text(read::request), Asked, "body of the request, as sent").heavy(),
    key("text", &["answer"], Text(read::text), Grows, "text of the answer").heavy(),
    key("reasoning", &["thinking"], Text(read::reasoning), Grows, "its reasoning").heavy(),
    key("tool", &["tools"], Text(read::tool), Grows, "name of a tool the answer calls"),
    key("call", &["arguments"], Text(read::call), Ended, "arguments of such a call").heavy(),
    key("response", &[], Text(read::response), Ended, "body of the response, as received").heavy(),
    key("tokens", &["total"], Count(read::tokens), Ended, "tokens in and out"),
    key("input", &["in"], Count(read::input), Ended, "tokens in, those of caches too"),
    key("output", &["out"], Count(read::output), Ended, "tokens out, reasoning too"),
    key("cached", &["cache_read"], Count(read::cached), Ended, "tokens read from a cache"),
    key("cache_write", &[], Count(read::cache_write), Ended, "tokens written to a cache"),
    key("reasoning_tokens", &[], Count(read::reasoning_tokens), Ended, "tokens of reasoning"),
    key("usage", &[], Words(read::USAGE, read::usage), Ended, "where its tokens come from"),
    key("cost", &["usd", "price"], Money(read::cost), Ended, "US dollars, where known"),
    key("ttft", &["first_token"], Time(read::ttft), Ended, "time to the first token"),
    key("ttfb", &["first_byte"], Time(read::ttfb), Ended, "time to the first byte"),
    key("duration", &["took", "time"], Time(read::duration), Ended, "time to the end"),
    key("events", &[], Count(read::events), Ended, "events of the stream"),
    key("bytes", &["size"], Bytes(read::bytes), Ended, "bytes of both bodies, as sent"),
    key("sent", &["request_bytes"], Bytes(read::sent), Ended, "bytes of the request's body"),
    key("received", &["response_bytes"], Bytes(read::received), Ended, "bytes of the response's"),
    key("lost", &[], Bytes(read::lost), Ended, "bytes of it that were not captured"),
    key("midway", &[], Kind::Flag(read::midway), Always, "whether its beginning was not seen"),
];

/// The keys as lines for a terminal.
pub fn reference() -> String {
    let mut lines = String::new();
    for key in KEYS {
        let names: Vec<_> = key.names().collect();
        let names = names.join(", ");
        let words = match key.kind {
            Words(words, _) => format!(": {}", words.join(", ")),
            _ => String::new(),
        };
        let _ = writeln!(lines, "  {names:<24} {}{words}", key.help);
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{KEYS, Key};

    #[test]
    fn a_name_means_one_key() {
        let mut taken = HashSet::new();
        for key in KEYS {
            for name in key.names() {
                assert!(taken.insert(name), "{name} is taken twice");
                assert_eq!(Key::named(name).map(|found| found.name), Some(key.name));
                assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
            }
            assert!(!key.help.is_empty());
        }
    }

    #[test]
    fn the_documentation_has_every_key() {
        let page = include_str!("../../../docs/filters.md");
        let mut rows = String::new();
        for key in KEYS {
            let names: Vec<_> = key.names().map(|name| format!("`{name}`")).collect();
            let words = match key.kind {
                super::Kind::Words(words, _) => format!(": `{}`", words.join("`, `")),
                _ => String::new(),
            };
            let names = names.join(", ");
            rows += &format!("| {names} | {} | {}{words} |\n", key.kind.name(), key.help);
        }
        assert!(page.contains(&rows), "docs/filters.md has to contain:\n{rows}");
    }
}
