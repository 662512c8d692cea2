//! `--plain`: readable lines, for scripts and screen readers.
//!
//! ```text
//! 12:00:01.250 claude[4242] anthropic claude-sonnet-4-5 200 end_turn, 1200 tokens in (1000 cached), 85 out, $0.0021, first token 0.35 s, 1.80 s in all
//!   asked: what the person or the tool said last
//!   Hello, what the model said,
//!   line by line.
//!   tool read {"path":"/etc/hosts"}
//! ```

use std::fmt::Write as _;
use std::io::{self, Write};

use chrono::{DateTime, Local};
use llmtop_parsers::{State, Timestamp, UsageSource, escape};
use llmtop_probe::Totals;

use super::Sink;
use crate::store::Seen;
use crate::view::{asked, format};

/// Columns of what was asked.
const ASKED: usize = 160;

/// Writes readable lines, each exchange flushed at once.
pub struct PlainLines {
    to: Box<dyn Write + Send>,
    colour: bool,
    show_secrets: bool,
}

impl PlainLines {
    /// With `colour`, the first line of an exchange stands out.
    pub fn new(to: Box<dyn Write + Send>, colour: bool, show_secrets: bool) -> Self {
        PlainLines { to, colour, show_secrets }
    }
}

impl Sink for PlainLines {
    fn finished(&mut self, seen: Seen<'_>) -> io::Result<()> {
        let head = escape::visible(&head(&seen, self.show_secrets)).replace('\n', "\\n");
        let body = body(&seen);
        if self.colour {
            write!(self.to, "\x1b[1m{head}\x1b[0m\n{body}")?;
        } else {
            write!(self.to, "{head}\n{body}")?;
        }
        self.to.flush()
    }

    fn end(&mut self, totals: &Totals, exchanges: u64) -> io::Result<()> {
        let Totals { captured_bytes, lost_bytes, .. } = totals;
        let s = if exchanges == 1 { "" } else { "s" };
        writeln!(
            self.to,
            "{exchanges} exchange{s}, {captured_bytes} bytes captured, {lost_bytes} lost"
        )?;
        self.to.flush()
    }
}

/// Who asked whom for what, how it ended, what it took.
fn head(seen: &Seen<'_>, show_secrets: bool) -> String {
    let exchange = &seen.record.exchange;
    let (request, response) = (&exchange.request, &exchange.response);
    let mut line = clock(exchange.timing.started);
    let _ = write!(line, " {}[{}]", seen.process.comm, seen.process.pid);
    if exchange.dialect.is_some() {
        if let Some(provider) = exchange.provider {
            let _ = write!(line, " {provider}");
        }
        if let Some(model) = response.model.as_ref().or(request.model.as_ref()) {
            let _ = write!(line, " {model}");
        }
    } else {
        let method = request.method.as_deref().unwrap_or("?");
        let url = seen.url(show_secrets);
        let _ = write!(line, " {method} {}", url.as_deref().unwrap_or("?"));
    }
    if let Some(status) = response.status {
        let _ = write!(line, " {status}");
    }
    match exchange.state {
        State::Complete => {}
        State::Aborted => line.push_str(" aborted"),
        State::Pending | State::Streaming => line.push_str(" unfinished"),
    }
    if let Some(reason) = &response.finish_reason {
        let _ = write!(line, " {reason}");
    }
    line.push_str(&tokens(seen));
    if exchange.cost.usd.is_some() {
        let _ = write!(line, ", {}", format::cost(exchange));
    }
    let seconds = |at: Timestamp| at.millis_since(exchange.timing.started) / 1e3;
    if let Some(first) = exchange.timing.first_token {
        let _ = write!(line, ", first token {:.2} s", seconds(first));
    }
    if let Some(ended) = exchange.timing.ended {
        let _ = write!(line, ", {:.2} s in all", seconds(ended));
    }
    if exchange.lost_bytes > 0 {
        let _ = write!(line, ", {} bytes lost", exchange.lost_bytes);
    }
    line
}

fn tokens(seen: &Seen<'_>) -> String {
    let usage = &seen.record.exchange.usage;
    let about =
        |tokens: u64| format::about(usage.source == UsageSource::Estimated, &tokens.to_string());
    let mut text = String::new();
    if let Some(input) = usage.input_tokens {
        let _ = write!(text, ", {} tokens in", about(input));
        if let Some(cached) = usage.cache_read_tokens.filter(|&cached| cached > 0) {
            let _ = write!(text, " ({cached} cached)");
        }
    }
    if let Some(output) = usage.output_tokens {
        let _ = write!(text, ", {} out", about(output));
    }
    text
}

/// What was asked and the answer, indented, so that no captured text looks like a first line.
fn body(seen: &Seen<'_>) -> String {
    let exchange = &seen.record.exchange;
    let mut lines = String::new();
    let mut add = |text: &str| {
        for line in escape::visible(text).lines() {
            let _ = writeln!(lines, "  {line}");
        }
    };
    let body = exchange.dialect.zip(exchange.request.body.as_deref());
    if let Some(asked) = body.and_then(|(dialect, body)| asked(dialect, body, ASKED)) {
        // A tool's result has a sign in front, which is a poor thing to hear.
        match asked.strip_prefix("↳ ") {
            Some(result) => add(&format!("a tool said: {result}")),
            None => add(&format!("asked: {asked}")),
        }
    }
    if let Some(text) = exchange.response.text.as_deref() {
        add(text);
    }
    for call in &exchange.response.tool_calls {
        let name = call.name.as_deref().unwrap_or("?");
        add(&format!("tool {name} {}", call.arguments));
    }
    if let Some(error) = &exchange.error {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        add(&format!("error {} {}", part(&error.kind), part(&error.message)));
    }
    lines
}

/// The local time of day.
fn clock(at: Timestamp) -> String {
    let at = DateTime::from_timestamp_nanos(i64::try_from(at.0).unwrap_or(i64::MAX));
    at.with_timezone(&Local).format("%H:%M:%S%.3f").to_string()
}
