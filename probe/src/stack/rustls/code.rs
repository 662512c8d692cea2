//! What the functions look like: by which of their arguments' fields they use. Fields lie
//! where rustc puts them; a function that uses others is of another version, or another
//! function.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use memchr::memmem::Finder;

use crate::Abi;
use crate::elf::{Elf, Frames};
use crate::place::{Body, Marks, fields, marks};

/// The longest function that is followed.
const LONGEST: u64 = 16 << 10;
/// As much of one whose size nobody tells.
const UNTOLD: u64 = 2 << 10;
/// Functions looked at that a level of others calls, and levels: where a program was made
/// small, what is a line of code is a function.
const MAX_CALLEES: usize = 64;
const DEPTH: usize = 3;
/// The most plaintext that a record holds (RFC 8446, 5.1), alone, or with what TLS 1.3 puts
/// behind it and encrypting around it.
const LIMITS: RangeInclusive<u64> = 0x4000..=0x4018;

/// How a version hands records to its functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Records {
    /// 0.21 and 0.22: `encrypt` gets a slice (`BorrowedPlainMessage`), `decrypt` a `Vec`
    /// (`OpaqueMessage`).
    Owned,
    /// 0.23: `encrypt` gets a slice or a list of them (`OutboundPlainMessage`), `decrypt`
    /// a slice (`InboundOpaqueMessage`).
    Borrowed,
}

impl Records {
    /// How this version does; `None` where that is not known.
    pub(super) fn of(version: &str) -> Option<Self> {
        match version.split('.').collect::<Vec<_>>()[..] {
            ["0", "21" | "22", _] => Some(Self::Owned),
            ["0", "23", _] => Some(Self::Borrowed),
            _ => None,
        }
    }

    /// What the kernel programs are told.
    pub(super) fn abi(self) -> Abi {
        match self {
            Self::Owned => Abi::OwnedRecord,
            Self::Borrowed => Abi::Record,
        }
    }

    /// Whether a function is `encrypt`, by what it uses of its third argument: of a slice
    /// the place and length (0 and 8), and behind that the type; or which kind of
    /// `OutboundChunks` it has (0), and which part of a list (0x10 and 0x18).
    pub(super) fn encrypts(self, elf: &Elf, function: u64) -> bool {
        let used = message(elf, function);
        match self {
            Self::Owned => within(&used, &[0, 8], 0x18) && used.range(0x10..).next().is_some(),
            Self::Borrowed => within(&used, &[0, 0x10, 0x18], 0x28),
        }
    }

    /// Whether a function is `decrypt`: of a `Vec` it uses all, as it frees or returns it
    /// (0, 8 and 0x10); of a slice the place and length.
    pub(super) fn decrypts(self, elf: &Elf, function: u64) -> bool {
        let used = message(elf, function);
        match self {
            Self::Owned => within(&used, &[0, 8, 0x10], 0x20),
            Self::Borrowed => within(&used, &[0, 8], 0x18),
        }
    }
}

/// Whether all of `expected` are used, and nothing in front of the object or behind it.
fn within(used: &BTreeSet<i64>, expected: &[i64], size: i64) -> bool {
    expected.iter().all(|field| used.contains(field))
        && used.range(..0).next().is_none()
        && used.range(size..).next().is_none()
}

/// Whether a function compares something with how much a record may hold, as those do that
/// open them.
pub(super) fn limits(elf: &Elf, function: u64) -> bool {
    marks(function, &code(elf, function)).compared.range(LIMITS).next().is_some()
}

/// Whether a function turns the bytes of a word around, or one that it calls, or that calls:
/// records are numbered in network order.
pub(super) fn numbers(elf: &Elf, function: u64) -> bool {
    let mut level = BTreeSet::from([function]);
    for _ in 0..DEPTH {
        let all: Vec<Marks> = level.iter().map(|&of| marks(of, &code(elf, of))).collect();
        if all.iter().any(|marks| marks.turns_bytes) {
            return true;
        }
        let callees = all.into_iter().flat_map(|marks| marks.callees);
        level = callees.filter(|&callee| elf.is_code(callee)).take(MAX_CALLEES).collect();
    }
    false
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
