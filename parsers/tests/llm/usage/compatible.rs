//! APIs like OpenAI's.

use serde_json::json;

use super::{Stream, Whole, chat, check, plain, some, unwritten};

#[test]
fn those_like_openai() {
    check(&[
        // Hits plus misses: 200 + 1050.
        (
            "deepseek",
            "openai.chat",
            chat(json!({"prompt_tokens": 1250, "prompt_cache_hit_tokens": 200,
                "prompt_cache_miss_tokens": 1050, "completion_tokens": 400, "total_tokens": 1650,
                "completion_tokens_details": {"reasoning_tokens": 100}})),
            unwritten([1250, 400, 200, 100]),
        ),
        // Reasoning beside the completion, which only the total shows:
        // 1250 + 300 + 100.
        (
            "xai",
            "openai.chat",
            chat(json!({"prompt_tokens": 1250, "completion_tokens": 300, "total_tokens": 1650,
                "prompt_tokens_details": {"cached_tokens": 200, "text_tokens": 1250},
                "completion_tokens_details": {"reasoning_tokens": 100}, "num_sources_used": 0})),
            unwritten([1250, 400, 200, 100]),
        ),
        // In the choice.
        (
            "moonshot",
            "openai.chat",
            Stream(vec![
                json!({"choices": [{"index": 0, "delta": {"content": "Hi."}}]}),
                json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": {
                    "prompt_tokens": 1250, "completion_tokens": 400, "total_tokens": 1650,
                    "cached_tokens": 200}}]}),
            ]),
            (Some(1250), Some(400), Some(200), None, None),
        ),
        (
            "groq",
            "openai.chat",
            Stream(vec![
                json!({"choices": [{"index": 0, "delta": {"content": "Hi."}}],
                    "x_groq": {"id": "req_1"}}),
                json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
                    "x_groq": {"id": "req_1", "usage": {"queue_time": 0.1, "prompt_tokens": 1250,
                        "completion_tokens": 400, "total_tokens": 1650, "total_time": 0.2}}}),
            ]),
            plain(1250, 400),
        ),
        // In the last chunk, unasked.
        (
            "mistral",
            "openai.chat",
            Stream(vec![json!({"choices": [{"index": 0, "delta": {"content": "Hi."},
                "finish_reason": "stop"}], "usage": {"prompt_tokens": 1250,
                "completion_tokens": 400, "total_tokens": 1650, "prompt_audio_seconds": null}})]),
            plain(1250, 400),
        ),
        // What connectors fed back is beside the prompt: 1200 + 50.
        (
            "mistral, conversations",
            "mistral.conversations",
            Whole(json!({"object": "conversation.response", "outputs": [], "usage": {
                "prompt_tokens": 1200, "connector_tokens": 50, "completion_tokens": 400,
                "total_tokens": 1650}})),
            plain(1250, 400),
        ),
        (
            "openrouter",
            "openai.chat",
            chat(json!({"prompt_tokens": 1250, "completion_tokens": 400, "total_tokens": 1650,
                "cost": 0.01, "cost_details": {"upstream_inference_cost": null},
                "prompt_tokens_details": {"cached_tokens": 200, "cache_write_tokens": 50},
                "completion_tokens_details": {"reasoning_tokens": 100}})),
            some([1250, 400, 200, 50, 100]),
        ),
        (
            "perplexity",
            "openai.chat",
            chat(json!({"prompt_tokens": 1250, "completion_tokens": 400, "total_tokens": 1650,
                "search_context_size": "low", "cost": {"total_cost": 0.01}})),
            plain(1250, 400),
        ),
        // Reasoning is in no total: 300 + 100.
        (
            "perplexity, deep research",
            "openai.chat",
            chat(json!({"prompt_tokens": 1250, "completion_tokens": 300, "total_tokens": 1550,
                "citation_tokens": 20016, "num_search_queries": 18, "reasoning_tokens": 100})),
            (Some(1250), Some(400), None, None, Some(100)),
        ),
        // Reasoning is part of the completion.
        (
            "sglang",
            "openai.chat",
            chat(json!({"prompt_tokens": 1250, "completion_tokens": 400, "total_tokens": 1650,
                "prompt_tokens_details": {"cached_tokens": 200}, "reasoning_tokens": 100})),
            unwritten([1250, 400, 200, 100]),
        ),
        (
            "moonshot",
            "openai.chat",
            chat(json!({"prompt_tokens": 1250, "completion_tokens": 400, "total_tokens": 1650,
                "cached_tokens": 200})),
            (Some(1250), Some(400), Some(200), None, None),
        ),
        (
            "a gateway before Anthropic",
            "openai.chat",
            chat(json!({"prompt_tokens": 1250, "completion_tokens": 400, "total_tokens": 1650,
                "prompt_tokens_details": {"cached_tokens": 200, "cache_creation_tokens": 50}})),
            (Some(1250), Some(400), Some(200), Some(50), None),
        ),
        // With every chunk; the last counts.
        (
            "vllm, continuously",
            "openai.chat",
            Stream(vec![
                json!({"choices": [{"index": 0, "delta": {"content": "H"}}],
                    "usage": {"prompt_tokens": 1250, "completion_tokens": 1, "total_tokens": 1251}}),
                json!({"choices": [], "usage": {"prompt_tokens": 1250, "completion_tokens": 400,
                    "total_tokens": 1650, "prompt_tokens_details": null}}),
            ]),
            plain(1250, 400),
        ),
    ]);
}
