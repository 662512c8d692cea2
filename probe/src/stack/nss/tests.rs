use std::fs::File;
use std::path::Path;

use super::*;
use crate::Placement;
use crate::compiled::Compiled;

fn found(path: &Path) -> Option<Verdict> {
    let elf = Elf::open(File::open(path).ok()?).ok()?;
    Some(Nss.examine(&elf, &|_| None))
}

/// `(symbol, function, abi)` of the sites.
fn sites(verdict: &Verdict) -> Vec<(&str, Function, Abi)> {
    let Verdict::Found(found) = verdict else { panic!("{verdict:?}") };
    assert_eq!((found.tls, found.method), (Tls::Nss, Method::Tables));
    found.sites.iter().map(|site| (&*site.symbol, site.function, site.abi)).collect()
}

const SITES: [(&str, Function, Abi); 6] = [
    ("ssl_SecureSend", Function::Write, Abi::Returned),
    ("ssl_SecureRecv", Function::Read, Abi::Flagged),
    ("ssl_SecureClose", Function::Free, Abi::None),
    ("ssl_DefClose", Function::Free, Abi::None),
    ("SSL_SetURL", Function::ServerName, Abi::None),
    ("SSL_ResetHandshake", Function::Handshake, Abi::None),
];

#[test]
fn libraries_of_the_machine() {
    for path in
        ["/usr/lib/x86_64-linux-gnu/libssl3.so", "/usr/lib/firefox-esr/libssl3.so"].map(Path::new)
    {
        let Some(verdict) = found(path) else { continue };
        assert_eq!(sites(&verdict), SITES, "{path:?}");
        let Verdict::Found(found) = verdict else { unreachable!() };
        assert!(found.version.as_ref().is_some_and(|v| v.starts_with("NSS 3.")), "{found:?}");
        let moves = |site: &&Site| matches!(site.function, Function::Write | Function::Read);
        for site in found.sites.iter().filter(moves) {
            assert_eq!(site.placement, Placement::Emulated, "{path:?}: {site:?}");
        }
    }
}

#[test]
fn what_only_uses_it_is_none() {
    for path in [
        "/usr/lib/x86_64-linux-gnu/libnss3.so",
        "/usr/lib/x86_64-linux-gnu/libnspr4.so",
        "/usr/lib/firefox-esr/libnss3.so",
        "/usr/bin/curl",
    ] {
        let verdict = found(Path::new(path));
        assert!(verdict.is_none_or(|verdict| verdict == Verdict::Absent), "{path}");
    }
}

const SOURCE: &str = r#"
typedef int bool_t;
#define INSIDE __attribute__((noipa)) static
volatile int work;
#define PLAIN(name) INSIDE int name(void *s, ...) { work += sizeof #name; return work; }
PLAIN(before_connect) PLAIN(connect) PLAIN(bind) PLAIN(listen) PLAIN(shutdown) PLAIN(before_shutdown)
PLAIN(before_recv) PLAIN(before_send) PLAIN(before_read) PLAIN(before_write)
PLAIN(peer) PLAIN(own) PLAIN(other)
INSIDE int before_close(void *s) { other(s); other(s); return 0; }
INSIDE int close_it(void *s) { other(s); return before_close(s); }
INSIDE int receive(void *s, void *b, int n, int flags) { other(s); other(b); return n + flags; }
INSIDE int send_it(void *s, const void *b, int n, int flags) { other(s); other(s); return n - flags; }
#ifndef FLAGS
#define FLAGS 0
#endif
INSIDE int read_it(void *s, void *b, int n) { return receive(s, b, n, FLAGS); }
INSIDE int write_it(void *s, const void *b, int n) { return send_it(s, b, n, 0); }
struct table { void *functions[12]; };
#define BEFORE before_connect, 0, bind, listen, before_shutdown, before_close, before_recv, \
    before_send, before_read, before_write
const struct table before = {{ BEFORE, peer, own }};
#ifdef MANY
const struct table many[2000] = {[0 ... 1999] = {{ BEFORE, peer, own }}};
#endif
#ifdef MORE
const struct table again = {{ BEFORE, peer, own }};
#endif
const struct table secure = {{ connect, ACCEPT, bind, listen, shutdown, close_it, receive, send_it,
    read_it, write_it, PEER, own }};
void *SSL_ImportFD(void *m, void *fd) { work++; return fd; }
int SSL_SetURL(void *fd, const char *name) { other(fd); return other((void *)name); }
#ifndef BARE
int SSL_ResetHandshake(void *fd, bool_t server) { other(fd); return other(fd) + server; }
#endif
const char *NSSSSL_GetVersion(void) { return "3.112.1"; }
"#;

/// The library, built so.
fn built(options: &[&str]) -> Verdict {
    let mut all = vec!["-shared", "-fPIC", "-O2", "-s", "-fcf-protection=none"];
    for usual in ["-DACCEPT=0", "-DPEER=peer"] {
        let name = usual.split_inclusive('=').next().unwrap();
        if !options.iter().any(|option| option.starts_with(name)) {
            all.push(usual);
        }
    }
    all.extend(options);
    found(&Compiled::new(SOURCE, &all).path()).unwrap()
}

#[test]
fn libraries_built_otherwise() {
    for options in [
        &[][..],
        &["-Wl,-z,pack-relative-relocs"],
        &["-fcf-protection=full"],
        &["-fno-omit-frame-pointer"],
        &["-O1"],
        &["-Wl,-Bsymbolic"],
    ] {
        let verdict = built(options);
        assert_eq!(sites(&verdict), SITES, "{options:?}");
        let Verdict::Found(found) = verdict else { unreachable!() };
        assert_eq!(found.version.as_deref(), Some("NSS 3.112.1"));
    }
}

#[test]
fn what_is_not_proven_is_not_claimed() {
    for (options, why) in [
        (&["-DFLAGS=2"][..], "with TLS"),
        // Of which of the two are the functions before TLS?
        (&["-DMORE"], "before TLS"),
        // A file that was made to take long.
        (&["-DMANY"], "too many"),
        // The two have little in common.
        (&["-DPEER=other"], "before TLS"),
        // Somebody else's table.
        (&["-DACCEPT=(void*)1"], "with TLS"),
    ] {
        let verdict = built(options);
        let Verdict::Uncovered(said) = verdict else { panic!("{options:?}: {verdict:?}") };
        assert!(said.starts_with("NSS: ") && said.contains(why), "{options:?}: {said}");
    }
    assert_eq!(built(&["-DBARE"]), Verdict::Absent);
}
