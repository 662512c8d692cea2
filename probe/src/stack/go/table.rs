//! The table of functions in a Go program (`runtime/symtab.go`, `debug/gosym`).
//!
//! A header, the functions' names, and for each function where its code begins and
//! where its record is, which says which of the names is its own. Of versions 1.18
//! (the header's, as all here) on, code is told by how far it is from where all code
//! begins; that again stands in the header up to Go 1.25, unless it is relocated.

use memchr::memmem;

use super::{code, is_table};
use crate::elf::{Elf, Section, le};

/// `Go 1.2`, `1.16`: how a header begins.
const OLD: [u32; 2] = [0xffff_fffb, 0xffff_fffa];
/// `Go 1.18`, `1.20`.
const FORMS: [(u32, &str); 2] = [(0xffff_fff0, "Go 1.18"), (0xffff_fff1, "Go 1.20")];
/// The header's size: eight bytes and eight words.
const HEADER: usize = 72;
/// The largest programs have some 500 000 functions.
const MAX_FUNCTIONS: u64 = 1 << 22;
/// The largest, of 700 MB, have some 70 MiB of names or records.
const MAX_PART: u64 = 128 << 20;
/// Code in which its beginning is searched.
const MAX_SEARCHED: u64 = 64 << 20;

/// How many functions are looked at to see where code begins.
const SAMPLE: usize = 64;

/// Where a function's code is, as distances from where all code begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) start: u64,
    pub(super) end: u64,
}

/// Where all code begins.
#[derive(Clone, Debug)]
pub(super) struct Base {
    pub(super) address: u64,
    /// For people.
    pub(super) told_by: String,
}

/// The table.
#[derive(Debug)]
pub(super) struct Table {
    form: &'static str,
    functions: usize,
    /// As the header says; 0 where it does not.
    text_start: u64,
    names: Vec<u8>,
    /// Pairs of a function's distance and its record's offset, and the records.
    records: Vec<u8>,
}

impl Table {
    /// Reads the table; `None` where there is none.
    ///
    /// # Errors
    /// Why it cannot be read, for people.
    pub(super) fn read(elf: &Elf, sections: &[Section]) -> Result<Option<Self>, String> {
        let mut tables = sections.iter().filter(|section| is_table(section));
        let Some(section) = tables.next() else { return Ok(None) };
        if tables.next().is_some() {
            return Err("it has several tables of functions".to_owned());
        }
        let header = elf.bytes(section.offset, HEADER as u64);
        let magic = le::u32(&header, 0).unwrap_or_default();
        if OLD.contains(&magic) {
            return Err("built by a Go before 1.18, whose calls are not known here".to_owned());
        }
        let form = FORMS.iter().find(|(m, _)| *m == magic).map(|(_, form)| *form);
        let form = form.ok_or("its table of functions is of a form not known here")?;
        Self::parse(elf, section, &header, form)
            .map(Some)
            .ok_or_else(|| "its table of functions is broken".to_owned())
    }

    fn parse(elf: &Elf, section: &Section, header: &[u8], form: &'static str) -> Option<Self> {
        // The size of an instruction's unit, and of a pointer.
        if header.get(6..8)? != [1, 8] {
            return None;
        }
        let word = |n: usize| le::u64(header, 8 + 8 * n);
        let (functions, text_start) = (word(0)?, word(2)?);
        let (names_at, names_end, records_at) = (word(3)?, word(4)?, word(7)?);
        if functions == 0 || functions > MAX_FUNCTIONS {
            return None;
        }
        let part = |from: u64, to: u64| {
            let length = to.checked_sub(from).filter(|l| *l <= MAX_PART && to <= section.size)?;
            let bytes = elf.bytes(section.offset.checked_add(from)?, length);
            (bytes.len() as u64 == length).then_some(bytes)
        };
        let names = part(names_at, names_end)?;
        let records = part(records_at, section.size)?;
        Some(Self { form, functions: usize::try_from(functions).ok()?, text_start, names, records })
    }

