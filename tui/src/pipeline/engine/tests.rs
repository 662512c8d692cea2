//! The pipeline through its doors: captures in, JSON lines out.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use llmtop_parsers::Role;
use llmtop_probe::recording::{Header, Recording, Writer};
use llmtop_probe::{Chunk, Direction, Endpoint, Gap, Open, Source, Tls};
use serde_json::Value;

use super::*;
use crate::sink::JsonLines;
use crate::store::{Session, Store};

pub(super) const REQUEST: &str =
    r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;
pub(super) const ANSWER: &str = r#"{"id":"x","object":"chat.completion","model":"gpt-4o-2024-08-06","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1000000,"completion_tokens":0,"total_tokens":1000000}}"#;

/// Output that a test can read while a sink has it.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Output {
    fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap();
        let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice::<Value>(line).unwrap()).collect()
    }

    fn exchanges(&self) -> Vec<Value> {
        let lines = self.lines().into_iter();
        lines.filter(|line| line["schema"] == "llmtop.exchange/1").collect()
    }
}

fn engine(options: Options) -> (Engine, Output) {
    engine_with(options, false)
}

fn engine_with(options: Options, deltas: bool) -> (Engine, Output) {
    let output = Output::default();
    let to = Box::new(output.clone());
    let lines = JsonLines::start(to, "live", Timestamp(0), deltas, false).unwrap();
    let store = Arc::new(Shared::new(Store::with_budget(0), Session::default()).unwrap());
    (Engine::new(options, store, vec![Box::new(lines)], None, None), output)
}

