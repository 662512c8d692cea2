//! OpenSSL and the libraries that kept its interface (LibreSSL, BoringSSL,
//! AWS-LC), wherever a file exports `SSL_read` and `SSL_write`: shared libraries
//! of any name, and executables such as node's.

#[cfg(test)]
mod tests;
mod transfer;
mod version;

use super::{Found, Neighbour, Stack, Verdict};
use crate::elf::{Elf, Symbol};
use crate::place::{Needs, Place, straight};
use crate::{Abi, Function, Site, Tls};

/// Looked at from a function's entry where its size is not known.
const WINDOW: usize = 256;

/// Functions that move nothing, and how many of their arguments matter.
const OTHERS: &[(&str, Function, u8)] = &[
    ("SSL_free", Function::Free, 1),
    ("SSL_set_fd", Function::SetFd, 2),
    ("SSL_set_rfd", Function::SetFd, 2),
    ("SSL_set_wfd", Function::SetFd, 2),
    ("SSL_ctrl", Function::Ctrl, 4),
];

/// See the module's documentation.
pub(super) struct OpenSsl;

impl Stack for OpenSsl {
    fn examine(&self, elf: &Elf, neighbour: &Neighbour<'_>) -> Verdict {
        let (Some(_), Some(_)) = (elf.export("SSL_write"), elf.export("SSL_read")) else {
            return Verdict::Absent;
        };
        if wraps_gnutls(elf) {
            return Verdict::Absent;
        }
        let mut sites = transfer::sites(elf);
        if sites.is_empty() {
            return Verdict::Uncovered(
                "its SSL_read and SSL_write lie outside its code".to_owned(),
            );
        }
        for &(name, function, arguments) in OTHERS {
            let needs = Needs { arguments, returns: false };
            let place = elf.export(name).map(|symbol| (symbol, place(elf, symbol, needs)));
            sites.extend(place.and_then(|(symbol, place)| {
                site(elf, symbol, place, function, Abi::None, name.to_owned())
            }));
        }
        Verdict::Found(Found {
            tls: if is_boringssl(elf) { Tls::Boringssl } else { Tls::Openssl },
            version: version::version(elf, neighbour),
            sites,
        })
    }
}

/// GnuTLS brings a library with OpenSSL's names (libgnutls-openssl): what it
/// moves is GnuTLS's.
fn wraps_gnutls(elf: &Elf) -> bool {
    let needed = elf.dynamic().map(|d| d.needed(elf)).unwrap_or_default();
    needed.iter().any(|name| name.starts_with("libgnutls."))
}

/// BoringSSL and AWS-LC export these, OpenSSL never did.
fn is_boringssl(elf: &Elf) -> bool {
    ["SSL_CTX_set_custom_verify", "SSL_CTX_set_grease_enabled"]
        .iter()
        .any(|name| elf.export(name).is_some())
}

/// Where to probe the function `symbol` itself.
fn place(elf: &Elf, symbol: Symbol, needs: Needs) -> Place {
    let size = usize::try_from(symbol.size).unwrap_or(0);
    let window = if size == 0 { WINDOW } else { size.min(4096) };
    straight(&elf.at(symbol.address, window), needs)
}

fn site(
    elf: &Elf,
    symbol: Symbol,
    place: Place,
    function: Function,
    abi: Abi,
    name: String,
) -> Option<Site> {
    let address = symbol.address.checked_add(place.at)?;
    let offset = elf.offset_of(address).filter(|_| elf.is_code(address))?;
    Some(Site {
        function,
        abi,
        symbol: name,
        entry: offset,
        start: offset,
        placement: place.placement,
        reason: place.reason,
    })
}
