//! The two directions of a connection are captured at places of their own: a response
//! may be seen before its request.

use llmtop_parsers::http2::{Event, Http2};
use llmtop_parsers::{Direction, Limits, Timestamp};

use crate::wire::*;

use Direction::{Received, Sent};

const BODY: &[u8] = br#"{"id":"chatcmpl-1","choices":[{"message":{"content":"Hello there"}}]}"#;

/// What a client and a server write in an exchange.
struct Exchange {
    asked: Vec<u8>,
    answered: Vec<u8>,
}

/// Two peers, of which one asks on each of `streams`.
fn exchanges(streams: &[u32]) -> (Chunks, Vec<Exchange>) {
    let mut peers = Peers::new();
    let greeting = peers.chunks.len();
    for stream in streams {
        peers.request(*stream, br#"{"model":"m"}"#);
        peers.response(*stream, "200");
        peers.server(DATA, 0, *stream, BODY);
        peers.server(DATA, END_STREAM, *stream, b"\n");
    }
    let frames = peers.chunks.split_off(greeting);
    let of = |direction, frames: &Chunks| -> Vec<u8> {
        let those = frames.iter().filter(|chunk| chunk.0 == direction);
        those.flat_map(|chunk| chunk.1.clone()).collect()
    };
    let exchanges = frames.chunks(5).map(<[_]>::to_vec);
    let exchanges = exchanges
        .map(|frames| Exchange { asked: of(Sent, &frames), answered: of(Received, &frames) });
    (peers.chunks, exchanges.collect())
}

/// What the server says of no stream.
fn pings() -> Vec<u8> {
    frame(PING, 0, 0, &[0; 8]).repeat(4)
}

/// Follows `steps`; where there are no bytes, 9 were lost.
fn follow_with_losses(steps: &[(Direction, Vec<u8>)], piece: usize) -> Told {
    let mut told = Told::default();
    let mut http2 = Http2::new(Limits::default(), false);
    for (direction, bytes) in steps {
        if bytes.is_empty() {
            http2.gap(*direction, Timestamp(0), 9, |_, event| told.tell(event));
        }
        for piece in bytes.chunks(piece) {
            http2.receive(*direction, Timestamp(0), piece, |_, event| told.tell(event));
        }
    }
    told
}

/// Wherever the request comes in the response, and in pieces of any size, the two are
/// told as in the order in which they were sent.
#[test]
fn it_is_paired_wherever_its_request_comes() {
    let (greeting, mut exchanges) = exchanges(&[1]);
    let Exchange { asked, answered } = exchanges.remove(0);
    let truth = {
        let steps = [&greeting[..], &[(Sent, asked.clone()), (Received, answered.clone())]];
        follow_with_losses(&steps.concat(), usize::MAX)
    };
    assert!(truth.streams[&1].response.ended);
    for at in 0..=answered.len() {
        for piece in [usize::MAX, 1, 7] {
            let (before, after) = answered.split_at(at);
            let mut steps = greeting.clone();
            steps.extend([(Received, before.to_vec()), (Sent, asked.clone())]);
            steps.push((Received, after.to_vec()));
            steps.retain(|(_, bytes)| !bytes.is_empty());
            assert_eq!(follow_with_losses(&steps, piece), truth, "at {at} in pieces of {piece}");
        }
    }
}

#[test]
fn after_a_loss_it_is_paired_all_the_same() {
    let (greeting, exchanges) = exchanges(&[1, 3, 5]);
    for lost_in in [Sent, Received] {
        for (early, piece) in [(false, usize::MAX), (true, usize::MAX), (true, 1)] {
            let mut steps = greeting.clone();
            for (at, Exchange { asked, answered }) in exchanges.iter().enumerate() {
                let swapped = early && at > 0;
                let mut both = [(Sent, asked.clone()), (Received, answered.clone())];
                both[..].rotate_left(usize::from(swapped));
                steps.extend(both);
                steps.push((lost_in, Vec::new()));
                steps.push((lost_in, pings()));
            }
            let told = follow_with_losses(&steps, piece);
            for stream in [3, 5] {
                let context = format!("{stream}: lost of {lost_in:?}, in pieces of {piece}");
                let Stream { request, response, .. } = &told.streams[&stream];
                assert!(request.head.is_some() && request.ended, "{context}: {request:?}");
                assert!(response.head.is_some() && response.ended, "{context}: {response:?}");
                assert_eq!(response.body, [BODY, b"\n"].concat(), "{context}");
            }
        }
    }
}

/// A loss of what the server writes is of what waits, too.
#[test]
fn a_loss_in_it_is_told() {
    let (greeting, mut exchanges) = exchanges(&[1]);
    let Exchange { asked, answered } = exchanges.remove(0);
    let head = answered.len() - BODY.len() - 9 - 10;
    let mut steps = greeting;
    steps.extend([(Received, answered[..head].to_vec()), (Received, Vec::new())]);
    steps.extend([(Received, pings()), (Sent, asked)]);
    let told = follow_with_losses(&steps, usize::MAX);
    let response = &told.streams[&1].response;
    assert_eq!(response.head.as_ref().unwrap().status, Some(200));
    assert!(response.torn, "{response:?}");
}

/// Plays a response whose request does not come, and then `after`, each at its time in
/// milliseconds; what was told of the response, and when.
fn unasked(after: &[(u64, Direction, Vec<u8>)]) -> Vec<(u64, Direction)> {
    let (greeting, exchanges) = exchanges(&[1, 3]);
    let mut steps: Vec<_> = greeting.into_iter().map(|(from, bytes)| (0, from, bytes)).collect();
    steps.push((0, Sent, exchanges[0].asked.clone()));
    steps.push((0, Received, exchanges[0].answered.clone()));
    steps.push((10, Received, exchanges[1].answered.clone()));
    steps.extend_from_slice(after);
    let mut http2 = Http2::new(Limits::default(), false);
    let mut told = Vec::new();
    for (ms, direction, bytes) in steps {
        http2.receive(direction, Timestamp(ms * 1_000_000), &bytes, |time, event| {
            if let Event::Response { stream: 3, .. } | Event::End { stream: 3, .. } = event {
                told.push((time.0 / 1_000_000, direction));
            }
        });
    }
    told
}

#[test]
fn it_waits_for_a_second() {
    assert_eq!(unasked(&[]), []);
    let ping = |ms| (ms, Sent, frame(PING, 0, 0, &[0; 8]));
    assert_eq!(unasked(&[ping(1000)]), []);
    // Then it is told as what it was, when it was seen.
    assert_eq!(unasked(&[ping(1000), ping(1011)]), [(10, Sent); 2]);
}

#[test]
fn it_waits_for_a_younger_request_at_most() {
    let (_, exchanges) = exchanges(&[1, 5]);
    assert_eq!(unasked(&[(20, Sent, exchanges[1].asked.clone())]), [(20, Sent); 2]);
}

/// What waits is bounded, in bytes and in pieces.
#[test]
fn much_of_it_does_not_wait() {
    for (frames, length) in [(70, 16_384), (1100, 1)] {
        let data = frame(DATA, 0, 5, &vec![b'x'; length]);
        let mut peers = Peers::new();
        peers.response(5, "200");
        for _ in 0..frames {
            peers.server(DATA, 0, 5, &data[9..]);
        }
        let told = follow_with_losses(&peers.chunks, usize::MAX);
        let response = &told.streams[&5].response;
        assert_eq!(response.head.as_ref().unwrap().status, Some(200), "{frames} of {length}");
        assert_eq!(response.body.len(), frames * length, "{frames} of {length}");
    }
}
