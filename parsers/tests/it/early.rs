//! The two directions of a connection are captured at places of their own: which of two
//! things that happened within microseconds was first is not certain.

use llmtop_parsers::Direction::{Received, Sent};
use llmtop_parsers::{Limits, Timing};

use crate::capture::{Capture, Step, cases};
use crate::corpus::{check_contract, finished};
use crate::render;

/// The exchanges, but for when what happened.
fn untimed(capture: &Capture, context: &str) -> Vec<String> {
    let events = capture.play(Limits::default());
    check_contract(&events, context);
    let mut exchanges = finished(&events);
    for exchange in &mut exchanges {
        exchange.timing = Timing::default();
    }
    exchanges.sort_by_key(|exchange| exchange.seq);
    exchanges.iter().map(render::exchange).collect()
}

/// What a server says is seen before what its client had said.
#[test]
fn http2_is_told_as_in_the_order_in_which_it_was_sent() {
    for (directory, capture) in cases("http2") {
        let whole = untimed(&capture, &directory.display().to_string());
        for at in 1..capture.steps.len() {
            let [(_, one), (_, other)] = &capture.steps[at - 1..=at] else { continue };
            let (Step::Chunk(Sent, _), Step::Chunk(Received, _)) = (one, other) else { continue };
            let mut swapped = capture.clone();
            swapped.steps[at - 1].1 = other.clone();
            swapped.steps[at].1 = one.clone();
            for piece in [usize::MAX, 1, 7] {
                let context = format!("{}, {at}, in pieces of {piece}", directory.display());
                assert_eq!(untimed(&swapped.in_pieces(piece), &context), whole, "{context}");
            }
        }
    }
}
