//! A document of styled text: messages, answers, tables of facts.

mod search;
mod style;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::code::Colours;
use super::document::{Document, Position};
use super::markdown::{Fence, Fences};
use super::{Line, Reader, Role, Span, Wrapped};
use crate::store::ExchangeId;

/// Bytes of one block. A longer text is several, so that no more of it is
/// ever wrapped than is looked at.
const PIECE: usize = 64 << 10;

/// Wrapped pieces that are kept.
const WRAPS: usize = 512;

/// Where a text lives. What the store holds is not copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// In the document, by index.
    Own(usize),
    /// The answer's text.
    Answer(ExchangeId),
    /// The answer's reasoning.
    Reasoning(ExchangeId),
}

/// How the lines of a message look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The text.
    pub role: Role,
    /// The bar at its left.
    pub bar: Role,
    /// Columns by which it is moved in.
    pub indent: usize,
    /// Show so many lines only.
    pub limit: Option<usize>,
    /// Bytes at its beginning that name what the rest is.
    pub key: usize,
    /// It is Markdown, and styled so.
    pub prose: bool,
}

/// Blocks of text, in groups (messages).
#[derive(Debug, Default)]
pub struct TextDocument {
    texts: Vec<Arc<str>>,
    blocks: Vec<Block>,
    /// Bytes before each block.
    offsets: Vec<usize>,
    bytes: usize,
    wraps: HashMap<(Source, usize), Wrapped>,
    /// Where code is in pieces of Markdown.
    fences: HashMap<(Source, usize), Fences>,
    /// The code in which pieces begin.
    openings: HashMap<(Source, usize), Option<Fence>>,
    colours: Colours,
    group: usize,
    /// Columns by which what is pushed is moved in further.
    shift: usize,
}

#[derive(Debug)]
struct Block {
    content: Content,
    look: Look,
    group: usize,
}

#[derive(Debug)]
enum Content {
    Spans(Vec<Span>),
    Text { source: Source, range: Range<usize>, lead: Option<Span> },
}

/// A place to come back to: what is pushed after it can be taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    blocks: usize,
    texts: usize,
    bytes: usize,
    group: usize,
}

impl TextDocument {
    /// Begins a group; what follows belongs to it.
    pub fn begin(&mut self) -> usize {
        if !self.blocks.is_empty() {
            self.group += 1;
        }
        self.group
    }

    /// What is pushed from now on is moved in by so many columns more, until another
    /// number is said.
    pub fn shift(&mut self, columns: usize) {
        self.shift = columns;
    }

    /// Adds one line.
    pub fn line(&mut self, spans: Vec<Span>, look: Look) {
        self.push(Content::Spans(spans), look, 1);
    }

    /// Adds an empty line.
    pub fn blank(&mut self) {
        self.push(Content::Spans(Vec::new()), Look { bar: Role::Text, ..Look::default() }, 1);
    }

    /// Adds a text that the document keeps.
    pub fn own(&mut self, text: Arc<str>, look: Look) {
        self.texts.push(Arc::clone(&text));
        self.text(Source::Own(self.texts.len() - 1), &text, look);
    }

    /// Adds a text with something before its first line, within its indent.
    pub fn led(&mut self, lead: Span, text: &str, look: Look) {
        self.texts.push(text.into());
        let source = Source::Own(self.texts.len() - 1);
        let range = 0..text.len();
        self.push(Content::Text { source, range, lead: Some(lead) }, look, text.len());
    }

    /// Adds a text that lives at `source` and now reads `text`.
    pub fn text(&mut self, source: Source, text: &str, look: Look) {
        let mut start = 0;
        loop {
            let end = piece(text, start);
            if end > start || start == 0 {
                self.push(
                    Content::Text { source, range: start..end, lead: None },
                    look,
                    end - start,
                );
            }
            if end >= text.len() || look.limit.is_some() {
                break;
            }
            start = end;
        }
    }

    /// Where it ends now.
    pub fn mark(&self) -> Mark {
        Mark {
            blocks: self.blocks.len(),
            texts: self.texts.len(),
            bytes: self.bytes,
            group: self.group,
        }
    }

