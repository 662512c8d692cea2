//! Captures of WebSockets: as with HTTP, but of what was compressed with
//! references to messages that were not seen, nothing can be told.

use llmtop_parsers::{Exchange, Limits, Protocol, State, Timestamp, UsageSource};

use crate::capture::{Capture, cases};
use crate::corpus::{check_contract, check_snapshots, finished, told};
use crate::render;

#[test]
fn captures_mean_what_their_snapshots_say() {
    check_snapshots(cases("websocket"), Limits::default());
}

#[test]
fn pieces_of_any_size_mean_the_same() {
    for (directory, capture) in cases("websocket") {
        if capture.joined_midway {
            // Where calls end helps to find the frames.
            continue;
        }
        let whole = told(&capture.play(Limits::default()));
        for size in [1, 2, 3, 7, 16, 100, 1000] {
            let pieces = told(&capture.in_pieces(size).play(Limits::default()));
            assert_eq!(pieces, whole, "{} in pieces of {size}", directory.display());
        }
        for at in (1..capture.len()).step_by(1 + capture.len() / 300) {
            let split = told(&capture.split_at(at).play(Limits::default()));
            assert_eq!(split, whole, "{} split at {at}", directory.display());
        }
    }
}

/// Where the server remembers what was said, a socket is one session, which has
/// the server's name or one of its own.
#[test]
fn a_socket_is_a_session_where_the_server_keeps_the_history() {
    let mut unnamed = Vec::new();
    for (directory, capture) in cases("websocket") {
        let exchanges = finished(&capture.play(Limits::default()));
        let mut own = Vec::new();
        for exchange in &exchanges {
            let context = format!("{}:\n{}", directory.display(), render::exchange(exchange));
            match exchange.dialect {
                Some("openai.realtime") => {
                    assert_eq!(exchange.session.as_deref(), Some("sess_1"), "{context}");
                }
                Some("google.live") => own.push(exchange.session.clone().expect(&context)),
                _ => assert_eq!(exchange.session, None, "{context}"),
            }
        }
        own.dedup();
        assert!(own.len() <= 1, "{}: {own:?}", directory.display());
        unnamed.extend(own);
    }
    let all = unnamed.len();
    unnamed.sort();
    unnamed.dedup();
    assert!(all > 1 && all == unnamed.len(), "{unnamed:?}");
}

/// Joined at any byte and at every frame, nothing wrong is told.
#[test]
fn joined_midway_nothing_wrong_is_told() {
    for (directory, capture) in cases("websocket") {
        let whole = finished(&capture.play(Limits::default()));
        for at in joints(&capture) {
            let rest = capture.joined_at(at);
            for piece in [usize::MAX, 50, 1] {
                let context = format!("{} joined at {at} in {piece}", directory.display());
                let events = rest.in_pieces(piece).play(Limits::default());
                check_contract(&events, &context);
                for exchange in finished(&events) {
                    is_honest(&exchange, &whole, &context);
                }
            }
        }
    }
}

/// Where messages do not refer to those before them, what begins later is told
/// as if all had been seen, but for the handshake.
#[test]
fn joined_midway_the_next_exchange_is_whole() {
    for (directory, capture) in cases("websocket") {
        let name = directory.file_name().unwrap().to_str().unwrap();
        if !["responses-plain", "responses-deflate-alone", "responses-tools"].contains(&name) {
            continue;
        }
        let whole = finished(&capture.play(Limits::default()));
        for at in joints(&capture) {
            let rest = capture.joined_at(at);
            let began = Timestamp((rest.steps[0].0 + 1) * 1_000_000);
            let joined = finished(&rest.play(Limits::default()));
            let later = |truth: &&Exchange| {
                truth.protocol == Protocol::WebSocket && truth.timing.started >= began
            };
            for truth in whole.iter().filter(later) {
                let context = format!("{} joined at {at}", directory.display());
                let is_it = |seen: &&Exchange| seen.request.body == truth.request.body;
                let Some(seen) = joined.iter().find(is_it) else {
                    panic!("{context}: missing is\n{} {joined:?}", render::exchange(truth));
                };
                let context = format!("{context}:\n{}", render::exchange(seen));
                assert_eq!(seen.state, truth.state, "{context}");
                assert_eq!(seen.dialect, truth.dialect, "{context}");
                assert_eq!(seen.response.text, truth.response.text, "{context}");
                assert_eq!(seen.response.tool_calls, truth.response.tool_calls, "{context}");
                assert_eq!(seen.usage, truth.usage, "{context}");
            }
        }
    }
}

/// Some bytes of every capture, and the beginning of every call.
fn joints(capture: &Capture) -> Vec<usize> {
    let mut joints: Vec<usize> = (1..capture.len()).step_by(1 + capture.len() / 60).collect();
    joints.extend(capture.edges());
    joints
}

/// What is told is so.
fn is_honest(seen: &Exchange, whole: &[Exchange], context: &str) {
    let context = format!("{context}:\n{}", render::exchange(seen));
    let (asked, answered) = (&seen.request, &seen.response);
    let sockets = || whole.iter().filter(|truth| truth.protocol == seen.protocol);
    let is_so = |seen: &Option<String>, truth: &Option<String>| seen.is_none() || seen == truth;
    assert!(sockets().next().is_some(), "{context}");
    assert!(sockets().all(|truth| truth.role == seen.role), "{context}");
    if seen.protocol != Protocol::WebSocket {
        return;
    }
    // The question is one that was asked, or the end of what was said before it.
    if let (Some(body), Some(_), false) = (&asked.body, seen.dialect, seen.joined_midway) {
        let is_of = |truth: &Exchange| {
            let asked = truth.request.body.as_ref().map_or(&[][..], |body| &body.bytes);
            let body = body.bytes.strip_prefix(b"[").unwrap_or(&body.bytes);
            asked.ends_with(body) || asked.windows(body.len()).any(|window| window == body)
        };
        assert!(sockets().any(is_of), "{context}");
    }
    let numbers = |usage: &llmtop_parsers::Usage| {
        [usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.reasoning_tokens]
    };
    if seen.usage.source == UsageSource::Reported {
        let is_of = |truth: &Exchange| numbers(&truth.usage) == numbers(&seen.usage);
        assert!(sockets().any(is_of), "{context}");
    }
    if let Some(id) = &answered.id {
        let truth = sockets().find(|truth| truth.response.id.as_ref() == Some(id));
        let truth = truth.unwrap_or_else(|| panic!("{context}"));
        assert_eq!(truth.dialect, seen.dialect, "{context}");
        assert!(is_so(&answered.model, &truth.response.model), "{context}");
        assert!(is_so(&answered.finish_reason, &truth.response.finish_reason), "{context}");
        if let Some(text) = &answered.text {
            let said = truth.response.text.as_ref().unwrap();
            assert!(said.ends_with(text) || seen.state == State::Aborted, "{context}");
        }
        if seen.usage.source == UsageSource::Reported {
            assert_eq!(seen.usage, truth.usage, "{context}");
        }
        if let Some(body) = &asked.body {
            let said = truth.request.body.as_ref().unwrap();
            assert!(said.bytes.ends_with(&body.bytes) || body == said, "{context}");
        }
    }
}
