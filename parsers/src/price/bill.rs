//! From tokens and rates to money.

use super::Rates;
use super::lookup::{Entry, Match};
use crate::Usage;

/// How a cost comes about.
#[derive(Clone, Debug, PartialEq)]
pub struct Bill {
    /// The provider whose price it is.
    pub provider: String,
    /// The model, as the table names it.
    pub model: String,
    /// How provider and model of the exchange led there.
    pub matched: Match,
    /// The rates are those for requests with more input than this.
    pub above: Option<u64>,
    /// Its items; each token is in one of them only. Items of no tokens are
    /// left out.
    pub lines: Vec<Line>,
}

/// An item of a [`Bill`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// What is paid for.
    pub label: &'static str,
    /// How many tokens.
    pub tokens: u64,
    /// US dollars for a million of them.
    pub usd_per_million: f64,
}

impl Line {
    /// US dollars.
    pub fn usd(&self) -> f64 {
        self.tokens as f64 * self.usd_per_million / 1e6
    }
}

impl Bill {
    /// US dollars, all in all.
    pub fn usd(&self) -> f64 {
        self.lines.iter().map(Line::usd).sum()
    }

    pub(super) fn new(entry: &Entry, matched: Match, rates: &Rates, usage: &Usage) -> Option<Self> {
        if usage.input_tokens.is_none() && usage.output_tokens.is_none() {
            return None;
        }
        let input = usage.input_tokens.unwrap_or(0);
        let (rates, above) = rates.at(input);
        // Totals include their parts; hostile figures may not add up.
        let read = usage.cache_read_tokens.unwrap_or(0).min(input);
        let written = usage.cache_write_tokens.unwrap_or(0).min(input - read);
        let hour = usage.cache_write_1h_tokens.unwrap_or(0).min(written);
        let output = usage.output_tokens.unwrap_or(0);
        let reasoning = match rates.reasoning {
            Some(_) => usage.reasoning_tokens.unwrap_or(0).min(output),
            None => 0,
        };
        let twice = rates.cache_write.map(|_| rates.input * 2.0);
        let lines = [
            ("input", input - read - written, rates.input),
            ("cache read", read, rates.cache_read.unwrap_or(rates.input)),
            ("cache write", written - hour, rates.cache_write.unwrap_or(rates.input)),
            ("cache write 1h", hour, rates.cache_write_1h.or(twice).unwrap_or(rates.input)),
            ("output", output - reasoning, rates.output),
            ("reasoning", reasoning, rates.reasoning.unwrap_or(rates.output)),
        ];
        let lines = lines
            .into_iter()
            .filter(|(_, tokens, _)| *tokens > 0)
            .map(|(label, tokens, usd_per_million)| Line { label, tokens, usd_per_million })
            .collect();
        let Entry { provider, model, .. } = entry.clone();
        Some(Bill { provider, model, matched, above, lines })
    }
}
