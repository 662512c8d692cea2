//! A conversation as Markdown: what was asked, turn by turn, and the answer.
//!
//! What was said stands in fenced blocks, so that nothing of it is markup: no
//! picture is fetched, no turn is forged.

use std::fmt::Write as _;

use llmtop_parsers::llm::{Message, Part};
use llmtop_parsers::{ToolCall, escape};

use super::json::rfc3339;
use crate::store::{Seen, is_over, messages, words};

/// The exchange's request and answer.
pub(super) fn transcript(seen: &Seen<'_>) -> String {
    let exchange = &seen.record.exchange;
    let mut page = Page(String::new());
    let model = exchange.response.model.as_ref().or(exchange.request.model.as_ref());
    let title = model.map_or("Exchange", String::as_str);
    page.heading(1, &code(&format!("{title}, asked by {}", seen.process.comm)));
    facts(&mut page, seen);
    let body = exchange.request.body.as_deref();
    let asked = exchange.dialect.zip(body).and_then(|(dialect, body)| messages(dialect, body));
    match asked {
        Some(messages) => messages.iter().for_each(|message| page.message(message)),
        None => {
            page.heading(2, "request");
            match body {
                Some(body) => page.block("", &escape::visible_bytes(&body.bytes)),
                None => page.line("No body of the request was seen."),
            }
        }
    }
    answer(&mut page, seen);
    page.0
}

fn facts(page: &mut Page, seen: &Seen<'_>) {
    let exchange = &seen.record.exchange;
    let mut fact = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            page.line(&format!("- {name}: {}", code(&value)));
        }
    };
    fact("exchange", Some(seen.record.ulid.clone()));
    fact("process", Some(format!("{} {}", seen.process.comm, seen.process.pid)));
    fact("time", Some(rfc3339(exchange.timing.started)));
    fact("URL", seen.url(false));
    fact("provider", exchange.provider.map(str::to_owned));
    fact("state", Some(words::state(exchange.state).to_owned()));
    fact("status", exchange.response.status.map(|status| status.to_string()));
    let usage = &exchange.usage;
    let source = words::usage_source(usage.source);
    let tokens = |tokens: Option<u64>| tokens.map(|tokens| format!("{tokens} ({source})"));
    fact("tokens in", tokens(usage.input_tokens));
    fact("tokens out", tokens(usage.output_tokens));
    fact("cost in dollars", exchange.cost.usd.map(|usd| format!("{usd:.6}")));
    let seconds = |at: llmtop_parsers::Timestamp| {
        format!("{:.3}", at.millis_since(exchange.timing.started) / 1e3)
    };
    fact("seconds to the first token", exchange.timing.first_token.map(seconds));
    fact("seconds", exchange.timing.ended.map(seconds));
    if exchange.lost_bytes > 0 {
        fact("bytes lost in capture", Some(exchange.lost_bytes.to_string()));
    }
}

fn answer(page: &mut Page, seen: &Seen<'_>) {
    let exchange = &seen.record.exchange;
    let response = &exchange.response;
    let so_far = if is_over(exchange) { "answer" } else { "answer so far" };
    page.heading(2, so_far);
    if let Some(reasoning) = &response.reasoning {
        page.line("Reasoning:");
        page.block("", &escape::visible(reasoning));
    }
    for text in response.text.iter().chain(&response.other_choices) {
        page.block("", &escape::visible(text));
    }
    response.tool_calls.iter().for_each(|call| page.call(call));
    if let Some(error) = &exchange.error {
        let parts = [error.kind.as_deref(), error.message.as_deref()];
        page.line("Error:");
        page.block("", &escape::visible(&parts.map(Option::unwrap_or_default).join(": ")));
    }
}

struct Page(String);

impl Page {
    /// A blank line, unless there is one.
    fn gap(&mut self) {
        if !self.0.is_empty() && !self.0.ends_with("\n\n") {
            self.0.push('\n');
        }
    }

    fn heading(&mut self, level: usize, text: &str) {
        self.gap();
        let _ = writeln!(self.0, "{} {text}\n", "#".repeat(level));
    }

    fn line(&mut self, text: &str) {
        let _ = writeln!(self.0, "{text}");
    }

    /// Text as it is, between fences longer than any in it.
    fn block(&mut self, language: &str, text: &str) {
        let fence = "`".repeat(longest_run(text).max(2) + 1);
        self.gap();
        let _ = writeln!(self.0, "{fence}{language}\n{}\n{fence}\n", text.trim_end_matches('\n'));
    }

    fn message(&mut self, message: &Message) {
        let role = match message.role.as_str() {
            known @ ("system" | "developer" | "user" | "assistant" | "tool") => known.to_owned(),
            other => code(other),
        };
        self.heading(2, &role);
        for part in &message.parts {
            match part {
                Part::Text(text) => self.block("", &escape::visible(text)),
                Part::Reasoning(text) => {
                    self.line("Reasoning:");
                    self.block("", &escape::visible(text));
                }
                Part::ToolCall(call) => self.call(call),
                Part::ToolResult { text, error, .. } => {
                    self.line(if *error { "Error of the tool:" } else { "Result of the tool:" });
                    self.block("", &escape::visible(text));
                }
                Part::Other { kind, bytes } => {
                    self.line(&format!("{} of {bytes} bytes", code(kind)));
                }
            }
        }
    }

    fn call(&mut self, call: &ToolCall) {
        self.line(&format!("Calls {}:", code(call.name.as_deref().unwrap_or("a tool"))));
        self.block("json", &escape::visible(&call.arguments));
    }
}

/// A captured word within a line.
fn code(text: &str) -> String {
    let text = escape::visible(text).replace('\n', " ");
    let ticks = "`".repeat(longest_run(&text) + 1);
    let gap = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{gap}{text}{gap}{ticks}")
}

/// The most backticks in a row.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Page, code};

    #[test]
    fn nothing_that_was_said_ends_its_block() {
        let mut page = Page(String::new());
        page.block("", "a\n```\n# not a heading\n````");
        assert_eq!(page.0, "`````\na\n```\n# not a heading\n````\n`````\n\n");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("two\nlines"), "`two lines`");
    }
}
