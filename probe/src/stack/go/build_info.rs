//! What a Go program says of how it was built (`debug/buildinfo`).

use crate::elf::{Elf, Section};

/// The section that holds it.
pub(super) const SECTION: &str = ".go.buildinfo";
/// How it begins.
const MAGIC: &[u8] = b"\xff Go buildinf:";
/// The version follows, and not a pointer to it (since Go 1.18).
const INLINE: u8 = 2;
/// Longer than any version.
const MAX_VERSION: usize = 127;

/// The version of Go that built the program: `Go 1.26.6`.
pub(super) fn version(elf: &Elf, sections: &[Section]) -> Option<String> {
    let section = sections.iter().find(|section| section.name == SECTION)?;
    parse(&elf.bytes(section.offset, section.size.min(33 + MAX_VERSION as u64)))
}

fn parse(bytes: &[u8]) -> Option<String> {
    if !bytes.starts_with(MAGIC) || bytes.get(15)? & INLINE == 0 {
        return None;
    }
    // A varint, of one byte as long as it is below 128.
    let length = usize::from(*bytes.get(32)?);
    let version = bytes.get(33..33 + length).filter(|_| length <= MAX_VERSION)?;
    // An experiment's name may follow: `go1.21.3 X:rangefunc`.
    let version = std::str::from_utf8(version).ok()?.split(' ').next()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
    let version = version.strip_prefix("go").filter(|rest| rest.chars().all(is_plain))?;
    Some(format!("Go {version}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let check = |flags: u8, version: &str, expected: Option<&str>| {
            let mut bytes = MAGIC.to_vec();
            bytes.extend([8, flags]);
            bytes.resize(32, 0);
            bytes.push(version.len() as u8);
            bytes.extend(version.as_bytes());
            assert_eq!(parse(&bytes).as_deref(), expected, "{version}");
            for cut in 0..bytes.len() {
                assert_eq!(parse(&bytes[..cut]), None, "{version} cut at {cut}");
            }
        };
        check(INLINE, "go1.19.8", Some("Go 1.19.8"));
        check(INLINE, "go1.27.3 X:nodwarf5", Some("Go 1.27.3"));
        check(0, "go1.17", None);
        check(INLINE, "devel", None);
        check(INLINE, "go1.2\u{1b}[2J", None);
    }
}