pub(super) fn message(first: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{first}\r\nContent-Type: application/json\r\nAuthorization: Bearer sk-very-secret\r\n\
         Host: api.example\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The exchanges of a recording.
pub(super) fn played(bytes: Vec<u8>) -> Vec<Value> {
    let recording = Recording::new(Box::new(io::Cursor::new(bytes))).unwrap();
    let (engine, output) = engine(Options::default());
    let source: Box<dyn Source> = Box::new(recording);
    crate::pipeline::start(source, engine).unwrap().join().unwrap().into_result().unwrap();
    output.exchanges()
}

/// One exchange of a process `pid` on `conn`, as one end sees it.
fn view(conn: u64, pid: u32, role: Role, addresses: Option<(&str, &str)>) -> Vec<Capture> {
    let asked = message("POST /v1/chat/completions HTTP/1.1", REQUEST);
    let answered = message("HTTP/1.1 200 OK", ANSWER);
    let moved = vec![(Role::Client, 1, asked), (Role::Server, 251, answered)];
    connection(conn, pid, role, addresses, moved)
}

/// A connection `conn` of a process `pid`, as one end sees what `moved`: who
/// wrote it, when, and what.
pub(super) fn connection(
    conn: u64,
    pid: u32,
    role: Role,
    addresses: Option<(&str, &str)>,
    moved: Vec<(Role, u64, Vec<u8>)>,
) -> Vec<Capture> {
    let conn = ConnId(conn);
    let at = |millis: u64| llmtop_probe::Timestamp(1_767_225_600_000_000_000 + millis * 1_000_000);
    let endpoint = addresses.map_or_else(Endpoint::default, |(local, peer)| Endpoint {
        local: Some(local.parse().unwrap()),
        peer: Some(peer.parse().unwrap()),
        ..Endpoint::default()
    });
    let comm = format!("p{pid}");
    let mut captures = vec![
        Capture::Process(Process { pid, comm, ..Process::default() }),
        Capture::Open(Open {
            conn,
            pid,
            tid: pid + 1,
            time: at(0),
            tls: Tls::Openssl,
            stdio: false,
            joined_midway: false,
            endpoint,
        }),
    ];
    captures.extend(moved.into_iter().map(|(from, millis, bytes)| {
        let direction = if from == role { Direction::Sent } else { Direction::Received };
        Capture::Chunk(Chunk { conn, direction, time: at(millis), offset: 0, bytes })
    }));
    captures.push(Capture::Close { conn, time: at(300), ignored: 0 });
    captures
}

/// A WebSocket with two questions at once, in lanes, whose answers interleave.
fn socket() -> Vec<(Role, u64, Vec<u8>)> {
    let client = |text: &str| {
        // Masked, with zeros.
        [&[0x81, 0xFE, 0, text.len() as u8, 0, 0, 0, 0], text.as_bytes()].concat()
    };
    let server = |text: &str| [&[0x81, 0x7E, 0, text.len() as u8], text.as_bytes()].concat();
    let ask = |lane: &str| {
        let pad = " ".repeat(60);
        client(&format!(
            r#"{{"type":"response.create","model":"gpt-5","input":"{lane}","stream_id":"{lane}"{pad}}}"#
        ))
    };
    let begin = |lane: &str| {
        let pad = " ".repeat(60);
        server(&format!(
            r#"{{"type":"response.created","response":{{"id":"{lane}"}},"stream_id":"{lane}"{pad}}}"#
        ))
    };
    let end = |lane: &str, tokens: u64| {
        server(&format!(
            r#"{{"type":"response.completed","response":{{"id":"{lane}","status":"completed","usage":{{"input_tokens":{tokens},"output_tokens":1}}}},"stream_id":"{lane}"}}"#
        ))
    };
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let asked = format!("GET /v1/responses HTTP/1.1\r\nHost: api.example\r\n{upgrade}");
    let answered = format!("HTTP/1.1 101 Switching Protocols\r\n{upgrade}");
    vec![
        (Role::Client, 1, asked.into_bytes()),
        (Role::Server, 2, answered.into_bytes()),
        (Role::Client, 3, ask("a")),
        (Role::Client, 4, ask("b")),
        (Role::Server, 5, begin("a")),
        (Role::Server, 6, begin("b")),
        (Role::Server, 7, end("b", 20)),
        (Role::Server, 8, end("a", 10)),
    ]
}

const HERE: (&str, &str) = ("127.0.0.1:5000", "127.0.0.1:443");
const THERE: (&str, &str) = ("127.0.0.1:443", "127.0.0.1:5000");

fn run(options: Options, captures: Vec<Capture>) -> Vec<Value> {
    let (mut engine, output) = engine(options);
    for capture in captures {
        engine.capture(capture).unwrap();
        engine.tick(engine.now()).unwrap();
    }
    engine.finish(&Totals::default()).unwrap();
    output.exchanges()
}

/// Both views, one capture of each in turn.
fn both(first: Vec<Capture>, second: Vec<Capture>) -> Vec<Capture> {
    first.into_iter().zip(second).flat_map(|(one, other)| [one, other]).collect()
}

#[test]
fn an_exchange_as_json() {
    let prices = PriceTable::parse(
        r#"{"unit":"USD per million tokens","providers":{"openai":{"gpt-4o":{"input":2.5,"output":10}}}}"#,
    )
    .unwrap();
    let options = Options { prices: Arc::new(prices), ..Options::default() };
    let shown = run(options, view(7, 42, Role::Client, Some(HERE)));
    assert_eq!(shown.len(), 1);
    insta::assert_snapshot!(serde_json::to_string_pretty(&shown[0]).unwrap());
}

#[test]
fn both_ends_are_one_line_by_the_client() {
    let client = || view(1, 10, Role::Client, Some(HERE));
    let server = || view(2, 20, Role::Server, Some(THERE));
    for captures in [both(client(), server()), both(server(), client())] {
        let shown = run(Options::default(), captures);
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0]["connection"]["role"], "client");
        assert_eq!(shown[0]["process"]["pid"], 10);
        assert_eq!(shown[0]["connection"]["peer_process"]["pid"], 20);
    }
}

