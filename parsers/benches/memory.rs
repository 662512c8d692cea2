//! What open streams hold: `cargo bench -p llmtop-parsers --bench memory`.
//!
//! Ten thousand answers are begun and not ended, each on a connection of its
//! own or a hundred on one; then the live bytes of the heap are counted. What
//! was received of an answer is kept until it is over: that is said beside.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use llmtop_parsers::Direction::{Received, Sent};
use llmtop_parsers::{Connection, Limits, Timestamp};

const STREAMS: usize = 10_000;
const ON_ONE: usize = 100;

/// Counts the bytes that are allocated and not freed.
struct Counting(AtomicUsize);

#[global_allocator]
static HEAP: Counting = Counting(AtomicUsize::new(0));

#[expect(unsafe_code, reason = "an allocator is")]
// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.0.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        self.0.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

const QUESTION: &str =
    r#"{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Go"}]}"#;

fn event(number: usize) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-123456789\",\"object\":\"chat.completion.chunk\",\
         \"created\":1700000000,\"model\":\"gpt-4o-2024-08-06\",\"choices\":[{{\"index\":0,\
         \"delta\":{{\"content\":\" token{number}\"}},\"finish_reason\":null}}]}}\n\n"
    )
}

/// A stream as it moves, call by call.
fn http1(events: usize, gzip: bool) -> Vec<Vec<u8>> {
    let coding = if gzip { "Content-Encoding: gzip\r\n" } else { "" };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{coding}\
         Transfer-Encoding: chunked\r\n\r\n"
    );
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let mut reads = vec![head.into_bytes()];
    for event in (0..events).map(event) {
        let mut body = event.into_bytes();
        if gzip && encoder.write_all(&body).and_then(|()| encoder.flush()).is_ok() {
            body = std::mem::take(encoder.get_mut());
        }
        let mut chunk = format!("{:x}\r\n", body.len()).into_bytes();
        chunk.extend(body);
        chunk.extend(b"\r\n");
        reads.push(chunk);
    }
    reads
}

fn drain(connection: &mut Connection) {
    while connection.poll().is_some() {}
}

/// Connections with one open answer each.
fn open_http1(events: usize, gzip: bool) -> Vec<Connection> {
    let question = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{QUESTION}",
        QUESTION.len()
    );
    let reads = http1(events, gzip);
    let open = || {
        let mut connection = Connection::new(Limits::default(), false);
        connection.receive(Sent, Timestamp(1), question.as_bytes());
        for read in &reads {
            connection.receive(Received, Timestamp(2), read);
            drain(&mut connection);
        }
        connection
    };
    (0..STREAMS).map(|_| open()).collect()
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Connections with a hundred open answers each.
fn open_http2(events: usize) -> Vec<Connection> {
    let head = |fields: &[(&str, &str)]| {
        let fields = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        loona_hpack::Encoder::new().encode(fields)
    };
    let asked = head(&[
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "api.openai.com"),
        (":path", "/v1/chat/completions"),
        ("content-type", "application/json"),
    ]);
    let answered = head(&[(":status", "200"), ("content-type", "text/event-stream")]);
    let open = || {
        let mut connection = Connection::new(Limits::default(), false);
        let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        sent.extend(frame(4, 0, 0, &[]));
        let mut received = frame(4, 0, 0, &[]);
        for stream in (1..).step_by(2).take(ON_ONE) {
            sent.extend(frame(1, 4, stream, &asked));
            sent.extend(frame(0, 1, stream, QUESTION.as_bytes()));
            received.extend(frame(1, 4, stream, &answered));
        }
        connection.receive(Sent, Timestamp(1), &sent);
        connection.receive(Received, Timestamp(2), &received);
        drain(&mut connection);
        for event in (0..events).map(event) {
            for stream in (1..).step_by(2).take(ON_ONE) {
                connection.receive(Received, Timestamp(2), &frame(0, 0, stream, event.as_bytes()));
                drain(&mut connection);
            }
        }
        connection
    };
    (0..STREAMS / ON_ONE).map(|_| open()).collect()
}

fn main() {
    let body = |events: usize| (0..events).map(|number| event(number).len()).sum::<usize>();
    println!("{STREAMS} open streams, bytes of heap each (of them received: the body kept)");
    type Open = fn(usize) -> Vec<Connection>;
    let cases: [(&str, Open); 3] = [
        ("HTTP/1.1, a connection each", |events| open_http1(events, false)),
        ("HTTP/1.1, gzip", |events| open_http1(events, true)),
        ("HTTP/2, a hundred on one", open_http2),
    ];
    for (name, open) in cases {
        for events in [0, 1, 20] {
            let before = HEAP.0.load(Ordering::Relaxed);
            let connections = open(events);
            let held = HEAP.0.load(Ordering::Relaxed) - before;
            println!("{name}, {events} events: {} (body {})", held / STREAMS, body(events));
            drop(connections);
        }
    }
}
