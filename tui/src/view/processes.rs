//! The list of processes with their sums.

use std::cmp::Ordering;

use llmtop_parsers::Timestamp;

use super::exchanges::short_model;
use super::format;
use super::table::{Column, Row, Table, fit, keep_visible};
use super::{Reader, Role, Span, is_over, truncated};
use crate::store::{ProcessKey, ProcessTotals};

const COLUMNS: &[Column] = &[
    Column::right("PID", 7, 3),
    Column::left("COMMAND", 12, 0),
    Column::growing("MODEL", 12, 4),
    Column::right("EXCH", 5, 5),
    Column::right("ACT", 3, 2),
    Column::right("IN", 6, 2),
    Column::right("OUT", 6, 1),
    Column::right("CACHE", 5, 8),
    Column::right("TOK/S", 6, 6),
    Column::right("COST", 8, 0),
    Column::right("ERR", 3, 7),
];

/// Exchanges of a process that are looked at for its models and rates.
const LATEST: usize = 8;

/// Up to so many processes are put in order at every change; more of them,
/// once a second.
const PROMPT_ORDER: usize = 256;

/// By which column processes are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "sorts are called as their columns")]
pub enum Sort {
    #[default]
    Activity,
    Cost,
    Output,
    Input,
    Exchanges,
    Errors,
    Command,
    Pid,
}

impl Sort {
    /// The next in turn.
    pub fn next(self) -> Self {
        match self {
            Sort::Activity => Sort::Cost,
            Sort::Cost => Sort::Output,
            Sort::Output => Sort::Input,
            Sort::Input => Sort::Exchanges,
            Sort::Exchanges => Sort::Errors,
            Sort::Errors => Sort::Command,
            Sort::Command => Sort::Pid,
            Sort::Pid => Sort::Activity,
        }
    }

    /// What the title calls it.
    pub fn name(self) -> &'static str {
        match self {
            Sort::Activity => "activity",
            Sort::Cost => "cost",
            Sort::Output => "tokens out",
            Sort::Input => "tokens in",
            Sort::Exchanges => "exchanges",
            Sort::Errors => "errors",
            Sort::Command => "command",
            Sort::Pid => "pid",
        }
    }

    fn column(self) -> &'static str {
        match self {
            Sort::Activity => "ACT",
            Sort::Cost => "COST",
            Sort::Output => "OUT",
            Sort::Input => "IN",
            Sort::Exchanges => "EXCH",
            Sort::Errors => "ERR",
            Sort::Command => "COMMAND",
            Sort::Pid => "PID",
        }
    }

    /// Figures largest first, names from a to z.
    fn compare(self, a: &ProcessTotals, b: &ProcessTotals) -> Ordering {
        let first = match self {
            Sort::Activity => (b.active > 0, b.last_active).cmp(&(a.active > 0, a.last_active)),
            Sort::Cost => b.usd.total_cmp(&a.usd),
            Sort::Output => b.output_tokens.cmp(&a.output_tokens),
            Sort::Input => b.input_tokens.cmp(&a.input_tokens),
            Sort::Exchanges => b.exchanges.cmp(&a.exchanges),
            Sort::Errors => b.errors.cmp(&a.errors),
            Sort::Command => a.process.comm.cmp(&b.process.comm),
            Sort::Pid => a.process.pid.cmp(&b.process.pid),
        };
        first.then(a.key.cmp(&b.key))
    }
}

/// What of the list is on the screen, and its order. Putting many processes
/// in order takes time, so the order is kept, and stands still for a second.
#[derive(Clone, Debug, Default)]
pub struct Position {
    /// The selected process.
    pub selected: Option<ProcessKey>,
    /// The person chose it; else the first row is selected, whoever that is.
    pub chosen: bool,
    /// The first visible row.
    pub top: usize,
    /// By which column.
    pub sort: Sort,
    /// The other way round.
    pub reverse: bool,
    /// In order, as of `ordered`.
    pub order: Vec<ProcessKey>,
    ordered: Option<(u64, Timestamp, Sort, bool, bool)>,
}

impl Position {
    /// Brings the order up to date. Processes that no exchange is credited to,
    /// such as the server at the other end of a local connection, are listed
    /// only if `all` are.
    pub fn put_in_order(&mut self, reader: &Reader<'_>, all: bool) {
        let version = reader.store().version();
        let wanted = (version, reader.now(), self.sort, self.reverse, all);
        let stands = self.ordered.is_some_and(|(seen, at, sort, reverse, listed)| {
            let same = (sort, reverse, listed) == (self.sort, self.reverse, all);
            let rested = reader.now().millis_since(at) >= 1000.0;
            same && (seen == version || (self.order.len() > PROMPT_ORDER && !rested))
        });
        if !stands {
            self.arrange(reader, all);
            self.ordered = Some(wanted);
        }
    }

