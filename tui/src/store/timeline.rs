//! The last quarter of an hour of everything, second by second.

use llmtop_parsers::Timestamp;

use super::pulse::Share;
use super::ring::Ring;
use super::{Record, is_failed, is_limited, is_over};

/// Seconds that are kept.
const KEPT: usize = 900;

/// What the exchanges with an LLM did in each of the last seconds. It remembers what
/// was forgotten to stay inside the memory budget.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    seconds: Ring<Second, KEPT, 1>,
    /// When in each second exchanges began and ended, in order.
    turns: Ring<Vec<Turn>, KEPT, 1>,
    /// Exchanges whose answer has not ended.
    active: u64,
}

/// What happened within a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Second {
    /// Output tokens. While an answer grows, an estimate.
    pub tokens: f32,
    /// US dollars, as far as known.
    pub usd: f32,
    /// Exchanges that began.
    pub begun: u32,
    /// Exchanges that ended.
    pub ended: u32,
    /// Those of them that failed.
    pub errors: u32,
    /// Those of them for which a rate limit or a quota was at its end.
    pub limited: u32,
    /// The most exchanges that ran at once within it.
    pub running: u32,
    /// Exchanges that ran when it ended.
    pub left: u32,
}

/// An exchange began within a second, or ended: nanoseconds into it, and which. Sorted,
/// what ends makes room for what begins at the same time.
type Turn = (u32, Begins);

/// Whether it begins.
type Begins = bool;

/// Beginnings and ends in a second that are told apart. With more of them, what ran at
/// once is told of the second's beginning and its end.
const TURNS: usize = 512;

/// What counts of an exchange, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Marks {
    begun: Timestamp,
    ended: Option<Timestamp>,
    failed: bool,
    limited: bool,
}

impl Timeline {
    /// How many seconds are kept.
    pub const SECONDS: usize = KEPT;

    /// The latest `count` seconds until `now`, the oldest first.
    pub fn seconds(&self, now: Timestamp, count: usize) -> Vec<Second> {
        let end = Ring::<Second, KEPT, 1>::number(now) + 1;
        let first = end.saturating_sub(count.min(KEPT) as u64);
        let last = self.seconds.last().unwrap_or(0).max(end - 1);
        let mut seconds = Vec::with_capacity(count);
        // How many ran is told from how many run at present, going back.
        let mut after = self.active;
        for number in (first..=last).rev().take(KEPT) {
            let mut second = self.seconds.get(number).copied().unwrap_or_default();
            let before = (after + u64::from(second.ended)).saturating_sub(second.begun.into());
            let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
            second.left = count(after);
            second.running = count(self.most(number, &second, before, after));
            after = before;
            if number < end {
                seconds.push(second);
            }
        }
        // Of what lies further back than is kept, nothing is known.
        seconds.resize(count.min(KEPT), Second::default());
        seconds.reverse();
        seconds
    }

    /// The most exchanges that ran at once within a second that began with so many, and
    /// ended with so many.
    fn most(&self, number: u64, second: &Second, before: u64, after: u64) -> u64 {
        let turns = self.turns.get(number).map_or(&[][..], Vec::as_slice);
        let whole = turns.len() == second.begun as usize + second.ended as usize;
        let (mut running, mut most) = (before, before.max(after));
        for &(_, begins) in turns.iter().filter(|_| whole) {
            running = if begins { running + 1 } else { running.saturating_sub(1) };
            most = most.max(running);
        }
        most
    }

    /// Whether time alone changes what it says at `now`.
    pub fn moves(&self, now: Timestamp) -> bool {
        let number = Ring::<Second, KEPT, 1>::number(now);
        self.active > 0
            || self.seconds.last().is_some_and(|last| number < last.saturating_add(KEPT as u64))
    }

    /// When the second of `now` ends.
    pub fn next(now: Timestamp) -> Timestamp {
        let number = Ring::<Second, KEPT, 1>::number(now) + 1;
        Timestamp(number.saturating_mul(1_000_000_000))
    }

    /// An exchange that was `before` is `now`; `None`: there was, or is, none.
    pub(super) fn put(&mut self, before: Option<&Record>, now: Option<&Record>) {
        let [before, now] = [before, now].map(|record| record.and_then(Marks::of));
        if before == now {
            return;
        }
        if let Some(before) = before {
            self.mark(before, u32::saturating_sub);
            self.turn(before, false);
            self.active -= u64::from(before.ended.is_none());
        }
        if let Some(now) = now {
            self.mark(now, u32::saturating_add);
            self.turn(now, true);
            self.active += u64::from(now.ended.is_none());
        }
    }

    pub(super) fn add(&mut self, share: Share) {
        share.spread(&mut self.seconds, |second, tokens, usd| {
            second.tokens += tokens;
            second.usd += usd;
        });
    }

    /// Notes down when it began and ended, or takes that back.
    fn turn(&mut self, marks: Marks, adds: bool) {
        let ended = marks.ended.map(|ended| (ended, false));
        for (at, begins) in std::iter::once((marks.begun, true)).chain(ended) {
            let number = Ring::<Second, KEPT, 1>::number(at);
            let Some(turns) = self.turns.at(number) else { continue };
            let turn = ((at.0 % 1_000_000_000) as u32, begins);
            match turns.binary_search(&turn) {
                Ok(place) if !adds => drop(turns.remove(place)),
                Ok(place) | Err(place) if adds && turns.len() < TURNS => turns.insert(place, turn),
                _ => {}
            }
        }
    }

