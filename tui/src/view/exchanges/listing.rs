//! In which order exchanges are listed.

use std::cmp::Reverse;
use std::collections::HashMap;

use llmtop_parsers::{Exchange, Timestamp};

use crate::store::{ExchangeId, Record, Scope};
use crate::view::{Reader, is_over};

/// By what exchanges are put in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "orders are called what they are by")]
pub enum By {
    #[default]
    Time,
    Input,
    Output,
    FirstToken,
    Took,
    Cost,
}

/// In turn, with the titles of their columns and their names.
const ORDERS: &[(By, &str, &str)] = &[
    (By::Time, "TIME", "time"),
    (By::Input, "IN", "in"),
    (By::Output, "OUT", "out"),
    (By::FirstToken, "TTFT", "ttft"),
    (By::Took, "TOOK", "took"),
    (By::Cost, "COST", "cost"),
];

/// How often a list that is not in order of time is put in order, at most, in
/// milliseconds; once more for each of so many exchanges.
const PATIENCE: (f64, usize) = (1000.0, 20_000);

/// The order of the list. By time, it is the store's own and costs nothing;
/// another one is made anew at most once a second.
#[derive(Debug, Default)]
pub struct Listing {
    /// By what.
    pub by: By,
    /// The other way round: the newest, or the least, first.
    pub reverse: bool,
    ids: Vec<ExchangeId>,
    places: HashMap<ExchangeId, usize>,
    made: Option<Made>,
}

/// What an order was made of, and when.
#[derive(Debug)]
struct Made {
    /// Another one of these is another list; the last: the moment that a paused screen
    /// shows.
    of: (By, bool, Scope, Option<Timestamp>),
    version: u64,
    at: Timestamp,
}

impl By {
    /// The next in turn, or the one before.
    #[must_use]
    pub fn neighbour(self, forward: bool) -> Self {
        let count = ORDERS.len();
        let at = ORDERS.iter().position(|(by, ..)| *by == self).unwrap_or(0);
        let next = if forward { at + 1 } else { at + count - 1 } % count;
        ORDERS.get(next).map_or(self, |(by, ..)| *by)
    }

    /// The title of its column.
    pub fn title(self) -> &'static str {
        self.entry().map_or("", |(_, title, _)| title)
    }

    /// What files call it.
    pub fn name(self) -> &'static str {
        self.entry().map_or("", |(.., name)| name)
    }

    /// What files call so.
    pub fn named(name: &str) -> Option<Self> {
        ORDERS.iter().find(|(.., its)| *its == name).map(|(by, ..)| *by)
    }

    /// The order by the column of a title.
    pub fn titled(title: &str) -> Option<Self> {
        ORDERS.iter().find(|(_, its, _)| *its == title).map(|(by, ..)| *by)
    }

    fn entry(self) -> Option<&'static (By, &'static str, &'static str)> {
        ORDERS.iter().find(|(by, ..)| *by == self)
    }
}

impl Listing {
    /// Whether it is the order of time, which grows at its end.
    pub fn is_by_time(&self) -> bool {
        self.by == By::Time && !self.reverse
    }

    /// Whether the largest stand first.
    pub fn descends(&self) -> bool {
        (self.by == By::Time) == self.reverse
    }

    /// Sorts by something; by the same again: the other way round.
    pub fn sort_by(&mut self, by: By) {
        self.reverse = self.by == by && !self.reverse;
        self.by = by;
    }

    /// Brings the order up to date.
    pub fn put_in_order(&mut self, reader: &Reader<'_>, scope: Scope) {
        if self.is_by_time() {
            self.made = None;
            return;
        }
        let count = reader.count(scope);
        let of = (self.by, self.reverse, scope, reader.paused());
        let (version, now) = (reader.store().version(), reader.now());
        let stands = self.made.as_ref().is_some_and(|made| {
            let patience = PATIENCE.0 * (1 + count / PATIENCE.1) as f64;
            let rested = now.millis_since(made.at) >= patience;
            made.of == of && (made.version == version || (count > 256 && !rested))
        });
        if !stands {
            self.arrange(reader, scope, count);
            self.made = Some(Made { of, version, at: now });
        }
    }

    /// How many exchanges are listed.
    pub fn count(&self, reader: &Reader<'_>, scope: Scope) -> usize {
        if self.is_by_time() { reader.count(scope) } else { self.ids.len() }
    }

    /// The exchange of a row.
    pub fn at<'a>(&self, reader: &Reader<'a>, scope: Scope, row: usize) -> Option<&'a Record> {
        if self.is_by_time() {
            return reader.exchange_at(scope, row);
        }
        self.ids.get(row).and_then(|&id| reader.exchange(id))
    }

    /// The row of an exchange, or, in order of time, of the first after it.
    pub fn row_of(&self, reader: &Reader<'_>, scope: Scope, id: ExchangeId) -> usize {
        if self.is_by_time() {
            return reader.rank_of(scope, id);
        }
        self.places.get(&id).copied().unwrap_or(0)
    }

    /// The row that is selected while what is new is followed: the newest, or
    /// what stands first.
    pub fn followed(&self, count: usize) -> Option<usize> {
        let last = count.checked_sub(1)?;
        Some(if self.is_by_time() { last } else { 0 })
    }

    fn arrange(&mut self, reader: &Reader<'_>, scope: Scope, count: usize) {
        let records = (0..count).filter_map(|rank| reader.exchange_at(scope, rank));
        // What is not known stands last, whichever way round.
        let mut rows: Vec<(bool, f64, ExchangeId)> = records
            .map(|record| {
                let figure = figure(reader, self.by, &record.exchange);
                (figure.is_none(), figure.unwrap_or(0.0), record.id)
            })
            .collect();
        let down = self.descends();
        rows.sort_by(|a, b| {
            let figures = a.1.total_cmp(&b.1);
            let figures = if down { figures.reverse() } else { figures };
            a.0.cmp(&b.0).then(figures).then_with(|| Reverse(a.2).cmp(&Reverse(b.2)))
        });
        self.ids = rows.into_iter().map(|(.., id)| id).collect();
        self.places = self.ids.iter().enumerate().map(|(at, &id)| (id, at)).collect();
    }
}

fn figure(reader: &Reader<'_>, by: By, exchange: &Exchange) -> Option<f64> {
    let timing = &exchange.timing;
    match by {
        By::Time => Some(timing.started.0 as f64),
        By::Input => exchange.usage.input_tokens.map(|tokens| tokens as f64),
        By::Output => reader.output(exchange).tokens.map(|tokens| tokens as f64),
        By::FirstToken => timing.first_token.map(|first| first.millis_since(timing.started)),
        By::Took => Some(reader.elapsed(exchange)),
        By::Cost => exchange.cost.usd.filter(|_| is_over(exchange)),
    }
}
