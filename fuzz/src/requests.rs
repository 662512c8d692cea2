//! Requests that answers of every dialect follow. `xtask`, which makes the
//! seeds, reads this file, too.

/// The dialect (or what else it is), the path, and the body.
pub(crate) const REQUESTS: &[(&str, &str, &str)] = &[
    (
        "anthropic.messages",
        "/v1/messages",
        r#"{"model":"claude-sonnet-4-5","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"Hi"}]}"#,
    ),
    (
        "openai.chat",
        "/v1/chat/completions",
        r#"{"model":"gpt-5","stream":true,"messages":[{"role":"user","content":"Hi"}]}"#,
    ),
    ("openai.responses", "/v1/responses", r#"{"model":"gpt-5","stream":true,"input":"Hi"}"#),
    (
        "google.gemini",
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
        r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#,
    ),
    (
        "openai.completions",
        "/v1/completions",
        r#"{"model":"gpt-3.5-turbo-instruct","prompt":"Hi","stream":true}"#,
    ),
    ("openai.embeddings", "/v1/embeddings", r#"{"model":"text-embedding-3-small","input":"Hi"}"#),
    ("cohere.v1", "/v1/chat", r#"{"model":"command-r","message":"Hi","stream":true}"#),
    (
        "cohere.chat",
        "/v2/chat",
        r#"{"model":"command-a-03-2025","stream":true,"messages":[{"role":"user","content":"Hi"}]}"#,
    ),
    (
        "cohere.embed",
        "/v2/embed",
        r#"{"model":"embed-v4.0","input_type":"search_query","texts":["Hi"]}"#,
    ),
    (
        "cohere.rerank",
        "/v2/rerank",
        r#"{"model":"rerank-v3.5","query":"Hi?","documents":["Hi","Ho"]}"#,
    ),
    (
        "ollama.chat",
        "/api/chat",
        r#"{"model":"llama3.2","messages":[{"role":"user","content":"Hi"}]}"#,
    ),
    ("ollama.generate", "/api/generate", r#"{"model":"llama3.2","prompt":"Hi"}"#),
    ("llama.cpp", "/completion", r#"{"prompt":"Hi","n_predict":9,"stream":true}"#),
    ("tgi", "/generate_stream", r#"{"inputs":"Hi","parameters":{}}"#),
    (
        "bedrock.converse",
        "/model/anthropic.claude-sonnet-4-20250514-v1%3A0/converse-stream",
        r#"{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}"#,
    ),
    (
        "bedrock.invoke",
        "/model/anthropic.claude-sonnet-4-20250514-v1%3A0/invoke-with-response-stream",
        r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#,
    ),
    (
        "google.code_assist",
        "/v1internal:streamGenerateContent",
        r#"{"model":"gemini-2.5-pro","request":{"contents":[]}}"#,
    ),
    (
        "google.interactions",
        "/v1beta/interactions",
        r#"{"model":"gemini-2.5-flash","input":"Hi","stream":true}"#,
    ),
    (
        "mcp",
        "/mcp",
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{}}}"#,
    ),
    ("a2a", "/a2a", r#"{"jsonrpc":"2.0","id":1,"method":"message/stream","params":{}}"#),
    ("none", "/events", ""),
];
