//! In which order exchanges are listed.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use llmtop_parsers::{Exchange, State, Timestamp};

use super::sorted::Sorted;
use crate::store::{Changes, ExchangeId, Record, Scope};
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

/// Exchanges that are put in their places at once: what a part of a frame has time for.
const AT_ONCE: usize = 500;

/// Exchanges without an LLM that are passed over where what is new is followed.
const PASSED: usize = 64;

/// With more that began between two moments, all are put in order anew.
const MANY: usize = 2000;

/// A list of more exchanges than this stands still for so many milliseconds.
const STILL: (usize, f64) = (256, 1000.0);

/// The order of the list. By time, it is the store's own and costs nothing. Another
/// one is kept: what changed is put where it belongs now, and of what is new as a whole
/// the newest first, some at a time.
#[derive(Debug, Default)]
pub struct Listing {
    /// By what.
    pub by: By,
    /// The other way round: the newest, or the least, first.
    pub reverse: bool,
    rows: Sorted<Place>,
    places: HashMap<ExchangeId, Place>,
    /// What is listed, and at which moment.
    of: Option<(Wanted, Moment)>,
    /// Those before it have no place yet.
    unplaced: ExchangeId,
    /// What has another place than it had, and whether it is being put there.
    changed: BTreeSet<ExchangeId>,
    moving: bool,
    /// What had not ended when it was last looked at, and when that was.
    unfinished: (Vec<ExchangeId>, Timestamp),
}

/// Where a row stands: what is not known stands last, then figures, as numbers of the
/// same order; of those that are alike, the newest first.
type Place = (bool, u64, Reverse<ExchangeId>);

/// Another one of these is another list: the order, and of what; the last, what was asked.
type Wanted = (By, bool, Scope, u64);

/// The moment that a paused screen shows, and the first exchange that had not begun.
type Moment = Option<(Timestamp, ExchangeId)>;

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

    /// These changed since the last time.
    pub fn note(&mut self, changes: Changes) {
        match changes {
            Changes::Of(ids) => self.changed.extend(ids.range(self.unplaced..)),
            Changes::Any => self.of = None,
        }
    }

    /// Whether there is more to put in order.
    pub fn is_behind(&self) -> bool {
        self.moving || self.unplaced > ExchangeId::default()
    }

    /// Brings the order up to date, as far as there is time.
    pub fn put_in_order(&mut self, reader: &Reader<'_>, scope: Scope) {
        if self.is_by_time() {
            return self.clear(ExchangeId::default());
        }
        let wanted = (self.by, self.reverse, scope, reader.store().questions());
        let moment = reader.moment();
        match self.of {
            Some((was, then)) if was == wanted => self.shift(reader, then, moment),
            _ => self.clear(ExchangeId(u64::MAX)),
        }
        self.of = Some((wanted, moment));
        let mut left = AT_ONCE;
        let rested = reader.now().millis_since(self.unfinished.1) >= STILL.1;
        if rested {
            // How long they last, and what they say, changes all the time.
            self.look_again(reader);
        }
        if rested || self.moving || self.rows.len() <= STILL.0 {
            while left > 0
                && let Some(id) = self.changed.pop_last()
            {
                self.place(reader, scope, id);
                left -= 1;
            }
            self.moving = !self.changed.is_empty();
        }
        let rank = reader.rank_of(scope, self.unplaced);
        for rank in (0..rank).rev().take(left) {
            let Some(record) = reader.exchange_at(scope, rank) else { continue };
            self.place(reader, scope, record.id);
            self.unplaced = record.id;
        }
        if rank <= left {
            self.unplaced = ExchangeId::default();
        }
    }

    /// Nothing has a place; those before `unplaced` are to have one.
    fn clear(&mut self, unplaced: ExchangeId) {
        let Listing { by, reverse, .. } = *self;
        *self = Listing { by, reverse, unplaced, ..Listing::default() };
    }

    /// Another moment is shown: what had not begun at one of them, or not ended.
    fn shift(&mut self, reader: &Reader<'_>, was: Moment, is: Moment) {
        if was == is {
            return;
        }
        let last = ExchangeId(u64::MAX);
        let next = |moment: Moment| moment.map_or(last, |(_, next)| next);
        let store = reader.store();
        let from = store.rank_of(Scope::All, next(was).min(next(is)));
        let to = store.rank_of(Scope::All, next(was).max(next(is)));
        if to - from > MANY {
            return self.clear(last);
        }
        let between = (from..to).filter_map(|rank| store.exchange_at(Scope::All, rank));
        self.changed.extend(between.map(|record| record.id));
        self.look_again(reader);
        self.moving = true;
    }

    /// What has not ended, and what had not when this was last done, has another place.
    fn look_again(&mut self, reader: &Reader<'_>) {
        let running = 0..reader.count(Scope::Active);
        let running = running.filter_map(|rank| reader.exchange_at(Scope::Active, rank));
        let running: Vec<ExchangeId> = running.map(|record| record.id).collect();
        self.changed.extend(self.unfinished.0.iter().chain(&running));
        self.unfinished = (running, reader.now());
    }

    /// Puts an exchange where it belongs, or takes it away.
    fn place(&mut self, reader: &Reader<'_>, scope: Scope, id: ExchangeId) {
        let listed = reader.exchange(id).filter(|_| reader.store().contains(scope, id));
        let place = listed.map(|record| {
            let figure = figure(reader, self.by, &record.exchange);
            (figure.is_none(), figure.map_or(0, |it| in_order(it, self.descends())), Reverse(id))
        });
        let before = match place {
            Some(place) => self.places.insert(id, place),
            None => self.places.remove(&id),
        };
        if before == place {
            return;
        }
        if let Some(before) = before {
            self.rows.remove(&before);
        }
        if let Some(place) = place {
            self.rows.insert(place);
        }
    }

    /// How many exchanges are listed.
    pub fn count(&self, reader: &Reader<'_>, scope: Scope) -> usize {
        if self.is_by_time() { reader.count(scope) } else { self.rows.len() }
    }

    /// The exchange of a row.
    pub fn at<'a>(&self, reader: &Reader<'a>, scope: Scope, row: usize) -> Option<&'a Record> {
        if self.is_by_time() {
            return reader.exchange_at(scope, row);
        }
        self.rows.get(row).and_then(|&(.., Reverse(id))| reader.exchange(id))
    }

    /// The row of an exchange, or, in order of time, of the first after it. `None`: it has
    /// none, or none yet.
    pub fn row_of(&self, reader: &Reader<'_>, scope: Scope, id: ExchangeId) -> Option<usize> {
        if self.is_by_time() {
            return Some(reader.rank_of(scope, id));
        }
        self.places.get(&id).map(|place| self.rows.rank(place))
    }

    /// The row that is selected while what is new is followed: that of the answer which
    /// streams, until it ends, else the newest with an LLM; or what stands first.
    pub fn followed(
        &self,
        reader: &Reader<'_>,
        scope: Scope,
        selected: Option<ExchangeId>,
    ) -> Option<usize> {
        let last = self.count(reader, scope).checked_sub(1)?;
        if !self.is_by_time() {
            return Some(0);
        }
        let streams = |record: &&Record| {
            record.exchange.dialect.is_some()
                && record.exchange.state == State::Streaming
                && reader.store().contains(scope, record.id)
        };
        let streaming = selected.and_then(|id| reader.exchange(id)).filter(streams);
        if let Some(row) = streaming.and_then(|record| self.row_of(reader, scope, record.id)) {
            return Some(row.min(last));
        }
        let with_llm = |row: &usize| {
            self.at(reader, scope, *row).is_some_and(|record| record.exchange.dialect.is_some())
        };
        Some((0..=last).rev().take(PASSED).find(with_llm).unwrap_or(last))
    }
}

