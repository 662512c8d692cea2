//! What speaks for a claim, found without the code that made it.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use iced_x86::{Decoder, DecoderOptions, FlowControl};
use llmtop_probe::elf::Elf;
use llmtop_probe::stack::Found;
use llmtop_probe::{Function, Placement, Site, Tls};
use memchr::memmem;
use object::read::elf::ElfFile64;
use object::{LittleEndian, Object, ObjectSegment, ObjectSymbol, SegmentFlags, SymbolKind};

/// What a library of the kind holds beside the functions in question, as symbols or,
/// where it has none, as texts.
fn company(tls: Tls) -> (&'static [&'static str], &'static [&'static str]) {
    match tls {
        Tls::Openssl => {
            (&["SSL_new", "SSL_CTX_new", "SSL_do_handshake"], &["ssl/ssl_lib.c", "OpenSSL "])
        }
        Tls::Boringssl => (
            &["SSL_new", "SSL_CTX_new", "SSL_do_handshake"],
            &["ssl/ssl_lib.cc", "ssl/handshake_client.cc", "ssl/ssl_session.cc"],
        ),
        Tls::Gnutls => (&["gnutls_init", "gnutls_handshake", "gnutls_credentials_set"], &[]),
        Tls::Nss => (&["SSL_ImportFD", "SSL_SetURL", "SSL_ResetHandshake"], &[]),
        // A stripped program still has them, in the table that unwinds its stacks.
        Tls::Go => (
            &[],
            &["crypto/tls.(*Conn).Write", "crypto/tls.(*Conn).clientHandshake", "runtime.goexit"],
        ),
        Tls::Rustls => (&[], &["/rustls-0.2", "tls13 "]),
        _ => (&[], &[]),
    }
}

/// A claim, and what is to be said of it.
pub(crate) struct Judged<'a> {
    found: &'a Found,
    reasons: Vec<String>,
    doubts: Vec<String>,
}

impl Judged<'_> {
    pub(crate) fn is_doubtful(&self) -> bool {
        !self.doubts.is_empty() || self.reasons.is_empty()
    }
}

impl fmt::Display for Judged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.found.version.as_deref().unwrap_or("of no known version");
        write!(f, "{:?} ({version}) by {:?}", self.found.tls, self.found.method)?;
        let reasons = if self.reasons.is_empty() { "nothing" } else { &self.reasons.join(", ") };
        write!(f, "; for it: {reasons}")?;
        if !self.doubts.is_empty() {
            write!(f, "; IN DOUBT: {}", self.doubts.join(", "))?;
        }
        Ok(())
    }
}

/// Looks at what was found in a file, of which these are the bytes.
pub(crate) fn judge<'a>(elf: &Elf, bytes: &[u8], found: &'a Found) -> Judged<'a> {
    let mut judged = Judged { found, reasons: Vec::new(), doubts: Vec::new() };
    let mut whole = bytes.to_vec();
    if ElfFile64::<LittleEndian>::parse(&*whole).is_err() {
        aligned(&mut whole);
    }
    let Ok(file) = ElfFile64::<LittleEndian>::parse(&*whole) else {
        judged.doubts.push("another reader finds the file broken".to_owned());
        return judged;
    };
    let symbols = functions(&file);
    let moves = |function| found.sites.iter().any(|site| site.function == function);
    if !(moves(Function::Write) && moves(Function::Read)) {
        judged.doubts.push("one direction has no place".to_owned());
    }
    let (names, texts) = company(found.tls);
    if !names.is_empty() && names.iter().all(|name| symbols.contains_key(*name)) {
        judged.reasons.push(format!("symbols {}", names.join(" ")));
    } else if texts.iter().all(|text| has(bytes, text)) && !texts.is_empty() {
        judged.reasons.push(format!("texts {}", texts.join(" ")));
    }
    let code = Code { segments: code(&file), bytes };
    let mut named = 0;
    for site in &found.sites {
        let places = std::iter::once(site.entry).chain(site.returns.iter().copied());
        for place in places.filter(|&place| !code.holds(place)) {
            judged.doubts.push(format!("{} at {place:#x} is no code", site.symbol));
        }
        let is_return = |&place: &u64| matches!(bytes.get(place as usize), Some(0xc2 | 0xc3));
        if let Some(place) = site.returns.iter().find(|place| !is_return(place)) {
            judged.doubts.push(format!("{} does not return at {place:#x}", site.symbol));
        }
        let Some(address) = elf.address_of(site.entry) else { continue };
        match by_symbols(&code, &symbols, site, address) {
            Some(true) => named += 1,
            Some(false) => judged.doubts.push(format!("{address:#x} is not {}", site.symbol)),
            None => {}
        }
    }
    if named > 0 {
        judged.reasons.push(format!("{named} of {} places as symbols say", found.sites.len()));
    }
    judged
}

