use super::*;
use crate::{ExchangeSeq, Protocol, Role, Timestamp, UsageSource};

/// The table that ships.
fn shipped() -> PriceTable {
    PriceTable::parse(include_str!("../../../assets/prices.json")).unwrap()
}

fn usage(input: u64, read: u64, write: u64, hour: u64, output: u64, reasoning: u64) -> Usage {
    Usage {
        input_tokens: Some(input),
        output_tokens: Some(output),
        cache_read_tokens: Some(read),
        cache_write_tokens: Some(write),
        cache_write_1h_tokens: Some(hour),
        reasoning_tokens: Some(reasoning),
        source: UsageSource::Reported,
        ..Usage::default()
    }
}

/// Audio has rates of its own where the table has them; what an API says it
/// bills is what is paid for, whatever the counts.
#[test]
fn audio_and_billed_tokens_are_paid_as_such() {
    let json = r#"{"providers": {"p": {
        "talks": {"input": 1, "output": 2, "cache_read": 0.5, "input_audio": 10, "output_audio": 20},
        "writes": {"input": 1, "output": 2}}}}"#;
    let table = PriceTable::parse(json).unwrap();
    let said = Usage {
        input_tokens: Some(1_000_000),
        output_tokens: Some(500_000),
        cache_read_tokens: Some(200_000),
        input_audio_tokens: Some(300_000),
        output_audio_tokens: Some(400_000),
        source: UsageSource::Reported,
        ..Usage::default()
    };
    // 0.5 fresh, 0.3 heard, 0.2 cached; 0.1 written, 0.4 spoken.
    let expected = 0.5 * 1.0 + 0.3 * 10.0 + 0.2 * 0.5 + 0.1 * 2.0 + 0.4 * 20.0;
    same(usd(&table, "p", "talks", &said), expected);
    // All that was cached was heard: 0.7 fresh, 0.1 heard, 0.2 cached.
    let cached = Usage { cached_audio_tokens: Some(200_000), ..said };
    let expected = 0.7 * 1.0 + 0.1 * 10.0 + 0.2 * 0.5 + 0.1 * 2.0 + 0.4 * 20.0;
    same(usd(&table, "p", "talks", &cached), expected);
    // What audio costs where no price is told is not what text costs.
    assert_eq!(table.cost(Some("p"), "writes", &said), Cost::default());
    let billed = Usage {
        billed_input_tokens: Some(700_000),
        billed_output_tokens: Some(100_000),
        input_audio_tokens: None,
        output_audio_tokens: Some(0),
        ..said
    };
    same(usd(&table, "p", "writes", &billed), 0.7 * 1.0 + 0.1 * 2.0);
    // More audio than there is anything: no token twice.
    let hostile = Usage { input_audio_tokens: Some(u64::MAX), ..said };
    same(usd(&table, "p", "talks", &hostile), 0.8 * 10.0 + 0.2 * 0.5 + 0.1 * 2.0 + 0.4 * 20.0);
}

fn usd(table: &PriceTable, provider: &str, model: &str, usage: &Usage) -> f64 {
    table.cost(Some(provider), model, usage).usd.unwrap()
}

#[track_caller]
fn same(left: f64, right: f64) {
    assert!((left - right).abs() < 1e-9, "{left} is not {right}");
}

#[test]
fn the_shipped_table_says_where_it_is_from() {
    let table = shipped();
    assert!(table.source().unwrap().contains("models.dev"));
    let as_of = table.as_of().unwrap();
    assert!(as_of.len() == 10 && as_of.starts_with("20"), "{as_of}");
    assert!(table.len() > 900, "{}", table.len());
}

