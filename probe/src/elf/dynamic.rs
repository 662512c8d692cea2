//! The dynamic section: what the dynamic linker reads, and so what every
//! stripped file still has.

use std::collections::HashMap;
use std::sync::OnceLock;

use object::elf;

use super::{Elf, Symbol, le};

/// The longest hash chain followed.
const MAX_CHAIN: u32 = 4096;
/// The most symbols, and bytes of their names, looked at where there is only the
/// old hash table.
const MAX_SYMBOLS: u64 = 1 << 16;
const MAX_STRINGS: u64 = 8 << 20;
/// The most relocations looked at.
const MAX_RELOCATIONS: u64 = 1 << 20;
const LONGEST_NAME: usize = 512;

/// The addresses of the dynamic linker's tables.
#[derive(Clone, Debug, Default)]
pub struct Dynamic {
    gnu_hash: Option<u64>,
    hash: Option<u64>,
    symbols: u64,
    strings: u64,
    strings_size: u64,
    version_definitions: Option<(u64, u64)>,
    relocations: Vec<(u64, u64)>,
    slots: OnceLock<HashMap<u64, u32>>,
    needed: Vec<u64>,
}

impl Dynamic {
    pub(super) fn read(elf: &Elf) -> Option<Self> {
        let segment = elf.segments().iter().find(|s| s.kind == elf::PT_DYNAMIC)?;
        let bytes = elf.bytes(segment.offset, segment.file_size.min(64 << 10));
        let mut this = Self::default();
        let mut rela = (0, 0);
        let mut plt = (0, 0);
        let mut versions = (None, 0);
        for entry in bytes.chunks_exact(16) {
            let (tag, value) = (le::u64(entry, 0)?, le::u64(entry, 8)?);
            match u32::try_from(tag).unwrap_or(u32::MAX) {
                elf::DT_NULL => break,
                elf::DT_GNU_HASH => this.gnu_hash = Some(value),
                elf::DT_HASH => this.hash = Some(value),
                elf::DT_SYMTAB => this.symbols = value,
                elf::DT_STRTAB => this.strings = value,
                elf::DT_STRSZ => this.strings_size = value,
                elf::DT_NEEDED if this.needed.len() < 1024 => this.needed.push(value),
                elf::DT_RELA => rela.0 = value,
                elf::DT_RELASZ => rela.1 = value,
                elf::DT_JMPREL => plt.0 = value,
                elf::DT_PLTRELSZ => plt.1 = value,
                elf::DT_VERDEF => versions.0 = Some(value),
                elf::DT_VERDEFNUM => versions.1 = value,
                _ => {}
            }
        }
        this.relocations = [plt, rela].into_iter().filter(|t| t.1 > 0).collect();
        this.version_definitions = versions.0.map(|at| (at, versions.1));
        (this.symbols != 0 && this.strings != 0).then_some(this)
    }

    /// Names of the libraries this file asks for.
    pub fn needed(&self, elf: &Elf) -> Vec<String> {
        let names = self.needed.iter().filter_map(|&at| self.string(elf, at));
        names.collect()
    }

    /// The symbol versions this file defines, such as `OPENSSL_3.2.0`.
    pub fn versions(&self, elf: &Elf) -> Vec<String> {
        let mut names = Vec::new();
        let Some((mut at, count)) = self.version_definitions else {
            return names;
        };
        for _ in 0..count.min(256) {
            let definition = elf.at(at, 20);
            let (Some(aux), Some(next)) = (le::u32(&definition, 12), le::u32(&definition, 16))
            else {
                break;
            };
            let name = at
                .checked_add(u64::from(aux))
                .and_then(|a| le::u32(&elf.at(a, 4), 0))
                .and_then(|n| self.string(elf, u64::from(n)));
            names.extend(name);
            match at.checked_add(u64::from(next)) {
                Some(following) if next != 0 => at = following,
                _ => break,
            }
        }
        names
    }

    /// The name of the symbol whose address the dynamic linker writes into the
    /// word at `slot` (`R_X86_64_JUMP_SLOT`, `R_X86_64_GLOB_DAT` and the like).
    pub fn slot(&self, elf: &Elf, slot: u64) -> Option<String> {
        let index = *self.slots.get_or_init(|| self.read_slots(elf)).get(&slot)?;
        let symbol = self.raw_symbol(elf, index.into())?;
        self.string(elf, u64::from(le::u32(&symbol, 0)?))
    }

    /// Symbol indices by the address of the word they are written to.
    fn read_slots(&self, elf: &Elf) -> HashMap<u64, u32> {
        let mut slots = HashMap::new();
        for &(at, size) in &self.relocations {
            let count = (size / 24).min(MAX_RELOCATIONS);
            for entry in elf.at(at, count as usize * 24).chunks_exact(24) {
                let (Some(slot), Some(symbol)) = (le::u64(entry, 0), le::u32(entry, 12)) else {
                    break;
                };
                // Most have no symbol: they only move with the file.
                if symbol != 0 {
                    slots.insert(slot, symbol);
                }
            }
        }
        slots
    }

