//! The main page: processes, exchanges, connections, and the answer.

use crate::store::{ExchangeId, Record, Scope};
use crate::view::answer::Answer;
use crate::view::columns::Choice;
use crate::view::document::Scroll;
use crate::view::exchanges::Listing;
use crate::view::{Pane, Reader, Show, connections, exchanges, processes};

/// State of the main page.
#[derive(Debug, Default)]
pub(super) struct MainPage {
    pub(super) focus: Pane,
    pub(super) zoom: bool,
    pub(super) show: Show,
    /// Only what the filter matches is listed.
    pub(super) filtered: bool,
    /// Only what belongs to what is chosen is.
    pub(super) narrowed: bool,
    pub(super) processes: processes::Position,
    pub(super) exchanges: exchanges::Position,
    pub(super) listing: Listing,
    /// The columns of the exchanges.
    pub(super) columns: Choice,
    pub(super) connections: connections::Position,
    pub(super) answer: Answer,
    pub(super) scroll: Scroll,
}

impl MainPage {
    pub(super) fn new(show: Show) -> Self {
        MainPage {
            show,
            exchanges: exchanges::Position { follow: true, ..Default::default() },
            scroll: Scroll::following(),
            ..MainPage::default()
        }
    }

    pub(super) fn scope(&self) -> Scope {
        match (self.narrowed, self.filtered) {
            (true, _) => Scope::Chosen,
            (false, true) => Scope::Matching,
            (false, false) => unfiltered(self.show),
        }
    }

    /// How many exchanges are listed.
    pub(super) fn count(&self, reader: &Reader<'_>) -> usize {
        self.listing.count(reader, self.scope())
    }

    /// The row of an exchange, if it has one.
    pub(super) fn row_of(&self, reader: &Reader<'_>, id: ExchangeId) -> Option<usize> {
        self.listing.row_of(reader, self.scope(), id)
    }

    /// The exchange of a row.
    pub(super) fn at<'a>(&self, reader: &Reader<'a>, row: usize) -> Option<&'a Record> {
        self.listing.at(reader, self.scope(), row)
    }

    /// Lists leave nothing out: processes without exchanges, and both ends of
    /// connections.
    pub(super) fn lists_all(&self) -> bool {
        self.show == Show::All
    }

    /// Moves the selection among the exchanges by rows. Following ends, for
    /// the person has something to look at.
    pub(super) fn move_exchange(&mut self, reader: &Reader<'_>, rows: isize) {
        let count = self.count(reader);
        let selected = self.exchanges.selected;
        let Some(followed) = self.listing.followed(reader, self.scope(), selected) else {
            return;
        };
        let now = selected.and_then(|id| self.row_of(reader, id));
        let now = now.map_or(followed, |row| row.min(count - 1));
        self.select_row(reader, now.saturating_add_signed(rows).min(count - 1));
    }

    pub(super) fn select_row(&mut self, reader: &Reader<'_>, row: usize) {
        self.exchanges.follow = false;
        if let Some(record) = self.at(reader, row) {
            self.exchanges.selected = Some(record.id);
        }
    }

    /// Moves the selection among the processes by rows.
    pub(super) fn move_process(&mut self, rows: isize) {
        let order = &self.processes.order;
        let Some(last) = order.len().checked_sub(1) else {
            return;
        };
        let selected = self.processes.selected.as_ref();
        let now = order.iter().position(|item| Some(&item.key) == selected).unwrap_or(0);
        let item = order.get(now.saturating_add_signed(rows).min(last));
        self.processes.chosen = true;
        self.processes.selected = item.map(|item| item.key.clone());
    }

    /// Another set of exchanges is shown.
    pub(super) fn next_show(&mut self) {
        self.show = match self.show {
            Show::Smart => Show::LlmOnly,
            Show::LlmOnly => Show::All,
            Show::All => Show::Smart,
        };
    }
}

/// What the list holds without a filter.
pub(super) fn unfiltered(show: Show) -> Scope {
    match show {
        Show::LlmOnly => Scope::Llm,
        Show::Smart | Show::All => Scope::All,
    }
}
