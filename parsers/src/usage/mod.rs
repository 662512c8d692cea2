//! Token figures: what an API reports, in one common sense.

mod passes;

pub use passes::{Pass, PassKind, in_context};
pub(crate) use passes::{bounded, paid_apart, with_passes};

use crate::llm::{self, Dialect, Part};
use crate::{Exchange, Usage, UsageSource};

/// No exchange takes as much of anything: who says so errs or jests, and a sum with it would
/// say nothing any more.
const MOST: u64 = 1 << 40;

/// How an API counts. APIs agree neither on whether "input" includes what came
/// from a cache, nor on whether "output" includes reasoning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convention {
    /// Input figures include tokens read from a cache.
    pub input_includes_cache_reads: bool,
    /// Input figures include tokens written to a cache.
    pub input_includes_cache_writes: bool,
    /// Output figures include reasoning.
    pub output_includes_reasoning: bool,
}

impl Convention {
    /// OpenTelemetry's, and what [`Usage`] means: everything is included.
    pub const INCLUSIVE: Convention = Convention {
        input_includes_cache_reads: true,
        input_includes_cache_writes: true,
        output_includes_reasoning: true,
    };
    /// OpenAI, chat completions and responses: all details are subsets.
    pub const OPENAI: Convention = Convention::INCLUSIVE;
    /// DeepSeek: the prompt is hits plus misses.
    pub const DEEPSEEK: Convention = Convention::INCLUSIVE;
    /// Ollama reports no cache; thinking is part of the evaluated tokens.
    pub const OLLAMA: Convention = Convention::INCLUSIVE;
    /// Anthropic: input, cache reads and cache writes are three separate figures.
    pub const ANTHROPIC: Convention = Convention {
        input_includes_cache_reads: false,
        input_includes_cache_writes: false,
        output_includes_reasoning: true,
    };
    /// Bedrock Converse counts as Anthropic does.
    pub const BEDROCK_CONVERSE: Convention = Convention::ANTHROPIC;
    /// Gemini: the prompt includes cached content; thoughts come on top of the
    /// candidates.
    pub const GEMINI: Convention = Convention {
        input_includes_cache_reads: true,
        input_includes_cache_writes: true,
        output_includes_reasoning: false,
    };
}

impl Default for Convention {
    fn default() -> Self {
        Convention::INCLUSIVE
    }
}

/// Figures as an API reports them, put together from one or more reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reported {
    /// How to read the figures.
    pub convention: Convention,
    /// Input tokens.
    pub input: Option<u64>,
    /// Output tokens.
    pub output: Option<u64>,
    /// An early figure for the output: it counts only if the answer ended
    /// without a final one.
    pub early_output: Option<u64>,
    /// Input read from a cache.
    pub cache_read: Option<u64>,
    /// Input written to a cache.
    pub cache_write: Option<u64>,
    /// Of the cache writes: those kept for an hour.
    pub cache_write_1h: Option<u64>,
    /// Output that is reasoning.
    pub reasoning: Option<u64>,
    /// Input that is audio: always a part of the input.
    pub input_audio: Option<u64>,
    /// Of that: read from a cache.
    pub cached_audio: Option<u64>,
    /// Output that is audio: always a part of the output.
    pub output_audio: Option<u64>,
    /// Input that is paid for, where the API tells it apart.
    pub billed_input: Option<u64>,
    /// Output that is paid for, where the API tells it apart.
    pub billed_output: Option<u64>,
    /// Searches that are paid for, in the API's units.
    pub search_units: Option<u64>,
    /// Classifications that are paid for.
    pub classifications: Option<u64>,
}

