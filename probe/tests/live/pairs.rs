//! Two TLS objects of python3's OpenSSL that move bytes between them.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use llmtop_probe::live::Filters;
use llmtop_probe::{Capture, ConnId, Direction, Totals};

use crate::driven::Driven;
use crate::root;
use crate::session::{Session, only, pattern, said, streams};

/// The driven process.
fn pair(folder: &Path) -> Driven {
    Driven::start("/usr/bin/python3", "pair.py", folder)
}

#[test]
fn every_byte_of_both_ends() {
    let Some(_alone) = root() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut pair = pair(folder.path());
    let session = Session::start(only(pair.pid()), None);
    let sizes = [1, 255, 256, 257, 2048, 2049, 16384, 16385, 100_000, 3_000_000, 16 << 20];
    for (name, size) in sizes.iter().enumerate() {
        pair.run(&format!("move {name} {size} 2"));
        pair.run(&format!("starve {name}"));
        pair.run(&format!("drop {name}"));
    }
    let (captures, totals) = session.stop();
    pair.end();
    let streams = streams(&captures);
    let moved: usize = sizes.iter().sum::<usize>() * 2;
    for direction in [Direction::Sent, Direction::Received] {
        let mut lengths: Vec<usize> = streams
            .iter()
            .filter(|((_, d), _)| *d == direction)
            .map(|(_, s)| {
                assert_eq!(s.lost, 0);
                assert!(s.bytes == pattern(s.bytes.len() / 2).repeat(2), "{}", s.bytes.len());
                s.bytes.len() / 2
            })
            .collect();
        lengths.sort_unstable();
        assert_eq!(lengths, sizes, "{direction:?}");
    }
    assert_eq!(totals.captured_bytes, 2 * moved as u64);
    assert_eq!((totals.lost_bytes, totals.ignored_bytes), (0, 0));
    assert!(captures.iter().any(|c| matches!(c, Capture::Process(p) if p.comm == "python3")));
    let named = captures.iter().filter(|c| {
        matches!(c, Capture::Open(o) if o.endpoint.server_name.as_deref() == Some("example.test"))
    });
    assert_eq!(named.count(), sizes.len(), "each client named its server");
    assert!(!captures.iter().any(|c| matches!(c, Capture::Open(o) if o.joined_midway)));
}

#[test]
fn a_tiny_ring_loses_and_says_so() {
    let Some(_alone) = root() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut pair = pair(folder.path());
    let session = Session::start(only(pair.pid()), Some(64 << 10));
    pair.run("move a 1000000 20");
    pair.run("say b clean");
    pair.run("move a 1000000 1");
    let (captures, totals) = session.stop();
    pair.end();
    assert!(totals.lost_bytes > 0);
    assert_eq!(totals.captured_bytes + totals.lost_bytes, 2 * (21_000_000 + 5));
    let streams = streams(&captures);
    for stream in streams.values() {
        let moved = stream.bytes.len() as u64 + stream.lost;
        assert!(moved == 21_000_000 || moved == 5, "{moved}");
    }
    let lost: u64 = streams.values().map(|s| s.lost).sum();
    assert_eq!(lost, totals.lost_bytes);
}

#[test]
fn a_process_outlives_its_leader() {
    let Some(_alone) = root() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut pair = pair(folder.path());
    let session = Session::start(only(pair.pid()), None);
    pair.run("say a one");
    pair.run("leave");
    pair.run("say a two");
    pair.run("say b three");
    let (captures, _) = session.stop();
    let pid = pair.pid();
    pair.end();
    let streams = streams(&captures);
    assert_eq!((said(&streams, "onetwo").len(), said(&streams, "three").len()), (2, 2));
    assert!(streams.values().all(|stream| stream.pid == pid));
}

#[test]
fn another_program_in_the_same_process() {
    let Some(_alone) = root() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut pair = pair(folder.path());
    let mut session = Session::start(only(pair.pid()), None);
    pair.run("say a one");
    pair.run("become");
    // Neither end was closed, and both are gone.
    for _ in 0..2 {
        session.until(|capture| matches!(capture, Capture::Close { .. }));
    }
    pair.run("say a two");
    let (captures, totals) = session.stop();
    pair.end();
    let streams = streams(&captures);
    assert_eq!((said(&streams, "one").len(), said(&streams, "two").len()), (2, 2));
    assert_eq!(totals.captured_bytes, 4 * 3);
}

#[test]
fn what_ends_in_a_flood_is_told_once() {
    let Some(_alone) = root() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (mut flood, mut parent) = (pair(folder.path()), pair(folder.path()));
    let both = Filters { pids: vec![flood.pid(), parent.pid()], ..Filters::default() };
    let session = Session::start(both, Some(4096));
    // Records that open, close and exit find no room either.
    let done = AtomicBool::new(false);
    let floods = std::thread::scope(|scope| {
        let floods = scope.spawn(|| {
            let mut floods = 0;
            while !done.load(Ordering::Relaxed) {
                flood.run("move a 50 5000");
                floods += 1;
            }
            floods
        });
        for _ in 0..20 {
            parent.run("exec move a 1000 3");
        }
        done.store(true, Ordering::Relaxed);
        floods.join().unwrap()
    });
    // Counters are read every two seconds.
    std::thread::sleep(Duration::from_millis(2500));
    let (captures, totals) = session.stop();
    flood.end();
    parent.end();
    assert!(totals.lost_bytes > 0);
    let moved = 2 * (floods * 50 * 5000 + 20 * 3000);
    assert_eq!(totals.captured_bytes + totals.lost_bytes, moved);
    let mut lengths: Vec<u64> =
        streams(&captures).values().map(|s| s.bytes.len() as u64 + s.lost).collect();
    lengths.sort_unstable();
    assert_eq!(lengths[..40], [3000; 40]);
    assert_eq!(lengths[40..], [floods * 50 * 5000; 2]);
}

