//! OpenSSL built into a program without symbols: codex, Copilot's native module.
//!
//! Since OpenSSL 3.0 an error is reported with the name of the function that
//! reports it (`ERR_set_debug(file, line, function)`), so the names are among the
//! constants, and the function that mentions its own name beside that of its source
//! file is the one. OpenSSL 1.1 reports the function's number instead
//! (`ERR_put_error(library, function, reason, file, line)`).

use super::super::Verdict;
use super::SOURCE;
use crate::elf::{Elf, Text};

/// Looks for the library in a file among whose constants `texts` lie.
pub(super) fn find(elf: &Elf, texts: &[Text], notes: &mut Vec<String>) -> Verdict {
    let files = texts.iter().filter(|text| text.text.ends_with(SOURCE));
    let files: Vec<u64> = files.map(|text| text.address).collect();
    if files.is_empty() {
        return Verdict::Absent;
    }
    match functions::find(elf, &files, notes) {
        Ok(found) => Verdict::Found(found),
        Err(why) => Verdict::Uncovered(format!("OpenSSL without symbols: {why}")),
    }
}

#[cfg(target_arch = "x86_64")]
mod functions {
    use std::collections::{BTreeMap, BTreeSet, HashMap};

    use super::super::{others, transfer, version};
    use crate::elf::{Elf, Symbol};
    use crate::stack::Found;
    use crate::stack::reports::{Report, Reporter, reporters};
    use crate::{Method, Placement, Tls};

    /// Names that OpenSSL 3 reports, and the numbers that 1.1 reports instead
    /// (`SSL_F_*` of its `openssl/sslerr.h`).
    const NAMES: [(&str, u32); 10] = [
        ("SSL_read", 223),
        ("SSL_write", 208),
        ("SSL_peek", 270),
        ("SSL_write_ex", 433),
        ("SSL_read_ex", 434),
        ("SSL_peek_ex", 432),
        ("SSL_set_fd", 192),
        ("SSL_set_rfd", 194),
        ("SSL_set_wfd", 196),
        ("SSL_write_ex2", u32::MAX),
    ];
    /// `ERR_LIB_SSL`
    const LIBRARY: u32 = 20;
    /// How far apart a report's two texts are loaded, at most.
    const NEAR: u64 = 64;

    /// Finds the library's functions; its source file's name lies at `files`.
    ///
    /// # Errors
    /// Why they cannot be told.
    pub(super) fn find(elf: &Elf, files: &[u64], notes: &mut Vec<String>) -> Result<Found, String> {
        let names: Vec<&str> = NAMES.iter().map(|&(name, _)| name).collect();
        let texts = elf.texts_of(&names);
        let named: HashMap<u64, &str> = texts
            .iter()
            .filter_map(|t| Some((t.address, *names.iter().find(|n| **n == t.text)?)))
            .collect();
        let wanted: Vec<u64> = files.iter().copied().chain(named.keys().copied()).collect();
        let reporters = reporters(elf, &wanted);
        if reporters.is_empty() {
            return Err("no function is known to mention its source file".to_owned());
        }
        let mut found: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
        for reporter in reporters.values() {
            let spoken = reporter.reports.iter().filter_map(|report| {
                named.get(&report.text).copied().filter(|_| beside_file(reporter, report, files))
            });
            let numbered = reporter.reports.iter().filter_map(number);
            for name in spoken.chain(numbered) {
                found.entry(name).or_default().insert(reporter.start());
            }
        }
        for (name, starts) in &found {
            notes.push(format!("{name} is reported by {starts:#x?}"));
        }
        for name in ["SSL_read", "SSL_write"] {
            match found.get(name).map_or(0, BTreeSet::len) {
                1 => {}
                0 => return Err(format!("no function reports errors as {name}")),
                several => return Err(format!("{several} functions report errors as {name}")),
            }
        }
        let symbol = |name: &str| {
            let starts = found.get(name).filter(|starts| starts.len() == 1)?;
            let function = &reporters.get(starts.first()?)?.function;
            let size = function.bounds.end - function.bounds.start;
            Some(Symbol {
                address: function.bounds.start,
                size: if function.told { size } else { 0 },
            })
        };
        let mut sites = transfer::sites(elf, &symbol);
        // The other public functions report nothing, so nothing is known of them:
        // only the place that all of them come past will do.
        if let Some(outer) = sites.iter().find(|s| s.placement != Placement::Internal) {
            return Err(format!("{}: {}", outer.symbol, outer.reason));
        }
        sites.extend(others(elf, &symbol));
        Ok(Found {
            tls: Tls::Openssl,
            version: version::in_constants(elf),
            method: Method::References,
            sites,
        })
    }

    /// Whether the function mentions the source file next to `report`.
    fn beside_file(reporter: &Reporter, report: &Report, files: &[u64]) -> bool {
        reporter
            .reports
            .iter()
            .any(|other| files.contains(&other.text) && other.at.abs_diff(report.at) < NEAR)
    }

    /// The name of the function that OpenSSL 1.1 reports by its number.
    fn number(report: &Report) -> Option<&'static str> {
        let [Some(LIBRARY), Some(function), ..] = report.call.arguments else { return None };
        let (name, _) = NAMES.iter().find(|&&(_, number)| number == function)?;
        (report.call.holder == Some(3)).then_some(name)
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod functions {
    use crate::elf::Elf;
    use crate::stack::Found;

    /// Nothing: no claim is made.
    pub(super) fn find(_: &Elf, _: &[u64], _: &mut Vec<String>) -> Result<Found, String> {
        Err("its functions are told by their code, which is followed on x86_64 only".to_owned())
    }
}