#[test]
fn exchanges_on_one_websocket_seen_at_both_ends_are_a_line_each() {
    for addresses in [(Some(HERE), Some(THERE)), (None, Some(THERE)), (None, None)] {
        let client = || connection(1, 10, Role::Client, addresses.0, socket());
        let server = || connection(2, 20, Role::Server, addresses.1, socket());
        for captures in [both(client(), server()), both(server(), client())] {
            let mut shown = run(Options::default(), captures);
            shown.sort_by_key(|one| one["response"]["id"].to_string());
            assert_eq!(shown.len(), 2, "{addresses:?} {shown:#?}");
            for (one, (lane, tokens)) in shown.iter().zip([("a", 10), ("b", 20)]) {
                assert_eq!(one["connection"]["protocol"], "websocket");
                assert_eq!(one["connection"]["role"], "client");
                assert_eq!(one["connection"]["peer_process"]["pid"], 20, "{addresses:?}");
                assert_eq!(one["request"]["url"], "wss://api.example/v1/responses");
                assert_eq!(one["request"]["body"]["input"], lane);
                assert_eq!(one["response"]["id"], lane);
                assert_eq!(one["usage"]["input_tokens"], tokens);
                assert_eq!(one["dialect"], "openai.responses");
            }
        }
    }
}

#[test]
fn addresses_that_one_end_does_not_know_come_from_the_other() {
    let client = view(1, 10, Role::Client, None);
    let server = view(2, 20, Role::Server, Some(THERE));
    let shown = run(Options::default(), both(client, server));
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0]["connection"]["local"], HERE.0);
    assert_eq!(shown[0]["connection"]["peer"], HERE.1);
}

#[test]
fn a_client_that_lost_its_request_is_shown_by_its_server_and_credited() {
    let mut client = view(1, 10, Role::Client, Some(HERE));
    client[2] = Capture::Gap(Gap {
        conn: ConnId(1),
        direction: Direction::Sent,
        time: llmtop_probe::Timestamp(1_767_225_600_001_000_000),
        lost: 300,
    });
    let shown = run(Options::default(), both(client, view(2, 20, Role::Server, Some(THERE))));
    assert_eq!(shown.len(), 1, "{shown:#?}");
    assert_eq!(shown[0]["request"]["model"], "gpt-4o");
    assert_eq!(shown[0]["process"]["pid"], 10);
    assert_eq!(shown[0]["connection"]["peer_process"]["pid"], 20);
}

/// Deltas are wanted, so it is judged before it ends: by its server, and then anew.
#[test]
fn a_filter_judges_anew_whom_an_exchange_is_credited_to() {
    let options = Options { eager: true, ..filtered("pid:10") };
    let (mut engine, output) = engine_with(options, true);
    let mut client = view(1, 10, Role::Client, Some(HERE));
    client[2] = Capture::Gap(Gap {
        conn: ConnId(1),
        direction: Direction::Sent,
        time: llmtop_probe::Timestamp(1_767_225_600_001_000_000),
        lost: 300,
    });
    let mut server = view(2, 20, Role::Server, Some(THERE));
    let rest = server.split_off(3);
    for capture in server {
        engine.capture(capture).unwrap();
    }
    // Nobody else was seen to ask.
    engine.tick(Timestamp(engine.now().0 + 800_000_000)).unwrap();
    for capture in client.into_iter().chain(rest) {
        engine.capture(capture).unwrap();
        engine.tick(engine.now()).unwrap();
    }
    engine.finish(&Totals::default()).unwrap();
    let shown = output.exchanges();
    assert_eq!(shown.len(), 1, "{:#?}", output.lines());
    assert_eq!(shown[0]["process"]["pid"], 10);
}

#[test]
fn with_both_ends_each_is_its_own() {
    let client = view(1, 10, Role::Client, Some(HERE));
    let server = view(2, 20, Role::Server, Some(THERE));
    let options = Options { both_ends: true, ..Options::default() };
    let shown = run(options, both(client, server));
    let ends: Vec<_> =
        shown.iter().map(|one| (&one["process"]["pid"], &one["connection"]["role"])).collect();
    assert_eq!(ends.len(), 2);
    assert!(ends.contains(&(&10.into(), &"client".into())));
    assert!(ends.contains(&(&20.into(), &"server".into())));
}

