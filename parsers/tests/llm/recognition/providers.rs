//! Providers with dialects, or ways, of their own.

use serde_json::json;

use super::{by_body, check, hi, row};

#[test]
fn providers_of_their_own() {
    let completion = "text_completion";
    let cohere = |operation| Some(("cohere.chat", operation, Some("cohere")));
    let mistral = |dialect, operation| Some((dialect, operation, Some("mistral_ai")));
    let copilot = |dialect, operation| Some((dialect, operation, Some("github_copilot")));
    let chat = || json!({"model": "m", "messages": hi()});
    let home = "api.cohere.com";
    check(&[
        row(home, "/v2/chat", chat(), cohere("chat")),
        row(home, "/v1/chat", json!({"message": "hi", "stream": true}), cohere("chat")),
        row(home, "/v1/chat", json!({"message": "", "tool_results": []}), cohere("chat")),
        row(home, "/v1/generate", json!({"prompt": "p"}), cohere(completion)),
        row(
            home,
            "/compatibility/v1/chat/completions",
            chat(),
            Some(("openai.chat", "chat", Some("cohere"))),
        ),
        row(
            home,
            "/v2/embed",
            json!({"model": "embed-v4.0", "texts": ["hi"], "input_type": "search_query"}),
            Some(("cohere.embed", "embeddings", Some("cohere"))),
        ),
        row(
            home,
            "/v1/embed",
            json!({"texts": "mistaken"}),
            Some(("cohere.embed", "embeddings", Some("cohere"))),
        ),
        row(
            home,
            "/v2/rerank",
            json!({"model": "rerank-v3.5", "query": "q", "documents": ["d"]}),
            Some(("cohere.rerank", "rerank", Some("cohere"))),
        ),
        row(
            home,
            "/v1/classify",
            json!({"model": "ft", "inputs": ["hi"]}),
            Some(("cohere.classify", "classify", Some("cohere"))),
        ),
        // Others have them, too, and others mean other things.
        by_body(
            "gateway.example",
            "/providers/cohere/v2/rerank",
            json!({"model": "m", "query": "q", "documents": [{"text": "d"}]}),
            Some(("cohere.rerank", "rerank", None)),
        ),
        by_body(
            "gateway.example",
            "/v1/embed",
            json!({"model": "m", "inputs": []}),
            Some(("cohere.embed", "embeddings", None)),
        ),
        by_body("gateway.example", "/v1/embed", json!({"url": "https://video.example"}), None),
        by_body("gateway.example", "/v1/embed", json!({"texts": ["hi"]}), None),
        by_body("gateway.example", "/rerank", json!({"query": "q", "texts": ["d"]}), None),
        by_body("gateway.example", "/rerank", json!({"query": {}, "documents": []}), None),
        by_body("gateway.example", "/v1/classify", json!({"inputs": ["hi"]}), None),
        by_body("gateway.example", "/cohere/v2/chat", chat(), Some(("cohere.chat", "chat", None))),
        by_body(
            "gateway.example",
            "/v1/chat",
            json!({"message": "hi"}),
            Some(("cohere.chat", "chat", None)),
        ),
        by_body("gateway.example", "/v1/generate", json!({"prompt": "p"}), None),
        by_body("gateway.example", "/v1/chat", chat(), None),
        row("api.mistral.ai", "/v1/chat/completions", chat(), mistral("openai.chat", "chat")),
        row(
            "api.mistral.ai",
            "/v1/fim/completions",
            json!({"model": "m", "prompt": "p", "suffix": "s"}),
            mistral("openai.completions", completion),
        ),
        row(
            "api.mistral.ai",
            "/v1/agents/completions",
            json!({"agent_id": "a", "messages": hi()}),
            mistral("openai.chat", "chat"),
        ),
        row(
            "api.mistral.ai",
            "/v1/conversations",
            json!({"model": "m", "inputs": "hi"}),
            mistral("mistral.conversations", "chat"),
        ),
        row(
            "api.mistral.ai",
            "/v1/conversations/conv_1",
            json!({"inputs": [{"role": "user", "content": "hi"}]}),
            mistral("mistral.conversations", "chat"),
        ),
        row(
            "api.openai.com",
            "/v1/responses/input_tokens",
            json!({"model": "m", "input": "hi"}),
            Some(("openai.responses", "count_tokens", Some("openai"))),
        ),
        row(
            "api.openai.com",
            "/v1/responses/compact",
            json!({"model": "m", "input": "hi"}),
            Some(("openai.responses", "chat", Some("openai"))),
        ),
        row(
            "r.openai.azure.com",
            "/openai/deployments/mine/completions?api-version=1",
            json!({"prompt": "p"}),
            Some(("openai.completions", completion, Some("azure.ai.openai"))),
        ),
        row(
            "r.openai.azure.com",
            "/openai/deployments/mine/embeddings?api-version=1",
            json!({"input": "p"}),
            Some(("openai.embeddings", "embeddings", Some("azure.ai.openai"))),
        ),
        row(
            "api.deepseek.com",
            "/beta/completions",
            json!({"model": "m", "prompt": "p"}),
            Some(("openai.completions", completion, Some("deepseek"))),
        ),
        row(
            "api.business.githubcopilot.com",
            "/chat/completions",
            chat(),
            copilot("openai.chat", "chat"),
        ),
        row(
            "copilot-proxy.githubusercontent.com",
            "/v1/engines/gpt-41-copilot/completions",
            json!({"prompt": "p"}),
            copilot("openai.completions", completion),
        ),
        row(
            "api.githubcopilot.com",
            "/embeddings",
            json!({"model": "m", "input": ["a"]}),
            copilot("openai.embeddings", "embeddings"),
        ),
        by_body(
            "us-east5-aiplatform.googleapis.com",
            "/v1/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict",
            json!({"anthropic_version": "vertex-2023-10-16", "model": "m", "messages": hi()}),
            Some(("anthropic.messages", "count_tokens", Some("gcp.vertex_ai"))),
        ),
        row(
            "api.anthropic.com",
            "/v1/complete",
            json!({"model": "claude-2", "prompt": "p", "max_tokens_to_sample": 9}),
            Some(("anthropic.complete", completion, Some("anthropic"))),
        ),
        by_body(
            "gateway.example",
            "/v1/complete",
            json!({"prompt": "p", "max_tokens_to_sample": 9}),
            Some(("anthropic.complete", completion, None)),
        ),
        row("tasks.example", "/v1/complete", json!({"task": 7}), None),
        row(
            "router.huggingface.co",
            "/v1/chat/completions",
            chat(),
            Some(("openai.chat", "chat", Some("huggingface"))),
        ),
        by_body(
            "router.huggingface.co",
            "/hf-inference/models/org/model",
            json!({"inputs": "p", "parameters": {"return_full_text": false}}),
            Some(("tgi.generate", completion, Some("huggingface"))),
        ),
        by_body(
            "router.huggingface.co",
            "/hf-inference/models/org/classifier",
            json!({"inputs": "p", "parameters": {"top_k": 1}}),
            None,
        ),
        by_body(
            "us-central1-aiplatform.googleapis.com",
            "/v1/projects/p/locations/l/publishers/mistralai/models/mistral-medium:rawPredict",
            chat(),
            Some(("openai.chat", "chat", Some("gcp.vertex_ai"))),
        ),
    ]);
}
