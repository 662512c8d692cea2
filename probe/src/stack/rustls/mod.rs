//! rustls built into a program: codex, deno, uv, what uses reqwest.
//!
//! It has no function that both directions come past in every build: what is generic
//! or small is made part of its callers. What is always there are the functions that
//! make and open records, as they are called through tables (`dyn MessageEncrypter`,
//! `dyn MessageDecrypter`). Each algorithm has a pair of them, and of each pair the
//! two must be found.

#[cfg(target_arch = "x86_64")]
mod code;
#[cfg(target_arch = "x86_64")]
mod find;
#[cfg(target_arch = "x86_64")]
mod objects;
#[cfg(target_arch = "x86_64")]
mod search;
#[cfg(target_arch = "x86_64")]
mod tables;
mod version;

use super::{Neighbour, Stack, Verdict};
use crate::elf::Elf;

/// See the module's documentation.
pub(super) struct Rustls;

impl Stack for Rustls {
    fn examine(&self, _: &Elf, _: &Neighbour<'_>) -> Verdict {
        // It exports nothing.
        Verdict::Absent
    }

    fn scan(&self, elf: &Elf, notes: &mut Vec<String>) -> Vec<Verdict> {
        let versions = version::versions(elf);
        if !versions.is_empty() {
            notes.push(format!("names source files of rustls {}", versions.join(", ")));
        }
        find(elf, &versions, notes)
    }
}

#[cfg(target_arch = "x86_64")]
use find::find;

#[cfg(not(target_arch = "x86_64"))]
fn find(_: &Elf, versions: &[String], _: &mut Vec<String>) -> Vec<Verdict> {
    let why = "its functions are told by their code, which is followed on x86_64 only";
    let not = |version: &String| Verdict::Uncovered(format!("rustls {version}: {why}"));
    versions.iter().map(not).collect()
}
