//! What capture costs the observed program: nanoseconds for one `SSL_write` and
//! the `SSL_read` of the same bytes, between two TLS objects over memory BIOs.
//!
//! `sudo cargo bench -p llmtop-probe` prints the median for no probe, for empty
//! programs at the places llmtop probes, and for llmtop capturing, with a reader
//! that takes everything. Exits with 1 where what llmtop adds at 64 B or 1 KB is
//! more than twice what the empty programs add.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench")]

mod measured;
mod pair;

use aya::programs::UProbe;
use aya::programs::uprobe::{UProbeAttachLocation, UProbeScope};
use llmtop_probe::{Discovery, Function, Target};
use measured::{Work, capture, median};

const SIZES: [usize; 3] = [64, 1024, 16384];
/// Each is measured so often, in turn, and the median counts: other work on the
/// machine comes and goes.
const ROUNDS: usize = 5;

fn main() {
    if std::env::args().any(|arg| arg == "--work") {
        return pair::serve();
    }
    if !rustix::process::geteuid().is_root() {
        println!("ssl_pair: skipped, needs root");
        return;
    }
    let mut work = Work::start();
    let mut figures = [[(); 3]; 3].map(|row| row.map(|()| Vec::new()));
    for _ in 0..ROUNDS {
        measure(&mut work, &mut figures[0]);
        let empty = Empty::attach(&work.said);
        measure(&mut work, &mut figures[1]);
        drop(empty);
        let live = capture(work.child.id());
        measure(&mut work, &mut figures[2]);
        assert!(live.stop().captured_bytes > 0);
    }
    let figures = figures.map(|row| row.map(median));
    println!("{:<24}{:>10}{:>10}{:>10}", "ns a pair (median)", "64 B", "1 KB", "16 KB");
    for (name, row) in ["no probe", "empty programs", "llmtop capturing"].iter().zip(&figures) {
        println!("{name:<24}{:>10}{:>10}{:>10}", row[0], row[1], row[2]);
    }
    let added = |row: usize, size: usize| figures[row][size].saturating_sub(figures[0][size]);
    let ratio = |size: usize| added(2, size) as f64 / added(1, size).max(1) as f64;
    println!(
        "{:<24}{:>10.2}{:>10.2}{:>10.2}",
        "added, llmtop : empty",
        ratio(0),
        ratio(1),
        ratio(2)
    );
    if ratio(0) > 2.0 || ratio(1) > 2.0 {
        println!("more than twice what empty programs add");
        std::process::exit(1);
    }
}

fn measure(work: &mut Work, row: &mut [Vec<u64>; 3]) {
    for (figures, size) in row.iter_mut().zip(SIZES) {
        figures.push(work.median(size));
    }
}

/// Empty programs where llmtop probes.
struct Empty(#[expect(dead_code, reason = "held")] aya::Ebpf);

impl Empty {
    fn attach(library: &str) -> Self {
        let object =
            format!("{}/bpf/llmtop-{}.o", env!("CARGO_MANIFEST_DIR"), std::env::consts::ARCH);
        let mut bpf = aya::Ebpf::load_file(object).unwrap();
        for name in ["empty_entry", "empty_return"] {
            let program: &mut UProbe = bpf.program_mut(name).unwrap().try_into().unwrap();
            program.load().unwrap();
        }
        let target = target(library);
        let transfers = target
            .stacks
            .iter()
            .flat_map(|stack| &stack.sites)
            .filter(|site| matches!(site.function, Function::Write | Function::Read));
        for site in transfers {
            for (name, offset) in [("empty_entry", site.entry), ("empty_return", site.start)] {
                let program: &mut UProbe = bpf.program_mut(name).unwrap().try_into().unwrap();
                let location = UProbeAttachLocation::AbsoluteOffset(offset);
                program.attach(location, &target.path, UProbeScope::AllProcesses).unwrap();
            }
        }
        Self(bpf)
    }
}

fn target(library: &str) -> Target {
    let targets = Discovery::new().initial();
    let wanted = std::fs::canonicalize(library).unwrap();
    targets.into_iter().find(|t| t.path == wanted).expect("discovery knows the library")
}
