//! Cross-references: which code mentions an address, and which code calls one.
//!
//! On x86_64 a constant's address is taken by `lea reg, [rip+displacement]`, or
//! in programs linked to a fixed address by an immediate of 32 bits; a function is
//! called by `call rel32`. Any other bytes may look the same: what is found is
//! where to look, and only following the code tells whether it is an instruction.

use memchr::memmem::Finder;

use super::sweep::{Content, Window};
use super::{Elf, le};

/// Bytes of code that mention an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reference {
    /// Where the four bytes that mention it lie, inside an instruction.
    pub(crate) at: u64,
    /// What they mention.
    pub(crate) target: u64,
}

/// Addresses that are looked for as they are, each by a search of its own.
const MAX_FIXED: usize = 64;

impl Elf {
    /// Code that mentions one of `targets`, sorted. `None` where there is too much.
    pub(crate) fn references(&self, targets: &[u64]) -> Option<Vec<Reference>> {
        let mut targets = targets.to_vec();
        targets.sort_unstable();
        targets.dedup();
        let fixed = |&target: &u64| Some((target, u32::try_from(target).ok()?.to_le_bytes()));
        let fixed: Vec<_> =
            if self.is_fixed() { targets.iter().filter_map(fixed).collect() } else { Vec::new() };
        if fixed.len() > MAX_FIXED {
            return None;
        }
        let immediates: Vec<_> =
            fixed.iter().map(|(target, bytes)| (*target, Finder::new(bytes))).collect();
        let find = |window: Window<'_>, found: &mut Vec<Reference>| {
            relative(
                window,
                0x8d,
                |modrm| modrm & 0xc7 == 5,
                |at, target| {
                    if targets.binary_search(&target).is_ok() {
                        found.push(Reference { at, target });
                    }
                },
            );
            for (target, finder) in &immediates {
                let hits = finder.find_iter(window.bytes).take_while(|&at| at < window.own);
                found.extend(
                    hits.map(|at| Reference { at: window.address + at as u64, target: *target }),
                );
            }
        };
        self.sweep(Content::Code, 8, find)
    }

    /// The `call`s of the function at `address`, as [`calls_into`](Self::calls_into).
    pub(crate) fn calls_of(&self, address: u64) -> Option<Vec<Reference>> {
        self.calls_into(std::slice::from_ref(&(address..address.checked_add(1)?)))
    }

    /// The `call`s into one of `ranges`, which are sorted and do not overlap:
    /// where each lies and what it calls. `None` where there is too much.
    pub(crate) fn calls_into(&self, ranges: &[std::ops::Range<u64>]) -> Option<Vec<Reference>> {
        let inside = |target: u64| {
            let after = ranges.partition_point(|range| range.start <= target);
            after.checked_sub(1).is_some_and(|i| target < ranges[i].end)
        };
        let find = |window: Window<'_>, found: &mut Vec<Reference>| {
            relative(
                window,
                0xe8,
                |_| true,
                |at, target| {
                    if inside(target) {
                        found.push(Reference { at, target });
                    }
                },
            );
        };
        self.sweep(Content::Code, 8, find)
    }
}

/// Calls `each` for what follows `opcode` as a displacement from the end of its
/// instruction: where the displacement lies, and to where it leads. An opcode
/// other than that of calls has another byte before it, which `second` judges.
fn relative(
    window: Window<'_>,
    opcode: u8,
    second: impl Fn(u8) -> bool,
    mut each: impl FnMut(u64, u64),
) {
    let skip = if opcode == 0xe8 { 1 } else { 2 };
    for at in memchr::memchr_iter(opcode, window.bytes) {
        if at >= window.own {
            break;
        }
        if skip == 2 && !window.bytes.get(at + 1).is_some_and(|&b| second(b)) {
            continue;
        }
        let Some(displacement) = le::u32(window.bytes, at + skip) else { break };
        let field = window.address.wrapping_add((at + skip) as u64);
        let target = field.wrapping_add(4).wrapping_add_signed(displacement.cast_signed().into());
        each(field, target);
    }
}
