//! The list of exchanges: oldest above, newest below.

mod listing;
mod sorted;

use llmtop_parsers::{Exchange, State};
use unicode_width::UnicodeWidthStr;

use super::columns::{Choice, Named};
use super::format;
use super::gist::Gists;
use super::table::{Column, Row, Table, fit, keep_visible};
use super::{Reader, Role, Show, Span, gist, is_over, truncated};
use crate::store::{ExchangeId, ProcessKey, Record, Scope, model};

pub use listing::{By, Listing};

const COLUMNS: &[Column] = &[
    Column::left("", 1, 0),
    Column::left("TIME", 8, 6),
    Column::left("PROCESS", 10, 1),
    Column::left("MODEL", 18, 3),
    Column::right("STATUS", 6, 9),
    Column::right("IN", 5, 7),
    Column::right("OUT", 6, 2),
    Column::right("TTFT", 6, 8),
    Column::right("TOOK", 6, 5),
    Column::right("COST", 8, 4),
    Column::growing("ASKED → ANSWERED", 24, 0).wishing(40),
];

/// The columns that one may choose: all but the first, which says how an
/// exchange is doing.
pub const NAMED: &[Named] = &[
    ("time", "when it began"),
    ("process", "who asked"),
    ("model", "the model that answered"),
    ("status", "the HTTP status"),
    ("in", "tokens in"),
    ("out", "tokens out, so far"),
    ("ttft", "time to the first token"),
    ("took", "how long it took"),
    ("cost", "dollars; tokens a second while it streams"),
    ("about", "what was asked, and answered"),
];

/// What of the list is on the screen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Position {
    /// The selected exchange.
    pub selected: Option<ExchangeId>,
    /// The first visible rank.
    pub top: usize,
    /// What is new is selected as it comes.
    pub follow: bool,
    /// To be compared with another.
    pub marked: Option<ExchangeId>,
}

/// Brings the position up to date with the list, which is in order, for a window of `height` rows.
pub fn settle(
    reader: &Reader<'_>,
    scope: Scope,
    listing: &Listing,
    position: &mut Position,
    height: usize,
) {
    let count = listing.count(reader, scope);
    let Some(followed) = listing.followed(reader, scope, position.selected) else {
        position.selected = None;
        position.top = 0;
        return;
    };
    let row = match position.selected.filter(|_| !position.follow) {
        Some(id) => match listing.row_of(reader, scope, id) {
            Some(row) => row.min(count - 1),
            // It will have one.
            None if listing.is_behind() => return,
            None => followed,
        },
        None => followed,
    };
    position.selected = listing.at(reader, scope, row).map(|record| record.id);
    position.top = keep_visible(position.top, row, count, height);
}

/// Which exchanges are listed, and how.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a> {
    /// Which ones.
    pub scope: Scope,
    /// Others are dimmed.
    pub show: Show,
    /// In which order.
    pub listing: &'a Listing,
    /// With which columns.
    pub columns: &'a Choice,
}

/// The visible part of the list. `position` is settled.
pub fn table(
    reader: &Reader<'_>,
    listed: Listed<'_>,
    position: &Position,
    gists: &mut Gists,
    size: (u16, u16),
) -> Table {
    let Listed { scope, show, listing, .. } = listed;
    let (width, height) = size;
    let sorted = (!listing.is_by_time()).then(|| listing.by.title());
    let columns = columns(listed.columns, sorted, width);
    let count = listing.count(reader, scope);
    let end = (position.top + usize::from(height)).min(count);
    let mut table = Table { progress: (position.top, count), ..Table::default() };
    table.sorted = sorted.map(|title| (title, listing.descends()));
    for row in position.top..end {
        let Some(record) = listing.at(reader, scope, row) else {
            continue;
        };
        if position.selected == Some(record.id) {
            table.selected = Some(table.rows.len());
        }
        let dim = show == Show::Smart && record.exchange.dialect.is_none();
        let marked = position.marked == Some(record.id);
        let cells = columns.iter().map(|&(at, column)| match at {
            0 if marked => vec![Span::new("◆", Role::Accent)],
            _ => cell(at, usize::from(column.width), reader, record, gists),
        });
        table.rows.push(Row { cells: cells.collect(), dim });
    }
    table.columns = columns.into_iter().map(|(_, column)| column).collect();
    table
}

