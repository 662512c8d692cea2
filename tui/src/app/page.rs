//! Pages above the main one.

use crate::action::Context;
use crate::store::ExchangeId;
use crate::view::Reader;
use crate::view::answer::Answer;
use crate::view::document::{Document, Position, Scroll};
use crate::view::text::TextDocument;

/// A page above the main one.
#[derive(Debug)]
pub(super) enum Page {
    /// One exchange.
    Detail(Detail),
    /// What keys do.
    Help(Help),
}

/// One exchange, from every side.
#[derive(Debug)]
pub(super) struct Detail {
    pub(super) id: ExchangeId,
    pub(super) answer: Answer,
    pub(super) scroll: Scroll,
}

/// What keys do, where the person comes from.
#[derive(Debug)]
pub(super) struct Help {
    pub(super) document: TextDocument,
    pub(super) scroll: Scroll,
}

impl Detail {
    pub(super) fn new(id: ExchangeId) -> Self {
        Detail { id, answer: Answer::default(), scroll: Scroll::following() }
    }
}

impl Help {
    pub(super) fn new(context: Context) -> Self {
        Help { document: crate::view::help::document(context), scroll: Scroll::default() }
    }
}

impl Page {
    pub(super) fn context(&self) -> Context {
        match self {
            Page::Detail(_) => Context::Detail,
            Page::Help(_) => Context::Help,
        }
    }

    pub(super) fn subject(&self) -> Option<ExchangeId> {
        match self {
            Page::Detail(detail) => Some(detail.id),
            Page::Help(_) => None,
        }
    }

    fn reading(&mut self) -> (&mut dyn Document, &mut Scroll) {
        match self {
            Page::Detail(detail) => (&mut detail.answer.document, &mut detail.scroll),
            Page::Help(help) => (&mut help.document, &mut help.scroll),
        }
    }

    pub(super) fn step(&mut self, reader: &Reader<'_>, rows: isize, size: (usize, usize)) {
        let (document, scroll) = self.reading();
        scroll.by(document, reader, rows, size);
    }

    pub(super) fn edge(&mut self, first: bool) {
        let (_, scroll) = self.reading();
        *scroll = if first { Scroll::default() } else { Scroll::following() };
    }
}

/// Puts the cursor on the next group of a text, or the previous one, and its
/// beginning on the screen.
pub(super) fn to_neighbour(
    document: &mut TextDocument,
    scroll: &mut Scroll,
    reader: &Reader<'_>,
    forward: bool,
    size: (usize, usize),
) {
    if let Some(block) = document.neighbour(scroll.cursor, forward) {
        scroll.reveal(document, reader, Position { block, line: 0 }, size);
        scroll.cursor = block;
    }
}
