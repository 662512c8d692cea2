//! The TLS implementations that are recognised, one folder or file each.
//!
//! A stack is told by what a file holds, never by the file's name.

mod boringssl;
mod exports;
mod gnutls;
mod go;
mod nss;
mod openssl;
#[cfg(target_arch = "x86_64")]
mod reports;
mod rustls;

use std::fs::File;

use crate::elf::Elf;
use crate::{Method, Site, Tls};

/// A TLS implementation that can be recognised in a file.
pub trait Stack: Sync {
    /// Whether `elf` holds this implementation, and if so where to probe it, as
    /// far as a few small reads tell.
    ///
    /// Called for every file that any process maps, while capture waits.
    fn examine(&self, elf: &Elf, neighbour: &Neighbour<'_>) -> Verdict;

    /// The same by a search of the whole file, which takes its time and is made
    /// aside. Asked of every file with much code in which no stack finds anything
    /// by [`examine`](Self::examine), so that what is searched first is to be cheap,
    /// and rare in other files. A program may hold several versions, each with an answer
    /// of its own; none is as good as [`Verdict::Absent`]. What speaks for the answers is
    /// appended to `notes`, for people.
    fn scan(&self, elf: &Elf, notes: &mut Vec<String>) -> Vec<Verdict>;
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
    /// Its version, where the file tells: `OpenSSL 3.0.19`.
    pub version: Option<String>,
    /// How its functions were told.
    pub method: Method,
    /// Where to probe.
    pub sites: Vec<Site>,
}

/// What a file holds, as all stacks together say: a program may carry several
/// implementations, and use either.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Contents {
    /// Those that can be probed.
    pub found: Vec<Found>,
    /// Of those that are there and cannot: why.
    pub uncovered: Vec<String>,
}

impl Contents {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty() && self.uncovered.is_empty()
    }
}

impl FromIterator<Verdict> for Contents {
    fn from_iter<I: IntoIterator<Item = Verdict>>(verdicts: I) -> Self {
        let mut contents = Self::default();
        for verdict in verdicts {
            match verdict {
                Verdict::Absent => {}
                Verdict::Found(found) => contents.found.push(found),
                Verdict::Uncovered(why) => contents.uncovered.push(why),
            }
        }
        contents
    }
}

/// Every stack.
const STACKS: &[&dyn Stack] = &[
    &openssl::OpenSsl,
    &gnutls::GnuTls,
    &nss::Nss,
    &boringssl::BoringSsl,
    &rustls::Rustls,
    &go::Go,
];

/// Code that holds a TLS implementation is larger.
const SMALLEST: u64 = 256 << 10;

/// What a few small reads tell.
pub fn examine(elf: &Elf, neighbour: &Neighbour<'_>) -> Contents {
    STACKS.iter().map(|stack| stack.examine(elf, neighbour)).collect()
}

/// Whether a [`scan`] of a file in which [`examine`] found nothing may find
/// something. Reads nothing.
pub fn is_worth_a_scan(elf: &Elf) -> bool {
    elf.code_size() >= SMALLEST
}

/// What can be told only by looking through the file. Bounded by its size: a
/// second of processor time for the largest of programs.
pub fn scan(elf: &Elf, notes: &mut Vec<String>) -> Contents {
    STACKS.iter().flat_map(|stack| stack.scan(elf, notes)).collect()
}

#[cfg(test)]
mod tests;
