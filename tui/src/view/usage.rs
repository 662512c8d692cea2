//! Tokens and money of an exchange, line by line.

use llmtop_parsers::price::{Bill, Match};
use llmtop_parsers::{CostSource, Exchange, UsageSource};

use super::facts::Facts;
use super::text::TextDocument;
use super::{Reader, Role, Span, context, format, gist};
use crate::store::{Record, is_cost_estimated, is_over};

/// Columns of an item before its amount.
const ITEM: usize = 30;

/// Model, tokens, context window, cost.
pub fn usage(reader: &Reader<'_>, record: &Record) -> TextDocument {
    let exchange = &record.exchange;
    let mut facts = Facts::default();
    facts.heading("model");
    facts.fact("asked for", exchange.request.model.as_deref().unwrap_or("-"));
    facts.fact("answered by", exchange.response.model.as_deref().unwrap_or("-"));
    facts.fact("provider", exchange.provider.unwrap_or("-"));
    facts.fact("operation", exchange.operation.unwrap_or("-"));
    facts.fact("dialect", exchange.dialect.unwrap_or("-"));
    facts.fact("finish reason", exchange.response.finish_reason.as_deref().unwrap_or("-"));
    facts.fact("answer's id", exchange.response.id.as_deref().unwrap_or("-"));
    facts.fact("llmtop's id", &record.ulid);
    tokens(&mut facts, exchange);
    window(&mut facts, reader, exchange);
    cost(&mut facts, reader, exchange);
    facts.document()
}

fn tokens(facts: &mut Facts, exchange: &Exchange) {
    let usage = &exchange.usage;
    facts.heading("tokens");
    let mut figure = |name: &str, tokens: Option<u64>, of: Option<u64>| {
        let estimated = usage.source == UsageSource::Estimated;
        let text =
            tokens.map_or("-".to_owned(), |tokens| format::about(estimated, &tokens.to_string()));
        let share = tokens
            .zip(of.filter(|&of| of > 0))
            .map(|(part, of)| format!("{:>5.0}%", 100.0 * part as f64 / of as f64));
        let mut value = vec![Span::new(format!("{text:>10}"), Role::JsonNumber)];
        value.extend(share.map(|share| Span::new(share, Role::Dim)));
        facts.styled(name, value);
    };
    let fresh = usage.input_tokens.map(|input| {
        let (read, written) = (usage.cache_read_tokens, usage.cache_write_tokens);
        input.saturating_sub(read.unwrap_or(0)).saturating_sub(written.unwrap_or(0))
    });
    figure("input", usage.input_tokens, None);
    figure("  fresh", fresh, usage.input_tokens);
    figure("  from cache", usage.cache_read_tokens, usage.input_tokens);
    figure("  to cache", usage.cache_write_tokens, usage.input_tokens);
    if usage.input_audio_tokens.is_some_and(|tokens| tokens > 0) {
        figure("  audio", usage.input_audio_tokens, usage.input_tokens);
    }
    figure("output", usage.output_tokens, None);
    figure("  reasoning", usage.reasoning_tokens, usage.output_tokens);
    if usage.output_audio_tokens.is_some_and(|tokens| tokens > 0) {
        figure("  audio", usage.output_audio_tokens, usage.output_tokens);
    }
    if let Some(units) = usage.search_units {
        facts.fact("search units", &format!("{units:>10}"));
    }
    if let Some(count) = usage.classifications {
        facts.fact("classifications", &format!("{count:>10}"));
    }
    let source = match usage.source {
        UsageSource::Reported => "reported by the API",
        UsageSource::Estimated => "~ estimated from the text: the API reported none",
        UsageSource::None if !is_over(exchange) => "told when the answer ends",
        UsageSource::None => "unknown",
    };
    facts.fact("figures are", source);
}

