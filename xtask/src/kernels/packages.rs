//! Debian's kernels, and a busybox, from its packages: unpacked, not installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::run;

/// What the image of a kernel needs of Debian.
pub(super) struct Kernel {
    /// As `uname -r` says it.
    pub(super) release: String,
    pub(super) image: PathBuf,
}

/// The newest package of a series, such as `6.1`.
pub(super) fn kernel(folder: &Path, series: &str) -> Result<Kernel> {
    let name = newest(series)?;
    let unpacked = unpack(folder, &name)?;
    let boot = std::fs::read_dir(unpacked.join("boot"))?;
    let mut files = boot.filter_map(|entry| Some(entry.ok()?.path()));
    let is_image = |path: &PathBuf| release(path).is_some();
    let image = files.find(is_image).with_context(|| format!("{name} has no kernel"))?;
    Ok(Kernel { release: release(&image).unwrap_or_default().to_owned(), image })
}

fn release(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()?.strip_prefix("vmlinuz-")
}

/// A busybox without libraries.
pub(super) fn busybox(folder: &Path) -> Result<PathBuf> {
    let unpacked = unpack(folder, "busybox-static")?;
    let at = |name: &str| Some(unpacked.join(name)).filter(|path| path.exists());
    at("bin/busybox").or_else(|| at("usr/bin/busybox")).context("busybox-static has no busybox")
}

fn newest(series: &str) -> Result<String> {
    let wanted =
        format!("^linux-image-{}\\.[0-9].*-cloud-amd64(-unsigned)?$", series.replace('.', "\\."));
    let output = Command::new("apt-cache").args(["search", "--names-only", &wanted]).output()?;
    let listed = String::from_utf8(output.stdout)?;
    let names = listed.lines().filter_map(|line| line.split_whitespace().next());
    // Signed or not, it is the same kernel: of one version the first will do.
    let version = |name: &str| -> Vec<u32> {
        let numbers = name.split(|c: char| !c.is_ascii_digit());
        numbers.filter_map(|number| number.parse().ok()).collect()
    };
    let newest = names.max_by_key(|name| version(name));
    newest.map(str::to_owned).with_context(|| {
        format!("apt knows no cloud kernel of Linux {series}: run `apt-get update`, on Debian 12")
    })
}

/// Where a package is unpacked, which is done once.
fn unpack(folder: &Path, package: &str) -> Result<PathBuf> {
    let unpacked = folder.join(package);
    if unpacked.exists() {
        return Ok(unpacked);
    }
    println!("unpacking {package}");
    let downloads = folder.join("downloads");
    if downloads.exists() {
        std::fs::remove_dir_all(&downloads)?;
    }
    std::fs::create_dir_all(&downloads)?;
    run(Command::new("apt-get").current_dir(&downloads).args(["-q", "download", package]))?;
    let archives: Vec<PathBuf> =
        std::fs::read_dir(&downloads)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    ensure!(archives.len() == 1, "{package} is {} packages", archives.len());
    let new = folder.join("new");
    if new.exists() {
        std::fs::remove_dir_all(&new)?;
    }
    run(Command::new("dpkg").arg("-x").args(&archives).arg(&new))?;
    std::fs::rename(new, &unpacked)?;
    std::fs::remove_dir_all(downloads)?;
    Ok(unpacked)
}
