//! The file itself: header, segments, bounded reads.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use object::elf;

use super::{Dynamic, le};

/// No program needs more segments; the field holds 65535.
const MAX_SEGMENTS: u16 = 256;
/// The longest single read.
const MAX_READ: usize = 128 << 20;

/// An opened 64-bit little-endian ELF file for this machine.
#[derive(Debug)]
pub struct Elf {
    file: File,
    size: u64,
    kind: u16,
    section_table: (u64, u16, u16),
    segments: Vec<Segment>,
    dynamic: OnceLock<Option<Dynamic>>,
}

/// A defined symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Virtual address, as linked.
    pub address: u64,
    /// Size in bytes; 0 where the file does not tell.
    pub size: u64,
}

/// Why a file is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotElf {
    /// It could not be read, or does not start with the magic.
    #[error("no ELF file")]
    Magic,
    /// Another word size, byte order or instruction set.
    #[error("not for this machine (32-bit, or another instruction set)")]
    Machine,
    /// Neither an executable nor a shared object, or its headers are broken.
    #[error("broken or no program")]
    Broken,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) kind: u32,
    pub(crate) flags: u32,
    pub(crate) offset: u64,
    pub(crate) address: u64,
    pub(crate) file_size: u64,
}

impl Elf {
    /// Reads the headers of `file`.
    ///
    /// # Errors
    /// [`NotElf`], after at most two small reads.
    pub fn open(file: File) -> Result<Self, NotElf> {
        let mut header = [0; 64];
        file.read_exact_at(&mut header, 0).map_err(|_| NotElf::Magic)?;
        if header[..4] != elf::ELFMAG {
            return Err(NotElf::Magic);
        }
        let machine = le::u16(&header, 18).unwrap_or_default();
        if header[4] != elf::ELFCLASS64 || header[5] != elf::ELFDATA2LSB || machine != MACHINE {
            return Err(NotElf::Machine);
        }
        let kind = le::u16(&header, 16).unwrap_or_default();
        let entry_size = le::u16(&header, 54).unwrap_or_default();
        let count = le::u16(&header, 56).unwrap_or_default();
        if (kind != elf::ET_EXEC && kind != elf::ET_DYN) || entry_size != 56 {
            return Err(NotElf::Broken);
        }
        let size = file.metadata().map_err(|_| NotElf::Broken)?.len();
        let table_at = le::u64(&header, 32).unwrap_or_default();
        let mut table = vec![0; usize::from(count.min(MAX_SEGMENTS)) * 56];
        file.read_exact_at(&mut table, table_at).map_err(|_| NotElf::Broken)?;
        let segments = table.chunks_exact(56).filter_map(segment).collect();
        let section_table = (
            le::u64(&header, 40).unwrap_or_default(),
            le::u16(&header, 60).unwrap_or_default(),
            le::u16(&header, 62).unwrap_or_default(),
        );
        Ok(Self { file, size, kind, section_table, segments, dynamic: OnceLock::new() })
    }

    /// Gives the file back.
    pub fn into_file(self) -> File {
        self.file
    }

    /// Size of the file in bytes, when it was opened.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The symbol `name` as the dynamic linker would resolve it here: defined
    /// by this file, not imported.
    pub fn export(&self, name: &str) -> Option<Symbol> {
        self.dynamic()?.lookup(self, name)
    }

    /// The dynamic section, where there is one.
    pub fn dynamic(&self) -> Option<&Dynamic> {
        self.dynamic.get_or_init(|| Dynamic::read(self)).as_ref()
    }

    /// File offset of the byte that is mapped at `address`; `None` where the segment
    /// claims more than the file has.
    pub fn offset_of(&self, address: u64) -> Option<u64> {
        let segment = self.loaded(address)?;
        let offset = segment.offset.checked_add(address - segment.address)?;
        (offset < self.size).then_some(offset)
    }

    /// Address at which the byte at file offset `offset` is mapped.
    pub fn address_of(&self, offset: u64) -> Option<u64> {
        self.segments
            .iter()
            .filter(|s| s.kind == elf::PT_LOAD)
            .find(|s| offset.checked_sub(s.offset).is_some_and(|d| d < s.file_size))
            .and_then(|s| s.address.checked_add(offset - s.offset))
    }

    /// Whether `address` lies in an executable segment.
    pub fn is_code(&self, address: u64) -> bool {
        self.loaded(address).is_some_and(|s| s.flags & elf::PF_X != 0)
    }

