//! What llmtop costs on a machine with three hundred processes that it may have to watch,
//! while they do nothing; and how soon it captures.
//!
//! `sudo cargo bench -p llmtop --bench crowd [-- --only-start | --only-idle]` prints
//!
//! - how long `--json` takes to say that all probes are there, without a cache and with
//!   that of an earlier run (aim: under a second), and the processor time of that,
//! - the processor time of the screen while nothing happens, for a minute (aim: under
//!   0.3 % of a core), and how often each of its threads woke.
//!
//! What other processes start meanwhile costs, too: how many there were is said. Run it on
//! a quiet machine.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench")]

mod gathered;
#[allow(dead_code, unused_imports, reason = "shared with the tests, which use all of it")]
#[path = "../../../tests/harness/mod.rs"]
mod harness;
#[path = "../support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use gathered::Crowd;
use harness::{Scratch, Terminal, command};
use rustix::process::{Pid, Signal, kill_process};
use support::{Thread, threads, used};

const STARTS: usize = 7;
const IDLE: Duration = Duration::from_secs(60);

fn main() {
    let asked = |option: &str| std::env::args().any(|argument| argument == option);
    if asked(gathered::MEMBER) {
        return gathered::wait();
    }
    if !rustix::process::geteuid().is_root() {
        println!("crowd: skipped, needs root");
        return;
    }
    let crowd = Crowd::gather();
    println!("{} processes wait, {} run in all", crowd.len(), processes());
    let cache = Scratch::new();
    // This fills the cache.
    let cold = start(cache.path());
    if !asked("--only-idle") {
        let mut warm = [(); STARTS].map(|()| start(cache.path()));
        warm.sort_unstable();
        println!("until it captures, without a cache: {:.2?}, of a core {:.2?}", cold.0, cold.1);
        let (wall, processor) = warm[STARTS / 2];
        println!("with one, median of {STARTS}: {wall:.2?}, of a core {processor:.2?}");
    }
    if !asked("--only-start") {
        idle(cache.path());
    }
}

/// How long it takes until llmtop captures, and the processor time of that.
fn start(cache: &Path) -> (Duration, Duration) {
    let mut llmtop = command();
    llmtop.arg("--json").env("XDG_CACHE_HOME", cache).stdout(Stdio::piped());
    let begun = Instant::now();
    let mut child = llmtop.spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let took = (begun.elapsed(), used(child.id()));
    assert!(first.contains("llmtop.start"), "{first}");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    child.wait().unwrap();
    took
}

fn idle(cache: &Path) {
    let mut llmtop = command();
    llmtop.env("XDG_CACHE_HOME", cache);
    let screen = Terminal::open(&llmtop, 200, 50);
    harness::eventually("the screen", || screen.is_taken().then_some(()));
    // What it draws first, is drawn.
    std::thread::sleep(Duration::from_secs(15));
    let (before, forks_before) = (threads(screen.pid()), forks());
    std::thread::sleep(IDLE);
    let (after, forks_after) = (threads(screen.pid()), forks());
    let mut all = 0.0;
    println!("{:<16}{:>12}{:>14}", "nothing happens", "% of a core", "woke a second");
    for thread in &after {
        let same = |earlier: &&Thread| earlier.tid == thread.tid;
        let earlier = before.iter().find(same).cloned().unwrap_or_default();
        let share = 100.0 * (thread.used - earlier.used).as_secs_f64() / IDLE.as_secs_f64();
        let woke = (thread.woke - earlier.woke) as f64 / IDLE.as_secs_f64();
        println!("{:<16}{share:>12.3}{woke:>14.2}", thread.name);
        all += share;
    }
    println!("{:<16}{all:>12.3}", "in all");
    println!("others started {} processes and threads meanwhile", forks_after - forks_before);
}

/// How many processes run.
fn processes() -> usize {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| name.parse::<u32>().is_ok()).count()
}

/// How many processes and threads were started since the machine was (proc_stat(5)).
fn forks() -> u64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap();
    let line = stat.lines().find_map(|line| line.strip_prefix("processes "));
    line.unwrap().parse().unwrap()
}
