//! How fast messages of a WebSocket become exchanges:
//! `cargo bench -p llmtop-parsers --bench websocket`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use encoder::Encoder;
use llmtop_parsers::Direction::{self, Received, Sent};
use llmtop_parsers::{Connection, Event, Limits, Timestamp};
use serde_json::Value;

// The tests' encoder, written from the specifications.
#[path = "../tests/websocket/encoder.rs"]
#[expect(clippy::unwrap_used, reason = "what it writes fits")]
mod encoder;

/// What one read of a TLS library moves at most.
const READ: usize = 16 << 10;

fn message(text: &str) -> encoder::Sent {
    let payload = text.as_bytes().to_vec();
    encoder::Sent { text: true, payload, compress: true, cuts: Vec::new(), ping: false }
}

/// A turn of `count` events, some 200 bytes each.
fn events(count: usize) -> Vec<String> {
    let response = r#"{"id":"resp_1","object":"response","model":"gpt-5","output":[]"#;
    let delta = |number| {
        format!(
            "{{\"type\":\"response.output_text.delta\",\"sequence_number\":{number},\
             \"item_id\":\"msg_68a0b1c2d3e4f5061728394a5b6c7d8e\",\"output_index\":0,\
             \"content_index\":0,\"delta\":\" token{number}\",\"logprobs\":[],\
             \"obfuscation\":\"abcdefgh\"}}"
        )
    };
    let begin = format!(r#"{{"type":"response.created","response":{response}}}}}"#);
    let end =
        format!(r#"{{"type":"response.completed","response":{response},"status":"completed"}}}}"#);
    std::iter::once(begin).chain((1..=count).map(delta)).chain([end]).collect()
}

/// A connection that is opened and has one turn, as it passes.
fn steps(extensions: &str, takeover: bool, events: &[String]) -> [(Direction, Vec<u8>); 4] {
    let opens = format!(
        "GET /v1/responses HTTP/1.1\r\nHost: api.openai.com\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extensions}\r\n"
    );
    let opened = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n{extensions}\r\n"
    );
    let deflate = !extensions.is_empty();
    let ask = r#"{"type":"response.create","model":"gpt-5","input":"Go"}"#;
    let asked = Encoder::new(true, deflate, takeover).message(&message(ask)).concat();
    let mut server = Encoder::new(false, deflate, takeover);
    let answered = events.iter().flat_map(|event| server.message(&message(event)).concat());
    let answered = answered.collect();
    [
        (Sent, opens.into_bytes()),
        (Received, opened.into_bytes()),
        (Sent, asked),
        (Received, answered),
    ]
}

/// Plays it, and counts what is told; the turn must end.
fn play(steps: &[(Direction, Vec<u8>)]) -> usize {
    let mut connection = Connection::new(Limits::default(), false);
    let mut count = 0;
    let mut turns = 0;
    for (time, (direction, bytes)) in steps.iter().enumerate() {
        for chunk in bytes.chunks(READ) {
            connection.receive(*direction, Timestamp(time as u64), chunk);
            while let Some(event) = connection.poll() {
                count += 1;
                let dialect = match &event {
                    Event::Finished(exchange) => exchange.dialect,
                    _ => None,
                };
                turns += usize::from(dialect == Some("openai.responses"));
            }
        }
    }
    assert_eq!(turns, 1, "turns that ended");
    count
}

fn throughput(criterion: &mut Criterion) {
    let deflate = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let alone = "Sec-WebSocket-Extensions: permessage-deflate; \
                 server_no_context_takeover; client_no_context_takeover\r\n";
    let events = events(20_000);
    let mut group = criterion.benchmark_group("websocket");
    group.sample_size(20);
    // What the messages are once they are decompressed.
    group.throughput(Throughput::Bytes(events.iter().map(|event| event.len() as u64).sum()));
    for (name, extensions, takeover) in [
        ("openai.responses", "", false),
        ("openai.responses, deflate", deflate, true),
        ("openai.responses, deflate, no context", alone, false),
    ] {
        let steps = steps(extensions, takeover, &events);
        group.bench_function(name, |bencher| bencher.iter(|| play(&steps)));
    }
    group.bench_function("baseline: serde_json of the events", |bencher| {
        bencher.iter(|| {
            events.iter().filter(|event| serde_json::from_str::<Value>(event).is_ok()).count()
        });
    });
    group.finish();
}

criterion_group!(benches, throughput);
criterion_main!(benches);
