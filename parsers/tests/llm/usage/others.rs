//! Bedrock, local servers and Cohere.

use llmtop_parsers::UsageSource;
use llmtop_parsers::llm::{self, Answer};
use serde_json::{Value, json};

use super::{Stream, Whole, check, plain, usage_of};

#[test]
fn bedrock() {
    let usage = json!({"inputTokens": 1000, "outputTokens": 400, "totalTokens": 1650,
        "cacheReadInputTokens": 200, "cacheWriteInputTokens": 50});
    let told = (Some(1250), Some(400), Some(200), Some(50), None);
    check(&[
        // As Anthropic: 1000 + 200 + 50, which the total confirms (1650 - 400).
        (
            "converse",
            "bedrock.converse",
            Whole(json!({"output": {"message": {"role": "assistant", "content": []}},
                "stopReason": "end_turn", "usage": usage})),
            told,
        ),
        // The figures that Bedrock itself adds to the last event count alike.
        (
            "invoke, streamed",
            "bedrock.invoke",
            Stream(vec![
                json!({"generation": "Hi.", "prompt_token_count": null}),
                json!({"generation": "", "stop_reason": "stop",
                    "amazon-bedrock-invocationMetrics": {"inputTokenCount": 1000,
                        "outputTokenCount": 400, "cacheReadInputTokenCount": 200,
                        "cacheWriteInputTokenCount": 50}}),
            ]),
            told,
        ),
        // Meta's own, in which nothing is cached.
        (
            "invoke, of Llama",
            "bedrock.invoke",
            Whole(json!({"generation": "Hi.", "prompt_token_count": 1250,
                "generation_token_count": 400, "stop_reason": "stop"})),
            plain(1250, 400),
        ),
        // Nothing but the input.
        (
            "converse, counted",
            "bedrock.converse",
            Whole(json!({"inputTokens": 1250})),
            (Some(1250), None, None, None, None),
        ),
        (
            "invoke, counted",
            "bedrock.invoke",
            Whole(json!({"inputTokens": 1250})),
            (Some(1250), None, None, None, None),
        ),
    ]);
    let dialect = llm::by_name("bedrock.converse").unwrap();
    let mut answer = Answer::default();
    let metadata = json!({"usage": usage, "metrics": {"latencyMs": 7}});
    dialect.event("metadata", &metadata.to_string(), &mut answer);
    let streamed = answer.reported.usage(true);
    assert_eq!((streamed.input_tokens, streamed.output_tokens), (told.0, told.1));
}