#[test]
fn each_token_is_paid_once() {
    let table = shipped();
    // Sonnet 4.5: 3 in, 0.30 read, 3.75 written for 5 minutes, 6 for an hour, 15 out.
    let paid = usage(1_000_000, 400_000, 300_000, 100_000, 10_000, 9_000);
    let expected = 0.3 * 3.0 + 0.4 * 0.3 + 0.2 * 3.75 + 0.1 * 6.0 + 0.01 * 15.0;
    same(usd(&table, "anthropic", "claude-sonnet-4-5", &paid), expected);
    let bill = table.explain(Some("anthropic"), "claude-sonnet-4-5", &paid).unwrap();
    let lines: Vec<_> = bill.lines.iter().map(|l| (l.label, l.tokens, l.usd_per_million)).collect();
    assert_eq!(
        lines,
        [
            ("input", 300_000, 3.0),
            ("cache read", 400_000, 0.3),
            ("cache write", 200_000, 3.75),
            ("cache write 1h", 100_000, 6.0),
            ("output", 10_000, 15.0),
        ]
    );
    same(bill.usd(), expected);
}

#[test]
fn long_requests_pay_their_tier() {
    let table = shipped();
    // Gemini 2.5 Pro: 1.25 / 10, above 200 000 tokens of input 2.5 / 15, read .125 / .25.
    let at = |input| {
        usd(&table, "gcp.gemini", "gemini-2.5-pro", &usage(input, 100_000, 0, 0, 1_000_000, 0))
    };
    same(at(200_000), 0.1 * 1.25 + 0.1 * 0.125 + 10.0);
    same(at(200_001), 0.100_001 * 2.5 + 0.1 * 0.25 + 15.0);
}

#[test]
fn reasoning_may_have_its_own_price() {
    let table = shipped();
    let paid = usage(0, 0, 0, 0, 1_000_000, 250_000);
    same(usd(&table, "alibaba", "qwen-plus", &paid), 0.75 * 1.2 + 0.25 * 4.0);
}

/// An exchange of a million tokens in and a tenth of that out.
fn exchange(provider: Option<&'static str>, dialect: &'static str, model: &str) -> Exchange {
    let mut exchange =
        Exchange::new(ExchangeSeq(1), Role::Client, Protocol::Http1, Timestamp::default());
    exchange.provider = provider;
    exchange.dialect = Some(dialect);
    exchange.response.model = Some(model.to_owned());
    exchange.usage = usage(1_000_000, 0, 0, 0, 100_000, 0);
    exchange
}

#[test]
fn tiers_of_service_have_prices_of_their_own() {
    let table = shipped();
    // 1.25 in, 10 out.
    let paid = |tier: Option<&str>| {
        let mut exchange = exchange(Some("openai"), "openai.responses", "gpt-5");
        exchange.response.tier = tier.map(str::to_owned);
        table.price(&exchange).usd
    };
    same(paid(None).unwrap(), 2.25);
    same(paid(Some("flex")).unwrap(), 1.125);
    assert_eq!(paid(Some("priority")), None, "whatever it is, it is not the standard price");
    // 5 in, 25 out.
    let mut exchange = exchange(Some("anthropic"), "anthropic.messages", "claude-opus-4-6");
    for (tier, usd) in
        [("batch", Some(3.75)), ("us", Some(8.25)), ("batch, us", None), ("fast", None)]
    {
        exchange.response.tier = Some(tier.to_owned());
        let bill = table.bill(&exchange);
        assert_eq!(bill.is_some(), usd.is_some(), "{tier}");
        bill.into_iter().zip(usd).for_each(|(bill, usd)| same(bill.usd(), usd));
    }
}

#[test]
fn at_home_nobody_is_paid() {
    let mut table = shipped();
    let local = exchange(None, "ollama.chat", "deepseek-r1");
    assert_eq!(table.price(&local).usd, None);
    let gateway = exchange(None, "openai.chat", "deepseek-r1");
    assert!(table.price(&gateway).usd.is_some(), "another's price, and said to be");
    let own = r#"{"providers": {"*": {"deepseek-r1": {"input": 0.1, "output": 0.2}}}}"#;
    table.extend(PriceTable::parse(own).unwrap());
    same(table.price(&local).usd.unwrap(), 0.12);
}

#[test]
fn hostile_figures_cost_no_more_than_they_say() {
    let table = shipped();
    let all = usage(10, u64::MAX, u64::MAX, u64::MAX, 10, u64::MAX);
    same(usd(&table, "anthropic", "claude-sonnet-4-5", &all), 10.0 * 0.3e-6 + 10.0 * 15e-6);
}

