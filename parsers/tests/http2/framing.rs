//! Where frames are, where there are none, and what is kept of them.

use llmtop_parsers::http2::Http2;
use llmtop_parsers::{Direction, Limits, Role, Timestamp};
use proptest::prelude::*;

use crate::wire::*;

/// Bytes that repeat nothing, from a linear congruential generator.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn no_frames_are_seen_where_there_are_none() {
    let text =
        "data: {\"choices\":[{\"delta\":{\"content\":\"\\t\\n\"}}]}\n\n\t\t\t".repeat(20_000);
    let zeros = vec![0; 1 << 20];
    // Little-endian integers, as in images and weights.
    let integers: Vec<u8> = (0..250_000u32).flat_map(u32::to_le_bytes).collect();
    let cases = [noise(4 << 20), text.into_bytes(), zeros, integers];
    for (case, bytes) in cases.iter().enumerate() {
        for piece in [usize::MAX, 1448, 16384] {
            let told = follow(true, &[(Direction::Received, bytes.clone())], piece);
            assert_eq!(told, Told::default(), "case {case} in pieces of {piece}");
        }
    }
}

#[test]
fn garbage_between_frames_is_passed_over() {
    let mut peers = Peers::new();
    peers.request(1, b"{}");
    peers.response(1, "200");
    peers.server(DATA, END_STREAM, 1, b"one");
    peers.chunks.push((Direction::Received, noise(100_000)));
    peers.request(3, b"{}");
    peers.response(3, "200");
    peers.server(DATA, 0, 3, b"three");
    peers.server(DATA, END_STREAM, 3, b", all of it");
    let told = follow(false, &peers.chunks, usize::MAX);
    assert_eq!(told.streams[&1].response.body, b"one");
    assert_eq!(told.streams[&3].response.body, b"three, all of it");
    let head = told.streams[&3].response.head.as_ref().unwrap();
    // What the first response added to the table may have been more.
    assert_eq!((head.status, head.unknown), (Some(200), 1));
}

#[test]
fn a_frame_longer_than_allowed_is_none() {
    let mut peers = Peers::new();
    peers.request(1, b"{}");
    peers.response(1, "200");
    // The client has not allowed more than the default; the server has.
    peers.server(DATA, 0, 1, &vec![b'x'; 16385]);
    peers.server(DATA, 0, 1, b"behind");
    peers.server(DATA, END_STREAM, 1, b"it");
    peers.client(DATA, END_STREAM, 3, b"");
    let told = follow(false, &peers.chunks, usize::MAX);
    assert!(told.streams[&1].response.torn);
    assert_eq!(told.streams[&1].response.body, b"behindit");

    let mut peers = Peers::new();
    peers.request(1, &vec![b'x'; 32768]);
    let told = follow(false, &peers.chunks, 1000);
    assert_eq!(told.streams[&1].request.body.len(), 32768);
    assert!(!told.streams[&1].request.torn);
}

#[test]
fn broken_header_blocks_cost_only_what_is_in_them() {
    let mut peers = Peers::new();
    peers.request(1, b"{}");
    let block = peers.server_block(&[(":status", "200"), ("x-a", "1"), ("x-b", "2")]);
    // Another frame where only CONTINUATION may be.
    peers.server(HEADERS, 0, 1, &block[..block.len() - 3]);
    peers.server(DATA, 0, 1, b"body");
    peers.server(CONTINUATION, END_HEADERS, 1, &block[block.len() - 3..]);
    peers.server(DATA, END_STREAM, 1, b" goes on");
    peers.request(3, b"{}");
    peers.response(3, "200");
    let told = follow(false, &peers.chunks, usize::MAX);
    let response = &told.streams[&1].response;
    let head = response.head.as_ref().unwrap();
    assert_eq!((head.status, head.broken), (Some(200), true));
    assert_eq!(head.headers, [("x-a".into(), "1".into())]);
    assert_eq!(response.body, b"body goes on");
    let head = told.streams[&3].response.head.as_ref().unwrap();
    assert_eq!((head.status, head.broken), (Some(200), false));
}

#[test]
fn heads_are_bounded() {
    let limits = Limits { head: 4096, ..Limits::default() };
    let mut told = Told::default();
    let mut http2 = Http2::new(limits, false);
    let mut peers = Peers::new();
    // One field of 1,000 bytes, then a byte for each more of the same.
    let value = "v".repeat(1000);
    let mut fields = vec![(":method", "GET"), ("x-long", &value)];
    fields.extend([("x-long", &value[..]); 1000]);
    let block = peers.client_block(&fields);
    assert!(block.len() < 2100);
    peers.client(HEADERS, END_HEADERS | END_STREAM, 1, &block);
    // A block that has no end.
    peers.client(HEADERS, END_STREAM, 3, &block);
    for _ in 0..100 {
        peers.client(CONTINUATION, 0, 3, &[0x82; 1000]);
    }
    peers.client(CONTINUATION, END_HEADERS, 3, &[]);
    for (direction, bytes) in &peers.chunks {
        http2.receive(*direction, Timestamp(0), bytes, |_, event| told.tell(event));
    }
    let head = told.streams[&1].request.head.as_ref().unwrap();
    assert_eq!((head.headers.len(), head.dropped, head.broken), (3, 998, false));
    let head = told.streams[&3].request.head.as_ref().unwrap();
    assert!(head.broken);
    assert_eq!(head.method.as_deref(), Some("GET"));
}

