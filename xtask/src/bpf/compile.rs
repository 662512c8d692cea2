//! One object: compiled, stripped of everything but code and BTF.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::rustc;
use super::toolchain::Toolchain;

const TARGET: &str = "bpfel-unknown-none";

/// Compiles the sources under `root` for kernels of `arch`, in the folder
/// `target`. The bytes depend on sources and compiler only: every path that could
/// get into them is replaced, and crates are told apart by name.
pub(super) fn compile(
    toolchain: &Toolchain,
    root: &Path,
    arch: &str,
    target: &Path,
) -> Result<PathBuf> {
    let cargo_home = cargo_home()?;
    let sysroot = toolchain.sysroot()?;
    let library = std::fs::canonicalize(sysroot.join("lib/rustlib/src/rust"))
        .with_context(|| format!("the library's source in {}", sysroot.display()))?;
    let flags = [
        format!("--cfg=bpf_target_arch=\"{arch}\""),
        "-Cdebuginfo=2".to_owned(),
        "-Clink-arg=--btf".to_owned(),
        format!("-Clinker={}", toolchain.linker.display()),
        // The last that fits wins: from the outside in. The compiler may lie below
        // the root.
        format!("--remap-path-prefix={}=/llmtop", root.display()),
        format!("--remap-path-prefix={}=/cargo", cargo_home.display()),
        format!("--remap-path-prefix={}=/rust", sysroot.display()),
        format!("--remap-path-prefix={}=/rust/lib/rustlib/src/rust", library.display()),
    ];
    // `cargo xtask` sets these for itself; they would choose the wrong compiler.
    let inherited = ["RUSTFLAGS", "CARGO_TARGET_DIR", "CARGO_BUILD_TARGET", "RUSTC_WRAPPER"];
    let mut cargo = Command::new(&toolchain.cargo);
    for name in inherited {
        cargo.env_remove(name);
    }
    cargo
        .current_dir(root.join("probe/ebpf"))
        .args(["build", "--release", "--locked", "--quiet", "--target", TARGET])
        .args(["-Z", "build-std=core"])
        .arg("--target-dir")
        .arg(target)
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
        .env("RUSTC_BOOTSTRAP", "1");
    toolchain.environment(&mut cargo);
    rustc::wrap(&mut cargo)?;
    run(&mut cargo)?;
    let linked = target.join(TARGET).join("release/llmtop");
    let stripped = target.join(super::object_name(arch));
    run(Command::new(&toolchain.strip).arg("-g").arg("-o").arg(&stripped).arg(&linked))?;
    Ok(stripped)
}

pub(super) fn cargo_home() -> Result<PathBuf> {
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"));
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home);
    home.context("neither CARGO_HOME nor HOME is set")
}

/// Runs a command to its end.
pub(super) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{status}: {command:?}");
    Ok(())
}
