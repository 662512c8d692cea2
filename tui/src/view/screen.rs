//! A whole screen.

use super::area::{Area, inner};
use super::document::Window;
use super::footer::Footer;
use super::header::Header;
use super::table::Table;
use super::{Pane, Span};

/// Everything that is drawn, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    /// The header and its place.
    pub header: (Area, Header),
    /// The panels of the body.
    pub panels: Vec<Panel>,
    /// The footer and its place.
    pub footer: (Area, Footer),
    /// Where a line divides left from right.
    pub divider: Option<Area>,
    /// Above the panels, as long as it is there.
    pub overlay: Option<Panel>,
}

/// A titled part of the body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Panel {
    /// Which pane, on the main screen.
    pub pane: Option<Pane>,
    /// The key that leads there, by name.
    pub key: Option<String>,
    /// Where, title included.
    pub area: Area,
    /// Its title.
    pub title: Vec<Span>,
    /// At the right of the title.
    pub note: Vec<Span>,
    /// The tabs, where it has any.
    pub tabs: Option<TabBar>,
    /// Keys go here.
    pub focused: bool,
    /// What is in it.
    pub content: Content,
}

/// What a panel holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Rows.
    Table(Table),
    /// Text.
    Text(Window),
    /// A few words in the middle: why there is nothing, and what to do.
    Notice(Vec<Vec<Span>>),
}

impl Default for Content {
    fn default() -> Self {
        Content::Notice(Vec::new())
    }
}

/// Tabs, of which one is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TabBar {
    /// Their names.
    pub names: Vec<&'static str>,
    /// The open one.
    pub open: usize,
    /// The first one shown: where there is no room for all, the open one is.
    pub first: usize,
}

impl TabBar {
    /// The tabs that fit into `width`, the open one among them.
    pub fn fit(names: &[&'static str], open: usize, width: u16) -> Self {
        let mut first = 0;
        let columns = |names: &[&str]| names.iter().map(|name| name.len() + 2).sum::<usize>();
        while first < open && columns(&names[first..=open]) + 1 > usize::from(width) {
            first += 1;
        }
        TabBar { names: names.to_vec(), open, first }
    }

    /// The tab that a column of the bar belongs to.
    pub fn at(&self, column: u16) -> Option<usize> {
        let mut end = 1;
        let shown = self.names.iter().skip(self.first).position(|name| {
            end += name.len() as u16 + 2;
            (1..end).contains(&column)
        });
        shown.map(|at| at + self.first)
    }
}

impl Panel {
    /// Where its content is: below the title, and below the tabs.
    pub fn inner(&self) -> Area {
        inner(self.area, self.tabs.is_some())
    }
}
