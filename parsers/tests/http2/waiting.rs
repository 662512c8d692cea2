//! Of a connection that was joined inside its messages it may be unknown for a while who
//! writes which direction: what passes until then means what it would have meant.

use llmtop_parsers::http2::Http2;
use llmtop_parsers::{Direction, Limits, Timestamp};

use crate::wire::*;

use Direction::{Received, Sent};

/// Frames enough to be recognised, of no stream.
fn idle() -> Vec<u8> {
    [frame(PING, 0, 0, &[0; 8]), frame(WINDOW_UPDATE, 0, 0, &[0, 0, 1, 0])].concat().repeat(2)
}

/// `GET /` on stream 7: nobody but a client sends it.
fn request() -> Vec<u8> {
    [idle(), frame(HEADERS, END_STREAM | END_HEADERS, 7, &[0x83, 0x84, 0x87])].concat()
}

enum Step {
    Bytes(Direction, Vec<u8>),
    /// Whole frames were lost.
    Lost(Direction),
}

fn follow_midway(steps: &[Step]) -> Told {
    let mut told = Told::default();
    let mut http2 = Http2::new(Limits::default(), true);
    for step in steps {
        match step {
            Step::Bytes(direction, bytes) => {
                http2.receive(*direction, Timestamp(0), bytes, |_, event| told.tell(event));
            }
            Step::Lost(direction) => {
                http2.gap(*direction, Timestamp(0), 40, |_, event| told.tell(event))
            }
        }
    }
    http2.close(|_, event| told.tell(event));
    told
}

/// What is told of stream 5 if it is known before `steps` who writes what, and if that
/// turns out after them.
fn early_and_late(steps: impl Fn() -> Vec<Step>) -> [Stream; 2] {
    let request = || Step::Bytes(Sent, request());
    let mut early = vec![request()];
    early.extend(steps());
    let mut late = steps();
    late.push(request());
    [early, late].map(|steps| follow_midway(&steps).streams.remove(&5).unwrap_or_default())
}

/// A document, which either end may have written, and frames after it.
fn data(text: &str, flags: u8) -> Step {
    Step::Bytes(Received, [idle(), frame(DATA, flags, 5, text.as_bytes()), idle()].concat())
}

#[test]
fn a_loss_stays_where_it_was() {
    let [early, late] = early_and_late(|| {
        vec![data(r#"{"prompt_tokens":1"#, 0), Step::Lost(Received), data("9}", END_STREAM)]
    });
    assert_eq!(late.response.body, br#"{"prompt_tokens":19}"#, "what was seen of it");
    assert!(late.response.torn, "{late:?}");
    assert_eq!(late, early);
}

#[test]
fn a_stream_that_is_given_up_was_there() {
    let [early, late] = early_and_late(|| {
        let cancel = frame(RST_STREAM, 0, 5, &[0, 0, 0, 8]);
        vec![data(r#"{"id":1"#, 0), Step::Bytes(Sent, [idle(), cancel, idle()].concat())]
    });
    assert_eq!(late.response.body, br#"{"id":1"#);
    assert!(late.reset.is_some(), "{late:?}");
    assert_eq!(late, early);
}

#[test]
fn a_server_that_goes_away_says_so_after_what_it_sent() {
    let [early, late] = early_and_late(|| {
        let payload = [&[0, 0, 0, 3, 0, 0, 0, 0][..], b"enough"].concat();
        let away = frame(GOAWAY, 0, 0, &payload);
        vec![data(r#"{"id":1"#, 0), Step::Bytes(Received, away)]
    });
    assert_eq!(late.response.body, br#"{"id":1"#);
    assert!(late.reset.is_some(), "stream 5 is above the last that it deals with: {late:?}");
    assert_eq!(late, early);
}
