//! Whether anything is taken for a TLS library that is none.
//!
//! `cargo run --release -p llmtop-probe --example attach_audit -- /usr /opt` looks at
//! every ELF file below the folders as discovery would, and lists those in which places
//! are claimed, each with what speaks for it: what another reader of the file finds in
//! its symbols, texts and code. Exits with 1 where a claim has nothing that speaks for
//! it, or something that speaks against it. `--all` also lists what is not covered.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a chore")]

mod evidence;

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use llmtop_probe::elf::Elf;
use llmtop_probe::stack::{self, Contents};

/// Of all files.
#[derive(Debug, Default)]
struct Sums {
    programs: usize,
    bytes: u64,
    /// By which TLS and how it was told.
    claims: BTreeMap<String, usize>,
    uncovered: usize,
    doubtful: usize,
    /// The longest that one file took, in seconds.
    longest: (f64, PathBuf),
}

fn main() {
    let (options, folders): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    assert!(options.iter().all(|option| option == "--all"), "no such option: {options:?}");
    if folders.is_empty() {
        println!("which folders?");
        std::process::exit(2);
    }
    let started = Instant::now();
    let files = files(&folders);
    let sums = Mutex::new(Sums::default());
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    look(path, !options.is_empty(), &sums);
                }
            });
        }
    });
    let sums = sums.into_inner().unwrap();
    println!(
        "{} files, {} of them programs and libraries of this machine ({} MB), in {:.0} s",
        files.len(),
        sums.programs,
        sums.bytes / 1_000_000,
        started.elapsed().as_secs_f64()
    );
    println!("the longest took {:.2} s: {}", sums.longest.0, sums.longest.1.display());
    for (claim, count) in &sums.claims {
        println!("{count:6}  {claim}");
    }
    println!("{:6}  not covered, with a reason", sums.uncovered);
    println!("{:6}  claims in doubt", sums.doubtful);
    std::process::exit(i32::from(sums.doubtful > 0));
}

/// Every regular file below the folders, once; no link is followed.
fn files(folders: &[String]) -> Vec<PathBuf> {
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    let mut left: Vec<PathBuf> = folders.iter().map(PathBuf::from).collect();
    while let Some(path) = left.pop() {
        let Ok(facts) = path.symlink_metadata() else { continue };
        if facts.is_dir() {
            let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
            left.extend(entries.map(|entry| entry.path()));
        } else if facts.is_file() && seen.insert((facts.dev(), facts.ino())) {
            found.push(path);
        }
    }
    found.sort_unstable();
    found
}

/// What discovery would make of the file, and whether that is right.
fn look(path: &Path, all: bool, sums: &Mutex<Sums>) {
    let started = Instant::now();
    let Some(elf) = File::open(path).ok().and_then(|file| Elf::open(file).ok()) else { return };
    let contents = contents(&elf, path);
    let took = started.elapsed().as_secs_f64();
    let mut lines = Vec::new();
    let mut doubtful = 0;
    if !contents.found.is_empty() {
        let file = std::fs::read(path).unwrap_or_default();
        for found in &contents.found {
            let judged = evidence::judge(&elf, &file, found);
            doubtful += usize::from(judged.is_doubtful());
            lines.push(format!("{}: {judged}", path.display()));
        }
    }
    if all {
        lines.extend(contents.uncovered.iter().map(|why| format!("{}: {why}", path.display())));
    }
    let mut sums = sums.lock().unwrap();
    sums.programs += 1;
    sums.bytes += elf.size();
    sums.uncovered += contents.uncovered.len();
    sums.doubtful += doubtful;
    for found in &contents.found {
        *sums.claims.entry(format!("{:?} by {:?}", found.tls, found.method)).or_default() += 1;
    }
    if took > sums.longest.0 {
        sums.longest = (took, path.to_owned());
    }
    for line in lines {
        println!("{line}");
    }
}

fn contents(elf: &Elf, path: &Path) -> Contents {
    let neighbour = |name: &str| File::open(path.parent()?.join(name)).ok();
    let quick = stack::examine(elf, &neighbour);
    if quick.is_empty() && stack::is_worth_a_scan(elf) {
        stack::scan(elf, &mut Vec::new())
    } else {
        quick
    }
}
