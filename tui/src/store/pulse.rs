//! How fast tokens come and money goes: of a process, or of a group.

use llmtop_parsers::{Exchange, Timestamp};

use super::ring::Ring;
use super::{Record, grown, hidden, is_over};

/// Moments that are kept: five minutes.
const KEPT: usize = 60;

/// Seconds of a moment.
const SECONDS: u64 = 5;

/// Bytes of a token, about: the usual rule of thumb.
const BYTES: f32 = 4.0;

/// Tokens and dollars of the last five minutes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pulse(Ring<Beat, KEPT, SECONDS>);

/// What came in one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Beat {
    /// Output tokens. While an answer grows, an estimate.
    pub tokens: f32,
    /// US dollars, as far as known.
    pub usd: f32,
}

impl Pulse {
    /// Bytes of its beats.
    pub(super) const HEAP: usize = KEPT * size_of::<Beat>();

    /// The latest `count` beats until `now`, the oldest first.
    pub fn beats(&self, now: Timestamp, count: usize) -> impl Iterator<Item = Beat> + '_ {
        let end = Ring::<Beat, KEPT, SECONDS>::number(now) + 1;
        let first = end.saturating_sub(count as u64);
        (first..end).map(|number| self.0.get(number).copied().unwrap_or_default())
    }

    /// Tokens a second, over the last whole beats.
    pub fn rate(&self, now: Timestamp) -> f64 {
        let tokens: f32 = self.beats(now, 3).map(|beat| beat.tokens).sum();
        f64::from(tokens.max(0.0)) / (3 * SECONDS) as f64
    }

    /// What was spent within five minutes, as US dollars an hour.
    pub fn usd_per_hour(&self, now: Timestamp) -> f64 {
        let usd: f32 = self.beats(now, KEPT).map(|beat| beat.usd).sum();
        f64::from(usd.max(0.0)) * 3600.0 / (KEPT as u64 * SECONDS) as f64
    }

    /// Whether time alone changes what it says at `now`.
    pub fn moves(&self, now: Timestamp) -> bool {
        let number = Ring::<Beat, KEPT, SECONDS>::number(now);
        self.0.last().is_some_and(|last| number < last.saturating_add(KEPT as u64))
    }

    /// When the beat of `now` ends.
    pub fn next(now: Timestamp) -> Timestamp {
        let number = Ring::<Beat, KEPT, SECONDS>::number(now) + 1;
        Timestamp(number.saturating_mul(SECONDS * 1_000_000_000))
    }

    pub(super) fn add(&mut self, share: Share) {
        share.spread(&mut self.0, |beat, tokens, usd| {
            beat.tokens += tokens;
            beat.usd += usd;
        });
    }

    /// Adds another's beats.
    pub(crate) fn join(&mut self, other: &Pulse) {
        let Some(last) = other.0.last() else { return };
        for number in (0..=last).rev().take(KEPT) {
            if let Some(&beat) = other.0.get(number)
                && (beat.tokens != 0.0 || beat.usd != 0.0)
                && let Some(mine) = self.0.at(number)
            {
                mine.tokens += beat.tokens;
                mine.usd += beat.usd;
            }
        }
    }
}

/// What an exchange adds, and when it came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Share {
    /// Output tokens, evenly between both times.
    pub(super) tokens: f32,
    /// US dollars, at the end.
    pub(super) usd: f32,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

impl Share {
    /// What came since `before`, which is what was known until now. What is
    /// learnt only at the end came while the answer did, hidden reasoning since the
    /// request was sent.
    pub(super) fn since(before: Option<&Record>, now: &Record) -> Option<Self> {
        let exchange = &now.exchange;
        let known = before.map_or((0.0, 0.0), |before| counted(&before.exchange));
        let (tokens, usd) = counted(exchange);
        let (tokens, usd) = (tokens - known.0, usd - known.1);
        if tokens == 0.0 && usd == 0.0 {
            return None;
        }
        let timing = &exchange.timing;
        let last = timing.ended.or(timing.last_token).or(timing.first_byte);
        let to = last.unwrap_or(timing.started).max(timing.started);
        let begun = match timing.first_token {
            Some(_) if is_over(exchange) && hidden(exchange) > 0 => {
                timing.sent.unwrap_or(timing.started)
            }
            // Or nothing was told while it came.
            Some(first) if is_over(exchange) || before.is_none() => first,
            // A whole answer was made since it was asked for.
            None if is_over(exchange) => timing.started,
            _ => to,
        };
        Some(Share { tokens: tokens as f32, usd: usd as f32, from: begun.min(to), to })
    }

    /// Puts it where it belongs in a ring: `add` gets a moment, and the tokens and
    /// dollars of it.
    pub(super) fn spread<T: Clone + Default, const KEPT: usize, const SECONDS: u64>(
        &self,
        ring: &mut Ring<T, KEPT, SECONDS>,
        add: impl Fn(&mut T, f32, f32),
    ) {
        let [first, last] = [self.from, self.to].map(Ring::<T, KEPT, SECONDS>::number);
        let count = last.saturating_sub(first) + 1;
        for number in (first..=last.max(first)).rev().take(KEPT) {
            if let Some(moment) = ring.at(number) {
                let usd = if number == last { self.usd } else { 0.0 };
                add(moment, self.tokens / count as f32, usd);
            }
        }
    }

    /// An answer grew by so many bytes.
    pub(super) fn grown(bytes: usize, at: Timestamp) -> Self {
        Share { tokens: bytes as f32 / BYTES, usd: 0.0, from: at, to: at }
    }

    /// The same, taken away.
    pub(super) fn of_all_but_taken(record: &Record) -> Option<Self> {
        let share = Share::since(None, record)?;
        Some(Share { tokens: -share.tokens, usd: -share.usd, ..share })
    }
}

/// Tokens and dollars of an exchange so far.
fn counted(exchange: &Exchange) -> (f64, f64) {
    if exchange.dialect.is_none() || exchange.only_counts() {
        return (0.0, 0.0);
    }
    if !is_over(exchange) {
        return (grown(exchange) as f64 / f64::from(BYTES), 0.0);
    }
    let usd = exchange.cost.usd.filter(|usd| usd.is_finite()).unwrap_or(0.0);
    (exchange.usage.output_tokens.unwrap_or(0) as f64, usd)
}