    /// The version of its form.
    pub(super) fn form(&self) -> &'static str {
        self.form
    }

    /// How many functions it names.
    pub(super) fn len(&self) -> usize {
        self.functions
    }

    /// Where the functions of these names are, each where there is one.
    ///
    /// # Errors
    /// Which name several functions have.
    pub(super) fn named(&self, wanted: &[&str]) -> Result<Vec<Option<Extent>>, String> {
        let names: Vec<Option<u32>> = wanted.iter().map(|name| self.name(name)).collect();
        let mut found = vec![None; wanted.len()];
        if names.iter().all(Option::is_none) {
            return Ok(found);
        }
        for (start, record) in (0..self.functions).map_while(|n| self.entry(n)) {
            let Some(name) = le::u32(&self.records, record + 4) else { continue };
            let Some(at) = names.iter().position(|wanted| *wanted == Some(name)) else { continue };
            if found[at].replace(start).is_some() {
                return Err(format!("several functions are named {}", wanted[at]));
            }
        }
        Ok(found)
    }

    /// Where a name is among the names.
    fn name(&self, name: &str) -> Option<u32> {
        let mut text = vec![0];
        text.extend(name.as_bytes());
        text.push(0);
        // The first of them is empty, so that each has a zero before it.
        let at = memmem::find(&self.names, &text)?;
        u32::try_from(at + 1).ok()
    }

    /// The extent of the function with this number, and where its record is.
    fn entry(&self, number: usize) -> Option<(Extent, usize)> {
        let start = le::u32(&self.records, 8 * number)?;
        let record = le::u32(&self.records, 8 * number + 4)?;
        let end = le::u32(&self.records, 8 * number + 8)?;
        let extent = Extent { start: start.into(), end: end.into() };
        Some((extent, record as usize))
    }

    /// Where all code begins, if that is certain: from there, each function at `starts`
    /// begins as Go's functions do, and so do most others.
    ///
    /// # Errors
    /// Why it is not known, for people.
    pub(super) fn base(
        &self,
        elf: &Elf,
        sections: &[Section],
        starts: &[u64],
    ) -> Result<Base, String> {
        let sample = self.sample();
        let fits = |address: u64| {
            let begins = |start: &u64| {
                let code = address.checked_add(*start).filter(|at| elf.is_code(*at));
                code.is_some_and(|at| code::is_beginning(&elf.at(at, code::BEGINNING)))
            };
            starts.iter().all(begins)
                && 2 * sample.iter().filter(|start| begins(start)).count() >= sample.len()
        };
        let base = |address, told_by: &str| Base { address, told_by: told_by.to_owned() };
        if self.text_start != 0 {
            return if fits(self.text_start) {
                Ok(base(self.text_start, "as the table says"))
            } else {
                Err("its table of functions leads to other code".to_owned())
            };
        }
        // Go 1.26 does not say, and neither does what is relocated.
        let symbols = elf.static_symbols(&["runtime.text"]);
        if let Some(symbol) = symbols.get("runtime.text").filter(|symbol| fits(symbol.address)) {
            return Ok(base(symbol.address, "where the symbol runtime.text is"));
        }
        let Some(text) = sections.iter().find(|section| section.name == ".text") else {
            return Err("where its code begins is not told".to_owned());
        };
        if fits(text.address) {
            return Ok(base(text.address, "where its section of code begins"));
        }
        self.searched(elf, text, starts, &fits)
    }

    /// Where some functions are. Those of the runtime, which look for no room, are all
    /// in one place.
    fn sample(&self) -> Vec<u64> {
        let step = (self.functions / SAMPLE).max(1);
        let some = (0..self.functions).step_by(step).filter_map(|n| self.entry(n));
        some.map(|(extent, _)| extent.start).collect()
    }

    /// Code of others comes first: the distance of two functions tells.
    fn searched(
        &self,
        elf: &Elf,
        text: &Section,
        starts: &[u64],
        fits: &dyn Fn(u64) -> bool,
    ) -> Result<Base, String> {
        let code = elf.bytes(text.offset, text.size.min(MAX_SEARCHED));
        let first = starts.first().copied().unwrap_or_default();
        let mut found = None;
        for at in code::beginnings(&code) {
            let Some(address) =
                text.address.checked_add(at as u64).and_then(|at| at.checked_sub(first))
            else {
                continue;
            };
            if address < text.address || found == Some(address) || !fits(address) {
                continue;
            }
            if found.replace(address).is_some() {
                return Err("its code may begin at several places".to_owned());
            }
        }
        let told_by = "the one place from which its functions are as far as the table says";
        found
            .map(|address| Base { address, told_by: told_by.to_owned() })
            .ok_or_else(|| "where its code begins is not known".to_owned())
    }
}
