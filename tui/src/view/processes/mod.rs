//! The list of processes with their sums: as a list, as a tree, or in groups.

mod cells;
mod order;
mod rows;
mod tree;

use super::columns::{Choice, Named};
use super::table::{Column, Row, Table};
use super::{Reader, Span};
use crate::store::{ProcessKey, Sums};
use cells::{Latest, cell};

pub(super) use cells::quota;

pub use order::{Grouping, Item, Position, RowKey};
pub use rows::Ended;
pub use tree::below;

/// The columns of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "columns are called what they show")]
pub enum Col {
    Pid,
    Command,
    Model,
    Exchanges,
    #[default]
    Active,
    Input,
    Output,
    Cache,
    Rate,
    Pulse,
    Cost,
    Burn,
    Quota,
    Errors,
    Retries,
}

/// In their order, with how they are called where there is room.
const COLUMNS: &[(Col, Column, &str)] = &[
    (Col::Pid, Column::right("PID", 7, 3), "pid"),
    (Col::Command, Column::left("COMMAND", 12, 0), "command"),
    (Col::Model, Column::growing("MODEL", 12, 4), "model"),
    (Col::Exchanges, Column::right("EXCH", 5, 5), "exchanges"),
    (Col::Active, Column::right("ACT", 3, 2), "activity"),
    (Col::Input, Column::right("IN", 6, 2), "tokens in"),
    (Col::Output, Column::right("OUT", 6, 1), "tokens out"),
    (Col::Cache, Column::right("CACHE", 5, 8), "cache hits"),
    (Col::Rate, Column::right("TOK/S", 6, 6), "tokens a second"),
    (Col::Pulse, Column::left("1 MIN", 12, 12), "last minute"),
    (Col::Cost, Column::right("COST", 8, 0), "cost"),
    (Col::Burn, Column::right("$/H", 6, 9), "dollars an hour"),
    (Col::Quota, Column::right("QUOTA", 11, 11), "quota left"),
    (Col::Errors, Column::right("ERR", 3, 7), "errors"),
    (Col::Retries, Column::right("RETRY", 5, 10), "retries"),
];

/// The columns that one may choose.
pub const NAMED: &[Named] = &[
    ("pid", "process id"),
    ("command", "what runs, or the group"),
    ("model", "the models it asks"),
    ("exchanges", "how many exchanges"),
    ("active", "how many are being answered"),
    ("in", "tokens in"),
    ("out", "tokens out"),
    ("cache", "share of the input that was in a cache"),
    ("rate", "tokens a second"),
    ("pulse", "tokens of the last minute"),
    ("cost", "dollars"),
    ("burn", "dollars an hour, at the pace of the last five minutes"),
    ("quota", "what is left of a quota, and until when"),
    ("errors", "exchanges that failed"),
    ("retries", "attempts that were repeated"),
];

impl Col {
    /// What files call it.
    pub fn key(self) -> &'static str {
        let at = COLUMNS.iter().position(|(col, ..)| *col == self);
        at.and_then(|at| NAMED.get(at)).map_or("", |(name, _)| name)
    }

    /// What files call so.
    pub fn keyed(name: &str) -> Option<Self> {
        let at = NAMED.iter().position(|(its, _)| *its == name)?;
        COLUMNS.get(at).map(|(col, ..)| *col)
    }

    /// What the title calls it.
    pub fn name(self) -> &'static str {
        self.entry().map_or("", |(_, _, name)| name)
    }

    /// The next in turn, or the one before.
    #[must_use]
    pub fn neighbour(self, forward: bool) -> Self {
        let count = COLUMNS.len();
        let at = COLUMNS.iter().position(|(col, ..)| *col == self).unwrap_or(0);
        let next = if forward { at + 1 } else { at + count - 1 } % count;
        let next = COLUMNS.get(next).map_or(self, |(col, ..)| *col);
        // The last minute is in the order of what it ends with.
        if next == Col::Pulse { next.neighbour(forward) } else { next }
    }

    fn title(self) -> &'static str {
        self.entry().map_or("", |(_, column, _)| column.title)
    }

    fn entry(self) -> Option<&'static (Col, Column, &'static str)> {
        COLUMNS.iter().find(|(col, ..)| *col == self)
    }

    /// The column of a title.
    pub fn titled(title: &str) -> Option<Self> {
        COLUMNS.iter().find(|(_, column, _)| column.title == title).map(|(col, ..)| *col)
    }
}

