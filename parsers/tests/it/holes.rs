//! Bytes that never came, where it is not known yet what they are of.

use llmtop_parsers::{Connection, Direction, Event, Exchange, Limits, Timestamp};

fn finished(mut connection: Connection) -> Vec<Exchange> {
    connection.close(Timestamp(9));
    std::iter::from_fn(|| connection.poll())
        .filter_map(|event| match event {
            Event::Finished(exchange) => Some(*exchange),
            _ => None,
        })
        .collect()
}

/// What comes after the hole is not joined to what came before it.
#[test]
fn a_body_that_has_hardly_begun() {
    let mut connection = Connection::new(Limits::default(), false);
    let request = "POST /v1/chat/completions HTTP/1.1\r\nhost: api.openai.com\r\n\
                   content-length: 15\r\n\r\n{\"stream\":true}";
    connection.receive(Direction::Sent, Timestamp(1), request.as_bytes());
    let begins = "HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\ndata";
    connection.receive(Direction::Received, Timestamp(2), begins.as_bytes());
    connection.gap(Direction::Received, Timestamp(3), 50);
    let rest = ": {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n";
    connection.receive(Direction::Received, Timestamp(4), rest.as_bytes());
    let exchanges = finished(connection);
    assert_eq!(exchanges.len(), 1);
    assert_eq!((exchanges[0].response.text.as_deref(), exchanges[0].lost_bytes), (None, 50));
}

/// However often something is lost, it is one thing to know.
#[test]
fn losses_of_any_size_are_one_finding() {
    let mut connection = Connection::stdio(Limits::default(), false);
    for id in 1..=2 {
        let call = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"t"}}}}"#
        );
        connection.receive(Direction::Sent, Timestamp(1), format!("{call}\n").as_bytes());
    }
    for lost in 1..500 {
        connection.gap(Direction::Received, Timestamp(2), lost);
    }
    let exchanges = finished(connection);
    assert_eq!(exchanges.len(), 2);
    for exchange in exchanges {
        let lost = exchange.findings.iter().filter(|finding| finding.kind == "bytes_lost");
        assert_eq!(lost.count(), 1, "{:?}", exchange.findings);
    }
}