#[test]
fn ids_lead_to_prices() {
    use Match::{Exact, ModelAlone, Similar};
    let table = shipped();
    let anthropic = Some("anthropic");
    let cases = [
        (anthropic, "claude-sonnet-4-5", Some((Exact, "anthropic/claude-sonnet-4-5"))),
        (
            anthropic,
            "claude-sonnet-4-5-20250929",
            Some((Exact, "anthropic/claude-sonnet-4-5-20250929")),
        ),
        (anthropic, "claude-sonnet-4-6-20260301", Some((Similar, "anthropic/claude-sonnet-4-6"))),
        (
            anthropic,
            "claude-3-5-sonnet-latest",
            Some((Similar, "anthropic/claude-3-5-sonnet-20241022")),
        ),
        (anthropic, "anthropic/claude-sonnet-4.5", Some((Similar, "anthropic/claude-sonnet-4-5"))),
        (Some("openai"), "gpt-4o-2024-05-13", Some((Exact, "openai/gpt-4o-2024-05-13"))),
        (Some("openai"), "gpt-4.1-2025-04-14", Some((Similar, "openai/gpt-4.1"))),
        (Some("openai"), "GPT-4o", Some((Exact, "openai/gpt-4o"))),
        (
            Some("aws.bedrock"),
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            Some((Exact, "aws.bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0")),
        ),
        (
            Some("aws.bedrock"),
            "apac.anthropic.claude-sonnet-4-5-20250929-v1:0",
            Some((Similar, "aws.bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0")),
        ),
        (
            Some("aws.bedrock"),
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-4-7",
            Some((Similar, "aws.bedrock/us.anthropic.claude-opus-4-7")),
        ),
        (
            Some("gcp.vertex_ai"),
            "claude-opus-4-5@20251101",
            Some((Exact, "gcp.vertex_ai/claude-opus-4-5@20251101")),
        ),
        (
            Some("gcp.vertex_ai"),
            "claude-opus-4-5",
            Some((Similar, "gcp.vertex_ai/claude-opus-4-5@20251101")),
        ),
        (None, "nemotron-nano-9b-v2", Some((ModelAlone, "aws.bedrock/nvidia.nemotron-nano-9b-v2"))),
        // A version is no revision.
        (None, "nemotron-nano-9b-v3", None),
        (Some("aws.bedrock"), "us.nvidia.nemotron-nano-9b-v3", None),
        (Some("azure.ai.inference"), "gpt-5", Some((Exact, "azure.ai.openai/gpt-5"))),
        (
            Some("openrouter"),
            "anthropic/claude-opus-4.6:nitro",
            Some((Similar, "openrouter/anthropic/claude-opus-4.6")),
        ),
        (
            Some("openrouter"),
            "openai/gpt-oss-120b:free",
            Some((Exact, "openrouter/openai/gpt-oss-120b:free")),
        ),
        (Some("openrouter"), "anthropic/claude-opus-4.6:free", None),
        (
            None,
            "claude-sonnet-4-5-20250929",
            Some((ModelAlone, "anthropic/claude-sonnet-4-5-20250929")),
        ),
        (None, "gpt-4o-mini-2024-07-18", Some((ModelAlone, "openai/gpt-4o-mini"))),
        (
            None,
            "us.anthropic.claude-haiku-4-5-20251001-v1:0",
            Some((ModelAlone, "anthropic/claude-haiku-4-5-20251001")),
        ),
        (Some("nobody"), "gpt-5-mini", Some((ModelAlone, "openai/gpt-5-mini"))),
        (None, "test-model", None),
        (None, "", None),
        (anthropic, "claude", None),
    ];
    for (provider, model, expected) in cases {
        let bill = table.explain(provider, model, &usage(1, 0, 0, 0, 1, 0));
        let found = bill.map(|bill| (bill.matched, format!("{}/{}", bill.provider, bill.model)));
        let found = found.as_ref().map(|(matched, name)| (*matched, name.as_str()));
        assert_eq!(found, expected, "{provider:?} {model}");
    }
}

