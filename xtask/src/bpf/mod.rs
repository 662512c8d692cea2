//! The kernel programs: compiled for both architectures, reproducibly, with a
//! manifest that ties the objects to their sources.
//!
//! docs/kernel-programs.md says how it looks from outside.

mod compile;
mod manifest;
mod rustc;
mod toolchain;

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::root;

use compile::compile;
use manifest::Manifest;
pub(crate) use rustc::stand_in;
use toolchain::Toolchain;

const ARCHITECTURES: [&str; 2] = ["x86_64", "aarch64"];

/// The workspace that `probe-common` needs around it where the rest is not.
const WORKSPACE: &str = r#"[workspace]
resolver = "3"
members = ["probe-common"]
exclude = ["probe/ebpf"]
[workspace.package]
license = "MIT OR Apache-2.0"
[workspace.lints.rust]
"#;

/// Compiles the objects into `probe/bpf`.
pub(crate) fn build() -> Result<()> {
    let root = root();
    let toolchain = Toolchain::find(&root)?;
    let committed = root.join("probe/bpf");
    std::fs::create_dir_all(&committed)?;
    for arch in ARCHITECTURES {
        let object = compile(&toolchain, &root, arch, &root.join("target/bpf"))?;
        std::fs::copy(object, committed.join(object_name(arch)))?;
    }
    let manifest = Manifest::of(&root, &toolchain.version()?)?;
    std::fs::write(committed.join(manifest::NAME), manifest.to_string())?;
    println!("probe/bpf is built by {}", manifest.compiler);
    Ok(())
}

/// Compiles a copy of the sources in a temporary folder, and compares.
pub(crate) fn verify() -> Result<()> {
    let root = root();
    let toolchain = Toolchain::find(&root)?;
    let committed = Manifest::read(&root)?;
    let now = Manifest::of(&root, &toolchain.version()?)?;
    ensure!(
        committed.sources == now.sources,
        "the sources changed since the objects were built: run `cargo xtask bpf build`"
    );
    ensure!(
        committed.compiler == now.compiler,
        "built by {}, and this is {}: their bytes differ; docs/kernel-programs.md says how to \
         get the same",
        committed.compiler,
        now.compiler
    );
    let elsewhere = Elsewhere::new()?;
    for source in manifest::sources(&root)? {
        let copy = elsewhere.0.join(&source);
        std::fs::create_dir_all(copy.parent().context("a source lies in a folder")?)?;
        std::fs::copy(root.join(&source), copy)?;
    }
    std::fs::write(elsewhere.0.join("Cargo.toml"), WORKSPACE)?;
    for arch in ARCHITECTURES {
        let object = compile(&toolchain, &elsewhere.0, arch, &elsewhere.0.join("target"))?;
        let name = object_name(arch);
        let same = std::fs::read(object)? == std::fs::read(root.join("probe/bpf").join(&name))?;
        ensure!(same, "{name} is not what its sources give");
        println!("{name}: the same bytes");
    }
    Ok(())
}

/// Gets what is missing.
pub(crate) fn toolchain() -> Result<()> {
    toolchain::install(&root())
}

fn object_name(arch: &str) -> String {
    format!("llmtop-{arch}.o")
}

/// A folder of its own outside the repository, removed at the end.
struct Elsewhere(PathBuf);

impl Elsewhere {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("llmtop-bpf-{}", std::process::id()));
        std::fs::create_dir(&path).with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} is left: {error}", self.0.display());
        }
    }
}
