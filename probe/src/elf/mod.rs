//! Reads what attachment needs from an ELF file: exported symbols, addresses to
//! file offsets, code bytes, build id.
//!
//! Files come from every process of the machine and are hostile: reads are
//! positioned, bounded and checked, nothing is mapped (a file that shrinks under
//! a mapping would kill the process), and every table walk has a limit. Follows
//! the System V gABI and the GNU extensions (`DT_GNU_HASH`, build id notes).

mod dynamic;
mod file;
mod frames;
#[cfg(target_arch = "x86_64")]
mod functions;
#[cfg(target_arch = "x86_64")]
mod references;
#[cfg(target_arch = "x86_64")]
mod relocations;
mod sections;
mod sweep;
mod texts;

pub use dynamic::Dynamic;
pub use file::{Elf, NotElf, Symbol};
pub(crate) use frames::Frames;
#[cfg(target_arch = "x86_64")]
pub(crate) use functions::{Function, Functions};
#[cfg(target_arch = "x86_64")]
pub(crate) use references::Reference;
#[cfg(target_arch = "x86_64")]
pub(crate) use relocations::Pointers;
pub use sections::Section;
pub(crate) use sweep::{Content, Window};
pub use texts::Text;

/// Little-endian fields out of a slice; `None` past its end.
pub(crate) mod le {
    pub(crate) fn u16(bytes: &[u8], at: usize) -> Option<u16> {
        Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
    }

    pub(crate) fn u32(bytes: &[u8], at: usize) -> Option<u32> {
        Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
    }

    pub(crate) fn u64(bytes: &[u8], at: usize) -> Option<u64> {
        Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests;
