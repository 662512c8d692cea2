//! GnuTLS, wherever a file exports `gnutls_record_send` and `gnutls_record_recv`.
//!
//! `gnutls_record_send` hands its arguments to `gnutls_record_send2` (since 3.6.3),
//! which is exported as well. Both forms of receiving hand theirs to functions inside,
//! `f(session, type, data, size, ...)`: one for the library's own records, and since
//! 3.7.3 one for the kernel's. What is sent without a call of its own (early data,
//! `gnutls_record_send_range`) or received as a packet is not seen. A call that goes on
//! with what an interrupted one was given, without saying it again
//! (`gnutls_record_send(session, NULL, 0)`), is counted, its bytes as lost.
//!
//! What a corked session is given is told then; `gnutls_record_uncork`, which sends it by
//! the same functions, tells nothing.

use super::exports::{calls, place, site, version};
use super::{Found, Method, Neighbour, Stack, Verdict};
use crate::elf::{Elf, Symbol};
use crate::place::{Call, Needs, Value};
use crate::{Abi, Function, Placement, Site, Tls};

/// See the module's documentation.
pub(super) struct GnuTls;

const SEND: &str = "gnutls_record_send";
const SEND2: &str = "gnutls_record_send2";
const RECEIVE: &str = "gnutls_record_recv";
const RECEIVE_SEQ: &str = "gnutls_record_recv_seq";

/// A library of the kind has these, too. Another library's functions of those names may
/// be anything, or hand on to the ones of this.
const LIBRARY: [&str; 2] = ["gnutls_init", "gnutls_handshake"];

/// Functions that move nothing new, and how many of their arguments matter.
const OTHERS: &[(&str, Function, u8)] = &[
    ("gnutls_deinit", Function::Free, 1),
    ("gnutls_handshake", Function::Handshake, 1),
    ("gnutls_transport_set_int2", Function::SetFd, 2),
    ("gnutls_server_name_set", Function::ServerName, 4),
    ("gnutls_record_uncork", Function::Uncork, 1),
];

const TRANSFER: Needs = Needs { arguments: 4, returns: true };

impl Stack for GnuTls {
    fn examine(&self, elf: &Elf, _: &Neighbour<'_>) -> Verdict {
        let (Some(send), Some(receive)) = (elf.export(SEND), elf.export(RECEIVE)) else {
            return Verdict::Absent;
        };
        if LIBRARY.iter().any(|name| elf.export(name).is_none()) {
            return Verdict::Absent;
        }
        let mut sites = sending(elf, send);
        sites.extend(receiving(elf, receive));
        let moves = |function| sites.iter().any(|site| site.function == function);
        if !(moves(Function::Write) && moves(Function::Read)) {
            return Verdict::Uncovered(format!("its {SEND} and {RECEIVE} lie outside its code"));
        }
        let others = OTHERS.iter().filter_map(|&(name, function, arguments)| {
            let symbol = elf.export(name)?;
            let returns = function == Function::Uncork;
            let place = place(elf, symbol, Needs { arguments, returns });
            site(elf, symbol, place, function, Abi::None, name.to_owned())
        });
        sites.extend(others);
        // What it compares with.
        let version =
            version(elf, "gnutls_check_version").map(|version| format!("GnuTLS {version}"));
        let (tls, method) = (Tls::Gnutls, Method::Symbols);
        Verdict::Found(Found { tls, version, method, sites })
    }

    fn scan(&self, _: &Elf, _: &mut Vec<String>) -> Vec<Verdict> {
        // It is a shared library.
        Vec::new()
    }
}

fn public(elf: &Elf, symbol: Symbol, function: Function, name: &str) -> Option<Site> {
    let place = place(elf, symbol, TRANSFER);
    site(elf, symbol, place, function, Abi::Returned, name.to_owned())
}

