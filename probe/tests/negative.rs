//! What looks like a TLS library and is none. A probe in the wrong place would end the
//! observed process, so of such files only two things may be said: that there is nothing,
//! or that it is not covered.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]
#![cfg(target_arch = "x86_64")]

use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::process::Command;

use llmtop_probe::elf::Elf;
use llmtop_probe::stack::{self, Contents};

/// What discovery makes of a file, by a quick look and by a search.
fn contents(elf: &Elf) -> Contents {
    let mut contents = stack::examine(elf, &|_| None);
    let searched = stack::scan(elf, &mut Vec::new());
    contents.found.extend(searched.found);
    contents.uncovered.extend(searched.uncovered);
    contents
}

fn claims_nothing(name: &str, path: &Path) {
    let elf = Elf::open(File::open(path).unwrap()).unwrap_or_else(|why| panic!("{name}: {why}"));
    let contents = contents(&elf);
    assert!(contents.found.is_empty(), "{name}: {contents:#?}");
}

/// Has `compiler` make a program or a library of `source`; `None` where there is no
/// such compiler.
fn build(compiler: &str, options: &[&str], source: &str, name: &str) -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().unwrap();
    let code = folder.path().join(name);
    std::fs::write(&code, source).unwrap();
    let status = Command::new(compiler)
        .args(options)
        .arg("-o")
        .args([&folder.path().join("built"), &code])
        .current_dir(folder.path())
        .status()
        .ok()?;
    assert!(status.success(), "{compiler} {options:?}");
    Some(folder)
}

fn check(compiler: &str, options: &[&str], source: &str, name: &str) {
    if let Some(folder) = build(compiler, options, source, name) {
        claims_nothing(&format!("{compiler} {options:?} {source}"), &folder.path().join("built"));
    }
}

/// More code than a file must have to be looked through.
const LARGE: &str = r#"__asm__(".text\n.fill 300000, 1, 0x90\n");"#;

