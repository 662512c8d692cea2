//! WebSockets on streams of HTTP/2 (RFC 8441) whose beginning was not seen.

use llmtop_parsers::{Exchange, Limits, Protocol, State};

use crate::capture::{Capture, Step};
use crate::corpus::{check_contract, finished};
use crate::render;
use llmtop_parsers::Direction::{self, Received, Sent};

/// A DATA frame of stream 5.
fn data(payload: &[u8], flags: u8) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[0, flags, 0, 0, 0, 5], payload].concat()
}

/// A WebSocket frame with text; a client's is masked, with zeros.
fn text(from: Direction, json: &str) -> Vec<u8> {
    let mask = if from == Sent { 0x80 } else { 0 };
    let mut frame = vec![0x81, mask | 126];
    let padded = format!("{json:126}");
    frame.extend((padded.len() as u16).to_be_bytes());
    if from == Sent {
        frame.extend([0; 4]);
    }
    frame.extend(padded.as_bytes());
    frame
}

const CREATE: &str = r#"{"type":"response.create","model":"gpt-5","input":"Again"}"#;

fn event(kind: &str, number: u32, more: &str) -> String {
    format!(r#"{{"type":"response.{kind}","sequence_number":{number},{more}}}"#)
}

fn answer(id: &str, said: &[&str]) -> Vec<String> {
    let of = |status: &str, more: &str| {
        format!(r#""response":{{"id":"{id}","status":"{status}","output":[]{more}}}"#)
    };
    let usage = r#","usage":{"input_tokens":7,"output_tokens":2}"#;
    let mut events = vec![event("created", 0, &of("in_progress", ""))];
    for (number, piece) in said.iter().enumerate() {
        let piece = format!(r#""output_index":0,"content_index":0,"delta":"{piece}""#);
        events.push(event("output_text.delta", number as u32 + 1, &piece));
    }
    events.push(event("completed", 9, &of("completed", usage)));
    events
}

/// The end of an answer, a question and its answer: each message in a frame of
/// HTTP/2, or cut into `pieces` of them.
fn socket(pieces: usize) -> Vec<(Direction, Vec<u8>)> {
    let rest = answer("resp_1", &["Hel", "lo", "!"]).split_off(1);
    let messages = rest.into_iter().map(|event| (Received, event));
    let next = [(Sent, CREATE.to_owned())];
    let after = answer("resp_2", &["Once", " more"]).into_iter().map(|event| (Received, event));
    let cut = |(from, json): (Direction, String)| {
        let frame = text(from, &json);
        let size = frame.len().div_ceil(pieces);
        frame.chunks(size).map(|piece| (from, piece.to_vec())).collect::<Vec<_>>()
    };
    messages.chain(next).chain(after).flat_map(cut).collect()
}

/// What a client says of what it has read: WINDOW_UPDATE.
const UPDATE: &[u8] = b"\0\0\x04\x08\0\0\0\0\x05\0\0\x01\0";

fn play(payloads: &[(Direction, Vec<u8>)]) -> Vec<Exchange> {
    let chunk = |(time, (from, payload)): (usize, &(Direction, Vec<u8>))| {
        (time as u64, Step::Chunk(*from, data(payload, 0)))
    };
    let mut steps: Vec<_> = payloads.iter().enumerate().map(chunk).collect();
    let updates =
        [(0, Step::Chunk(Sent, UPDATE.to_vec())), (0, Step::Chunk(Sent, UPDATE.to_vec()))];
    steps.splice(..0, updates);
    steps.push((1000, Step::Close));
    let events = Capture { stdio: false, joined_midway: true, steps }.play(Limits::default());
    check_contract(&events, "on HTTP/2");
    finished(&events)
}

#[test]
fn joined_midway_its_exchanges_are_told() {
    for pieces in [1, 2, 3] {
        let exchanges = play(&socket(pieces));
        let context = exchanges.iter().map(render::exchange).collect::<String>();
        let [first, second] = &exchanges[..] else { panic!("in {pieces}: {context}") };
        for exchange in [first, second] {
            assert_eq!(exchange.protocol, Protocol::WebSocket, "{context}");
            assert_eq!(exchange.stream_id, Some(5), "{context}");
            assert_eq!(exchange.dialect, Some("openai.responses"), "{context}");
            assert_eq!(exchange.state, State::Complete, "{context}");
            assert_eq!(exchange.usage.input_tokens, Some(7), "{context}");
        }
        assert!(first.joined_midway, "{context}");
        assert_eq!(first.response.text.as_deref(), Some("Hello!"), "{context}");
        assert_eq!(second.response.text.as_deref(), Some("Once more"), "{context}");
        assert_eq!(second.request.model.as_deref(), Some("gpt-5"), "{context}");
    }
}

/// Joined inside a message, what passed is shown as what it seemed to be, until
/// frames follow one another.
#[test]
fn joined_inside_a_message_the_next_exchange_is_told() {
    for skipped in [1, 3] {
        let exchanges = play(&socket(2)[skipped..]);
        let context = exchanges.iter().map(render::exchange).collect::<String>();
        let [body, .., last] = &exchanges[..] else { panic!("{context}") };
        assert_eq!((body.protocol, body.state), (Protocol::Http2, State::Aborted), "{context}");
        assert!(body.findings.iter().any(|finding| finding.kind == "aborted"), "{context}");
        assert_eq!(last.protocol, Protocol::WebSocket, "{context}");
        assert_eq!(last.response.text.as_deref(), Some("Once more"), "{context}");
        assert_eq!(last.usage.input_tokens, Some(7), "{context}");
    }
}

/// A body that begins as a frame does, and is none.
#[test]
fn what_is_no_websocket_is_a_body_as_ever() {
    let body = b"\x81\x05hello, that is all there is to it";
    let frames = [data(body, 0), data(b" and no more", 0), data(b"", 1)];
    let steps = frames.into_iter().enumerate();
    let steps = steps.map(|(time, bytes)| (time as u64, Step::Chunk(Received, bytes)));
    let mut steps: Vec<_> = steps.collect();
    steps.push((9, Step::Close));
    let events = Capture { stdio: false, joined_midway: true, steps }.play(Limits::default());
    check_contract(&events, "a body");
    let exchanges = finished(&events);
    let [exchange] = &exchanges[..] else { panic!("{exchanges:?}") };
    assert_eq!((exchange.protocol, exchange.state), (Protocol::Http2, State::Complete));
    let whole = [&body[..], b" and no more"].concat();
    assert_eq!(exchange.response.body.as_ref().unwrap().bytes, whole);
    assert_eq!(exchange.response.body_bytes, whole.len() as u64);
}