    /// Takes away what was pushed since `mark`.
    pub fn cut(&mut self, mark: Mark) {
        self.blocks.truncate(mark.blocks);
        self.offsets.truncate(mark.blocks);
        // Texts of the same index may be others from here on.
        let kept = mark.texts;
        if self.texts.len() > kept {
            self.texts.truncate(kept);
            let stays = |source: &Source| !matches!(source, Source::Own(at) if *at >= kept);
            self.wraps.retain(|(source, _), _| stays(source));
            self.fences.retain(|(source, _), _| stays(source));
            self.openings.retain(|(source, _), _| stays(source));
            self.colours.retain(stays);
        }
        self.bytes = mark.bytes;
        self.group = mark.group;
    }

    /// Whether an empty line was pushed last.
    pub fn ends_blank(&self) -> bool {
        self.blocks.last().is_some_and(|last| {
            last.look.bar == Role::Text
                && matches!(&last.content, Content::Spans(spans) if spans.is_empty())
        })
    }

    /// Whether nothing was pushed.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The first block of a group.
    pub fn first_of(&self, group: usize) -> Option<usize> {
        let block = self.blocks.partition_point(|block| block.group < group);
        (block < self.blocks.len()).then_some(block)
    }

    /// The group before or after that of a block: its first block.
    pub fn neighbour(&self, block: usize, forward: bool) -> Option<usize> {
        let group = self.blocks.get(block)?.group;
        if forward {
            self.first_of(group + 1)
        } else {
            group.checked_sub(1).and_then(|group| self.first_of(group))
        }
    }

    /// The text, at most so many bytes of it.
    pub fn plain(&self, reader: &Reader<'_>, at_most: usize) -> String {
        let mut out = String::new();
        for at in 0..self.blocks.len() {
            if out.len() > at_most {
                break;
            }
            match &self.blocks[at].content {
                Content::Spans(spans) => out.extend(spans.iter().map(|span| span.text.as_str())),
                Content::Text { .. } => out.push_str(self.slice(reader, at)),
            }
            out.push('\n');
        }
        out
    }

    fn push(&mut self, content: Content, look: Look, bytes: usize) {
        let look = Look { indent: look.indent + self.shift, ..look };
        self.blocks.push(Block { content, look, group: self.group });
        self.offsets.push(self.bytes);
        self.bytes += bytes;
    }

    /// The whole text that a block is a piece of.
    fn full<'t>(&'t self, reader: &'t Reader<'_>, block: usize) -> &'t str {
        let response = |id| reader.exchange(id).map(|record| &record.exchange.response);
        let text = match self.blocks.get(block).map(|block| &block.content) {
            Some(Content::Text { source, .. }) => match *source {
                Source::Own(at) => self.texts.get(at).map(AsRef::as_ref),
                Source::Answer(id) => response(id).and_then(|it| it.text.as_deref()),
                Source::Reasoning(id) => response(id).and_then(|it| it.reasoning.as_deref()),
            },
            _ => None,
        };
        text.unwrap_or("")
    }

    fn slice<'t>(&'t self, reader: &'t Reader<'_>, block: usize) -> &'t str {
        let Some(Block { content: Content::Text { range, .. }, .. }) = self.blocks.get(block)
        else {
            return "";
        };
        // An answer may have been replaced by a shorter one since.
        let text = self.full(reader, block);
        let end = super::floor(text, range.end);
        text.get(range.start..end).unwrap_or("")
    }

    fn wrapped(&mut self, reader: &Reader<'_>, at: usize, width: usize) -> &Wrapped {
        let width = width.saturating_sub(2 + self.blocks.get(at).map_or(0, |b| b.look.indent));
        let key = match self.blocks.get(at).map(|block| &block.content) {
            Some(Content::Text { source, range, .. }) => (*source, range.start),
            _ => (Source::Own(usize::MAX), 0),
        };
        if self.wraps.len() >= WRAPS && !self.wraps.contains_key(&key) {
            self.wraps.clear();
        }
        let mut wrapped = self.wraps.remove(&key).unwrap_or_else(|| Wrapped::new(width));
        if wrapped.width() != width.max(1) {
            wrapped = Wrapped::new(width);
        }
        wrapped.extend(self.slice(reader, at));
        self.wraps.entry(key).or_insert(wrapped)
    }
}

