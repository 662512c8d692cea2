//! Bytes that were lost where it takes more than one message to tell whose they were.

use llmtop_parsers::Direction::{self, Received, Sent};
use llmtop_parsers::{Exchange, Limits, State};

use crate::capture::{Capture, Step};
use crate::corpus::{check_contract, finished};

/// What `steps` tell on a connection of HTTP/1, a millisecond each, in pieces of at most
/// `piece` bytes.
fn play(joined_midway: bool, steps: &[Step], piece: usize) -> Vec<Exchange> {
    let steps = (1..).zip(steps.iter().cloned().chain([Step::Close])).collect();
    let capture = Capture { stdio: false, joined_midway, steps };
    let events = capture.in_pieces(piece).play(Limits::default());
    check_contract(&events, "losses");
    finished(&events)
}

fn chunk(direction: Direction, text: &str) -> Step {
    Step::Chunk(direction, text.as_bytes().to_vec())
}

fn answer(said: &str) -> Step {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length";
    chunk(Received, &format!("{head}: {}\r\n\r\n{said}", said.len()))
}

const ASKED: &str = "POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\n{}";

#[test]
fn what_was_lost_before_the_protocol_was_known_is_counted() {
    for piece in [usize::MAX, 1, 7] {
        for known_before in [false, true] {
            let mut steps = vec![Step::Gap(Sent, 4000), Step::Gap(Sent, 1000), answer("{}")];
            if known_before {
                steps.splice(..0, [chunk(Sent, ASKED), answer("[]")]);
            }
            let exchanges = play(false, &steps, piece);
            let last = exchanges.last().unwrap();
            assert_eq!(last.lost_bytes, 5000, "known before: {known_before}, {piece}");
            assert_eq!(last.response.body.as_ref().unwrap().bytes, b"{}");
        }
        // Of what came before the first that is seen.
        for direction in [Sent, Received] {
            let steps = [Step::Gap(direction, 5000), chunk(Sent, ASKED), answer("{}")];
            let exchanges = play(false, &steps, piece);
            let [exchange] = &exchanges[..] else { panic!("{exchanges:?}") };
            assert_eq!((exchange.lost_bytes, exchange.state), (0, State::Complete));
        }
    }
}

/// A request whose head was lost is answered some time, whatever is said before.
#[test]
fn an_interim_response_answers_no_request() {
    let hints = "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n";
    let go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    for interim in ["", hints, go_on] {
        for piece in [usize::MAX, 1, 7] {
            let steps = [
                chunk(Sent, ASKED),
                answer("0"),
                Step::Gap(Sent, 300),
                chunk(Sent, "rest of an unknown request"),
                chunk(Received, interim),
                chunk(Sent, ASKED),
                answer("1"),
                answer("2"),
            ];
            let exchanges = play(true, &steps, piece);
            let paired = exchanges.iter().filter(|exchange| {
                exchange.request.method.is_some() && exchange.response.status.is_some()
            });
            let paired: Vec<_> = paired.map(|exchange| &exchange.response.body).collect();
            assert_eq!(paired.len(), 1, "{interim:?} in pieces of {piece}: {paired:?}");
        }
    }
}
