//! Answers that arrive before the call that sent the question returns (system calls are
//! seen where they return, and the one that reads returns first), and calls that ask for
//! more before there is any.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::json;

use crate::harness::{Gated, Llmtop, python, tests_folder};

const CALLS: usize = 2;

/// Answers when it has the head of a question: with a head, and when that was received,
/// with the rest; then reads the rest of the question.
fn serve(listener: &TcpListener) {
    let accept = || listener.accept().unwrap().0;
    let (mut connection, mut received) = (accept(), accept());
    for call in 0..CALLS {
        let (mut asked, length) = head(&mut connection);
        let answer = json!({
            "id": format!("c-{call}"), "object": "chat.completion", "model": "m-1",
            "choices": [{"index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": format!("for {call}")}}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 1 + call, "total_tokens": 8 + call},
        })
        .to_string();
        let size = answer.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
        );
        for part in [head, answer] {
            connection.write_all(part.as_bytes()).unwrap();
            received.read_exact(&mut [0]).unwrap();
        }
        let mut piece = vec![0; 1 << 16];
        while asked < length {
            let most = piece.len().min(length - asked);
            let read = connection.read(&mut piece[..most]).unwrap();
            assert!(read > 0);
            asked += read;
        }
    }
}

/// How much came of a question when its head had come, and how long it is.
fn head(connection: &mut TcpStream) -> (usize, usize) {
    let (mut came, mut byte) = (Vec::new(), [0]);
    while !came.ends_with(b"\r\n\r\n") {
        connection.read_exact(&mut byte).unwrap();
        came.extend(byte);
    }
    let text = String::from_utf8(came).unwrap();
    let length = text.split_once("Content-Length: ").unwrap().1.split_once("\r\n").unwrap().0;
    (text.len(), text.len() + length.parse::<usize>().unwrap())
}

#[test]
fn an_answer_is_not_before_its_question() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // What is accepted has it, too. Left to itself it grows with what was read, until a whole
    // question fits and the call that sends it need not wait for the answer.
    rustix::net::sockopt::set_socket_recv_buffer_size(&listener, 1 << 14).unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || serve(&listener));
    let script = tests_folder().join("clients/overtaken.py").display().to_string();
    let arguments = [script, port.to_string(), "early".to_owned(), CALLS.to_string()];
    let mut client = Gated::spawn(&python(), arguments, &[("PYTHONDONTWRITEBYTECODE", "1".into())]);
    let llmtop = Llmtop::json(&[client.pid()], &[]);
    client.go();
    client.finish();
    server.join().unwrap();
    let report = llmtop.finish_after(CALLS);
    assert_eq!((report.exchanges.len(), report.lost_bytes()), (CALLS, 0));
    for call in 0..CALLS {
        let marker = format!("early-{call}");
        let [exchange] = report.of_marker(&marker)[..] else {
            panic!("{marker} is there {} times", report.of_marker(&marker).len());
        };
        for (field, value) in [
            ("/state", json!("complete")),
            ("/connection/role", json!("client")),
            ("/connection/joined_midway", json!(false)),
            ("/connection/id", report.exchanges[0].at("/connection/id").clone()),
            ("/response/status", json!(200)),
            ("/response/text", json!(format!("for {call}"))),
            ("/usage/output_tokens", json!(1 + call)),
        ] {
            assert_eq!(*exchange.at(field), value, "{marker}: {field}");
        }
    }
}
