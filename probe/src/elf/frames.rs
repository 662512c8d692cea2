//! Which function an address lies in, by the unwind tables: what a stripped file
//! keeps, unless it was built without.
//!
//! Linux Standard Base, "Exception Frames": `.eh_frame_hdr` is a table of function
//! starts, sorted, in front of the records (`.eh_frame`) that tell their sizes.

use std::ops::Range;

use object::elf;

use super::{Elf, le};

/// `DW_EH_PE_udata4`, and `DW_EH_PE_datarel | DW_EH_PE_sdata4`: what every linker
/// writes.
const COUNT: u8 = 0x03;
const TABLE: u8 = 0x3b;
/// The longest augmentation data, a CIE's head included, that is read.
const LONGEST_CIE: usize = 64;

/// The index of the unwind tables.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frames {
    header: u64,
    entries: u64,
}

impl Frames {
    /// The index of `elf`, where it has one.
    pub(crate) fn of(elf: &Elf) -> Option<Self> {
        let segment = elf.segments().iter().find(|s| s.kind == elf::PT_GNU_EH_FRAME)?;
        let header = elf.at(segment.address, 12);
        let [1, _, COUNT, TABLE, ..] = header[..] else { return None };
        let entries = u64::from(le::u32(&header, 8)?).min(segment.file_size / 8);
        (entries > 0).then_some(Self { header: segment.address, entries })
    }

    /// The function that `address` lies in, as the tables have it: a part of one,
    /// where the compiler has moved its rare paths away.
    pub(crate) fn function(&self, elf: &Elf, address: u64) -> Option<Range<u64>> {
        let (mut low, mut high) = (0, self.entries);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.entry(elf, middle)?.0 <= address {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let (start, record) = self.entry(elf, low.checked_sub(1)?)?;
        let end = start.checked_add(size(elf, record)?)?;
        (start..end).contains(&address).then_some(start..end)
    }

    /// Start of the function and address of its record.
    fn entry(&self, elf: &Elf, index: u64) -> Option<(u64, u64)> {
        let at = self.header.checked_add(12)?.checked_add(index.checked_mul(8)?)?;
        let entry = elf.at(at, 8);
        let relative =
            |at| self.header.checked_add_signed(le::u32(&entry, at)?.cast_signed().into());
        Some((relative(0)?, relative(4)?))
    }
}

/// The size that the record (FDE) at `address` gives.
fn size(elf: &Elf, address: u64) -> Option<u64> {
    let head = elf.at(address, 24);
    let back = u64::from(le::u32(&head, 4)?);
    let cie = elf.at(address.checked_add(4)?.checked_sub(back)?, LONGEST_CIE);
    // A pointer's low bits are its width; the width of a size is the same.
    match encoding(&cie)? & 0x0f {
        0x03 | 0x0b => Some(le::u32(&head, 12)?.into()),
        0x00 | 0x04 | 0x0c => le::u64(&head, 16),
        _ => None,
    }
}

/// How a CIE says that its records' addresses are written (augmentation `R`).
fn encoding(cie: &[u8]) -> Option<u8> {
    let text = cie.get(9..)?;
    let end = memchr::memchr(0, text)?;
    let (augmentation, rest) = (text.get(..end)?, text.get(end + 1..)?);
    // Code and data alignment, and the return address's register.
    let mut rest = leb(leb(leb(rest)?)?)?;
    let letters = augmentation.strip_prefix(b"z")?;
    rest = leb(rest)?;
    for letter in letters {
        match letter {
            b'R' => return rest.first().copied(),
            b'L' => rest = rest.get(1..)?,
            b'P' => {
                let width = match rest.first()? & 0x0f {
                    0x02 | 0x0a => 2,
                    0x03 | 0x0b => 4,
                    0x00 | 0x04 | 0x0c => 8,
                    _ => return None,
                };
                rest = rest.get(1 + width..)?;
            }
            b'S' | b'B' => {}
            _ => return None,
        }
    }
    Some(0)
}

/// What follows a LEB128 number.
fn leb(bytes: &[u8]) -> Option<&[u8]> {
    let last = bytes.iter().take(10).position(|b| b & 0x80 == 0)?;
    bytes.get(last + 1..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings() {
        let check = |augmentation: &[u8], data: &[u8], expected| {
            let mut cie = vec![0; 8];
            cie.push(1);
            cie.extend(augmentation);
            cie.extend([0, 1, 0x78, 16]);
            cie.extend(data);
            assert_eq!(encoding(&cie), expected, "{}", String::from_utf8_lossy(augmentation));
        };
        check(b"zR", &[1, 0x1b], Some(0x1b));
        check(b"zRS", &[1, 0x1b], Some(0x1b));
        check(b"zPLR", &[7, 0x9b, 1, 2, 3, 4, 0x1b, 0x03], Some(0x03));
        check(b"zPLR", &[7, 0x9b, 1, 2], None);
        check(b"zLR", &[2, 0x1b, 0x0c], Some(0x0c));
        check(b"zX", &[1, 0x1b], None);
        check(b"eh", &[1, 0x1b], None);
        assert_eq!(encoding(&[]), None);
    }

    #[test]
    fn functions_of_a_library() {
        let path = "/usr/lib/x86_64-linux-gnu/libssl.so.3";
        let Ok(file) = std::fs::File::open(path) else { return };
        let elf = Elf::open(file).unwrap();
        let frames = Frames::of(&elf).unwrap();
        for name in ["SSL_read", "SSL_write", "SSL_free", "SSL_ctrl"] {
            let symbol = elf.export(name).unwrap();
            let function = symbol.address..symbol.address + symbol.size;
            for address in [function.start, function.start + 1, function.end - 1] {
                assert_eq!(frames.function(&elf, address), Some(function.clone()), "{name}");
            }
        }
        assert_eq!(frames.function(&elf, 0), None);
        assert_eq!(frames.function(&elf, u64::MAX), None);
    }
}