/// A figure as a number that is in the same order, or in the opposite one.
fn in_order(figure: f64, descends: bool) -> u64 {
    let bits = figure.to_bits();
    let bits = if figure.is_sign_negative() { !bits } else { bits | 1 << 63 };
    if descends { !bits } else { bits }
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

#[cfg(test)]
mod tests {
    use llmtop_parsers::Timestamp;

    use super::{By, ExchangeId, Listing, Reader, STILL, Scope};
    use crate::fixture::{NOW, answered, asks, pending, process};
    use crate::store::Store;

    /// An exchange of which the first token came so many milliseconds after it began.
    fn put(store: &mut Store, id: u64, ms: Option<u64>) {
        let mut record = answered(pending(id, 1, 9000, asks("?")), "x", 8000);
        let timing = &mut record.exchange.timing;
        timing.first_token = ms.map(|ms| Timestamp(timing.started.0 + ms * 1_000_000));
        store.put_exchange(record);
    }

    /// Brings the list up to date, and compares it with one that is sorted as a whole.
    fn check(listing: &mut Listing, store: &mut Store, seconds: u64) {
        listing.note(store.take_changes());
        let now = Timestamp(NOW.0 + seconds * 1_000_000_000);
        let reader = Reader::new(store, None, now, 0);
        listing.put_in_order(&reader, Scope::All);
        while listing.is_behind() {
            listing.put_in_order(&reader, Scope::All);
        }
        let first = |id: ExchangeId| {
            let timing = &store.exchange(id).unwrap().exchange.timing;
            timing.first_token.map(|first| first.millis_since(timing.started) as i64)
        };
        let mut ids: Vec<ExchangeId> = store.exchanges().map(|record| record.id).collect();
        // The slowest first, those that are alike with the newest first, unknown ones last.
        ids.sort_by_key(|&id| (std::cmp::Reverse(first(id)), std::cmp::Reverse(id)));
        let count = listing.count(&reader, Scope::All);
        let listed: Vec<ExchangeId> =
            (0..count).filter_map(|row| Some(listing.at(&reader, Scope::All, row)?.id)).collect();
        assert_eq!(listed, ids);
        assert_eq!(listing.row_of(&reader, Scope::All, ids[7]), Some(7));
    }

    #[test]
    fn an_order_is_kept_while_exchanges_change() {
        let mut store = Store::default();
        process(&mut store, 1, 10, "x");
        let count = 3 * STILL.0 as u64;
        let ms = |id: u64| (!id.is_multiple_of(5)).then_some(id * 7919 % 400);
        for id in 1..count {
            put(&mut store, id, ms(id));
        }
        let mut listing = Listing { by: By::FirstToken, ..Listing::default() };
        check(&mut listing, &mut store, 0);
        for id in (1..count).step_by(3) {
            put(&mut store, id, ms(id + 1));
        }
        for id in (2..count).step_by(50) {
            store.remove_exchange(ExchangeId(id));
        }
        put(&mut store, count, Some(1));
        check(&mut listing, &mut store, 2);
        // Looked at in another order meanwhile, it is made anew.
        listing.by = By::Cost;
        listing.put_in_order(&Reader::new(&store, None, NOW, 0), Scope::All);
        listing.by = By::FirstToken;
        put(&mut store, 3, Some(399));
        check(&mut listing, &mut store, 3);
    }
}
