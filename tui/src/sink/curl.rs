//! A request as a command for a shell: `curl`, with the key in a variable.
//!
//! What was captured is quoted so that a POSIX shell takes it for text, and
//! curl for data: no value is a file name (`@`), a pattern, or another protocol.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use llmtop_parsers::{Body, Protocol, escape, redact};

use crate::store::Seen;

/// Headers that curl makes itself, or that are one connection's own.
const MADE: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Bytes that Linux takes in one argument (`MAX_ARG_STRLEN`), less what quotes
/// may add.
const ARGUMENT: usize = 60_000;

/// A script that sends the request again.
///
/// # Errors
/// Why there is none that would.
pub(super) fn script(seen: &Seen<'_>) -> Result<String, &'static str> {
    let exchange = &seen.record.exchange;
    let request = &exchange.request;
    if exchange.protocol == Protocol::WebSocket {
        return Err("curl sends no messages on a WebSocket");
    }
    if exchange.protocol == Protocol::Stdio {
        return Err("it was said on standard input, where curl sends nothing");
    }
    let (Some(method), Some(url)) = (request.method.as_deref(), seen.url(true)) else {
        return Err("the beginning of the request was not seen");
    };
    if !is_token(method) || !is_clean(&url) || !(url.starts_with("http")) {
        return Err("the request has no method or URL that curl could send");
    }
    let body = request.body.as_deref();
    if body.is_some_and(|body| !body.is_whole()) || exchange.joined_midway {
        return Err("the request was not captured whole");
    }
    let kind = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if kind.is_some_and(|(_, kind)| kind.contains("grpc") || kind.contains("proto")) {
        return Err(
            "the request was sent as Protocol Buffers, of which llmtop has the meaning only",
        );
    }

    let mut keys = Keys::of(exchange.provider);
    let mut command = String::from("curl --silent --show-error --no-buffer --globoff --compressed");
    command += " \\\n  --proto '=http,https'";
    let _ = write!(command, " \\\n  --request {}", quoted(method));
    let _ = write!(command, " \\\n  --url {}", keys.hidden(&redact::url(&url)));
    for (name, value) in &request.headers {
        let made = MADE.iter().any(|made| made.eq_ignore_ascii_case(name));
        if made || !is_token(name) || !is_clean(value) {
            continue;
        }
        let header = match redact::header(name, value) {
            Cow::Owned(shown) => keys.hidden(&format!("{name}: {shown}")),
            Cow::Borrowed("") => quoted(&format!("{name};")),
            Cow::Borrowed(value) => quoted(&format!("{name}: {value}")),
        };
        let _ = write!(command, " \\\n  --header {header}");
    }
    if !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        // Else curl would say that it is a form.
        command += " \\\n  --header 'content-type:'";
    }
    let mut script = String::from("#!/bin/sh\n");
    let _ = writeln!(script, "# The request of llmtop's exchange {}.", seen.record.ulid);
    for name in &keys.names {
        let _ = writeln!(script, ": \"${{{name}:?holds the credential}}\"");
    }
    script += &with_body(command, body);
    Ok(script)
}

/// The command with the body: as an argument where it is a readable text, else
/// from a document that no shell reads.
fn with_body(command: String, body: Option<&Body>) -> String {
    let Some(body) = body.filter(|body| !body.bytes.is_empty()) else {
        return format!("{command}\n");
    };
    match std::str::from_utf8(&body.bytes) {
        Ok(text) if text.len() <= ARGUMENT && is_clean(&text.replace('\n', "")) => {
            format!("{command} \\\n  --data-raw {}\n", quoted(text))
        }
        _ => {
            let mut script = format!(
                "base64 -d <<'LLMTOP_BODY' |\n{}LLMTOP_BODY\n",
                wrapped(&STANDARD.encode(&body.bytes))
            );
            let _ = writeln!(script, "{command} \\\n  --data-binary @-");
            script
        }
    }
}

/// In lines of 76 columns (RFC 2045), each ended.
fn wrapped(base64: &str) -> String {
    let mut lines = String::with_capacity(base64.len() + base64.len() / 76 + 1);
    let mut rest = base64;
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(76));
        lines.push_str(line);
        lines.push('\n');
        rest = more;
    }
    lines
}

/// The variables that stand for credentials.
struct Keys {
    /// The usual name for the provider's key.
    first: String,
    names: Vec<String>,
    /// Which credential each stands for.
    values: Vec<String>,
}

impl Keys {
    fn of(provider: Option<&str>) -> Self {
        let first = match provider {
            Some("gcp.gemini" | "gcp.gen_ai") => "GEMINI".to_owned(),
            Some(provider) => variable(provider),
            None => "LLM".to_owned(),
        };
        Keys { first: format!("{first}_API_KEY"), names: Vec::new(), values: Vec::new() }
    }

    /// The variable of a credential: one credential has one.
    fn name(&mut self, credential: &str) -> String {
        if let Some(at) = self.values.iter().position(|known| known == credential) {
            return self.names[at].clone();
        }
        let name = match self.names.len() {
            0 => self.first.clone(),
            before => format!("{}_{}", self.first, before + 1),
        };
        self.names.push(name.clone());
        self.values.push(credential.to_owned());
        name
    }

    /// A text whose credentials are redacted, with variables in their places.
    fn hidden(&mut self, shown: &str) -> String {
        const MARK: &str = "<redacted:";
        let mut out = String::new();
        let mut rest = shown;
        while let Some(at) = rest.find(MARK) {
            let (before, marked) = rest.split_at(at);
            let Some(end) = marked.find('>') else { break };
            if !before.is_empty() {
                out += &quoted(before);
            }
            let _ = write!(out, "\"${}\"", self.name(&marked[MARK.len()..end]));
            rest = &marked[end + 1..];
        }
        if !rest.is_empty() {
            out += &quoted(rest);
        }
        out
    }
}

/// The name of a variable of the shell.
fn variable(text: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    text.chars().map(letter).collect()
}

/// A text as one word of a POSIX shell (2.2.2): nothing in it means anything.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A `token` of RFC 9110, 5.6.2.
fn is_token(text: &str) -> bool {
    let inside = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(inside)
}

/// Whether a terminal shows a text as it is.
fn is_clean(text: &str) -> bool {
    !text.contains('\n') && escape::visible(text) == text
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::{Keys, quoted};

    /// What a shell makes of a word.
    fn read(word: &str) -> String {
        let script = format!("printf %s {word}");
        let output = Command::new("sh").args(["-c", &script]).env("LLM_API_KEY", "k e'y").output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    }

    #[test]
    fn a_variable_stands_for_a_credential() {
        let mut keys = Keys::of(None);
        let word = keys.hidden("https://x/$(id)?key=<redacted:12ab>&a='b'");
        assert_eq!(word, r#"'https://x/$(id)?key='"$LLM_API_KEY"'&a='\''b'\'''"#);
        assert_eq!(read(&word), "https://x/$(id)?key=k e'y&a='b'");
        assert_eq!(keys.hidden("<redacted:12ab>"), "\"$LLM_API_KEY\"");
        assert_eq!(keys.hidden("<redacted:ffff>"), "\"$LLM_API_KEY_2\"");
        assert_eq!(Keys::of(Some("azure.ai.openai")).first, "AZURE_AI_OPENAI_API_KEY");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn a_shell_reads_what_was_quoted(text in "[ -~\n'\"$`\\\\é]{0,30}") {
            prop_assert_eq!(read(&quoted(&text)), text);
        }
    }
}
