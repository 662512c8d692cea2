//! Styling Markdown: what is visible of it, and no more.

use std::ops::Range;

use super::{Content, Source, TextDocument, WRAPS};
use crate::view::markdown::{Fence, Fences, LONGEST, Styled};
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
        let Some(key) = self.place(block) else { return };
        let mut fences = match self.fences.remove(&key) {
            Some(known) => known,
            None => Fences::after(self.opening(reader, block)),
        };
        fences.extend(self.slice(reader, block));
        self.fences.insert(key, fences);
    }

    /// The code that a piece begins in. Those before it are whole, so that stays.
    fn opening(&mut self, reader: &Reader<'_>, block: usize) -> Option<Fence> {
        let (source, _) = self.place(block)?;
        let begins = |at: usize| self.place(at).filter(|(its, start)| *its == source && *start > 0);
        let mut from = block;
        while block - from < BEFORE
            && begins(from).is_some_and(|it| !self.openings.contains_key(&it))
        {
            from -= 1;
        }
        let mut open = self.place(from).and_then(|key| self.openings.get(&key).cloned().flatten());
        for at in from..block {
            let mut fences = Fences::after(open);
            fences.extend(self.slice(reader, at));
            open = fences.end();
            if let Some(key) = self.place(at + 1) {
                self.openings.insert(key, open.clone());
            }
        }
        open
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

#[cfg(test)]
mod tests {
    use super::super::{Look, PIECE, TextDocument};
    use crate::store::Store;
    use crate::view::document::{Document, Position};
    use crate::view::{Reader, Role};

    #[test]
    fn where_code_is_is_known_in_the_middle_of_a_long_text() {
        let text = "```\n".to_owned() + &"code\n".repeat(PIECE) + "```\nprose `x`\n";
        let look = Look { prose: true, ..Look::default() };
        let mut document = TextDocument::default();
        document.own(text.as_str().into(), look);
        let store = Store::default();
        let reader = Reader::new(&store, None, llmtop_parsers::Timestamp(0), 0);
        let last = document.blocks() - 1;
        assert!(last > 3);
        let end = document.height(&reader, last, 80) - 1;
        // At its end first, then in its middle.
        for (block, line, part, role) in [
            (last, end, "prose ", Role::Text),
            (last, end, "`x`", Role::Code),
            (last, 0, "code", Role::Code),
            (2, 5, "code", Role::Code),
        ] {
            let line = Document::line(&mut document, &reader, Position { block, line }, 80);
            let found = line.spans.iter().find(|span| span.text == part);
            assert_eq!(found.map(|span| span.role), Some(role), "{part} in {line:?}");
        }
        // Each piece was looked at once, but for the last, which may grow.
        assert_eq!(document.openings.len(), last);
    }
}
