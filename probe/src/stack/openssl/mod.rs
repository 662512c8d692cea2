//! OpenSSL and the libraries that kept its interface (LibreSSL, BoringSSL,
//! AWS-LC), wherever a file exports `SSL_read` and `SSL_write`: shared libraries
//! of any name, and executables such as node's.

mod stripped;
#[cfg(test)]
mod tests;
mod transfer;
mod version;

use super::exports::{place, site};
use super::{Found, Method, Neighbour, Stack, Verdict};
use crate::elf::{Elf, Symbol};
use crate::place::Needs;
use crate::{Abi, Function, Site, Tls};

/// The source file of the functions that are looked for (in BoringSSL
/// `ssl_lib.cc`), which names itself wherever it reports an error.
const SOURCE: &str = "ssl/ssl_lib.c";

/// Functions that move nothing, and how many of their arguments matter.
const OTHERS: &[(&str, Function, u8)] = &[
    ("SSL_free", Function::Free, 1),
    ("SSL_set_fd", Function::SetFd, 2),
    ("SSL_set_rfd", Function::SetFd, 2),
    ("SSL_set_wfd", Function::SetFd, 2),
    ("SSL_ctrl", Function::Ctrl, 4),
];

/// A library of the kind has all of these. Another library's `SSL_read` may be anything,
/// or hand on to the one of this.
const LIBRARY: [&str; 4] = ["SSL_write", "SSL_read", "SSL_new", "SSL_CTX_new"];

/// BoringSSL and AWS-LC have these functions, OpenSSL never did.
const BORINGSSL: [&str; 2] = ["SSL_CTX_set_custom_verify", "SSL_CTX_set_grease_enabled"];

/// See the module's documentation.
pub(super) struct OpenSsl;

/// Tells where a function of the library is, by name.
type Symbols<'a> = dyn Fn(&str) -> Option<Symbol> + 'a;

impl Stack for OpenSsl {
    fn examine(&self, elf: &Elf, neighbour: &Neighbour<'_>) -> Verdict {
        if LIBRARY.iter().any(|name| elf.export(name).is_none()) || wraps_gnutls(elf) {
            return Verdict::Absent;
        }
        let version = version::version(elf, neighbour);
        by_symbols(elf, &|name| elf.export(name), version, Method::Symbols)
    }

    fn scan(&self, elf: &Elf, notes: &mut Vec<String>) -> Vec<Verdict> {
        let texts = elf.texts_with(SOURCE);
        if texts.is_empty() {
            notes.push(format!("no text with {SOURCE} among its constants"));
            return Vec::new();
        }
        notes.extend(texts.iter().map(|t| format!("{:?} at {:#x}", t.text, t.address)));
        let unstripped = unstripped(elf);
        if unstripped != Verdict::Absent {
            notes.push("the file's symbol table names SSL_read and SSL_write".to_owned());
            return vec![unstripped];
        }
        vec![stripped::find(elf, &texts, notes)]
    }
}

/// The library where the file's own symbol table (`.symtab`) names its functions:
/// of a library or program that carries it inside and was not stripped.
pub(super) fn unstripped(elf: &Elf) -> Verdict {
    let others = OTHERS.iter().map(|&(name, ..)| name).chain(LIBRARY).chain(BORINGSSL);
    let names: Vec<&str> = transfer::names().chain(others).collect();
    let symbols = elf.static_symbols(&names);
    if LIBRARY.iter().any(|name| !symbols.contains_key(name)) {
        return Verdict::Absent;
    }
    by_symbols(elf, &|name| symbols.get(name).copied(), None, Method::Symbols)
}

fn by_symbols(
    elf: &Elf,
    symbols: &Symbols<'_>,
    version: Option<String>,
    method: Method,
) -> Verdict {
    let mut sites = transfer::sites(elf, symbols);
    if sites.is_empty() {
        return Verdict::Uncovered("its SSL_read and SSL_write lie outside its code".to_owned());
    }
    sites.extend(others(elf, symbols));
    let is_boringssl = BORINGSSL.iter().any(|name| symbols(name).is_some());
    let tls = if is_boringssl { Tls::Boringssl } else { Tls::Openssl };
    Verdict::Found(Found { tls, version, method, sites })
}

/// Where to probe what moves nothing.
fn others(elf: &Elf, symbols: &Symbols<'_>) -> Vec<Site> {
    let other = |&(name, function, arguments): &(&str, Function, u8)| {
        let symbol = symbols(name)?;
        let place = place(elf, symbol, Needs { arguments, returns: false });
        site(elf, symbol, place, function, Abi::None, name.to_owned())
    };
    OTHERS.iter().filter_map(other).collect()
}

/// GnuTLS brings a library with OpenSSL's names (libgnutls-openssl): what it
/// moves is GnuTLS's.
fn wraps_gnutls(elf: &Elf) -> bool {
    let needed = elf.dynamic().map(|d| d.needed(elf)).unwrap_or_default();
    needed.iter().any(|name| name.starts_with("libgnutls."))
}
