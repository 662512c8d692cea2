//! Captures of standard input and output.

use llmtop_parsers::{Exchange, Limits, State, Verdict};

use crate::capture::cases;
use crate::corpus::{check_contract, check_snapshots, finished, told};
use crate::render;

#[test]
fn captures_mean_what_their_snapshots_say() {
    check_snapshots(cases("stdio"), Limits::default());
}

#[test]
fn pieces_of_any_size_mean_the_same() {
    for (directory, capture) in cases("stdio") {
        let whole = told(&capture.play(Limits::default()));
        for size in [1, 2, 3, 7, 16, 100] {
            let pieces = told(&capture.in_pieces(size).play(Limits::default()));
            assert_eq!(pieces, whole, "{} in pieces of {size}", directory.display());
        }
        for at in 1..capture.len() {
            let split = told(&capture.split_at(at).play(Limits::default()));
            assert_eq!(split, whole, "{} split at {at}", directory.display());
        }
    }
}

/// Joined at any byte, no call is told with another's response.
#[test]
fn joined_midway_nothing_wrong_is_told() {
    for (directory, capture) in cases("stdio") {
        let whole = finished(&capture.play(Limits::default()));
        for at in 1..capture.len() {
            let context = format!("{} joined at {at}", directory.display());
            let events = capture.joined_at(at).play(Limits::default());
            check_contract(&events, &context);
            for seen in finished(&events) {
                let (Some(asked), Some(told)) = (&seen.request.body, &seen.response.body) else {
                    assert!(seen.request.body.is_some() || seen.joined_midway, "{context}");
                    continue;
                };
                let is_so = |truth: &Exchange| {
                    let said = truth.response.body.as_ref().map_or(&[][..], |body| &body.bytes);
                    truth.request.body.as_ref() == Some(asked) && said.ends_with(&told.bytes)
                };
                assert!(whole.iter().any(is_so), "{context}:\n{}", render::exchange(&seen));
            }
        }
    }
}

#[test]
fn calls_are_bounded() {
    let limits = Limits { open_exchanges: 4, event: 200, ..Limits::default() };
    let mut connection = llmtop_parsers::Connection::stdio(limits, false);
    let time = llmtop_parsers::Timestamp(1);
    let mut events = Vec::new();
    for id in 0..100 {
        let call = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/list\"}}\n");
        connection.receive(llmtop_parsers::Direction::Received, time, call.as_bytes());
        events.extend(std::iter::from_fn(|| connection.poll()));
    }
    assert_eq!(finished(&events).len(), 96);
    // Longer than what is kept of one, it may have been any of the answers.
    let long = format!("{{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":\"{}\"}}\n", "x".repeat(300));
    connection.receive(llmtop_parsers::Direction::Sent, time, long.as_bytes());
    connection.close(time);
    events.extend(std::iter::from_fn(|| connection.poll()));
    check_contract(&events, "calls");
    for (at, exchange) in finished(&events).iter().enumerate() {
        assert_eq!(exchange.state, State::Aborted);
        let too_long = exchange.findings.iter().any(|one| one.kind == "message_too_long");
        assert_eq!(too_long, at >= 96, "{:?}", exchange.findings);
    }
}

#[test]
fn what_speaks_something_else_is_given_up() {
    for (directory, capture) in cases("stdio") {
        let foreign = directory.ends_with("no-json-rpc");
        let events = capture.play(Limits::default());
        let given_up = |event: &llmtop_parsers::Event| {
            matches!(event, llmtop_parsers::Event::Verdict(Verdict::Unknown))
        };
        assert_eq!(events.iter().any(given_up), foreign, "{}", directory.display());
    }
}
