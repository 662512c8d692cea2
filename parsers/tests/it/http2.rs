//! Captures of HTTP/2 connections: as with HTTP/1, but of what was sent before
//! one joined, header fields too are unknown.

use llmtop_parsers::{Exchange, Limits, Protocol, State, Timestamp, UsageSource};

use crate::capture::cases;
use crate::corpus::{check_contract, check_snapshots, finished, told};
use crate::render;

#[test]
fn captures_mean_what_their_snapshots_say() {
    check_snapshots(cases("http2"), Limits::default());
}

#[test]
fn pieces_of_any_size_mean_the_same() {
    for (directory, capture) in cases("http2") {
        let whole = told(&capture.play(Limits::default()));
        for size in [1, 2, 3, 7, 16, 100, 1000] {
            let pieces = told(&capture.in_pieces(size).play(Limits::default()));
            assert_eq!(pieces, whole, "{} in pieces of {size}", directory.display());
        }
        for at in (1..capture.len()).step_by(1 + capture.len() / 500) {
            let split = told(&capture.split_at(at).play(Limits::default()));
            assert_eq!(split, whole, "{} split at {at}", directory.display());
        }
    }
}

/// Joined anywhere, nothing wrong is told; and of exchanges that begin later,
/// all that matters is.
#[test]
fn joined_midway_the_next_exchange_is_whole() {
    for (directory, capture) in cases("http2") {
        let whole = finished(&capture.play(Limits::default()));
        for at in (1..capture.len()).step_by(1 + capture.len() / 500) {
            let rest = capture.joined_at(at);
            let began = Timestamp((rest.steps[0].0 + 1) * 1_000_000);
            for piece in [usize::MAX, 50] {
                let context = format!("{} joined at {at}", directory.display());
                let events = rest.in_pieces(piece).play(Limits::default());
                check_contract(&events, &context);
                let joined = finished(&events);
                for exchange in &joined {
                    is_honest(exchange, truth(&whole, exchange), &context);
                }
                for truth in whole.iter().filter(|truth| truth.timing.started >= began) {
                    let seen = joined.iter().find(|seen| seen.stream_id == truth.stream_id);
                    let seen = seen.unwrap_or_else(|| panic!("{context}: {truth:?} is missing"));
                    is_whole(seen, truth, &context);
                }
            }
        }
    }
}

fn truth<'a>(whole: &'a [Exchange], exchange: &Exchange) -> &'a Exchange {
    whole.iter().find(|truth| truth.stream_id == exchange.stream_id).unwrap()
}

/// What is told is so.
fn is_honest(seen: &Exchange, truth: &Exchange, context: &str) {
    let context = format!("{context}:\n{}", render::exchange(seen));
    assert_eq!((seen.protocol, seen.role), (Protocol::Http2, truth.role), "{context}");
    let (asked, answered) = (&seen.request, &seen.response);
    let is_so = |seen: &Option<String>, truth: &Option<String>| seen.is_none() || seen == truth;
    assert!(is_so(&asked.method, &truth.request.method), "{context}");
    assert!(is_so(&asked.target, &truth.request.target), "{context}");
    assert!(is_so(&asked.authority, &truth.request.authority), "{context}");
    assert!(is_so(&asked.model, &truth.request.model), "{context}");
    assert!(answered.status.is_none() || answered.status == truth.response.status, "{context}");
    assert!(is_so(&answered.model, &truth.response.model), "{context}");
    assert!(is_so(&answered.finish_reason, &truth.response.finish_reason), "{context}");
    for (seen, truth) in
        [(&asked.headers, &truth.request.headers), (&answered.headers, &truth.response.headers)]
    {
        let mut rest = truth.iter();
        assert!(seen.iter().all(|field| rest.any(|other| other == field)), "{context}");
    }
    if let Some(text) = &answered.text {
        assert!(truth.response.text.as_ref().unwrap().ends_with(text), "{context}");
    }
    let (told, said) = (&seen.usage, &truth.usage);
    for (told, said) in [
        (told.input_tokens, said.input_tokens),
        (told.output_tokens, said.output_tokens),
        (told.cache_read_tokens, said.cache_read_tokens),
        (told.reasoning_tokens, said.reasoning_tokens),
    ] {
        let estimated = seen.usage.source == UsageSource::Estimated;
        assert!(told.is_none() || told == said || estimated, "{context}");
    }
}

/// Whatever headers are unknown, what people look for is there.
fn is_whole(seen: &Exchange, truth: &Exchange, context: &str) {
    let context = format!("{context}:\n{}", render::exchange(seen));
    assert_eq!(seen.state, truth.state, "{context}");
    assert_eq!(seen.dialect, truth.dialect, "{context}");
    assert_eq!(seen.request.model, truth.request.model, "{context}");
    assert_eq!(seen.request.body, truth.request.body, "{context}");
    assert_eq!(seen.response.body, truth.response.body, "{context}");
    assert_eq!(seen.response.text, truth.response.text, "{context}");
    assert_eq!(seen.response.tool_calls, truth.response.tool_calls, "{context}");
    assert_eq!(seen.response.events, truth.response.events, "{context}");
    assert_eq!(seen.usage, truth.usage, "{context}");
    if truth.state == State::Complete && seen.response.status.is_some() {
        assert_eq!(seen.error, truth.error, "{context}");
    }
}

/// Joined inside an answer, its rest still tells what it is and what it costs.
#[test]
fn joined_inside_an_answer_its_usage_is_told() {
    for (directory, capture) in cases("http2") {
        let name = directory.file_name().unwrap().to_str().unwrap();
        if !["httpx-chat", "curl-chat"].contains(&name) {
            continue;
        }
        let whole = finished(&capture.play(Limits::default()));
        let third = capture.find(b"\"content\":\" there\"").unwrap();
        for at in [third - 300, third - 100, third] {
            let joined = finished(&capture.joined_at(at).play(Limits::default()));
            let [seen] = &joined[..] else { panic!("{name} joined at {at}: {joined:?}") };
            assert!(seen.joined_midway, "{name} joined at {at}");
            assert_eq!(seen.dialect, Some("openai.chat"), "{name} joined at {at}");
            assert_eq!(seen.usage, whole[0].usage, "{name} joined at {at}");
            assert_eq!(seen.response.model, whole[0].response.model, "{name} joined at {at}");
            let text = seen.response.text.as_deref().unwrap();
            assert!(" there!".ends_with(text) && text.ends_with('!'), "{name} joined at {at}");
        }
    }
}

/// Joined inside an event stream, of which neither head nor beginning was seen,
/// the checksums of its messages tell what it is.
#[test]
fn joined_inside_an_event_stream_its_rest_is_told() {
    let mut cases = cases("http2").into_iter();
    let (_, capture) = cases.find(|(name, _)| name.ends_with("made-event-stream")).unwrap();
    let whole = finished(&capture.play(Limits::default()));
    let delta = capture.find(b"contentBlockDelta").unwrap();
    for at in (delta..delta + 600).step_by(7) {
        for piece in [usize::MAX, 10] {
            let joined = finished(&capture.joined_at(at).in_pieces(piece).play(Limits::default()));
            let [seen] = &joined[..] else { panic!("joined at {at}: {joined:?}") };
            assert_eq!(seen.dialect, Some("bedrock.converse"), "joined at {at}");
            assert_eq!(seen.usage, whole[0].usage, "joined at {at}");
            let text = seen.response.text.as_deref().unwrap_or_default();
            assert!("Hello there!".ends_with(text), "joined at {at}: {text}");
            assert!(seen.findings.iter().all(|finding| finding.kind != "corrupt_messages"));
        }
    }
}
