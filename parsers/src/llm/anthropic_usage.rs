//! What Anthropic's Messages API counts.
//!
//! A model may be run several times for one answer, and `usage.iterations` has
//! the figures of each:
//!
//! - `message`: the answer, or a part of it between tools that the server runs.
//!   The figures around it are the sum of these.
//! - `compaction`: what was said before is summed up. The figures around it leave
//!   it out, but it is paid for
//!   (<https://platform.claude.com/docs/en/build-with-claude/compaction-threshold>);
//!   they are zero where nothing else was asked for.
//! - `advisor_message`: another model is asked for advice, at its own price. The
//!   figures around it leave it out, too.
//! - `fallback_message`: in the place of `message` where another model answered
//!   after one that declined, whose `message` is not paid for.

use serde_json::Value;

use super::answer::Answer;
use super::json;
use crate::usage::{self, Convention, Pass, PassKind, Reported};

/// Takes a `usage` in.
pub(super) fn read(told: &Value, answer: &mut Answer) {
    answer.reported.merge(reported(told));
    tier(told, answer);
    let searches = json::count_in(told, "server_tool_use", "web_search_requests").unwrap_or(0);
    if searches > 0 {
        answer.called("web_search");
    }
    let iterations = json::array(told, "iterations");
    if iterations.is_empty() {
        return;
    }
    let is = |kind: &str| iterations.iter().any(|pass| json::text(pass, "type") == Some(kind));
    let answered = if is("fallback_message") { "fallback_message" } else { "message" };
    let pass = |pass: &Value| {
        let kind = match json::text(pass, "type")? {
            "compaction" => PassKind::Compaction,
            kind if kind == answered => PassKind::Answer,
            _ => return None,
        };
        Some(Pass { kind, usage: reported(pass).usage(true) })
    };
    answer.passes = usage::bounded(iterations.iter().filter_map(pass));
    advice(iterations, answer);
}

/// Fast mode, batches and where it is computed have prices of their own
/// (<https://platform.claude.com/docs/en/about-claude/pricing>).
fn tier(told: &Value, answer: &mut Answer) {
    let abroad = json::text(told, "inference_geo").filter(|place| *place == "us");
    let names = [json::text(told, "service_tier"), json::text(told, "speed"), abroad];
    answer.served(names.into_iter().flatten());
}

/// Says what is in no figure: what other models took.
fn advice(iterations: &[Value], answer: &mut Answer) {
    let advises = |pass: &&Value| json::text(pass, "type") == Some("advisor_message");
    let advice = iterations.iter().filter(advises);
    let advisor = advice.clone().find_map(|pass| json::text(pass, "model"));
    let figures = advice.filter_map(|pass| {
        let usage = reported(pass).usage(true);
        usage.input_tokens.zip(usage.output_tokens)
    });
    let sum = figures.reduce(|sum, one| (sum.0.saturating_add(one.0), sum.1.saturating_add(one.1)));
    if let Some((input, output)) = sum {
        let advisor = advisor.unwrap_or("another model");
        let detail = format!(
            "{advisor} was asked for advice: {input} tokens in and {output} out, at its own \
             price, are in no figure"
        );
        answer.note("advice", detail);
    }
}

/// The figures of the whole, or of one pass.
pub(super) fn reported(usage: &Value) -> Reported {
    let kept = |key| json::count_in(usage, "cache_creation", key);
    let (five, hour) = (kept("ephemeral_5m_input_tokens"), kept("ephemeral_1h_input_tokens"));
    let written = match (five, hour) {
        (None, None) => None,
        (five, hour) => Some(five.unwrap_or(0).saturating_add(hour.unwrap_or(0))),
    };
    Reported {
        convention: Convention::ANTHROPIC,
        input: json::count(usage, "input_tokens"),
        output: json::count(usage, "output_tokens"),
        cache_read: json::count(usage, "cache_read_input_tokens"),
        cache_write: json::count(usage, "cache_creation_input_tokens").or(written),
        cache_write_1h: hour,
        reasoning: json::count_in(usage, "output_tokens_details", "thinking_tokens"),
        ..Reported::default()
    }
}
