//! The kernel matrix: llmtop and clients of every kind in a virtual machine, on Debian's
//! kernels.
//!
//! docs/testing.md says how it looks from outside.

mod checks;
mod image;
mod packages;

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::root;
use packages::Kernel;

/// Below the repository: packages, the guest, and what it said last.
const FOLDER: &str = "target/kernels";
/// Without hardware's help it takes a minute.
const LONGEST: Duration = Duration::from_secs(900);

/// Boots each series and prints what holds on it. Fails where anything does not.
pub(crate) fn check(series: &[String], kvm: bool) -> Result<()> {
    ensure!(cfg!(target_arch = "x86_64"), "the guest is an x86_64 machine, as this has to be");
    let folder = root().join(FOLDER);
    std::fs::create_dir_all(&folder)?;
    let image = image::make(&folder)?;
    let mut rows = Vec::new();
    for series in series {
        let kernel = packages::kernel(&folder, series)?;
        println!("booting {}", kernel.release);
        let said = boot(&folder, &kernel, &image, kvm)?;
        rows.push((kernel.release, checks::judge(&said)));
    }
    let columns = checks::columns();
    println!("\n{:<30}{}", "kernel", columns.join("  "));
    for (release, outcomes) in &rows {
        let cells = columns.iter().zip(outcomes).map(|(column, outcome)| {
            let cell = if outcome.is_none() { "yes" } else { "NO" };
            format!("{cell:<width$}", width = column.len() + 2)
        });
        println!("{release:<30}{}", cells.collect::<String>().trim_end());
    }
    let mut wrong = 0;
    for (release, outcomes) in &rows {
        for (column, outcome) in columns.iter().zip(outcomes) {
            if let Some(why) = outcome {
                println!("{release}: {column}: {why}");
                wrong += 1;
            }
        }
    }
    ensure!(wrong == 0, "{wrong} checks failed; {FOLDER}/*.console has what the guests printed");
    Ok(())
}

/// Runs the guest until it powers itself off. Answers with what it said.
fn boot(folder: &Path, kernel: &Kernel, image: &Path, kvm: bool) -> Result<String> {
    let console = folder.join(format!("{}.console", kernel.release));
    let said = folder.join(format!("{}.said", kernel.release));
    let serial = |file: &Path| {
        let mut argument = OsString::from("file:");
        argument.push(file);
        argument
    };
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args(["-m", "1024", "-smp", "2", "-display", "none", "-nic", "none", "-no-reboot"]);
    if kvm {
        qemu.args(["-accel", "kvm", "-cpu", "host"]);
    } else {
        qemu.args(["-accel", "tcg", "-cpu", "max"]);
    }
    qemu.arg("-kernel").arg(&kernel.image).arg("-initrd").arg(image);
    qemu.args(["-append", "console=ttyS0 panic=-1 quiet"]);
    qemu.arg("-serial").arg(serial(&console)).arg("-serial").arg(serial(&said));
    let mut guest = qemu
        .stdin(Stdio::null())
        .spawn()
        .context("qemu is missing: apt-get install qemu-system-x86")?;
    let started = Instant::now();
    while guest.try_wait()?.is_none() {
        if started.elapsed() > LONGEST {
            guest.kill()?;
            guest.wait()?;
            println!("{} did not end within {LONGEST:?}", kernel.release);
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let said = std::fs::read(&said).unwrap_or_default();
    Ok(String::from_utf8_lossy(&said).into_owned())
}

fn cargo_program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    if !status.success() {
        bail!("{status}: {command:?}");
    }
    Ok(())
}
