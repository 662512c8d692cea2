//! The libraries of this machine, and libraries built to be difficult: their
//! code is followed on x86_64 only.
#![cfg(target_arch = "x86_64")]

use std::fs::File;

use super::*;
use crate::Placement;
use crate::compiled::Compiled;

fn examine(path: &str) -> Option<Verdict> {
    let elf = Elf::open(File::open(path).ok()?).ok()?;
    Some(OpenSsl.examine(&elf, &|_| None))
}

fn found(path: &str) -> Option<Found> {
    match examine(path)? {
        Verdict::Found(found) => Some(found),
        other => panic!("{path}: {other:?}"),
    }
}

#[test]
fn shared_library() {
    let Some(found) = found("/usr/lib/x86_64-linux-gnu/libssl.so.3") else {
        return; // another distribution
    };
    assert_eq!(found.tls, Tls::Openssl);
    assert!(found.version.is_some_and(|v| v.starts_with("OpenSSL 3.")));
    for function in [Function::Write, Function::Read] {
        let of: Vec<_> = found.sites.iter().filter(|s| s.function == function).collect();
        let [site] = of.as_slice() else {
            panic!("{of:#?}");
        };
        assert_eq!(site.placement, Placement::Internal);
        assert_eq!(site.entry, site.start);
        assert!(matches!(site.abi, Abi::BehindArgument4 | Abi::BehindArgument5));
    }
    let frees = found.sites.iter().filter(|s| s.function == Function::Free);
    assert_eq!(frees.count(), 1);
}

#[test]
fn executable() {
    let Some(found) = found("/usr/bin/node") else {
        return; // not installed
    };
    assert_eq!(found.tls, Tls::Openssl);
    for function in [Function::Write, Function::Read, Function::Free, Function::Ctrl] {
        assert!(found.sites.iter().any(|s| s.function == function), "{function:?}");
    }
}

#[test]
fn importers_are_not_targets() {
    for path in ["/usr/bin/curl", "/usr/bin/openssl", "/proc/self/exe"] {
        if let Some(verdict) = examine(path) {
            assert_eq!(verdict, Verdict::Absent, "{path}");
        }
    }
}

/// What OpenSSL's libssl looks like to the outside, with the parts that differ
/// between versions as macros.
const LIBRARY: &str = r#"
typedef unsigned long size_t;
#define INTERNAL static __attribute__((noipa)) int
volatile int work;
static __attribute__((noipa)) void other(void *s) { work++; }
#if defined(LEAF)
#define other(s) work++
#endif
#ifndef FLAGS
INTERNAL wi(void *s, const void *b, size_t n, size_t *w) { other(s); *w = n; return work; }
int SSL_write(void *s, const void *b, int n)
{ size_t w; int r; if (n < 0) return -1; r = wi(s, b, n, &w); return r > 0 ? (int)w : r; }
#ifndef NESTED
int SSL_write_ex(void *s, const void *b, size_t n, size_t *w) { int r = wi(s, b, n, w); return r < 0 ? 0 : r; }
#endif
#else
INTERNAL wi(void *s, const void *b, size_t n, unsigned long f, size_t *w) { other(s); *w = n; return work; }
int SSL_write(void *s, const void *b, int n)
{ size_t w; int r; if (n < 0) return -1; r = wi(s, b, n, 0, &w); return r > 0 ? (int)w : r; }
int SSL_write_ex2(void *s, const void *b, size_t n, unsigned long f, size_t *w)
{ int r = wi(s, b, n, f, w); return r < 0 ? 0 : r; }
int SSL_write_ex(void *s, const void *b, size_t n, size_t *w) { return SSL_write_ex2(s, b, n, 0, w); }
#endif
#ifdef NESTED
int SSL_write_ex(void *s, const void *b, size_t n, size_t *w)
{ int r = SSL_write(s, b, n); if (r <= 0) return 0; *w = r; return 1; }
#endif
#undef other
INTERNAL ri(void *s, void *b, size_t n, size_t *w) { other(b); *w = n; return -work; }
#ifdef SWAPPED
int SSL_read(void *s, void *b, int n) { size_t w; return ri(b, s, n, &w) > 0 ? (int)w : 0; }
#else
int SSL_read(void *s, void *b, int n)
{ size_t w; int r; if (n < 0) return -1; r = ri(s, b, n, &w); return r > 0 ? (int)w : r; }
#endif
int SSL_read_ex(void *s, void *b, size_t n, size_t *w) { int r = ri(s, b, n, w); return r < 0 ? 0 : r; }
#ifdef PEEK_SHARES
int SSL_peek(void *s, void *b, int n) { size_t w; return ri(s, b, n, &w) > 0 ? (int)w : 0; }
#else
int SSL_peek(void *s, void *b, int n) { return --work; }
#endif
void SSL_free(void *s) { if (s) work = 0; }
void *SSL_CTX_new(void *m) { return m; }
void *SSL_new(void *c) { return c; }
#ifdef BORING
void SSL_CTX_set_custom_verify(void) {}
#endif
"#;

