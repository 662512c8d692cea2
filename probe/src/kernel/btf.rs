//! The kernel's type information (BTF, Documentation/bpf/btf.rst): where its
//! structures keep what.

use std::collections::HashMap;

const MAGIC: u16 = 0xeb9f;
/// The length of a type's fixed part.
const TYPE: usize = 12;
/// Structures inside structures, at most.
const DEEPEST: u32 = 16;

/// Kinds of types.
mod kind {
    pub(super) const INT: u32 = 1;
    pub(super) const ARRAY: u32 = 3;
    pub(super) const STRUCT: u32 = 4;
    pub(super) const UNION: u32 = 5;
    pub(super) const ENUM: u32 = 6;
    pub(super) const FUNC_PROTO: u32 = 13;
    pub(super) const VAR: u32 = 14;
    pub(super) const DATASEC: u32 = 15;
    pub(super) const DECL_TAG: u32 = 17;
    pub(super) const ENUM64: u32 = 19;
    /// The last one known.
    pub(super) const LAST: u32 = ENUM64;
}

/// Type information, read.
#[derive(Debug)]
pub(super) struct Btf<'a> {
    types: &'a [u8],
    strings: &'a [u8],
    /// Where each type begins; type 1 is the first.
    starts: Vec<usize>,
    structs: HashMap<&'a [u8], usize>,
}

/// A type's fixed part.
struct Type {
    name: u32,
    kind: u32,
    /// Members, parameters, ... that follow.
    count: usize,
    /// Members have the size of a bit field beside their offset.
    bit_fields: bool,
}

impl<'a> Btf<'a> {
    /// Reads it. `None`: it is none, or of a version that is not known.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let magic = u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?);
        let header = word(bytes, 4)? as usize;
        if magic != MAGIC || *bytes.get(2)? != 1 {
            return None;
        }
        let section = |offset: usize, length: usize| {
            let from = header.checked_add(word(bytes, offset)? as usize)?;
            bytes.get(from..from.checked_add(word(bytes, length)? as usize)?)
        };
        let mut this = Self {
            types: section(8, 12)?,
            strings: section(16, 20)?,
            starts: Vec::new(),
            structs: HashMap::new(),
        };
        let mut at = 0;
        while at < this.types.len() {
            let found = this.type_at(at)?;
            this.starts.push(at);
            if found.kind == kind::STRUCT && found.name != 0 {
                this.structs.entry(this.name(found.name)?).or_insert(at);
            }
            at += TYPE + found.rest()?;
        }
        Some(this)
    }

    /// Where a structure keeps a member, in bytes; members of anonymous
    /// structures and unions inside are its own.
    pub(super) fn offset(&self, structure: &str, member: &str) -> Option<u32> {
        let at = *self.structs.get(structure.as_bytes())?;
        let bits = self.member(at, member.as_bytes(), DEEPEST)?;
        bits.is_multiple_of(8).then_some(bits / 8)
    }

    /// In bits.
    fn member(&self, at: usize, wanted: &[u8], deepest: u32) -> Option<u32> {
        let outer = self.type_at(at)?;
        if !matches!(outer.kind, kind::STRUCT | kind::UNION) {
            return None;
        }
        (0..outer.count).find_map(|index| {
            let member = at + TYPE + index * TYPE;
            let (name, id) = (word(self.types, member)?, word(self.types, member + 4)?);
            let offset = word(self.types, member + 8)?;
            let offset = if outer.bit_fields { offset & 0x00ff_ffff } else { offset };
            if name != 0 {
                return (self.name(name)? == wanted).then_some(offset);
            }
            let inner = *self.starts.get((id as usize).checked_sub(1)?)?;
            let inside = self.member(inner, wanted, deepest.checked_sub(1)?)?;
            offset.checked_add(inside)
        })
    }

    fn type_at(&self, at: usize) -> Option<Type> {
        let info = word(self.types, at + 4)?;
        Some(Type {
            name: word(self.types, at)?,
            kind: (info >> 24) & 0x1f,
            count: (info & 0xffff) as usize,
            bit_fields: info >> 31 != 0,
        })
    }

    fn name(&self, offset: u32) -> Option<&'a [u8]> {
        let rest = self.strings.get(offset as usize..)?;
        rest.get(..memchr::memchr(0, rest)?)
    }
}

impl Type {
    /// The length of what follows the fixed part.
    fn rest(&self) -> Option<usize> {
        Some(match self.kind {
            kind::INT | kind::VAR | kind::DECL_TAG => 4,
            kind::ARRAY => 12,
            kind::STRUCT | kind::UNION | kind::DATASEC | kind::ENUM64 => 12 * self.count,
            kind::ENUM | kind::FUNC_PROTO => 8 * self.count,
            1..=kind::LAST => 0,
            _ => return None,
        })
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `struct a { int x; union { struct { int y; int z; }; long w; }; }`, and a
    /// kind in between.
    fn example() -> Vec<u8> {
        let strings = b"\0a\0x\0y\0z\0w\0int\0";
        let info = |kind: u32, count: u32| kind << 24 | count;
        let words: Vec<u32> = [
            &[11, info(kind::INT, 0), 4, 32][..],
            &[0, info(kind::ARRAY, 0), 0, 1, 1, 3],
            &[0, info(kind::STRUCT, 2), 8, 5, 1, 0, 7, 1, 32],
            &[0, info(kind::UNION, 2), 8, 0, 3, 0, 9, 1, 0],
            &[1, info(kind::STRUCT, 2), 16, 3, 1, 0, 0, 4, 64],
        ]
        .concat();
        let types: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let mut bytes = MAGIC.to_ne_bytes().to_vec();
        bytes.extend([1, 0]);
        let (length, string_length) = (types.len() as u32, strings.len() as u32);
        for word in [24, 0, length, length, string_length] {
            bytes.extend(u32::to_ne_bytes(word));
        }
        bytes.extend(types);
        bytes.extend(strings);
        bytes
    }

    #[test]
    fn members() {
        let bytes = example();
        let btf = Btf::parse(&bytes).unwrap();
        for (member, expected) in
            [("x", Some(0)), ("y", Some(8)), ("z", Some(12)), ("w", Some(8)), ("v", None)]
        {
            assert_eq!(btf.offset("a", member), expected, "{member}");
        }
        assert_eq!(btf.offset("b", "x"), None);
    }

    #[test]
    fn cut_anywhere() {
        let bytes = example();
        for length in 0..bytes.len() {
            if let Some(btf) = Btf::parse(&bytes[..length]) {
                let _ = btf.offset("a", "z");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_change(at in 0..200usize, to in proptest::num::u8::ANY) {
            let mut bytes = example();
            let at = at % bytes.len();
            bytes[at] = to;
            if let Some(btf) = Btf::parse(&bytes) {
                let _ = btf.offset("a", "z");
            }
        }
    }
}
