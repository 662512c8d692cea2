//! Little that claims to be a lot: compressed, nested, or without an end.
//! Memory stays bounded, and what was not read is said.

use std::io::Write;

use base64::Engine;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use llmtop_parsers::{BodyKind, Connection, Direction, Event, Exchange, Limits, State, Timestamp};

/// What is allowed is exceeded, and the bombs are worth it.
const LIMITS: Limits = Limits { body: 1 << 20, head: 8 << 10, event: 64 << 10, open_exchanges: 8 };
const SIZE: usize = 64 << 20;

/// One exchange with this head and body of its response, as it ended.
fn answered(head: &str, body: &[u8]) -> Exchange {
    let mut connection = Connection::new(LIMITS, false);
    let ask = b"POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\n\
        Content-Type: application/json\r\nContent-Length: 42\r\n\r\n\
        {\"model\":\"m\",\"stream\":true,\"messages\":[  ]}";
    connection.receive(Direction::Sent, Timestamp(0), ask);
    let head = format!("HTTP/1.1 200 OK\r\n{head}Content-Length: {}\r\n\r\n", body.len());
    connection.receive(Direction::Received, Timestamp(1), head.as_bytes());
    for piece in body.chunks(16 << 10) {
        connection.receive(Direction::Received, Timestamp(1), piece);
    }
    finished(connection)
}

fn finished(mut connection: Connection) -> Exchange {
    connection.close(Timestamp(2));
    let events = std::iter::from_fn(|| connection.poll());
    let finished = events.filter_map(|event| match event {
        Event::Finished(exchange) => Some(*exchange),
        _ => None,
    });
    let finished: Vec<_> = finished.collect();
    let [exchange] = &finished[..] else { panic!("{finished:?}") };
    exchange.clone()
}

fn detail<'a>(exchange: &'a Exchange, kind: &str) -> Option<&'a str> {
    let finding = exchange.findings.iter().find(|finding| finding.kind == kind)?;
    Some(&finding.detail)
}

/// So many zeros, in each coding. Brotli's was made by its own tool, as nothing
/// here compresses so.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }
    let zeros = vec![0; SIZE];
    let best = Compression::best();
    let mut zlib = ZlibEncoder::new(Vec::new(), best);
    zlib.write_all(&zeros).unwrap();
    let mut raw = DeflateEncoder::new(Vec::new(), best);
    raw.write_all(&zeros).unwrap();
    let once = gzip(&zeros);
    let brotli = "z///f/gnAOKxQCD3/p/////wTwDEYQGA7v0/////4Z8AiMMiAN37f/7//8M/ARCHBQC69/8D";
    vec![
        ("deflate", zlib.finish().unwrap()),
        ("deflate", raw.finish().unwrap()),
        ("zstd", zstd::encode_all(&zeros[..], 3).unwrap()),
        ("br", base64::engine::general_purpose::STANDARD.decode(brotli).unwrap()),
        ("gzip, gzip", gzip(&once)),
        ("gzip, gzip, gzip", gzip(&gzip(&once))),
        ("gzip", once),
    ]
}

#[test]
fn compressed_bombs_of_every_coding_are_defused() {
    for (coding, bomb) in bombs() {
        for form in ["application/json", "text/event-stream", "application/x-ndjson"] {
            let head = format!("Content-Type: {form}\r\nContent-Encoding: {coding}\r\n");
            let exchange = answered(&head, &bomb);
            let problem = detail(&exchange, "content_encoding").unwrap_or_default();
            assert!(problem.ends_with("decompression bomb"), "{coding}: {problem}");
            let body = exchange.response.body.unwrap();
            assert!(body.bytes.len() <= LIMITS.body && !body.is_whole(), "{coding}");
            assert_eq!(exchange.state, State::Complete, "{coding}");
            assert_eq!(exchange.response.body_bytes, bomb.len() as u64);
        }
    }
}