impl Reported {
    /// Takes a later report in: field by field, what it says wins, and what it
    /// leaves out stays. One without figures says nothing of how to read them.
    pub fn merge(&mut self, later: Reported) {
        if later != (Reported { convention: later.convention, ..Reported::default() }) {
            self.convention = later.convention;
        }
        self.input = later.input.or(self.input);
        self.output = later.output.or(self.output);
        self.early_output = later.early_output.or(self.early_output);
        self.cache_read = later.cache_read.or(self.cache_read);
        self.cache_write = later.cache_write.or(self.cache_write);
        self.cache_write_1h = later.cache_write_1h.or(self.cache_write_1h);
        self.reasoning = later.reasoning.or(self.reasoning);
        self.input_audio = later.input_audio.or(self.input_audio);
        self.cached_audio = later.cached_audio.or(self.cached_audio);
        self.output_audio = later.output_audio.or(self.output_audio);
        self.billed_input = later.billed_input.or(self.billed_input);
        self.billed_output = later.billed_output.or(self.billed_output);
        self.search_units = later.search_units.or(self.search_units);
        self.classifications = later.classifications.or(self.classifications);
    }

    /// The figures of two answers that came in one body. A total that one of them
    /// does not tell is not known.
    #[must_use]
    pub(crate) fn and(self, other: Reported) -> Reported {
        let total = |one: Option<u64>, other| Some(one?.saturating_add(other?));
        let part = |one: Option<u64>, other| total(one, other).or(one).or(other);
        Reported {
            convention: self.convention,
            input: total(self.input, other.input),
            output: total(self.output, other.output),
            early_output: total(self.early_output, other.early_output),
            cache_read: part(self.cache_read, other.cache_read),
            cache_write: part(self.cache_write, other.cache_write),
            cache_write_1h: part(self.cache_write_1h, other.cache_write_1h),
            reasoning: part(self.reasoning, other.reasoning),
            input_audio: part(self.input_audio, other.input_audio),
            cached_audio: part(self.cached_audio, other.cached_audio),
            output_audio: part(self.output_audio, other.output_audio),
            billed_input: total(self.billed_input, other.billed_input),
            billed_output: total(self.billed_output, other.billed_output),
            search_units: part(self.search_units, other.search_units),
            classifications: part(self.classifications, other.classifications),
        }
    }

    /// The figures in OpenTelemetry's sense; of 2^40 and more, none. `ended`: nothing more
    /// will come.
    pub fn usage(&self, ended: bool) -> Usage {
        let told = self.plausible();
        let early = if ended { told.early_output } else { None };
        let with = |total: Option<u64>, included: bool, part: Option<u64>| match total {
            Some(total) if !included => Some(total.saturating_add(part.unwrap_or(0))),
            total => total,
        };
        let convention = told.convention;
        let input = with(told.input, convention.input_includes_cache_reads, told.cache_read);
        let input = with(input, convention.input_includes_cache_writes, told.cache_write);
        let output = told.output.or(early);
        let output = with(output, convention.output_includes_reasoning, told.reasoning);
        let figures = [input, output, told.search_units, told.classifications];
        let known = figures.iter().any(Option::is_some);
        Usage {
            input_tokens: input,
            output_tokens: output,
            cache_read_tokens: told.cache_read,
            cache_write_tokens: told.cache_write,
            cache_write_1h_tokens: told.cache_write_1h,
            reasoning_tokens: told.reasoning,
            input_audio_tokens: told.input_audio,
            cached_audio_tokens: told.cached_audio,
            output_audio_tokens: told.output_audio,
            billed_input_tokens: told.billed_input,
            billed_output_tokens: told.billed_output,
            search_units: told.search_units,
            classifications: told.classifications,
            source: if known { UsageSource::Reported } else { UsageSource::None },
        }
    }

    /// Without figures that cannot be meant.
    fn plausible(&self) -> Self {
        let mut told = *self;
        for figure in [
            &mut told.input,
            &mut told.output,
            &mut told.early_output,
            &mut told.cache_read,
            &mut told.cache_write,
            &mut told.cache_write_1h,
            &mut told.reasoning,
            &mut told.input_audio,
            &mut told.cached_audio,
            &mut told.output_audio,
            &mut told.billed_input,
            &mut told.billed_output,
            &mut told.search_units,
            &mut told.classifications,
        ] {
            *figure = figure.filter(|&figure| figure < MOST);
        }
        told
    }
}

