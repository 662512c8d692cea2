//! Stands between cargo and rustc while the kernel programs are compiled.
//!
//! Cargo derives each crate's `-C metadata` from the absolute path of its
//! source, where that lies outside the workspace: `probe-common`, and the
//! library that `build-std` compiles. It ends up in the name of every symbol,
//! and so in the object's bytes. Here it is derived from what the crate is
//! instead, so that every folder gives the same bytes.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// Set for a process that stands in for rustc.
const STAND_IN: &str = "LLMTOP_XTASK_RUSTC";

/// Has cargo call this program in place of rustc.
pub(super) fn wrap(cargo: &mut Command) -> Result<()> {
    let this = std::env::current_exe().context("this program's own path")?;
    cargo.env("RUSTC_WRAPPER", this).env(STAND_IN, "1");
    Ok(())
}

/// Becomes rustc, where cargo called for it: then it returns only to say why
/// that failed.
pub(crate) fn stand_in() -> Result<()> {
    if std::env::var_os(STAND_IN).is_none() {
        return Ok(());
    }
    let mut args = std::env::args_os().skip(1);
    let rustc = args.next().context("cargo names the compiler first")?;
    let args: Vec<OsString> = args.collect();
    let identity = identity(&args);
    let args = args.into_iter().map(|arg| match arg.to_str() {
        Some(text) if text.starts_with("metadata=") => format!("metadata={identity}").into(),
        _ => arg,
    });
    Err(Command::new(&rustc).args(args).exec()).with_context(|| format!("{}", rustc.display()))
}

/// What tells a crate of one build from the others.
fn identity(args: &[OsString]) -> String {
    let of = |variable: &str| std::env::var(variable).unwrap_or_default();
    let after = |flag: &str| {
        let mut args = args.iter().skip_while(|arg| *arg != flag);
        args.nth(1).map(|value| value.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let facts = [
        of("CARGO_PKG_NAME"),
        of("CARGO_PKG_VERSION"),
        after("--crate-name"),
        after("--crate-type"),
        after("--target"),
    ];
    Sha256::digest(facts.join("\0")).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
