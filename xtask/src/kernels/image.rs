//! What the guest boots into: an archive in memory with llmtop, clients of every kind of
//! TLS, and the libraries they are linked with.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::{packages, run};
use crate::root;

/// Builds everything and packs it.
pub(super) fn make(folder: &Path) -> Result<PathBuf> {
    let guest = folder.join("guest");
    if guest.exists() {
        std::fs::remove_dir_all(&guest)?;
    }
    for name in ["bin", "usr/bin", "proc", "sys", "dev", "tmp", "etc"] {
        std::fs::create_dir_all(guest.join(name))?;
    }
    let sources = root().join("xtask/src/kernels/guest");
    copy(&sources.join("init"), &guest.join("init"))?;
    copy(&packages::busybox(folder)?, &guest.join("bin/busybox"))?;

    let built = folder.join("built");
    std::fs::create_dir_all(&built)?;
    cargo(&["build", "-p", "llmtop", "--bin", "llmtop"])?;
    let target = target_folder()?;
    program(&guest, &target.join("debug/llmtop"), "llmtop")?;
    program(&guest, &live_tests()?, "live")?;
    // The tests look for the kernel programs where they lie in the repository.
    let object = root().join("probe/bpf").join(format!("llmtop-{}.o", std::env::consts::ARCH));
    copy_of(&guest, &object)?;

    let tests = root().join("tests/clients");
    go(&sources.join("serve.go"), &built.join("serve"))?;
    go(&tests.join("golang/chat.go"), &built.join("chat"))?;
    let rustls = target.join("test-clients-rustls");
    let manifest = tests.join("rustls/Cargo.toml");
    run(Command::new(super::cargo_program())
        .args(["build", "--release", "--locked", "--quiet", "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(&rustls))?;
    for name in ["serve", "chat"] {
        program(&guest, &built.join(name), name)?;
    }
    program(&guest, &rustls.join("release/rustls-client"), "rustls-client")?;
    program(&guest, &which("curl")?, "curl")?;
    nss_client(&guest)?;
    run(Command::new("/sbin/ldconfig").arg("-r").arg(&guest))?;
    pack(&guest, &folder.join("guest.cpio"))
}

/// The binary of the tests that load every kernel program.
fn live_tests() -> Result<PathBuf> {
    let output = Command::new(super::cargo_program())
        .current_dir(root())
        .args(["test", "-p", "llmtop-probe", "--test", "live", "--no-run", "--message-format=json"])
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the tests of kernel programs do not build");
    let messages = String::from_utf8(output.stdout)?;
    let executable = messages.lines().rev().find_map(|line| {
        let rest = line.split("\"executable\":\"").nth(1)?;
        Some(PathBuf::from(rest.split('"').next()?))
    });
    executable.context("cargo names no executable")
}

fn target_folder() -> Result<PathBuf> {
    // target/debug/xtask
    let own = std::env::current_exe()?;
    Ok(own.parent().and_then(Path::parent).context("xtask lies in a target folder")?.to_owned())
}

fn cargo(arguments: &[&str]) -> Result<()> {
    run(Command::new(super::cargo_program()).current_dir(root()).args(arguments))
}

fn go(source: &Path, program: &Path) -> Result<()> {
    run(Command::new("go")
        .args(["build", "-o"])
        .arg(program)
        .arg(source)
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "-mod=mod"))
    .context("the guest's server is of Go: apt-get install golang-go")
}

fn which(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name));
    found.into_iter().find(|file| file.is_file()).with_context(|| format!("{name} is missing"))
}

/// A program without what a debugger needs, and its libraries.
fn program(guest: &Path, file: &Path, name: &str) -> Result<()> {
    let inside = guest.join("usr/bin").join(name);
    run(Command::new("strip").arg("--strip-debug").arg("-o").arg(&inside).arg(file))?;
    libraries(file)?.iter().try_for_each(|library| copy_of(guest, library))
}

/// A client by NSS, which loads two libraries by itself.
fn nss_client(guest: &Path) -> Result<()> {
    let client = which("tstclnt").context("apt-get install libnss3-tools")?;
    program(guest, &client, "tstclnt")?;
    let libraries_of_client = libraries(&client)?;
    let nss = libraries_of_client.iter().find(|library| library.ends_with("libnss3.so"));
    let folder = nss.and_then(|nss| nss.parent()).context("tstclnt is linked with NSS")?;
    for name in ["libsoftokn3.so", "libfreeblpriv3.so"] {
        let loaded = folder.join(name);
        copy_of(guest, &loaded)?;
        libraries(&loaded)?.iter().try_for_each(|library| copy_of(guest, library))?;
    }
    Ok(())
}

/// The libraries that a file is linked with.
fn libraries(file: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("ldd").arg(file).output()?;
    let said = String::from_utf8(output.stdout)?;
    let paths = said.split_whitespace().filter(|word| word.starts_with('/'));
    Ok(paths.map(|path| PathBuf::from(path.trim_end_matches(':'))).collect())
}

/// The file, where it lies here.
fn copy_of(guest: &Path, file: &Path) -> Result<()> {
    let inside = guest.join(file.strip_prefix("/")?);
    std::fs::create_dir_all(inside.parent().context("it lies in a folder")?)?;
    copy(file, &inside)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to).with_context(|| from.display().to_string())?;
    Ok(())
}

fn pack(guest: &Path, archive: &Path) -> Result<PathBuf> {
    // Sorted, and by a program that is in the image anyway.
    let script = "find . | sort | \"$0\" cpio -o -H newc 2>/dev/null | gzip -1 >\"$1\"";
    run(Command::new("/bin/sh")
        .current_dir(guest)
        .args(["-ec", script])
        .arg(guest.join("bin/busybox"))
        .arg(archive))?;
    Ok(archive.to_owned())
}