/// Moves the tables of a file to where the other reader takes them: tools that append to a
/// program leave them anywhere, and it runs.
fn aligned(bytes: &mut Vec<u8>) {
    let number = |at: usize, size: usize| {
        let field = bytes.get(at..at + size).unwrap_or_default();
        field.iter().rev().fold(0_usize, |number, &byte| number << 8 | usize::from(byte))
    };
    let segments = (32, number(32, 8), number(56, 2) * 56);
    let sections = (40, number(40, 8), number(60, 2) * 64);
    for (field, at, size) in [segments, sections] {
        let Some(table) = bytes.get(at..at.saturating_add(size)).map(<[u8]>::to_vec) else {
            continue;
        };
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        let moved = bytes.len() as u64;
        bytes[field..field + 8].copy_from_slice(&moved.to_le_bytes());
        bytes.extend(table);
    }
}

/// Functions by name, where the file still names them.
fn functions<'a>(file: &ElfFile64<'a, LittleEndian>) -> HashMap<&'a str, Range<u64>> {
    let all = file.symbols().chain(file.dynamic_symbols());
    let functions = all.filter(|s| s.is_definition() && s.kind() == SymbolKind::Text);
    let named = functions.filter_map(|s| {
        // At least its first instruction, where the size is not told.
        Some((s.name().ok()?, s.address()..s.address() + s.size().max(16)))
    });
    named.collect()
}

/// Whether the place is what its name says; `None` where the file does not name it.
fn by_symbols(
    code: &Code<'_>,
    symbols: &HashMap<&str, Range<u64>>,
    site: &Site,
    address: u64,
) -> Option<bool> {
    if site.abi.is_record() {
        let verb = if site.function == Function::Write { "encrypt" } else { "decrypt" };
        let mut holding = symbols.iter().filter(|(_, range)| range.contains(&address)).peekable();
        holding.peek()?;
        return Some(holding.any(|(name, _)| name.contains(verb)));
    }
    let name = site.symbol.split(" -> ").next()?;
    let outer = symbols.get(name)?;
    let calls = code.instructions(outer.clone());
    Some(if site.placement == Placement::Internal {
        // One that it calls, or goes on with; or one that these do.
        let inside = |at: u64| (at..at + 64).contains(&address);
        let callees = |range: Range<u64>| -> Vec<u64> {
            code.instructions(range).into_iter().filter_map(|(_, callee)| callee).collect()
        };
        let direct = callees(outer.clone());
        direct.iter().any(|&at| inside(at))
            || direct.iter().any(|&at| callees(at..at + 512).iter().any(|&at| inside(at)))
    } else {
        calls.iter().any(|&(at, _)| at == address)
    })
}

/// What is mapped executable.
struct Code<'a> {
    /// Addresses, and where the first lies in the file.
    segments: Vec<(Range<u64>, u64)>,
    bytes: &'a [u8],
}

impl Code<'_> {
    fn holds(&self, offset: u64) -> bool {
        self.segments
            .iter()
            .any(|(range, start)| (*start..start + (range.end - range.start)).contains(&offset))
    }

    /// Where each instruction of a function begins, and which function it goes to.
    fn instructions(&self, range: Range<u64>) -> Vec<(u64, Option<u64>)> {
        let Some((segment, start)) = self.segments.iter().find(|(s, _)| s.contains(&range.start))
        else {
            return Vec::new();
        };
        let from = (start + range.start - segment.start) as usize;
        let length = (range.end.min(segment.end) - range.start) as usize;
        let code = self.bytes.get(from..from + length).unwrap_or_default();
        let decoder = Decoder::with_ip(64, code, range.start, DecoderOptions::NONE);
        let goes = |instruction: iced_x86::Instruction| {
            let to = match instruction.flow_control() {
                FlowControl::Call | FlowControl::UnconditionalBranch => {
                    Some(instruction.near_branch_target()).filter(|&target| target != 0)
                }
                _ => None,
            };
            (instruction.ip(), to)
        };
        decoder.into_iter().map(goes).collect()
    }
}

fn code(file: &ElfFile64<'_, LittleEndian>) -> Vec<(Range<u64>, u64)> {
    let is_code = |flags| match flags {
        SegmentFlags::Elf { p_flags } => p_flags & object::elf::PF_X != 0,
        _ => false,
    };
    let segments = file.segments().filter(|segment| is_code(segment.flags()));
    let ranges = segments.map(|segment| {
        let (start, length) = segment.file_range();
        (segment.address()..segment.address() + length, start)
    });
    ranges.collect()
}

fn has(bytes: &[u8], text: &str) -> bool {
    memmem::find(bytes, text.as_bytes()).is_some()
}
