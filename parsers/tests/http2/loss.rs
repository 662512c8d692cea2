//! Bytes that never came.

use llmtop_parsers::http2::Http2;
use llmtop_parsers::{Direction, Limits, Timestamp};

use crate::everything::everything;
use crate::wire::*;

/// Follows a connection of which `lost` bytes at `at` of one direction are
/// lost, and said to be.
fn follow_with_gap(chunks: &Chunks, direction: Direction, at: usize, lost: usize) -> Told {
    let mut told = Told::default();
    let mut http2 = Http2::new(Limits::default(), false);
    let mut position = 0;
    for (this, bytes) in chunks {
        let mut pieces = [&bytes[..], &[]];
        if *this == direction {
            let cut = |place: usize| place.saturating_sub(position).min(bytes.len());
            pieces = [&bytes[..cut(at)], &bytes[cut(at + lost)..]];
            position += bytes.len();
        }
        http2.receive(*this, Timestamp(0), pieces[0], |_, event| told.tell(event));
        if pieces[0].len() < bytes.len() && *this == direction {
            let missing = bytes.len() - pieces[0].len() - pieces[1].len();
            if missing > 0 {
                http2.gap(*this, Timestamp(0), missing as u64, |_, event| told.tell(event));
            }
            http2.receive(*this, Timestamp(0), pieces[1], |_, event| told.tell(event));
        }
    }
    http2.close(|_, event| told.tell(event));
    told
}

/// Where the payload of each DATA frame is in its direction.
fn data_frames(chunks: &Chunks, direction: Direction) -> Vec<(u32, usize, usize)> {
    let mut at = 0;
    let mut frames = Vec::new();
    for (_, bytes) in chunks.iter().filter(|chunk| chunk.0 == direction) {
        if bytes[3] == DATA && bytes[4] & PADDED == 0 && !bytes.starts_with(PREFACE) {
            frames.push((u32::from(bytes[8]), at + 9, at + bytes.len()));
        }
        at += bytes.len();
    }
    frames
}

#[test]
fn inside_data_only_those_bytes_are_missing() {
    let chunks = everything();
    let whole = follow(false, &chunks, usize::MAX);
    for (stream, start, end) in data_frames(&chunks, Direction::Received) {
        for at in start..end {
            for lost in 1..=end - at {
                let mut told = follow_with_gap(&chunks, Direction::Received, at, lost);
                let seen = told.streams.get_mut(&stream).unwrap();
                let truth = &whole.streams[&stream];
                let context = format!("stream {stream}, {lost} lost at {at}");
                if seen.reset.is_some() && truth.response == seen.response {
                    continue; // Lost after the stream was given up.
                }
                assert_eq!(seen.response.lost, Some(lost as u64), "{context}");
                assert_eq!(seen.response.body.len() + lost, truth.response.body.len(), "{context}");
                seen.response.lost = None;
                seen.response.body.clone_from(&truth.response.body);
                assert_eq!(told, whole, "{context}");
            }
        }
    }
}

/// Wherever bytes are lost: what is told without a word of loss is right and
/// whole, and what is told with it is a part of the truth.
#[test]
fn anywhere_what_is_whole_says_so() {
    let chunks = everything();
    let whole = follow(false, &chunks, usize::MAX);
    let all = crate::everything::without_reset(&chunks);
    for direction in [Direction::Sent, Direction::Received] {
        let length: usize = chunks.iter().filter(|c| c.0 == direction).map(|c| c.1.len()).sum();
        for lost in [1, 4, 9, 10, 25, 60, 150, 400] {
            for at in 0..length {
                let lost = lost.min(length - at);
                let told = follow_with_gap(&chunks, direction, at, lost);
                for (id, seen) in &told.streams {
                    let context = format!("stream {id}, {lost} lost at {at} of {direction:?}");
                    assert!(whole.streams.contains_key(id), "{context}: {seen:?}");
                    let cut = crate::everything::is_cut(seen, &whole.streams[id]);
                    let truth = if cut { &whole.streams[id] } else { &all.streams[id] };
                    check(&seen.request, &truth.request, &context);
                    check(&seen.response, &truth.response, &context);
                }
            }
        }
    }
}

fn check(seen: &Message, truth: &Message, context: &str) {
    let mut rest = truth.body.iter();
    let is_part = seen.body.iter().all(|byte| rest.any(|other| other == byte));
    assert!(is_part, "{context}: {:?}", String::from_utf8_lossy(&seen.body));
    let without_body = Message { body: Vec::new(), ..seen.clone() };
    is_honest(&without_body, truth, context);
    if seen.lost.is_none() && !seen.torn && seen.head.is_some() && seen.ended {
        assert_eq!(seen.body, truth.body, "{context}: not said to be cut");
    }
}

/// A connection that lost its framing goes on with the next exchange.
#[test]
fn the_next_exchange_is_seen() {
    for at in 0..200 {
        let mut peers = Peers::new();
        let greeting = peers.chunks.len();
        for stream in [1, 3, 5] {
            peers.request(stream, br#"{"model":"m"}"#);
            peers.response(stream, "200");
            for _ in 0..5 {
                peers.server(DATA, 0, stream, b"data: {\"choices\":[]}\n\n");
            }
            peers.server(DATA, END_STREAM, stream, b"data: [DONE]\n\n");
        }
        let start = |direction: Direction| -> usize {
            let greeting = peers.chunks[..greeting].iter();
            greeting.filter(|chunk| chunk.0 == direction).map(|chunk| chunk.1.len()).sum()
        };
        let whole = follow(false, &peers.chunks, usize::MAX);
        let told = follow_with_gap(
            &peers.chunks,
            Direction::Received,
            start(Direction::Received) + at,
            30,
        );
        let (seen, truth) = (&told.streams[&5], &whole.streams[&5]);
        assert_eq!(seen.request, truth.request, "30 lost at {at}");
        assert_eq!(seen.response.body, truth.response.body, "30 lost at {at}");
        assert!(seen.response.ended, "30 lost at {at}");
        assert_eq!(seen.response.head.as_ref().unwrap().status, Some(200), "30 lost at {at}");
    }
}
