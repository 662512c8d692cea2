//! The manifest: hashes of the sources, the compiler, hashes of the objects. A
//! text file, a line a thing, so that a test can read it without a parser.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::{ARCHITECTURES, object_name};

pub(super) const NAME: &str = "manifest.txt";

/// `source HASH PATH`, `object HASH NAME` and `compiler VERSION` lines.
pub(super) struct Manifest {
    pub(super) sources: Vec<String>,
    pub(super) compiler: String,
    objects: Vec<String>,
}

impl Manifest {
    /// That of the sources and objects as they are.
    pub(super) fn of(root: &Path, compiler: &str) -> Result<Self> {
        let line = |kind: &str, name: &str, path: PathBuf| {
            let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
            Ok(format!("{kind} {:x} {name}", Sha256::digest(bytes)))
        };
        let sources = sources(root)?;
        let source = |path: &String| line("source", path, root.join(path));
        let object = |arch: &&str| {
            let name = object_name(arch);
            line("object", &name, root.join("probe/bpf").join(&name))
        };
        Ok(Self {
            sources: sources.iter().map(source).collect::<Result<_>>()?,
            compiler: compiler.to_owned(),
            objects: ARCHITECTURES.iter().map(object).collect::<Result<_>>()?,
        })
    }

    /// The committed one.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let path = root.join("probe/bpf").join(NAME);
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let of = |kind: &str| {
            text.lines().filter(|line| line.starts_with(kind)).map(str::to_owned).collect()
        };
        let compiler = text.lines().find_map(|line| line.strip_prefix("compiler "));
        Ok(Self {
            sources: of("source "),
            compiler: compiler.context("the manifest names no compiler")?.to_owned(),
            objects: of("object "),
        })
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Written by `cargo xtask bpf build`.")?;
        writeln!(f, "compiler {}", self.compiler)?;
        self.objects.iter().chain(&self.sources).try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// Everything the objects are made of, by path from the root of the repository.
pub(super) fn sources(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for manifest in ["probe-common/Cargo.toml", "probe/ebpf/Cargo.toml", "probe/ebpf/Cargo.lock"] {
        found.push(manifest.to_owned());
    }
    for folder in ["probe-common/src", "probe/ebpf/src"] {
        rust_files(root, folder, &mut found)?;
    }
    found.sort();
    Ok(found)
}

fn rust_files(root: &Path, folder: &str, found: &mut Vec<String>) -> Result<()> {
    let path = root.join(folder);
    for entry in std::fs::read_dir(&path).with_context(|| path.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name().into_string().ok().context("a name is not UTF-8")?;
        let below = format!("{folder}/{name}");
        if entry.file_type()?.is_dir() {
            rust_files(root, &below, found)?;
        } else if name.ends_with(".rs") {
            found.push(below);
        }
    }
    Ok(())
}
