//! Which columns the lists have: chosen on a page of its own.

use super::App;
use super::main_page::MainPage;
use super::page::Page;
use crate::action::Action;
use crate::view::area::{panes, table_size};
use crate::view::columns::{Choice, Named};
use crate::view::document::Scroll;
use crate::view::text::TextDocument;
use crate::view::{Area, Pane, exchanges, processes};

/// The columns of a list, to choose from.
#[derive(Debug)]
pub(super) struct ColumnsPage {
    list: List,
    pub(super) document: TextDocument,
    pub(super) scroll: Scroll,
    shown: Option<(Choice, Vec<usize>)>,
}

/// Which list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    Processes,
    Exchanges,
}

impl List {
    pub(super) fn named(self) -> &'static [Named] {
        match self {
            List::Processes => processes::NAMED,
            List::Exchanges => exchanges::NAMED,
        }
    }

    fn choice(self, main: &MainPage) -> &Choice {
        match self {
            List::Processes => &main.processes.columns,
            List::Exchanges => &main.columns,
        }
    }
}

impl ColumnsPage {
    pub(super) fn new(list: List) -> Self {
        let (document, scroll) = (TextDocument::default(), Scroll::default());
        ColumnsPage { list, document, scroll, shown: None }
    }

    pub(super) fn title(&self) -> &'static str {
        match self.list {
            List::Processes => "Columns of the processes",
            List::Exchanges => "Columns of the exchanges",
        }
    }

    /// Brings the list up to date, for a main page of this size.
    pub(super) fn refresh(&mut self, main: &MainPage, body: Area) {
        let choice = self.list.choice(main);
        let width = |pane| {
            let places = panes(body, main.focus, main.zoom, main.processes.order.len());
            let place = places.into_iter().find(|(other, _)| *other == pane);
            place.map_or(0, |(_, area)| table_size(area).0)
        };
        let fitting = match self.list {
            List::Processes => processes::fitting(&main.processes, width(Pane::Processes)),
            List::Exchanges => {
                exchanges::fitting(&main.columns, &main.listing, width(Pane::Exchanges))
            }
        };
        let shown = (choice.clone(), fitting);
        if self.shown.as_ref() != Some(&shown) {
            self.document = choice.document(self.list.named(), &shown.1);
            self.shown = Some(shown);
        }
    }
}

impl App {
    /// Shows the column under the cursor, hides it, or moves it.
    pub(super) fn choose_column(&mut self, action: Action) {
        let Some(Page::Columns(page)) = self.pages.last_mut() else { return };
        let choice = match page.list {
            List::Processes => &mut self.main.processes.columns,
            List::Exchanges => &mut self.main.columns,
        };
        let row = page.scroll.cursor;
        match action {
            Action::ShowColumn => choice.toggle(row),
            Action::ColumnLeft => page.scroll.cursor = choice.shift(row, false),
            Action::ColumnRight => page.scroll.cursor = choice.shift(row, true),
            _ => {}
        }
    }
}