    /// Brings the selection up to date with the order, for a window of `height`
    /// rows.
    pub fn settle(&mut self, height: usize) {
        let chosen = self.selected.filter(|_| self.chosen);
        let at = chosen.and_then(|key| self.order.iter().position(|&other| other == key));
        let lost = if self.chosen { self.top.min(self.order.len().saturating_sub(1)) } else { 0 };
        let at = at.unwrap_or(lost);
        self.selected = self.order.get(at).copied();
        self.top = keep_visible(self.top, at, self.order.len(), height);
    }

    fn arrange(&mut self, reader: &Reader<'_>, all: bool) {
        let mut processes: Vec<&ProcessTotals> =
            reader.processes().filter(|process| all || process.exchanges > 0).collect();
        processes.sort_by(|a, b| {
            let order = self.sort.compare(a, b);
            if self.reverse { order.reverse() } else { order }
        });
        self.order = processes.into_iter().map(|process| process.key).collect();
    }
}

/// The visible part of the list. `position` is settled.
pub fn table(reader: &Reader<'_>, position: &Position, size: (u16, u16)) -> Table {
    let (width, height) = size;
    let columns = fit(COLUMNS, width);
    let mut table = Table {
        progress: (position.top, position.order.len()),
        sorted: Some((position.sort.column(), !position.reverse)),
        ..Table::default()
    };
    for &key in position.order.iter().skip(position.top).take(usize::from(height)) {
        let Some(process) = reader.process(key) else {
            continue;
        };
        if position.selected == Some(key) {
            table.selected = Some(table.rows.len());
        }
        let latest = Latest::new(reader, key);
        let cells = columns
            .iter()
            .map(|&(at, column)| vec![cell(at, usize::from(column.width), process, &latest)]);
        table.rows.push(Row { cells: cells.collect(), dim: process.exchanges == 0 });
    }
    table.columns = columns.into_iter().map(|(_, column)| column).collect();
    table
}

/// What the latest exchanges of a process tell.
struct Latest {
    models: String,
    rate: f64,
    growing: u64,
}

impl Latest {
    fn new(reader: &Reader<'_>, key: ProcessKey) -> Self {
        let mut models: Vec<String> = Vec::new();
        let (mut rate, mut growing) = (0.0, 0);
        for record in reader.latest_of(key, LATEST) {
            let model = short_model(&record.exchange);
            if !model.is_empty() && !models.contains(&model) {
                models.push(model);
            }
            if !is_over(&record.exchange) {
                let output = reader.output(&record.exchange);
                rate += output.rate.unwrap_or(0.0);
                growing += output.tokens.unwrap_or(0);
            }
        }
        Latest { models: models.join(" "), rate, growing }
    }
}

fn cell(at: usize, width: usize, process: &ProcessTotals, latest: &Latest) -> Span {
    let counted = |n: u64| if n == 0 { String::new() } else { format::count(n) };
    let tokens = |n: u64| format::about(process.estimated > 0 && n > 0, &counted(n));
    match at {
        0 => Span::new(process.process.pid.to_string(), Role::Dim),
        1 => {
            let role = if process.ended.is_some() { Role::Dim } else { Role::Process };
            Span::new(truncated(&super::shown(&process.process.comm), width), role)
        }
        2 => Span::new(truncated(&latest.models, width), Role::Model),
        3 => Span::new(counted(process.exchanges), Role::Text),
        4 => Span::new(counted(process.active), Role::Live),
        5 => Span::new(tokens(process.input_tokens), Role::Text),
        6 if latest.growing > 0 => Span::new(
            format!("~{}", format::count(process.output_tokens + latest.growing)),
            Role::Live,
        ),
        6 => Span::new(tokens(process.output_tokens), Role::Text),
        7 if process.cache_read_tokens > 0 && process.input_tokens > 0 => {
            let share = process.cache_read_tokens as f64 / process.input_tokens as f64;
            Span::new(format!("{:.0}%", share.min(1.0) * 100.0), Role::Good)
        }
        8 if latest.rate > 0.0 => Span::new(format::rate(latest.rate), Role::Live),
        9 if process.priced + process.unpriced == 0 => Span::default(),
        9 => {
            // Some prices are unknown: what is known is a lower bound.
            let sign = if process.unpriced > 0 { "+" } else { "" };
            let text = match process.priced {
                0 => "?".into(),
                _ => {
                    let sum = format::about(process.estimated_costs > 0, &format::usd(process.usd));
                    format!("{sum}{sign}")
                }
            };
            Span::new(text, Role::Money)
        }
        10 if process.errors > 0 => Span::new(format::count(process.errors), Role::Error),
        _ => Span::default(),
    }
}
