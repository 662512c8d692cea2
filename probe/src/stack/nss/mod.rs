//! NSS, wherever a file exports `SSL_ImportFD`: libssl3 (Firefox's own, too), or a
//! library that it was made part of.
//!
//! A program moves its bytes by `PR_Read`, `PR_Write` and the like of NSPR, which files
//! and pipes come past as well: not these are probed but the layer of TLS below them. Its
//! functions are not exported. They stand in tables (`sslSocketOps`), one for sockets
//! before TLS begins and one for those with it, which have four functions in common:
//!
//! ```text
//! { connect, accept or 0, bind, listen, shutdown, close, recv, send, read, write,
//!   getpeername, getsockname }
//! ```
//!
//! Where it is TLS, `read` is `recv` and `write` is `send` without flags: that proves
//! which table it is, and what is moved by either comes past `recv` and `send`. QUIC
//! (HTTP/3) has its records from NSS by other functions, and is not seen.

#[cfg(target_arch = "x86_64")]
mod tables;
#[cfg(test)]
#[cfg(target_arch = "x86_64")]
mod tests;

use super::exports::{place, site, version};
use super::{Found, Method, Neighbour, Stack, Verdict};
use crate::elf::{Elf, Symbol};
use crate::place::Needs;
use crate::{Abi, Function, Site, Tls};

/// See the module's documentation.
pub(super) struct Nss;

/// A library of the kind has these: what makes a socket one of TLS, what tells the
/// server's name, and what begins a handshake.
const LIBRARY: [&str; 3] = ["SSL_ImportFD", SET_URL, RESET];
const SET_URL: &str = "SSL_SetURL";
const RESET: &str = "SSL_ResetHandshake";

/// The functions that are told by the tables.
struct Functions {
    /// Of sockets with TLS.
    send: u64,
    recv: u64,
    close: u64,
    /// Of those before it.
    close_before: u64,
}

impl Stack for Nss {
    fn examine(&self, elf: &Elf, _: &Neighbour<'_>) -> Verdict {
        let [Some(_), Some(set_url), Some(reset)] = LIBRARY.map(|name| elf.export(name)) else {
            return Verdict::Absent;
        };
        let inside = match functions(elf) {
            Ok(functions) => functions,
            Err(why) => return Verdict::Uncovered(format!("NSS: {why}")),
        };
        let sites = [
            (inside.send, "ssl_SecureSend", Function::Write, Abi::Returned, 3),
            (inside.recv, "ssl_SecureRecv", Function::Read, Abi::Flagged, 4),
            // Of a socket that did not come as far as TLS, too: its name was told.
            (inside.close, "ssl_SecureClose", Function::Free, Abi::None, 1),
            (inside.close_before, "ssl_DefClose", Function::Free, Abi::None, 1),
            (set_url.address, SET_URL, Function::ServerName, Abi::None, 2),
            (reset.address, RESET, Function::Handshake, Abi::None, 1),
        ];
        let sites = sites.map(|(address, name, function, abi, arguments)| {
            let symbol = Symbol { address, size: 0 };
            let returns = matches!(function, Function::Write | Function::Read);
            let place = place(elf, symbol, Needs { arguments, returns });
            site(elf, symbol, place, function, abi, name.to_owned())
        });
        let Some(sites) = sites.into_iter().collect::<Option<Vec<Site>>>() else {
            return Verdict::Uncovered("NSS: its functions lie outside its code".to_owned());
        };
        let version = version(elf, "NSSSSL_GetVersion").map(|version| format!("NSS {version}"));
        Verdict::Found(Found { tls: Tls::Nss, version, method: Method::Tables, sites })
    }

    fn scan(&self, _: &Elf, _: &mut Vec<String>) -> Vec<Verdict> {
        // It is a shared library.
        Vec::new()
    }
}

#[cfg(target_arch = "x86_64")]
use tables::functions;

#[cfg(not(target_arch = "x86_64"))]
fn functions(_: &Elf) -> Result<Functions, String> {
    Err("its functions are told by their code, which is followed on x86_64 only".to_owned())
}
