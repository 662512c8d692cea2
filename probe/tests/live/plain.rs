//! HTTP without TLS, between sockets of one process.

use std::collections::HashMap;

use llmtop_probe::{Capture, Direction, Open, Tls};

use crate::driven::Driven;
use crate::root;
use crate::session::{Session, Stream, only, pattern, streams};

pub(crate) const REQUEST: &[u8] = b"POST /x HTTP/1.1\r\n\r\n";
pub(crate) const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";

fn driven(folder: &std::path::Path) -> Driven {
    Driven::start("/usr/bin/python3", "plain.py", folder)
}

/// Runs lines; gives what was captured.
fn captured(before: &[&str], lines: &[&str]) -> (u32, Vec<Capture>, llmtop_probe::Totals) {
    let folder = tempfile::tempdir().unwrap();
    let mut python = driven(folder.path());
    for line in before {
        python.run(line);
    }
    let session = Session::start(only(python.pid()), None);
    for line in lines {
        python.run(line);
    }
    let (captures, totals) = session.stop();
    let pid = python.pid();
    python.end();
    (pid, captures, totals)
}

fn opens(captures: &[Capture]) -> Vec<&Open> {
    captures
        .iter()
        .filter_map(|capture| match capture {
            Capture::Open(open) => Some(open),
            _ => None,
        })
        .collect()
}

/// What was captured must be these messages, each once sent and once received,
/// and nothing else.
fn check(captures: &[Capture], messages: &[Vec<u8>]) {
    let mut expected: HashMap<(Direction, &[u8]), usize> = HashMap::new();
    for message in messages {
        *expected.entry((Direction::Sent, message)).or_default() += 1;
        *expected.entry((Direction::Received, message)).or_default() += 1;
    }
    let streams = streams(captures);
    for ((_, direction), Stream { bytes, lost, .. }) in &streams {
        assert_eq!(*lost, 0);
        let left = expected.get_mut(&(*direction, &bytes[..]));
        let left = left.unwrap_or_else(|| panic!("{direction:?} {:.99}", bytes.escape_ascii()));
        *left = left.checked_sub(1).expect("once too often");
    }
    expected.retain(|_, count| *count > 0);
    assert!(expected.is_empty(), "{:?}", expected.keys().map(|(d, b)| (d, b.len())));
}

fn message(head: &[u8], size: usize) -> Vec<u8> {
    [head, &pattern(size)].concat()
}

#[test]
fn every_byte_by_every_call() {
    let Some(_alone) = root() else { return };
    let sizes = [0, 1, 250, 2048, 20_000, 100_000, 3_000_000];
    let mut lines = Vec::new();
    for how in ["write", "sendto", "writev", "sendmsg"] {
        lines.extend(sizes.iter().map(|size| format!("call {how} {size}")));
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let (pid, captures, totals) = captured(&[], &lines);
    let messages = sizes.iter().flat_map(|&size| [message(REQUEST, size), message(ANSWER, size)]);
    let messages: Vec<_> = messages.cycle().take(4 * 2 * sizes.len()).collect();
    check(&captures, &messages);
    assert_eq!((totals.lost_bytes, totals.ignored_bytes), (0, 0));
    let opens = opens(&captures);
    assert_eq!(opens.len(), 2 * 4 * sizes.len());
    for open in &opens {
        assert_eq!((open.pid, open.tls, open.joined_midway), (pid, Tls::None, false));
        let ends = &open.endpoint;
        assert_eq!(ends.server_name, None);
        let other =
            |other: &&&Open| other.endpoint.local == ends.peer && other.endpoint.peer == ends.local;
        assert!(ends.local.is_some() && opens.iter().any(|o| other(&o)), "{open:?}");
    }
}

#[test]
fn nothing_else() {
    let Some(_alone) = root() else { return };
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    // TLS settles it, whatever may look like something later.
    let tls = format!("raw tls {} {}", hex(b"\x16\x03\x01\x02\x00\x01"), hex(REQUEST));
    let redis = format!("raw redis {} {}", hex(b"*1\r\n$4\r\nPING\r\n"), hex(b"GET key\r\n"));
    let (_, captures, totals) =
        captured(&[], &["files", "keep tls", &tls, "keep redis", &redis, "files"]);
    assert_eq!(opens(&captures).len(), 0, "{captures:?}");
    assert_eq!(totals, llmtop_probe::Totals::default());
}

#[test]
fn a_tunnel_is_left_when_tls_begins() {
    let Some(_alone) = root() else { return };
    let (_, captures, totals) = captured(&[], &["tunnel"]);
    check(&captures, &[b"CONNECT a.test:443 HTTP/1.1\r\n\r\n".to_vec(), ANSWER.to_vec()]);
    assert_eq!((totals.lost_bytes, totals.ignored_bytes), (0, 0));
}

#[test]
fn joined_when_a_message_begins() {
    let Some(_alone) = root() else { return };
    let hex: String = b"data: x\n\n".iter().map(|b| format!("{b:02x}")).collect();
    let raw = format!("raw kept {hex} {hex}");
    let (_, captures, _) =
        captured(&["keep kept", "again kept 10"], &[&raw, "again kept 20", "again kept 30", &raw]);
    let more = b"data: x\n\n".repeat(2);
    let whole = |head| [message(head, 20), message(head, 30), more.clone()].concat();
    check(&captures, &[whole(REQUEST), whole(ANSWER)]);
    assert!(opens(&captures).iter().all(|open| open.joined_midway));
}

#[test]
fn what_no_buffer_holds_is_lost_and_counted() {
    let Some(_alone) = root() else { return };
    let (_, captures, totals) = captured(&[], &["sendfile 100000", "call sendto 5"]);
    assert_eq!(totals.lost_bytes, 100_000);
    let lost: Vec<_> = streams(&captures).into_iter().filter(|(_, s)| s.lost > 0).collect();
    assert_eq!(lost.len(), 1);
    assert_eq!((lost[0].0.1, &lost[0].1.bytes[..]), (Direction::Sent, ANSWER));
}

#[test]
fn a_socket_of_a_process_that_was_forgotten() {
    let Some(_alone) = root() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut python = driven(folder.path());
    let mut session = Session::start(only(python.pid()), None);
    python.run("forget");
    for _ in 0..2 {
        session.until(|capture| matches!(capture, Capture::Close { .. }));
    }
    let (captures, _) = session.stop();
    python.end();
    check(&captures, &[message(REQUEST, 10), message(ANSWER, 10)]);
}

#[test]
fn descriptors_change_hands() {
    let Some(_alone) = root() else { return };
    let lines = ["dup", "half", "reset", "fork", "high", "many 50"];
    let (pid, captures, _) = captured(&[], &lines);
    let mut messages = vec![REQUEST.to_vec(), [ANSWER, b"more"].concat()];
    messages.extend([REQUEST.to_vec(), ANSWER.to_vec(), REQUEST.to_vec()]);
    messages.extend([REQUEST.to_vec(), ANSWER.to_vec()]);
    messages.extend([message(REQUEST, 10), message(ANSWER, 10)]);
    messages.extend((0..50).flat_map(|n| [message(REQUEST, n), message(ANSWER, n)]));
    check(&captures, &messages);
    // The child's connection is the child's.
    let of_others: Vec<_> = opens(&captures).into_iter().filter(|open| open.pid != pid).collect();
    assert_eq!(of_others.len(), 1);
    let closed = captures.iter().filter(|c| matches!(c, Capture::Close { .. })).count();
    assert_eq!(closed, opens(&captures).len());
}