/// The places in [`NAMED`] of the columns that are shown in so many cells.
pub fn fitting(choice: &Choice, listing: &Listing, width: u16) -> Vec<usize> {
    let sorted = (!listing.is_by_time()).then(|| listing.by.title());
    let shown = columns(choice, sorted, width).into_iter();
    shown.filter_map(|(at, _)| at.checked_sub(1)).collect()
}

/// The columns that are chosen and fit, with their places in the list of all.
fn columns(choice: &Choice, sorted: Option<&str>, width: u16) -> Vec<(usize, Column)> {
    let chosen = if choice.is_empty() { &Choice::all(NAMED.len()) } else { choice };
    // The first cannot be chosen.
    let by = COLUMNS.iter().skip(1).position(|column| Some(column.title) == sorted);
    let shown = chosen.shown_and(by).map(|at| at + 1);
    let places: Vec<usize> = std::iter::once(0).chain(shown).collect();
    let all: Vec<Column> = places.iter().filter_map(|&at| COLUMNS.get(at)).copied().collect();
    let fitting = fit(&all, sorted, width).into_iter();
    fitting.filter_map(|(at, column)| Some((*places.get(at)?, column))).collect()
}

fn cell(
    at: usize,
    width: usize,
    reader: &Reader<'_>,
    record: &Record,
    gists: &mut Gists,
) -> Vec<Span> {
    let exchange = &record.exchange;
    let one = |text: String, role| vec![Span::new(text, role)];
    match at {
        0 => vec![mark(reader, exchange)],
        1 => one(format::clock(exchange.timing.started, reader.utc_offset), Role::Dim),
        2 => one(truncated(&process_name(reader, record.process), width), Role::Process),
        3 => one(truncated(&short_model(exchange), width), Role::Model),
        4 => vec![status(exchange)],
        5 => {
            let input = exchange.usage.input_tokens;
            let text = input.map(|tokens| format::tokens(tokens, &exchange.usage));
            one(text.unwrap_or_default(), Role::Text)
        }
        6 => {
            let output = reader.output(exchange);
            let text = output.tokens.map_or(String::new(), |tokens| {
                format::about(output.estimated, &format::count(tokens))
            });
            one(text, if is_over(exchange) { Role::Text } else { Role::Live })
        }
        7 => {
            let first = exchange.timing.first_token;
            let ms = first.map(|first| first.millis_since(exchange.timing.started));
            one(ms.map_or(String::new(), format::duration), Role::Dim)
        }
        8 => {
            let role = if is_over(exchange) { Role::Text } else { Role::Live };
            one(format::duration(reader.elapsed(exchange)), role)
        }
        9 if exchange.dialect.is_none() => Vec::new(),
        9 if !is_over(exchange) => {
            one(reader.output(exchange).rate.map_or(String::new(), format::rate), Role::Live)
        }
        9 if failed(exchange) && exchange.cost.usd.is_none() => Vec::new(),
        9 => one(format::cost(exchange), Role::Money),
        _ => about(record, gists, width),
    }
}

/// `◐` waiting, a spinner while the answer streams, `✓`, `✗`, `!` for loss.
fn mark(reader: &Reader<'_>, exchange: &Exchange) -> Span {
    const FRAMES: [&str; 8] = ["⠋", "⠙", "⠸", "⠴", "⠦", "⠧", "⠇", "⠏"];
    let frame = (reader.now().0 / 125_000_000) as usize % FRAMES.len();
    let failed = failed(exchange);
    match exchange.state {
        State::Pending => Span::new(if frame % 4 < 2 { "◌" } else { "○" }, Role::Warning),
        State::Streaming => Span::new(FRAMES[frame], Role::Live),
        _ if failed => Span::new("✗", Role::Error),
        State::Aborted => Span::new("✂", Role::Warning),
        State::Complete if exchange.lost_bytes > 0 => Span::new("!", Role::Warning),
        State::Complete => Span::new("✓", Role::Good),
    }
}

