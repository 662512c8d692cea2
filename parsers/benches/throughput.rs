//! How fast bytes become exchanges: `cargo bench -p llmtop-parsers`.
//!
//! Beside it, on the same bytes, what it is held against: counting lines, and
//! parsing each event with `serde_json`. docs/performance.md says how to read it.

use std::io::Write;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::Compression;
use flate2::write::GzEncoder;
use llmtop_parsers::{Connection, Direction, Event, Limits, Timestamp};
use serde_json::Value;

/// What one read of a TLS library moves at most.
const READ: usize = 16 << 10;

fn request(path: &str) -> Vec<u8> {
    let body = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"Go"}]}"#;
    let head = "Host: api.openai.com\r\nContent-Type: application/json\r\nContent-Length";
    format!("POST {path} HTTP/1.1\r\n{head}: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A stream of `count` events, each of some 200 bytes and in a chunk of its own.
fn events(count: usize) -> Vec<Vec<u8>> {
    let event = |number: usize| {
        format!(
            "data: {{\"id\":\"chatcmpl-123456789\",\"object\":\"chat.completion.chunk\",\
             \"created\":1700000000,\"model\":\"gpt-4o-2024-08-06\",\"choices\":[{{\"index\":0,\
             \"delta\":{{\"content\":\" token{number}\"}},\"finish_reason\":null}}]}}\n\n"
        )
        .into_bytes()
    };
    (0..count).map(event).chain([b"data: [DONE]\n\n".to_vec()]).collect()
}

fn chunked(headers: &str, pieces: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut response = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{headers}\
         Transfer-Encoding: chunked\r\n\r\n"
    )
    .into_bytes();
    for piece in pieces.into_iter().filter(|piece| !piece.is_empty()) {
        response.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        response.extend_from_slice(&piece);
        response.extend_from_slice(b"\r\n");
    }
    response.extend_from_slice(b"0\r\n\r\n");
    response
}

/// Each event flushed on its own.
fn gzipped(events: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let mut pieces = Vec::new();
    for event in events {
        if encoder.write_all(&event).and_then(|()| encoder.flush()).is_ok() {
            pieces.push(std::mem::take(encoder.get_mut()));
        }
    }
    pieces.extend(encoder.finish());
    pieces
}

/// Plays one exchange and counts the events; it must end complete.
fn play(request: &[u8], response: &[u8]) -> usize {
    let mut connection = Connection::new(Limits::default(), false);
    let mut count = 0;
    let mut finished = false;
    for (direction, bytes) in [(Direction::Sent, request), (Direction::Received, response)] {
        for (time, chunk) in bytes.chunks(READ).enumerate() {
            connection.receive(direction, Timestamp(time as u64), chunk);
            while let Some(event) = connection.poll() {
                count += 1;
                finished |= matches!(event, Event::Finished(_));
            }
        }
    }
    assert!(finished, "the exchange did not end");
    count
}

fn throughput(criterion: &mut Criterion) {
    let json = format!(r#"{{"model":"m","messages":["{}"]}}"#, "some words ".repeat(95_000));
    let large = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{json}",
        json.len()
    );
    let chat = request("/v1/chat/completions");
    let other = b"GET /events HTTP/1.1\r\n\r\n".to_vec();
    let gzip = "Content-Encoding: gzip\r\n";
    let stream = || events(20_000);
    let cases = [
        ("sse", other.clone(), chunked("", stream())),
        ("sse, openai.chat", chat.clone(), chunked("", stream())),
        ("sse, gzip", other, chunked(gzip, gzipped(stream()))),
        ("sse, gzip, openai.chat", chat, chunked(gzip, gzipped(stream()))),
        ("1 MB JSON request", large.into_bytes(), b"HTTP/1.1 204 No\r\n\r\n".to_vec()),
    ];
    let mut group = criterion.benchmark_group("http1");
    group.sample_size(20);
    let plain = chunked("", stream()).len();
    for (name, request, response) in cases {
        // Of a compressed stream, what it is once it is not.
        let size = request.len() + if name.contains("gzip") { plain } else { response.len() };
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| play(&request, &response));
        });
    }
    let response = chunked("", stream());
    group.throughput(Throughput::Bytes(response.len() as u64));
    group.bench_function("baseline: lines of the sse", |bencher| {
        bencher.iter(|| memchr::memchr_iter(b'\n', &response).count());
    });
    group.bench_function("baseline: serde_json of the sse", |bencher| {
        bencher.iter(|| parse_events(&response));
    });
    group.throughput(Throughput::Bytes(json.len() as u64));
    group.bench_function("baseline: serde_json of the 1 MB request", |bencher| {
        bencher.iter(|| serde_json::from_str::<Value>(&json).is_ok());
    });
    group.finish();
}

/// Parses the data of each event, and how many are JSON.
fn parse_events(response: &[u8]) -> usize {
    let lines = response.split(|byte| *byte == b'\n');
    let data = lines.filter_map(|line| line.strip_prefix(b"data: "));
    data.filter(|data| serde_json::from_slice::<Value>(data).is_ok()).count()
}

criterion_group!(benches, throughput);
criterion_main!(benches);
