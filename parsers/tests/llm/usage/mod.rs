//! How each API counts, from what it sends to the figures in OpenTelemetry's
//! sense, worked out by hand.
//!
//! Most rows are one request: 1000 tokens of input that no cache had a part in,
//! 200 read from a cache, 50 written to one; 300 tokens of answer after 100 of
//! reasoning. In OpenTelemetry's sense that is 1000 + 200 + 50 = 1250 in and
//! 300 + 100 = 400 out.

mod compatible;
mod google;
mod others;

use llmtop_parsers::llm::{self, Answer};
use llmtop_parsers::{Usage, UsageSource};
use serde_json::{Value, json};

/// An answer as it comes.
enum Sent {
    Whole(Value),
    Stream(Vec<Value>),
}

use Sent::{Stream, Whole};

/// Input, output, and of them: cache read, cache write, reasoning.
type Figures = (Option<u64>, Option<u64>, Option<u64>, Option<u64>, Option<u64>);

fn usage_of(dialect: &str, sent: &Sent) -> Usage {
    let dialect = llm::by_name(dialect).unwrap();
    let mut answer = Answer::default();
    match sent {
        Whole(body) => dialect.response(body, &mut answer),
        Stream(events) => {
            events.iter().for_each(|event| dialect.event("", &event.to_string(), &mut answer));
        }
    }
    let mut exchange = crate::exchange();
    answer.fill(&mut exchange);
    exchange.usage
}

fn check(rows: &[(&str, &str, Sent, Figures)]) {
    for (name, dialect, sent, (input, output, cache_read, cache_write, reasoning)) in rows {
        let usage = usage_of(dialect, sent);
        let found = (
            usage.input_tokens,
            usage.output_tokens,
            usage.cache_read_tokens,
            usage.cache_write_tokens,
            usage.reasoning_tokens,
        );
        assert_eq!(found, (*input, *output, *cache_read, *cache_write, *reasoning), "{name}");
        assert_eq!(usage.source, UsageSource::Reported, "{name}");
    }
}

fn some(figures: [u64; 5]) -> Figures {
    let [input, output, read, write, reasoning] = figures.map(Some);
    (input, output, read, write, reasoning)
}

/// Where the cache's writes are not told.
fn unwritten(figures: [u64; 4]) -> Figures {
    let [input, output, read, reasoning] = figures.map(Some);
    (input, output, read, None, reasoning)
}

/// Input and output only.
fn plain(input: u64, output: u64) -> Figures {
    (Some(input), Some(output), None, None, None)
}

fn chat(usage: Value) -> Sent {
    Whole(json!({
        "id": "c", "object": "chat.completion", "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi."},
            "finish_reason": "stop"}],
        "usage": usage,
    }))
}

fn gemini(usage: Value) -> Value {
    json!({"candidates": [{"content": {"parts": [{"text": "Hi."}]}, "finishReason": "STOP"}],
        "usageMetadata": usage, "modelVersion": "gemini-2.5-pro"})
}

