//! The versions of rustls in a program: code that may panic names its source file,
//! and cargo's folder of a package has the version in its name.

use memchr::memmem::Finder;

use crate::elf::{Content, Elf, Window};

/// How such a folder begins.
const FOLDER: &[u8] = b"/rustls-0.";
/// Digits and dots of a version, and the slash behind it.
const LONGEST: usize = 16;
/// A program has one, or some where its packages disagree. Each is looked for.
const MOST: usize = 4;

/// The versions, without double ones, the newest first; mostly one, mostly none.
pub(super) fn versions(elf: &Elf) -> Vec<String> {
    let finder = Finder::new(FOLDER);
    let find = |window: Window<'_>, found: &mut Vec<String>| {
        for at in finder.find_iter(window.bytes).take_while(|&at| at < window.own) {
            let number = window.bytes.get(at + FOLDER.len() - 2..).unwrap_or_default();
            let number = &number[..number.len().min(LONGEST)];
            let Some((number, _)) = memchr::memchr(b'/', number).map(|end| number.split_at(end))
            else {
                continue;
            };
            let is_number = number.iter().all(|b| b.is_ascii_digit() || *b == b'.');
            let number = String::from_utf8_lossy(number).into_owned();
            if is_number && found.len() < MOST && !found.contains(&number) {
                found.push(number);
            }
        }
    };
    let mut found = elf.sweep(Content::Constants, FOLDER.len() + LONGEST, find).unwrap_or_default();
    found.sort_unstable_by(|one, other| other.cmp(one));
    found.dedup();
    found.truncate(MOST);
    found
}
