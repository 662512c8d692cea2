//! What takes longer to find out: percentiles, ranks, the latest failures. Found out
//! at most once a second.

use llmtop_parsers::Timestamp;

use crate::store::{ExchangeId, Facet, ProcessKey, Scope, Sums, is_failed};
use crate::view::{Reader, is_over};

/// The latest exchanges that are looked at.
const LATEST: usize = 1000;

/// Failures and limits that are kept.
const KEPT: usize = 8;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    /// Milliseconds until the first token, and until the end, of the latest answers.
    pub(super) first_token: Percentiles,
    pub(super) whole: Percentiles,
    /// Who spent most, then who was answered most.
    pub(super) spenders: Vec<ProcessKey>,
    /// What is left of quotas, by provider.
    pub(super) limits: Vec<(String, Sums)>,
    /// The latest failures, newest first.
    pub(super) failures: Vec<ExchangeId>,
}

/// Of a sorted sample: the median, the 90th and the 99th percentile, and the most.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Percentiles {
    /// How many there are.
    pub(super) of: usize,
    pub(super) values: [f64; 4],
}

impl Figures {
    pub(super) fn new(reader: &Reader<'_>) -> Self {
        let mut figures = Figures::default();
        let (mut first, mut whole) = (Vec::new(), Vec::new());
        let mut failures = Vec::new();
        let scope = reader.scope(Scope::Llm);
        let count = reader.count(scope);
        for record in (count.saturating_sub(LATEST)..count)
            .rev()
            .filter_map(|rank| reader.exchange_at(scope, rank))
            .filter(|record| record.exchange.dialect.is_some())
        {
            let exchange = &record.exchange;
            let timing = &exchange.timing;
            if is_over(exchange) && is_failed(exchange) {
                // How fast one is refused says nothing of answers.
                failures.push((timing.ended, record.id));
                continue;
            }
            let since = |at: Option<Timestamp>| at.map(|at| at.millis_since(timing.started));
            first.extend(since(timing.first_token));
            whole.extend(since(timing.ended.filter(|_| is_over(exchange))));
        }
        figures.first_token = Percentiles::of(first);
        figures.whole = Percentiles::of(whole);
        failures.sort_unstable_by(|a, b| b.cmp(a));
        figures.failures = failures.into_iter().take(KEPT).map(|(_, id)| id).collect();
        figures.spenders = spenders(reader);
        figures.limits = reader.groups(Facet::Provider);
        figures.limits.retain(|(_, sums)| sums.quota.is_some());
        figures.limits.truncate(KEPT);
        figures
    }
}

fn spenders(reader: &Reader<'_>) -> Vec<ProcessKey> {
    let mut all: Vec<(f64, u64, ProcessKey)> = reader
        .processes()
        .filter_map(|process| Some((&reader.sums(process.key)?.tally, process.key)))
        .filter(|(tally, _)| tally.exchanges > 0)
        .map(|(tally, key)| (tally.usd, tally.output_tokens, key))
        .collect();
    all.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)).then(a.2.cmp(&b.2)));
    all.into_iter().take(KEPT).map(|(_, _, key)| key).collect()
}

impl Percentiles {
    /// By nearest rank: each is a value that was measured.
    fn of(mut sample: Vec<f64>) -> Self {
        sample.sort_unstable_by(f64::total_cmp);
        let of = sample.len();
        let rank = |percent: usize| (of * percent).div_ceil(100).max(1) - 1;
        let values = [50, 90, 99, 100].map(|percent| sample.get(rank(percent)).copied());
        Percentiles { of, values: values.map(Option::unwrap_or_default) }
    }
}

#[cfg(test)]
mod tests {
    use super::Percentiles;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let of = |count: u32| Percentiles::of((1..=count).rev().map(f64::from).collect());
        assert_eq!(of(0), Percentiles { of: 0, values: [0.0; 4] });
        assert_eq!(of(1), Percentiles { of: 1, values: [1.0; 4] });
        assert_eq!(of(3).values, [2.0, 3.0, 3.0, 3.0]);
        assert_eq!(of(100).values, [50.0, 90.0, 99.0, 100.0]);
        assert_eq!(of(1000).values, [500.0, 900.0, 990.0, 1000.0]);
    }
}
