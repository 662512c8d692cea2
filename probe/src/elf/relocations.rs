//! Pointers of data to the file itself: what the dynamic linker moves along with it,
//! and so what every position-independent file tells of its tables.
//!
//! System V gABI, "Relocation": `DT_RELA` with entries of the kind that only adds
//! where the file lies (`R_X86_64_RELATIVE`), and `DT_RELR`, which packs the places
//! alone.

use std::ops::Range;

use object::elf;

use super::{Elf, le};

/// The most pointers remembered, 32 bytes each. The largest programs have a million.
const MAX_POINTERS: usize = 8 << 20;
/// Of the generic ABI's later versions.
const DT_RELRSZ: u32 = 35;
const DT_RELR: u32 = 36;
/// Bytes read in one go.
const WINDOW: u64 = 1 << 20;
/// The most that are read of a file whose pointers lie far apart.
const MAX_WINDOWS: usize = 1 << 10;

/// The pointers: where each lies, and to where it leads.
#[derive(Debug)]
pub(crate) struct Pointers {
    /// By where they lie.
    all: Vec<(u64, u64)>,
    /// To where each leads, and where it lies; sorted.
    turned: Vec<(u64, u64)>,
}

impl Pointers {
    /// To where the pointer at `address` leads.
    pub(crate) fn at(&self, address: u64) -> Option<u64> {
        let found = self.all.binary_search_by_key(&address, |&(at, _)| at).ok()?;
        Some(self.all[found].1)
    }

    /// All: where each lies, and to where it leads, sorted.
    pub(crate) fn all(&self) -> &[(u64, u64)] {
        &self.all
    }

    /// Those that lead into a range: to where, and where each lies, sorted.
    pub(crate) fn leading_to(&self, range: Range<u64>) -> &[(u64, u64)] {
        let first = self.turned.partition_point(|&(to, _)| to < range.start);
        let behind = self.turned.partition_point(|&(to, _)| to < range.end);
        self.turned.get(first..behind).unwrap_or_default()
    }
}

impl Elf {
    /// The pointers to itself that the file's tables name, as far as there is room.
    pub(crate) fn pointers(&self) -> Pointers {
        let mut all = Vec::new();
        let (mut rela, mut relr) = ((0, 0), (0, 0));
        let dynamic = self.segments().iter().find(|s| s.kind == elf::PT_DYNAMIC);
        let bytes = dynamic.map(|s| self.bytes(s.offset, s.file_size.min(64 << 10)));
        for entry in bytes.unwrap_or_default().chunks_exact(16) {
            let (Some(tag), Some(value)) = (le::u64(entry, 0), le::u64(entry, 8)) else { break };
            match u32::try_from(tag).unwrap_or(u32::MAX) {
                elf::DT_NULL => break,
                elf::DT_RELA => rela.0 = value,
                elf::DT_RELASZ => rela.1 = value,
                DT_RELR => relr.0 = value,
                DT_RELRSZ => relr.1 = value,
                _ => {}
            }
        }
        self.words(rela, 24, |entry| {
            let (at, kind) = (le::u64(entry, 0)?, le::u32(entry, 8)?);
            if kind == elf::R_X86_64_RELATIVE {
                all.push((at, le::u64(entry, 16)?));
            }
            (all.len() < MAX_POINTERS).then_some(())
        });
        let mut places = Vec::new();
        let mut next = 0_u64;
        self.words(relr, 8, |word| {
            let word = le::u64(word, 0)?;
            if word & 1 == 0 {
                places.push(word);
                next = word.checked_add(8)?;
            } else {
                let set = (0..63).filter(|bit| word >> (bit + 1) & 1 != 0);
                places.extend(set.map(|bit| next.wrapping_add(8 * bit)));
                next = next.checked_add(8 * 63)?;
            }
            (places.len() < MAX_POINTERS).then_some(())
        });
        self.packed(places, &mut all);
        all.sort_unstable();
        all.dedup_by_key(|&mut (at, _)| at);
        let mut turned: Vec<_> = all.iter().map(|&(at, to)| (to, at)).collect();
        turned.sort_unstable();
        Pointers { all, turned }
    }

    /// Of these the pointer lies at the place itself.
    fn packed(&self, mut places: Vec<u64>, all: &mut Vec<(u64, u64)>) {
        places.sort_unstable();
        let (mut start, mut window, mut windows) = (0, Vec::new(), 0);
        for at in places {
            let inside = |window: &[u8], start: u64| {
                le::u64(window, usize::try_from(at.checked_sub(start)?).ok()?)
            };
            if inside(&window, start).is_none() {
                windows += 1;
                if windows > MAX_WINDOWS {
                    return;
                }
                (start, window) = (at, self.at(at, WINDOW as usize));
            }
            all.extend(inside(&window, start).map(|to| (at, to)));
        }
    }

    /// Calls `each` for the entries of a table at `(address, size)`, until it has
    /// enough.
    fn words(&self, table: (u64, u64), length: usize, mut each: impl FnMut(&[u8]) -> Option<()>) {
        let (mut at, size) = table;
        let end = at.saturating_add(size.min(self.size()));
        while at < end {
            let window = (WINDOW / length as u64 * length as u64).min(end - at);
            let bytes = self.at(at, window as usize);
            let mut entries = bytes.chunks_exact(length);
            if entries.len() == 0 || entries.any(|entry| each(entry).is_none()) {
                return;
            }
            at += window;
        }
    }
}