#[test]
fn filters_apply_in_the_kernel() {
    let Some(_alone) = root() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (mut one, mut other) = (pair(folder.path()), pair(folder.path()));
    let session = Session::start(only(one.pid()), None);
    one.run("say a mine");
    other.run("say a theirs");
    one.run("fork say b child");
    one.run("exec say c grandchild");
    let (captures, _) = session.stop();
    let streams = streams(&captures);
    assert_eq!(said(&streams, "mine").len(), 2);
    assert_eq!(said(&streams, "theirs").len(), 0);
    assert_eq!(said(&streams, "child").len(), 2);
    assert_eq!(said(&streams, "grandchild").len(), 2);
    assert!(said(&streams, "child").iter().all(|s| s.pid != one.pid()));

    let uid = Filters { uids: vec![12345], pids: vec![one.pid()], ..Filters::default() };
    let session = Session::start(uid, None);
    one.run("say d nobody");
    assert_eq!(session.stop().1, Totals::default());

    let named =
        Filters { comms: vec!["python3".to_owned()], pids: vec![one.pid()], ..Filters::default() };
    let session = Session::start(named, None);
    one.run("say e named");
    assert_eq!(said(&crate::session::streams(&session.stop().0), "named").len(), 2);
    one.end();
    other.end();
}

#[test]
fn ignored_connections_are_counted() {
    let Some(_alone) = root() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut pair = pair(folder.path());
    let mut session = Session::start(only(pair.pid()), None);
    pair.run("say a hello");
    let mut conns = Vec::new();
    while conns.len() < 2 {
        if let Capture::Open(open) = session.until(|c| matches!(c, Capture::Open(_))) {
            conns.push(open.conn);
        }
    }
    for conn in conns {
        session.control.ignore(conn);
    }
    std::thread::sleep(Duration::from_millis(3000));
    pair.run("move a 100000 3");
    pair.run("say b other");
    let (captures, totals) = session.stop();
    pair.end();
    assert_eq!(totals, Totals { captured_bytes: 20, lost_bytes: 0, ignored_bytes: 600_000 });
    let ignored: u64 = captures
        .iter()
        .map(|c| if let Capture::Close { ignored, .. } = c { *ignored } else { 0 })
        .sum();
    assert_eq!(ignored, 600_000);
    streams(&captures);
}

#[test]
fn both_ends_of_a_socket_are_known() {
    let Some(_alone) = root() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut pair = pair(folder.path());
    let session = Session::start(only(pair.pid()), None);
    pair.run("tcp hello");
    let (captures, _) = session.stop();
    pair.end();
    let mut ends: HashMap<ConnId, (Option<SocketAddr>, Option<SocketAddr>)> = HashMap::new();
    for capture in &captures {
        let (conn, endpoint) = match capture {
            Capture::Open(open) => (open.conn, &open.endpoint),
            Capture::Endpoint { conn, endpoint } => (*conn, endpoint),
            _ => continue,
        };
        let known = ends.entry(conn).or_default();
        known.0 = endpoint.local.or(known.0);
        known.1 = endpoint.peer.or(known.1);
    }
    let ends: Vec<_> = ends.into_values().collect();
    assert_eq!(ends.len(), 2, "{captures:?}");
    assert!(ends[0].0.is_some() && ends[0].1.is_some(), "{ends:?}");
    assert_eq!(ends[0], (ends[1].1, ends[1].0));
    let streams = streams(&captures);
    assert_eq!(said(&streams, "hello").len(), 2);
    assert_eq!(said(&streams, "HELLO").len(), 2);
}

#[test]
fn an_exit_closes_what_is_open() {
    let Some(_alone) = root() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut pair = pair(folder.path());
    let pid = pair.pid();
    let mut session = Session::start(only(pid), None);
    pair.run("say a hello");
    pair.child.kill().unwrap();
    pair.child.wait().unwrap();
    session.until(|c| matches!(c, Capture::Exit { pid: p, .. } if *p == pid));
    let closed = session.seen.iter().filter(|c| matches!(c, Capture::Close { .. }));
    assert_eq!(closed.count(), 2, "before the exit");
    session.stop();
}

#[test]
fn nothing_is_left_behind() {
    let Some(_alone) = root() else { return };
    // The kernel's ids of the programs this process holds.
    let held = || {
        let infos = std::fs::read_dir("/proc/self/fdinfo").unwrap().flatten();
        let texts = infos.filter_map(|info| std::fs::read_to_string(info.path()).ok());
        let id = |text: String| {
            let id = text.lines().find_map(|line| line.strip_prefix("prog_id:"))?;
            id.trim().parse::<u32>().ok()
        };
        texts.filter_map(id).collect::<HashSet<_>>()
    };
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let before = descriptors();
    let mut ids = HashSet::new();
    for _ in 0..3 {
        let session = Session::start(Filters { uids: vec![12345], ..Filters::default() }, None);
        ids.extend(held());
        session.stop();
    }
    assert!(ids.len() > 10, "{}", ids.len());
    // Probes go one by one, each after a grace period.
    let deadline = Instant::now() + Duration::from_secs(120);
    let left = || {
        let loaded = aya::programs::loaded_programs().flatten();
        loaded.map(|program| program.id()).filter(|id| ids.contains(id)).count()
    };
    while left() > 0 || descriptors() > before {
        assert!(Instant::now() < deadline, "{} programs are left", left());
        std::thread::sleep(Duration::from_millis(50));
    }
}
