//! The clients that have rustls inside, built by whoever asks first.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use super::{target_folder, tests_folder};

/// A version of rustls, and the client with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rustls {
    pub(crate) version: &'static str,
    client: &'static str,
}

pub(crate) const RUSTLS: [Rustls; 3] = [
    Rustls { version: "0.23.46", client: "rustls-client" },
    Rustls { version: "0.22.4", client: "rustls-client-22" },
    Rustls { version: "0.21.12", client: "rustls-client-21" },
];

/// Where cargo builds them.
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
    for Rustls { client, .. } in RUSTLS {
        // Another run may do the same, or use it.
        let new = folder.join(format!("{client}-stripped.{}", std::process::id()));
        let whole = folder.join(client);
        let status = Command::new("strip").arg("-o").arg(&new).arg(whole).status().unwrap();
        assert!(status.success(), "strip: {status}");
        std::fs::rename(&new, folder.join(format!("{client}-stripped"))).unwrap();
    }
    folder
});

impl Rustls {
    /// The client, with symbols or without.
    pub(crate) fn client(self, stripped: bool) -> PathBuf {
        let client = self.client;
        if stripped { BUILT.join(format!("{client}-stripped")) } else { BUILT.join(client) }
    }
}

/// `clients/rustls/src/bin/mover.rs`, with symbols.
pub(crate) fn rustls_mover() -> PathBuf {
    BUILT.join("mover")
}