/// Token figures for an exchange that reported none, or not all: what was
/// reported stays, what is missing is estimated from the text, and the source
/// is [`UsageSource::Estimated`]. A figure that cannot even be estimated (no
/// answer yet, no body) stays unknown.
pub fn estimate(exchange: &Exchange) -> Usage {
    let mut usage = exchange.usage;
    if usage.input_tokens.is_some() && usage.output_tokens.is_some() {
        return usage;
    }
    if usage.input_tokens.is_none() {
        usage.input_tokens = input_estimate(exchange);
    }
    if usage.output_tokens.is_none() {
        usage.output_tokens = output_estimate(exchange);
    }
    if usage.input_tokens.is_some() || usage.output_tokens.is_some() {
        usage.source = UsageSource::Estimated;
    }
    usage
}

/// The last word on an exchange's tokens, once it is over: estimates what was
/// not reported, for exchanges with a model that gave an answer. An exchange
/// that failed without one used nothing that is known, and a tool or an agent
/// does not say what it used.
pub fn settle(exchange: &mut Exchange) {
    let response = &exchange.response;
    let answered = response.text.is_some()
        || response.reasoning.is_some()
        || !response.tool_calls.is_empty()
        || !response.other_choices.is_empty();
    let by_model = exchange.dialect.and_then(llm::by_name).is_some_and(Dialect::is_model);
    if by_model && answered {
        exchange.usage = estimate(exchange);
    }
}

/// What is sent as text: messages and tools. Images and files are left out:
/// how many tokens they are depends on what they show.
fn input_estimate(exchange: &Exchange) -> Option<u64> {
    let body = exchange.request.body.as_ref()?;
    let dialect = exchange.dialect.and_then(llm::by_name);
    let parsed = llm::parse(&body.bytes).zip(dialect);
    let Some((json, dialect)) = parsed else {
        return Some(tokens(&String::from_utf8_lossy(&body.bytes)));
    };
    let messages = dialect.messages(&json);
    let parts = messages.iter().flat_map(|message| &message.parts);
    let said: u64 = parts.map(part_tokens).sum();
    let tools = llm::tools(&json).map_or(0, |tools| tokens(&tools.to_string()));
    Some(said + tools)
}

fn part_tokens(part: &Part) -> u64 {
    match part {
        Part::Text(text) | Part::Reasoning(text) | Part::ToolResult { text, .. } => tokens(text),
        Part::ToolCall(call) => {
            tokens(call.name.as_deref().unwrap_or_default()) + tokens(&call.arguments)
        }
        Part::Other { .. } => 0,
    }
}

fn output_estimate(exchange: &Exchange) -> Option<u64> {
    let response = &exchange.response;
    let texts = response.text.iter().chain(&response.reasoning).chain(&response.other_choices);
    let calls = response
        .tool_calls
        .iter()
        .flat_map(|call| call.name.as_deref().into_iter().chain([call.arguments.as_str()]));
    let pieces: Vec<u64> = texts.map(String::as_str).chain(calls).map(tokens).collect();
    if pieces.is_empty() { None } else { Some(pieces.into_iter().sum()) }
}

/// About how many tokens a text is: a quarter of its characters, but one for
/// each character of the scripts that tokenizers hardly merge (Chinese,
/// Japanese, Korean) and two for an emoji. Within some 20 % for prose, rough
/// for code and numbers: always shown as an estimate.
pub fn tokens(text: &str) -> u64 {
    if text.is_ascii() {
        return (text.len() as u64).div_ceil(4);
    }
    // In quarters of a token.
    let quarters: u64 = text
        .chars()
        .map(|character| match u32::from(character) {
            0x2E80..=0xA4CF | 0xAC00..=0xD7FF | 0xF900..=0xFAFF | 0xFF00..=0xFFEF => 4,
            0x1F000.. => 8,
            _ => 1,
        })
        .sum();
    quarters.div_ceil(4)
}

#[cfg(test)]
mod tests;
