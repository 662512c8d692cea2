//! What exchanges add up to.

use llmtop_parsers::llm::{self, Dialect};
use llmtop_parsers::{State, UsageSource};

use super::{Record, Totals, is_cost_estimated, is_failed};

/// Sums over exchanges. Those of one exchange are kept apart, so that what an
/// update changes, or a removal takes away, is exactly what was added.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// LLM exchanges.
    pub exchanges: u64,
    /// Exchanges whose answer has not ended.
    pub active: u64,
    /// Exchanges that failed.
    pub errors: u64,
    /// Exchanges that repeat one before, as their clients say.
    pub retries: u64,
    /// Tokens of ended exchanges; estimates included.
    pub input_tokens: u64,
    /// Likewise.
    pub output_tokens: u64,
    /// Likewise.
    pub cache_read_tokens: u64,
    /// Exchanges whose tokens are estimates.
    pub estimated: u64,
    /// Sum of known costs, US dollars.
    pub usd: f64,
    /// Exchanges whose cost follows from an estimate.
    pub estimated_costs: u64,
    /// Exchanges whose cost is known.
    pub priced: u64,
    /// Exchanges whose cost is unknown.
    pub unpriced: u64,
}

impl Tally {
    /// What one exchange adds.
    pub(crate) fn of(record: &Record) -> Self {
        let exchange = &record.exchange;
        let llm = exchange.dialect.is_some();
        let active = matches!(exchange.state, State::Pending | State::Streaming);
        let retry = llm && exchange.request.retry.is_some_and(|before| before > 0);
        let mut tally = Tally {
            exchanges: u64::from(llm),
            active: u64::from(active),
            retries: u64::from(retry),
            ..Tally::default()
        };
        if active {
            return tally;
        }
        let failed = is_failed(exchange);
        tally.errors = u64::from(failed);
        if llm && !exchange.only_counts() {
            let usage = &exchange.usage;
            tally.input_tokens = usage.input_tokens.unwrap_or(0);
            tally.output_tokens = usage.output_tokens.unwrap_or(0);
            tally.cache_read_tokens = usage.cache_read_tokens.unwrap_or(0);
            tally.estimated = u64::from(usage.source == UsageSource::Estimated);
            let usd = exchange.cost.usd.filter(|usd| usd.is_finite());
            tally.usd = usd.unwrap_or(0.0);
            tally.estimated_costs = u64::from(usd.is_some() && is_cost_estimated(exchange));
            tally.priced = u64::from(usd.is_some());
            // A refused request costs nothing that is not known, and neither does
            // one that no model answers. What an answer took that broke off is due.
            let by_model = exchange.dialect.and_then(llm::by_name).is_some_and(Dialect::is_model);
            let refused = failed && usage.source == UsageSource::None;
            tally.unpriced = u64::from(usd.is_none() && !refused && by_model);
        }
        tally
    }

    pub(crate) fn add(&mut self, other: &Tally) {
        self.exchanges += other.exchanges;
        self.active += other.active;
        self.errors += other.errors;
        self.retries += other.retries;
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.cache_read_tokens = self.cache_read_tokens.saturating_add(other.cache_read_tokens);
        self.estimated += other.estimated;
        self.usd += other.usd;
        self.estimated_costs += other.estimated_costs;
        self.priced += other.priced;
        self.unpriced += other.unpriced;
    }

    pub(super) fn take(&mut self, other: &Tally) {
        self.exchanges -= other.exchanges;
        self.active -= other.active;
        self.errors -= other.errors;
        self.retries -= other.retries;
        self.input_tokens = self.input_tokens.saturating_sub(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_sub(other.output_tokens);
        self.cache_read_tokens = self.cache_read_tokens.saturating_sub(other.cache_read_tokens);
        self.estimated -= other.estimated;
        self.usd -= other.usd;
        self.estimated_costs -= other.estimated_costs;
        self.priced -= other.priced;
        self.unpriced -= other.unpriced;
        // What was added and taken away leaves nothing, not nearly nothing.
        if self.priced == 0 {
            self.usd = 0.0;
        }
    }
}

impl Totals {
    pub(super) fn add(&mut self, tally: &Tally) {
        self.tally.add(tally);
        self.all_exchanges += 1;
    }

    pub(super) fn take(&mut self, tally: &Tally) {
        self.tally.take(tally);
        self.all_exchanges -= 1;
    }
}