#[test]
fn names_that_mean_something_else() {
    let library = |source: &str| {
        for options in [&["-shared", "-fPIC", "-O2", "-w"][..], &["-shared", "-fPIC", "-s", "-w"]] {
            check("cc", options, &format!("{source}\n{LARGE}"), "a.c");
        }
    };
    // A disk's sectors.
    library(
        "int SSL_read(int at, char *to) { return *to = at; } int SSL_write(int at) { return at; }",
    );
    // No functions.
    library("int SSL_read[64] = {1}; int SSL_write[64] = {1};");
    library("int SSL_read[64] = {1}, SSL_write[64] = {1}, SSL_new[9] = {1}, SSL_CTX_new[9] = {1};");
    // One that is loaded before the library, and hands on to it.
    library(
        "void *dlsym(void *, const char *);
        int SSL_read(void *s, void *b, int n)
        { return ((int (*)(void *, void *, int))dlsym((void *)-1, \"SSL_read\"))(s, b, n); }
        int SSL_write(void *s, const void *b, int n)
        { return ((int (*)(void *, const void *, int))dlsym((void *)-1, \"SSL_write\"))(s, b, n); }",
    );
    // One that uses it.
    library(
        "int SSL_read(void *, void *, int), SSL_write(void *, const void *, int);
        void *SSL_new(void *), *SSL_CTX_new(void *);
        int get(void *c, char *b)
        { void *s = SSL_new(SSL_CTX_new(c)); return SSL_write(s, b, 1) + SSL_read(s, b, 1); }",
    );
    // One direction, as a part of another library may have it.
    library(
        "int SSL_read(void *s, void *b, int n) { return n; }
        void *SSL_new(void *c) { return c; } void *SSL_CTX_new(void *m) { return m; }",
    );
    // Names of NSS, and tables as many programs have.
    library(
        "static int same(void *a) { return a != 0; } static int other(void *a) { return a == 0; }
        void *SSL_ImportFD(void *m, void *fd) { return fd; }
        int SSL_SetURL(void *fd, const char *to) { return fd == to; }
        int SSL_ResetHandshake(void *fd, int s) { return s; }
        void *table[][12] = {
            {same, 0, same, same, same, other, other, other, other, other, same, same},
            {other, 0, same, same, other, same, same, same, same, same, same, same}};",
    );
}

#[test]
fn texts_of_libraries() {
    // What speaks of a library, and a program that only speaks of it: in messages, in a
    // table, beside its functions' names, with the numbers of their errors.
    let texts = [
        "ssl/ssl_lib.cc",
        "../../third_party/boringssl/src/ssl/ssl_lib.cc",
        "ssl/ssl_lib.c",
        "/src/openssl/ssl/ssl_lib.c",
        "ssl_read_internal",
        "ssl_write_internal",
        "SSL_read",
        "SSL_write",
        "OpenSSL 3.0.19 27 Jan 2026",
        "/cargo/registry/src/rustls-0.23.36/src/conn.rs",
        "tls13 client in",
        "crypto/tls.(*Conn).Write",
        "crypto/tls.(*Conn).Read",
        "gnutls_record_send",
        "gnutls_record_recv",
    ];
    let table: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
    let table = table.join(", ");
    let lines: Vec<String> = texts
        .iter()
        .enumerate()
        .map(|(number, text)| {
            format!(
                "__attribute__((noinline)) int says{number}(int *to, int by) {{
                    if (by < 0) {{ report(16, 0, 226, {text:?}, 12); return -1; }}
                    if (*to == by) {{ report(20, 208, 271, \"ssl/ssl_lib.c\", 9); name({text:?}); }}
                    return *to = by;
                }}"
            )
        })
        .collect();
    let source = format!(
        "{LARGE}
        const char *volatile table[] = {{ {table} }};
        volatile int total;
        __attribute__((noinline)) void report(int l, int f, int r, const char *file, int line)
        {{ total += l + f + r + line + *file; }}
        __attribute__((noinline)) void name(const char *text) {{ total += *text; }}
        {}
        int main(int count, char **arguments) {{
            int (*all[])(int *, int) = {{ {} }};
            return all[count](&count, *table[count]);
        }}",
        lines.join("\n"),
        (0..texts.len()).map(|number| format!("says{number}")).collect::<Vec<_>>().join(", "),
    );
    for options in [
        &["-O2", "-w"][..],
        &["-O2", "-w", "-s"],
        &["-Os", "-w", "-s", "-no-pie", "-fno-pie"],
        &["-O2", "-w", "-s", "-shared", "-fPIC"],
        &["-O2", "-w", "-rdynamic"],
        &["-O0", "-w", "-s", "-fcf-protection=none"],
    ] {
        check("cc", options, &source, "a.c");
    }
}

#[test]
fn programs_of_other_languages() {
    let source = "#include <iostream>\n#include <map>\n#include <regex>\n
        int main(int count, char **a) { std::map<std::string, int> seen;
        std::regex ssl(\"ssl/ssl_lib.cc\"); for (int i = 0; i < count; i++) seen[a[i]] = std::regex_match(a[i], ssl);
        for (auto &[name, times] : seen) std::cout << name << times; }";
    for options in [&["-O1", "-s"][..], &["-O1", "-s", "-static-libstdc++", "-static-libgcc"]] {
        check("c++", options, source, "a.cc");
    }
    // Without the package; with one of that name that is another; with its names as texts.
    let source = r#"package main
import "fmt"
type Conn struct{ n int }
func (c *Conn) Write(b []byte) (int, error) { c.n += len(b); return c.n, nil }
func (c *Conn) Read(b []byte) (int, error) { c.n -= len(b); return c.n, nil }
func main() {
    c := &Conn{}
    n, _ := c.Write([]byte("crypto/tls.(*Conn).Write"))
    m, _ := c.Read([]byte("crypto/tls.(*Conn).Read"))
    fmt.Println(n, m)
}"#;
    let folder = tempfile::tempdir().unwrap();
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-cache");
    std::fs::write(folder.path().join("main.go"), source).unwrap();
    for flags in ["-ldflags=", "-ldflags=-s -w"] {
        let built = Command::new("go")
            .args(["build", flags, "-o", "built", "main.go"])
            .current_dir(folder.path())
            .env("GOCACHE", &cache)
            .env("GOPATH", folder.path().join("path"))
            .envs([("GOFLAGS", "-mod=mod"), ("GOPROXY", "off"), ("GOTOOLCHAIN", "local")])
            .envs([("CGO_ENABLED", "0"), ("GO111MODULE", "off")])
            .status();
        if let Ok(status) = built {
            assert!(status.success(), "{flags}");
            claims_nothing(flags, &folder.path().join("built"));
        }
    }
    // This program: Rust, with every text in it that the finders look for.
    claims_nothing("itself", Path::new("/proc/self/exe"));
    let stripped = folder.path().join("stripped");
    let strip = Command::new("strip").arg("-o").arg(&stripped).arg("/proc/self/exe").status();
    if strip.is_ok_and(|status| status.success()) {
        claims_nothing("itself, stripped", &stripped);
    }
}

/// A file of these bytes.
fn open(bytes: &[u8]) -> Option<Elf> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Elf::open(file).ok()
}

/// What the segments map executable, by file offsets.
fn code(bytes: &[u8]) -> Vec<Range<u64>> {
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let half = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let count = usize::from(u16::from_le_bytes([bytes[56], bytes[57]]));
    let headers = (0..count).map(|index| (word(32) as usize).saturating_add(index * 56));
    let headers = headers.filter(|&at| at < bytes.len().saturating_sub(56));
    let code = headers.filter(|&at| half(at) == 1 && half(at + 4) & 1 != 0);
    code.map(|at| word(at + 8)..word(at + 8).saturating_add(word(at + 32))).collect()
}

/// Whatever the headers say: every place is one of the file's code.
fn only_code(bytes: &[u8], what: &str) -> usize {
    let Some(elf) = open(bytes) else { return 0 };
    let contents = contents(&elf);
    let sites = contents.found.iter().flat_map(|found| &found.sites);
    let code = code(bytes);
    for place in sites.flat_map(|site| std::iter::once(site.entry).chain(site.returns.clone())) {
        let is_code = code.iter().any(|code| code.contains(&place));
        assert!(is_code, "{what}: {place:#x}: {contents:?}");
        assert!(!elf.bytes(place, 1).is_empty(), "{what}: {place:#x} is behind the file's end");
    }
    contents.found.len()
}

#[test]
fn hostile_headers() {
    let library = "#include <stddef.h>
        static __attribute__((noipa)) int w(void *s, const void *b, size_t n, size_t *m) { return *m = n; }
        int SSL_write(void *s, const void *b, int n) { size_t m; return w(s, b, n, &m) + m; }
        int SSL_read(void *s, void *b, int n) { size_t m; return w(s, b, n, &m) - m; }
        void *SSL_new(void *c) { return c; } void *SSL_CTX_new(void *m) { return m; }";
    let options = ["-shared", "-fPIC", "-O2", "-w", "-Wl,-z,max-page-size=4096"];
    let Some(folder) = build("cc", &options, library, "a.c") else { return };
    let whole = std::fs::read(folder.path().join("built")).unwrap();
    assert_eq!(only_code(&whole, "whole"), 1, "it looks like the library");
    let size = whole.len() as u64;
    // The header, the segments, the section table's first entries, the dynamic section.
    let word = |at: usize| u64::from_le_bytes(whole[at..at + 8].try_into().unwrap()) as usize;
    let segments = usize::from(whole[56]);
    let dynamic = (0..segments)
        .map(|index| 64 + index * 56)
        .find(|&at| whole[at..at + 4] == 2_u32.to_le_bytes())
        .unwrap();
    let (dynamic, length) = (word(dynamic + 8), word(dynamic + 32));
    let sections = word(40);
    let fields = (16..64 + segments * 56)
        .chain(dynamic..dynamic + length)
        .chain(sections..(sections + 128).min(whole.len()))
        .step_by(4);
    let extremes = [
        0,
        1,
        7,
        size - 1,
        size,
        size + 1,
        1 << 31,
        u64::from(u32::MAX),
        1 << 63,
        u64::MAX - 7,
        u64::MAX,
    ];
    let mut changed = whole.clone();
    for at in fields {
        for (width, value) in extremes.iter().flat_map(|&value| [(4, value), (8, value)]) {
            let end = (at + width).min(whole.len());
            changed[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
            only_code(&changed, &format!("{value:#x} at {at:#x}"));
            changed[at..end].copy_from_slice(&whole[at..end]);
        }
    }
    for length in (0..whole.len()).step_by(61).chain(0..256) {
        only_code(&whole[..length], &format!("cut at {length:#x}"));
    }
}