#[test]
fn openai() {
    let responses = json!({
        "input_tokens": 1250,
        "input_tokens_details": {"cached_tokens": 200, "cache_write_tokens": 50},
        "output_tokens": 400, "output_tokens_details": {"reasoning_tokens": 100},
        "total_tokens": 1650,
    });
    check(&[
        // Everything is a part: 1250 holds the 200 and the 50, 400 holds the 100.
        (
            "chat",
            "openai.chat",
            chat(json!({
                "prompt_tokens": 1250, "completion_tokens": 400, "total_tokens": 1650,
                "prompt_tokens_details": {"cached_tokens": 200, "cache_write_tokens": 50},
                "completion_tokens_details": {"reasoning_tokens": 100},
            })),
            some([1250, 400, 200, 50, 100]),
        ),
        // The last chunk has no choices, Azure's first has none either; `usage`
        // is null on those between.
        (
            "chat, streamed by Azure",
            "openai.chat",
            Stream(vec![
                json!({"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}),
                json!({"choices": [{"index": 0, "delta": {"content": "Hi."}}], "usage": null}),
                json!({"choices": [], "usage": {"prompt_tokens": 1250, "completion_tokens": 400,
                    "completion_tokens_details": {"reasoning_tokens": 100},
                    "prompt_tokens_details": {"cached_tokens": 200}}}),
            ]),
            unwritten([1250, 400, 200, 100]),
        ),
        (
            "responses",
            "openai.responses",
            Whole(json!({"id": "r", "object": "response", "status": "completed", "output": [],
                "usage": responses})),
            some([1250, 400, 200, 50, 100]),
        ),
        (
            "responses, streamed",
            "openai.responses",
            Stream(vec![
                json!({"type": "response.created", "response": {"id": "r", "usage": null}}),
                json!({"type": "response.completed", "response": {"id": "r", "output": [],
                    "status": "completed", "usage": responses}}),
            ]),
            some([1250, 400, 200, 50, 100]),
        ),
        (
            "completions",
            "openai.completions",
            Whole(json!({"object": "text_completion", "choices": [{"text": "Hi.", "index": 0}],
                "usage": {"prompt_tokens": 1250, "completion_tokens": 300, "total_tokens": 1550}})),
            plain(1250, 300),
        ),
        // There is no output, whatever is said of it.
        (
            "embeddings",
            "openai.embeddings",
            Whole(json!({"object": "list", "data": [{"object": "embedding", "embedding": "AA=="}],
                "usage": {"prompt_tokens": 1250, "total_tokens": 1250, "completion_tokens": 0}})),
            (Some(1250), None, None, None, None),
        ),
        (
            "realtime",
            "openai.realtime",
            Stream(vec![json!({"type": "response.done", "response": {"id": "r",
                "status": "completed", "output": [], "usage": {
                    "input_tokens": 1250, "output_tokens": 400, "total_tokens": 1650,
                    "input_token_details": {"cached_tokens": 200, "text_tokens": 1250},
                    "output_token_details": {"text_tokens": 400}}}})]),
            (Some(1250), Some(400), Some(200), None, None),
        ),
        (
            "a count",
            "openai.responses",
            Whole(json!({"object": "response.input_tokens", "input_tokens": 1250})),
            (Some(1250), None, None, None, None),
        ),
    ]);
}

#[test]
fn anthropic() {
    check(&[
        // Three figures beside one another: 1000 + 200 + 50.
        (
            "whole",
            "anthropic.messages",
            Whole(json!({"type": "message", "role": "assistant", "content": [], "usage": {
                "input_tokens": 1000, "cache_read_input_tokens": 200,
                "cache_creation_input_tokens": 50, "output_tokens": 400,
                "output_tokens_details": {"thinking_tokens": 100}}})),
            some([1250, 400, 200, 50, 100]),
        ),
        // The first report's output is a placeholder; the last one is
        // cumulative, and its null takes nothing away.
        (
            "streamed",
            "anthropic.messages",
            Stream(vec![
                json!({"type": "message_start", "message": {"id": "m", "usage": {
                    "input_tokens": 1000, "cache_read_input_tokens": 200,
                    "cache_creation_input_tokens": 50, "output_tokens": 3,
                    "cache_creation": {"ephemeral_5m_input_tokens": 30,
                        "ephemeral_1h_input_tokens": 20}}}}),
                json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
                    "usage": {"output_tokens": 250, "input_tokens": null}}),
                json!({"type": "message_delta", "delta": {}, "usage": {"output_tokens": 400}}),
                json!({"type": "message_stop"}),
            ]),
            (Some(1250), Some(400), Some(200), Some(50), None),
        ),
        (
            "a count",
            "anthropic.messages",
            Whole(json!({"input_tokens": 1250})),
            (Some(1250), None, None, None, None),
        ),
    ]);
    let hour = json!({"type": "message", "content": [], "usage": {"input_tokens": 1000,
        "cache_creation": {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 20},
        "output_tokens": 1}});
    let usage = usage_of("anthropic.messages", &Whole(hour));
    // 1000 + (30 + 20), of which 20 stay for an hour.
    assert_eq!((usage.input_tokens, usage.cache_write_tokens), (Some(1050), Some(50)));
    assert_eq!(usage.cache_write_1h_tokens, Some(20));
}

