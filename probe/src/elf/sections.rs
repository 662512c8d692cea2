//! Section headers and the static symbol table: what a stripped file lacks.

use std::collections::HashMap;

use object::elf;

use super::dynamic::function;
use super::{Elf, Symbol, le};

const MAX_SECTIONS: u16 = 4096;
/// The longest name of a function that is read: mangled names are long.
const LONGEST_NAME: usize = 1024;

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
        self.each_static_function(|name, symbol| {
            if let Some(hit) = wanted.iter().find(|wanted| wanted.as_bytes() == name) {
                found.insert(*hit, symbol);
            }
        });
        found
    }

    /// The functions that the static symbol table defines under a name that `wanted`
    /// takes, as far as there are few.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn static_functions(&self, wanted: impl Fn(&[u8]) -> bool) -> Vec<(String, Symbol)> {
        /// Far more than anybody looks for.
        const MOST: usize = 1024;
        let mut found = Vec::new();
        self.each_static_function(|name, symbol| {
            if found.len() < MOST && wanted(name) {
                found.push((String::from_utf8_lossy(name).into_owned(), symbol));
            }
        });
        found
    }

    fn each_static_function(&self, mut each: impl FnMut(&[u8], Symbol)) {
        // Indices are into the header table, so headers are not filtered here.
        let sections = self.sections();
        let Some(table) = sections.iter().find(|s| s.kind == elf::SHT_SYMTAB) else { return };
        let Some(strings) = sections.get(table.link as usize) else { return };
        let strings = self.bytes(strings.offset, strings.size);
        for entry in self.bytes(table.offset, table.size).chunks_exact(24) {
            let Some(name) = le::u32(entry, 0).and_then(|at| strings.get(at as usize..)) else {
                continue;
            };
            let Some(symbol) = function(entry) else { continue };
            let name = &name[..name.len().min(LONGEST_NAME)];
            if let Some(end) = memchr::memchr(0, name) {
                each(&name[..end], symbol);
            }
        }
    }
}
