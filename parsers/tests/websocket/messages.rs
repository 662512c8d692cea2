//! Random messages, cut anywhere, lost anywhere, joined anywhere.

use llmtop_parsers::websocket::{Event, Extensions, Kind, Message, WebSocket};
use llmtop_parsers::{Direction, Limits, Role, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::encoder::{Encoder, Sent};

fn message() -> impl Strategy<Value = Sent> {
    let payload = prop_oneof![
        3 => vec(prop_oneof!["alpha", "beta", "[{}]", "\u{20ac}\u{4e2d}"], 1..60)
            .prop_map(|words| format!("{{\"words\":\"{}\"}}", words.concat()).into_bytes()),
        1 => vec(any::<u8>(), 0..300),
        1 => (any::<u8>(), 65_000..70_000usize).prop_map(|(byte, size)| vec![byte; size]),
    ];
    let text = payload.prop_map(|payload| (std::str::from_utf8(&payload).is_ok(), payload));
    (text, any::<bool>(), vec(0..=100u8, 0..3), any::<bool>()).prop_map(
        |((text, payload), compress, cuts, ping)| Sent { text, payload, compress, cuts, ping },
    )
}

fn said(event: Event) -> Option<(Role, Message)> {
    match event {
        Event::Message { from, message } => Some((from, message)),
        _ => None,
    }
}

fn is_it(told: &Message, sent: &Sent) -> bool {
    told.payload == sent.payload && (told.kind == Kind::Text) == sent.text
}

/// Whether all that is told whole was sent, in this order.
fn is_part_of(told: &[Message], sent: &[Sent]) -> bool {
    let mut sent = sent.iter();
    told.iter()
        .filter(|told| told.is_whole())
        .all(|told| sent.by_ref().any(|sent| is_it(told, sent)))
}

/// Bytes of one end, in calls of the sizes given, again and again.
fn calls<'a>(bytes: &'a [u8], sizes: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut sizes = sizes.iter().cycle();
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let size = sizes.next().copied().unwrap_or(usize::MAX).clamp(1, rest.len().max(1));
        let call;
        (call, rest) = rest.split_at_checked(size)?;
        Some(call)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_sent_is_told(
        messages in vec((any::<bool>(), message()), 0..12),
        deflate in any::<bool>(),
        takeover in any::<bool>(),
        sizes in vec(1..5000usize, 1..5),
    ) {
        let extensions = Extensions {
            deflate, client_forgets: !takeover, server_forgets: !takeover,
        };
        let mut socket = WebSocket::new(Limits::default(), Direction::Received, extensions);
        let [mut client, mut server] =
            [true, false].map(|masks| Encoder::new(masks, deflate, takeover));
        for (of_client, sent) in &messages {
            let (encoder, from, direction) = match of_client {
                true => (&mut client, Role::Client, Direction::Received),
                false => (&mut server, Role::Server, Direction::Sent),
            };
            let bytes = encoder.message(sent).concat();
            let mut told = Vec::new();
            for call in calls(&bytes, &sizes) {
                socket.receive(direction, Timestamp(1), call, |event| told.extend(said(event)));
            }
            prop_assert_eq!(told.len(), 1);
            prop_assert_eq!(told[0].0, from);
            prop_assert!(told[0].1.is_whole() && is_it(&told[0].1, sent), "{:?}", told[0]);
        }
        prop_assert_eq!(socket.role(), Some(Role::Server));
    }

    /// Lost bytes cost messages, but never make any up; where none refers to
    /// another, a loss inside a payload costs one.
    #[test]
    fn what_is_lost_is_not_made_up(
        messages in vec(message(), 1..12),
        masks in any::<bool>(),
        deflate in any::<bool>(),
        takeover in any::<bool>(),
        sizes in vec(1..5000usize, 1..5),
        begin in any::<prop::sample::Index>(),
        length in 1..3000usize,
    ) {
        let mut encoder = Encoder::new(masks, deflate, takeover);
        let frames: Vec<Vec<Vec<u8>>> = messages.iter().map(|sent| encoder.message(sent)).collect();
        let whole = frames.concat().concat();
        let begin = begin.index(whole.len());
        let end = whole.len().min(begin + length);
        let direction = if masks { Direction::Sent } else { Direction::Received };
        let extensions = Extensions { deflate, ..Extensions::default() };
        let mut socket = WebSocket::new(Limits::default(), Direction::Sent, extensions);
        let mut told = Vec::new();
        let mut hear = |event| told.extend(said(event).map(|(_, message)| message));
        for call in calls(&whole[..begin], &sizes) {
            socket.receive(direction, Timestamp(1), call, &mut hear);
        }
        socket.gap(direction, (end - begin) as u64, &mut hear);
        for call in calls(&whole[end..], &sizes) {
            socket.receive(direction, Timestamp(2), call, &mut hear);
        }
        prop_assert!(is_part_of(&told, &messages), "{told:?}");
        // Those before the loss are all there.
        let mut passed = 0;
        let before = frames.iter().take_while(|frames| {
            passed += frames.concat().len();
            passed <= begin
        });
        let before = before.count();
        prop_assert!(told.len() >= before);
        prop_assert!(told[..before].iter().zip(&messages).all(|(told, sent)| is_it(told, sent)));
        // Lost inside one frame's payload, and no message refers to another.
        let mut at = 0;
        let inside = frames.iter().position(|frames| {
            frames.iter().any(|frame| {
                at += frame.len();
                at - frame.len() + 14 <= begin && end <= at
            })
        });
        if let Some(hit) = inside.filter(|_| !deflate || !takeover) {
            let expected = messages.iter().enumerate().filter(|(at, _)| *at != hit);
            let told: Vec<&Message> = told.iter().filter(|told| told.is_whole()).collect();
            // A control frame may be what was hit.
            prop_assert!(told.len() + 1 >= messages.len(), "{told:?}");
            if told.len() + 1 == messages.len() {
                prop_assert!(expected.zip(&told).all(|((_, sent), told)| is_it(told, sent)));
            }
        }
    }

    #[test]
    fn joined_anywhere_nothing_is_made_up(
        messages in vec(message(), 1..12),
        masks in any::<bool>(),
        deflate in any::<bool>(),
        takeover in any::<bool>(),
        from in any::<prop::sample::Index>(),
    ) {
        let mut encoder = Encoder::new(masks, deflate, takeover);
        let mut calls: Vec<Vec<u8>> =
            messages.iter().map(|sent| encoder.message(sent).concat()).collect();
        let first = from.index(calls.len());
        let inside = from.index(calls[first].len().max(1));
        calls[first].drain(..inside);
        let mut socket = WebSocket::joined(Limits::default());
        let mut told = Vec::new();
        for call in &calls[first..] {
            socket.receive(Direction::Sent, Timestamp(1), call, |event| {
                told.extend(said(event).map(|(_, message)| message));
            });
        }
        let is_json = |told: &&Message| told.is_whole() && told.payload.starts_with(b"{");
        let json: Vec<Message> = told.iter().filter(is_json).cloned().collect();
        prop_assert!(is_part_of(&json, &messages), "{told:?}");
        // Plain JSON in single frames is understood from the first whole one on. (What
        // looks random, as compressed or masked data does, may look like frames, too.)
        let rest = &messages[first + 1..];
        let is_plain = |sent: &Sent| sent.cuts.is_empty() && sent.payload.starts_with(b"{");
        if !masks && !deflate && messages[first..].iter().all(is_plain) && !rest.is_empty() {
            prop_assert!(json.len() >= rest.len());
            prop_assert_eq!(socket.role(), Some(Role::Server));
        }
    }

    #[test]
    fn any_bytes_are_survived(
        happenings in vec((any::<bool>(), prop_oneof![
            vec(any::<u8>(), 0..60),
            prop::sample::select(vec![
                b"\x81\x02{}".to_vec(), b"\xC1\x04\x02\x00\x00\x00".to_vec(),
                b"\x01\x00".to_vec(), b"\x00\x7E\x01\x00".to_vec(), b"\x80\x00".to_vec(),
                b"\x88\x02\x03\xE8".to_vec(), b"\x88\x01\x03".to_vec(), b"\x89\x00".to_vec(),
                b"\x82\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF".to_vec(),
                b"\x81\x82\x01\x02\x03\x04\x7A\x7F".to_vec(),
            ]),
        ], 0..200u64), 0..40),
        joined in any::<bool>(),
    ) {
        let limits = Limits { body: 64, event: 32, ..Limits::default() };
        let mut socket = match joined {
            true => WebSocket::joined(limits),
            false => WebSocket::new(limits, Direction::Sent, Extensions::default()),
        };
        for (sent, bytes, lost) in happenings {
            let direction = if sent { Direction::Sent } else { Direction::Received };
            let mut told = Vec::new();
            if lost > 150 {
                socket.gap(direction, lost - 151, |event| told.push(event));
            }
            socket.receive(direction, Timestamp(0), &bytes, |event| told.push(event));
            for (_, message) in told.into_iter().filter_map(said) {
                prop_assert!(message.payload.len() <= 64);
            }
        }
    }
}
