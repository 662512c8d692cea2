//! Go programs, as the Go that is installed builds them, and tables made up.
#![cfg(target_arch = "x86_64")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use super::super::tests::open;
use super::*;
use crate::{Abi, Function, Method};

const SOURCE: &str = r#"package main

import (
	"net/http"
	"os"
)

func main() {
	_, err := http.Get(os.Args[1])
	println(err)
}
"#;

/// A program that uses TLS; `None` where there is no Go.
fn built(options: &[&str]) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let (code, program) = (folder.path().join("main.go"), folder.path().join("program"));
    std::fs::write(&code, SOURCE).unwrap();
    // Its own library is compiled once for all tests and runs.
    let cache = std::env::current_exe().unwrap().parent().unwrap().join("go-cache");
    let status = Command::new("go")
        .arg("build")
        .args(options)
        .arg("-o")
        .args([&program, &code])
        .current_dir(folder.path())
        .env("GOCACHE", cache)
        .env("GOPATH", folder.path().join("path"))
        .envs([("GOFLAGS", "-mod=mod"), ("GOPROXY", "off"), ("GOTOOLCHAIN", "local")])
        .envs([("CGO_ENABLED", "0"), ("GO111MODULE", "off")])
        .status()
        .ok()?;
    assert!(status.success(), "{options:?}");
    Some(std::fs::read(program).unwrap())
}

fn scan(bytes: &[u8]) -> Verdict {
    let verdicts = open(bytes).map(|elf| Go.scan(&elf, &mut Vec::new()));
    verdicts.and_then(|verdicts| verdicts.into_iter().next()).unwrap_or(Verdict::Absent)
}

/// Where the file's symbols say the functions are: name, file offset, size.
fn symbols(bytes: &[u8]) -> BTreeMap<&'static str, (u64, u64)> {
    let elf = open(bytes).unwrap();
    let found = elf.static_symbols(&FUNCTIONS);
    let place = |symbol: crate::elf::Symbol| (elf.offset_of(symbol.address).unwrap(), symbol.size);
    found.into_iter().map(|(name, symbol)| (name, place(symbol))).collect()
}

/// The stripped program is read as the symbols of the other one say.
fn check(options: &[&str]) {
    let Some(whole) = built(options) else { return };
    let stripped = built(&[options, &["-ldflags=-s -w"]].concat()).unwrap();
    assert!(symbols(&stripped).is_empty());
    let symbols = symbols(&whole);
    assert!(symbols.len() >= 4, "{symbols:?}");
    let Verdict::Found(found) = scan(&whole) else { panic!("{options:?}: {:?}", scan(&whole)) };
    assert_eq!((found.tls, found.method), (Tls::Go, Method::FunctionTable));
    assert!(found.version.as_deref().unwrap().starts_with("Go 1."), "{:?}", found.version);
    assert_eq!(found.sites.len(), symbols.len());
    assert!(found.sites.iter().any(|site| site.function == Function::ServerName));
    for site in &found.sites {
        let (start, size) = symbols[site.symbol.as_str()];
        assert!((start..start + 16).contains(&site.entry), "{site:?}");
        for &at in &site.returns {
            assert!((start..start + size).contains(&at), "{site:?}");
            assert_eq!(whole[at as usize], 0xc3, "{site:?}");
        }
        let (abi, returns) = match site.function {
            Function::Write => (Abi::Goroutine, true),
            Function::Read => (Abi::Spilled, true),
            _ => (Abi::None, false),
        };
        assert_eq!((site.abi, !site.returns.is_empty()), (abi, returns), "{site:?}");
    }
    // Symbols and what else is stripped come last in the file.
    assert_eq!(scan(&stripped), Verdict::Found(found), "{options:?}");
}

#[test]
fn versions_whose_names_are_found() {
    for (version, expected) in [
        (None, false),
        (Some("Go 1.18"), true),
        (Some("Go 1.21.13"), true),
        (Some("Go 1.27rc1"), true),
        (Some("Go 1.28.1"), false),
        (Some("Go 2.20"), false),
        (Some("Go 1.devel"), false),
    ] {
        assert_eq!(names_are_known(version), expected, "{version:?}");
    }
}

#[test]
fn stripped_or_not() {
    check(&[]);
}

#[test]
fn position_independent() {
    check(&["-buildmode=pie"]);
}

/// Where the table does not say where code begins, as that of Go 1.26.
#[test]
fn without_a_start_of_code() {
    let Some(mut program) = built(&["-ldflags=-s -w"]) else { return };
    let expected = scan(&program);
    assert!(matches!(expected, Verdict::Found(_)));
    let elf = open(&program).unwrap();
    let table = elf.sections().into_iter().find(is_table).unwrap();
    let start = table.offset as usize + 24;
    program[start..start + 8].fill(0);
    assert_eq!(scan(&program), expected);
    // Nor does the section of code begin with it.
    let (headers, text) = header_of(&program, ".text");
    let address = headers + 64 * text + 16;
    for (field, change) in [(address, 0x100_u64), (address + 8, 0x100)] {
        let value = u64::from_le_bytes(program[field..field + 8].try_into().unwrap());
        program[field..field + 8].copy_from_slice(&(value - change).to_le_bytes());
    }
    assert_eq!(scan(&program), expected);
    // It begins elsewhere altogether.
    program[start..start + 8].copy_from_slice(&0x40_1040_u64.to_le_bytes());
    assert!(matches!(scan(&program), Verdict::Uncovered(_)));
}

/// Where the section headers are in a file, and the number of one.
fn header_of(program: &[u8], name: &str) -> (usize, usize) {
    let sections = open(program).unwrap().sections();
    let number = sections.iter().position(|section| section.name == name).unwrap();
    (u64::from_le_bytes(program[40..48].try_into().unwrap()) as usize, number)
}

#[test]
fn programs_without_it() {
    // The compiler itself speaks no TLS.
    let Ok(output) = Command::new("go").args(["env", "GOTOOLDIR"]).output() else { return };
    let folder = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
    for tool in ["compile", "asm"] {
        let Ok(bytes) = std::fs::read(folder.join(tool)) else { continue };
        assert_eq!(scan(&bytes), Verdict::Absent, "{tool}");
    }
}

/// Nothing that a file may hold makes it fail, and nothing outside of code is claimed.
#[test]
fn changed_at_random() {
    let Some(original) = built(&["-ldflags=-s -w"]) else { return };
    let elf = open(&original).unwrap();
    let table = elf.sections().into_iter().find(is_table).unwrap();
    let (from, length) = (table.offset as usize, table.size as usize);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for round in 0..24 {
        let mut program = original.clone();
        for _ in 0..1 + round % 4 {
            // Half of them hit the header.
            let at = if random() % 2 == 0 { random() % 72 } else { random() % length };
            program[from + at] = random() as u8;
        }
        if round % 6 == 5 {
            program.truncate(from + random() % length);
        }
        let Verdict::Found(found) = scan(&program) else { continue };
        let elf = open(&program).unwrap();
        for site in found.sites {
            for offset in site.returns.into_iter().chain([site.entry]) {
                assert!(elf.is_code(elf.address_of(offset).unwrap()));
            }
        }
    }
}
