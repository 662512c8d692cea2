//! Chores of the repository: `cargo xtask bpf build`, `cargo xtask bpf verify`,
//! `cargo xtask bpf toolchain`.

mod bpf;

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

fn main() -> anyhow::Result<()> {
    bpf::stand_in()?;
    match Cli::parse().chore {
        Chore::Bpf(Bpf::Build) => bpf::build(),
        Chore::Bpf(Bpf::Verify) => bpf::verify(),
        Chore::Bpf(Bpf::Toolchain) => bpf::toolchain(),
    }
}
