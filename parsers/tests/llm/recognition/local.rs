//! Local servers.

use serde_json::json;

use super::{Row, by_body, check, hi, row};

/// One port, many dialects: Ollama, llama.cpp, vLLM and LM Studio.
#[test]
fn a_local_server_speaks_many() {
    let here = "127.0.0.1";
    let told = |dialect, operation| Some((dialect, operation, None));
    let chat = || json!({"model": "m", "messages": hi()});
    let completion = "text_completion";
    check(&[
        row(here, "/api/chat", chat(), told("ollama.chat", "chat")),
        row(
            here,
            "/api/generate",
            json!({"model": "m", "prompt": "p"}),
            told("ollama.generate", completion),
        ),
        row(
            here,
            "/api/generate",
            json!({"model": "m", "keep_alive": 0}),
            told("ollama.generate", completion),
        ),
        row(
            here,
            "/api/embed",
            json!({"model": "m", "input": ["a"]}),
            told("ollama.embed", "embeddings"),
        ),
        row(
            here,
            "/api/embeddings",
            json!({"model": "m", "prompt": "a"}),
            told("ollama.embed", "embeddings"),
        ),
        row(here, "/v1/chat/completions", chat(), told("openai.chat", "chat")),
        row(
            here,
            "/v1/completions",
            json!({"model": "m", "prompt": "p"}),
            told("openai.completions", completion),
        ),
        row(
            here,
            "/v1/embeddings",
            json!({"model": "m", "input": "a"}),
            told("openai.embeddings", "embeddings"),
        ),
        row(
            here,
            "/v1/responses",
            json!({"model": "m", "input": "a"}),
            told("openai.responses", "chat"),
        ),
        row(here, "/v1/messages", chat(), told("anthropic.messages", "chat")),
        row(here, "/v1/messages/count_tokens", chat(), told("anthropic.messages", "count_tokens")),
        row(here, "/completion", json!({"prompt": "p"}), told("llamacpp.completion", completion)),
        by_body(
            here,
            "/completions",
            json!({"prompt": "p", "n_predict": 8}),
            told("llamacpp.completion", completion),
        ),
        by_body(
            here,
            "/completions",
            json!({"model": "m", "prompt": "p"}),
            told("openai.completions", completion),
        ),
        by_body(
            here,
            "/infill",
            json!({"input_prefix": "a", "input_suffix": "b"}),
            told("llamacpp.completion", completion),
        ),
        row(here, "/generate_stream", json!({"inputs": "p"}), told("tgi.generate", completion)),
        by_body(
            here,
            "/generate",
            json!({"inputs": "p", "parameters": {"max_new_tokens": 9}}),
            told("tgi.generate", completion),
        ),
        by_body(
            here,
            "/",
            json!({"inputs": "p", "stream": true}),
            told("tgi.generate", completion),
        ),
        // None of a model's: the server itself.
        row(here, "/api/tags", json!({}), None),
        row(here, "/api/show", json!({"model": "m"}), None),
        row(here, "/api/pull", json!({"model": "m", "stream": true}), None),
        row(here, "/tokenize", json!({"content": "p"}), None),
        row(here, "/apply-template", json!({"messages": hi()}), None),
        row(here, "/v1/models", json!({}), None),
        // Others' paths of the same names: a web application's chat, a
        // classifier, a form.
        Row {
            host: "shop.example",
            path: "/api/chat",
            body: json!({"messages": hi(), "id": "x"}),
            head: told("ollama.chat", "chat"),
            whole: None,
        },
        Row {
            host: "shop.example",
            path: "/api/chat",
            body: json!({"model": "m", "messages": [{"text": "hi"}]}),
            head: told("ollama.chat", "chat"),
            whole: None,
        },
        Row {
            host: "shop.example",
            path: "/api/generate",
            body: json!({"pages": 3}),
            head: told("ollama.generate", completion),
            whole: None,
        },
        Row {
            host: "shop.example",
            path: "/api/embed",
            body: json!({"url": "https://video.example"}),
            head: told("ollama.embed", "embeddings"),
            whole: None,
        },
        by_body("shop.example", "/generate", json!({"inputs": "p"}), None),
        by_body("shop.example", "/generate", json!({"inputs": {"a": 1}, "stream": true}), None),
        by_body("shop.example", "/completions", json!({"course": 7}), None),
        by_body("shop.example", "/infill", json!({"shape": "circle"}), None),
        Row {
            host: "shop.example",
            path: "/completion",
            body: json!({"percent": 80}),
            head: told("llamacpp.completion", completion),
            whole: None,
        },
        by_body("shop.example", "/embeddings", json!({"input": "a"}), None),
    ]);
}
