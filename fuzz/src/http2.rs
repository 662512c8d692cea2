//! One exchange over HTTP/2 (RFC 9113), as little of it as there must be.

use llmtop_parsers::Direction::{Received, Sent};

use crate::body::Answer;
use crate::script::{Script, Step};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// An exchange on stream 1.
pub(crate) fn exchange(path: &str, question: &[u8], answer: &Answer<'_>) -> Script {
    let of_question = [("content-type", answer.content_type), ("grpc-encoding", answer.codings)];
    let head = [
        (":status", "200"),
        ("content-type", answer.content_type),
        ("content-encoding", if answer.content_type.contains('+') { "" } else { answer.codings }),
        ("grpc-encoding", answer.codings),
    ];
    let mut frames = frame(HEADERS, END_HEADERS, 1, &block(&head));
    frames.extend(data(answer.body));
    let trailers = block(&[("grpc-status", "0")]);
    frames.extend(frame(HEADERS, END_HEADERS | END_STREAM, 1, &trailers));
    script(request(path, &of_question, question), &frames)
}

/// A request on stream 1, and what the server sends after its settings.
pub(crate) fn answered(path: &str, question: &[u8], frames: &[u8]) -> Script {
    script(request(path, &[("content-type", "application/json")], question), frames)
}

fn request(path: &str, fields: &[(&str, &str)], question: &[u8]) -> Vec<u8> {
    let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    sent.extend(frame(SETTINGS, 0, 0, &[]));
    let method = if question.is_empty() { "GET" } else { "POST" };
    let head =
        [(":method", method), (":scheme", "https"), (":path", path), (":authority", "localhost")];
    sent.extend(frame(HEADERS, END_HEADERS, 1, &block(&[&head, fields].concat())));
    sent.extend(data(question));
    sent.extend(frame(DATA, END_STREAM, 1, &[]));
    sent
}

fn script(sent: Vec<u8>, frames: &[u8]) -> Script {
    let mut received = frame(SETTINGS, 0, 0, &[]);
    received.extend(frames);
    let steps = vec![Step::Chunk(Sent, sent), Step::Chunk(Received, received)];
    Script { steps, ..Script::default() }
}

/// Frames of `bytes`, smaller than events and messages are.
fn data(bytes: &[u8]) -> Vec<u8> {
    bytes.chunks(61).flat_map(|piece| frame(DATA, 0, 1, piece)).collect()
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Literal fields, never indexed (RFC 7541, section 6.2.2); those without a
/// value are left out.
fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        block.push(0);
        for text in [name, value] {
            // A length up to 126 fits into its prefix of 7 bits.
            block.push(text.len() as u8);
            block.extend(text.as_bytes());
        }
    }
    block
}
