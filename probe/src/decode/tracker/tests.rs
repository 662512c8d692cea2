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
