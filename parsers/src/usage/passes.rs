//! Answers for which a model is run more than once.

use crate::{Exchange, Usage, UsageSource};

/// One time that a model was run for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// What for.
    pub kind: PassKind,
    /// What it took.
    pub usage: Usage,
}

/// What a model was run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassKind {
    /// The answer: the API's figure for the whole includes it.
    Answer,
    /// To sum up what was said before, so that it fits into the context window:
    /// the API's figure for the whole leaves it out.
    Compaction,
}

/// Passes of one answer that are kept apart. Servers run tools some ten times.
const MOST: usize = 256;

/// All passes; of too many, the last of each kind is the sum of those that follow.
pub(crate) fn bounded(mut passes: impl Iterator<Item = Pass>) -> Vec<Pass> {
    let mut kept: Vec<Pass> = passes.by_ref().take(MOST).collect();
    for pass in passes {
        match kept.iter_mut().rfind(|known| known.kind == pass.kind) {
            Some(known) => known.usage = known.usage.and(&pass.usage),
            None => kept.push(pass),
        }
    }
    kept
}

/// The figures of the whole, and those that they leave out.
pub(crate) fn with_passes(whole: Usage, passes: &[Pass]) -> Usage {
    if whole.source == UsageSource::None {
        return sum(passes.iter().map(|pass| pass.usage)).unwrap_or(whole);
    }
    let beside = passes.iter().filter(|pass| pass.kind == PassKind::Compaction);
    beside.fold(whole, |sum, pass| sum.and(&pass.usage))
}

/// What is paid for one by one, as each has rates by its own length: the passes
/// where the API tells of all of them, otherwise the whole.
pub(crate) fn paid_apart(exchange: &Exchange) -> Vec<Usage> {
    let whole = exchange.usage;
    let parts = exchange.passes.iter().map(|pass| pass.usage);
    let figures = |usage: Usage| {
        let cached = [usage.cache_read_tokens, usage.cache_write_tokens];
        (usage.input_tokens, usage.output_tokens, cached.map(Option::unwrap_or_default))
    };
    match sum(parts.clone()) {
        Some(sum) if figures(sum) == figures(whole) => parts.collect(),
        _ => vec![whole],
    }
}

/// Tokens in the model's context window after an exchange: question and answer,
/// of the last pass where there were several; a summary where nothing was
/// answered after it.
pub fn in_context(exchange: &Exchange) -> Option<u64> {
    let last = exchange.passes.last();
    let usage = last.map_or(exchange.usage, |pass| pass.usage);
    let asked = match last {
        Some(Pass { kind: PassKind::Compaction, .. }) => 0,
        _ => usage.input_tokens?,
    };
    Some(asked.saturating_add(usage.output_tokens.unwrap_or(0)))
}

fn sum(mut usages: impl Iterator<Item = Usage>) -> Option<Usage> {
    let first = usages.next()?;
    Some(usages.fold(first, |sum, usage| sum.and(&usage)))
}

impl Usage {
    /// Both together. Of a total that one of them does not tell nothing is known; a
    /// part of it that one does not tell is none.
    fn and(self, other: &Usage) -> Usage {
        let total = |one: Option<u64>, other| Some(one?.saturating_add(other?));
        let both = |one: Option<u64>, other| total(one, other).or(one).or(other);
        Usage {
            input_tokens: total(self.input_tokens, other.input_tokens),
            output_tokens: total(self.output_tokens, other.output_tokens),
            cache_read_tokens: both(self.cache_read_tokens, other.cache_read_tokens),
            cache_write_tokens: both(self.cache_write_tokens, other.cache_write_tokens),
            cache_write_1h_tokens: both(self.cache_write_1h_tokens, other.cache_write_1h_tokens),
            reasoning_tokens: both(self.reasoning_tokens, other.reasoning_tokens),
            input_audio_tokens: both(self.input_audio_tokens, other.input_audio_tokens),
            cached_audio_tokens: both(self.cached_audio_tokens, other.cached_audio_tokens),
            output_audio_tokens: both(self.output_audio_tokens, other.output_audio_tokens),
            billed_input_tokens: both(self.billed_input_tokens, other.billed_input_tokens),
            billed_output_tokens: both(self.billed_output_tokens, other.billed_output_tokens),
            search_units: both(self.search_units, other.search_units),
            classifications: both(self.classifications, other.classifications),
            source: self.source,
        }
    }
}
