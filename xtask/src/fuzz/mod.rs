//! Fuzzing of the parsers: seeds, a short run for CI, long runs.
//!
//! The targets in `fuzz/` are cargo-fuzz's and run under it. Here they are
//! compiled without a sanitizer, which stable Rust can; docs/testing.md says
//! how it looks from outside.

mod compile;
mod seeds;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::root;

/// Inputs of a short run: enough to find what is plainly wrong.
const SMOKE: &str = "-runs=1000";

/// Makes the seeds.
pub(crate) fn seed() -> Result<()> {
    let root = root();
    let count = seeds::write(&root)?;
    println!("{count} seeds in {}", corpus(&root).display());
    Ok(())
}

/// A short run that is the same every time.
pub(crate) fn smoke() -> Result<()> {
    seed()?;
    let root = root();
    let built = compile::compile(&root)?;
    for target in targets(&root)? {
        let found = root.join("fuzz/target/found").join(&target);
        if found.exists() {
            std::fs::remove_dir_all(&found)?;
        }
        fuzz(&root, &built, &target, &found, &[SMOKE, "-seed=1", "-print_final_stats=1"])?;
    }
    Ok(())
}

/// A long run, which keeps what it finds of use in `fuzz/corpus`.
pub(crate) fn run(chosen: &[String], seconds: u32) -> Result<()> {
    let root = root();
    let all = targets(&root)?;
    for name in chosen {
        ensure!(all.contains(name), "{name} is none of {}", all.join(", "));
    }
    seed()?;
    let built = compile::compile(&root)?;
    let time = format!("-max_total_time={seconds}");
    for target in if chosen.is_empty() { &all } else { chosen } {
        let corpus = corpus(&root).join(target);
        fuzz(&root, &built, target, &corpus, &[&time, "-print_final_stats=1"])?;
    }
    Ok(())
}

/// Runs a target, whose new inputs go to `found`.
fn fuzz(root: &Path, built: &Path, target: &str, found: &Path, options: &[&str]) -> Result<()> {
    println!("{target}");
    let artifacts = root.join("fuzz/artifacts").join(target);
    std::fs::create_dir_all(&artifacts)?;
    std::fs::create_dir_all(found)?;
    // A target that no capture is a seed of begins with nothing.
    let seeds = corpus(root).join(target);
    std::fs::create_dir_all(&seeds)?;
    let mut command = Command::new(built.join(target));
    command.args(["-max_len=4096", "-timeout=60", "-rss_limit_mb=2048", "-verbosity=0"]);
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));
    let status = command
        .args(options)
        .arg(found)
        .arg(seeds)
        .status()
        .with_context(|| format!("{command:?}"))?;
    ensure!(
        status.success(),
        "{target}: {status}; the input is in {}, and `{} INPUT` repeats it",
        artifacts.display(),
        built.join(target).display()
    );
    Ok(())
}

/// The names of all targets.
fn targets(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for file in std::fs::read_dir(root.join("fuzz/fuzz_targets"))? {
        let path = file?.path();
        names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

fn corpus(root: &Path) -> PathBuf {
    root.join("fuzz/corpus")
}
