//! Go's `crypto/tls`, in programs with symbols and without.
//!
//! Every Go program carries a table of its functions with their names, which its
//! runtime needs (`table`). The functions' code is then followed to see where to
//! probe (`code`): never their return addresses, which the runtime looks at when it
//! moves a stack, but their own `ret` instructions.

mod build_info;
#[cfg(target_arch = "x86_64")]
mod code;
#[cfg(target_arch = "x86_64")]
mod table;
#[cfg(test)]
mod tests;

use super::{Found, Neighbour, Stack, Verdict};
use crate::Tls;
use crate::elf::{Elf, Section};

/// See the module's documentation.
pub(super) struct Go;

/// How the name of the section ends that holds the table of functions: `.gopclntab`,
/// `.data.rel.ro.gopclntab`.
const TABLE: &str = ".gopclntab";

/// What is looked for, in this order: bytes move in the first two.
#[cfg(target_arch = "x86_64")]
const FUNCTIONS: [&str; 5] = [
    "crypto/tls.(*Conn).Write",
    "crypto/tls.(*Conn).Read",
    "crypto/tls.(*Conn).Close",
    CLIENT,
    "crypto/tls.(*Conn).serverHandshake",
];

/// Begins a client's connection, with the server's name in its configuration.
#[cfg(target_arch = "x86_64")]
const CLIENT: &str = "crypto/tls.(*Conn).clientHandshake";

/// Whether a connection of this version has the name where the kernel program looks for
/// it: that is so in those there were when this was written.
#[cfg(target_arch = "x86_64")]
fn names_are_known(version: Option<&str>) -> bool {
    let minor = version.and_then(|version| {
        let rest = version.strip_prefix("Go 1.")?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u32>().ok()
    });
    minor.is_some_and(|minor| (18..=27).contains(&minor))
}

impl Stack for Go {
    fn examine(&self, _: &Elf, _: &Neighbour<'_>) -> Verdict {
        // Its table of functions is of some megabytes.
        Verdict::Absent
    }

    fn scan(&self, elf: &Elf, notes: &mut Vec<String>) -> Vec<Verdict> {
        let sections = elf.sections();
        let version = build_info::version(elf, &sections);
        if !is_go(&sections) {
            return Vec::new();
        }
        if let Some(version) = &version {
            notes.push(format!("a program built by {version}"));
        }
        vec![match find(elf, &sections, version.as_deref(), notes) {
            Ok(None) => Verdict::Absent,
            Ok(Some(found)) => Verdict::Found(Found { tls: Tls::Go, version, ..found }),
            Err(why) => Verdict::Uncovered(format!("Go's crypto/tls: {why}")),
        }]
    }
}

/// Whether the linker was Go's, or had its objects.
fn is_go(sections: &[Section]) -> bool {
    sections.iter().any(|section| section.name == build_info::SECTION || is_table(section))
}

/// Whether a section is the table of functions.
fn is_table(section: &Section) -> bool {
    section.name.ends_with(TABLE)
}

/// Where to probe; `None` where the program has no TLS of Go's.
#[cfg(target_arch = "x86_64")]
fn find(
    elf: &Elf,
    sections: &[Section],
    version: Option<&str>,
    notes: &mut Vec<String>,
) -> Result<Option<Found>, String> {
    let Some(table) = table::Table::read(elf, sections)? else {
        return Err("the program has no table of functions (.gopclntab)".to_owned());
    };
    notes.push(format!("its table of functions, of {}, names {}", table.form(), table.len()));
    let named = table.named(&FUNCTIONS)?;
    let [Some(write), Some(read), ..] = named[..] else {
        return match named[..2] {
            [None, None] => Ok(None),
            _ => Err("only one of Read and Write is there".to_owned()),
        };
    };
    let moves = [write, read].map(|entry| entry.start);
    let base = table.base(elf, sections, &moves)?;
    notes.push(format!("its code is at {:#x}, {}", base.address, base.told_by));
    let mut sites = Vec::new();
    for (name, entry) in FUNCTIONS.into_iter().zip(named) {
        let Some(entry) = entry else { continue };
        let function = code::Function::read(elf, base.address, entry)
            .map_err(|why| format!("{name}: {why}"))?;
        let mut site = function.site(elf, name).map_err(|why| format!("{name}: {why}"))?;
        if name == CLIENT && names_are_known(version) {
            site.function = crate::Function::ServerName;
        }
        sites.push(site);
    }
    Ok(Some(Found { tls: Tls::Go, version: None, method: crate::Method::FunctionTable, sites }))
}

#[cfg(not(target_arch = "x86_64"))]
fn find(
    _: &Elf,
    _: &[Section],
    _: Option<&str>,
    _: &mut Vec<String>,
) -> Result<Option<Found>, String> {
    Err("its functions' code is followed on x86_64 only".to_owned())
}
