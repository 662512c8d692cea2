//! The client that has rustls inside, built by whoever asks first.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use super::{target_folder, tests_folder};

/// Where cargo builds it.
static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = target_folder().join("test-clients-rustls");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Whatever this run was told of its own build is not meant for another's.
    let output = Command::new(cargo)
        .args(["build", "--release", "--locked", "--quiet", "--manifest-path"])
        .arg(tests_folder().join("clients/rustls/Cargo.toml"))
        .arg("--target-dir")
        .arg(&folder)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let folder = folder.join("release");
    let (whole, stripped) = (folder.join("rustls-client"), folder.join("rustls-stripped"));
    // Another run may do the same, or use it.
    let new = folder.join(format!("rustls-stripped.{}", std::process::id()));
    let status = Command::new("strip").arg("-o").arg(&new).arg(whole).status().unwrap();
    assert!(status.success(), "strip: {status}");
    std::fs::rename(&new, stripped).unwrap();
    folder
});

/// The client, with symbols or without.
pub(crate) fn rustls(stripped: bool) -> PathBuf {
    BUILT.join(if stripped { "rustls-stripped" } else { "rustls-client" })
}

/// `clients/rustls/src/bin/mover.rs`, with symbols.
pub(crate) fn rustls_mover() -> PathBuf {
    BUILT.join("mover")
}
