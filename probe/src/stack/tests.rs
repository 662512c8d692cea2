//! Programs built to look like those that carry a TLS library inside, and what
//! this machine has installed.
#![cfg(target_arch = "x86_64")]

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use super::*;
use crate::compiled::Compiled;
use crate::{Abi, Function};

const BORINGSSL: &str = include_str!("fixtures/boringssl.c");
const OPENSSL: &str = include_str!("fixtures/openssl.c");
const RUSTLS: &str = include_str!("fixtures/rustls.c");

/// A program of `source`, stripped or not.
fn built(source: &str, options: &[&str]) -> Vec<u8> {
    let always = ["-O2", "-fvisibility=hidden", "-Wl,--build-id"];
    Compiled::new(source, &[&always, options].concat()).bytes()
}

/// A file of these bytes.
pub(super) fn open(bytes: &[u8]) -> Option<Elf> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Elf::open(file).ok()
}

fn scanned(bytes: &[u8]) -> (Contents, Vec<String>) {
    let mut notes = Vec::new();
    let contents = open(bytes).map(|elf| scan(&elf, &mut notes)).unwrap_or_default();
    (contents, notes)
}

/// Where bytes move, by file offset.
fn transfers(contents: &Contents) -> Vec<(Function, Abi, u64)> {
    let moves = |s: &&Site| matches!(s.function, Function::Read | Function::Write);
    let sites = contents.found.iter().flat_map(|found| &found.sites);
    sites.filter(moves).map(|s| (s.function, s.abi, s.entry)).collect()
}

/// The stripped program is read as the symbols of the other one say.
fn check(source: &str, tls: Tls, options: &[&str]) {
    let whole = built(source, options);
    let stripped = built(source, &[options, &["-s"]].concat());
    let (by_symbols, _) = scanned(&whole);
    let (by_references, notes) = scanned(&stripped);
    let context = format!("{options:?}: {by_references:?}\n{}", notes.join("\n"));
    let expected = transfers(&by_symbols);
    assert_eq!(expected.len(), 2, "{options:?}: {by_symbols:?}");
    assert_eq!(transfers(&by_references), expected, "{context}");
    let found = &by_references.found[0];
    assert_eq!((found.tls, found.method), (tls, Method::References), "{context}");
}

/// Of such a program nothing is claimed.
fn uncovered(source: &str, options: &[&str], expected: &str) {
    let stripped = built(source, &[options, &["-s"]].concat());
    let (contents, notes) = scanned(&stripped);
    let context = format!("{options:?}: {contents:?}\n{}", notes.join("\n"));
    assert!(contents.found.is_empty(), "{context}");
    let [why] = &contents.uncovered[..] else { panic!("{context}") };
    assert!(why.contains(expected), "{context}");
}

const FIXED: [&str; 2] = ["-no-pie", "-fno-pie"];
const UNTOLD: [&str; 3] =
    ["-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-Wl,--no-eh-frame-hdr"];

#[test]
fn boringssl_inside() {
    let boring = |options: &[&str]| check(BORINGSSL, Tls::Boringssl, options);
    boring(&[]);
    boring(&["-fcf-protection=none"]);
    boring(&["-O1"]);
    boring(&["-O3"]);
    boring(&["-Os"]);
    boring(&["-DNO_PEEK"]);
    boring(&["-DREAD_CALLS_PEEK"]);
    boring(&["-DUNUSED_ARGUMENT_GONE"]);
    boring(&FIXED);
    boring(&UNTOLD);
    boring(&[&FIXED[..], &UNTOLD[..], &["-DUNUSED_ARGUMENT_GONE"]].concat());
    boring(&["-shared", "-fPIC", "-fno-omit-frame-pointer", "-fstack-protector-all"]);
    uncovered(BORINGSSL, &["-DTWO_WRITE"], "2 functions look like SSL_write");
    uncovered(BORINGSSL, &["-DTWO_READ"], "2 functions look like SSL_read");
    // The reasons are another library's.
    let other = BORINGSSL.replace("put_error(16,", "put_error(17,");
    uncovered(&other, &[], "no function looks like SSL_write");
}

#[test]
fn openssl_inside() {
    let open = |options: &[&str]| check(OPENSSL, Tls::Openssl, options);
    open(&[]);
    open(&["-fcf-protection=full"]);
    open(&["-DFLAGS"]);
    open(&["-DOLD"]);
    open(&FIXED);
    open(&[&UNTOLD[..], &["-DFLAGS"]].concat());
    let nameless = OPENSSL.replace("__func__", "\"somebody\"");
    uncovered(&nameless, &[], "no function reports errors as SSL_read");
    // Whether the length is where it is thought to be is not proven.
    uncovered(OPENSSL, &["-O0"], "SSL_write");
}

