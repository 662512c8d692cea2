//! BoringSSL built into a program without symbols: Bun and what is made with it,
//! Chromium and Electron, gRPC's Python module.
//!
//! Its functions are told by the errors they report. `OPENSSL_PUT_ERROR` passes
//! the reason's number and the name of the source file, so each function of
//! `ssl_lib.cc` shows a set of reasons that belongs to it, whatever compiler and
//! flags made it. Where not exactly one function answers to a description,
//! nothing is probed.

#[cfg(target_arch = "x86_64")]
mod find;

use super::{Neighbour, Stack, Verdict, openssl};
use crate::elf::Elf;

/// The source file with the functions that are looked for.
const FILE: &str = "ssl/ssl_lib.cc";

/// See the module's documentation.
pub(super) struct BoringSsl;

impl Stack for BoringSsl {
    fn examine(&self, _: &Elf, _: &Neighbour<'_>) -> Verdict {
        // With symbols it looks like OpenSSL, and is told apart there.
        Verdict::Absent
    }

    fn scan(&self, elf: &Elf, notes: &mut Vec<String>) -> Vec<Verdict> {
        let texts = elf.texts_with(FILE);
        let ours = texts.iter().filter(|text| text.text.ends_with(FILE));
        let ours: Vec<u64> = ours.map(|text| text.address).collect();
        // Where its symbols are there, OpenSSL's stack has told it apart by them.
        if ours.is_empty() || openssl::unstripped(elf) != Verdict::Absent {
            return Vec::new();
        }
        vec![match find(elf, &ours, notes) {
            Ok(found) => Verdict::Found(found),
            Err(why) => Verdict::Uncovered(format!("BoringSSL without symbols: {why}")),
        }]
    }
}

#[cfg(target_arch = "x86_64")]
use find::find;

#[cfg(not(target_arch = "x86_64"))]
fn find(_: &Elf, _: &[u64], _: &mut Vec<String>) -> Result<super::Found, String> {
    Err("its functions are told by their code, which is followed on x86_64 only".to_owned())
}
