//! Functions that a file exports: which calls they make, what they mention, and where
//! to probe them.

use crate::elf::{Elf, Symbol};
use crate::place::{Call, Needs, Place, straight, walk};
use crate::{Abi, Function, Site};

/// Looked at from a function's entry where its size is not known.
pub(super) const WINDOW: usize = 256;

/// Where to probe the function `symbol` itself.
pub(super) fn place(elf: &Elf, symbol: Symbol, needs: Needs) -> Place {
    let size = usize::try_from(symbol.size).unwrap_or(0);
    let window = if size == 0 { WINDOW } else { size.min(4096) };
    straight(&elf.at(symbol.address, window), needs)
}

pub(super) fn site(
    elf: &Elf,
    symbol: Symbol,
    place: Place,
    function: Function,
    abi: Abi,
    name: String,
) -> Option<Site> {
    let address = symbol.address.checked_add(place.at)?;
    let offset = elf.offset_of(address).filter(|_| elf.is_code(address))?;
    Some(Site {
        function,
        abi,
        symbol: name,
        entry: offset,
        start: offset,
        returns: Vec::new(),
        placement: place.placement,
        reason: place.reason,
    })
}

/// Addresses that `code` loads: `lea reg, [rip+displacement]`, and in programs
/// linked to a fixed address `mov reg, address`.
pub(super) fn addresses(code: &[u8], start: u64) -> impl Iterator<Item = u64> {
    code.windows(7).zip(start..).filter_map(|(bytes, at)| match *bytes {
        [0x48 | 0x4c, 0x8d, modrm, a, b, c, d] if modrm & 0xc7 == 0x05 => {
            let displacement = i32::from_le_bytes([a, b, c, d]);
            at.checked_add(7)?.checked_add_signed(displacement.into())
        }
        [0xb8..=0xbf, a, b, c, d, ..] => Some(u32::from_le_bytes([a, b, c, d]).into()),
        _ => None,
    })
}

/// The version, as a text that an exported function mentions: `3.7.9`.
pub(super) fn version(elf: &Elf, function: &str) -> Option<String> {
    let function = elf.export(function)?;
    let code = elf.at(function.address, WINDOW);
    addresses(&code, function.address).find_map(|at| {
        let text = elf.text_at(at, 16)?;
        let numbers = text.split('.');
        let is_version = (2..=4).contains(&numbers.clone().count())
            && numbers.clone().all(|number| number.parse::<u16>().is_ok());
        is_version.then_some(text)
    })
}

/// The calls a function makes, those through the procedure linkage table and
/// the global offset table too.
pub(super) fn calls(elf: &Elf, symbol: Symbol) -> Vec<Call> {
    let mut calls = walk(symbol.address, |at, length| elf.at(at, length));
    calls.retain_mut(|call| {
        let slot = if call.indirect { Some(call.target) } else { stub(elf, call.target) };
        let Some(slot) = slot else { return true };
        let name = elf.dynamic().and_then(|dynamic| dynamic.slot(elf, slot));
        match name.and_then(|name| elf.export(&name)) {
            Some(callee) => {
                call.target = callee.address;
                call.indirect = false;
                true
            }
            // Another library's.
            None => false,
        }
    });
    calls
}

/// The word through which the linkage stub at `address` jumps, where it is one:
/// `jmp [rip+slot]`, after an `endbr64` or not, with a `bnd` prefix or not.
fn stub(elf: &Elf, address: u64) -> Option<u64> {
    let code = elf.at(address, 16);
    let skip = if code.starts_with(&[0xf3, 0x0f, 0x1e, 0xfa]) { 4 } else { 0 };
    let skip = skip + usize::from(code.get(skip) == Some(&0xf2));
    let [0xff, 0x25, displacement @ ..] = code.get(skip..skip + 6)? else {
        return None;
    };
    let displacement = i32::from_le_bytes(displacement.try_into().ok()?);
    address.checked_add(skip as u64 + 6)?.checked_add_signed(displacement.into())
}
