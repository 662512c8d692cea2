//! Which program runs at which places of a TLS stack.

use std::collections::BTreeMap;

use aya::programs::ProgramType;
use aya::sys::{BpfHelper, is_helper_supported};
use llmtop_probe_common::tls;

use crate::{Abi, Function, Site, Tls, stack};

const ENTRIES: &[&str] = &[
    "write_returned",
    "write_arg4",
    "write_arg5",
    "read_returned",
    "read_arg4",
    "read_internal",
    "free",
    "set_fd",
    "ctrl",
    "gnutls_read",
    "gnutls_handshake",
    "gnutls_server_name",
    "gnutls_uncork",
    "nss_read",
    "nss_handshake",
    "nss_server_name",
    #[cfg(target_arch = "x86_64")]
    "go_write",
    #[cfg(target_arch = "x86_64")]
    "go_handshake",
    #[cfg(target_arch = "x86_64")]
    "go_server_name",
    #[cfg(target_arch = "x86_64")]
    "go_close",
    "rustls_decrypt",
    "rustls_decrypt_return",
    "rustls_encrypt_owned",
    "rustls_decrypt_owned",
    "rustls_decrypt_owned_return",
];

/// Programs that send transfers of any length, each with the one for kernels without
/// `bpf_loop`.
const TRANSFER_RETURN: [&str; 2] = ["transfer_return", "transfer_return_bounded"];
const GO_WRITE_RETURN: [&str; 2] = ["go_write_return", "go_write_return_bounded"];
const GO_READ_RETURN: [&str; 2] = ["go_read_return", "go_read_return_bounded"];
const RUSTLS_ENCRYPT: [&str; 2] = ["rustls_encrypt", "rustls_encrypt_bounded"];
const TRANSFERS: &[[&str; 2]] = &[
    TRANSFER_RETURN,
    RUSTLS_ENCRYPT,
    #[cfg(target_arch = "x86_64")]
    GO_WRITE_RETURN,
    #[cfg(target_arch = "x86_64")]
    GO_READ_RETURN,
];

/// Every uprobe program of this kernel's form.
pub(super) fn programs(bounded: usize) -> Vec<&'static str> {
    ENTRIES.iter().copied().chain(TRANSFERS.iter().map(|names| names[bounded])).collect()
}

/// Whether programs can loop over a length that is known only to them (Linux 5.17).
pub(super) fn bpf_loop() -> bool {
    is_helper_supported(ProgramType::KProbe, BpfHelper::BPF_FUNC_loop).unwrap_or(false)
}

/// Where a program runs, and for which of the stack's sites.
pub(super) struct Place<'a> {
    pub(super) site: usize,
    pub(super) symbol: &'a str,
    /// In the file.
    pub(super) offset: u64,
}

/// Places by the program that runs there.
type ByProgram<'a> = BTreeMap<&'static str, Vec<Place<'a>>>;

fn add<'a>(
    places: &mut ByProgram<'a>,
    program: &'static str,
    index: usize,
    site: &'a Site,
    offset: u64,
) {
    let place = Place { site: index, symbol: &site.symbol, offset };
    places.entry(program).or_default().push(place);
}

/// What runs when functions end.
pub(super) fn returns(stack: &stack::Found, bounded: usize) -> ByProgram<'_> {
    let mut places = ByProgram::new();
    for (index, site) in stack.sites.iter().enumerate() {
        let own = match site.function {
            Function::Write => GO_WRITE_RETURN,
            _ => GO_READ_RETURN,
        };
        let moves = matches!(site.function, Function::Write | Function::Read | Function::Uncork);
        let ret = match (site.function, site.abi) {
            // What is written is complete at the entry.
            (Function::Write, Abi::Record | Abi::OwnedRecord) => None,
            (Function::Read, Abi::Record) => Some("rustls_decrypt_return"),
            (Function::Read, Abi::OwnedRecord) => Some("rustls_decrypt_owned_return"),
            _ => Some(TRANSFER_RETURN[bounded]).filter(|_| moves && site.returns.is_empty()),
        };
        for &offset in &site.returns {
            add(&mut places, own[bounded], index, site, offset);
        }
        if let Some(ret) = ret {
            add(&mut places, ret, index, site, site.start);
        }
    }
    places
}

