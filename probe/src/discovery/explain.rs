//! What is found in the files of one process, and what speaks for it.

use super::file::Root;
use super::maps;
use crate::elf::Elf;
use crate::stack::{self, Contents};

/// A file of a process, looked at closely.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Explanation {
    /// As the process sees it.
    pub path: String,
    /// What was found on the way, in order.
    pub notes: Vec<String>,
    /// What follows.
    pub contents: Contents,
}

/// Looks at every file that the process has mapped executable, whatever is known
/// of it already. Files without any sign of a TLS library are left out.
pub(crate) fn explain(pid: u32) -> Vec<Explanation> {
    let Some(root) = Root::of(pid) else { return Vec::new() };
    let explained = maps::of(pid).into_iter().filter_map(|mapping| {
        let opened = root.open_mapped(pid, &mapping)?;
        let elf = Elf::open(opened.file).ok()?;
        let mut notes = Vec::new();
        let mut contents = stack::examine(&elf, &|_| None);
        if !contents.is_empty() {
            notes.push("it exports SSL_read and SSL_write".to_owned());
        } else if stack::is_worth_a_scan(&elf) {
            notes.push("it exports no functions of a TLS library; looked through".to_owned());
            contents = stack::scan(&elf, &mut notes);
        }
        (!contents.is_empty()).then_some(Explanation { path: mapping.path, notes, contents })
    });
    explained.collect()
}
