//! Section headers and the static symbol table: what a stripped file lacks.

use std::collections::HashMap;

use object::elf;

use super::dynamic::function;
use super::{Elf, Symbol, le};

const MAX_SECTIONS: u16 = 4096;

/// A section header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name, such as `.rodata`.
    pub name: String,
    /// `sh_type`.
    pub kind: u32,
    /// Virtual address; 0 where it is not loaded.
    pub address: u64,
    /// File offset.
    pub offset: u64,
    /// Size in bytes.
    pub size: u64,
    link: u32,
}

impl Elf {
    /// The section headers; none where they were stripped or are broken.
    pub fn sections(&self) -> Vec<Section> {
        let (at, count, names) = self.section_table();
        let count = count.min(MAX_SECTIONS);
        let table = self.bytes(at, u64::from(count) * 64);
        let names = table
            .chunks_exact(64)
            .nth(names.into())
            .and_then(|h| Some(self.bytes(le::u64(h, 24)?, le::u64(h, 32)?.min(1 << 20))))
            .unwrap_or_default();
        let section = |h: &[u8]| {
            let name = names.get(le::u32(h, 0)? as usize..).unwrap_or_default();
            let end = memchr::memchr(0, name).unwrap_or(0);
            Some(Section {
                name: String::from_utf8_lossy(&name[..end]).into_owned(),
                kind: le::u32(h, 4)?,
                address: le::u64(h, 16)?,
                offset: le::u64(h, 24)?,
                size: le::u64(h, 32)?,
                link: le::u32(h, 40)?,
            })
        };
        table.chunks_exact(64).filter_map(section).collect()
    }

    /// Those of `wanted` that the static symbol table (`.symtab`) defines as
    /// functions.
    pub fn static_symbols<'a>(&self, wanted: &[&'a str]) -> HashMap<&'a str, Symbol> {
        let mut found = HashMap::new();
        // Indices are into the header table, so headers are not filtered here.
        let sections = self.sections();
        let Some(table) = sections.iter().find(|s| s.kind == elf::SHT_SYMTAB) else {
            return found;
        };
        let Some(strings) = sections.get(table.link as usize) else {
            return found;
        };
        let strings = self.bytes(strings.offset, strings.size);
        for entry in self.bytes(table.offset, table.size).chunks_exact(24) {
            let Some(name) = le::u32(entry, 0).and_then(|at| strings.get(at as usize..)) else {
                continue;
            };
            let hit = wanted.iter().find(|w| {
                name.strip_prefix(w.as_bytes()).is_some_and(|rest| rest.first() == Some(&0))
            });
            if let (Some(hit), Some(symbol)) = (hit, function(entry)) {
                found.insert(*hit, symbol);
            }
        }
        found
    }
}
