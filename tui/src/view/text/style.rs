//! Styling Markdown: what is visible of it, and no more.

use std::ops::Range;

use super::{Content, Source, TextDocument, WRAPS};
use crate::view::markdown::{Fences, LONGEST, Styled};
use crate::view::{Reader, Span};

/// Pieces before one that are looked through for where code begins.
const BEFORE: usize = 1024;

impl TextDocument {
    /// Adds the bytes `row` of a block, styled.
    pub(super) fn styled(
        &mut self,
        reader: &Reader<'_>,
        block: usize,
        row: Range<usize>,
        spans: &mut Vec<Span>,
    ) {
        self.know_fences(reader, block);
        // Put back below: what is known of code changes while the text is read.
        let mut colours = std::mem::take(&mut self.colours);
        let text = self.slice(reader, block);
        let shown = text.get(row.clone()).unwrap_or("");
        let line = line_around(text, &row);
        let place = self.place(block);
        let fences = place.and_then(|key| Some((key, self.fences.get(&key)?)));
        if let (Some(((source, piece), fences)), Some(line)) = (fences, line) {
            let parts = match fences.style(text, line.clone()) {
                Styled::Parts(parts) => parts,
                Styled::Code { language, run } => {
                    let (place, begins) = ((source, piece + run.start), line.start - run.start);
                    colours.line(place, (language, &text[run]), begins, &text[line.clone()])
                }
            };
            for (part, role) in parts {
                let (from, to) = (line.start + part.start, line.start + part.end);
                let (from, to) = (from.max(row.start), to.min(row.end));
                if let Some(part) = text.get(from..to.max(from)).filter(|part| !part.is_empty()) {
                    spans.push(Span::shown(part, role));
                }
            }
        } else {
            // Longer than anybody writes.
            spans.push(Span::shown(shown, self.blocks[block].look.role));
        }
        self.colours = colours;
    }

    /// Whether code is plain that will have colours soon.
    pub fn awaits_colours(&self) -> bool {
        self.colours.awaited()
    }

    /// Finds out where code is in a block. What it begins with depends on the
    /// pieces of the same text before it: those are read once.
    fn know_fences(&mut self, reader: &Reader<'_>, block: usize) {
        if self.fences.len() >= WRAPS {
            self.fences.clear();
        }
        let Some((source, _)) = self.place(block) else { return };
        let mut from = block;
        while block - from < BEFORE
            && self.place(from).is_some_and(|key| key.1 > 0 && !self.fences.contains_key(&key))
            && from.checked_sub(1).and_then(|at| self.place(at)).is_some_and(|it| it.0 == source)
        {
            from -= 1;
        }
        let mut before = None;
        for at in from..=block {
            let Some(key) = self.place(at) else { return };
            let known = self.fences.remove(&key);
            let mut fences = known.unwrap_or_else(|| Fences::after(before.take()));
            fences.extend(self.slice(reader, at));
            before = fences.end();
            self.fences.insert(key, fences);
        }
    }

    /// Which piece of which text a block is.
    fn place(&self, block: usize) -> Option<(Source, usize)> {
        match &self.blocks.get(block)?.content {
            Content::Text { source, range, .. } => Some((*source, range.start)),
            Content::Spans(_) => None,
        }
    }
}

/// The line that bytes are in, without its end. `None`: it is too long.
fn line_around(text: &str, row: &Range<usize>) -> Option<Range<usize>> {
    let before = text.as_bytes().get(..row.start)?;
    let near = before.len().saturating_sub(LONGEST);
    let start = match memchr::memrchr(b'\n', &before[near..]) {
        Some(at) => near + at + 1,
        None if near == 0 => 0,
        None => return None,
    };
    let after = text.as_bytes().get(row.end..)?;
    let near = after.len().min(LONGEST);
    let end = match memchr::memchr(b'\n', &after[..near]) {
        Some(at) => row.end + at,
        None if near == after.len() => text.len(),
        None => crate::view::floor(text, row.end + near),
    };
    Some(start..end)
}
