use std::sync::Arc;

use super::*;
use crate::{
    ApiError, Body, BodyKind, ExchangeSeq, Protocol, Request, Response, Role, State, Timestamp,
    ToolCall,
};

/// Each row of the table of conventions: one request of 1000 uncached, 200
/// read and 50 written tokens of input, 300 tokens of answer and 100 of
/// reasoning, as each API counts it. All mean the same.
#[test]
fn every_api_means_the_same() {
    let rows = [
        // Name, convention, input, output, read, written, reasoning.
        ("openai", Convention::OPENAI, 1250, 400, Some(200), Some(50)),
        ("anthropic", Convention::ANTHROPIC, 1000, 400, Some(200), Some(50)),
        ("bedrock converse", Convention::BEDROCK_CONVERSE, 1000, 400, Some(200), Some(50)),
        ("gemini", Convention::GEMINI, 1250, 300, Some(200), None),
        ("deepseek", Convention::DEEPSEEK, 1250, 400, Some(200), None),
        ("ollama", Convention::OLLAMA, 1250, 400, None, None),
        ("opentelemetry", Convention::INCLUSIVE, 1250, 400, Some(200), Some(50)),
    ];
    for (name, convention, input, output, cache_read, cache_write) in rows {
        let reported = Reported {
            convention,
            input: Some(input),
            output: Some(output),
            cache_read,
            cache_write,
            reasoning: Some(100),
            ..Reported::default()
        };
        let expected = Usage {
            input_tokens: Some(1250),
            output_tokens: Some(400),
            cache_read_tokens: cache_read,
            cache_write_tokens: cache_write,
            cache_write_1h_tokens: None,
            reasoning_tokens: Some(100),
            source: UsageSource::Reported,
            ..Usage::default()
        };
        assert_eq!(reported.usage(true), expected, "{name}");
    }
}

#[test]
fn nothing_reported_is_nothing_known() {
    assert_eq!(Reported::default().usage(true), Usage::default());
    let only_cached = Reported { cache_read: Some(5), ..Reported::default() };
    assert_eq!(only_cached.usage(true).source, UsageSource::None);
    assert_eq!(only_cached.usage(true).input_tokens, None);
}

#[test]
fn later_reports_win_field_by_field() {
    let mut reported = Reported { input: Some(1), output: Some(1), ..Reported::default() };
    reported.merge(Reported { output: Some(2), cache_read: Some(3), ..Reported::default() });
    reported.merge(Reported::default());
    let expected =
        Reported { input: Some(1), output: Some(2), cache_read: Some(3), ..Reported::default() };
    assert_eq!(reported, expected);
    let mut gemini = Reported { convention: Convention::GEMINI, input: Some(1), ..reported };
    gemini.merge(Reported::default());
    assert_eq!(gemini.convention, Convention::GEMINI);
}

#[test]
fn an_early_figure_counts_only_where_no_other_comes() {
    let mut reported = Reported { input: Some(9), early_output: Some(3), ..Reported::default() };
    assert_eq!(reported.usage(false).output_tokens, None);
    assert_eq!(reported.usage(true).output_tokens, Some(3));
    reported.output = Some(80);
    assert_eq!(reported.usage(true).output_tokens, Some(80));
}

#[test]
fn hostile_figures_do_not_overflow() {
    let most = Some((1 << 40) - 1);
    let reported = Reported {
        convention: Convention {
            input_includes_cache_reads: false,
            input_includes_cache_writes: false,
            output_includes_reasoning: false,
        },
        input: most,
        output: most,
        early_output: most,
        cache_read: most,
        cache_write: most,
        cache_write_1h: most,
        reasoning: most,
        ..Reported::default()
    };
    assert_eq!(reported.usage(true).input_tokens, most.map(|most| 3 * most));
    assert_eq!(reported.usage(true).output_tokens, most.map(|most| 2 * most));
}

#[test]
fn text_is_some_tokens_long() {
    let cases = [
        ("", 0),
        ("a", 1),
        ("four", 1),
        ("The quick brown fox jumps over the lazy dog.", 11),
        ("Привет, мир", 3),
        ("日本語", 3),
        ("안녕하세요", 5),
        ("👍", 2),
    ];
    for (text, expected) in cases {
        assert_eq!(tokens(text), expected, "{text}");
    }
}

fn exchange(body: &str, response: Response) -> Exchange {
    let bytes = body.as_bytes().to_vec();
    let body = Body { bytes, elided: Vec::new(), kind: BodyKind::Json };
    Exchange {
        state: State::Aborted,
        dialect: Some("openai.chat"),
        request: Request { body: Some(Arc::new(body)), ..Request::default() },
        response,
        ..Exchange::new(ExchangeSeq(0), Role::Client, Protocol::Http1, Timestamp(0))
    }
}

