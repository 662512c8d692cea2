//! The tables in which they stand from 0.22 on.
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

use std::collections::{BTreeMap, BTreeSet};

use memchr::memmem::Finder;

use super::search::{Object, Search, Starts};
use crate::Function;
use crate::elf::{Content, Elf, Functions, Window};
use crate::place::Body;

/// `lea rax, [rsi + overhead]`, `ret`; of TLS 1.3, of TLS 1.2 with AES-GCM and with
/// ChaCha20-Poly1305, with a frame pointer or without.
const OVERHEADS: [(u8, &str); 3] =
    [(0x11, "TLS 1.3"), (0x18, "TLS 1.2, AES-GCM"), (0x10, "TLS 1.2, ChaCha20-Poly1305")];
/// Functions of one source file lie together.
const NEAR: u64 = 0x900;
/// Functions of one part of a program are no farther apart.
const REACH: u64 = 64 << 10;
/// Tables looked at: a program has some ten.
const MAX_TABLES: usize = 256;
/// Places that mention one: a program has one or two.
const MAX_MENTIONS: usize = 16;

/// Whether this version has them.
pub(super) fn are_in(version: &str) -> bool {
    !version.starts_with("0.21.")
}

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

/// The functions.
///
/// # Errors
/// Why they cannot be told.
pub(super) fn find(search: &Search<'_>, notes: &mut Vec<String>) -> Result<Starts, String> {
    let tables = search.tables();
    if tables.is_empty() {
        return Err("no table looks like that of a MessageEncrypter".to_owned());
    }
    let pairs = search.pairs(&tables, notes);
    let starts: Starts = pairs
        .iter()
        .flat_map(|pair| {
            let kind = Some(pair.kind);
            [(pair.encrypt, (Function::Write, kind)), (pair.decrypt, (Function::Read, kind))]
        })
        .collect();
    if starts.is_empty() {
        return Err("no encrypt has exactly one decrypt beside it".to_owned());
    }
    Ok(starts)
}

impl Search<'_> {
    /// The tables of `dyn MessageEncrypter`.
    fn tables(&self) -> Vec<Table> {
        let leaves: BTreeMap<u64, &'static str> = leaves(self.elf).into_iter().collect();
        let objects = self.pointers.all().iter().filter_map(|&(slot, leaf)| {
            let kind = *leaves.get(&leaf)?;
            let (at, object) = [32, 40].into_iter().find_map(|before| {
                let at = slot.checked_sub(before)?;
                let object = self.object(at)?;
                (object.slot + 8 == slot).then_some((at, object))
            })?;
            Some(Table { kind, at, size: object.size, encrypt: object.function })
        });
        // Following code is what takes long.
        objects.take(MAX_TABLES).filter(|table| self.encrypts(table.encrypt)).collect()
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
        let objects = mentioned.filter_map(|at| self.object(at));
        objects.map(|object| object.function).filter(|&f| self.decrypts(f)).collect()
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
        let Object { size, function, .. } = self.object(at)?;
        (at != table.at && size == table.size && self.decrypts(function)).then_some(function)
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
