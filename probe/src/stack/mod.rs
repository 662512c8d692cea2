//! The TLS implementations that are recognised, one folder or file each.
//!
//! A stack is told by what a file holds, never by the file's name.

mod boringssl;
mod openssl;
#[cfg(target_arch = "x86_64")]
mod reports;

use std::fs::File;

use crate::elf::{Elf, Text};
use crate::{Method, Site, Tls};

/// A TLS implementation that can be recognised in a file.
pub trait Stack: Sync {
    /// Whether `elf` holds this implementation, and if so where to probe it, as
    /// far as a few small reads tell.
    ///
    /// Called for every file that any process maps, while capture waits.
    fn examine(&self, elf: &Elf, neighbour: &Neighbour<'_>) -> Verdict;

    /// The same by a search of the whole file, which takes its time and is made
    /// aside. `texts` are the names of OpenSSL's and BoringSSL's source files that
    /// lie among the file's constants; of a file without any nobody is asked. What
    /// speaks for the answer is appended to `notes`, for people.
    fn scan(&self, elf: &Elf, texts: &[Text], notes: &mut Vec<String>) -> Verdict;
}

/// Opens the file of the given name that lies beside the one examined.
pub type Neighbour<'a> = dyn Fn(&str) -> Option<File> + 'a;

/// What a [`Stack`] says of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The file does not hold it.
    Absent,
    /// It does.
    Found(Found),
    /// It does, but nothing can be probed: why.
    Uncovered(String),
}

/// A TLS implementation in a file.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Found {
    /// Which.
    pub tls: Tls,
    /// Its version, where the file tells.
    pub version: Option<String>,
    /// How its functions were told.
    pub method: Method,
    /// Where to probe.
    pub sites: Vec<Site>,
}

/// Every stack, in the order in which they are asked.
const STACKS: &[&dyn Stack] = &[&openssl::OpenSsl, &boringssl::BoringSsl];

/// The source file that calls to and fro in OpenSSL (`ssl_lib.c`) and BoringSSL
/// (`ssl_lib.cc`). Both name it wherever they report an error.
const SOURCE: &str = "ssl/ssl_lib.c";
/// Code that holds a TLS implementation is larger.
const SMALLEST: u64 = 256 << 10;

/// Asks every stack. Of those found the first is returned, else the first that
/// is there without being covered.
pub fn examine(elf: &Elf, neighbour: &Neighbour<'_>) -> Verdict {
    first(STACKS.iter().map(|stack| stack.examine(elf, neighbour)))
}

/// Whether a [`scan`] of a file in which [`examine`] found nothing may find
/// something. Reads nothing.
pub fn is_worth_a_scan(elf: &Elf) -> bool {
    elf.code_size() >= SMALLEST
}

/// What can be told only by looking through the file. Bounded by its size: a
/// second of processor time for the largest of programs.
pub fn scan(elf: &Elf, notes: &mut Vec<String>) -> Verdict {
    let texts = elf.texts_with(SOURCE);
    if texts.is_empty() {
        notes.push(format!("no text with {SOURCE} among its constants"));
        return Verdict::Absent;
    }
    notes.extend(texts.iter().map(|t| format!("{:?} at {:#x}", t.text, t.address)));
    let unstripped = openssl::unstripped(elf);
    if unstripped != Verdict::Absent {
        notes.push("the file's symbol table names SSL_read and SSL_write".to_owned());
        return unstripped;
    }
    first(STACKS.iter().map(|stack| stack.scan(elf, &texts, notes)))
}

fn first(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    let mut uncovered = Verdict::Absent;
    for verdict in verdicts {
        match verdict {
            Verdict::Absent => {}
            found @ Verdict::Found(_) => return found,
            other if uncovered == Verdict::Absent => uncovered = other,
            Verdict::Uncovered(_) => {}
        }
    }
    uncovered
}

#[cfg(test)]
mod tests;
