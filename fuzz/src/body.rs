//! Any bytes as the body of a well-formed answer.

use llmtop_parsers::Direction::{Received, Sent};
use llmtop_parsers::Event;

use crate::requests::REQUESTS;
use crate::script::{Script, Step};
use crate::{LIMITS, contract, http2, outlet, same};

/// Plays the answer that `data` describes, at once and in pieces: both times
/// the same must come out, and the [`contract`] hold. The first byte of `data`
/// chooses the request, the second the framing, the third the pieces; the rest
/// is the body, of this content type and with these content codings.
///
/// # Panics
/// It is not so.
pub fn check(content_type: &str, codings: &str, data: &[u8]) {
    let [which, framing, cut, body @ ..] = data else { return };
    let (_, path, question) = REQUESTS[usize::from(*which) % REQUESTS.len()];
    let framing = FRAMINGS[usize::from(*framing) % FRAMINGS.len()];
    let answer = Answer { content_type, codings, body };
    let script = framing(path, question.as_bytes(), &answer);
    check_cut(&script, *cut);
}

/// The same of gRPC, whose frames `data` holds: of the request and the answer.
///
/// # Panics
/// It is not so.
pub fn check_grpc(data: &[u8]) {
    let [which, cut, body @ ..] = data else { return };
    let (path, content_type) = [
        (
            "/google.ai.generativelanguage.v1beta.GenerativeService/StreamGenerateContent",
            "application/grpc",
        ),
        (
            "/google.ai.generativelanguage.v1beta.GenerativeService/GenerateContent",
            "application/grpc+proto",
        ),
        ("/some.Service/Call", "application/grpc"),
        ("/aiserver.v1.ChatService/StreamUnifiedChatWithTools", "application/connect+proto"),
        ("/some.Service/Call", "application/connect+json"),
        ("/some.Service/Call", "application/grpc-web+proto"),
    ][usize::from(*which) % 6];
    let codings = if which & 0x80 == 0 { "" } else { "gzip" };
    let answer = Answer { content_type, codings, body };
    check_cut(&http2::exchange(path, body, &answer), *cut);
}

/// The same of an answer in chunks (RFC 9112, section 7.1), which `data` holds
/// with their framing. Where that breaks nobody can tell what follows: only the
/// first exchange must be the same.
///
/// # Panics
/// It is not so.
pub fn check_chunked(data: &[u8]) {
    let [cut, received @ ..] = data else { return };
    let answer = Answer { content_type: "text/event-stream", codings: "", body: &[] };
    let (_, path, question) = REQUESTS[0];
    let framing = "Transfer-Encoding: chunked";
    let script = http1(path, question.as_bytes(), &answer, framing, received.to_vec());
    check_first(&script, *cut);
}

/// The same of frames of HTTP/2, which `data` holds: what the server sends
/// after a good beginning. What follows broken frames may differ.
///
/// # Panics
/// It is not so.
pub fn check_frames(data: &[u8]) {
    let [cut, frames @ ..] = data else { return };
    let (_, path, question) = REQUESTS[1];
    check_first(&http2::answered(path, question.as_bytes(), frames), *cut);
}

/// Plays a script at once and cut as `cut` says: the first exchange must be the
/// same, unless bytes were lost or are corrupt.
fn check_first(script: &Script, cut: u8) {
    let (whole, pieces) = check_contract(script, cut);
    if !same::depends(&whole) && !same::depends(&pieces) {
        let first = |events: &[_]| same::finished(events).into_iter().next();
        assert_eq!(first(&whole), first(&pieces), "in pieces of {cut}");
    }
}

/// Plays a script at once and cut as `cut` says: the [`contract`] must hold
/// both times. What came out.
///
/// # Panics
/// It does not.
pub fn check_contract(script: &Script, cut: u8) -> (Vec<Event>, Vec<Event>) {
    let play = |script: &Script| {
        let events = script.play(LIMITS);
        contract::check(&events, LIMITS);
        events
    };
    (play(script), play(&script.in_pieces(usize::from(cut))))
}

/// Plays a script at once and cut as `cut` says: the exchanges must be the
/// same, unless bytes were lost or are corrupt.
///
/// # Panics
/// They are not.
pub fn check_cut(script: &Script, cut: u8) {
    let (whole, pieces) = check_contract(script, cut);
    outlet::check(&whole);
    if !same::depends(&whole) && !same::depends(&pieces) {
        let (whole, pieces) = (same::finished(&whole), same::finished(&pieces));
        assert_eq!(whole, pieces, "in pieces of {cut}");
    }
}

/// The answer to be told.
pub(crate) struct Answer<'a> {
    pub(crate) content_type: &'a str,
    pub(crate) codings: &'a str,
    pub(crate) body: &'a [u8],
}

type Framed = fn(&str, &[u8], &Answer<'_>) -> Script;

/// How a body is told from what follows it.
const FRAMINGS: [Framed; 4] = [by_length, by_chunks, by_close, http2::exchange];

fn by_length(path: &str, question: &[u8], answer: &Answer<'_>) -> Script {
    let framing = format!("Content-Length: {}", answer.body.len());
    http1(path, question, answer, &framing, answer.body.to_vec())
}

fn by_chunks(path: &str, question: &[u8], answer: &Answer<'_>) -> Script {
    let mut body = Vec::new();
    for piece in answer.body.chunks(50) {
        body.extend(format!("{:x}\r\n", piece.len()).into_bytes());
        body.extend(piece);
        body.extend(b"\r\n");
    }
    body.extend(b"0\r\n\r\n");
    http1(path, question, answer, "Transfer-Encoding: chunked", body)
}

fn by_close(path: &str, question: &[u8], answer: &Answer<'_>) -> Script {
    http1(path, question, answer, "Connection: close", answer.body.to_vec())
}

fn http1(path: &str, question: &[u8], answer: &Answer<'_>, framing: &str, body: Vec<u8>) -> Script {
    let method = if question.is_empty() { "GET" } else { "POST" };
    let mut sent = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        question.len()
    )
    .into_bytes();
    sent.extend(question);
    let Answer { content_type, codings, .. } = answer;
    let mut received = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Encoding: {codings}\r\n\
         {framing}\r\n\r\n"
    )
    .into_bytes();
    received.extend(body);
    let steps = vec![Step::Chunk(Sent, sent), Step::Chunk(Received, received)];
    Script { steps, ..Script::default() }
}
