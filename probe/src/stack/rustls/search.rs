//! What is looked for in a file without symbols, and how long.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::code::{self, Records};
use crate::Function;
use crate::elf::{Elf, Pointers};
use crate::place::Body;

/// Objects are no larger.
const LARGEST: u64 = 0x2000;
/// Functions followed in a file. What a program is made of takes some hundreds; one
/// that was made to take long is given up.
const MAX_FOLLOWED: u32 = 4_000;

/// What functions do, by their starts, and of which algorithm each is, where that is known.
pub(super) type Starts = BTreeMap<u64, (Function, Option<&'static str>)>;

/// A search, which takes no longer than it may.
pub(super) struct Search<'a> {
    pub(super) elf: &'a Elf,
    pub(super) pointers: Pointers,
    records: Records,
    /// Functions that may still be followed.
    left: Cell<u32>,
}

/// The object of a table.
pub(super) struct Object {
    pub(super) size: u64,
    pub(super) alignment: u64,
    /// The first function.
    pub(super) function: u64,
    /// Where the table has it.
    pub(super) slot: u64,
}

impl<'a> Search<'a> {
    /// Of the functions of such a version.
    pub(super) fn new(elf: &'a Elf, records: Records) -> Self {
        Self { elf, pointers: elf.pointers(), records, left: Cell::new(MAX_FOLLOWED) }
    }

    /// Whether it was given up.
    pub(super) fn is_over(&self) -> bool {
        self.left.get() == 0
    }

    /// The object whose table may lie at `at`:
    ///
    /// ```text
    /// { drop or 0, size, alignment, function, .. }
    /// ```
    ///
    /// Older compilers have the table of the trait's `Send` and `Sync` before the function.
    pub(super) fn object(&self, at: u64) -> Option<Object> {
        let first = at.checked_add(24)?;
        let is_function = |slot| self.pointers.at(slot).map(|to| self.elf.is_code(to));
        let slot = if is_function(first)? { first } else { first + 8 };
        let function = self.pointers.at(slot).filter(|&function| self.elf.is_code(function))?;
        let plain = self.pointers.at(at + 8).is_none() && self.pointers.at(at + 16).is_none();
        let words = self.elf.at(at + 8, 16);
        let (size, alignment) = (crate::elf::le::u64(&words, 0)?, crate::elf::le::u64(&words, 8)?);
        let is_object =
            size > 0 && size < LARGEST && alignment.is_power_of_two() && alignment <= 64;
        (plain && is_object).then_some(Object { size, alignment, function, slot })
    }

    pub(super) fn encrypts(&self, function: u64) -> bool {
        self.may_follow() && self.records.encrypts(self.elf, function)
    }

    pub(super) fn decrypts(&self, function: u64) -> bool {
        self.may_follow() && self.records.decrypts(self.elf, function)
    }

    pub(super) fn body(&self, function: u64) -> Body {
        if self.may_follow() {
            code::body(self.elf, function)
        } else {
            Body::follow(function..function, &[])
        }
    }

    pub(super) fn may_follow(&self) -> bool {
        self.left.set(self.left.get().saturating_sub(1));
        self.left.get() > 0
    }
}