#[test]
fn more_codings_than_anybody_sends_are_not_undone() {
    let head = format!("Content-Encoding: {}\r\n", ["gzip"; 1000].join(", "));
    let exchange = answered(&head, b"{}");
    assert_eq!(detail(&exchange, "content_encoding"), Some("1000 content codings"));
    assert_eq!(exchange.response.body.unwrap().bytes, b"{}");
}

#[test]
fn compressed_messages_are_bounded_one_by_one() {
    for (coding, bomb) in bombs() {
        if coding.contains(',') || bomb.len() > LIMITS.event {
            continue;
        }
        let mut body = vec![1];
        body.extend((bomb.len() as u32).to_be_bytes());
        body.extend(&bomb);
        body.extend(b"\0\0\0\0\x04\x0a\x02hi");
        let head = format!("Content-Type: application/grpc\r\nGrpc-Encoding: {coding}\r\n");
        let exchange = answered(&head, &body);
        let problem = detail(&exchange, "message_encoding").unwrap_or_default();
        assert!(problem.ends_with("decompression bomb"), "{coding}: {problem}");
        assert_eq!(exchange.response.body.unwrap().bytes, b"{\"1\":\"hi\"}", "{coding}");
    }
}

#[test]
fn nesting_costs_nothing() {
    let closed = format!("[{}{}]", "[".repeat(400 << 10), "]".repeat(400 << 10));
    for (body, kind) in [
        ("[".repeat(900 << 10), BodyKind::Text),
        ("{\"a\":".repeat(150 << 10), BodyKind::Text),
        (closed, BodyKind::Json),
    ] {
        let exchange = answered("Content-Type: application/json\r\n", body.as_bytes());
        assert_eq!(exchange.response.body.unwrap().kind, kind);
        let stream = format!("data: {body}\n\ndata: [DONE]\n\n");
        let exchange = answered("Content-Type: text/event-stream\r\n", stream.as_bytes());
        assert_eq!(exchange.response.events, 2);
        assert!(detail(&exchange, "event_too_long").is_some());
    }
    // Messages within messages, each as long as what it holds.
    let mut message = b"\x0a\x00".to_vec();
    while message.len() < 16 << 10 {
        let mut outer =
            vec![0x0a, message.len() as u8 | 0x80, (message.len() >> 7) as u8 | 0x80, 0];
        outer.append(&mut message);
        message = outer;
    }
    let exchange = answered("Content-Type: application/x-protobuf\r\n", &message);
    let body = exchange.response.body.unwrap();
    assert_eq!(body.kind, BodyKind::Json);
    assert!(body.bytes.len() < 3 * message.len());
}

#[test]
fn what_never_ends_is_passed_over_and_said() {
    let long = "x".repeat(16 << 10);
    let many = (0..2000).map(|number| format!("X-{number}: 1\r\n")).collect::<String>();
    for head in [format!("X-Long: {long}\r\n"), many] {
        let exchange = answered(&head, b"{}");
        assert_eq!(exchange.state, State::Aborted);
        assert!(detail(&exchange, "unread_response").is_some(), "{:?}", exchange.findings);
    }
    for (content_type, event) in [
        ("text/event-stream", format!("data: {}\n\n", "x".repeat(100 << 10))),
        ("application/x-ndjson", format!("\"{}\"\n", "x".repeat(100 << 10))),
        ("application/json", format!("[{{\"a\":\"{}\"}},{{}}]", "x".repeat(100 << 10))),
    ] {
        let exchange = answered(&format!("Content-Type: {content_type}\r\n"), event.as_bytes());
        let said = detail(&exchange, "event_too_long");
        assert_eq!(said, Some("1 events longer than 65536 bytes"), "{content_type}");
    }
    // A message that says it is 4 GiB long, and then all that came.
    let endless = [&b"\0\xff\xff\xff\xff"[..], &[7; 300 << 10]].concat();
    let exchange = answered("Content-Type: application/grpc\r\n", &endless);
    assert!(detail(&exchange, "event_too_long").is_some());
    assert!(detail(&exchange, "incomplete_event").is_some());
}
