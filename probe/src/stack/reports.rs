//! Functions that report errors: OpenSSL and its relatives name the source file
//! and the line at every error they report, which tells the functions of stripped
//! code apart.

use std::collections::BTreeMap;

use crate::elf::{Elf, Function, Functions};
use crate::place::{Body, Immediates};

/// References followed at most: a library has some hundred to one of its files.
const MAX_REFERENCES: usize = 4096;

/// A function that mentions certain texts.
#[derive(Clone, Debug)]
pub(super) struct Reporter {
    pub(super) function: Function,
    pub(super) body: Body,
    pub(super) reports: Vec<Report>,
}

/// One place where it does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Report {
    /// Where the code is.
    pub(super) at: u64,
    /// Address of the text.
    pub(super) text: u64,
    /// What else is prepared for the call that gets the text.
    pub(super) call: Immediates,
}

impl Reporter {
    /// Where it begins.
    pub(super) fn start(&self) -> u64 {
        self.function.bounds.start
    }
}

/// The functions that mention one of `texts`, by their starts. Code of which no
/// function is known to come past it is left out.
pub(super) fn reporters(elf: &Elf, texts: &[u64]) -> BTreeMap<u64, Reporter> {
    let mut references = elf.references(texts).unwrap_or_default();
    references.truncate(MAX_REFERENCES);
    let places: Vec<u64> = references.iter().map(|reference| reference.at).collect();
    let functions = Functions::around(elf, &places);
    let mut reporters = BTreeMap::new();
    for reference in references {
        for function in functions.holding(reference.at) {
            let start = function.bounds.start;
            let reporter = reporters.entry(start).or_insert_with(|| {
                let body = Body::follow(function.bounds.clone(), &function.code);
                Reporter { function, body, reports: Vec::new() }
            });
            if let Some(call) = reporter.body.immediates(reference.at) {
                let report = Report { at: reference.at, text: reference.target, call };
                reporter.reports.push(report);
                break;
            }
        }
    }
    reporters.retain(|_, reporter: &mut Reporter| !reporter.reports.is_empty());
    reporters
}