    fn mark(&mut self, marks: Marks, count: fn(u32, u32) -> u32) {
        let number = Ring::<Second, KEPT, 1>::number;
        if let Some(second) = self.seconds.at(number(marks.begun)) {
            second.begun = count(second.begun, 1);
        }
        if let Some(ended) = marks.ended
            && let Some(second) = self.seconds.at(number(ended))
        {
            second.ended = count(second.ended, 1);
            second.errors = count(second.errors, u32::from(marks.failed));
            second.limited = count(second.limited, u32::from(marks.limited));
        }
    }
}

impl Marks {
    fn of(record: &Record) -> Option<Self> {
        let exchange = &record.exchange;
        exchange.dialect?;
        let timing = &exchange.timing;
        let last = timing.ended.or(timing.last_token).or(timing.first_byte);
        let over = is_over(exchange);
        Some(Marks {
            begun: timing.started,
            ended: over.then(|| last.unwrap_or(timing.started).max(timing.started)),
            failed: over && is_failed(exchange),
            limited: over && is_limited(exchange),
        })
    }
}

#[cfg(test)]
mod tests {
    use llmtop_parsers::Timestamp;

    use super::super::{ExchangeId, Store};
    use super::Second;
    use crate::fixture::{NOW, ago, answered, asks, pending, process};

    fn seconds(store: &Store, count: usize) -> Vec<Second> {
        store.timeline().seconds(NOW, count)
    }

    #[test]
    fn what_ran_is_told_going_back_from_the_present() {
        let mut store = Store::default();
        process(&mut store, 1, 10, "x");
        // From 8 to 5 seconds ago, from 6 on, and one that began in the future, as
        // another CPU's clock may have it.
        store.put_exchange(answered(pending(1, 1, 8000, asks("a")), "x", 3000));
        store.put_exchange(pending(2, 1, 6000, asks("b")));
        let mut late = pending(3, 1, 0, asks("c"));
        late.exchange.timing.started = Timestamp(NOW.0 + 5_000_000_000);
        store.put_exchange(late);
        let running: Vec<u32> = seconds(&store, 10).iter().map(|it| it.running).collect();
        assert_eq!(running, [0, 1, 1, 2, 2, 1, 1, 1, 1, 1]);
        // Taken back, it was never there.
        store.remove_exchange(ExchangeId(2));
        let running: Vec<u32> = seconds(&store, 10).iter().map(|it| it.running).collect();
        assert_eq!(running, [0, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn one_after_the_other_is_not_at_once() {
        let mut store = Store::default();
        process(&mut store, 1, 10, "x");
        // Five in one second, each beginning when the one before ends; the last two
        // at once.
        for (id, before, took) in [(1, 2900, 100), (2, 2800, 100), (3, 2700, 100)] {
            store.put_exchange(answered(pending(id, 1, before, asks("a")), "x", took));
        }
        let most = |store: &Store| seconds(store, 4).iter().map(|it| it.running).max();
        assert_eq!(most(&store), Some(1));
        store.put_exchange(answered(pending(4, 1, 2600, asks("a")), "x", 300));
        store.put_exchange(answered(pending(5, 1, 2500, asks("a")), "x", 100));
        assert_eq!(most(&store), Some(2));
        store.remove_exchange(ExchangeId(5));
        assert_eq!(most(&store), Some(1));
        assert_eq!(seconds(&store, 4)[1].left, 0);
    }

    #[test]
    fn failures_count_once_at_their_end() {
        let mut store = Store::default();
        process(&mut store, 1, 10, "x");
        let mut record = pending(1, 1, 4000, asks("a"));
        store.put_exchange(record.clone());
        record.exchange.response.status = Some(429);
        record.exchange.state = llmtop_parsers::State::Complete;
        record.exchange.timing.ended = Some(ago(2000));
        for _ in 0..2 {
            store.put_exchange(record.clone());
        }
        let seconds = seconds(&store, 10);
        let sum = |of: fn(&Second) -> u32| seconds.iter().map(of).sum::<u32>();
        assert_eq!([sum(|it| it.begun), sum(|it| it.ended)], [1, 1]);
        assert_eq!([sum(|it| it.errors), sum(|it| it.limited)], [1, 1]);
        assert_eq!(seconds[7].limited, 1);
    }

    #[test]
    fn tokens_and_dollars_are_those_of_the_exchanges() {
        let mut store = Store::default();
        process(&mut store, 1, 10, "x");
        let mut record = answered(pending(1, 1, 40_000, asks("hi")), "x", 40_000);
        record.exchange.usage.output_tokens = Some(350);
        store.put_exchange(record);
        let seconds = seconds(&store, 100);
        let tokens: f32 = seconds.iter().map(|it| it.tokens).sum();
        let usd: f32 = seconds.iter().map(|it| it.usd).sum();
        assert!((tokens - 350.0).abs() < 0.01 && (usd - 0.0021).abs() < 1e-6);
        assert!(seconds.iter().filter(|it| it.tokens > 0.0).count() > 25);
        assert!(store.timeline().moves(NOW));
        assert!(!store.timeline().moves(Timestamp(NOW.0 + 901_000_000_000)));
    }
}
