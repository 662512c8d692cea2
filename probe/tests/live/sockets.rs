//! Programs that use TLS as real ones do: calls made inside others, writes that
//! are cut short, refused and retried, reads that find nothing.

use std::collections::{HashMap, HashSet};

use llmtop_probe::{Capture, Direction};

use crate::driven::Driven;
use crate::root;
use crate::session::{Session, only, pattern, streams};

/// What was captured must be exactly what was moved: so often each of these,
/// whole, once sent and once received.
fn check(captures: &[Capture], moved: &[(Vec<u8>, usize)]) {
    let streams = streams(captures);
    for direction in [Direction::Sent, Direction::Received] {
        let mut seen: HashMap<&[u8], usize> = HashMap::new();
        for (_, stream) in streams.iter().filter(|((_, d), _)| *d == direction) {
            assert_eq!(stream.lost, 0, "{direction:?}");
            *seen.entry(&stream.bytes).or_default() += 1;
        }
        for (bytes, times) in moved {
            assert_eq!(seen.remove(&bytes[..]), Some(*times), "{direction:?} {}", bytes.len());
        }
        assert!(seen.is_empty(), "{direction:?}: {:?}", seen.keys().map(|b| b.len()));
    }
}

#[test]
fn a_write_inside_a_read() {
    let Some(_alone) = root() else { return };
    if !std::path::Path::new("/usr/bin/node").exists() {
        eprintln!("skipped: needs node");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut node = Driven::start("/usr/bin/node", "node.js", folder.path());
    let session = Session::start(only(node.pid()), None);
    let sizes = [0, 1, 20_000, 300_000];
    for version in ["TLSv1.2", "TLSv1.3"] {
        for size in sizes {
            node.run(&format!("{version} {size}"));
        }
    }
    let (captures, totals) = session.stop();
    node.end();
    let said = |who: &str, size| [who.as_bytes(), &pattern(size)].concat();
    let moved: Vec<_> = sizes
        .iter()
        .flat_map(|&size| [(said("client", size), 2), (said("server", size), 2)])
        .collect();
    check(&captures, &moved);
    let bytes: usize = moved.iter().map(|(bytes, times)| 2 * bytes.len() * times).sum();
    assert_eq!(totals.captured_bytes, bytes as u64);
    assert_eq!((totals.lost_bytes, totals.ignored_bytes), (0, 0));
}

/// Moves so many bytes, at most so many a write: how many writes were cut short,
/// how many were refused, and how many reads found nothing.
fn squeeze(python: &mut Driven, length: usize, at_once: usize) -> (u32, u32, u32) {
    let answer = python.run(&format!("{length} {at_once}"));
    let counts: Vec<u32> = answer.split(' ').map(|n| n.parse().unwrap()).collect();
    (counts[0], counts[1], counts[2])
}

#[test]
fn writes_that_are_retried_count_once() {
    let Some(_alone) = root() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut python = Driven::start("/usr/bin/python3", "squeezed.py", folder.path());
    let session = Session::start(only(python.pid()), None);
    // All or nothing: a refused write is repeated until it is whole.
    for (length, at_once) in [(400_000, 400_000), (300_000, 10_000), (50_000, 333)] {
        let (short, refused, empty) = squeeze(&mut python, length, at_once);
        assert!(short == 0 && refused > 0 && empty > 0, "{short} {refused} {empty}");
    }
    // What fits is taken, the rest is another write.
    python.run("partial");
    let (short, refused, empty) = squeeze(&mut python, 410_000, 410_000);
    assert!(short > 0 && refused > 0 && empty > 0, "{short} {refused} {empty}");
    let (captures, totals) = session.stop();
    python.end();
    let moved = [400_000, 300_000, 50_000, 410_000].map(|length| (pattern(length), 1));
    check(&captures, &moved);
    assert_eq!(totals.captured_bytes, 2 * 1_160_000);
    assert_eq!((totals.lost_bytes, totals.ignored_bytes), (0, 0));
}

#[test]
fn a_read_of_nothing_ends_nothing() {
    let Some(_alone) = root() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut python = Driven::start("/usr/bin/python3", "squeezed.py", folder.path());
    let session = Session::start(only(python.pid()), None);
    python.run("nothing");
    let (captures, _) = session.stop();
    python.end();
    check(&captures, &[((0..10).collect(), 1)]);
}

#[test]
fn what_a_gateway_writes_to_others_meanwhile() {
    let Some(_alone) = root() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut python = Driven::start("/usr/bin/python3", "gateway.py", folder.path());
    let ports = python.run("ports");
    let session = Session::start(only(python.pid()), None);
    for _ in 0..3 {
        python.run("question");
    }
    let (captures, _) = session.stop();
    python.end();
    // The other end of either end of TLS: its own, and nobody else's.
    let others: HashSet<_> = captures
        .iter()
        .filter_map(|capture| match capture {
            Capture::Open(open) => open.endpoint.peer,
            Capture::Endpoint { endpoint, .. } => endpoint.peer,
            _ => None,
        })
        .map(|peer| peer.port().to_string())
        .collect();
    assert_eq!(others, ports.split(' ').map(str::to_owned).collect());
}
