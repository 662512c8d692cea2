//! Live capture of real TLS libraries and sockets: other programs move bytes through them,
//! and say what they moved. Needs root; without, each test says so and passes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod driven;
mod loads;
mod pairs;
mod plain;
mod session;
mod sockets;
mod unfinished;

use std::sync::{Mutex, MutexGuard};

/// Held while a test runs: they compete for the processors and count what is
/// loaded.
static ALONE: Mutex<()> = Mutex::new(());

/// Whether there are the privileges; says so where not.
fn root() -> Option<MutexGuard<'static, ()>> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: needs root");
        return None;
    }
    Some(ALONE.lock().unwrap_or_else(|e| e.into_inner()))
}
