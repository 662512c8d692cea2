//! The committed kernel objects are those of the sources beside them: a change
//! of the one without the other fails here, on stable Rust.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn hash(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    format!("{:x}", Sha256::digest(bytes))
}

/// Name and hash of each line of a kind.
fn listed(kind: &str) -> BTreeMap<String, String> {
    let manifest = std::fs::read_to_string(root().join("probe/bpf/manifest.txt")).unwrap();
    let line = |line: &str| {
        let (hash, name) = line.strip_prefix(kind)?.trim().split_once(' ')?;
        Some((name.to_owned(), hash.to_owned()))
    };
    manifest.lines().filter_map(line).collect()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn objects_are_those_of_the_sources() {
    let root = root();
    let mut files = ["probe-common/Cargo.toml", "probe/ebpf/Cargo.toml", "probe/ebpf/Cargo.lock"]
        .map(|path| root.join(path))
        .to_vec();
    rust_files(&root.join("probe-common/src"), &mut files);
    rust_files(&root.join("probe/ebpf/src"), &mut files);
    let now: BTreeMap<_, _> = files
        .iter()
        .map(|path| (path.strip_prefix(&root).unwrap().display().to_string(), hash(path)))
        .collect();
    assert_eq!(listed("source "), now, "run `cargo xtask bpf build`");
}

#[test]
fn objects_are_those_of_the_manifest() {
    let objects = listed("object ");
    assert_eq!(objects.len(), 2);
    for (name, listed) in objects {
        assert_eq!(hash(&root().join("probe/bpf").join(&name)), listed, "{name}");
    }
}
