//! Searching a text.

use super::{Content, TextDocument};
use crate::view::document::{Document, Position};
use crate::view::{Pattern, Reader};

/// Matches that are counted.
const MATCHES: usize = 10_000;

/// Bytes of text with matches in them that are laid out to count these.
const LAID_OUT: usize = 4 << 20;

impl TextDocument {
    /// The lines in which a pattern is found, in order; whether there may be more.
    pub fn matches(
        &mut self,
        reader: &Reader<'_>,
        width: usize,
        pattern: &Pattern,
    ) -> (Vec<Position>, bool) {
        let mut found: Vec<Position> = Vec::new();
        let mut laid_out = 0;
        for block in 0..self.blocks.len() {
            if found.len() >= MATCHES || laid_out > LAID_OUT {
                return (found, true);
            }
            let text = match &self.blocks[block].content {
                Content::Spans(spans) => {
                    if spans.iter().any(|span| pattern.find(span.text.as_bytes()).is_some()) {
                        found.push(Position { block, line: 0 });
                    }
                    continue;
                }
                Content::Text { .. } => self.slice(reader, block).as_bytes(),
            };
            let mut bytes = Vec::new();
            let mut from = 0;
            while bytes.len() < MATCHES
                && let Some(at) = text.get(from..).and_then(|rest| pattern.find(rest))
            {
                bytes.push(from + at);
                from += at + pattern.text().len();
            }
            if !bytes.is_empty() {
                laid_out += text.len();
            }
            for byte in bytes {
                let at = self.position(reader, block, byte, width);
                if found.last() != Some(&at) {
                    found.push(at);
                }
            }
        }
        (found, false)
    }

    /// The place in the first of `blocks` in which `find` finds something.
    pub fn search(
        &mut self,
        reader: &Reader<'_>,
        blocks: &mut dyn Iterator<Item = usize>,
        width: usize,
        find: &dyn Fn(&str) -> Option<usize>,
    ) -> Option<Position> {
        for at in blocks {
            match &self.blocks.get(at)?.content {
                Content::Spans(spans) => {
                    if spans.iter().any(|span| find(&span.text).is_some()) {
                        return Some(Position { block: at, line: 0 });
                    }
                }
                Content::Text { .. } => {
                    let Some(byte) = find(self.slice(reader, at)) else {
                        continue;
                    };
                    return Some(self.position(reader, at, byte, width));
                }
            }
        }
        None
    }

    /// The next line of the same block after (or before) `at` in which
    /// `pattern` is found.
    pub fn search_within(
        &mut self,
        reader: &Reader<'_>,
        at: Position,
        width: usize,
        pattern: &Pattern,
        forward: bool,
    ) -> Option<Position> {
        let lines = self.wrapped(reader, at.block, width).range(at.line);
        let slice = self.slice(reader, at.block);
        let byte = if forward {
            let from = lines.end.min(slice.len());
            pattern.find(slice.as_bytes().get(from..)?).map(|found| from + found)
        } else {
            pattern.rfind(slice.as_bytes().get(..lines.start)?)
        }?;
        Some(self.position(reader, at.block, byte, width))
    }

    fn position(
        &mut self,
        reader: &Reader<'_>,
        block: usize,
        byte: usize,
        width: usize,
    ) -> Position {
        let height = self.height(reader, block, width);
        let line = self.wrapped(reader, block, width).line_of(byte);
        Position { block, line: line.min(height.max(1) - 1) }
    }
}
