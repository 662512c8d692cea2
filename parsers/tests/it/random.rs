//! Bytes nobody meant: no panic, no broken contract, no unbounded memory.

use llmtop_parsers::{Connection, Direction, Event, Exchange, Limits, State, Timestamp, Usage};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::capture::{Capture, Step, cases};
use crate::corpus::{check_contract, check_order, finished};
use crate::render;

const LIMITS: Limits = Limits { body: 512, head: 1024, event: 256, open_exchanges: 4 };

/// What may happen to a connection.
#[derive(Clone, Debug)]
enum Happening {
    Bytes(bool, Vec<u8>),
    Gap(bool, u64),
    Close,
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    // Pieces of the protocol, so that more than the detection is met.
    let words: Vec<&[u8]> = vec![
        b"POST /v1/messages HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"HEAD / HTTP/1.0\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 204 No\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 18446744073709551615\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Content-Encoding: br, zstd, deflate\r\n",
        b"Content-Type: text/event-stream\r\n",
        b"Content-Type: application/json\r\n",
        b"Content-Type: application/x-ndjson\r\n",
        b"Content-Type: application/vnd.amazon.eventstream\r\n",
        b"Content-Type: application/grpc\r\nGrpc-Encoding: gzip\r\n",
        b"Content-Type: application/connect+json\r\n",
        b"Content-Type: application/proto\r\n",
        b"POST /model/m/converse-stream HTTP/1.1\r\n",
        b"POST /agent.v1.AgentService/Run HTTP/1.1\r\n",
        b"\r\n",
        b"\n",
        b"5\r\nhello\r\n",
        b"ffffffffffffffff\r\n",
        b"0\r\n\r\n",
        b"data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n",
        b"event: message_start\n",
        b"[{\"candidates\":[]}\n,\r\n{\"a\":\"",
        b"\"}]",
        // A message of an event stream, and most of one.
        b"\0\0\0\x10\0\0\0\0\x05\xc2\x48\xeb\x7d\x98\xc8\xff",
        b"\0\0\0\x10\0\0\0\0\x05\xc2\x48\xeb\x7d\x98\xc8",
        // Of gRPC: `{1: "hi"}`, one that is compressed, the end of a stream.
        b"\0\0\0\0\x04\x0a\x02hi",
        b"\x01\0\0\0\x02\x1f\x8b",
        b"\x02\0\0\0\x1a{\"error\":{\"code\":\"x\"}}   ",
        b"{\"model\":\"m\",\"stream\":true,\"messages\":[]}",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
        b"\x28\xb5\x2f\xfd",
        b"hello",
        b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n",
        b"\x81\x1B{\"type\":\"response.create\"}",
        b"\x81\x9B\0\0\0\0{\"type\":\"response.create\"}",
        b"\x81\x33{\"type\":\"response.completed\",\"sequence_number\":1}",
        b"\x82\x24{\"serverContent\":{\"turnComplete\":1}}",
        b"\x01\x02{}",
        b"\x80\x00",
        b"\xC1\x04\xAA\xAE\x05\x00",
        b"\x88\x02\x03\xE8",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\0\0\0\x04\0\0\0\0\0",
        // HEADERS: `:method: POST` of the tables, `:status: 200`, trailers.
        b"\0\0\x04\x01\x04\0\0\0\x01\x83\x86\x84\xbe",
        b"\0\0\x05\x01\x04\0\0\0\x03\x83\x41\x01a\xbe",
        b"\0\0\x02\x01\x04\0\0\0\x01\x88\xbe",
        b"\0\0\x02\x01\0\0\0\0\x03\x88\xbf",
        b"\0\0\x05\x01\x04\0\0\0\x01\x40\x01a\x01b",
        b"\0\0\x05\x01\x05\0\0\0\x01\x40\x01a\x01b",
        b"\0\0\x01\x09\x04\0\0\0\x03\xbe",
        b"\0\0\x05\x05\x04\0\0\0\x01\0\0\0\x02\x82",
        b"\0\0\x05\0\0\0\0\0\x01hello",
        b"\0\0\x05\0\x09\0\0\0\x03\x02lo\0\0",
        b"\0\0\0\0\x01\0\0\0\x01",
        b"\0\0\x04\x03\0\0\0\0\x01\0\0\0\x08",
        b"\0\0\x08\x07\0\0\0\0\0\0\0\0\x01\0\0\0\x0b",
    ];
    let bytes = prop_oneof![
        4 => proptest::sample::select(words).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 0..40),
    ];
    let bytes = vec(bytes, 1..6).prop_map(|pieces| pieces.concat());
    let happening = prop_oneof![
        20 => (any::<bool>(), bytes).prop_map(|(sent, bytes)| Happening::Bytes(sent, bytes)),
        2 => (any::<bool>(), 0..50u64).prop_map(|(sent, lost)| Happening::Gap(sent, lost)),
        1 => any::<bool>().prop_map(|sent| Happening::Gap(sent, u64::MAX)),
        1 => Just(Happening::Close),
    ];
    vec(happening, 0..40)
}

fn direction(sent: bool) -> Direction {
    if sent { Direction::Sent } else { Direction::Received }
}