#[test]
fn rustls_inside() {
    let of = |version: &str, options: &[&str], functions: usize| {
        let file = format!("-DFILE_NAME=\"/index/rustls-{version}/src/conn.rs\"");
        let options = [&["-fcf-protection=none", "-fPIE", "-pie", &*file], options].concat();
        let whole = built(RUSTLS, &options);
        let stripped = built(RUSTLS, &[&options[..], &["-s"]].concat());
        let (by_symbols, _) = scanned(&whole);
        let (by_tables, notes) = scanned(&stripped);
        let context = format!("{options:?}: {by_tables:?}\n{}", notes.join("\n"));
        assert_eq!(transfers(&by_symbols).len(), functions, "{options:?}: {by_symbols:?}");
        assert_eq!(transfers(&by_tables), transfers(&by_symbols), "{context}");
        let told = |contents: &Contents| (contents.found[0].tls, contents.found[0].method);
        assert_eq!(told(&by_symbols), (Tls::Rustls, Method::Symbols), "{context}");
        assert_eq!(told(&by_tables), (Tls::Rustls, Method::Tables), "{context}");
        let expected = format!("rustls {version}");
        assert_eq!(by_tables.found[0].version, Some(expected), "{context}");
        let abi = if version.starts_with("0.23") { Abi::Record } else { Abi::OwnedRecord };
        assert!(transfers(&by_tables).iter().all(|&(_, is, _)| is == abi), "{context}");
    };
    let rustls = |options: &[&str], functions| of("0.23.9", options, functions);
    rustls(&[], 2);
    rustls(&["-O3"], 2);
    rustls(&["-DTWO"], 4);
    rustls(&["-DTWO", "-DINNER"], 4);
    rustls(&["-DTWO", "-fno-omit-frame-pointer"], 4);
    rustls(&["-DTWO", "-Wl,-z,pack-relative-relocs"], 4);
    rustls(&[&UNTOLD[..], &["-DTWO", "-fno-toplevel-reorder"]].concat(), 4);
    of("0.22.4", &["-DOWNED"], 2);
    of("0.22.4", &["-DOWNED", "-DTWO", "-O3"], 4);
    of("0.22.4", &["-DOWNED", "-DTWO", "-DOLDER"], 4);
    of("0.21.12", &["-DOWNED", "-DBARE", "-DTWO", "-DOLDER"], 4);
    let untold = [&UNTOLD[..], &["-fno-toplevel-reorder"]].concat();
    for options in [&["-O1"][..], &["-O3"], &["-Os"], &untold] {
        of("0.21.12", &[options, &["-DOWNED", "-DBARE", "-DTWO"]].concat(), 4);
    }
    let other = |options: &[&str], expected: &str| {
        uncovered(RUSTLS, &[&["-fcf-protection=none"], options].concat(), expected);
    };
    // Records of other versions look otherwise.
    other(&["-DOWNED", "-fPIE", "-pie"], "no table looks like that of a MessageEncrypter");
    let older = "-DFILE_NAME=\"/rustls-0.22.4/src/conn.rs\"";
    other(&[older, "-fPIE", "-pie"], "no table looks like that of a MessageEncrypter");
    let older = "-DFILE_NAME=\"/rustls-0.20.9/src/conn.rs\"";
    other(&[older, "-fPIE", "-pie"], "covered from 0.21 to 0.23");
    other(&FIXED, "linked to a fixed address");
    // What is of 0.21 is told by what it does, and by being even.
    let bare = |options: &[&str], expected: &str| {
        let file = "-DFILE_NAME=\"/rustls-0.21.12/src/conn.rs\"";
        let always = ["-fcf-protection=none", "-fPIE", "-pie", "-DOWNED", "-DTWO", file];
        uncovered(RUSTLS, &[&always[..], options].concat(), expected);
    };
    bare(&["-DBARE", "-DMOST=0x5000"], "2 functions look like encrypt, and 0 like decrypt");
    bare(&["-DBARE", "-D__builtin_bswap64="], "no function looks like encrypt or decrypt");
    bare(&["-DBARE", "-DOTHER_SIZE=0x240"], "keys are of several sizes");
    bare(&[], "no function looks like encrypt or decrypt");
    // A name alone is none.
    let source =
        "const char *volatile f = \"/rustls-0.23.9/src/a.rs\"; int main() { return f[0]; }";
    uncovered(source, &["-fPIE", "-pie"], "no table looks like");
    let source = source.replace("/rustls-0.23.9", "/tokio-rustls-0.26.0");
    assert_eq!(scanned(&built(&source, &["-s"])).0, Contents::default());
}