#[test]
fn no_more_than_count_are_told() {
    let captures = (1..5).flat_map(|n| view(n, n as u32, Role::Client, None)).collect();
    let options = Options { count: Some(2), ..Options::default() };
    assert_eq!(run(options, captures).len(), 2);
}

fn filtered(text: &str) -> Options {
    let filter = Filter::parse(text, &crate::filter::Names::default()).unwrap();
    Options { filter: Some(filter), ..Options::default() }
}

#[test]
fn what_does_not_pass_the_filter_is_neither_told_nor_counted() {
    let captures =
        || (1..5).flat_map(|n| view(n, n as u32, Role::Client, None)).collect::<Vec<_>>();
    let pids = |options| -> Vec<u64> {
        let shown = run(options, captures());
        shown.iter().map(|one| one["process"]["pid"].as_u64().unwrap()).collect()
    };
    assert_eq!(pids(filtered("pid>2 text:hello")), [3, 4]);
    assert_eq!(pids(Options { count: Some(2), ..filtered("!pid:1") }), [2, 3]);
    assert_eq!(pids(filtered("tokens>2M")), [0; 0]);
}

#[test]
fn deltas_are_told_once_their_exchange_is_sure_to_pass() {
    let event = |text: &str| {
        format!(
            "data: {{\"object\":\"chat.completion.chunk\",\"model\":\"gpt-4o\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"
        )
    };
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    let moved = || {
        let asked = message("POST /v1/chat/completions HTTP/1.1", REQUEST);
        let begun = format!("{head}{}", event("one")).into_bytes();
        let goes_on = [event("two"), "data: [DONE]\n\n".to_owned()].concat().into_bytes();
        vec![(Role::Client, 1, asked), (Role::Server, 5, begun), (Role::Server, 9, goes_on)]
    };
    // What was told when the first piece had come, and in the end.
    for (filter, early, end) in [
        ("pid:1", &["one"][..], &["one", "two", "exchange"][..]),
        ("prompt:hi", &["one"], &["one", "two", "exchange"]),
        ("text:two", &[], &["one", "two", "exchange"]),
        ("text:three", &[], &[]),
        ("pid:2", &[], &[]),
    ] {
        let (mut engine, output) = engine_with(filtered(filter), true);
        let told = || -> Vec<String> {
            let word = |line: &Value| match line["schema"].as_str() {
                Some("llmtop.delta/1") => line["text"].as_str().map(str::to_owned),
                Some("llmtop.exchange/1") => Some("exchange".to_owned()),
                _ => None,
            };
            output.lines().iter().filter_map(word).collect()
        };
        let captures = connection(1, 1, Role::Client, None, moved());
        let late = captures.len() - 2;
        for (at, capture) in captures.into_iter().enumerate() {
            if at == late {
                assert_eq!(told(), early, "{filter}, early");
            }
            engine.capture(capture).unwrap();
            engine.tick(engine.now()).unwrap();
        }
        engine.finish(&Totals::default()).unwrap();
        assert_eq!(told(), end, "{filter}, in the end");
    }
}

#[test]
fn captures_of_unknown_connections_are_tolerated() {
    let captures: Vec<_> = view(1, 10, Role::Client, None).into_iter().skip(2).collect();
    assert!(run(Options::default(), captures).is_empty());
}

#[test]
fn a_recording_gives_the_same_lines() {
    let captures = both(view(1, 10, Role::Client, None), view(2, 20, Role::Server, Some(THERE)));
    let mut writer = Writer::new(Vec::new(), &Header::default()).unwrap();
    captures.iter().for_each(|capture| writer.capture(capture).unwrap());
    let bytes = writer.end(&Totals::default()).unwrap();
    assert_eq!(played(bytes), run(Options::default(), captures));
}