    pub(super) fn lookup(&self, elf: &Elf, name: &str) -> Option<Symbol> {
        if self.gnu_hash.is_some() {
            self.lookup_gnu(elf, name)
        } else {
            self.lookup_sysv(elf, name)
        }
    }

    /// <https://sourceware.org/gnu-gabi/program-loading-and-dynamic-linking.txt>
    fn lookup_gnu(&self, elf: &Elf, name: &str) -> Option<Symbol> {
        let table = self.gnu_hash?;
        let header = elf.at(table, 16);
        let buckets = le::u32(&header, 0)?;
        let first = le::u32(&header, 4)?;
        let bloom_words = le::u32(&header, 8)?;
        let shift = le::u32(&header, 12)?;
        if buckets == 0 || !bloom_words.is_power_of_two() {
            return None;
        }
        let hash = name.bytes().fold(5381_u32, |h, b| h.wrapping_mul(33).wrapping_add(b.into()));
        let bloom_at = table.checked_add(16)?;
        let word = bloom_at.checked_add(u64::from((hash / 64) & (bloom_words - 1)) * 8)?;
        let bloom = le::u64(&elf.at(word, 8), 0)?;
        let wanted = 1_u64 << (hash % 64) | 1_u64 << (hash.checked_shr(shift).unwrap_or(0) % 64);
        if bloom & wanted != wanted {
            return None;
        }
        let buckets_at = bloom_at.checked_add(u64::from(bloom_words) * 8)?;
        let bucket = buckets_at.checked_add(u64::from(hash % buckets) * 4)?;
        let chains_at = buckets_at.checked_add(u64::from(buckets) * 4)?;
        let start = le::u32(&elf.at(bucket, 4), 0)?;
        let mut chain = start.checked_sub(first)?;
        for index in (start..).take(MAX_CHAIN as usize) {
            let link = le::u32(&elf.at(chains_at.checked_add(u64::from(chain) * 4)?, 4), 0)?;
            if link | 1 == hash | 1
                && let Some(found) = self.defined(elf, index.into(), name)
            {
                return Some(found);
            }
            if link & 1 == 1 {
                return None;
            }
            chain = chain.checked_add(1)?;
        }
        None
    }

    /// System V gABI, "Hash Table". Few files have only this one, so the table
    /// serves for its symbol count and the symbols are walked.
    fn lookup_sysv(&self, elf: &Elf, name: &str) -> Option<Symbol> {
        let count = u64::from(le::u32(&elf.at(self.hash?, 8), 4)?).min(MAX_SYMBOLS);
        let table = elf.at(self.symbols, usize::try_from(count * 24).ok()?);
        let strings = elf.at(self.strings, self.strings_size.min(MAX_STRINGS) as usize);
        table.chunks_exact(24).find_map(|entry| {
            let at = le::u32(entry, 0)? as usize;
            let rest = strings.get(at..)?;
            let matches = rest.strip_prefix(name.as_bytes())?.first() == Some(&0);
            matches.then(|| function(entry)).flatten()
        })
    }

    fn defined(&self, elf: &Elf, index: u64, name: &str) -> Option<Symbol> {
        let entry = self.raw_symbol(elf, index)?;
        let at = u64::from(le::u32(&entry, 0)?);
        let text = elf.at(self.strings.checked_add(at)?, name.len() + 1);
        let matches = text.strip_suffix(&[0]) == Some(name.as_bytes());
        matches.then(|| function(&entry)).flatten()
    }

    fn raw_symbol(&self, elf: &Elf, index: u64) -> Option<Vec<u8>> {
        let entry = elf.at(self.symbols.checked_add(index.checked_mul(24)?)?, 24);
        (entry.len() == 24).then_some(entry)
    }

    fn string(&self, elf: &Elf, at: u64) -> Option<String> {
        if at >= self.strings_size {
            return None;
        }
        elf.text_at(self.strings.checked_add(at)?, LONGEST_NAME)
    }
}

/// The function that a symbol table entry defines.
pub(super) fn function(entry: &[u8]) -> Option<Symbol> {
    let kind = entry.get(4)? & 0xf;
    let section = le::u16(entry, 6)?;
    let address = le::u64(entry, 8)?;
    let defined = section != elf::SHN_UNDEF && address != 0;
    (defined && (kind == elf::STT_FUNC || kind == elf::STT_GNU_IFUNC))
        .then_some(Symbol { address, size: le::u64(entry, 16)? })
}
