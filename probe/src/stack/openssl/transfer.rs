//! The functions that move plaintext, and the internal ones behind them.
//!
//! `SSL_write(ssl, buf, num)` and `SSL_write_ex(ssl, buf, num, written)` hand
//! their arguments to one internal function, `ssl_write_internal(ssl, buf, num,
//! written)`; since OpenSSL 3.3 it also takes `flags`, before `written`, for
//! `SSL_write_ex2`. Reading is alike, without flags. The internal function is
//! the better place: it begins with a `push`, and one probe serves all. It is
//! taken only where following the public functions' code proves that each of
//! them reaches it with every argument where it is expected, and that `SSL_peek`
//! does not.

use crate::elf::{Elf, Symbol};
use crate::place::{Call, Needs, Value, straight};
use crate::{Abi, Function, Placement, Site};

use super::super::exports::{WINDOW, calls, place, site};
use super::Symbols;

/// The public functions of one direction.
struct Family {
    function: Function,
    /// Name, where it keeps the transferred length, and where it would have put
    /// what it hands on. All that exist must reach the internal function.
    public: &'static [(&'static str, Abi)],
    /// Functions that must not reach it.
    strangers: &'static [&'static str],
}

static FAMILIES: [Family; 2] = [
    Family {
        function: Function::Write,
        public: &[
            ("SSL_write", Abi::Returned),
            ("SSL_write_ex", Abi::BehindArgument4),
            ("SSL_write_ex2", Abi::BehindArgument5),
        ],
        strangers: &[],
    },
    Family {
        function: Function::Read,
        public: &[("SSL_read", Abi::Returned), ("SSL_read_ex", Abi::BehindArgument4)],
        strangers: &["SSL_peek", "SSL_peek_ex"],
    },
];

/// A public function of the file, and the calls it makes.
struct Public {
    name: &'static str,
    abi: Abi,
    symbol: Symbol,
    calls: Vec<Call>,
}

/// The names of the functions that are asked for.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let public = |family: &'static Family| family.public.iter().map(|&(name, _)| name);
    FAMILIES.iter().flat_map(move |f| public(f).chain(f.strangers.iter().copied()))
}

/// Where to probe reads and writes; none where the symbols are not code.
pub(super) fn sites(elf: &Elf, symbols: &Symbols<'_>) -> Vec<Site> {
    FAMILIES.iter().flat_map(|family| of(elf, symbols, family)).collect()
}

fn of(elf: &Elf, symbols: &Symbols<'_>, family: &Family) -> Vec<Site> {
    let exists = |&(name, abi): &(&'static str, Abi)| {
        let symbol = symbols(name)?;
        let calls = calls(elf, symbol);
        Some(Public { name, abi, symbol, calls })
    };
    let public: Vec<_> = family.public.iter().filter_map(exists).collect();
    let strangers = family.strangers.iter().filter_map(|name| symbols(name));
    let foreign: Vec<_> = strangers.flat_map(|symbol| calls(elf, symbol)).collect();
    let why = match internal(&public, &foreign) {
        Ok((address, abi)) => match internal_site(elf, family, &public, address, abi) {
            Some(site) => return vec![site],
            None => "the internal function's entry is not emulated".to_owned(),
        },
        Err(why) => why,
    };
    let outer = public.iter().filter(|p| !is_nested(p, &public));
    outer
        .filter_map(|p| {
            let needs = Needs {
                arguments: if p.abi == Abi::BehindArgument5 { 5 } else { 4 },
                returns: true,
            };
            let mut place = place(elf, p.symbol, needs);
            place.reason = format!("{}; {why}", place.reason);
            site(elf, p.symbol, place, family.function, p.abi, p.name.to_owned())
        })
        .collect()
}

/// The function that all of `public` hand their arguments to, and how its own
/// arguments lie; else why none is taken.
fn internal(public: &[Public], foreign: &[Call]) -> Result<(u64, Abi), String> {
    let Some((first, others)) = public.split_first() else {
        return Err("nothing is exported".to_owned());
    };
    let mut why = format!("{} hands its arguments to no other function", first.name);
    for call in &first.calls {
        let Some(abi) = handed_on(first.abi, call) else {
            continue;
        };
        let is_public = public.iter().any(|p| p.symbol.address == call.target);
        if is_public {
            continue;
        }
        if let Some(stray) = others.iter().find(|p| !reaches(p, public, call.target, abi)) {
            why = format!("{} and {} share no internal function", first.name, stray.name);
        } else if foreign.iter().any(|c| c.target == call.target) {
            why = "SSL_peek shares the internal function".to_owned();
        } else {
            return Ok((call.target, abi));
        }
    }
    Err(why)
}

/// Whether `p` hands its arguments to `internal`, which takes them as `abi` says:
/// itself, or through another public function (`SSL_write_ex` through
/// `SSL_write_ex2`).
fn reaches(p: &Public, public: &[Public], internal: u64, abi: Abi) -> bool {
    let hands = |p: &Public, to: u64, abi: Abi| {
        p.calls.iter().any(|c| c.target == to && handed_on(p.abi, c) == Some(abi))
    };
    let through = |q: &Public| hands(p, q.symbol.address, q.abi) && hands(q, internal, abi);
    hands(p, internal, abi) || public.iter().any(through)
}

/// How the arguments of `call` lie, where they are those of the public function
/// with `abi` that makes it.
fn handed_on(abi: Abi, call: &Call) -> Option<Abi> {
    use Value::{Argument, Frame, Zero};
    let [ssl, buffer, length, fourth, fifth, _] = call.arguments;
    if [ssl, buffer, length] != [Argument(0), Argument(1), Argument(2)] {
        return None;
    }
    match (abi, fourth, fifth) {
        (Abi::Returned, Frame, _) | (Abi::BehindArgument4, Argument(3), _) => {
            Some(Abi::BehindArgument4)
        }
        (Abi::Returned, Zero, Frame)
        | (Abi::BehindArgument4, Zero, Argument(3))
        | (Abi::BehindArgument5, Argument(3), Argument(4)) => Some(Abi::BehindArgument5),
        _ => None,
    }
}

fn internal_site(
    elf: &Elf,
    family: &Family,
    public: &[Public],
    address: u64,
    abi: Abi,
) -> Option<Site> {
    let needs = Needs { arguments: if abi == Abi::BehindArgument5 { 5 } else { 4 }, returns: true };
    let mut inner = straight(&elf.at(address, WINDOW), needs);
    if inner.placement == Placement::Stepped {
        return None;
    }
    let names: Vec<_> = public.iter().map(|p| p.name).collect();
    inner.placement = Placement::Internal;
    let reach = if names.len() == 1 { "reaches" } else { "reach" };
    inner.reason = format!("{} {reach} {address:#x}; {}", names.join(", "), inner.reason);
    let symbol = Symbol { address, size: 0 };
    let name = format!("{} -> internal", names.first()?);
    site(elf, symbol, inner, family.function, abi, name)
}

/// Whether probing `p` as well would count bytes twice: it reaches another
/// public function that is probed.
fn is_nested(p: &Public, public: &[Public]) -> bool {
    let mut calls = p.calls.iter();
    calls.any(|call| {
        let mut others = public.iter().filter(|o| o.name != p.name);
        others.any(|o| o.symbol.address == call.target)
    })
}
