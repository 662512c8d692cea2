//! What records hold as the kernel writes it, in this crate's types.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use llmtop_probe_common as abi;

use crate::Tls;

/// The implementation and the target of an opening record.
pub(super) fn tls(cookie: u32) -> (Tls, u32) {
    let (code, target) = abi::tls::of_cookie(cookie);
    let tls = match code {
        abi::tls::BORINGSSL => Tls::Boringssl,
        abi::tls::GNUTLS => Tls::Gnutls,
        abi::tls::GO => Tls::Go,
        abi::tls::NSS => Tls::Nss,
        abi::tls::RUSTLS => Tls::Rustls,
        abi::tls::NONE | abi::tls::STDIO => Tls::None,
        _ => Tls::Openssl,
    };
    (tls, target)
}

/// The text before the first zero byte.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// Arguments, each ended by a zero byte; the last may be cut.
pub(super) fn arguments(bytes: &[u8]) -> Vec<String> {
    let whole = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    whole.split(|&b| b == 0).map(|arg| String::from_utf8_lossy(arg).into_owned()).collect()
}

pub(super) fn address(raw: &abi::Address) -> Option<SocketAddr> {
    let v4: [u8; 4] = [raw.ip[0], raw.ip[1], raw.ip[2], raw.ip[3]];
    let ip = match i32::from(raw.family) {
        libc::AF_INET => IpAddr::V4(Ipv4Addr::from(v4)),
        libc::AF_INET6 => IpAddr::V6(Ipv6Addr::from(raw.ip)).to_canonical(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, raw.port))
}
