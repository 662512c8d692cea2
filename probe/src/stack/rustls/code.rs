//! What the functions look like in rustls 0.23: by which of their arguments' fields
//! they use. Fields lie where rustc puts them; a function that uses others is of
//! another version, or another function.

use std::collections::BTreeSet;

use memchr::memmem::Finder;

use crate::elf::{Elf, Frames};
use crate::place::{Body, fields};

/// The longest function that is followed.
const LONGEST: u64 = 16 << 10;
/// As much of one whose size nobody tells.
const UNTOLD: u64 = 2 << 10;

/// Whether a function is `encrypt`: its third argument is an `OutboundPlainMessage`,
/// of which it asks which kind of `OutboundChunks` it has (0), and which part of a
/// list (0x10 and 0x18).
pub(super) fn encrypts(elf: &Elf, function: u64) -> bool {
    let fields = message(elf, function);
    [0, 0x10, 0x18].iter().all(|field| fields.contains(field))
        && fields.range(..0).next().is_none()
        && fields.range(0x28..).next().is_none()
}

/// Whether a function is `decrypt`: its third argument is an `InboundOpaqueMessage`,
/// of which it uses where the record lies (0) and how long it is (8), and nothing
/// behind what follows that.
pub(super) fn decrypts(elf: &Elf, function: u64) -> bool {
    let fields = message(elf, function);
    [0, 8].iter().all(|field| fields.contains(field))
        && fields.range(..0).next().is_none()
        && fields.range(0x18..).next().is_none()
}

fn message(elf: &Elf, function: u64) -> BTreeSet<i64> {
    fields(&code(elf, function), 2)
}

/// The function's instructions.
pub(super) fn body(elf: &Elf, function: u64) -> Body {
    let code = code(elf, function);
    Body::follow(function..function.saturating_add(code.len() as u64), &code)
}

/// The function's bytes; where nobody tells its size, up to what lies between
/// functions.
fn code(elf: &Elf, function: u64) -> Vec<u8> {
    let told = Frames::of(elf).and_then(|frames| frames.function(elf, function));
    let size = told.map(|bounds| bounds.end - function);
    let mut code = elf.at(function, size.unwrap_or(UNTOLD).min(LONGEST) as usize);
    if size.is_none() {
        let end = Finder::new(&[0xcc, 0xcc]).find(&code);
        code.truncate(end.unwrap_or(code.len()));
    }
    code
}
