//! Comma-separated values (RFC 4180), a row an exchange, for spreadsheets.
//!
//! A text that a spreadsheet would take for a formula begins with `'`; control
//! characters are made visible.

use llmtop_parsers::{Timestamp, escape};

use super::json::{millis, nano_dollars, rfc3339};
use crate::store::{Seen, words};

/// Reads a cell; with `true`, credentials as they are.
type Read = fn(&Seen<'_>, bool) -> Cell;

/// The names of the columns, with what reads them.
const COLUMNS: &[(&str, Read)] = &[
    ("id", |seen, _| text(Some(&seen.record.ulid))),
    ("started_at", |seen, _| Cell::Figure(rfc3339(seen.record.exchange.timing.started))),
    ("state", |seen, _| text(Some(words::state(seen.record.exchange.state)))),
    ("pid", |seen, _| figure(Some(seen.process.pid))),
    ("process", |seen, _| text(Some(&seen.process.comm))),
    ("uid", |seen, _| figure(Some(seen.process.uid))),
    ("container", |seen, _| text(seen.process.container.as_deref())),
    ("provider", |seen, _| text(seen.record.exchange.provider)),
    ("dialect", |seen, _| text(seen.record.exchange.dialect)),
    ("operation", |seen, _| text(seen.record.exchange.operation)),
    ("conversation", |seen, _| {
        text(seen.record.conversation.map(|it| format!("c{}", it.0)).as_deref())
    }),
    ("request_model", |seen, _| text(seen.record.exchange.request.model.as_deref())),
    ("response_model", |seen, _| text(seen.record.exchange.response.model.as_deref())),
    ("method", |seen, _| text(seen.record.exchange.request.method.as_deref())),
    ("url", |seen, show_secrets| text(seen.url(show_secrets).as_deref())),
    ("status", |seen, _| figure(seen.record.exchange.response.status)),
    ("finish_reason", |seen, _| text(seen.record.exchange.response.finish_reason.as_deref())),
    ("input_tokens", |seen, _| figure(seen.record.exchange.usage.input_tokens)),
    ("output_tokens", |seen, _| figure(seen.record.exchange.usage.output_tokens)),
    ("cache_read_tokens", |seen, _| figure(seen.record.exchange.usage.cache_read_tokens)),
    ("cache_write_tokens", |seen, _| figure(seen.record.exchange.usage.cache_write_tokens)),
    ("reasoning_tokens", |seen, _| figure(seen.record.exchange.usage.reasoning_tokens)),
    ("usage_source", |seen, _| text(Some(words::usage_source(seen.record.exchange.usage.source)))),
    ("cost_usd", |seen, _| figure(seen.record.exchange.cost.usd.map(nano_dollars))),
    ("cost_source", |seen, _| text(Some(words::cost_source(seen.record.exchange.cost.source)))),
    ("first_byte_ms", |seen, _| since(seen, seen.record.exchange.timing.first_byte)),
    ("first_token_ms", |seen, _| since(seen, seen.record.exchange.timing.first_token)),
    ("duration_ms", |seen, _| since(seen, seen.record.exchange.timing.ended)),
    ("request_bytes", |seen, _| figure(Some(seen.record.exchange.request.body_bytes))),
    ("response_bytes", |seen, _| figure(Some(seen.record.exchange.response.body_bytes))),
    ("lost_bytes", |seen, _| figure(Some(seen.record.exchange.lost_bytes))),
    ("error", |seen, _| {
        let error = seen.record.exchange.error.as_ref();
        let parts = error.map(|error| [error.kind.as_deref(), error.message.as_deref()]);
        text(
            parts
                .map(|parts| parts.into_iter().flatten().collect::<Vec<_>>().join(": "))
                .as_deref(),
        )
    }),
];

enum Cell {
    /// Nothing of it was captured as it is.
    Figure(String),
    Text(String),
}

/// The first line.
pub(super) fn head() -> String {
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    format!("{}\r\n", names.join(","))
}

/// An exchange as a line.
pub(super) fn row(seen: &Seen<'_>, show_secrets: bool) -> String {
    let cells = COLUMNS.iter().map(|(_, read)| match read(seen, show_secrets) {
        Cell::Figure(figure) => figure,
        Cell::Text(text) => quoted(&harmless(&text)),
    });
    format!("{}\r\n", cells.collect::<Vec<_>>().join(","))
}

fn text(text: Option<&str>) -> Cell {
    Cell::Text(text.unwrap_or("").to_owned())
}

fn figure(figure: Option<impl ToString>) -> Cell {
    Cell::Figure(figure.map_or_else(String::new, |figure| figure.to_string()))
}

fn since(seen: &Seen<'_>, at: Option<Timestamp>) -> Cell {
    figure(at.map(|at| millis(at, seen.record.exchange.timing.started)))
}

/// Spreadsheets take what begins so for a formula, and run it.
fn harmless(text: &str) -> String {
    let shown = escape::visible(text);
    let risky = shown.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    if risky { format!("'{shown}") } else { shown.into_owned() }
}

/// RFC 4180, section 2, rules 5 to 7.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r', ';']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{harmless, quoted};

    #[test]
    fn what_is_written_stays_a_text_in_one_cell() {
        for (text, cell) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"\nthere", "\"say \"\"hi\"\"\nthere\""),
            ("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\""),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("  =1", "'  =1"),
            ("\t=1", "'    =1"),
            ("\r=1", "^M=1"),
            ("＝1", "'＝1"),
            ("\u{1b}[31m", "^[[31m"),
            ("a=b", "a=b"),
        ] {
            assert_eq!(quoted(&harmless(text)), cell, "{text:?}");
        }
    }
}