    /// Up to `length` bytes mapped at `address`: fewer where the segment or the
    /// file ends, none where nothing is mapped.
    pub fn at(&self, address: u64, length: usize) -> Vec<u8> {
        let Some(segment) = self.loaded(address) else {
            return Vec::new();
        };
        let into = address - segment.address;
        let length = (segment.file_size - into).min(length as u64);
        match segment.offset.checked_add(into) {
            Some(offset) => self.bytes(offset, length),
            None => Vec::new(),
        }
    }

    /// Up to `length` bytes at a file offset; fewer where the file ends.
    pub fn bytes(&self, offset: u64, length: u64) -> Vec<u8> {
        let left = self.size.saturating_sub(offset);
        let length = usize::try_from(length.min(left)).unwrap_or(0).min(MAX_READ);
        let mut bytes = vec![0; length];
        let mut filled = 0;
        while filled < length {
            match self.file.read_at(&mut bytes[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        bytes.truncate(filled);
        bytes
    }

    /// The null-terminated text at `address`, where it is UTF-8 and at most
    /// `longest` bytes.
    pub fn text_at(&self, address: u64, longest: usize) -> Option<String> {
        let bytes = self.at(address, longest + 1);
        let end = memchr::memchr(0, &bytes)?;
        String::from_utf8(bytes[..end].to_vec()).ok()
    }

    /// The linker's build id (`NT_GNU_BUILD_ID`), where the file has one.
    pub fn build_id(&self) -> Option<Vec<u8>> {
        let notes = self.segments.iter().filter(|s| s.kind == elf::PT_NOTE);
        notes.into_iter().find_map(|s| {
            let bytes = self.bytes(s.offset, s.file_size.min(64 << 10));
            build_id_in(&bytes)
        })
    }

    /// Where the segment begins that `address` lies in.
    pub(super) fn segment_start(&self, address: u64) -> Option<u64> {
        self.loaded(address).map(|segment| segment.address)
    }

    /// Bytes of the file that are mapped executable.
    pub(crate) fn code_size(&self) -> u64 {
        let code = |s: &&Segment| s.kind == elf::PT_LOAD && s.flags & elf::PF_X != 0;
        let sizes = self.segments.iter().filter(code);
        sizes.map(|s| s.file_size.min(self.size)).fold(0, u64::saturating_add)
    }

    /// Whether its addresses are where it will be (`ET_EXEC`), and so appear in
    /// its code as they are.
    pub(crate) fn is_fixed(&self) -> bool {
        self.kind == elf::ET_EXEC
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// `(offset, entry count, index of the name table)` of the section headers.
    pub(crate) fn section_table(&self) -> (u64, u16, u16) {
        self.section_table
    }

    fn loaded(&self, address: u64) -> Option<&Segment> {
        self.segments
            .iter()
            .filter(|s| s.kind == elf::PT_LOAD)
            .find(|s| address.checked_sub(s.address).is_some_and(|d| d < s.file_size))
    }
}

#[cfg(target_arch = "x86_64")]
const MACHINE: u16 = elf::EM_X86_64;
#[cfg(target_arch = "aarch64")]
const MACHINE: u16 = elf::EM_AARCH64;

fn segment(bytes: &[u8]) -> Option<Segment> {
    Some(Segment {
        kind: le::u32(bytes, 0)?,
        flags: le::u32(bytes, 4)?,
        offset: le::u64(bytes, 8)?,
        address: le::u64(bytes, 16)?,
        file_size: le::u64(bytes, 32)?,
    })
}

fn build_id_in(notes: &[u8]) -> Option<Vec<u8>> {
    let mut at = 0_usize;
    loop {
        let name = le::u32(notes, at)? as usize;
        let size = le::u32(notes, at + 4)? as usize;
        let kind = le::u32(notes, at + 8)?;
        let name_at = at.checked_add(12)?;
        let data_at = name_at.checked_add(name.checked_next_multiple_of(4)?)?;
        let data = notes.get(data_at..data_at.checked_add(size)?)?;
        if kind == elf::NT_GNU_BUILD_ID && notes.get(name_at..name_at + name)? == b"GNU\0" {
            return Some(data.to_vec());
        }
        at = data_at.checked_add(size.checked_next_multiple_of(4)?)?;
    }
}