/// The end of the piece of `text` that begins at `start`. It depends on the
/// text before it only, so pieces stand while the text grows.
fn piece(text: &str, start: usize) -> usize {
    let rest = text.len() - start;
    if rest <= PIECE {
        return text.len();
    }
    let end = super::floor(text, start + PIECE);
    let later_half = &text.as_bytes()[start + PIECE / 2..end];
    match later_half.iter().rposition(|&byte| byte == b'\n') {
        Some(at) => start + PIECE / 2 + at + 1,
        None => end,
    }
}

impl Document for TextDocument {
    fn blocks(&self) -> usize {
        self.blocks.len()
    }

    fn height(&mut self, reader: &Reader<'_>, at: usize, width: usize) -> usize {
        let Some(block) = self.blocks.get(at) else {
            return 0;
        };
        if matches!(block.content, Content::Spans(_)) {
            return 1;
        }
        let limit = block.look.limit.unwrap_or(usize::MAX);
        // A text that ends in a line break has no empty last line to show.
        let ends = self.slice(reader, at).ends_with('\n');
        let height = self.wrapped(reader, at, width).height();
        (height - usize::from(ends && height > 1)).min(limit)
    }

    fn line(&mut self, reader: &Reader<'_>, at: Position, width: usize) -> Line {
        let Some(block) = self.blocks.get(at.block) else {
            return Line::default();
        };
        let look = block.look;
        if matches!(&block.content, Content::Spans(spans) if spans.is_empty() && look.bar == Role::Text)
        {
            return Line::default();
        }
        let mut spans = Vec::new();
        if look.bar != Role::Text {
            spans.push(Span::new("▎", look.bar));
        } else {
            spans.push(Span::new(" ", Role::Text));
        }
        spans.push(Span::new(" ".repeat(1 + look.indent), look.role));
        match &block.content {
            Content::Spans(fixed) => {
                spans.extend(fixed.iter().cloned());
                spans = Line::from(spans).cut(width).spans;
            }
            Content::Text { range, lead, .. } => {
                let start = range.start;
                if let Some(lead) = lead.as_ref().filter(|_| at.line == 0) {
                    let rest = (1 + look.indent).saturating_sub(lead.text.chars().count());
                    spans.pop();
                    spans.push(lead.clone());
                    spans.push(Span::new(" ".repeat(rest), look.role));
                }
                let lines = self.wrapped(reader, at.block, width).range(at.line);
                let slice = self.slice(reader, at.block);
                let end = lines.end.min(slice.len());
                let line = slice.get(lines.start..end).unwrap_or("");
                let cut = look.limit == Some(at.line + 1)
                    && start + end < self.full(reader, at.block).len();
                let line = line.trim_end_matches(['\n', '\r']);
                let key = if at.line == 0 && start == 0 { look.key } else { 0 };
                let (key, rest) = line.split_at(super::floor(line, key));
                if !key.is_empty() {
                    spans.push(Span::shown(key, Role::JsonKey));
                }
                if look.prose && key.is_empty() {
                    self.styled(
                        reader,
                        at.block,
                        lines.start..lines.start + rest.len(),
                        &mut spans,
                    );
                } else {
                    spans.push(Span::shown(rest, look.role));
                }
                if cut {
                    spans.push(Span::new(" …", Role::Dim));
                }
            }
        }
        spans.into()
    }

    fn progress(&self, at: Position) -> (usize, usize) {
        (self.offsets.get(at.block).copied().unwrap_or(self.bytes), self.bytes)
    }

    fn group(&self, block: usize) -> usize {
        self.blocks.get(block).map_or(0, |block| block.group)
    }
}

#[cfg(test)]
mod tests {
    use super::{PIECE, piece};

    #[test]
    fn pieces_stand_while_the_text_grows() {
        let text = "line of text\n".repeat(PIECE / 4) + &"x".repeat(3 * PIECE);
        let cuts = |text: &str| {
            let mut cuts = vec![0];
            while cuts[cuts.len() - 1] < text.len() {
                cuts.push(piece(text, cuts[cuts.len() - 1]));
            }
            cuts
        };
        let whole = cuts(&text);
        assert!(whole.windows(2).all(|pair| pair[1] - pair[0] <= PIECE && pair[0] < pair[1]));
        for length in [1, PIECE, PIECE + 1, 3 * PIECE + 7] {
            let grown = cuts(&text[..length]);
            assert_eq!(grown[..grown.len() - 1], whole[..grown.len() - 1]);
        }
    }
}