/// The visible part of the list. `position` is settled.
pub fn table(reader: &Reader<'_>, position: &Position, size: (u16, u16)) -> Table {
    let (width, height) = size;
    let columns = columns(position, width);
    let mut table = Table {
        progress: (position.top, position.order.len()),
        sorted: Some((position.sort.title(), position.descends())),
        ..Table::default()
    };
    let group = Latest::of_groups(reader, position);
    for item in position.order.iter().skip(position.top).take(usize::from(height)) {
        let Some(sums) = position.sums(reader, &item.key) else { continue };
        if position.selected.as_ref() == Some(&item.key) {
            table.selected = Some(table.rows.len());
        }
        let latest = match &item.key {
            RowKey::Process(key) => Latest::of_process(reader, *key),
            RowKey::Group(name) => group.get(name.as_str()).cloned().unwrap_or_default(),
            RowKey::Ended(_) => Latest::default(),
        };
        let cells = columns
            .iter()
            .map(|&(col, column)| cell(col, column.width.into(), reader, item, sums, &latest));
        table.rows.push(Row { cells: cells.collect(), dim: sums.tally.exchanges == 0 });
    }
    table.columns = columns.into_iter().map(|(_, column)| column).collect();
    table
}

/// What columns say of one process.
pub(super) fn figures(
    reader: &Reader<'_>,
    key: ProcessKey,
    sums: &Sums,
    cols: impl Iterator<Item = (Col, usize)>,
) -> impl Iterator<Item = Span> {
    let latest = Latest::of_process(reader, key);
    let item = Item { key: RowKey::Process(key), branch: String::new(), many: 0 };
    cols.flat_map(move |(col, width)| cell(col, width, reader, &item, sums, &latest))
}

/// Whether time alone changes what is visible at this width.
pub fn moves(reader: &Reader<'_>, position: &Position, width: u16) -> bool {
    let timed = |(col, _): &(Col, Column)| matches!(col, Col::Burn | Col::Pulse);
    columns(position, width).iter().any(timed)
        && reader.processes().any(|process| {
            reader.sums(process.key).is_some_and(|sums| sums.pulse.moves(reader.now()))
        })
}

/// The places in [`NAMED`] of the columns that are shown in so many cells.
pub fn fitting(position: &Position, width: u16) -> Vec<usize> {
    let place = |col| COLUMNS.iter().position(|(its, ..)| *its == col);
    columns(position, width).into_iter().filter_map(|(col, _)| place(col)).collect()
}

fn columns(position: &Position, width: u16) -> Vec<(Col, Column)> {
    let grouping = position.grouping;
    let all = &Choice::all(COLUMNS.len());
    let choice = if position.columns.is_empty() { all } else { &position.columns };
    let of_processes = |col: Col| matches!(col, Col::Pid | Col::Model);
    let grouped = grouping != Grouping::Process;
    let by = COLUMNS.iter().position(|(col, ..)| *col == position.sort);
    let chosen = choice.shown_and(by).filter_map(|at| COLUMNS.get(at));
    let shown = chosen.filter(|(col, ..)| !(grouped && of_processes(*col)));
    let (cols, columns): (Vec<Col>, Vec<Column>) = shown
        .map(|&(col, column, _)| match col {
            Col::Command if grouped => (col, Column::growing(grouping.title(), 12, 0)),
            _ => (col, column),
        })
        .unzip();
    let fitting = super::table::fit(&columns, Some(position.sort.title()), width);
    fitting.into_iter().filter_map(|(at, column)| Some((*cols.get(at)?, column))).collect()
}
