//! Which functions they are, without symbols.
//!
//! `encrypted_payload_len` adds a constant to a length, and is nothing else: a few
//! known bytes. It stands in the table of `dyn MessageEncrypter`, behind `encrypt`:
//!
//! ```text
//! { drop or 0, size, alignment, encrypt, encrypted_payload_len }
//! ```
//!
//! The code that mentions this table is `encrypter` of a `Tls13AeadAlgorithm` or
//! `Tls12AeadAlgorithm`, in whose table it stands before `decrypter`. That mentions
//! the table of `dyn MessageDecrypter`:
//!
//! ```text
//! { drop or 0, size, alignment, decrypt }
//! ```

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use memchr::memmem::Finder;

use super::super::Found;
use super::code;
use crate::elf::{Content, Elf, Functions, Pointers, Symbol, Window};
use crate::place::{Body, Needs, straight};
use crate::{Abi, Function, Method, Placement, Site, Tls};

/// Which versions' records look so.
const COVERED: &str = "0.23.";
/// `lea rax, [rsi + overhead]`, `ret`; of TLS 1.3, of TLS 1.2 with AES-GCM and with
/// ChaCha20-Poly1305, with a frame pointer or without.
const OVERHEADS: [(u8, &str); 3] =
    [(0x11, "TLS 1.3"), (0x18, "TLS 1.2, AES-GCM"), (0x10, "TLS 1.2, ChaCha20-Poly1305")];
/// Objects are no larger.
const LARGEST: u64 = 0x2000;
/// Functions of one source file lie together.
const NEAR: u64 = 0x900;
/// Functions of one part of a program are no farther apart.
const REACH: u64 = 64 << 10;
/// Tables looked at: a program has some ten.
const MAX_TABLES: usize = 256;
/// Places that mention one: a program has one or two.
const MAX_MENTIONS: usize = 16;
/// Functions followed in a file. What a program is made of takes some hundreds; one
/// that was made to take long is given up.
const MAX_FOLLOWED: u32 = 20_000;

/// A pair that makes and opens the records of one algorithm.
#[derive(Debug)]
struct Pair {
    kind: &'static str,
    encrypt: u64,
    decrypt: u64,
}

/// A table of `dyn MessageEncrypter`.
#[derive(Debug)]
struct Table {
    kind: &'static str,
    at: u64,
    /// Size of the object.
    size: u64,
    encrypt: u64,
}

/// Finds the functions.
///
/// # Errors
/// Why they cannot be told.
pub(super) fn find(
    elf: &Elf,
    versions: &[String],
    notes: &mut Vec<String>,
) -> Result<Found, String> {
    let Some(version) = versions.iter().find(|version| version.starts_with(COVERED)) else {
        return Err("its records are covered from 0.23 on".to_owned());
    };
    let named = named(elf);
    let method = if named.is_empty() { Method::Tables } else { Method::Symbols };
    let functions = if named.is_empty() { unnamed(elf, notes)? } else { named };
    let mut sites = Vec::new();
    for (&start, &(function, size, ref name)) in &functions {
        sites.push(site(elf, Symbol { address: start, size }, function, name)?);
    }
    for function in [Function::Write, Function::Read] {
        if !sites.iter().any(|site| site.function == function) {
            return Err(format!("no function looks like {}", name(function)));
        }
    }
    let version = Some(format!("rustls {version}"));
    Ok(Found { tls: Tls::Rustls, version, method, sites })
}

/// Functions by their starts: what each does, its size or 0, and its name.
type Starts = BTreeMap<u64, (Function, u64, String)>;

