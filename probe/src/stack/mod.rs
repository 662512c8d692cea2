//! The TLS implementations that are recognised, one file each.
//!
//! A stack is told by what a file holds, never by the file's name.

mod openssl;

use std::fs::File;

use crate::elf::Elf;
use crate::{Site, Tls};

/// A TLS implementation that can be recognised in a file.
pub trait Stack: Sync {
    /// Whether `elf` holds this implementation, and if so where to probe it.
    ///
    /// Called for every file that any process maps: a file without it must be
    /// told by a few small reads.
    fn examine(&self, elf: &Elf, neighbour: &Neighbour<'_>) -> Verdict;
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
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Which.
    pub tls: Tls,
    /// Its version, where the file tells.
    pub version: Option<String>,
    /// Where to probe.
    pub sites: Vec<Site>,
}

/// Every stack, in the order in which they are asked.
const STACKS: &[&dyn Stack] = &[&openssl::OpenSsl];

/// Asks every stack. Of those found the first is returned, else the first that
/// is there without being covered.
pub fn examine(elf: &Elf, neighbour: &Neighbour<'_>) -> Verdict {
    let mut uncovered = Verdict::Absent;
    for stack in STACKS {
        match stack.examine(elf, neighbour) {
            Verdict::Absent => {}
            found @ Verdict::Found(_) => return found,
            other if uncovered == Verdict::Absent => uncovered = other,
            Verdict::Uncovered(_) => {}
        }
    }
    uncovered
}
