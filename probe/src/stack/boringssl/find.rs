//! Which functions are `SSL_write` and `SSL_read`.
//!
//! `SSL_write` is the one that reports that it was called on a connection that
//! was never set up, that the handshake failed, and that a length is negative.
//! `ssl_read_impl` reports the first two without the third. `SSL_read` and
//! `SSL_peek` call it, and differ in that `SSL_read` takes what it read out of the
//! connection's buffer, so it writes to memory, which `SSL_peek` does not.
//! Compilers make that call from `SSL_read` itself or leave it to `SSL_peek`.

use std::collections::{BTreeMap, BTreeSet};

use crate::elf::{Elf, Function, Functions};
use crate::place::{Body, Needs, Value, straight, walk};
use crate::stack::Found;
use crate::stack::reports::{Report, Reporter, reporters};
use crate::{Abi, Method, Placement, Site, Tls};

/// `ERR_LIB_SSL` of BoringSSL's `openssl/err.h`.
const LIBRARY: u32 = 16;

/// Reasons, of `openssl/err.h` and `openssl/ssl.h`: numbers that programs may keep,
/// and that BoringSSL so never changes.
mod reason {
    /// `ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED`, of a connection that is QUIC's.
    pub(super) const SHOULD_NOT_HAVE_BEEN_CALLED: u32 = 66;
    /// `SSL_R_BAD_LENGTH`
    pub(super) const BAD_LENGTH: u32 = 111;
    /// `SSL_R_SSL_HANDSHAKE_FAILURE`
    pub(super) const HANDSHAKE_FAILURE: u32 = 215;
    /// `SSL_R_SSL3_EXT_INVALID_SERVERNAME`
    pub(super) const INVALID_SERVERNAME: u32 = 213;
    /// `SSL_R_UNINITIALIZED`
    pub(super) const UNINITIALIZED: u32 = 226;
}

type Reporters = BTreeMap<u64, Reporter>;

/// Finds both in a file in which the source file's name lies at `texts`.
///
/// # Errors
/// Why they cannot be told.
pub(super) fn find(elf: &Elf, texts: &[u64], notes: &mut Vec<String>) -> Result<Found, String> {
    let reporters = reporters(elf, texts);
    if reporters.is_empty() {
        return Err("no function is known to mention its source file".to_owned());
    }
    for reporter in reporters.values() {
        notes.push(format!("{:#x} reports {:?}", reporter.start(), reasons(reporter)));
    }
    let write = write(&reporters)?;
    let read = read(elf, &reporters, notes)?;
    let mut sites = vec![
        site(elf, write, crate::Function::Write, "SSL_write")?,
        site(elf, &read, crate::Function::Read, "SSL_read")?,
    ];
    sites.extend(name(&reporters).and_then(|function| {
        site(elf, function, crate::Function::Free, "SSL_set_tlsext_host_name").ok()
    }));
    Ok(Found { tls: Tls::Boringssl, version: None, method: Method::References, sites })
}

fn write(reporters: &Reporters) -> Result<&Function, String> {
    use reason::{BAD_LENGTH, HANDSHAKE_FAILURE, UNINITIALIZED};
    let all = [BAD_LENGTH, HANDSHAKE_FAILURE, UNINITIALIZED];
    let is_write = |r: &&Reporter| all.iter().all(|reason| reasons(r).contains(reason));
    only("SSL_write", reporters.values().filter(is_write).map(|r| &r.function))
}

fn read(elf: &Elf, reporters: &Reporters, notes: &mut Vec<String>) -> Result<Function, String> {
    let is_inner = |r: &&Reporter| {
        let reasons = reasons(r);
        reasons.contains(&reason::HANDSHAKE_FAILURE)
            && reasons.contains(&reason::UNINITIALIZED)
            && !reasons.contains(&reason::BAD_LENGTH)
    };
    let inner = only("ssl_read_impl", reporters.values().filter(is_inner))?;
    notes.push(format!("{:#x} is ssl_read_impl", inner.start()));
    // What of SSL_peek is left when it calls ssl_read_impl reports one error.
    let is_outer = |r: &&Reporter| {
        let reasons = reasons(r);
        reasons.iter().all(|&r| r == reason::SHOULD_NOT_HAVE_BEEN_CALLED)
            && hands(elf, r.start(), inner.start(), 1)
    };
    let outer: Vec<_> = reporters.values().filter(is_outer).collect();
    let takes = outer.iter().filter(|r| r.body.stores()).map(|r| &r.function);
    let looks: Vec<_> = outer.iter().filter(|r| !r.body.stores()).collect();
    match (takes.clone().count(), looks.as_slice()) {
        (0, [peek]) => {
            notes.push(format!("{:#x} is SSL_peek", peek.start()));
            only("SSL_read", callers(elf, peek.start()).iter()).cloned()
        }
        _ => only("SSL_read", takes).cloned(),
    }
}

