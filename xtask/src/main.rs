//! Chores of the repository: `cargo xtask bpf build`, `cargo xtask fuzz smoke`;
//! `cargo xtask help` lists them.

mod bpf;
mod fuzz;
mod kernels;

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Chores of the repository")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// The kernel programs and their committed objects
    #[command(subcommand)]
    Bpf(Bpf),
    /// Fuzzing of the parsers
    #[command(subcommand)]
    Fuzz(Fuzz),
    /// Boot Debian's kernels in qemu, and capture there with clients of every kind
    Kernels {
        /// Series of Linux that Debian 12 has
        #[arg(default_values = ["6.1", "6.12"])]
        series: Vec<String>,
        /// By hardware, where this machine can
        #[arg(long)]
        kvm: bool,
    },
}

#[derive(Subcommand)]
enum Bpf {
    /// Compile the kernel programs into probe/bpf and write the manifest
    Build,
    /// Compile them elsewhere and compare with what is committed
    Verify,
    /// Get what compiling them needs and is missing (Debian packages and cargo)
    Toolchain,
}

#[derive(Subcommand)]
enum Fuzz {
    /// Make what the fuzzer begins with, of tests/corpus
    Seed,
    /// A short run of every target: the same inputs every time
    Smoke,
    /// A long run of these targets, one after the other; of all if none is named
    Run {
        /// Names of files in fuzz/fuzz_targets
        targets: Vec<String>,
        /// Of each target
        #[arg(long, default_value_t = 600)]
        seconds: u32,
    },
}

fn main() -> anyhow::Result<()> {
    bpf::stand_in()?;
    match Cli::parse().chore {
        Chore::Bpf(Bpf::Build) => bpf::build(),
        Chore::Bpf(Bpf::Verify) => bpf::verify(),
        Chore::Bpf(Bpf::Toolchain) => bpf::toolchain(),
        Chore::Fuzz(Fuzz::Seed) => fuzz::seed(),
        Chore::Fuzz(Fuzz::Smoke) => fuzz::smoke(),
        Chore::Kernels { series, kvm } => kernels::check(&series, kvm),
        Chore::Fuzz(Fuzz::Run { targets, seconds }) => fuzz::run(&targets, seconds),
    }
}

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_owned)
}
