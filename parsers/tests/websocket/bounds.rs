//! Messages that cost the sender little: bounded, and said.

use llmtop_parsers::websocket::{Defect, Event, Extensions, Message, WebSocket};
use llmtop_parsers::{Direction, Limits, Timestamp};

use crate::encoder::{Encoder, Sent};

const LIMITS: Limits = Limits { body: 1000, head: 1000, event: 1000, open_exchanges: 4 };

fn told(socket: &mut WebSocket, bytes: &[u8]) -> Vec<Message> {
    let mut told = Vec::new();
    for call in bytes.chunks(16 << 10) {
        socket.receive(Direction::Received, Timestamp(0), call, |event| {
            if let Event::Message { message, .. } = event {
                told.push(message);
            }
        });
    }
    told
}

fn socket() -> WebSocket {
    WebSocket::new(LIMITS, Direction::Sent, Extensions::default())
}

fn text(payload: Vec<u8>) -> Sent {
    Sent { text: true, payload, compress: true, cuts: vec![], ping: false }
}

#[test]
fn a_long_message_keeps_what_fits_and_the_next_is_whole() {
    let mut socket = socket();
    let mut server = Encoder::new(false, true, true);
    for deflate in [false, true] {
        let mut long = text((0..200_000u32).map(|at| (at.wrapping_mul(at) % 251) as u8).collect());
        long.compress = deflate;
        let long = told(&mut socket, &server.message(&long).concat());
        assert_eq!((long[0].payload.len(), long[0].dropped), (1000, 199_000));
        assert!(!long[0].is_whole());
        let next = told(&mut socket, &server.message(&text(b"{}".to_vec())).concat());
        assert!(next[0].is_whole() && next[0].payload == b"{}");
    }
}

#[test]
fn endless_fragments_are_one_message_of_bounded_size() {
    let mut socket = socket();
    let mut server = Encoder::new(false, false, false);
    assert!(told(&mut socket, &server.frame(0x01, b"begin")).is_empty());
    let fragment = server.frame(0x00, &[b'x'; 100]);
    for _ in 0..10_000 {
        assert!(told(&mut socket, &fragment).is_empty());
    }
    let whole = told(&mut socket, &server.frame(0x80, b"end"));
    assert_eq!(whole[0].wire, 1_000_008);
    assert_eq!(whole[0].payload.len(), 1000);
}

#[test]
fn a_giant_length_allocates_nothing() {
    let mut socket = socket();
    let giant = b"\x82\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFFsome";
    assert!(told(&mut socket, giant).is_empty());
    let mut messages = Vec::new();
    socket.gap(Direction::Received, u64::MAX, |event| messages.push(event));
    let [Event::Message { message, .. }, Event::Lost { .. }] = &messages[..] else {
        unreachable!("{messages:?}");
    };
    assert_eq!(message.defect, Some(Defect::Torn));
    assert_eq!(message.wire, (1 << 63) - 1);
}

#[test]
fn a_bomb_is_defused_and_what_does_not_refer_to_it_is_read() {
    let mut socket = socket();
    let mut server = Encoder::new(false, true, false);
    let bomb = told(&mut socket, &server.message(&text(vec![0; 50 << 20])).concat());
    assert_eq!(bomb[0].defect, Some(Defect::Bomb));
    assert!(bomb[0].payload.len() <= 1000);
    let next = told(&mut socket, &server.message(&text(b"{}".to_vec())).concat());
    assert!(next[0].is_whole() && next[0].payload == b"{}");
}

/// Bytes of anything else are searched in vain, whatever they look like.
#[test]
fn what_is_no_websocket_is_not_taken_for_one() {
    const SIZE: usize = 300_000;
    let mut state = 1u64;
    let random = std::iter::repeat_with(|| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as u8
    });
    let random: Vec<u8> = random.take(SIZE).collect();
    let repeated = |text: &str| text.bytes().cycle().take(SIZE).collect::<Vec<u8>>();
    // Each begins as a frame of its length does.
    let record = |number: u32| [&[0x82, 30], &number.to_be_bytes()[..], &[0; 26]].concat();
    let cases: [(&str, Vec<u8>); 8] = [
        ("random", random.clone()),
        ("text", random.iter().map(|byte| 32 + byte % 95).collect()),
        ("zeros", vec![0; SIZE]),
        ("numbers", (0..SIZE as u32 / 4).flat_map(u32::to_be_bytes).collect()),
        ("records", (0..SIZE as u32 / 32).flat_map(record).collect()),
        ("samples", random.iter().flat_map(|byte| [byte % 3, 0x80]).take(SIZE).collect()),
        ("Chinese", repeated("\u{4f60}\u{597d}\u{4e16}\u{754c}\u{3002}\u{4eca}\u{5929}")),
        ("JSON", repeated("{\"a\":[1,2,{\"b\":\"c\"}],\"d\":null}\n")),
    ];
    for (name, bytes) in cases {
        for size in [16 << 10, 100, 7] {
            let mut socket = WebSocket::joined(Limits::default());
            for call in bytes.chunks(size) {
                socket.receive(Direction::Received, Timestamp(0), call, |_| {});
            }
            assert!(!socket.is_certain(), "{name} in calls of {size}");
        }
    }
}

/// Octets that begin no frame: said where they are, whether or not a call ends
/// among them.
#[test]
fn a_loss_of_framing_is_told_at_once() {
    let mut server = Encoder::new(false, false, false);
    let good = server.frame(0x81, b"{\"a\":1}");
    // Two octets that may begin a frame, but for the second's length.
    let octets = [&good[..], &[0x82, 0x7E, 0x00], &[0x7D]].concat();
    for cut in 0..octets.len() {
        let (first, rest) = octets.split_at(cut);
        let mut lost = 0;
        let mut socket = socket();
        for call in [first, rest] {
            socket.receive(Direction::Received, Timestamp(0), call, |event| {
                lost += usize::from(matches!(event, Event::Lost { .. }));
            });
        }
        assert_eq!(lost, 1, "cut at {cut}");
    }
}