/// The function through which both forms send, where that is proven, or each.
fn sending(elf: &Elf, send: Symbol) -> Vec<Site> {
    let inner = elf.export(SEND2);
    let hands = |call: &Call, to: Symbol| {
        let arguments = [Value::Argument(0), Value::Argument(1), Value::Argument(2)];
        call.target == to.address && call.arguments.starts_with(&arguments)
    };
    let outer = match inner {
        Some(inner) if calls(elf, send).iter().any(|call| hands(call, inner)) => None,
        _ => public(elf, send, Function::Write, SEND),
    };
    let inner = inner.and_then(|inner| public(elf, inner, Function::Write, SEND2));
    inner.into_iter().chain(outer).collect()
}

/// The functions through which both forms receive, where that is proven, or each form.
fn receiving(elf: &Elf, receive: Symbol) -> Vec<Site> {
    let forms = [Some((RECEIVE, receive)), elf.export(RECEIVE_SEQ).map(|s| (RECEIVE_SEQ, s))];
    let forms: Vec<(&str, Symbol)> = forms.into_iter().flatten().collect();
    let public = || {
        let site = |&(name, symbol): &(&str, Symbol)| public(elf, symbol, Function::Read, name);
        forms.iter().filter_map(site).collect()
    };
    let mut inside = Vec::new();
    for &(_, symbol) in &forms {
        let handed = handed_on(elf, symbol, [0, 1, 2]);
        if handed.is_empty() {
            return public();
        }
        inside.extend(handed);
    }
    inside.sort_unstable();
    inside.dedup();
    // A walk goes on behind a tail jump: what one of them calls is not another.
    let symbol = |&address: &u64| Symbol { address, size: 0 };
    let within: Vec<u64> =
        inside.iter().flat_map(|at| handed_on(elf, symbol(at), [0, 2, 3])).collect();
    inside.retain(|at| !within.contains(at));
    let sites: Vec<Site> = inside
        .iter()
        .filter_map(|at| {
            let mut place = place(elf, symbol(at), TRANSFER);
            if place.placement == Placement::Stepped {
                return None;
            }
            place.placement = Placement::Internal;
            place.reason = format!("{RECEIVE} reaches {at:#x}; {}", place.reason);
            let name = format!("{RECEIVE} -> internal");
            site(elf, symbol(at), place, Function::Read, Abi::Typed, name)
        })
        .collect();
    if sites.is_empty() || sites.len() < inside.len() { public() } else { sites }
}

/// The functions that get, as the first, third and fourth argument, those with these
/// numbers of the function `from`.
fn handed_on(elf: &Elf, from: Symbol, [session, data, size]: [u8; 3]) -> Vec<u64> {
    let handed = [session, data, size].map(Value::Argument);
    let mut calls = calls(elf, from);
    calls.retain(|Call { arguments: [session, _, data, size, ..], indirect, .. }| {
        !indirect && [*session, *data, *size] == handed
    });
    calls.into_iter().map(|call| call.target).collect()
}

