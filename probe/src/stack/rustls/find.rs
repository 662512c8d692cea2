//! Which functions they are: by the file's own symbols, or without.

use std::collections::BTreeMap;

use memchr::memmem::Finder;

use super::code::Records;
use super::search::{Search, Starts};
use super::{objects, tables};
use crate::elf::{Elf, Symbol};
use crate::place::{Needs, straight};
use crate::stack::{Found, Verdict};
use crate::{Function, Method, Placement, Site, Tls};

/// Sites by where their functions begin.
type Sites = BTreeMap<u64, Site>;

/// What is found of each of these versions.
pub(super) fn find(elf: &Elf, versions: &[String], notes: &mut Vec<String>) -> Vec<Verdict> {
    let mut sites = Sites::new();
    let (mut covered, mut method) = (Vec::new(), Method::Symbols);
    let mut verdicts = Vec::new();
    for version in versions {
        match of(elf, version, &sites, notes) {
            Ok((more, how)) => {
                sites.extend(more);
                covered.push(version.as_str());
                if how == Method::Tables {
                    method = how;
                }
            }
            Err(why) => verdicts.push(Verdict::Uncovered(format!("rustls {version}: {why}"))),
        }
    }
    if !sites.is_empty() {
        let version = Some(format!("rustls {}", covered.join(" and ")));
        let sites = sites.into_values().collect();
        verdicts.push(Verdict::Found(Found { tls: Tls::Rustls, version, method, sites }));
    }
    verdicts
}

/// The functions of one version. `known` are those of others.
fn of(
    elf: &Elf,
    version: &str,
    known: &Sites,
    notes: &mut Vec<String>,
) -> Result<(Sites, Method), String> {
    let records = Records::of(version)
        .ok_or_else(|| "its records are covered from 0.21 to 0.23".to_owned())?;
    let named = named(elf, records);
    let method = if named.is_empty() { Method::Tables } else { Method::Symbols };
    let mut sites = Sites::new();
    for (start, (function, size)) in named {
        sites.insert(start, site(elf, records, Symbol { address: start, size }, function, None)?);
    }
    if sites.is_empty() {
        for (start, (function, kind)) in unnamed(elf, version, records, known, notes)? {
            let symbol = Symbol { address: start, size: 0 };
            sites.insert(start, site(elf, records, symbol, function, kind)?);
        }
    }
    for function in [Function::Write, Function::Read] {
        if !sites.values().any(|site| site.function == function) {
            return Err(format!("no function looks like {}", name(function)));
        }
    }
    Ok((sites, method))
}

/// The functions by the file's own symbol table: by their starts, what each does, and its
/// size or 0.
fn named(elf: &Elf, records: Records) -> BTreeMap<u64, (Function, u64)> {
    let wanted = |name: &[u8]| {
        let has = |part: &str| Finder::new(part).find(name).is_some();
        let ours = has("rustls") && !has("quic") && !has("Invalid");
        ours && (has("MessageEncrypter") && has("7encrypt")
            || has("MessageDecrypter") && has("7decrypt"))
    };
    let mut starts = BTreeMap::new();
    for (mangled, symbol) in elf.static_functions(wanted) {
        let encrypts = mangled.contains("7encrypt");
        let function = if encrypts { Function::Write } else { Function::Read };
        let is_right = if encrypts { Records::encrypts } else { Records::decrypts };
        if is_right(records, elf, symbol.address) {
            starts.insert(symbol.address, (function, symbol.size));
        }
    }
    starts
}

/// The same without symbols.
fn unnamed(
    elf: &Elf,
    version: &str,
    records: Records,
    known: &Sites,
    notes: &mut Vec<String>,
) -> Result<Starts, String> {
    if elf.is_fixed() {
        return Err("without symbols, and linked to a fixed address".to_owned());
    }
    let search = Search::new(elf, records);
    let found = if tables::are_in(version) {
        tables::find(&search, notes)
    } else {
        objects::find(&search, |function| known.contains_key(&function))
    };
    if search.is_over() {
        return Err("its code leads to too many functions".to_owned());
    }
    found
}

fn name(function: Function) -> &'static str {
    if function == Function::Write {
        "MessageEncrypter::encrypt"
    } else {
        "MessageDecrypter::decrypt"
    }
}

/// Both take `(result, self, message, number)`.
fn site(
    elf: &Elf,
    records: Records,
    symbol: Symbol,
    function: Function,
    kind: Option<&str>,
) -> Result<Site, String> {
    let name = match kind {
        Some(kind) => format!("{} ({kind})", name(function)),
        None => name(function).to_owned(),
    };
    let code = elf.at(symbol.address, 256);
    let place = straight(&code, Needs { arguments: 4, returns: function == Function::Read });
    // A table leads to where a function begins; that it can be probed there is shown by
    // what it begins with.
    if symbol.size == 0 && place.placement == Placement::Stepped {
        return Err(format!("{name} does not begin like a function"));
    }
    let offset = symbol
        .address
        .checked_add(place.at)
        .filter(|&address| elf.is_code(address))
        .and_then(|address| elf.offset_of(address))
        .ok_or_else(|| format!("{name} lies outside its code"))?;
    Ok(Site {
        function,
        abi: records.abi(),
        symbol: name,
        entry: offset,
        start: offset,
        returns: Vec::new(),
        placement: place.placement,
        reason: format!("called through a table, at {:#x}; {}", symbol.address, place.reason),
    })
}
