//! Real files, files cut short, files changed at random.

use std::fs::File;
use std::io::Write;

use super::*;
use crate::compiled::Compiled;

/// A shared object built for the occasion.
fn built(options: &[&str]) -> Vec<u8> {
    let code = "int shown(int x) { return x + 1; }\n\
                static int hidden(int x) { return x * 3; }\n\
                int variable = 7;\n\
                extern int imported(int);\n\
                int caller(int x) { return imported(hidden(shown(x))); }\n";
    let always = ["-shared", "-fPIC", "-O0", "-nostdlib", "-Wl,--build-id=0x00c0ffee"];
    Compiled::new(code, &[&always, options].concat()).bytes()
}

fn open(bytes: &[u8]) -> Result<Elf, NotElf> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Elf::open(file)
}

/// Asks everything there is to ask, for what it may do with a broken file.
fn exercise(bytes: &[u8]) {
    let Ok(elf) = open(bytes) else { return };
    for name in ["shown", "hidden", "imported", "absent"] {
        if let Some(symbol) = elf.export(name) {
            elf.at(symbol.address, 64);
            elf.offset_of(symbol.address).and_then(|o| elf.address_of(o));
            elf.is_code(symbol.address);
        }
    }
    if let Some(dynamic) = elf.dynamic() {
        dynamic.needed(&elf);
        dynamic.versions(&elf);
        dynamic.slot(&elf, 0x4000);
    }
    elf.build_id();
    elf.sections();
    elf.static_symbols(&["hidden"]);
    elf.text_at(0, 16);
    crate::stack::examine(&elf, &|_| None);
}

fn check_symbols(hash: &str) {
    let bytes = built(&[hash]);
    let elf = open(&bytes).unwrap();
    let shown = elf.export("shown").unwrap();
    assert!(elf.is_code(shown.address) && shown.size > 0);
    let offset = elf.offset_of(shown.address).unwrap();
    assert_eq!(elf.address_of(offset), Some(shown.address));
    let size = usize::try_from(shown.size).unwrap();
    assert_eq!(elf.at(shown.address, size), elf.bytes(offset, shown.size));
    for name in ["hidden", "imported", "variable", "absent", ""] {
        assert_eq!(elf.export(name), None, "{name}");
    }
    assert_eq!(elf.build_id().as_deref(), Some(&[0, 0xc0, 0xff, 0xee][..]));
    assert!(elf.sections().iter().any(|s| s.name == ".text" && s.size > 0));
    let local = elf.static_symbols(&["hidden", "absent"]);
    assert_eq!(local.len(), 1);
    assert!(elf.is_code(local["hidden"].address));
}

#[test]
fn symbols() {
    check_symbols("-Wl,--hash-style=gnu");
    check_symbols("-Wl,--hash-style=sysv");
}

#[test]
fn linkage_slots() {
    let bytes = built(&["-Wl,-z,now"]);
    let elf = open(&bytes).unwrap();
    let dynamic = elf.dynamic().unwrap();
    // One of the words of the global offset table belongs to the import.
    let sections = elf.sections();
    let tables = sections.iter().filter(|s| s.name.starts_with(".got"));
    let mut slots = tables.flat_map(|s| (s.address..s.address + s.size).step_by(8));
    assert!(slots.any(|slot| dynamic.slot(&elf, slot).as_deref() == Some("imported")));
}

#[test]
fn not_for_us() {
    assert_eq!(open(b"").unwrap_err(), NotElf::Magic);
    assert_eq!(open(b"#!/bin/sh\n").unwrap_err(), NotElf::Magic);
    assert_eq!(open(&[0x7f; 200]).unwrap_err(), NotElf::Magic);
    assert_eq!(Elf::open(File::open("/").unwrap()).unwrap_err(), NotElf::Magic);
    let exe = std::fs::read("/proc/self/exe").unwrap();
    assert!(open(&exe).is_ok());
    let changed = |at: usize, to: u8| {
        let mut bytes = exe[..4096].to_vec();
        bytes[at] = to;
        open(&bytes).unwrap_err()
    };
    assert_eq!(changed(4, 1), NotElf::Machine, "32-bit");
    assert_eq!(changed(5, 2), NotElf::Machine, "big-endian");
    assert_eq!(changed(18, 0xf3), NotElf::Machine, "RISC-V");
    assert_eq!(changed(16, 1), NotElf::Broken, "an object file");
}

#[test]
fn cut_anywhere() {
    let bytes = built(&[]);
    for length in (0..bytes.len()).step_by(61) {
        exercise(&bytes[..length]);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(256))]

    #[test]
    fn changed_at_random(
        changes in proptest::collection::vec((0_usize..16384, proptest::num::u8::ANY), 1..24),
    ) {
        thread_local!(static ORIGINAL: Vec<u8> = built(&["-Wl,--hash-style=both"]));
        let mut bytes = ORIGINAL.with(Clone::clone);
        let length = bytes.len();
        for (at, to) in changes {
            // Half of them hit the headers and tables in front.
            let at = if at % 2 == 0 { at % 1024 } else { at };
            bytes[at % length] = to;
        }
        exercise(&bytes);
    }
}
