//! Texts among a file's constants.

use memchr::memmem::Finder;

use super::Elf;
use super::sweep::{Content, Window};

/// The longest text that is read, in bytes.
const LONGEST_TEXT: usize = 512;
/// What is looked for is there once, or in each of some functions.
const MAX_TEXTS: usize = 4096;

/// A null-terminated text among the constants.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text {
    /// Where it begins.
    pub address: u64,
    /// The text: printable ASCII.
    pub text: String,
}

impl Elf {
    /// The texts among the constants that contain `part`; none where they are too many
    /// to tell anything.
    pub(crate) fn texts_with(&self, part: &str) -> Vec<Text> {
        let finder = Finder::new(part);
        let find = |window: Window<'_>, found: &mut Vec<u64>| {
            let hits = finder.find_iter(window.bytes).take_while(|&at| at < window.own);
            found.extend(hits.map(|at| window.address + at as u64));
        };
        let hits = self.sweep(Content::Constants, part.len(), find).unwrap_or_default();
        if hits.len() > MAX_TEXTS {
            return Vec::new();
        }
        let mut texts: Vec<Text> = hits.into_iter().filter_map(|at| self.text_around(at)).collect();
        texts.dedup();
        texts
    }

    /// Where the texts `whole`, each between null bytes, lie among the constants.
    pub(crate) fn texts_of(&self, whole: &[&str]) -> Vec<Text> {
        let needles: Vec<Vec<u8>> =
            whole.iter().map(|name| [b"\0", name.as_bytes(), b"\0"].concat()).collect();
        let finders: Vec<_> = needles.iter().map(Finder::new).collect();
        let longest = needles.iter().map(Vec::len).max().unwrap_or(0);
        let find = |window: Window<'_>, found: &mut Vec<(u64, usize)>| {
            for (which, finder) in finders.iter().enumerate() {
                let hits = finder.find_iter(window.bytes).take_while(|&at| at < window.own);
                found.extend(hits.map(|at| (window.address + at as u64 + 1, which)));
            }
        };
        let hits = self.sweep(Content::Constants, longest, find).unwrap_or_default();
        let text = |(address, which): (u64, usize)| {
            Some(Text { address, text: (*whole.get(which)?).to_owned() })
        };
        hits.into_iter().filter_map(text).collect()
    }

    /// The whole text of which a part lies at `address`.
    fn text_around(&self, address: u64) -> Option<Text> {
        let printable = |b: &u8| (0x20..0x7f).contains(b);
        let longest = address.saturating_sub(LONGEST_TEXT as u64);
        let start = longest.max(self.segment_start(address)?);
        let before = self.at(start, (address - start) as usize);
        let lead = before.iter().rev().take_while(|b| printable(b)).count();
        let begin = address - lead as u64;
        let text = self.text_at(begin, LONGEST_TEXT)?;
        text.as_bytes().iter().all(printable).then_some(Text { address: begin, text })
    }
}