#[cfg(test)]
#[cfg(target_arch = "x86_64")]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::compiled::Compiled;

    fn found(path: &str) -> Option<Verdict> {
        let elf = Elf::open(File::open(path).ok()?).ok()?;
        Some(GnuTls.examine(&elf, &|_| None))
    }

    /// `(symbol, abi, emulated)` of the sites that move bytes.
    fn transfers(verdict: Verdict) -> Vec<(String, Abi, bool)> {
        let Verdict::Found(found) = verdict else { panic!("{verdict:?}") };
        assert_eq!(found.tls, Tls::Gnutls);
        let moves = |s: &Site| matches!(s.function, Function::Read | Function::Write);
        let sites = found.sites.into_iter().filter(moves);
        sites.map(|s| (s.symbol, s.abi, s.placement != Placement::Stepped)).collect()
    }

    #[test]
    fn shared_library() {
        let Some(verdict) = found("/usr/lib/x86_64-linux-gnu/libgnutls.so.30") else { return };
        let Verdict::Found(Found { version, sites, .. }) = verdict.clone() else {
            panic!("{verdict:?}");
        };
        assert!(version.is_some_and(|v| v.starts_with("GnuTLS 3.")));
        for (name, function, _) in OTHERS {
            assert!(sites.iter().any(|site| site.function == *function), "{name}");
        }
        let names: Vec<String> = transfers(verdict).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names.iter().filter(|name| name.contains("send")).count(), 1, "{names:?}");
    }

    #[test]
    fn what_only_uses_it_is_none() {
        for path in ["/usr/bin/wget", "/usr/lib/x86_64-linux-gnu/libgnutls-openssl.so.27"] {
            assert!(found(path).is_none_or(|verdict| verdict == Verdict::Absent), "{path}");
        }
    }

    const SOURCE: &str = r#"
    typedef unsigned long size_t;
    #define INSIDE __attribute__((noipa))
    volatile int work, kernel;
    #ifndef BARE
    int gnutls_init(void **s, unsigned f) { work++; return 0; }
    #endif
    int gnutls_handshake(void *s) { work++; return 0; }
    static INSIDE void other(void *s) { work++; }
    static INSIDE long copy(void *s, int t, void *d, size_t n) { other(s); other(d); return n; }
    static INSIDE long inner(void *s, int t, void *d, size_t n, void *q, int m)
    { other(s); other(s); return copy(s, t, d, n) + m; }
    static INSIDE long ktls(void *s, int t, void *d, size_t n) { other(s); other(s); return n; }
    long gnutls_record_send2(void *s, const void *d, size_t n, size_t pad, unsigned f)
    { other(s); other(s); return n + f; }
    #ifdef OLD
    long gnutls_record_send(void *s, const void *d, size_t n) { other(s); other(s); return n; }
    #else
    long gnutls_record_send(void *s, const void *d, size_t n)
    { return gnutls_record_send2(s, d, n, 0, 0); }
    #endif
    #ifdef ALONE
    long gnutls_record_recv(void *s, void *d, size_t n) { other(s); other(s); return n; }
    #else
    long gnutls_record_recv(void *s, void *d, size_t n)
    {
      if (work) return -10;
      return kernel ? ktls(s, 23, d, n) : inner(s, 23, d, n, 0, 7);
    }
    #endif
    long gnutls_record_recv_seq(void *s, void *d, size_t n, void *q)
    { return inner(s, 23, d, n, q, 7); }
    "#;

    /// The library, built so.
    fn built(options: &[&str]) -> Verdict {
        let always = ["-shared", "-fPIC", "-O2", "-fcf-protection=none"];
        let library = Compiled::new(SOURCE, &[&always, options].concat());
        found(library.path().to_str().unwrap()).unwrap()
    }

    fn check(options: &[&str], expected: &[(&str, Abi, bool)]) {
        let sites = transfers(built(options));
        let sites: Vec<_> = sites.iter().map(|(name, abi, e)| (&name[..], *abi, *e)).collect();
        assert_eq!(sites, expected, "{options:?}");
    }

    #[test]
    fn another_library_s_functions_of_those_names_are_none() {
        assert_eq!(built(&["-DBARE"]), Verdict::Absent);
    }

    #[test]
    fn libraries_built_otherwise() {
        const WRITE: (&str, Abi, bool) = (SEND2, Abi::Returned, true);
        const READ: (&str, Abi, bool) = ("gnutls_record_recv -> internal", Abi::Typed, true);
        // Of its own records and of the kernel's; what the first calls is not another.
        check(&[], &[WRITE, READ, READ]);
        check(&["-Wl,-Bsymbolic"], &[WRITE, READ, READ]);
        check(&["-DOLD"], &[WRITE, (SEND, Abi::Returned, true), READ, READ]);
        let alone = [(RECEIVE, Abi::Returned, true), (RECEIVE_SEQ, Abi::Returned, false)];
        check(&["-DALONE"], &[&[WRITE], &alone[..]].concat());
    }
}
