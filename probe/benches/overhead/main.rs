//! What capture costs the observed program, for each stack: nanoseconds of processor
//! time for a call that moves so many bytes.
//!
//! `sudo cargo bench -p llmtop-probe --bench overhead [-- STACK ...]` has programs that
//! move messages to themselves do so with no probe, with empty programs at the places
//! that llmtop probes, and with llmtop capturing, in turns. It prints what the last two
//! add, and the ratio of these: what llmtop adds to the price of being there at all.
//! For OpenSSL it has programs do nothing but copy the bytes, too: less is not to be had.
//! Exits with 1 where llmtop adds more than as much again at 64 B or 1 KB.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench")]

mod harness;
mod known;
#[path = "../measured/mod.rs"]
mod measured;
mod without;

use std::time::Duration;

use harness::{Mover, Stack, eventually};
use known::Known;
use llmtop_probe::Tls;
use measured::capture;
use without::Without;

struct Case {
    name: &'static str,
    mover: Stack,
    tls: Tls,
}

const CASES: &[Case] = &[
    Case { name: "openssl", mover: Stack::OpenSsl, tls: Tls::Openssl },
    Case { name: "boringssl", mover: Stack::BoringSsl, tls: Tls::Boringssl },
    Case { name: "gnutls", mover: Stack::GnuTls, tls: Tls::Gnutls },
    Case { name: "rustls", mover: Stack::Rustls, tls: Tls::Rustls },
    Case { name: "go", mover: Stack::Go(2), tls: Tls::Go },
    Case { name: "plain", mover: Stack::Plain, tls: Tls::None },
];

/// Bytes of a message, and calls.
const SIZES: [(usize, u64); 3] = [(64, 60_000), (1024, 60_000), (16_384, 20_000)];
/// Each is measured so often, in turn, and the least counts: of processor time, other work
/// on the machine takes nothing away.
const ROUNDS: usize = 7;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    NoProbe,
    Empty,
    Copying,
    Llmtop,
}

const WAYS: [Way; 4] = [Way::NoProbe, Way::Empty, Way::Copying, Way::Llmtop];

fn main() {
    if !rustix::process::geteuid().is_root() {
        println!("overhead: skipped, needs root");
        return;
    }
    let asked: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let asked = |case: &&Case| asked.is_empty() || asked.iter().any(|name| name == case.name);
    if another_runs() {
        println!("another llmtop runs: its probes are in what is measured");
    }
    println!("ns a call (least)    bytes  no probe    +empty  +copying   +llmtop  llmtop : empty");
    let mut too_much = false;
    for case in CASES.iter().filter(asked) {
        too_much |= case.measure();
    }
    if too_much {
        println!("more than as much again as empty programs add");
        std::process::exit(1);
    }
}

fn another_runs() -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|process| std::fs::read_to_string(process.path().join("comm")).ok())
        .any(|comm| comm == "llmtop\n")
}

impl Case {
    /// Prints what each size costs. `true`: too much.
    fn measure(&self) -> bool {
        let known = match self.tls {
            Tls::None => Known(Vec::new()),
            tls => {
                let mover = Mover::start(self.mover, 1, 1);
                eventually(self.name, || Known::of(mover.pid(), tls))
            }
        };
        let mut figures = [[(); WAYS.len()]; SIZES.len()].map(|row| row.map(|()| Vec::new()));
        for _ in 0..ROUNDS {
            for (way, index) in WAYS.into_iter().zip(0..) {
                if way == Way::Copying && self.tls != Tls::Openssl {
                    continue;
                }
                for (row, figure) in figures.iter_mut().zip(self.round(way, &known)) {
                    row[index].push(figure);
                }
            }
        }
        let mut too_much = false;
        for ((size, _), row) in SIZES.into_iter().zip(figures) {
            let [bare, empty, copying, llmtop] = row.map(|row| row.into_iter().min());
            let added = |figure: Option<u64>| Some(figure? as i64 - bare? as i64);
            let shown = |figure: Option<i64>| figure.map_or(String::new(), |f| f.to_string());
            let ratio = match (added(llmtop), added(empty)) {
                (Some(llmtop), Some(empty)) => llmtop as f64 / empty.max(1) as f64,
                _ => f64::NAN,
            };
            println!(
                "{:<20}{size:>6}{:>10}{:>10}{:>10}{:>10}{ratio:>10.2}",
                self.name,
                bare.unwrap_or(0),
                shown(added(empty)),
                shown(added(copying)),
                shown(added(llmtop)),
            );
            too_much |= size <= 1024 && ratio > 2.0;
        }
        too_much
    }

    /// What a call takes, for each size.
    fn round(&self, way: Way, known: &Known) -> Vec<u64> {
        let movers = SIZES.map(|(size, calls)| Mover::start(self.mover, calls, size));
        let pids = movers.iter().map(Mover::pid).collect();
        let (mut without, mut live) = (None, None);
        match way {
            Way::NoProbe => {}
            Way::Empty => without = Some(Without::anything(&known.0)),
            Way::Copying => without = Some(Without::all_but_the_copy(&known.0)),
            Way::Llmtop => live = Some(capture(pids, Box::new(known.clone()))),
        }
        // They load what they need, and wait.
        std::thread::sleep(Duration::from_millis(500));
        let times = movers.map(|mover| {
            let moved = mover.run();
            (moved.seconds * 1e9 / moved.calls as f64) as u64
        });
        drop(without);
        if let Some(live) = live {
            let least: u64 = SIZES.map(|(size, calls)| size as u64 * calls).iter().sum();
            assert!(live.stop().captured_bytes >= least, "{}: not all was captured", self.name);
        }
        times.into()
    }
}
