//! When the events of streamed answers came, and what they said.

use llmtop_parsers::{Arrival, Connection, DeltaKind, Direction, Event, Exchange, Limits};
use llmtop_parsers::{Timestamp, events};

use crate::capture::cases;

const ASK: &str = "POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\n\
    Content-Type: application/json\r\nContent-Length: 42\r\n\r\n\
    {\"model\":\"m\",\"stream\":true,\"messages\":[  ]}";

/// The events of an exchange, told again.
fn told(exchange: &Exchange) -> Vec<(String, String)> {
    let mut told = Vec::new();
    events(exchange, &mut |name, data| told.push((name.to_owned(), data.to_owned())));
    told
}

/// Plays pieces of a response, a millisecond after one another.
fn played(pieces: &[&str]) -> Exchange {
    let mut connection = Connection::new(Limits::default(), false);
    connection.receive(Direction::Sent, Timestamp(0), ASK.as_bytes());
    for (at, piece) in (1..).zip(pieces) {
        connection.receive(Direction::Received, Timestamp(at * 1_000_000), piece.as_bytes());
    }
    let finished = std::iter::from_fn(|| connection.poll()).find_map(|event| match event {
        Event::Finished(exchange) => Some(*exchange),
        _ => None,
    });
    finished.unwrap()
}

#[test]
fn each_event_has_its_time_and_its_text() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\
        Content-Length: 157\r\n\r\n";
    let role = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n";
    let text = "event: more\ndata: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";
    let (first, rest) = text.split_at(20);
    let done = "data: [DONE]\n\n";
    let more = "data: {\"choices\":[]}\n\n: a comment";
    let body = role.len() + text.len() + done.len() + more.len();
    let head = head.replace("157", &body.to_string());
    let exchange = played(&[&head, role, first, rest, &format!("{more}{done}")]);
    let ms: Vec<u64> = exchange.response.arrivals.iter().map(|it| it.at.0 / 1_000_000).collect();
    assert_eq!(ms, [2, 4, 5]);
    let kinds: Vec<_> = exchange.response.arrivals.iter().map(|it| it.told).collect();
    assert_eq!(kinds, [None, Some(DeltaKind::Text), None]);
    let told = told(&exchange);
    assert_eq!(told.len(), 3);
    assert_eq!(told[1].0, "more");
    for ((_, data), arrival) in told.iter().zip(&exchange.response.arrivals) {
        assert_eq!(data.len(), arrival.bytes as usize);
    }
}

#[test]
fn whatever_the_form_events_are_told_again_as_they_came() {
    let mut streams = 0;
    for protocol in ["http1", "http2", "websocket"] {
        for (path, capture) in cases(protocol) {
            for event in capture.play(Limits::default()) {
                let Event::Finished(exchange) = event else { continue };
                let response = &exchange.response;
                let count = (response.events as usize).min(Arrival::MOST);
                assert_eq!(response.arrivals.len(), count, "{}", path.display());
                let told = told(&exchange);
                if count > 0 && told.len() == count {
                    streams += 1;
                } else if count > 0 && response.body.as_ref().is_some_and(|it| it.is_whole()) {
                    println!("{}: {count} came, {} are told", path.display(), told.len());
                }
            }
        }
    }
    assert!(streams > 20, "{streams}");
}