/// `SSL_set_tlsext_host_name`, which prepares a connection. `SSL_free` reports nothing,
/// so it is not to be told; that an object is prepared says as well that whatever
/// lay at its address before is gone.
fn name(reporters: &Reporters) -> Option<&Function> {
    let all = reporters.values().filter(|r| reasons(r).contains(&reason::INVALID_SERVERNAME));
    let alone = |r: &&Reporter| reasons(r).len() == 1;
    only("SSL_set_tlsext_host_name", all).ok().filter(alone).map(|r| &r.function)
}

/// Functions that hand their first three arguments to `callee` and write to
/// memory.
fn callers(elf: &Elf, callee: u64) -> Vec<Function> {
    let calls = elf.calls_of(callee).unwrap_or_default();
    let places: Vec<u64> = calls.iter().map(|call| call.at).collect();
    let functions = Functions::around(elf, &places);
    let caller = |&at: &u64| {
        let mut bodies = functions.holding(at).into_iter().map(|function| {
            let body = Body::follow(function.bounds.clone(), &function.code);
            (function, body)
        });
        let (function, body) = bodies.find(|(_, body)| body.holds(at))?;
        (body.stores() && hands(elf, function.bounds.start, callee, 3)).then_some(function)
    };
    let mut callers: Vec<_> = places.iter().filter_map(caller).collect();
    callers.dedup();
    callers
}

/// Whether the function at `from` calls `to` with its own first `count` arguments.
fn hands(elf: &Elf, from: u64, to: u64, count: u8) -> bool {
    let calls = walk(from, |at, length| elf.at(at, length));
    calls.iter().filter(|call| call.target == to && !call.indirect).any(|call| {
        let expected = (0..count).map(Value::Argument);
        call.arguments.iter().copied().zip(expected).all(|(is, should)| is == should)
    })
}

/// The reasons of the errors that a function reports.
fn reasons(reporter: &Reporter) -> BTreeSet<u32> {
    reporter.reports.iter().filter_map(reason).collect()
}

/// `ERR_put_error(library, unused, reason, file, line)`; link-time optimisation
/// takes the unused argument away.
fn reason(report: &Report) -> Option<u32> {
    let [library, second, third, ..] = report.call.arguments;
    match (library, report.call.holder) {
        (Some(LIBRARY), Some(3)) => third,
        (Some(LIBRARY), Some(2)) => second,
        _ => None,
    }
}

/// `sub rsp, size`, behind an `endbr64` or not.
fn sets_up_a_frame(code: &[u8]) -> bool {
    let code = code.strip_prefix(&[0xf3, 0x0f, 0x1e, 0xfa]).unwrap_or(code);
    matches!(code, [0x48, 0x81 | 0x83, 0xec, ..])
}

fn only<T>(name: &str, mut candidates: impl Iterator<Item = T>) -> Result<T, String> {
    let Some(first) = candidates.next() else {
        return Err(format!("no function looks like {name}"));
    };
    match candidates.count() {
        0 => Ok(first),
        others => Err(format!("{} functions look like {name}", others + 1)),
    }
}

/// Those that move bytes take `(ssl, buffer, int length)` and answer with what they
/// moved.
fn site(elf: &Elf, function: &Function, does: crate::Function, name: &str) -> Result<Site, String> {
    let moves = does != crate::Function::Free;
    let needs = Needs { arguments: if moves { 3 } else { 1 }, returns: moves };
    let place = straight(&function.code, needs);
    // Where only padding and calls say that a function begins, it has to look so.
    let begins = place.placement != Placement::Stepped || sets_up_a_frame(&function.code);
    if !function.told && !begins {
        return Err(format!("{name} does not begin like a function"));
    }
    let start = function.bounds.start;
    let offset = start
        .checked_add(place.at)
        .filter(|&address| elf.is_code(address))
        .and_then(|address| elf.offset_of(address))
        .ok_or_else(|| format!("{name} lies outside its code"))?;
    Ok(Site {
        function: does,
        abi: if moves { Abi::Returned } else { Abi::None },
        symbol: name.to_owned(),
        entry: offset,
        start: offset,
        returns: Vec::new(),
        placement: place.placement,
        reason: format!("told by the errors it reports, at {start:#x}; {}", place.reason),
    })
}
