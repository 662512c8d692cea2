//! What looking through a whole program costs, which is done once for each: processor
//! time, and how much that is for 300 MB.
//!
//! `cargo bench -p llmtop-probe --bench scan -- FILE ...`
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench")]

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use llmtop_probe::elf::Elf;
use llmtop_probe::stack;
use rustix::time::{ClockId, clock_gettime};

const ROUNDS: usize = 3;
const LARGE: f64 = 300.0;

fn main() {
    println!("{:>9}{:>11}{:>14}  file, and what it holds", "MB", "ms (least)", "ms a 300 MB");
    for path in std::env::args().skip(1).filter(|argument| !argument.starts_with('-')) {
        look(path.as_ref());
    }
}

fn look(path: &Path) {
    let mut least = Duration::MAX;
    let mut found = Vec::new();
    for _ in 0..ROUNDS {
        let elf = Elf::open(File::open(path).unwrap()).unwrap();
        let before = used();
        let mut contents = stack::scan(&elf, &mut Vec::new());
        least = least.min(used() - before);
        found = contents.found.drain(..).map(|found| found.tls).collect();
    }
    let (ms, mb) = (1e3 * least.as_secs_f64(), std::fs::metadata(path).unwrap().len() as f64 / 1e6);
    println!("{mb:>9.1}{ms:>11.1}{:>14.1}  {} {found:?}", ms / mb * LARGE, path.display());
}

/// The processor time of this thread, which does the work.
fn used() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
