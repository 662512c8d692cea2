//! Large and dense messages: whole within the budget, bounded beyond it.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use llmtop_parsers::{Connection, Direction, Event, Exchange, Limits, Timestamp};

const ASK: &str = "POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\n\
    Content-Type: application/json\r\nContent-Length: 42\r\n\r\n\
    {\"model\":\"m\",\"stream\":true,\"messages\":[  ]}";

/// Plays one exchange, the response in reads of 16 KiB.
fn exchange(limits: Limits, request: &[u8], response: &[u8]) -> (Exchange, Vec<Event>) {
    let mut connection = Connection::new(limits, false);
    let mut events = Vec::new();
    let mut play = |direction, bytes: &[u8]| {
        connection.receive(direction, Timestamp(1), bytes);
        events.extend(std::iter::from_fn(|| connection.poll()));
    };
    request.chunks(16 << 10).for_each(|chunk| play(Direction::Sent, chunk));
    response.chunks(16 << 10).for_each(|chunk| play(Direction::Received, chunk));
    let finished = events.iter().find_map(|event| match event {
        Event::Finished(exchange) => Some((**exchange).clone()),
        _ => None,
    });
    (finished.unwrap(), events)
}

fn streamed(answer: &str, piece: usize) -> Vec<u8> {
    let mut response = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
        Transfer-Encoding: chunked\r\n\r\n"
        .to_vec();
    for piece in answer.as_bytes().chunks(piece) {
        let piece = std::str::from_utf8(piece).unwrap();
        let event =
            format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{piece}\"}}}}]}}\n\n");
        write!(response, "{:x}\r\n{event}\r\n", event.len()).unwrap();
    }
    response.extend_from_slice(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");
    response
}

fn numbers(bytes: usize) -> String {
    (0..)
        .map(|number| format!("{number} "))
        .scan(0, |length, word: String| {
            *length += word.len();
            (*length <= bytes).then_some(word)
        })
        .collect()
}

#[test]
fn a_streamed_answer_of_32_mib_comes_whole() {
    let answer = numbers(32 << 20);
    let (exchange, events) = exchange(Limits::default(), ASK.as_bytes(), &streamed(&answer, 4000));
    assert!(exchange.response.text.as_deref() == Some(&answer), "the text differs");
    assert!(exchange.response.body.is_some_and(|body| body.is_whole()));
    let deltas: String = events
        .into_iter()
        .filter_map(|event| match event {
            Event::Delta(_, delta) => Some(delta.text),
            _ => None,
        })
        .collect();
    assert!(deltas == answer, "the deltas differ");
}

#[test]
fn a_request_of_8_mib_comes_whole() {
    let body = format!("{{\"model\":\"m\",\"messages\":[\"{}\"]}}", numbers(8 << 20));
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let response = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let (exchange, _) = exchange(Limits::default(), request.as_bytes(), response);
    assert!(exchange.request.body.unwrap().bytes == body.as_bytes(), "the body differs");
    assert_eq!(exchange.request.body_bytes, body.len() as u64);
    assert_eq!(exchange.request.model.as_deref(), Some("m"));
}

#[test]
fn an_answer_over_the_budget_keeps_what_fits() {
    let limits = Limits { body: 100_000, ..Limits::default() };
    let (exchange, _) = exchange(limits, ASK.as_bytes(), &streamed(&numbers(1 << 20), 1000));
    let body = exchange.response.body.unwrap();
    assert_eq!(body.bytes.len(), 100_000);
    assert!(body.bytes.ends_with(b"data: [DONE]\n\n"), "the tail is kept");
    assert!(exchange.response.text.unwrap().len() <= 100_000);
    for kind in ["body_truncated", "answer_truncated"] {
        assert!(exchange.findings.iter().any(|finding| finding.kind == kind), "{kind}");
    }
}

#[test]
fn a_decompression_bomb_is_defused() {
    let mut layers = vec![0; 300 << 20];
    for _ in 0..2 {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&layers).unwrap();
        layers = encoder.finish().unwrap();
    }
    for coding in ["gzip", "gzip, gzip"] {
        let mut response = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n",
            layers.len()
        )
        .into_bytes();
        response.extend_from_slice(&layers);
        let limits = Limits { body: 1 << 20, ..Limits::default() };
        let (exchange, _) = exchange(limits, b"GET / HTTP/1.1\r\n\r\n", &response);
        if coding == "gzip, gzip" {
            let bomb = |detail: &str| detail.contains("decompression bomb");
            assert!(exchange.findings.iter().any(|finding| bomb(&finding.detail)));
        }
        let body = exchange.response.body.unwrap();
        assert!(body.bytes.len() <= 1 << 20);
    }
}

#[test]
fn a_head_that_never_ends_costs_little() {
    let mut connection = Connection::new(Limits::default(), false);
    connection.receive(Direction::Sent, Timestamp(0), b"GET / HTTP/1.1\r\nX: ");
    for _ in 0..(2 << 20) {
        connection.receive(Direction::Sent, Timestamp(0), b"x");
    }
    assert!(connection.poll().is_none());
}