/// 40 characters of text; an image that must not count; a tool.
const ASKED: &str = r#"{"model": "m", "messages": [
    {"role": "system", "content": "0123456789"},
    {"role": "user", "content": [{"type": "text", "text": "012345678901234567890123456789"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}]}],
    "tools": [{"name": "t"}]}"#;

#[test]
fn what_is_not_reported_is_estimated_and_says_so() {
    let call = ToolCall { id: None, name: Some("read".into()), arguments: r#"{"a":1}"#.into() };
    let text = Some("12345678".into());
    let mut answered =
        exchange(ASKED, Response { text, tool_calls: vec![call], ..Response::default() });
    settle(&mut answered);
    assert_eq!(answered.usage.source, UsageSource::Estimated);
    // 10 and 30 characters, and 14 of the tool's JSON.
    assert_eq!(answered.usage.input_tokens, Some(3 + 8 + 4));
    assert_eq!(answered.usage.output_tokens, Some(2 + 1 + 2));
}

#[test]
fn a_reported_half_stays() {
    let mut cut = exchange(ASKED, Response { text: Some("1234".into()), ..Response::default() });
    cut.usage = Usage {
        input_tokens: Some(1200),
        cache_read_tokens: Some(1000),
        source: UsageSource::Reported,
        ..Usage::default()
    };
    settle(&mut cut);
    let expected = Usage {
        input_tokens: Some(1200),
        output_tokens: Some(1),
        cache_read_tokens: Some(1000),
        source: UsageSource::Estimated,
        ..Usage::default()
    };
    assert_eq!(cut.usage, expected);
    let whole = Usage { output_tokens: Some(7), source: UsageSource::Reported, ..expected };
    cut.usage = whole;
    settle(&mut cut);
    assert_eq!(cut.usage, whole);
}

#[test]
fn no_answer_no_estimate() {
    let mut failed = exchange(ASKED, Response::default());
    failed.error = Some(ApiError::default());
    settle(&mut failed);
    assert_eq!(failed.usage, Usage::default());
    let mut other = exchange(ASKED, Response { text: Some("x".into()), ..Response::default() });
    other.dialect = None;
    settle(&mut other);
    assert_eq!(other.usage, Usage::default());
}

/// What is left in the context window is not what was paid for.
#[test]
fn the_window_holds_the_last_pass() {
    let of = |input, output| Usage {
        input_tokens: Some(input),
        output_tokens: Some(output),
        source: UsageSource::Reported,
        ..Usage::default()
    };
    let answer = |usage| Pass { kind: PassKind::Answer, usage };
    let compaction = |usage| Pass { kind: PassKind::Compaction, usage };
    let cases = [
        (vec![], Some(203_000 + 4500)),
        (vec![compaction(of(180_000, 3500)), answer(of(23_000, 1000))], Some(24_000)),
        (vec![answer(of(23_000, 1000)), compaction(of(180_000, 3500))], Some(3500)),
        (vec![answer(Usage::default())], None),
    ];
    for (passes, expected) in cases {
        let mut exchange = exchange("{}", Response::default());
        exchange.usage = of(203_000, 4500);
        exchange.passes = passes;
        assert_eq!(in_context(&exchange), expected, "{:?}", exchange.passes);
    }
}

#[test]
fn no_pass_is_forgotten() {
    let usage = Usage { input_tokens: Some(1), output_tokens: Some(2), ..Usage::default() };
    let kinds = [PassKind::Answer, PassKind::Compaction];
    let passes = (0..10_000).map(|n| Pass { kind: kinds[n % 2], usage });
    let kept = bounded(passes);
    assert!(kept.len() < 1000);
    let sum = |figure: fn(&Usage) -> Option<u64>| -> u64 {
        kept.iter().filter_map(|pass| figure(&pass.usage)).sum()
    };
    let figures = (sum(|usage| usage.input_tokens), sum(|usage| usage.output_tokens));
    assert_eq!(figures, (10_000, 20_000));
}

#[test]
fn figures_that_nobody_means_are_none() {
    let (input, output, cache_read) = (Some(u64::MAX), Some(7), Some(1 << 40));
    let hostile = Reported { input, output, cache_read, ..Reported::default() };
    let usage = hostile.usage(true);
    assert_eq!((usage.input_tokens, usage.output_tokens), (None, Some(7)));
    assert_eq!(usage.cache_read_tokens, None);
    let nothing = Reported { output: Some(u64::MAX), ..Reported::default() };
    assert_eq!(nothing.usage(true).source, UsageSource::None);
}
