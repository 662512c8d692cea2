//! One connection with everything on it, split anywhere, joined anywhere.

use llmtop_parsers::{Direction, Role};

use crate::wire::*;

/// Interleaved streams, padding, priorities, CONTINUATION, interim responses,
/// trailers, pushes, resets, extensions, and the end of the connection.
pub(crate) fn everything() -> Chunks {
    let mut peers = Peers::new();
    peers.client(WINDOW_UPDATE, 0, 0, &[0, 1, 0, 0]);
    peers.client(PRIORITY, 0, 13, &[0, 0, 0, 0, 20]);

    // Two streams whose events interleave; the first padded.
    peers.request(1, br#"{"model":"m","stream":true}"#);
    let block = peers.client_block(&[
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "api.example.com"),
        (":path", "/v1/messages"),
        ("x-api-key", "sk-secret"),
    ]);
    let mut payload = vec![3, 0, 0, 0, 0, 7];
    payload.extend(&block);
    payload.extend([0; 3]);
    peers.client(HEADERS, END_HEADERS | PADDED | WITH_PRIORITY, 3, &payload);
    peers.client(DATA, PADDED, 3, b"\x05{\"model\":\0\0\0\0\0");
    peers.client(DATA, PADDED, 3, b"\x00\"n\"}");
    peers.client(DATA, PADDED, 3, b"\x02\0\0");
    peers.client(DATA, END_STREAM, 3, b"");
    peers.response(1, "200");
    peers.server(DATA, 0, 1, b"data: {\"a\":1}\n\n");
    peers.server(0xbb, 0xff, 1, b"an extension of somebody");
    let block = peers.server_block(&[(":status", "103"), ("link", "</style.css>")]);
    peers.server(HEADERS, END_HEADERS, 3, &block);
    // A head in four pieces, one of them empty.
    let block = peers.server_block(&[
        (":status", "429"),
        ("content-type", "application/json"),
        ("retry-after", "20"),
        ("grpc-status", "8"),
    ]);
    peers.server(HEADERS, 0, 3, &block[..1]);
    peers.server(CONTINUATION, 0, 3, &block[1..7]);
    peers.server(CONTINUATION, 0, 3, &[]);
    peers.server(CONTINUATION, END_HEADERS, 3, &block[7..]);
    peers.server(DATA, 0, 1, b"data: {\"b\":2}\n\n");
    peers.server(DATA, END_STREAM, 3, br#"{"error":{}}"#);
    peers.server(DATA, PADDED, 1, b"\x09data: [DONE]\n\n\0\0\0\0\0\0\0\0\0");
    let block = peers.server_block(&[("grpc-status", "0"), ("x-took", "12")]);
    peers.server(HEADERS, END_HEADERS | END_STREAM, 1, &block);

    // A push, and its response.
    peers.request(5, b"{}");
    let block = peers.server_block(&[
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "api.example.com"),
        (":path", "/pushed"),
    ]);
    let mut payload = vec![0, 0, 0, 2];
    payload.extend(&block);
    peers.server(PUSH_PROMISE, END_HEADERS, 5, &payload);
    peers.response(5, "200");
    peers.response(2, "200");
    peers.server(DATA, END_STREAM, 2, b"pushed");
    peers.server(PING, 0, 0, &[1; 8]);
    peers.client(PING, 1, 0, &[1; 8]);
    peers.server(DATA, 0, 5, b"data: {\"half\":");
    // The client gives up; what was on its way still comes.
    peers.client(RST_STREAM, 0, 5, &[0, 0, 0, 8]);
    peers.server(DATA, 0, 5, b"\"way\"}\n\n");

    // The same again, from the tables.
    peers.request(7, br#"{"model":"m"}"#);
    peers.response(7, "200");
    peers.server(DATA, 0, 7, b"data: {\"c\":3}\n\n");
    peers.server(DATA, END_STREAM, 7, b"data: [DONE]\n\n");

    // The connection ends; one stream too late.
    peers.server(GOAWAY, 0, 0, b"\0\0\0\x07\0\0\0\x0btoo_many_pings");
    peers.request(9, b"{}");
    peers.server(GOAWAY, 0, 0, b"\0\0\0\x07\0\0\0\0");
    peers.chunks
}

/// What there is to see for who does not know that a stream was given up.
pub(crate) fn without_reset(chunks: &Chunks) -> Told {
    let chunks: Chunks =
        chunks.iter().filter(|(_, bytes)| bytes.get(3) != Some(&RST_STREAM)).cloned().collect();
    follow(false, &chunks, usize::MAX)
}

/// Whether the reset was seen, and before what came after it.
pub(crate) fn is_cut(seen: &Stream, truth: &Stream) -> bool {
    seen.reset.is_some() && truth.response.body.ends_with(&seen.response.body)
}

fn status(stream: &Stream) -> Option<u16> {
    stream.response.head.as_ref().unwrap().status
}

#[test]
fn whole() {
    let told = follow(false, &everything(), usize::MAX);
    assert_eq!(told.streams.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 5, 7, 9]);

    let one = &told.streams[&1];
    let head = one.request.head.as_ref().unwrap();
    assert_eq!(head.method.as_deref(), Some("POST"));
    assert_eq!(head.scheme.as_deref(), Some("https"));
    assert_eq!(head.authority.as_deref(), Some("api.example.com"));
    assert_eq!(head.path.as_deref(), Some("/v1/chat/completions"));
    assert_eq!(head.headers[0], ("content-type".into(), "application/json".into()));
    assert_eq!((head.unknown, head.dropped, head.broken), (0, 0, false));
    assert_eq!(one.request.body, br#"{"model":"m","stream":true}"#);
    assert_eq!(status(one), Some(200));
    assert_eq!(
        String::from_utf8_lossy(&one.response.body),
        "data: {\"a\":1}\n\ndata: {\"b\":2}\n\ndata: [DONE]\n\n"
    );
    let trailers = one.response.trailers.as_ref().unwrap();
    assert_eq!(trailers.headers[0], ("grpc-status".into(), "0".into()));
    assert!(one.request.ended && one.response.ended);

    let two = &told.streams[&2];
    assert_eq!(two.request.head.as_ref().unwrap().path.as_deref(), Some("/pushed"));
    assert_eq!(two.response.body, b"pushed");
    assert!(two.request.ended && two.response.ended);

    let three = &told.streams[&3];
    assert_eq!(three.request.body, br#"{"model":"n"}"#);
    assert_eq!(
        three.request.head.as_ref().unwrap().headers,
        [("x-api-key".into(), "sk-secret".into())]
    );
    assert_eq!(status(three), Some(429));
    assert_eq!(three.response.head.as_ref().unwrap().headers.len(), 3);
    assert_eq!(three.response.body, br#"{"error":{}}"#);

    let five = &told.streams[&5];
    assert_eq!(five.reset, Some((Role::Client, "CANCEL".into())));
    assert_eq!(five.response.body, b"data: {\"half\":");
    assert!(!five.response.ended);

    let nine = &told.streams[&9];
    assert_eq!(nine.reset, Some((Role::Server, "REFUSED_STREAM".into())));
    assert_eq!(
        told.go_away,
        [
            (Role::Server, "ENHANCE_YOUR_CALM".into(), "too_many_pings".into()),
            (Role::Server, "NO_ERROR".into(), String::new()),
        ]
    );
}

#[test]
fn seen_by_the_server() {
    let turned: Chunks =
        everything().into_iter().map(|(direction, bytes)| (direction.opposite(), bytes)).collect();
    assert_eq!(follow(false, &turned, usize::MAX), follow(false, &everything(), usize::MAX));
}

#[test]
fn split_anywhere() {
    let chunks = everything();
    let whole = follow(false, &chunks, usize::MAX);
    for piece in 1..40 {
        assert_eq!(follow(false, &chunks, piece), whole, "in pieces of {piece}");
    }
    // Each direction in one piece, as far as the other lets it.
    let mut merged: Chunks = Vec::new();
    for (direction, bytes) in &chunks {
        match merged.last_mut() {
            Some((last, all)) if last == direction => all.extend(bytes),
            _ => merged.push((*direction, bytes.clone())),
        }
    }
    assert_eq!(follow(false, &merged, usize::MAX), whole, "merged");
}

/// Joined at a frame, what is seen is right, and streams that begin later are
/// seen whole.
#[test]
fn joined_at_every_frame() {
    let chunks = everything();
    let whole = follow(false, &chunks, usize::MAX);
    let all = without_reset(&chunks);
    for joined in 1..chunks.len() {
        for piece in [usize::MAX, 100, 7, 1] {
            let rest = &chunks[joined..];
            let told = follow(true, rest, piece);
            let context = format!("joined at {joined} in pieces of {piece}");
            for (id, seen) in &told.streams {
                let context = format!("{context}: stream {id}");
                let truth = if is_cut(seen, &whole.streams[id]) { &whole } else { &all };
                is_honest(&seen.request, &truth.streams[id].request, &context);
                is_honest(&seen.response, &truth.streams[id].response, &context);
                let reset = &whole.streams[id].reset;
                assert!(seen.reset.is_none() || seen.reset == *reset, "{context}");
            }
            let later = |id: &u32| {
                let first = chunks.iter().position(|(_, bytes)| {
                    bytes.get(3..9) == Some(&[HEADERS, END_HEADERS, 0, 0, 0, *id as u8])
                });
                first.is_some_and(|first| first >= joined)
            };
            for id in [1, 5, 7].iter().filter(|id| later(id)) {
                let context = format!("{context}: stream {id}");
                let seen = told.streams.get(id).unwrap_or_else(|| panic!("{context} is missing"));
                let truth = &whole.streams[id];
                assert_eq!(seen.request.body, truth.request.body, "{context}");
                assert_eq!(seen.response.body, truth.response.body, "{context}");
                assert_eq!(seen.request.ended, truth.request.ended, "{context}");
                assert_eq!(seen.response.ended, truth.response.ended, "{context}");
                assert_eq!(seen.reset, truth.reset, "{context}");
                let head = seen.request.head.as_ref().unwrap();
                assert_eq!(head.method.as_deref(), Some("POST"), "{context}");
                assert!(seen.response.head.is_some(), "{context}");
            }
        }
    }
}

/// Joined inside frames, in both directions at once.
#[test]
fn joined_at_every_byte() {
    let chunks = everything();
    let whole = follow(false, &chunks, usize::MAX);
    let all = without_reset(&chunks);
    let length = |direction: Direction| -> usize {
        chunks.iter().filter(|chunk| chunk.0 == direction).map(|chunk| chunk.1.len()).sum()
    };
    for skipped in 1..length(Direction::Sent).max(length(Direction::Received)) {
        let mut left = [skipped, skipped];
        let rest: Chunks = chunks
            .iter()
            .filter_map(|(direction, bytes)| {
                let left = &mut left[usize::from(*direction == Direction::Sent)];
                let skip = (*left).min(bytes.len());
                *left -= skip;
                (skip < bytes.len()).then(|| (*direction, bytes[skip..].to_vec()))
            })
            .collect();
        for piece in [usize::MAX, 1] {
            for (id, seen) in &follow(true, &rest, piece).streams {
                let context = format!("{skipped} skipped, in pieces of {piece}: stream {id}");
                assert!(whole.streams.contains_key(id), "{context}: {seen:?}");
                let truth = if is_cut(seen, &whole.streams[id]) { &whole } else { &all };
                is_honest(&seen.request, &truth.streams[id].request, &context);
                is_honest(&seen.response, &truth.streams[id].response, &context);
            }
        }
    }
}