/// The functions, by the file's own symbol table.
fn named(elf: &Elf) -> Starts {
    let wanted = |name: &[u8]| {
        let has = |part: &str| Finder::new(part).find(name).is_some();
        let ours = has("rustls") && !has("quic") && !has("Invalid");
        ours && (has("MessageEncrypter") && has("7encrypt")
            || has("MessageDecrypter") && has("7decrypt"))
    };
    let mut starts = Starts::new();
    for (mangled, symbol) in elf.static_functions(wanted) {
        let encrypts = mangled.contains("7encrypt");
        let function = if encrypts { Function::Write } else { Function::Read };
        let is_right = if encrypts { code::encrypts } else { code::decrypts };
        if is_right(elf, symbol.address) {
            starts.insert(symbol.address, (function, symbol.size, name(function).to_owned()));
        }
    }
    starts
}

/// The same without symbols.
fn unnamed(elf: &Elf, notes: &mut Vec<String>) -> Result<Starts, String> {
    if elf.is_fixed() {
        return Err("without symbols, and linked to a fixed address".to_owned());
    }
    let search = Search { elf, pointers: elf.pointers(), left: Cell::new(MAX_FOLLOWED) };
    let tables = search.tables();
    if tables.is_empty() {
        return Err("no table looks like that of a MessageEncrypter".to_owned());
    }
    let pairs = search.pairs(&tables, notes);
    if search.left.get() == 0 {
        return Err("its code leads to too many functions".to_owned());
    }
    let mut starts = Starts::new();
    for pair in pairs {
        let told = |function| format!("{} ({})", name(function), pair.kind);
        starts.insert(pair.encrypt, (Function::Write, 0, told(Function::Write)));
        starts.insert(pair.decrypt, (Function::Read, 0, told(Function::Read)));
    }
    if starts.is_empty() {
        return Err("no encrypt has exactly one decrypt beside it".to_owned());
    }
    Ok(starts)
}

/// A search, which takes no longer than it may.
struct Search<'a> {
    elf: &'a Elf,
    pointers: Pointers,
    /// Functions that may still be followed.
    left: Cell<u32>,
}

