//! Which function an address lies in: by the unwind tables, and of code that has
//! none, by what is called and by the padding between functions.

use std::ops::Range;

use super::{Elf, Frames, Reference};

/// How far from an address its function's ends are looked for.
const REACH: u64 = 16 << 10;
/// Starts tried, from the nearest on.
const MAX_STARTS: usize = 8;
/// The longest function whose code is read.
const LONGEST: u64 = 64 << 10;

/// A function and its code, or what could be read of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) bounds: Range<u64>,
    pub(crate) code: Vec<u8>,
    /// The bounds are the unwind tables', not a guess.
    pub(crate) told: bool,
}

/// Functions around certain addresses.
#[derive(Debug)]
pub(crate) struct Functions<'a> {
    elf: &'a Elf,
    frames: Option<Frames>,
    /// Where functions seem to begin, sorted.
    starts: Vec<u64>,
}

impl<'a> Functions<'a> {
    /// Prepares for questions about `addresses`.
    pub(crate) fn around(elf: &'a Elf, addresses: &[u64]) -> Self {
        let frames = Frames::of(elf);
        let untold = addresses
            .iter()
            .filter(|&&address| frames.as_ref().and_then(|f| f.function(elf, address)).is_none());
        let ranges = merged(untold.map(|&a| a.saturating_sub(REACH)..a.saturating_add(REACH)));
        let mut starts = Vec::new();
        if !ranges.is_empty() {
            let called = elf.calls_into(&ranges).unwrap_or_default();
            starts.extend(called.iter().map(|r: &Reference| r.target));
            for range in &ranges {
                padded(elf, range, &mut starts);
            }
        }
        starts.sort_unstable();
        starts.dedup();
        starts.retain(|&start| is_boundary(elf, start));
        Self { elf, frames, starts }
    }

    /// Functions that may be the one that holds `address`, the likeliest first:
    /// the first in which following the code from the start comes past it, is.
    pub(crate) fn holding(&self, address: u64) -> Vec<Function> {
        let told = self.frames.as_ref().and_then(|f| f.function(self.elf, address));
        if let Some(bounds) = told {
            return vec![self.function(bounds, true)];
        }
        let after = self.starts.partition_point(|&start| start <= address);
        let end = self.starts.get(after).copied().unwrap_or(u64::MAX);
        let starts = self.starts[..after].iter().rev().take(MAX_STARTS);
        let near = starts.filter(|&&start| address - start < REACH);
        near.map(|&start| self.function(start..end.min(start + 2 * REACH), false)).collect()
    }

    fn function(&self, bounds: Range<u64>, told: bool) -> Function {
        let size = (bounds.end - bounds.start).min(LONGEST) as usize;
        let code = self.elf.at(bounds.start, size);
        Function { bounds, code, told }
    }
}

/// Ranges that overlap become one.
fn merged(ranges: impl Iterator<Item = Range<u64>>) -> Vec<Range<u64>> {
    let mut sorted: Vec<_> = ranges.collect();
    sorted.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in sorted {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// Appends the multiples of sixteen that follow `int3`: compilers fill with it
/// between functions, and within them with `nop`.
fn padded(elf: &Elf, range: &Range<u64>, starts: &mut Vec<u64>) {
    let from = range.start.next_multiple_of(16);
    let code = elf.at(from, (range.end.saturating_sub(from)) as usize);
    for at in (16..code.len()).step_by(16) {
        if code[at - 1] == 0xcc && code[at] != 0xcc {
            starts.push(from + at as u64);
        }
    }
}

/// Whether what lies before `address` can be the end of another function.
fn is_boundary(elf: &Elf, address: u64) -> bool {
    let Some(from) = address.checked_sub(5) else { return false };
    let around = elf.at(from, 9);
    let (Some(before), Some(after)) = (around.get(..5), around.get(5..)) else { return false };
    if !address.is_multiple_of(16) && !after.starts_with(&[0xf3, 0x0f, 0x1e, 0xfa]) {
        return false;
    }
    match *before {
        // int3, ret, nop and the last byte of longer ones
        [.., 0xcc | 0xc3 | 0x90 | 0x00] => true,
        // jmp rel32, call of a function that does not return; jmp rel8; ud2
        [0xe9 | 0xe8, ..] | [.., 0xeb, _] | [.., 0x0f, 0x0b] => true,
        _ => false,
    }
}