/// Where Claude is run several times for an answer, what is paid for is the sum of
/// the times, whatever the figures around them leave out.
#[test]
fn anthropic_again_and_again() {
    let pass = |kind: &str, [input, read, written, output]: [u64; 4]| {
        json!({"type": kind, "input_tokens": input, "cache_read_input_tokens": read,
            "cache_creation_input_tokens": written, "output_tokens": output})
    };
    let whole = |figures, iterations: &[Value]| {
        let mut usage = pass("", figures);
        usage["iterations"] = json!(iterations);
        Whole(json!({"type": "message", "role": "assistant", "content": [], "usage": usage}))
    };
    let told = |[input, output, read, written]: [u64; 4]| {
        (Some(input), Some(output), Some(read), Some(written), None)
    };
    let answer = [1000, 200, 50, 400];
    let compaction = [48, 2600, 50_000, 500];
    check(&[
        // In: 1250 and 48 + 2600 + 50000 = 52648; out: 400 + 500; read: 200 + 2600;
        // written: 50 + 50000.
        (
            "summed up before",
            "anthropic.messages",
            whole(answer, &[pass("compaction", compaction), pass("message", answer)]),
            told([53_898, 900, 2800, 50_050]),
        ),
        // Twice, between tools of the server's: 1250 + 2 * 52648; 400 + 2 * 500.
        (
            "summed up twice",
            "anthropic.messages",
            whole(
                answer,
                &[
                    pass("compaction", compaction),
                    pass("message", [600, 200, 0, 100]),
                    pass("compaction", compaction),
                    pass("message", [400, 0, 50, 300]),
                ],
            ),
            told([106_546, 1400, 5400, 100_050]),
        ),
        // Nothing else was asked for: the figures around are zero.
        (
            "summed up on demand",
            "anthropic.messages",
            whole([0, 0, 0, 0], &[pass("compaction", compaction)]),
            told([52_648, 500, 2600, 50_000]),
        ),
        // The sum of its parts is the whole.
        (
            "with tools of the server's",
            "anthropic.messages",
            whole(
                answer,
                &[pass("message", [600, 200, 0, 100]), pass("message", [400, 0, 50, 300])],
            ),
            told([1250, 400, 200, 50]),
        ),
        // Another model's tokens are not this one's.
        (
            "with advice",
            "anthropic.messages",
            whole(answer, &[pass("message", answer), pass("advisor_message", [9000, 0, 0, 700])]),
            told([1250, 400, 200, 50]),
        ),
        // Who declined is not paid.
        (
            "by another model",
            "anthropic.messages",
            whole(answer, &[pass("message", [9, 9, 9, 9]), pass("fallback_message", answer)]),
            told([1250, 400, 200, 50]),
        ),
        // The first report has the figures of what came first; the last one counts.
        (
            "summed up before, streamed",
            "anthropic.messages",
            Stream(vec![
                json!({"type": "message_start", "message": {"usage": pass("", [48, 2600, 50_000, 1])}}),
                json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {
                    "input_tokens": 1000, "cache_read_input_tokens": 200,
                    "cache_creation_input_tokens": 50, "output_tokens": 400, "iterations":
                    [pass("compaction", compaction), pass("message", answer)]}}),
                json!({"type": "message_stop"}),
            ]),
            told([53_898, 900, 2800, 50_050]),
        ),
    ]);
}

/// Audio is a part of the input and of the output wherever it is told.
#[test]
fn audio() {
    let cases = [
        (
            "openai.chat",
            chat(json!({"prompt_tokens": 1250, "completion_tokens": 400,
                "prompt_tokens_details": {"audio_tokens": 700, "text_tokens": 550},
                "completion_tokens_details": {"audio_tokens": 350, "text_tokens": 50}})),
        ),
        (
            "google.gemini",
            Whole(gemini(json!({"promptTokenCount": 1250, "candidatesTokenCount": 400,
                "totalTokenCount": 1650,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 550},
                    {"modality": "AUDIO", "tokenCount": 700}],
                "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 350}]}))),
        ),
        (
            "openai.realtime",
            Stream(vec![json!({"type": "response.done", "response": {"id": "r",
                "status": "completed", "output": [], "usage": {
                    "input_tokens": 1250, "output_tokens": 400, "total_tokens": 1650,
                    "input_token_details": {"audio_tokens": 700, "text_tokens": 550},
                    "output_token_details": {"audio_tokens": 350, "text_tokens": 50}}}})]),
        ),
        (
            "google.live",
            Stream(vec![json!({"serverContent": {"turnComplete": true}, "usageMetadata": {
                "promptTokenCount": 1250, "responseTokenCount": 400, "totalTokenCount": 1650,
                "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 700}],
                "responseTokensDetails": [{"modality": "TEXT", "tokenCount": 50},
                    {"modality": "AUDIO", "tokenCount": 350}]}})]),
        ),
        (
            "google.interactions",
            Whole(json!({"status": "completed", "usage": {"total_input_tokens": 1250,
                "total_output_tokens": 400,
                "input_tokens_by_modality": [{"modality": "audio", "tokens": 700}],
                "output_tokens_by_modality": [{"modality": "audio", "tokens": 350}]}})),
        ),
    ];
    for (dialect, sent) in &cases {
        let usage = usage_of(dialect, sent);
        assert_eq!((usage.input_tokens, usage.output_tokens), (Some(1250), Some(400)), "{dialect}");
        assert_eq!(usage.input_audio_tokens, Some(700), "{dialect}");
        assert_eq!(usage.output_audio_tokens, Some(350), "{dialect}");
    }
}

/// Neither a tool nor an agent says what it used, and nobody guesses.
#[test]
fn no_model_no_tokens() {
    let cases = [
        (
            "mcp",
            json!({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "x"}]}}),
        ),
        ("a2a", json!({"result": {"kind": "message", "parts": [{"kind": "text", "text": "x"}]}})),
    ];
    for (name, body) in cases {
        let dialect = llm::by_name(name).unwrap();
        let mut answer = Answer::default();
        dialect.response(&body, &mut answer);
        let mut exchange = crate::exchange();
        exchange.dialect = Some(dialect.name());
        answer.fill(&mut exchange);
        assert_eq!(exchange.response.text.as_deref(), Some("x"));
        llmtop_parsers::usage::settle(&mut exchange);
        assert_eq!(exchange.usage, Usage::default(), "{name}");
    }
}
