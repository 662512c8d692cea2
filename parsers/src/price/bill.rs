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
    /// The rates, or some of them, are those for requests with more input than this.
    pub above: Option<u64>,
    /// The price was added to the table.
    pub added: bool,
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

    /// The same at another tier's share of the price.
    pub(super) fn at(mut self, share: f64) -> Self {
        self.lines.iter_mut().for_each(|line| line.usd_per_million *= share);
        self
    }

    /// `usages`: what is paid for one by one.
    pub(super) fn new(
        entry: &Entry,
        matched: Match,
        rates: &Rates,
        usages: &[Usage],
    ) -> Option<Self> {
        let told = |usage: &Usage| usage.input_tokens.is_some() || usage.output_tokens.is_some();
        // Audio costs several times as much as text, nobody knows how many.
        let unknown = |rate: Option<f64>, tokens: Option<u64>| rate.is_none() && tokens > Some(0);
        let silent = |usage: &Usage| {
            !unknown(rates.input_audio, usage.input_audio_tokens)
                && !unknown(rates.output_audio, usage.output_audio_tokens)
        };
        if !usages.iter().any(told) || !usages.iter().all(silent) {
            return None;
        }
        let mut lines: Vec<Line> = Vec::new();
        let mut above = None;
        for usage in usages {
            let (rates, limit) = rates.at(usage.input_tokens.unwrap_or(0));
            above = above.max(limit);
            for line in items(&rates, usage) {
                let same = |known: &&mut Line| {
                    (known.label, known.usd_per_million) == (line.label, line.usd_per_million)
                };
                match lines.iter_mut().find(same) {
                    Some(known) => known.tokens = known.tokens.saturating_add(line.tokens),
                    None => lines.push(line),
                }
            }
        }
        let Entry { provider, model, .. } = entry.clone();
        Some(Bill { provider, model, matched, above, added: rates.added, lines })
    }
}

/// The items of one usage, but for those of no tokens.
fn items(rates: &Rates, usage: &Usage) -> impl Iterator<Item = Line> {
    // What the API says is paid for has no parts that cost less.
    let input = usage.billed_input_tokens.or(usage.input_tokens).unwrap_or(0);
    let cached = usage.cache_read_tokens.filter(|_| usage.billed_input_tokens.is_none());
    // Totals include their parts; hostile figures may not add up.
    let read = cached.unwrap_or(0).min(input);
    let written = usage.cache_write_tokens.unwrap_or(0).min(input - read);
    let hour = usage.cache_write_1h_tokens.unwrap_or(0).min(written);
    let fresh = input - read - written;
    let output = usage.billed_output_tokens.or(usage.output_tokens).unwrap_or(0);
    // Counted apart only where it costs something else.
    let part =
        |rate: Option<f64>, tokens: Option<u64>, of: u64| rate.and(tokens).unwrap_or(0).min(of);
    let audio = |all: u64| all.saturating_sub(usage.cached_audio_tokens.unwrap_or(0));
    let heard = part(rates.input_audio, usage.input_audio_tokens.map(audio), fresh);
    let reasoning = part(rates.reasoning, usage.reasoning_tokens, output);
    let spoken = part(rates.output_audio, usage.output_audio_tokens, output - reasoning);
    let twice = rates.cache_write.map(|_| rates.input * 2.0);
    let items = [
        ("input", fresh - heard, rates.input),
        ("audio input", heard, rates.input_audio.unwrap_or(rates.input)),
        ("cache read", read, rates.cache_read.unwrap_or(rates.input)),
        ("cache write", written - hour, rates.cache_write.unwrap_or(rates.input)),
        ("cache write 1h", hour, rates.cache_write_1h.or(twice).unwrap_or(rates.input)),
        ("output", output - reasoning - spoken, rates.output),
        ("reasoning", reasoning, rates.reasoning.unwrap_or(rates.output)),
        ("audio output", spoken, rates.output_audio.unwrap_or(rates.output)),
    ];
    items
        .into_iter()
        .filter(|(_, tokens, _)| *tokens > 0)
        .map(|(label, tokens, usd_per_million)| Line { label, tokens, usd_per_million })
}