#[test]
fn a_name_is_no_library() {
    for text in ["ssl/ssl_lib.cc", "ssl/ssl_lib.c"] {
        let source = format!("const char *const file = \"{text}\"; int main() {{ return 0; }}");
        uncovered(&source, &["-Wl,--export-dynamic"], "no function is known to mention");
    }
    let source = "int main() { return 0; }";
    assert_eq!(scanned(&built(source, &["-s"])).0, Contents::default());
}

/// Libraries that export what is looked for say whether it was found.
#[test]
fn exporting_libraries() {
    for path in ["/usr/lib/x86_64-linux-gnu/libssl.so.3", "/usr/bin/node"] {
        let Ok(file) = File::open(path) else { continue };
        let elf = Elf::open(file).unwrap();
        let told = examine(&elf, &|_| None);
        let found = scan(&elf, &mut Vec::new());
        if !found.is_empty() {
            assert_eq!(transfers(&found), transfers(&told), "{path}: {found:?}");
        }
    }
}

/// Nothing that is installed here is taken for what it is not.
#[test]
fn installed_files() {
    let deadline = Instant::now() + Duration::from_secs(40);
    let mut left = 2 << 30_u64;
    for folder in ["/usr/lib/x86_64-linux-gnu", "/usr/bin", "/usr/lib"] {
        let Ok(files) = std::fs::read_dir(folder) else { continue };
        for path in files.filter_map(|file| Some(file.ok()?.path())) {
            let Ok(file) = File::open(&path) else { continue };
            let Ok(elf) = Elf::open(file) else { continue };
            if !is_worth_a_scan(&elf) || elf.size() > left || Instant::now() > deadline {
                continue;
            }
            left -= elf.size();
            let mut notes = Vec::new();
            let found = scan(&elf, &mut notes);
            is_right(&path, &elf, &found, &notes);
        }
    }
}

fn is_right(path: &Path, elf: &Elf, found: &Contents, notes: &[String]) {
    let context = format!("{}: {found:?}\n{}", path.display(), notes.join("\n"));
    let (rustls, others): (Vec<_>, Vec<_>) =
        found.found.iter().cloned().partition(|found| found.tls == Tls::Rustls);
    let transfers_of = |found| transfers(&Contents { found, uncovered: Vec::new() });
    let functions = |found| transfers_of(found).into_iter().map(|(function, ..)| function);
    if !rustls.is_empty() {
        // A pair for each of its algorithms, which may share a function.
        let functions: Vec<_> = functions(rustls).collect();
        assert!(functions.contains(&Function::Write), "{context}");
        assert!(functions.contains(&Function::Read), "{context}");
    }
    if others.is_empty() {
        return;
    }
    let told = examine(elf, &|_| None);
    if told.is_empty() {
        // Such programs exist (a bun in /usr/bin): one of each, in its code.
        let functions: Vec<_> = functions(others).collect();
        assert_eq!(functions, [Function::Write, Function::Read], "{context}");
    } else {
        assert_eq!(transfers_of(others), transfers(&told), "{context}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn changed_at_random(
        changes in proptest::collection::vec((0_usize..1 << 16, proptest::num::u8::ANY), 1..24),
        cut in proptest::option::of(0_usize..1 << 15),
        which in 0_usize..3,
    ) {
        thread_local! {
            static ORIGINALS: [Vec<u8>; 3] = [
                built(BORINGSSL, &["-s"]),
                built(OPENSSL, &["-s", "-no-pie", "-fno-pie"]),
                built(RUSTLS, &["-s", "-fPIE", "-pie", "-fcf-protection=none"]),
            ];
        }
        let mut bytes = ORIGINALS.with(|all| all[which].clone());
        let length = bytes.len();
        for (at, to) in changes {
            // Half of them hit the headers and tables in front.
            let at = if at % 2 == 0 { at % 1024 } else { at };
            bytes[at % length] = to;
        }
        bytes.truncate(cut.unwrap_or(length));
        scanned(&bytes);
    }
}