#[test]
fn unknown_is_unpriced_and_free_is_not() {
    let table = shipped();
    let some = usage(5, 0, 0, 0, 5, 0);
    assert_eq!(table.cost(Some("openai"), "no-such-model", &some), Cost::default());
    assert_eq!(table.cost(Some("openai"), "gpt-4o", &Usage::default()), Cost::default());
    let free = table.cost(Some("openrouter"), "openai/gpt-oss-20b:free", &some);
    assert_eq!(free, Cost { usd: Some(0.0), source: CostSource::Priced });
}

/// Each time that a model is run has rates by its own length, not by that of all
/// of them.
#[test]
fn passes_are_paid_one_by_one() {
    use crate::usage::{Pass, PassKind};
    let json = r#"{"providers": {"p": {"m": {"input": 3, "output": 15,
        "tiers": [{"above": 200000, "input": 6, "output": 22.5}]}}}}"#;
    let table = PriceTable::parse(json).unwrap();
    let of = |input, output| Usage {
        input_tokens: Some(input),
        output_tokens: Some(output),
        source: UsageSource::Reported,
        ..Usage::default()
    };
    let billed = |whole: Usage, passes: &[Usage]| {
        let mut exchange =
            Exchange::new(ExchangeSeq(0), Role::Client, Protocol::Http1, Timestamp(0));
        exchange.provider = Some("p");
        exchange.response.model = Some("m".into());
        exchange.usage = whole;
        exchange.passes =
            passes.iter().map(|usage| Pass { kind: PassKind::Answer, usage: *usage }).collect();
        let bill = table.bill(&exchange).unwrap();
        let lines = bill.lines.iter().map(|line| (line.label, line.tokens, line.usd_per_million));
        (lines.collect::<Vec<_>>(), bill.above)
    };
    // Neither is long, though together they are.
    let short = [of(180_000, 3500), of(23_000, 1000)];
    let lines = vec![("input", 203_000, 3.0), ("output", 4500, 15.0)];
    assert_eq!(billed(of(203_000, 4500), &short), (lines, None));
    let one_long = [of(250_000, 3500), of(23_000, 1000)];
    let lines = vec![
        ("input", 250_000, 6.0),
        ("output", 3500, 22.5),
        ("input", 23_000, 3.0),
        ("output", 1000, 15.0),
    ];
    assert_eq!(billed(of(273_000, 4500), &one_long), (lines, Some(200_000)));
    // They are not all: what the whole says is paid for.
    let lines = vec![("input", 300_000, 6.0), ("output", 9000, 22.5)];
    assert_eq!(billed(of(300_000, 9000), &short), (lines, Some(200_000)));
}

#[test]
fn the_model_that_answered_is_priced_else_the_one_asked_for() {
    let table = shipped();
    let cases = [
        (
            Some("openai"),
            "gpt-5",
            Some("gpt-5-mini-2025-08-07"),
            Some(("gpt-5-mini", Match::Similar)),
        ),
        (Some("openai"), "gpt-4", Some("gpt-4-0613"), Some(("gpt-4", Match::Similar))),
        (Some("openai"), "gpt-4", None, Some(("gpt-4", Match::Exact))),
        (Some("azure.ai.openai"), "gpt-4", Some("gpt-99"), None),
        (Some("azure.ai.openai"), "gpt-4", None, Some(("gpt-4", Match::Exact))),
        (None, "gpt-5", Some("claude-sonnet-4-5"), Some(("claude-sonnet-4-5", Match::ModelAlone))),
        (None, "house", Some("other"), None),
    ];
    for (provider, asked, answered, expected) in cases {
        let mut exchange =
            Exchange::new(ExchangeSeq(0), Role::Client, Protocol::Http1, Timestamp(0));
        exchange.provider = provider;
        exchange.request.model = Some(asked.into());
        exchange.response.model = answered.map(str::to_owned);
        exchange.usage = usage(1_000_000, 0, 0, 0, 0, 0);
        let bill = table.bill(&exchange);
        let found = bill.as_ref().map(|bill| (bill.model.as_str(), bill.matched));
        assert_eq!(found, expected, "{asked} {answered:?}");
        assert_eq!(table.price(&exchange).usd, bill.map(|bill| bill.usd()));
        exchange.cost = Cost { usd: Some(0.5), source: CostSource::Reported };
        assert_eq!(table.price(&exchange), exchange.cost, "what is reported wins");
    }
}

