//! The sums of a process, or of a group of exchanges.

use std::collections::BTreeMap;
use std::sync::Arc;

use llmtop_parsers::{Exchange, RateLimit, Timestamp};

use super::facet::Facet;
use super::pulse::{Pulse, Share};
use super::tally::Tally;
use super::{Record, is_over};

/// Groups of one kind that are told apart; exchanges of more than these are
/// added to [`OTHERS`].
const MOST: usize = 256;

/// The group of those that are not told apart any more.
pub const OTHERS: &str = "(others)";

/// What a process's exchanges, or a group's, add up to.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    /// The figures.
    pub tally: Tally,
    /// Latest activity.
    pub last_active: Timestamp,
    /// The last five minutes.
    pub pulse: Pulse,
    /// What the latest answer said of a quota, the tightest of its limits.
    pub quota: Option<Quota>,
}

/// What is left of a quota.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quota {
    /// Of 1.
    pub left: f64,
    /// When it begins anew, where that is told.
    pub resets: Option<Timestamp>,
    /// When this was said.
    pub at: Timestamp,
}

/// The sums of each group, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups([BTreeMap<Arc<str>, Arc<Sums>>; 3]);

impl Sums {
    /// Bytes that it keeps elsewhere.
    pub(super) const HEAP: usize = Pulse::HEAP;

    /// Adds another's.
    pub(crate) fn join(&mut self, other: &Sums) {
        self.tally.add(&other.tally);
        self.last_active = self.last_active.max(other.last_active);
        self.pulse.join(&other.pulse);
        let tighter = |a: Quota, b: Quota| if b.left < a.left { b } else { a };
        self.quota = match (self.quota, other.quota) {
            (Some(mine), Some(its)) => Some(tighter(mine, its)),
            (mine, its) => mine.or(its),
        };
    }

    pub(super) fn put(&mut self, change: &Change<'_>) {
        if let Some(before) = &change.before {
            self.tally.take(before);
        }
        self.tally.add(&change.now);
        let exchange = &change.record.exchange;
        let timing = &exchange.timing;
        self.last_active =
            self.last_active.max(timing.ended.or(timing.last_token).unwrap_or(timing.started));
        if let Some(share) = change.share {
            self.pulse.add(share);
        }
        if let Some(quota) = change.quota
            && self.quota.is_none_or(|known| known.at <= quota.at)
        {
            self.quota = Some(quota);
        }
    }

    pub(super) fn take(&mut self, tally: &Tally, share: Option<Share>) {
        self.tally.take(tally);
        if let Some(share) = share {
            self.pulse.add(share);
        }
    }
}

/// What an update of an exchange changes.
pub(super) struct Change<'a> {
    pub(super) before: Option<Tally>,
    pub(super) now: Tally,
    pub(super) share: Option<Share>,
    pub(super) quota: Option<Quota>,
    pub(super) record: &'a Record,
}

impl<'a> Change<'a> {
    pub(super) fn new(before: Option<&Record>, record: &'a Record) -> Self {
        Change {
            before: before.map(Tally::of),
            now: Tally::of(record),
            share: Share::since(before, record),
            quota: Quota::of(&record.exchange),
            record,
        }
    }
}

impl Quota {
    /// The tightest limit that an ended answer tells.
    fn of(exchange: &Exchange) -> Option<Self> {
        if !is_over(exchange) {
            return None;
        }
        let timing = &exchange.timing;
        let at = timing.ended.or(timing.first_byte).unwrap_or(timing.started);
        let left = |limit: &RateLimit| {
            let share = limit.remaining.zip(limit.limit).filter(|&(_, all)| all > 0);
            let used = limit.used_percent.map(|percent| 1.0 - percent / 100.0);
            used.or(share.map(|(left, all)| left as f64 / all as f64))
        };
        let of = |limit: &RateLimit| {
            let after = limit.resets_after_ms.and_then(|ms| ms.checked_mul(1_000_000));
            let after = after.and_then(|after| at.0.checked_add(after)).map(Timestamp);
            let left = left(limit).filter(|left| left.is_finite())?.clamp(0.0, 1.0);
            Some(Quota { left, resets: limit.resets_at.or(after), at })
        };
        let limits = exchange.response.limits.iter().filter_map(of);
        limits.min_by(|a, b| a.left.total_cmp(&b.left))
    }
}

impl Groups {
    /// The groups of a facet that have exchanges.
    pub(super) fn of(&self, facet: Facet) -> impl Iterator<Item = (&str, &Sums)> {
        let groups = self.0[facet as usize].iter();
        groups.filter(|(_, sums)| sums.tally.exchanges > 0).map(|(name, sums)| (&**name, &**sums))
    }

    /// The same, to be kept.
    pub(super) fn shared(&self, facet: Facet) -> impl Iterator<Item = (Arc<str>, Arc<Sums>)> {
        let groups = self.0[facet as usize].iter();
        let some = groups.filter(|(_, sums)| sums.tally.exchanges > 0);
        some.map(|(name, sums)| (Arc::clone(name), Arc::clone(sums)))
    }

    /// Adds what an update changes.
    pub(super) fn put(&mut self, before: Option<&Record>, change: &Change<'_>) {
        for facet in Facet::ALL {
            let was = before.and_then(|before| facet.of(&before.exchange));
            let is = facet.of(&change.record.exchange);
            if was == is {
                if let Some(name) = is {
                    self.sums(facet, name).put(change);
                }
                continue;
            }
            if let (Some(name), Some(before)) = (was, before) {
                let tally = Tally::of(before);
                self.sums(facet, name).take(&tally, Share::of_all_but_taken(before));
            }
            if let Some(name) = is {
                let share = Share::since(None, change.record);
                let whole = Change { before: None, share, ..*change };
                self.sums(facet, name).put(&whole);
            }
        }
    }

    /// Takes an exchange away.
    pub(super) fn take(&mut self, record: &Record) {
        for facet in Facet::ALL {
            if let Some(name) = facet.of(&record.exchange) {
                let share = Share::of_all_but_taken(record);
                self.sums(facet, name).take(&Tally::of(record), share);
            }
        }
    }

    fn sums(&mut self, facet: Facet, name: &str) -> &mut Sums {
        let groups = &mut self.0[facet as usize];
        let known = groups.contains_key(name);
        let name = if known || groups.len() < MOST { name } else { OTHERS };
        Arc::make_mut(groups.entry(name.into()).or_default())
    }
}
