//! How fast frames become exchanges: `cargo bench -p llmtop-parsers --bench http2`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use llmtop_parsers::http2::{Http2, hpack};
use llmtop_parsers::{Connection, Direction, Event, Limits, Timestamp};

/// What one read of a TLS library moves at most.
const READ: usize = 16 << 10;

const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const DATA: u8 = 0;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

fn block(encoder: &mut loona_hpack::Encoder<'_>, fields: &[(&str, &str)]) -> Vec<u8> {
    encoder.encode(fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
}

fn request(path: &str, body: &[u8]) -> Vec<u8> {
    let fields = [
        (":method", if body.is_empty() { "GET" } else { "POST" }),
        (":scheme", "https"),
        (":authority", "api.openai.com"),
        (":path", path),
        ("content-type", "application/json"),
    ];
    let head = block(&mut loona_hpack::Encoder::new(), &fields);
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(SETTINGS, 0, 0, &[]));
    bytes.extend(frame(HEADERS, END_HEADERS, 1, &head));
    bytes.extend(frame(DATA, END_STREAM, 1, body));
    bytes
}

/// A response of `count` events of some 200 bytes, each in a frame of its own.
fn response(count: usize) -> Vec<u8> {
    let fields = [(":status", "200"), ("content-type", "text/event-stream")];
    let mut bytes = frame(SETTINGS, 0, 0, &[]);
    let head = block(&mut loona_hpack::Encoder::new(), &fields);
    bytes.extend(frame(HEADERS, END_HEADERS, 1, &head));
    for number in 0..count {
        let event = format!(
            "data: {{\"id\":\"chatcmpl-123456789\",\"object\":\"chat.completion.chunk\",\
             \"created\":1700000000,\"model\":\"gpt-4o-2024-08-06\",\"choices\":[{{\"index\":0,\
             \"delta\":{{\"content\":\" token{number}\"}},\"finish_reason\":null}}]}}\n\n"
        );
        bytes.extend(frame(DATA, 0, 1, event.as_bytes()));
    }
    bytes.extend(frame(DATA, END_STREAM, 1, b"data: [DONE]\n\n"));
    bytes
}

/// Plays one exchange; it must end.
fn play(request: &[u8], response: &[u8]) {
    let mut connection = Connection::new(Limits::default(), false);
    let mut finished = false;
    for (direction, bytes) in [(Direction::Sent, request), (Direction::Received, response)] {
        for (time, chunk) in bytes.chunks(READ).enumerate() {
            connection.receive(direction, Timestamp(time as u64), chunk);
            while let Some(event) = connection.poll() {
                finished |= matches!(event, Event::Finished(_));
            }
        }
    }
    assert!(finished, "the exchange did not end");
}

/// Frames alone: where the time goes before bodies are looked at.
fn frames(joined_midway: bool, response: &[u8]) -> usize {
    let mut http2 = Http2::new(Limits::default(), joined_midway);
    let mut events = 0;
    for chunk in response.chunks(READ) {
        http2.receive(Direction::Received, Timestamp(0), chunk, |_, event| {
            events += 1;
            black_box(&event);
        });
    }
    events
}

fn throughput(criterion: &mut Criterion) {
    let response = response(20_000);
    let mut group = criterion.benchmark_group("http2");
    group.sample_size(20);
    group.throughput(Throughput::Bytes(response.len() as u64));
    let other = request("/events", b"");
    group.bench_function("sse", |bencher| bencher.iter(|| play(&other, &response)));
    let ask = br#"{"model":"m","stream":true,"messages":[{"role":"user","content":"Go"}]}"#;
    let chat = request("/v1/chat/completions", ask);
    group.bench_function("sse, openai.chat", |bencher| bencher.iter(|| play(&chat, &response)));
    group.bench_function("frames", |bencher| bencher.iter(|| frames(false, &response)));
    // Never found: every byte is looked at as if a frame might begin there.
    let noise: Vec<u8> =
        (0..4_000_000u32).map(|n| (n.wrapping_mul(0x9e37_79b1) >> 24) as u8).collect();
    group.throughput(Throughput::Bytes(noise.len() as u64));
    group.bench_function("search", |bencher| bencher.iter(|| frames(true, &noise)));
    group.finish();

    let mut encoder = loona_hpack::Encoder::new();
    let fields: Vec<(String, String)> = (0..30)
        .map(|n| (format!("x-header-{n}"), format!("a value of some length, {n}")))
        .collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (&n[..], &v[..])).collect();
    let blocks: Vec<Vec<u8>> = (0..100).map(|_| block(&mut encoder, &fields)).collect();
    let mut group = criterion.benchmark_group("hpack");
    group.throughput(Throughput::Elements((blocks.len() * fields.len()) as u64));
    group.bench_function("fields", |bencher| {
        bencher.iter(|| {
            let mut decoder = hpack::Decoder::new();
            let mut octets = 0;
            for block in &blocks {
                let result = decoder.decode(block, |field| {
                    octets += field.value.map_or(0, <[u8]>::len);
                });
                assert!(result.is_ok());
            }
            octets
        });
    });
    group.finish();
}

criterion_group!(benches, throughput);
criterion_main!(benches);
