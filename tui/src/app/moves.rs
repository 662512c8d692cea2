//! Moving within what is shown: by rows, by messages, to either end.

use super::App;
use super::page::to_neighbour;
use crate::store::Store;
use crate::view::area::text_size;
use crate::view::document::Scroll;
use crate::view::{Content, Pane};

impl App {
    /// Rows of a page: one less than are visible, so that one stays.
    pub(super) fn page_rows(&self) -> isize {
        let (_, height) = self.visible();
        height.saturating_sub(1).max(1) as isize
    }

    /// Columns and rows that the focused panel gives its content.
    pub(super) fn visible(&self) -> (usize, usize) {
        let panel = self.drawn.panels.iter().find(|panel| panel.focused);
        let Some(panel) = panel else {
            return (1, 1);
        };
        let (width, height) = text_size(panel.inner());
        let titles = usize::from(matches!(panel.content, Content::Table(_)));
        (width, height.saturating_sub(titles))
    }

    /// Moves by rows, down where positive.
    pub(super) fn step(&mut self, store: &Store, rows: isize) {
        let reader = self.viewpoint.reader(store);
        let size = self.visible();
        if let Some(page) = self.pages.last_mut() {
            return page.step(&reader, rows, size);
        }
        match self.main.focus {
            Pane::Processes => self.main.move_process(rows),
            Pane::Exchanges => self.main.move_exchange(&reader, rows),
            Pane::Connections => {
                let row = &mut self.main.connections.selected;
                *row = row.saturating_add_signed(rows);
            }
            Pane::Answer => {
                self.main.scroll.by(&mut self.main.answer.document, &reader, rows, size);
            }
        }
    }

    /// To the first row, or the last.
    pub(super) fn edge(&mut self, store: &Store, first: bool) {
        let reader = self.viewpoint.reader(store);
        if let Some(page) = self.pages.last_mut() {
            return page.edge(first);
        }
        match self.main.focus {
            Pane::Processes => {
                self.main.processes.chosen = true;
                let order = &self.main.processes.order;
                let item = if first { order.first() } else { order.last() };
                self.main.processes.selected = item.map(|item| item.key.clone());
            }
            Pane::Exchanges if first => self.main.select_row(&reader, 0),
            // At the end of a list that grows, one wants to see it grow.
            Pane::Exchanges => {
                let last = self.main.count(&reader).saturating_sub(1);
                self.main.select_row(&reader, last);
                self.main.exchanges.follow = self.main.listing.is_by_time();
            }
            Pane::Connections => {
                self.main.connections.selected = if first { 0 } else { usize::MAX };
            }
            Pane::Answer if first => self.main.scroll.to_start(),
            Pane::Answer => self.main.scroll = Scroll::following(),
        }
    }

    /// To the next message, or the previous one.
    pub(super) fn next_block(&mut self, store: &Store, forward: bool) {
        let reader = self.viewpoint.reader(store);
        let size = self.visible();
        let (document, scroll) = (&mut self.main.answer.document, &mut self.main.scroll);
        if self.main.focus == Pane::Answer {
            to_neighbour(document, scroll, &reader, forward, size);
        }
    }
}