/// `(symbol, abi)` of the sites that move bytes in a library built with
/// `options`.
fn transfers(options: &[&str]) -> (Found, Vec<(String, Abi)>) {
    let always = ["-shared", "-fPIC", "-O2", "-fno-inline"];
    let library = Compiled::new(LIBRARY, &[&always, options].concat());
    let found = found(library.path().to_str().unwrap()).unwrap();
    let moves = |s: &&Site| matches!(s.function, Function::Read | Function::Write);
    let sites = found.sites.iter().filter(moves).map(|s| (s.symbol.clone(), s.abi)).collect();
    (found, sites)
}

fn check(options: &[&str], expected: &[(&str, Abi)]) -> Found {
    let (found, sites) = transfers(options);
    let sites: Vec<_> = sites.iter().map(|(symbol, abi)| (symbol.as_str(), *abi)).collect();
    assert_eq!(sites, expected, "{options:?}: {:#?}", found.sites);
    found
}

#[test]
fn difficult_libraries() {
    use Abi::{BehindArgument4, BehindArgument5, Returned};
    const WRITE: (&str, Abi) = ("SSL_write -> internal", BehindArgument4);
    const FLAGS: (&str, Abi) = ("SSL_write -> internal", BehindArgument5);
    const READ: (&str, Abi) = ("SSL_read -> internal", BehindArgument4);
    const PUBLIC_READS: [(&str, Abi); 2] =
        [("SSL_read", Returned), ("SSL_read_ex", BehindArgument4)];
    let bound = "-Wl,-Bsymbolic";
    check(&[bound], &[WRITE, READ]);
    check(&[bound, "-fcf-protection=full"], &[WRITE, READ]);
    check(&[bound, "-DFLAGS"], &[FLAGS, READ]);
    // SSL_write_ex reaches SSL_write_ex2 through the procedure linkage table.
    check(&["-DFLAGS"], &[FLAGS, READ]);
    check(&["-DFLAGS", "-fno-plt"], &[FLAGS, READ]);
    // LibreSSL's and AWS-LC's SSL_write_ex call SSL_write: one of them counts.
    check(&["-DNESTED"], &[("SSL_write", Returned), READ]);
    check(&["-DNESTED", bound], &[("SSL_write", Returned), READ]);
    check(&["-DSWAPPED", bound], &[WRITE, PUBLIC_READS[0], PUBLIC_READS[1]]);
    check(&["-DPEEK_SHARES", bound], &[WRITE, PUBLIC_READS[0], PUBLIC_READS[1]]);
    // A leaf that does not begin with a push is no better than what calls it.
    let leaf = [("SSL_write", Returned), ("SSL_write_ex", BehindArgument4), READ];
    check(&["-DLEAF", bound], &leaf);
    // Unoptimised code passes arguments through the stack: nothing is proven.
    let public = [("SSL_write", Returned), ("SSL_write_ex", BehindArgument4)];
    check(&["-O0", bound], &[public, PUBLIC_READS].concat());
    let boring = check(&["-DBORING", bound], &[WRITE, READ]);
    assert_eq!(boring.tls, Tls::Boringssl);
}