fn check_bounds(events: &[Event]) {
    for event in events {
        if let Event::Started(exchange) | Event::Updated(exchange) | Event::Finished(exchange) =
            event
        {
            for body in exchange.request.body.iter().chain(&exchange.response.body) {
                assert!(body.bytes.len() <= LIMITS.body);
                assert!(body.elided.iter().all(|hole| hole.at <= body.bytes.len()));
                assert!(body.elided.is_sorted_by_key(|hole| hole.at));
            }
            let text = exchange.response.text.as_deref().unwrap_or_default();
            assert!(text.len() <= LIMITS.body);
            let heads = exchange.request.headers.iter().chain(&exchange.response.headers);
            let size: usize = heads.map(|(name, value)| name.len() + value.len()).sum();
            assert!(size <= 2 * 3 * LIMITS.head, "a head of {size} bytes");
        }
    }
}

/// Whether an exchange says that something of it may be missing.
fn is_marked(exchange: &Exchange) -> bool {
    exchange.state != State::Complete
        || exchange.lost_bytes > 0
        || exchange.joined_midway
        || !exchange.findings.is_empty()
}

/// All its numbers, and what was asked for them.
fn numbers(exchange: &Exchange) -> (Usage, Option<f64>, [u64; 2], Option<&[u8]>) {
    let (request, response) = (&exchange.request, &exchange.response);
    let body = request.body.as_ref().map(|body| &body.bytes[..]);
    (exchange.usage, exchange.cost.usd, [request.body_bytes, response.body_bytes], body)
}

/// At least 2000 cases; more with `PROPTEST_CASES`.
fn config() -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig { cases: config.cases.max(2000), failure_persistence: None, ..config }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_keep_the_contract(
        happenings in happenings(),
        joined_midway in any::<bool>(),
    ) {
        let mut connection = Connection::new(LIMITS, joined_midway);
        let mut events = Vec::new();
        for (time, happening) in happenings.into_iter().enumerate() {
            let time = Timestamp(time as u64);
            match happening {
                Happening::Bytes(sent, bytes) => connection.receive(direction(sent), time, &bytes),
                Happening::Gap(sent, lost) => connection.gap(direction(sent), time, lost),
                Happening::Close => connection.close(time),
            }
            events.extend(std::iter::from_fn(|| connection.poll()));
        }
        connection.close(Timestamp(1000));
        events.extend(std::iter::from_fn(|| connection.poll()));
        check_contract(&events, "random");
        check_bounds(&events);
    }

    #[test]
    fn damaged_captures_keep_the_contract(
        which in any::<prop::sample::Index>(),
        damages in vec((any::<prop::sample::Index>(), 0..4u8, any::<u8>(), 1..300u64), 0..6),
        size in 1..500usize,
    ) {
        let cases = [cases("http1"), cases("http2"), cases("websocket")].concat();
        let mut capture: Capture = which.get(&cases).1.in_pieces(size);
        for (at, what, byte, lost) in damages {
            let at = at.index(capture.steps.len());
            let (time, step) = capture.steps[at].clone();
            match (what, step) {
                // A byte changes.
                (0, Step::Chunk(direction, mut bytes)) if !bytes.is_empty() => {
                    let place = lost as usize % bytes.len();
                    bytes[place] = byte;
                    capture.steps[at] = (time, Step::Chunk(direction, bytes));
                }
                // A chunk is lost.
                (1, step @ Step::Chunk(..)) => capture.steps[at] = (time, step.lost()),
                // A chunk comes twice.
                (2, step) => capture.steps.insert(at, (time, step)),
                // Something is lost, nobody knows where from.
                (_, _) => {
                    let gap = Step::Gap(direction(byte & 1 == 0), lost);
                    capture.steps.insert(at, (time, gap));
                }
            }
        }
        capture.steps.push((u64::MAX / 1_000_000, Step::Close));
        // An event that cannot be read any more tells no delta, though the
        // answer's last word holds what it said.
        let events = capture.play(LIMITS);
        check_order(&events, "damaged");
        check_bounds(&events);
    }

    /// What was lost in capture may be missing, and then it is said; a number is
    /// that of the whole capture, or its exchange is marked.
    #[test]
    fn losses_make_no_number_wrong(
        which in any::<prop::sample::Index>(),
        losses in vec(any::<prop::sample::Index>(), 1..4),
        size in 1..500usize,
    ) {
        let cases = [cases("http1"), cases("http2"), cases("websocket")].concat();
        let (directory, capture) = which.get(&cases);
        let whole = finished(&capture.play(Limits::default()));
        let mut damaged = capture.in_pieces(size);
        for at in losses {
            let at = at.index(damaged.steps.len());
            if let (_, step @ Step::Chunk(..)) = &mut damaged.steps[at] {
                *step = step.lost();
            }
        }
        damaged.steps.push((u64::MAX / 1_000_000, Step::Close));
        for seen in finished(&damaged.play(Limits::default())) {
            let is_it = |truth: &Exchange| numbers(truth) == numbers(&seen);
            prop_assert!(
                is_marked(&seen) || whole.iter().any(is_it),
                "{}:\n{}",
                directory.display(),
                render::exchange(&seen)
            );
        }
    }
}
