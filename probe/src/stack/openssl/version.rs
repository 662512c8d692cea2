//! Which version a file holds.

use std::collections::BTreeSet;

use super::super::Neighbour;
use super::super::exports::addresses;
use crate::elf::Elf;

/// How version texts begin.
const NAMES: [&str; 4] = ["OpenSSL ", "LibreSSL ", "BoringSSL", "AWS-LC"];
const LONGEST: usize = 64;
/// Code of `OpenSSL_version` that is looked at.
const WINDOW: usize = 512;

/// The version text of the library in `elf`: what its `OpenSSL_version` (or, of
/// a libssl, that of the libcrypto beside it) refers to; else the newest symbol
/// version it defines.
pub(super) fn version(elf: &Elf, neighbour: &Neighbour<'_>) -> Option<String> {
    text(elf).or_else(|| crypto(elf, neighbour)).or_else(|| newest(elf))
}

/// The version of a library that lies in the file without symbols: the one text
/// among its constants that begins like OpenSSL's.
pub(super) fn in_constants(elf: &Elf) -> Option<String> {
    let is_version = |text: &str| {
        let digits = text.strip_prefix(NAMES[0]).and_then(|rest| rest.bytes().next());
        digits.is_some_and(|first| first.is_ascii_digit())
    };
    let texts = elf.texts_with(NAMES[0]).into_iter().map(|t| t.text);
    let mut versions: BTreeSet<String> =
        texts.filter(|t| is_version(t)).map(|t| shorten(&t)).collect();
    if versions.len() == 1 { versions.pop_first() } else { None }
}

fn crypto(elf: &Elf, neighbour: &Neighbour<'_>) -> Option<String> {
    let needed = elf.dynamic()?.needed(elf);
    let name = needed.iter().find(|n| n.starts_with("libcrypto") && !n.contains('/'))?;
    // The name is the linker's alias and often a link: the neighbour is only
    // read, never trusted with more than a version text.
    text(&Elf::open(neighbour(name)?).ok()?)
}

fn text(elf: &Elf) -> Option<String> {
    let function =
        ["OpenSSL_version", "SSLeay_version"].iter().find_map(|name| elf.export(name))?;
    let code = elf.at(function.address, WINDOW);
    addresses(&code, function.address).find_map(|at| {
        let text = elf.text_at(at, LONGEST)?;
        NAMES.iter().any(|n| text.starts_with(n)).then(|| shorten(&text))
    })
}

/// `OpenSSL 3.0.19 27 Jan 2026` without its date.
fn shorten(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().take(2).collect();
    words.join(" ")
}

/// From symbol versions such as `OPENSSL_3.2.0` and `OPENSSL_1_1_1`.
fn newest(elf: &Elf) -> Option<String> {
    let versions = elf.dynamic()?.versions(elf);
    let parsed = versions.iter().filter_map(|v| {
        let numbers = v.strip_prefix("OPENSSL_")?.split(['.', '_']);
        let numbers: Vec<u32> = numbers.map_while(|n| n.parse().ok()).collect();
        (!numbers.is_empty()).then_some(numbers)
    });
    let newest = parsed.max()?;
    let text: Vec<_> = newest.iter().take(2).map(u32::to_string).collect();
    Some(format!("OpenSSL {}", text.join(".")))
}