/// Whether the API or the protocol said no.
pub fn failed(exchange: &Exchange) -> bool {
    exchange.error.is_some() || exchange.response.status.is_some_and(|status| status >= 400)
}

/// The HTTP status.
pub fn status(exchange: &Exchange) -> Span {
    match exchange.response.status {
        Some(status) if status >= 400 => Span::new(status.to_string(), Role::Error),
        Some(status) => Span::new(status.to_string(), Role::Dim),
        None if exchange.state == State::Aborted => Span::new("cut", Role::Warning),
        None => Span::new("", Role::Dim),
    }
}

/// The command name, fit to be shown.
pub fn process_name(reader: &Reader<'_>, key: ProcessKey) -> String {
    reader.process(key).map_or(String::new(), |process| super::shown(&process.process.comm))
}

/// The model's name without its date: `claude-sonnet-4-5`.
pub fn short_model(exchange: &Exchange) -> String {
    gist(model(exchange), 40)
}

/// The method and what was asked for, without credentials: as captured.
pub fn asked_for(exchange: &Exchange) -> String {
    let request = &exchange.request;
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let (method, host, target) =
        (part(&request.method), part(&request.authority), part(&request.target));
    format!("{method} {host}{}", llmtop_parsers::redact::url(&target))
}

fn about(record: &Record, gists: &mut Gists, width: usize) -> Vec<Span> {
    let exchange = &record.exchange;
    if exchange.dialect.is_none() {
        return vec![Span::new(gist(&asked_for(exchange), width), Role::Text)];
    }
    let answer = answer_gist(exchange, width);
    let room = if answer.text.is_empty() { width } else { width * 3 / 5 };
    let prompt = truncated(gists.prompt(record), room.saturating_sub(3));
    if prompt.is_empty() {
        return vec![answer];
    }
    if answer.text.is_empty() {
        return vec![Span::new(prompt, Role::Text)];
    }
    let rest = width.saturating_sub(prompt.width() + 3);
    let text = format!(" → {}", truncated(&answer.text, rest));
    vec![Span::new(prompt, Role::Text), Span::new(text, answer.role)]
}

/// The newest words of an answer that grows, the first of one that is over.
fn answer_gist(exchange: &Exchange, width: usize) -> Span {
    if let Some(error) = &exchange.error {
        let message = error.message.as_deref().or(error.kind.as_deref()).unwrap_or("error");
        return Span::new(gist(message, width), Role::Error);
    }
    let text = exchange.response.text.as_deref().unwrap_or("");
    if text.is_empty()
        && let Some(call) = exchange.response.tool_calls.first()
    {
        let name = call.name.as_deref().unwrap_or("tool");
        return Span::new(gist(&format!("⚒ {name} {}", call.arguments), width), Role::Tool);
    }
    let (text, role) = match exchange.response.reasoning.as_deref() {
        Some(reasoning) if text.is_empty() => (reasoning, Role::Reasoning),
        _ => (text, Role::Dim),
    };
    let newest = tail(exchange, text, width);
    // What was left out in front is seen to be.
    let lead = if newest.len() < text.len() { "…" } else { "" };
    Span::new(gist(&format!("{lead}{newest}"), width), role)
}

fn tail<'t>(exchange: &Exchange, text: &'t str, width: usize) -> &'t str {
    if is_over(exchange) {
        return text;
    }
    let from = super::floor(text, text.len().saturating_sub(width / 3));
    text.get(from..).unwrap_or(text)
}
