//! What capture costs the observed program, for each stack: nanoseconds of processor
//! time for a call that moves so many bytes.
//!
//! `sudo cargo bench -p llmtop-probe --bench overhead [-- STACK ...]` has programs that
//! move messages to themselves do so with no probe, with empty programs at the places
//! that llmtop probes, and with llmtop capturing, in turns. It prints what the last two
//! add, and the ratio of these: what llmtop adds to the price of being there at all.
//! Programs that do nothing but find the bytes and copy them have their turn, too, and
//! their ratio: less is not to be had.
//! Exits with 1 where llmtop adds more than as much again at 64 B or 1 KB.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench")]

mod alone;
mod harness;
mod inside;
mod known;
#[path = "../measured/mod.rs"]
mod measured;
mod object;
mod without;

use std::time::Duration;

use alone::alone;
use harness::{Mover, Stack, eventually};
use inside::{Inside, Spent};
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
    Case { name: "nss", mover: Stack::Nss, tls: Tls::Nss },
    Case { name: "rustls", mover: Stack::Rustls, tls: Tls::Rustls },
    Case { name: "go", mover: Stack::Go(2), tls: Tls::Go },
    Case { name: "plain", mover: Stack::Plain, tls: Tls::None },
];

/// Bytes of a message, and calls.
const SIZES: [(usize, u64); 3] = [(64, 60_000), (1024, 60_000), (16_384, 20_000)];
/// Each is measured so often, in turn, and the least counts: of processor time, other work
/// on the machine takes nothing away.
const ROUNDS: usize = 7;
/// The same where it is looked inside.
const ROUNDS_INSIDE: usize = 3;

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
    let (options, asked): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with('-'));
    let asked = |case: &&Case| asked.is_empty() || asked.iter().any(|name| name == case.name);
    let cases = CASES.iter().filter(asked);
    if options.iter().any(|option| option == "--inside") {
        println!("ns a call (least), inside programs    bytes    empty  copying   llmtop");
        return cases.for_each(Case::look_inside);
    }
    println!(
        "ns a call (least)    bytes  no probe    +empty  +copying   +llmtop  copying : empty  llmtop : empty"
    );
    let mut too_much = false;
    for case in cases {
        too_much |= case.measure();
    }
    if too_much {
        println!("more than as much again as empty programs add");
        std::process::exit(1);
    }
}

/// What a call took.
struct Figures {
    /// The processor time of all.
    outside: u64,
    /// The time inside of programs, where that was watched.
    inside: u64,
}

impl Case {
    /// Where the library is in the program.
    fn known(&self) -> Known {
        if self.tls == Tls::None {
            return Known(Vec::new());
        }
        let mover = Mover::start(self.mover, 1, 1);
        eventually(self.name, || Known::of(mover.pid(), self.tls))
    }

    /// Prints what each size costs. `true`: too much.
    fn measure(&self) -> bool {
        let known = self.known();
        let mut too_much = false;
        for (size, calls) in SIZES {
            let mut least = [u64::MAX; WAYS.len()];
            for _ in 0..ROUNDS {
                for (way, least) in WAYS.into_iter().zip(&mut least) {
                    let figures = alone(|| self.round(way, &known, size, calls, None));
                    *least = figures.outside.min(*least);
                }
            }
            let [bare, empty, copying, llmtop] = least.map(|figure| figure as i64);
            let [empty, copying, llmtop] = [empty, copying, llmtop].map(|way| way - bare);
            let ratio = |added: i64| added as f64 / empty.max(1) as f64;
            println!(
                "{:<20}{size:>6}{bare:>10}{empty:>10}{copying:>10}{llmtop:>10}{:>17.2}{:>16.2}",
                self.name,
                ratio(copying),
                ratio(llmtop),
            );
            too_much |= size <= 1024 && ratio(llmtop) > 2.0;
        }
        too_much
    }

    /// Prints what programs take of it, and of llmtop's which.
    fn look_inside(&self) {
        let known = self.known();
        for (size, calls) in SIZES {
            let mut least = [u64::MAX; WAYS.len()];
            let mut spent = Vec::new();
            for _ in 0..ROUNDS_INSIDE {
                for (way, least) in WAYS.into_iter().zip(&mut least).skip(1) {
                    let watched = Some((Inside::watch(), &mut spent));
                    let figures = self.round(way, &known, size, calls, watched);
                    *least = figures.inside.min(*least);
                }
            }
            let [_, empty, copying, llmtop] = least;
            println!("{:<36}{size:>6}{empty:>9}{copying:>9}{llmtop:>9}", self.name);
            for (name, runs, time) in spent {
                println!("    {name:<18}{runs:>8.2} runs a call, ns a run{time:>8.0}");
            }
        }
    }

    /// What a call takes.
    fn round(
        &self,
        way: Way,
        known: &Known,
        size: usize,
        calls: u64,
        watched: Option<(Inside, &mut Vec<Spent>)>,
    ) -> Figures {
        let mover = Mover::start(self.mover, calls, size);
        let pids = vec![mover.pid()];
        let (mut without, mut live) = (None, None);
        match way {
            Way::NoProbe => {}
            Way::Empty => without = Some(Without::anything(&known.0)),
            Way::Copying => without = Some(Without::all_but_the_copy(&known.0, &pids)),
            Way::Llmtop => live = Some(capture(pids, Box::new(known.clone()))),
        }
        // It loads what it needs, and waits.
        std::thread::sleep(Duration::from_millis(500));
        let before = watched.as_ref().map(|(inside, _)| inside.spent());
        let moved = mover.run();
        let per_call = |time: f64| time / moved.calls as f64;
        let mut inside = 0.0;
        if let Some((watched, spent)) = watched {
            spent.clear();
            let before = before.unwrap();
            for (name, (runs, time)) in watched.spent() {
                let was = before.get(&name).copied().unwrap_or_default();
                let (runs, time) = ((runs - was.0) as f64, (time - was.1) as f64);
                inside += per_call(time);
                if runs > 0.01 * moved.calls as f64 {
                    spent.push((name, per_call(runs), time / runs));
                }
            }
        }
        drop(without);
        if let Some(live) = live {
            let captured = live.stop().captured_bytes;
            assert!(captured >= size as u64 * calls, "{}: not all was captured", self.name);
        }
        Figures { outside: per_call(moved.seconds * 1e9) as u64, inside: inside as u64 }
    }
}
