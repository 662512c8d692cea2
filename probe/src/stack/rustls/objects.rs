//! The functions of 0.21, of which no table holds more than one:
//!
//! ```text
//! { drop or 0, size, alignment, encrypt or decrypt }
//! ```
//!
//! Their objects are a key of ring's and little else, so that all are of one size, and
//! aligned as vectors are. There is an `encrypt` and a `decrypt` for each algorithm, and
//! what is not even is not all, or more than they.

use std::collections::{BTreeMap, BTreeSet};

use super::code;
use super::search::{Search, Starts};
use crate::Function;

/// Keys are aligned so.
const ALIGNMENT: u64 = 16;

/// The functions, but for those of other versions, which are `known`.
///
/// # Errors
/// Why they cannot be told.
pub(super) fn find(search: &Search<'_>, known: impl Fn(u64) -> bool) -> Result<Starts, String> {
    let mut objects: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for &(slot, _) in search.pointers.all() {
        let object = slot.checked_sub(24).and_then(|at| search.object(at));
        if let Some(object) = object.filter(|object| object.alignment == ALIGNMENT) {
            objects.entry(object.function).or_default().insert(object.size);
        }
    }
    let mut starts = Starts::new();
    let mut sizes: BTreeSet<u64> = BTreeSet::new();
    for (&function, size) in objects.iter().filter(|&(&function, _)| !known(function)) {
        if let Some(does) = does(search, function) {
            starts.insert(function, (does, None));
            sizes.extend(size);
        }
    }
    let all = |does| starts.values().filter(|&&(is, _)| is == does).count();
    match (all(Function::Write), all(Function::Read)) {
        (0, 0) => Err("no function looks like encrypt or decrypt".to_owned()),
        (encrypt, decrypt) if encrypt != decrypt => {
            Err(format!("{encrypt} functions look like encrypt, and {decrypt} like decrypt"))
        }
        _ if sizes.len() > 1 => Err("keys are of several sizes".to_owned()),
        _ => Ok(starts),
    }
}

/// What a function does, if it is one of them.
fn does(search: &Search<'_>, function: u64) -> Option<Function> {
    let does = match search.may_follow().then(|| code::limits(search.elf, function))? {
        true => search.decrypts(function).then_some(Function::Read)?,
        false => search.encrypts(function).then_some(Function::Write)?,
    };
    (search.may_follow() && code::numbers(search.elf, function)).then_some(does)
}
