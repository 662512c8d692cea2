//! What an exchange adds to the sums.

use llmtop_parsers::llm::{self, Dialect};
use llmtop_parsers::{State, UsageSource};

use super::{ProcessTotals, Record, Totals, is_cost_estimated, is_failed};

/// One exchange's part of the sums. Kept apart, so that what an update
/// changes, or a removal takes away, is exactly what was added.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part {
    llm: u64,
    active: u64,
    errors: u64,
    input: u64,
    output: u64,
    cache_read: u64,
    estimated: u64,
    usd: f64,
    estimated_costs: u64,
    priced: u64,
    unpriced: u64,
}

impl Part {
    pub(super) fn of(record: &Record) -> Self {
        let exchange = &record.exchange;
        let llm = exchange.dialect.is_some();
        let active = matches!(exchange.state, State::Pending | State::Streaming);
        let mut part = Part { llm: u64::from(llm), active: u64::from(active), ..Part::default() };
        if active {
            return part;
        }
        let failed = is_failed(exchange);
        part.errors = u64::from(failed);
        if llm && !exchange.only_counts() {
            let usage = &exchange.usage;
            part.input = usage.input_tokens.unwrap_or(0);
            part.output = usage.output_tokens.unwrap_or(0);
            part.cache_read = usage.cache_read_tokens.unwrap_or(0);
            part.estimated = u64::from(usage.source == UsageSource::Estimated);
            let usd = exchange.cost.usd.filter(|usd| usd.is_finite());
            part.usd = usd.unwrap_or(0.0);
            part.estimated_costs = u64::from(usd.is_some() && is_cost_estimated(exchange));
            part.priced = u64::from(usd.is_some());
            // A failed request costs nothing that is not known, and neither
            // does one that no model answers.
            let by_model = exchange.dialect.and_then(llm::by_name).is_some_and(Dialect::is_model);
            part.unpriced = u64::from(usd.is_none() && !failed && by_model);
        }
        part
    }

    pub(super) fn add_to(self, totals: &mut Totals, process: Option<&mut ProcessTotals>) {
        totals.exchanges += self.llm;
        totals.all_exchanges += 1;
        totals.active += self.active;
        totals.input_tokens = totals.input_tokens.saturating_add(self.input);
        totals.output_tokens = totals.output_tokens.saturating_add(self.output);
        totals.estimated += self.estimated;
        totals.usd += self.usd;
        totals.estimated_costs += self.estimated_costs;
        totals.unpriced += self.unpriced;
        if let Some(process) = process {
            process.exchanges += self.llm;
            process.active += self.active;
            process.errors += self.errors;
            process.input_tokens = process.input_tokens.saturating_add(self.input);
            process.output_tokens = process.output_tokens.saturating_add(self.output);
            process.cache_read_tokens = process.cache_read_tokens.saturating_add(self.cache_read);
            process.estimated += self.estimated;
            process.usd += self.usd;
            process.estimated_costs += self.estimated_costs;
            process.priced += self.priced;
            process.unpriced += self.unpriced;
        }
    }

    pub(super) fn take_from(self, totals: &mut Totals, process: Option<&mut ProcessTotals>) {
        totals.exchanges -= self.llm;
        totals.all_exchanges -= 1;
        totals.active -= self.active;
        totals.input_tokens = totals.input_tokens.saturating_sub(self.input);
        totals.output_tokens = totals.output_tokens.saturating_sub(self.output);
        totals.estimated -= self.estimated;
        totals.usd -= self.usd;
        totals.estimated_costs -= self.estimated_costs;
        totals.unpriced -= self.unpriced;
        if let Some(process) = process {
            process.exchanges -= self.llm;
            process.active -= self.active;
            process.errors -= self.errors;
            process.input_tokens = process.input_tokens.saturating_sub(self.input);
            process.output_tokens = process.output_tokens.saturating_sub(self.output);
            process.cache_read_tokens = process.cache_read_tokens.saturating_sub(self.cache_read);
            process.estimated -= self.estimated;
            process.usd -= self.usd;
            process.estimated_costs -= self.estimated_costs;
            process.priced -= self.priced;
            process.unpriced -= self.unpriced;
        }
    }
}
