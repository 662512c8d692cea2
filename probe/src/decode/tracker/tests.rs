use super::*;
use crate::decode::fixture::{HEADER, Nobody, chunk, close, words};

fn check(records: &[Record<'_>], expected: &[&str]) {
    let (mut tracker, mut out) = (Tracker::new(0), Vec::new());
    for record in records {
        tracker.record(*record, &mut Nobody, &mut out);
    }
    assert_eq!(words(&out), expected);
}

#[test]
fn a_lost_opening_leaves_what_is_under_it_known() {
    for (flag, tls, stdio) in [
        (abi::flags::PLAIN, Tls::None, false),
        (abi::flags::STDIO, Tls::None, true),
        (0, Tls::Openssl, false),
    ] {
        let (mut tracker, mut out) = (Tracker::new(0), Vec::new());
        let header = abi::Header { flags: flag, ..HEADER };
        let chunk = abi::Chunk { header, conn: 90, ..Default::default() };
        tracker.record(Record::Chunk(chunk, b"{}"), &mut Nobody, &mut out);
        let Some(Capture::Open(open)) = out.get(1) else { panic!("{out:?}") };
        assert_eq!((open.tls, open.stdio), (tls, stdio));
    }
}

#[test]
fn records_become_captures() {
    check(&[], &[]);
    check(
        &[chunk(90, 0, 0), chunk(90, 15, 5), chunk(91, 0, 0)],
        &["process 7", "open 1", "chunk 1+0", "gap 1-5", "chunk 1+15", "open 2", "chunk 2+0"],
    );
    // A loss at the end is told by the last counters.
    check(
        &[chunk(90, 0, 0), close(90, 12)],
        &["process 7", "open 1", "chunk 1+0", "gap 1-2", "close 1"],
    );
    // All was lost, the opening record, too.
    check(&[close(90, 12)], &["process 7", "open 1", "gap 1-12", "close 1"]);
    // Nothing moved: nobody hears of it.
    check(&[Record::Open(abi::Open { header: HEADER, conn: 90, ..Default::default() })], &[]);
    check(&[close(90, 0)], &[]);
}

#[test]
fn standard_input_and_output_are_told_from_sockets() {
    for (tls, stdio) in [(abi::tls::NONE, false), (abi::tls::STDIO, true)] {
        let (mut tracker, mut out) = (Tracker::new(0), Vec::new());
        let open = abi::Open { header: HEADER, conn: 90, tls, ..Default::default() };
        tracker.record(Record::Open(open), &mut Nobody, &mut out);
        tracker.record(chunk(90, 0, 0), &mut Nobody, &mut out);
        let [Capture::Process(_), Capture::Open(open), Capture::Chunk(_)] = &out[..] else {
            panic!("{out:?}")
        };
        assert_eq!((open.tls, open.stdio), (Tls::None, stdio));
    }
}

#[test]
fn counters_of_the_ended_are_out_of_date() {
    let (mut tracker, mut out) = (Tracker::new(0), Vec::new());
    tracker.record(chunk(90, 0, 0), &mut Nobody, &mut out);
    let last = Final { conn: 90, pid: 7, moved: [10, 0], ignored: [0; 2] };
    tracker.counters_are_read();
    tracker.record(close(90, 10), &mut Nobody, &mut out);
    out.clear();
    tracker.settle(&last, 9, &mut Nobody, &mut out);
    tracker.close(&last, 9, &mut Nobody, &mut out);
    assert_eq!(out, []);
}

#[test]
fn an_exit_ends_what_the_process_had() {
    let (mut tracker, mut out) = (Tracker::new(100), Vec::new());
    tracker.record(chunk(90, 0, 0), &mut Nobody, &mut out);
    assert!(tracker.has_conns(7) && !tracker.has_conns(8));
    tracker.exit(7, 9, &mut Nobody, &mut out);
    assert_eq!(words(&out)[3..], ["close 1", "exit 7"]);
    assert_eq!(out[4], Capture::Exit { pid: 7, time: Timestamp(109) });
    assert!(!tracker.has_conns(7));
}

#[test]
fn what_is_read_while_another_thread_writes_waits_for_the_write() {
    let part = |flags, offset, time| {
        let header = abi::Header { flags, time, ..HEADER };
        Record::Chunk(abi::Chunk { header, conn: 90, offset, lost: 0 }, b"0123456789")
    };
    let sent = |offset, flags| part(flags, offset, 5);
    let received = |offset, time, flags| part(abi::flags::RECEIVED | flags, offset, time);
    let (meanwhile, more) = (abi::flags::WHILE_WRITING, abi::flags::MORE);
    // What came of each step.
    let steps = |given: &[(Record<'_>, &[&str])], end: u64| {
        let (mut tracker, mut out) = (Tracker::new(0), Vec::new());
        tracker.record(sent(0, 0), &mut Nobody, &mut out);
        for (record, expected) in given {
            out.clear();
            tracker.record(*record, &mut Nobody, &mut out);
            let came: Vec<_> = out
                .iter()
                .map(|capture| match capture {
                    Capture::Chunk(c) => format!("{:?} {}", c.direction, c.offset),
                    Capture::Gap(gap) => format!("{:?} lost {}", gap.direction, gap.lost),
                    other => format!("{other:?}"),
                })
                .collect();
            assert_eq!(came, *expected);
        }
        out.clear();
        tracker.late(end, &mut Nobody, &mut out);
        (tracker.is_holding(), words(&out))
    };
    // The write's last chunk lets go what waited, in order.
    let none: Vec<String> = Vec::new();
    let left = steps(
        &[
            (received(0, 6, meanwhile), &[]),
            (received(10, 7, 0), &[]),
            (sent(10, more), &["Sent 10"]),
            (sent(20, 0), &["Sent 20", "Received 0", "Received 10"]),
            (received(20, 9, 0), &["Received 20"]),
        ],
        u64::MAX,
    );
    assert_eq!(left, (false, none.clone()));
    // One that does not end is not waited for for long, nor again.
    let waiting = [(received(0, 6, meanwhile), &[][..])];
    assert_eq!(steps(&waiting, 100), (true, none.clone()));
    assert_eq!(steps(&waiting, u64::MAX), (false, vec!["chunk 1+0".to_owned()]));
    let second = 1_000_000_000;
    let left = steps(
        &[
            (received(0, 6, meanwhile), &[]),
            (received(10, second, meanwhile), &["Received 0", "Received 10"]),
            (received(20, second, meanwhile), &["Received 20"]),
            (sent(10, 0), &["Sent 10"]),
            (received(30, second, meanwhile), &[]),
            (
                close(90, 20),
                &["Received 30", "Close { conn: ConnId(1), time: Timestamp(5), ignored: 0 }"],
            ),
        ],
        u64::MAX,
    );
    assert_eq!(left, (false, none));
}

#[test]
fn command_lines_join_their_programs() {
    struct Seen(Vec<Process>);
    impl Facts for Seen {
        fn executed(&mut self, seen: Process) -> Process {
            self.0.push(seen.clone());
            seen
        }
        fn process(&mut self, seen: Process) -> Process {
            seen
        }
        fn exited(&mut self, _: u32) {}
        fn endpoint(&mut self, _: u32, _: i32) -> Endpoint {
            Endpoint::default()
        }
        fn attached(&self, _: u32) -> Option<u64> {
            Some(0)
        }
    }
    let (mut tracker, mut facts, mut out) = (Tracker::new(0), Seen(Vec::new()), Vec::new());
    tracker.record(Record::Args(HEADER, b"curl\0-s\0\0http"), &mut facts, &mut out);
    let mut exec = abi::Exec { header: HEADER, parent: 3, ..Default::default() };
    exec.comm[..4].copy_from_slice(b"curl");
    tracker.record(Record::Exec(exec, b"/usr/bin/curl"), &mut facts, &mut out);
    let seen = &facts.0[0];
    assert_eq!(seen.args, ["curl", "-s", "", "http"]);
    assert_eq!((seen.comm.as_str(), seen.parent), ("curl", Some(3)));
    assert_eq!(seen.exe.as_deref(), Some("/usr/bin/curl"));
}

#[test]
fn an_address_is_no_server_s_name() {
    let (mut tracker, mut out) = (Tracker::new(0), Vec::new());
    tracker.record(chunk(90, 0, 0), &mut Nobody, &mut out);
    out.clear();
    for name in ["127.0.0.1", "::1", "localhost"] {
        let named = abi::ServerName { header: HEADER, conn: 90 };
        tracker.record(Record::ServerName(named, name.as_bytes()), &mut Nobody, &mut out);
    }
    let [Capture::Endpoint { endpoint, .. }] = &out[..] else { panic!("{out:?}") };
    assert_eq!(endpoint.server_name.as_deref(), Some("localhost"));
}