impl Search<'_> {
    /// The tables of `dyn MessageEncrypter`.
    fn tables(&self) -> Vec<Table> {
        let leaves: BTreeMap<u64, &'static str> = leaves(self.elf).into_iter().collect();
        let objects = self.pointers.all().iter().filter_map(|&(slot, leaf)| {
            let kind = *leaves.get(&leaf)?;
            let at = slot.checked_sub(32)?;
            let (size, encrypt) = self.object(at)?;
            Some(Table { kind, at, size, encrypt })
        });
        // Following code is what takes long.
        objects.take(MAX_TABLES).filter(|table| self.encrypts(table.encrypt)).collect()
    }

    /// The size of the object whose table may lie at `at`, and its first function.
    fn object(&self, at: u64) -> Option<(u64, u64)> {
        let function =
            self.pointers.at(at.checked_add(24)?).filter(|&function| self.elf.is_code(function))?;
        let plain = self.pointers.at(at + 8).is_none() && self.pointers.at(at + 16).is_none();
        let words = self.elf.at(at + 8, 16);
        let (size, alignment) = (crate::elf::le::u64(&words, 0)?, crate::elf::le::u64(&words, 8)?);
        let is_object =
            size > 0 && size < LARGEST && alignment.is_power_of_two() && alignment <= 64;
        (plain && is_object).then_some((size, function))
    }

    /// The pairs of which both are known.
    fn pairs(&self, tables: &[Table], notes: &mut Vec<String>) -> Vec<Pair> {
        let places: Vec<u64> = tables.iter().map(|table| table.at).collect();
        let references = self.elf.references(&places).unwrap_or_default();
        let mentions: Vec<u64> = references.iter().map(|reference| reference.at).collect();
        let functions = Functions::around(self.elf, &mentions);
        let encrypts: BTreeSet<u64> = tables.iter().map(|table| table.encrypt).collect();
        let mut pairs = Vec::new();
        let mut unchained = Vec::new();
        for table in tables {
            let ours = || {
                let all = references.iter().filter(|reference| reference.target == table.at);
                all.take(MAX_MENTIONS)
            };
            let holding = |at: u64| {
                let mut likely = functions.holding(at).into_iter();
                likely.find(|f| Body::follow(f.bounds.clone(), &f.code).holds(at))
            };
            let told = ours().filter_map(|reference| holding(reference.at));
            let mut starts: BTreeSet<u64> = told.map(|function| function.bounds.start).collect();
            starts.extend(ours().filter_map(|reference| self.pointed(reference.at)));
            let decrypters: BTreeSet<u64> =
                starts.iter().flat_map(|&start| self.decrypters(start)).collect();
            let opened: BTreeSet<u64> =
                decrypters.iter().flat_map(|&start| self.opened(start)).collect();
            let candidates: Vec<u64> = opened.difference(&encrypts).copied().collect();
            let (kind, encrypt) = (table.kind, table.encrypt);
            match candidates[..] {
                [] => unchained
                    .push((table, ours().map(|reference| reference.at).collect::<Vec<_>>())),
                [decrypt] => pairs.push(Pair { kind, encrypt, decrypt }),
                _ => notes.push(format!("{encrypt:#x} ({kind}): one of {candidates:#x?} decrypts")),
            }
        }
        let taken: BTreeSet<u64> =
            pairs.iter().map(|pair| pair.decrypt).chain(encrypts.iter().copied()).collect();
        for (table, mentions) in unchained {
            let near: BTreeSet<u64> =
                mentions.iter().flat_map(|&at| self.around(table, at)).collect();
            let candidates: Vec<u64> = near.difference(&taken).copied().collect();
            let (kind, encrypt) = (table.kind, table.encrypt);
            match candidates[..] {
                [decrypt] => pairs.push(Pair { kind, encrypt, decrypt }),
                _ => notes.push(format!("{encrypt:#x} ({kind}): one of {candidates:#x?} decrypts")),
            }
        }
        for Pair { kind, encrypt, decrypt } in &pairs {
            notes.push(format!("{encrypt:#x} encrypts, {decrypt:#x} decrypts ({kind})"));
        }
        pairs
    }

    /// The function in a table that comes past a place.
    fn pointed(&self, place: u64) -> Option<u64> {
        let close = self.pointers.leading_to(place.saturating_sub(NEAR)..place.saturating_add(1));
        let nearest = close.iter().rev().map(|&(to, _)| to).find(|&to| self.elf.is_code(to))?;
        self.body(nearest).holds(place).then_some(nearest)
    }

    /// The functions that stand behind `encrypter` in a table, or behind one that does
    /// nothing but call it.
    fn decrypters(&self, encrypter: u64) -> Vec<u64> {
        let behind = |at: u64| self.pointers.at(at.checked_add(8)?);
        let of = |start: u64| {
            let slots = self.pointers.leading_to(start..start.saturating_add(1)).iter();
            slots.take(MAX_MENTIONS).filter_map(|&(_, at)| behind(at)).collect::<Vec<_>>()
        };
        let direct = of(encrypter);
        if !direct.is_empty() {
            return direct;
        }
        let reach = encrypter.saturating_sub(REACH)..encrypter.saturating_add(REACH);
        let close = self.pointers.leading_to(reach).iter().map(|&(to, _)| to);
        let close: BTreeSet<u64> = close.filter(|&to| self.elf.is_code(to)).collect();
        let calls = |&start: &u64| self.body(start).callees().any(|to| to == encrypter);
        close.into_iter().filter(calls).flat_map(of).collect()
    }

    /// What `decrypter`, or what it calls, makes objects with whose function decrypts.
    fn opened(&self, decrypter: u64) -> Vec<u64> {
        let body = self.body(decrypter);
        let mut found = self.tables_in(body.mentions());
        if found.is_empty() {
            for callee in body.callees().filter(|callee| callee.abs_diff(decrypter) < REACH) {
                found.extend(self.tables_in(self.body(callee).mentions()));
            }
        }
        found
    }

    fn tables_in(&self, mentioned: impl Iterator<Item = u64>) -> Vec<u64> {
        let functions = mentioned.filter_map(|at| self.object(at));
        functions.map(|(_, function)| function).filter(|&f| self.decrypts(f)).collect()
    }

    /// The same of all code around a place.
    fn around(&self, table: &Table, place: u64) -> Vec<u64> {
        let from = place.saturating_sub(NEAR);
        let code = self.elf.at(from, 2 * NEAR as usize);
        let mentioned = (0..code.len().saturating_sub(7)).filter_map(|at| {
            let [0x48 | 0x4c, 0x8d, modrm] = code[at..at + 3] else { return None };
            let displacement = crate::elf::le::u32(&code, at + 3)?.cast_signed();
            (modrm & 0xc7 == 5)
                .then(|| (from + at as u64 + 7).wrapping_add_signed(displacement.into()))
        });
        mentioned.filter_map(|at| self.decrypt(table, at)).collect()
    }

    /// The function of a table of `dyn MessageDecrypter`, if one lies at `at` whose
    /// objects are as large as those of the encrypter.
    fn decrypt(&self, table: &Table, at: u64) -> Option<u64> {
        let (size, function) = self.object(at)?;
        (at != table.at && size == table.size && self.decrypts(function)).then_some(function)
    }

    fn encrypts(&self, function: u64) -> bool {
        self.may_follow() && code::encrypts(self.elf, function)
    }

    fn decrypts(&self, function: u64) -> bool {
        self.may_follow() && code::decrypts(self.elf, function)
    }

    fn body(&self, function: u64) -> Body {
        if self.may_follow() {
            code::body(self.elf, function)
        } else {
            Body::follow(function..function, &[])
        }
    }

    fn may_follow(&self) -> bool {
        self.left.set(self.left.get().saturating_sub(1));
        self.left.get() > 0
    }
}