#[test]
fn the_user_has_the_last_word() {
    let mut table = shipped();
    let own = r#"{"providers": {
        "anthropic": {"claude-sonnet-4-5": {"input": 1, "output": 2}},
        "*": {"house-model": {"input": 7, "output": 8}, "gpt-5": {"input": 9, "output": 9}}
    }}"#;
    table.extend(PriceTable::parse(own).unwrap());
    let million = usage(1_000_000, 0, 0, 0, 0, 0);
    same(usd(&table, "anthropic", "claude-sonnet-4-5", &million), 1.0);
    same(usd(&table, "somewhere", "house-model", &million), 7.0);
    same(table.cost(None, "house-model", &million).usd.unwrap(), 7.0);
    same(table.cost(None, "gpt-5", &million).usd.unwrap(), 9.0);
    // A provider's own price is nearer than one for all.
    same(usd(&table, "openai", "gpt-5", &million), 1.25);
    assert_eq!(table.as_of(), shipped().as_of());
}

#[test]
fn broken_tables_say_where() {
    let cases = [
        ("{", "line 1"),
        (r#"{"providers": {"a": {"b": {"input": 1}}}}"#, "output"),
        (r#"{"providers": {"a": {"b": {"input": 1, "output": 1, "inptu": 1}}}}"#, "inptu"),
        (r#"{"providers": {"a": {"b": {"input": -1, "output": 1}}}}"#, "a/b"),
        (r#"{"unit": "EUR", "providers": {}}"#, "EUR"),
    ];
    for (json, says) in cases {
        let error = PriceTable::parse(json).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn counting_costs_nothing_and_is_not_priced() {
    let mut exchange =
        Exchange::new(ExchangeSeq(0), Role::Client, Protocol::Http1, Timestamp::default());
    exchange.provider = Some("anthropic");
    exchange.request.model = Some("claude-sonnet-4-5".into());
    exchange.usage = Usage { input_tokens: Some(1000), ..Usage::default() };
    exchange.operation = Some("chat");
    assert_eq!(shipped().price(&exchange).source, CostSource::Priced);
    exchange.operation = Some("count_tokens");
    assert_eq!(shipped().price(&exchange), Cost::default());
}

#[test]
fn windows_are_known_or_not() {
    let mut table = shipped();
    let own = r#"{"providers": {
        "anthropic": {"claude-sonnet-4-5": {"input": 1, "output": 2}},
        "*": {"house-model": {"input": 1, "output": 2, "context": 4096}}
    }}"#;
    table.extend(PriceTable::parse(own).unwrap());
    for (provider, asked, answered, window) in [
        ("anthropic", "claude-sonnet-4-5", None, Some((200_000, Match::Exact))),
        ("anthropic", "sonnet", Some("claude-sonnet-4-5-20250929"), Some((200_000, Match::Exact))),
        ("a gateway", "claude-sonnet-4-5", None, Some((200_000, Match::ModelAlone))),
        ("anywhere", "house-model", None, Some((4096, Match::Exact))),
        ("openai", "no such model", Some("nor this"), None),
    ] {
        let mut exchange =
            Exchange::new(ExchangeSeq(0), Role::Client, Protocol::Http1, Timestamp(0));
        exchange.provider = Some(provider);
        exchange.request.model = Some(asked.into());
        exchange.response.model = answered.map(str::to_owned);
        let found = table.window(&exchange).map(|window| (window.tokens, window.matched));
        assert_eq!(found, window, "{asked} {answered:?}");
    }
}
