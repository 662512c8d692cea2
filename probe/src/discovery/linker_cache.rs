//! The dynamic linker's cache, `/etc/ld.so.cache`: which libraries a program can
//! get by their bare name.
//!
//! Both formats of glibc are read: the old one (`ld.so-1.7.0`, entries of 12
//! bytes, offsets counted from its string table) and the new one
//! (`glibc-ld.so.cache1.1`, entries of 24 bytes, offsets counted from its
//! header), which may follow an old one in the same file.

use crate::elf::le;

const OLD: &[u8] = b"ld.so-1.7.0";
const NEW: &[u8] = b"glibc-ld.so.cache1.1";
const OLD_HEADER: usize = 16;
const NEW_HEADER: usize = 48;
const MAX_ENTRIES: usize = 1 << 14;
const LONGEST_PATH: usize = 4096;

/// The most bytes of a cache worth reading.
pub(super) const MAX_SIZE: u64 = 16 << 20;

/// The paths of the libraries that the cache names, as far as it is whole.
pub(super) fn libraries(cache: &[u8]) -> Vec<String> {
    let mut paths = if cache.starts_with(OLD) { old(cache) } else { new(cache) };
    paths.sort_unstable();
    paths.dedup();
    paths
}

fn old(cache: &[u8]) -> Vec<String> {
    let count = le::u32(cache, 12).unwrap_or(0) as usize;
    let Some(strings) = count.checked_mul(12).and_then(|size| size.checked_add(OLD_HEADER)) else {
        return Vec::new();
    };
    // The new format follows at the next multiple of eight.
    let embedded = cache.get(strings.next_multiple_of(8)..);
    if let Some(embedded) = embedded.filter(|e| e.starts_with(NEW)) {
        return new(embedded);
    }
    entries(cache, OLD_HEADER, 12, count, strings)
}

fn new(cache: &[u8]) -> Vec<String> {
    if !cache.starts_with(NEW) {
        return Vec::new();
    }
    let count = le::u32(cache, 20).unwrap_or(0) as usize;
    entries(cache, NEW_HEADER, 24, count, 0)
}

/// Each entry is flags, the offset of the name, the offset of the path.
fn entries(cache: &[u8], start: usize, size: usize, count: usize, base: usize) -> Vec<String> {
    let table = cache.get(start..).unwrap_or_default();
    let paths = table.chunks_exact(size).take(count.min(MAX_ENTRIES));
    let path = |entry: &[u8]| {
        let at = base.checked_add(le::u32(entry, 8)? as usize)?;
        let rest = cache.get(at..)?;
        let end = memchr::memchr(0, &rest[..rest.len().min(LONGEST_PATH)])?;
        let path = std::str::from_utf8(&rest[..end]).ok()?;
        path.starts_with('/').then(|| path.to_owned())
    };
    paths.filter_map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_format(paths: &[&str]) -> Vec<u8> {
        let mut cache = NEW.to_vec();
        cache.extend(u32::try_from(paths.len()).unwrap().to_le_bytes());
        cache.resize(NEW_HEADER, 0);
        let mut at = NEW_HEADER + paths.len() * 24;
        for path in paths {
            let mut entry = [0; 24];
            entry[8..12].copy_from_slice(&u32::try_from(at).unwrap().to_le_bytes());
            cache.extend(entry);
            at += path.len() + 1;
        }
        for path in paths {
            cache.extend(path.as_bytes());
            cache.push(0);
        }
        cache
    }

    fn old_format(paths: &[&str]) -> Vec<u8> {
        let mut cache = OLD.to_vec();
        cache.push(0);
        cache.extend(u32::try_from(paths.len()).unwrap().to_le_bytes());
        let mut at = 0;
        for path in paths {
            cache.extend([0; 8]);
            cache.extend(u32::try_from(at).unwrap().to_le_bytes());
            at += path.len() + 1;
        }
        for path in paths {
            cache.extend(path.as_bytes());
            cache.push(0);
        }
        cache
    }

    #[test]
    fn both_formats() {
        let paths = ["/lib/libcrypto.so.3", "/lib/libssl.so.3"];
        assert_eq!(libraries(&new_format(&paths)), paths);
        assert_eq!(libraries(&old_format(&paths)), paths);
        let mut both = old_format(&[]);
        both.resize(both.len().next_multiple_of(8), 0);
        both.extend(new_format(&paths));
        assert_eq!(libraries(&both), paths);
    }

    #[test]
    fn cut_anywhere() {
        let whole = new_format(&["/lib/libcrypto.so.3", "/lib/libssl.so.3"]);
        for length in 0..whole.len() {
            let found = libraries(&whole[..length]);
            assert!(found.len() < 2, "{length}: {found:?}");
        }
    }

    #[test]
    fn this_machine() {
        let Ok(cache) = std::fs::read("/etc/ld.so.cache") else {
            return; // musl, for instance, has none
        };
        let all = libraries(&cache);
        assert!(all.iter().any(|p| p.contains("/libc.so")), "{all:?}");
        for length in (0..cache.len()).step_by(97) {
            let some = libraries(&cache[..length]);
            assert!(some.iter().all(|p| all.contains(p)));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes(tail in proptest::collection::vec(proptest::num::u8::ANY, 0..512), old: bool) {
            let mut cache = if old { OLD.to_vec() } else { NEW.to_vec() };
            cache.extend(tail);
            libraries(&cache);
        }
    }
}