fn window(facts: &mut Facts, reader: &Reader<'_>, exchange: &Exchange) {
    facts.heading("context window");
    let Some(fill) = context::fill(reader, exchange) else {
        return facts.fact("filled", "unknown: so are the tokens");
    };
    facts.fact("filled", &format::about(fill.estimated, &format!("{} tokens", fill.tokens)));
    let size = match (fill.window, fill.elsewhere) {
        (Some(window), false) => format!("{window} tokens"),
        (Some(window), true) => format!("~{window} tokens, with another provider"),
        (None, _) => "unknown for this model; the config may tell it (`context`)".to_owned(),
    };
    facts.fact("size", &size);
    if let Some(share) = fill.share() {
        facts.styled("share", vec![Span::new(format!("{:>10}", share.text), share.role)]);
    }
}

fn cost(facts: &mut Facts, reader: &Reader<'_>, exchange: &Exchange) {
    facts.heading("cost");
    let prices = reader.store().prices();
    let priced = exchange.cost.source == CostSource::Priced;
    let bill = prices.bill(exchange).filter(|_| priced);
    // What the sum was made of may have been forgotten since.
    let bill = bill.filter(|bill| {
        exchange.cost.usd.is_some_and(|usd| (bill.usd() - usd).abs() <= 1e-9 * usd.max(1.0))
    });
    if let Some(bill) = &bill {
        items(facts, bill, is_cost_estimated(exchange));
    }
    let (lead, total) = match &bill {
        Some(bill) => {
            let sum = format!("${:.6}", bill.usd());
            (ITEM, format::about(is_cost_estimated(exchange), &sum))
        }
        None => (0, format::cost(exchange)),
    };
    facts.styled("total", vec![Span::new(format!("{:lead$}{total:>10}", ""), Role::Money)]);
    let source = match exchange.cost.source {
        CostSource::Reported => "reported by the API",
        CostSource::Priced if bill.as_ref().is_some_and(|bill| bill.added) => {
            "from the prices in your configuration"
        }
        CostSource::Priced => "from the price table",
        CostSource::Unpriced if !is_over(exchange) => "known when the answer ends",
        CostSource::Unpriced if exchange.only_counts() => "none: counting tokens uses none",
        CostSource::Unpriced if !is_billed_by_tokens(exchange) => {
            "unpriced: it is not billed by tokens, and the prices are of these"
        }
        CostSource::Unpriced => "unpriced: no price is known for this model, add one to the config",
    };
    facts.fact("the price is", source);
    let Some(bill) = bill else { return };
    let model = gist(&format!("{} {}", bill.provider, bill.model), 80);
    let matched = match bill.matched {
        Match::Exact => model,
        Match::Similar => format!("{model}, the same model under another date or region"),
        Match::ModelAlone => format!("{model}: what another provider takes for the model"),
    };
    facts.fact("of", &matched);
    if let Some(above) = bill.above {
        facts.fact("rates", &format!("those for requests of more than {above} tokens"));
    }
    if !bill.added {
        let from = prices.source().unwrap_or("unknown");
        let as_of = prices.as_of().map_or(String::new(), |day| format!(", as of {day}"));
        facts.fact("figures from", &format!("{from}{as_of}"));
    }
}

fn is_billed_by_tokens(exchange: &Exchange) -> bool {
    exchange.usage.search_units.is_none() && exchange.usage.classifications.is_none()
}

/// Each item: tokens, what a million costs, what these do.
fn items(facts: &mut Facts, bill: &Bill, estimated: bool) {
    for line in &bill.lines {
        let tokens = format::about(estimated, &line.tokens.to_string());
        let rate = format!("${} a million", trimmed(line.usd_per_million));
        facts.styled(
            line.label,
            vec![
                Span::new(format!("{tokens:>10} "), Role::JsonNumber),
                Span::new(format!("× {rate:>14} = "), Role::Dim),
                Span::new(
                    format!("{:>10}", format::about(estimated, &format!("${:.6}", line.usd()))),
                    Role::Money,
                ),
            ],
        );
    }
}

/// A rate without the noise of its last digits.
fn trimmed(rate: f64) -> String {
    let text = format!("{rate:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
