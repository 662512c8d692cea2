//! Files made of exchanges, by their door.

use llmtop_parsers::Protocol;
use serde_json::{Value, json};

use super::Sink;
use super::export::{Exporter, Form, Format, one};
use crate::fixture;
use crate::store::{ExchangeId, Seen, Store};

const ALL: [Format; 4] = [Format::Json, Format::Har, Format::Curl, Format::Markdown];

fn file(store: &Store, id: u64, format: Format, secrets: bool) -> Result<String, &'static str> {
    let (name, bytes) = one(store, ExchangeId(id), format, secrets)?;
    assert_eq!(name, format!("llmtop-01JD{id:022}.{}", format.extension()));
    Ok(String::from_utf8(bytes).unwrap())
}

/// Output that is read when all is written.
#[derive(Clone, Default)]
struct Output(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn exported(store: &Store, form: Form) -> String {
    let output = Output::default();
    let mut exporter = Exporter::new(Box::new(output.clone()), form, false);
    for record in store.exchanges() {
        exporter.finished(Seen::of(store, record).unwrap()).unwrap();
    }
    exporter.end(&llmtop_probe::Totals::default(), 0).unwrap();
    String::from_utf8(output.0.lock().unwrap().clone()).unwrap()
}

/// Reads RFC 4180.
fn cells(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut in_quotes = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let row = rows.last_mut().unwrap();
        match character {
            '"' if in_quotes && characters.peek() == Some(&'"') => {
                characters.next();
                row.last_mut().unwrap().push('"');
            }
            '"' => in_quotes = !in_quotes,
            ',' if !in_quotes => row.push(String::new()),
            '\r' if !in_quotes => assert_eq!(characters.peek(), Some(&'\n')),
            '\n' if !in_quotes => rows.push(vec![String::new()]),
            _ => row.last_mut().unwrap().push(character),
        }
    }
    assert_eq!(rows.pop(), Some(vec![String::new()]), "the last line ends");
    rows
}

#[test]
fn no_secret_and_no_control_character_leaves() {
    let mut store = fixture::machine();
    let mut record = fixture::answered(fixture::pending(8, 1, 100, fixture::asks("Hi")), "Hi", 50);
    record.exchange.request.headers.extend([
        ("Referer".into(), "https://example.com/?key=sekret-1".into()),
        ("X-Gateway".into(), "Bearer sekret-2".into()),
    ]);
    store.put_exchange(record);
    for id in 1..=8 {
        for format in ALL {
            let text = file(&store, id, format, false).unwrap();
            assert!(!text.contains("sekret"), "{format:?}: {text}");
            let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!text.contains(steers), "{format:?}: {text:?}");
        }
    }
    for form in [Form::Json, Form::Jsonl, Form::Har, Form::Csv] {
        assert!(!exported(&store, form).contains("sekret"), "{form:?}");
    }
    for format in [Format::Json, Format::Har] {
        assert!(file(&store, 1, format, true).unwrap().contains("sk-ant-sekret"), "{format:?}");
    }
    // A key belongs into a variable, whatever is shown.
    assert!(!file(&store, 1, Format::Curl, true).unwrap().contains("sekret"));
}

#[test]
fn har() {
    let store = fixture::machine();
    let har: Value = serde_json::from_str(&exported(&store, Form::Har)).unwrap();
    assert_eq!(har["log"]["version"], "1.2");
    let entries = har["log"]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 7);
    for entry in entries {
        // What HAR 1.2 requires of an entry.
        for (of, fields) in [
            ("", &["startedDateTime", "time", "request", "response", "cache", "timings"][..]),
            (
                "/request",
                &[
                    "method",
                    "url",
                    "httpVersion",
                    "cookies",
                    "headers",
                    "queryString",
                    "headersSize",
                    "bodySize",
                ],
            ),
            (
                "/response",
                &[
                    "status",
                    "statusText",
                    "httpVersion",
                    "cookies",
                    "headers",
                    "content",
                    "redirectURL",
                    "headersSize",
                    "bodySize",
                ],
            ),
            ("/response/content", &["size", "mimeType"]),
            ("/timings", &["send", "wait", "receive"]),
        ] {
            let object = entry.pointer(of).unwrap();
            assert!(fields.iter().all(|field| !object[field].is_null()), "{of} of {entry:#}");
        }
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&entries[0]).unwrap());
    let empty: Value = serde_json::from_str(&exported(&Store::default(), Form::Har)).unwrap();
    assert_eq!(empty["log"]["entries"], json!([]));
}

#[test]
fn csv() {
    let store = fixture::machine();
    let rows = cells(&exported(&store, Form::Csv));
    assert_eq!(rows.len(), 8);
    assert!(rows.iter().all(|row| row.len() == rows[0].len()));
    let cell = |row: usize, name: &str| {
        rows[row][rows[0].iter().position(|known| known == name).unwrap()].as_str()
    };
    assert_eq!(cell(1, "process"), "claude");
    assert_eq!(cell(1, "cost_usd"), "0.0021");
    assert_eq!(cell(1, "first_token_ms"), "1050");
    assert_eq!(cell(1, "duration_ms"), "4200");
    assert_eq!(cell(3, "status"), "429");
    assert_eq!(cell(3, "input_tokens"), "");
    assert!(cell(3, "error").starts_with("rate_limit_exceeded: Rate limit"));
    assert_eq!(cell(5, "usage_source"), "estimated");
    assert_eq!(cell(7, "state"), "streaming");
    assert_eq!(cells(&exported(&Store::default(), Form::Csv)), rows[..1]);
}

#[test]
fn a_transcript() {
    insta::assert_snapshot!(file(&fixture::machine(), 7, Format::Markdown, false).unwrap());
}

#[test]
fn a_command() {
    insta::assert_snapshot!(file(&fixture::machine(), 1, Format::Curl, false).unwrap());
}

#[test]
fn what_no_command_could_send_again_is_refused() {
    let refused = |change: &dyn Fn(&mut llmtop_parsers::Exchange)| {
        let mut store = fixture::machine();
        let mut record = store.exchange(ExchangeId(1)).unwrap().clone();
        change(&mut record.exchange);
        store.put_exchange(record);
        file(&store, 1, Format::Curl, false).err()
    };
    assert_eq!(refused(&|_| {}), None);
    assert!(refused(&|it| it.protocol = Protocol::WebSocket).is_some());
    assert!(refused(&|it| it.joined_midway = true).is_some());
    assert!(refused(&|it| it.request.target = None).is_some());
    assert!(refused(&|it| it.request.target = Some("file:///etc/passwd".into())).is_some());
    assert!(refused(&|it| it.request.method = Some("GET -o x".into())).is_some());
    assert!(refused(&|it| it.request.headers[2].1 = "application/grpc".into()).is_some());
    let mut store = fixture::machine();
    store.remove_exchange(ExchangeId(1));
    assert!(ALL.iter().all(|&format| file(&store, 1, format, false).is_err()));
}