/// Functions that add a constant to their second argument.
fn leaves(elf: &Elf) -> Vec<(u64, &'static str)> {
    let shapes = OVERHEADS.iter().flat_map(|&(overhead, kind)| {
        let short = vec![0x48, 0x8d, 0x46, overhead, 0xc3];
        let long = vec![0x55, 0x48, 0x89, 0xe5, 0x48, 0x8d, 0x46, overhead, 0x5d, 0xc3];
        [(short, kind), (long, kind)]
    });
    let shapes: Vec<_> = shapes.collect();
    let finders: Vec<_> = shapes.iter().map(|(shape, kind)| (Finder::new(shape), *kind)).collect();
    let find = |window: Window<'_>, found: &mut Vec<(u64, &'static str)>| {
        for (finder, kind) in &finders {
            let hits = finder.find_iter(window.bytes).take_while(|&at| at < window.own);
            found.extend(hits.map(|at| (window.address + at as u64, *kind)));
        }
    };
    elf.sweep(Content::Code, 16, find).unwrap_or_default()
}

fn name(function: Function) -> &'static str {
    if function == Function::Write {
        "MessageEncrypter::encrypt"
    } else {
        "MessageDecrypter::decrypt"
    }
}

/// Both take `(result, self, message, number)`.
fn site(elf: &Elf, symbol: Symbol, function: Function, name: &str) -> Result<Site, String> {
    let code = elf.at(symbol.address, 256);
    let place = straight(&code, Needs { arguments: 4, returns: function == Function::Read });
    // A table leads to where a function begins; that it can be probed there is shown by
    // what it begins with.
    if symbol.size == 0 && place.placement == Placement::Stepped {
        return Err(format!("{name} does not begin like a function"));
    }
    let offset = symbol
        .address
        .checked_add(place.at)
        .filter(|&address| elf.is_code(address))
        .and_then(|address| elf.offset_of(address))
        .ok_or_else(|| format!("{name} lies outside its code"))?;
    Ok(Site {
        function,
        abi: Abi::Record,
        symbol: name.to_owned(),
        entry: offset,
        start: offset,
        returns: Vec::new(),
        placement: place.placement,
        reason: format!("called through a table, at {:#x}; {}", symbol.address, place.reason),
    })
}