/// What the heads of requests take that say the same, each with its frame only.
fn repeated(value: &str, requests: u32) -> (usize, usize, usize) {
    let mut told = Told::default();
    let mut http2 = Http2::new(Limits::default(), false);
    let mut peers = Peers::new();
    for stream in (1..).step_by(2).take(requests as usize) {
        let block = peers.client_block(&[(":method", "GET"), (":path", "/"), ("x-same", value)]);
        peers.client(HEADERS, END_HEADERS | END_STREAM, stream, &block);
        peers.server(RST_STREAM, 0, stream, &[0; 4]);
    }
    let mut wire = 0;
    for (direction, bytes) in &peers.chunks {
        wire += bytes.len();
        http2.receive(*direction, Timestamp(0), bytes, |_, event| told.tell(event));
    }
    let heads = || told.streams.values().filter_map(|stream| stream.request.head.as_ref());
    let fields = heads().flat_map(|head| &head.headers);
    let kept = fields.map(|(name, value)| name.len() + value.len()).sum();
    (wire, kept, heads().map(|head| head.dropped).sum())
}

#[test]
fn what_few_octets_stand_for_is_bounded() {
    // Not what a client says again and again of itself.
    let (_, kept, dropped) = repeated(&"v".repeat(1_000), 10_000);
    assert_eq!((kept, dropped), (10_060_000, 0));
    let (wire, kept, dropped) = repeated(&"v".repeat(3_900), 10_000);
    assert!(wire < 300_000, "{wire}");
    assert!(kept < 30_000_000, "{kept}");
    assert!(kept / 3_906 + dropped == 10_000, "{kept} and {dropped}");
}

#[test]
fn open_streams_are_bounded() {
    let limits = Limits { open_exchanges: 3, ..Limits::default() };
    let mut told = Told::default();
    let mut http2 = Http2::new(limits, false);
    let mut peers = Peers::new();
    for stream in [1, 3, 5, 7, 9] {
        peers.request(stream, b"{}");
    }
    peers.response(9, "200");
    peers.response(1, "200");
    for (direction, bytes) in &peers.chunks {
        http2.receive(*direction, Timestamp(0), bytes, |_, event| told.tell(event));
    }
    let forgotten: Vec<u32> =
        told.streams.iter().filter(|(_, stream)| stream.forgotten).map(|(id, _)| *id).collect();
    assert_eq!(forgotten, [1, 3]);
    assert!(told.streams[&9].response.head.is_some());
    assert!(told.streams[&1].response.head.is_none());
}

#[test]
fn an_upgraded_connection_goes_on_with_stream_1() {
    let mut peers = Peers::new();
    peers.response(1, "200");
    peers.server(DATA, END_STREAM, 1, b"answer to what HTTP/1.1 asked");
    peers.request(3, b"{}");
    peers.response(3, "200");
    let mut told = Told::default();
    let mut http2 = Http2::upgraded(Limits::default(), Direction::Sent);
    for (direction, bytes) in &peers.chunks {
        http2.receive(*direction, Timestamp(0), bytes, |_, event| told.tell(event));
    }
    assert_eq!(http2.role(), Some(Role::Client));
    let one = &told.streams[&1];
    assert_eq!((&one.request.head, one.response.ended), (&None, true));
    assert_eq!(one.response.body, b"answer to what HTTP/1.1 asked");
    assert!(told.streams[&3].request.ended);
}

#[test]
fn an_extended_connect_says_its_protocol() {
    let mut peers = Peers::new();
    let block = peers.client_block(&[
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":path", "/v1/responses"),
        (":authority", "api.example.com"),
    ]);
    peers.client(HEADERS, END_HEADERS, 1, &block);
    peers.response(1, "200");
    peers.client(DATA, 0, 1, b"\x81\x80mask");
    peers.server(DATA, 0, 1, b"\x81\x02hi");
    let told = follow(false, &peers.chunks, usize::MAX);
    let one = &told.streams[&1];
    assert_eq!(one.request.head.as_ref().unwrap().protocol.as_deref(), Some("websocket"));
    assert_eq!(
        (&one.request.body[..], &one.response.body[..]),
        (&b"\x81\x80mask"[..], &b"\x81\x02hi"[..])
    );
}

#[test]
fn a_long_response_joined_midway_is_told_as_it_comes() {
    let mut peers = Peers::new();
    peers.chunks.clear();
    for number in 0..4 {
        let event = format!("data: {{\"number\":{number}}}\n\n");
        peers.server(DATA, 0, 7, event.as_bytes());
    }
    let told = follow(true, &peers.chunks, usize::MAX);
    assert_eq!(told.streams[&7].response.body.len(), 4 * "data: {\"number\":0}\n\n".len());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(midway: bool, chunks: Vec<(bool, Vec<u8>)>, lost in 0..100u64) {
        let mut told = Told::default();
        let mut http2 = Http2::new(Limits { head: 256, ..Limits::default() }, midway);
        for (sent, bytes) in &chunks {
            let direction = if *sent { Direction::Sent } else { Direction::Received };
            http2.receive(direction, Timestamp(0), bytes, |_, event| told.tell(event));
            http2.gap(direction, Timestamp(0), lost, |_, event| told.tell(event));
        }
        http2.close(|_, event| told.tell(event));
    }

    /// Real frames with some bytes of them turned into others.
    #[test]
    fn no_damage_makes_it_panic(
        damage in proptest::collection::vec((0..60usize, 0..60usize, any::<u8>()), 1..20),
        piece in 1..200usize,
        midway: bool,
    ) {
        let mut chunks = crate::everything::everything();
        for (chunk, at, byte) in damage {
            let count = chunks.len();
            let bytes = &mut chunks[chunk % count].1;
            let length = bytes.len();
            bytes[at % length] = byte;
        }
        let mut told = Told::default();
        let mut http2 = Http2::new(Limits::default(), midway);
        for (direction, bytes) in &chunks {
            for piece in bytes.chunks(piece) {
                http2.receive(*direction, Timestamp(0), piece, |_, event| told.tell(event));
            }
        }
    }
}