#[test]
fn others() {
    check(&[
        (
            "ollama",
            "ollama.chat",
            Stream(vec![
                json!({"model": "m", "message": {"content": "Hi."}, "done": false}),
                json!({"model": "m", "message": {"content": ""}, "done": true,
                    "done_reason": "stop", "prompt_eval_count": 1250, "eval_count": 400,
                    "eval_duration": 4_535_599_000_u64}),
            ]),
            plain(1250, 400),
        ),
        (
            "ollama, generate",
            "ollama.generate",
            Whole(json!({"model": "m", "response": "Hi.", "done": true,
                "prompt_eval_count": 1250, "eval_count": 400})),
            plain(1250, 400),
        ),
        (
            "ollama, embed",
            "ollama.embed",
            Whole(json!({"model": "m", "embeddings": [[0.1]], "prompt_eval_count": 1250})),
            (Some(1250), None, None, None, None),
        ),
        // What the cache holds in the end (1650) is not what was read from it.
        (
            "llama.cpp",
            "llamacpp.completion",
            Stream(vec![
                json!({"content": "Hi.", "stop": false, "tokens_predicted": 1}),
                json!({"content": "", "stop": true, "stop_type": "eos", "tokens_evaluated": 1250,
                    "tokens_predicted": 400, "tokens_cached": 1650,
                    "timings": {"prompt_n": 1050, "cache_n": 200, "predicted_n": 400}}),
            ]),
            (Some(1250), Some(400), Some(200), None, None),
        ),
        (
            "tgi",
            "tgi.generate",
            Stream(vec![json!({"index": 1, "token": {"id": 1, "text": "Hi."}, "generated_text":
                "Hi.", "details": {"finish_reason": "length", "generated_tokens": 400,
                "input_length": 1250}})]),
            plain(1250, 400),
        ),
        // To two prompts in one body: 600 + 650, 150 + 250.
        (
            "tgi, several",
            "tgi.generate",
            Whole(json!([
                {"generated_text": "a", "details": {"input_length": 600, "generated_tokens": 150}},
                {"generated_text": "b", "details": {"input_length": 650, "generated_tokens": 250}},
            ])),
            plain(1250, 400),
        ),
        (
            "llama.cpp, several",
            "llamacpp.completion",
            Whole(json!([
                {"content": "a", "stop": true, "tokens_evaluated": 600, "tokens_predicted": 150},
                {"content": "b", "stop": true, "tokens_evaluated": 650, "tokens_predicted": 250},
            ])),
            plain(1250, 400),
        ),
        // Of one of them the output is not told: no sum is.
        (
            "llama.cpp, several, one without figures",
            "llamacpp.completion",
            Whole(json!([
                {"content": "a", "stop": true, "tokens_evaluated": 600, "tokens_predicted": 150},
                {"content": "b", "stop": true, "tokens_evaluated": 650},
            ])),
            (Some(1250), None, None, None, None),
        ),
        // What is counted, not the 1100 and 290 that are billed.
        (
            "cohere",
            "cohere.chat",
            Whole(json!({"id": "c", "message": {"role": "assistant", "content": []}, "usage": {
                "billed_units": {"input_tokens": 1100, "output_tokens": 290},
                "tokens": {"input_tokens": 1250, "output_tokens": 400}, "cached_tokens": 200}})),
            (Some(1250), Some(400), Some(200), None, None),
        ),
        (
            "cohere, first version",
            "cohere.chat",
            Stream(vec![json!({"event_type": "stream-end", "finish_reason": "COMPLETE",
                "response": {"text": "Hi.", "meta": {
                    "billed_units": {"input_tokens": 1100, "output_tokens": 290},
                    "tokens": {"input_tokens": 1250, "output_tokens": 400}}}})]),
            plain(1250, 400),
        ),
    ]);
    let billed = billed_units();
    for (name, dialect, body, expected) in billed {
        let usage = usage_of(dialect, &Whole(body));
        let units = (usage.search_units, usage.classifications);
        assert_eq!((usage.input_tokens, usage.output_tokens, units), expected, "{name}");
        assert_eq!(usage.source, UsageSource::Reported, "{name}");
    }
    let billed = json!({"message": {"content": []}, "usage": {
        "billed_units": {"input_tokens": 1100, "output_tokens": 290},
        "tokens": {"input_tokens": 1250, "output_tokens": 400}}});
    let usage = usage_of("cohere.chat", &Whole(billed));
    assert_eq!(usage.billed_input_tokens, Some(1100));
    assert_eq!(usage.billed_output_tokens, Some(290));
}

/// Input, output, and what else is billed: searches, classifications.
type Billed = (Option<u64>, Option<u64>, (Option<u64>, Option<u64>));

/// Answers of no text. Nothing is written, whatever they say of output.
fn billed_units() -> [(&'static str, &'static str, Value, Billed); 6] {
    let meta = |billed: Value| json!({"id": "c", "meta": {"billed_units": billed}});
    [
        (
            "embedded",
            "cohere.embed",
            meta(json!({"input_tokens": 1250, "output_tokens": 0})),
            (Some(1250), None, (None, None)),
        ),
        (
            "ranked, by searches",
            "cohere.rerank",
            meta(json!({"search_units": 3})),
            (None, None, (Some(3), None)),
        ),
        // All of the total is input.
        (
            "ranked, by tokens",
            "cohere.rerank",
            json!({"results": [], "usage": {"total_tokens": 1250}}),
            (Some(1250), None, (None, None)),
        ),
        (
            "ranked, of a prompt",
            "cohere.rerank",
            json!({"results": [], "usage": {"prompt_tokens": 1250, "total_tokens": 1250}}),
            (Some(1250), None, (None, None)),
        ),
        (
            "ranked, by both",
            "cohere.rerank",
            json!({"results": [], "usage": {"search_units": 1, "total_tokens": 150}}),
            (Some(150), None, (Some(1), None)),
        ),
        (
            "classified",
            "cohere.classify",
            meta(json!({"classifications": 7})),
            (None, None, (None, Some(7))),
        ),
    ]
}