/// What runs when functions begin.
pub(super) fn entries(stack: &stack::Found, bounded: usize) -> ByProgram<'_> {
    let mut places = ByProgram::new();
    for (index, site) in stack.sites.iter().enumerate() {
        let entry = match (site.function, site.abi) {
            (Function::Write, Abi::Record) => Some(RUSTLS_ENCRYPT[bounded]),
            _ => entry_program(stack.tls, site),
        };
        if let Some(entry) = entry {
            add(&mut places, entry, index, site, site.entry);
        }
    }
    places
}

/// The program for the entry of a function, where that is probed.
fn entry_program(tls: Tls, site: &Site) -> Option<&'static str> {
    let name = match (site.function, site.abi) {
        (_, Abi::Spilled) => return None,
        (Function::Write | Function::Read, Abi::Goroutine) => "go_write",
        (Function::Free, _) if tls == Tls::Go => "go_close",
        (Function::Handshake, _) if tls == Tls::Go => "go_handshake",
        (Function::Handshake, _) if tls == Tls::Nss => "nss_handshake",
        (Function::Handshake, _) => "gnutls_handshake",
        (Function::ServerName, _) if tls == Tls::Go => "go_server_name",
        (Function::ServerName, _) if tls == Tls::Nss => "nss_server_name",
        (Function::ServerName, _) => "gnutls_server_name",
        (Function::Uncork, _) => "gnutls_uncork",
        (Function::Write, Abi::OwnedRecord) => "rustls_encrypt_owned",
        (Function::Write, Abi::BehindArgument4) => "write_arg4",
        (Function::Write, Abi::BehindArgument5) => "write_arg5",
        (Function::Write, _) => "write_returned",
        (Function::Read, Abi::BehindArgument4 | Abi::BehindArgument5) => {
            // The public form answers 0 to every failure, the one inside only
            // to the end of the stream.
            if site.symbol == "SSL_read_ex" { "read_arg4" } else { "read_internal" }
        }
        (Function::Read, Abi::Record) => "rustls_decrypt",
        (Function::Read, Abi::OwnedRecord) => "rustls_decrypt_owned",
        (Function::Read, Abi::Typed) => "gnutls_read",
        (Function::Read, Abi::Flagged) => "nss_read",
        (Function::Read, _) => "read_returned",
        (Function::Free, _) => "free",
        (Function::SetFd, _) => "set_fd",
        (Function::Ctrl, _) => "ctrl",
    };
    Some(name)
}

pub(super) fn tls_code(tls: Tls) -> u32 {
    match tls {
        Tls::Boringssl => tls::BORINGSSL,
        Tls::Openssl => tls::OPENSSL,
        Tls::Gnutls => tls::GNUTLS,
        Tls::Nss => tls::NSS,
        Tls::Go => tls::GO,
        Tls::Rustls => tls::RUSTLS,
        _ => tls::UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_attached_was_loaded() {
        use Function::{Ctrl, Free, Handshake, Read, ServerName, SetFd, Uncork, Write};
        let abis =
            [Abi::Returned, Abi::BehindArgument4, Abi::BehindArgument5, Abi::Typed, Abi::Flagged];
        let mut expected: Vec<_> =
            [Free, Handshake, ServerName].map(|function| (Tls::Go, function, Abi::None)).into();
        expected.extend([ServerName, Handshake].map(|function| (Tls::Nss, function, Abi::None)));
        for function in [Write, Read, Free, Handshake, SetFd, Ctrl, ServerName, Uncork] {
            expected.extend(abis.map(|abi| (Tls::Gnutls, function, abi)));
        }
        expected.extend([Write, Read].map(|function| (Tls::Rustls, function, Abi::OwnedRecord)));
        for (tls, function, abi) in expected {
            let site = Site {
                function,
                abi,
                symbol: String::new(),
                entry: 0,
                start: 0,
                returns: Vec::new(),
                placement: crate::Placement::Emulated,
                reason: String::new(),
            };
            let program = entry_program(tls, &site).unwrap();
            let exists = cfg!(target_arch = "x86_64") || tls != Tls::Go;
            assert_eq!(ENTRIES.contains(&program), exists, "{program}");
        }
    }
}
