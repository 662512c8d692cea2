//! Coming and going: nothing stays in the kernel, the terminal or the way of
//! the clients, however llmtop ends.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::process::Signal;

use crate::harness::{Llmtop, Load, Round, Server, eventually, kernel};

const ROUND: Round = Round { marker: "r", calls: 4, options: "bytes=400000", padding: 0 };

/// The objects of a running llmtop: programs, and more than none.
fn held(llmtop: &Llmtop) -> BTreeSet<kernel::Object> {
    let held = kernel::held_by(llmtop.pid());
    let programs = held.iter().filter(|(kind, _)| *kind == kernel::Kind::Program).count();
    assert!(programs > 0, "llmtop holds no BPF program: {held:?}");
    held
}

/// The kernel frees what was held a little after its holder is gone.
fn gone(held: &BTreeSet<kernel::Object>) {
    eventually("the end of llmtop's BPF objects", || {
        (!held.iter().any(|object| kernel::exists(*object))).then_some(())
    });
}

/// The entries that llmtop may leave in the kernel's file systems.
fn left_behind() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir("/sys/fs/bpf").into_iter().flatten().flatten() {
        found.insert(format!("{:?}", entry.path()));
    }
    for file in ["/sys/kernel/tracing/uprobe_events", "/sys/kernel/tracing/kprobe_events"] {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        found.extend(text.lines().map(str::to_owned));
    }
    found
}

#[test]
fn a_killed_llmtop_leaves_nothing_and_its_clients_go_on() {
    let before = left_behind();
    let server = Server::start();
    let mut load = Load::start(&server.https(), 6);
    let llmtop = Llmtop::json(&[load.pid()], &[]);
    load.begin(Round { calls: 60, ..ROUND });
    for _ in 0..12 {
        load.next().expect("a call before llmtop is killed");
    }
    let held = held(&llmtop);
    assert!(held.iter().all(|object| kernel::exists(*object)));
    llmtop.kill();
    gone(&held);
    assert_eq!(load.rest().len(), 60 * 6 - 12, "every call comes to its end");
    assert_eq!(load.round(ROUND).len(), 4 * 6);
    load.finish();
    assert_eq!(left_behind(), before);
    // And nothing is in the way of the next one.
    let mut load = Load::start(&server.https(), 1);
    let llmtop = Llmtop::json(&[load.pid()], &[]);
    load.round(Round { marker: "next", calls: 3, options: "", padding: 0 });
    load.finish();
    assert_eq!(llmtop.finish_after(3).exchanges.len(), 3);
}

#[test]
fn a_hundred_starts_and_stops_leak_nothing() {
    let before = left_behind();
    let server = Server::start();
    let mut load = Load::start(&server.https(), 1);
    let mut all = BTreeSet::new();
    for number in 0..100 {
        let llmtop = Llmtop::json(&[load.pid()], &[]);
        all.append(&mut held(&llmtop));
        match number % 4 {
            0 => drop(llmtop.kill()),
            1 => {
                llmtop.signal(Signal::INT);
                // As `timeout` does, of which both come.
                std::thread::sleep(Duration::from_millis(5));
                llmtop.signal(Signal::INT);
                llmtop.finished();
            }
            _ => drop(llmtop.finish()),
        }
    }
    gone(&all);
    assert_eq!(left_behind(), before);
    load.round(ROUND);
    load.finish();
}
