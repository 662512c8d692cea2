//! Google's paths.

use serde_json::json;

use super::{Row, by_body, check, row};

#[test]
fn googles_paths() {
    let contents = || json!({"contents": [{"parts": [{"text": "hi"}]}]});
    let gemini = |operation, provider| Some(("google.gemini", operation, provider));
    let generate = "generate_content";
    let home = "generativelanguage.googleapis.com";
    let vertex = "us-central1-aiplatform.googleapis.com";
    let at_home = |operation| gemini(operation, Some("gcp.gemini"));
    let on_vertex = |operation| gemini(operation, Some("gcp.vertex_ai"));
    check(&[
        row(home, "/v1beta/models/gemini-2.5-pro:generateContent", contents(), at_home(generate)),
        row(
            home,
            "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse&key=k",
            contents(),
            at_home(generate),
        ),
        row(home, "/v1/models/m%3AgenerateContent", contents(), at_home(generate)),
        row(home, "/v1beta/tunedModels/t:generateContent", contents(), at_home(generate)),
        row(home, "/v1beta/models/m:countTokens", contents(), at_home("count_tokens")),
        row(home, "/v1beta/models/m:embedContent", json!({"content": {}}), at_home("embeddings")),
        row(
            home,
            "/v1beta/models/m:batchEmbedContents",
            json!({"requests": []}),
            at_home("embeddings"),
        ),
        row(
            vertex,
            "/v1/projects/p/locations/us-central1/publishers/google/models/gemini-2.5-pro:streamGenerateContent",
            contents(),
            on_vertex(generate),
        ),
        row(
            "aiplatform.eu.rep.googleapis.com",
            "/v1/projects/p/locations/eu/publishers/google/models/gemini-2.5-pro:generateContent",
            contents(),
            on_vertex(generate),
        ),
        row(
            vertex,
            "/v1/projects/p/locations/l/endpoints/123:generateContent",
            contents(),
            on_vertex(generate),
        ),
        row(
            vertex,
            "/v1/projects/p/locations/l/publishers/google/models/text-embedding-005:predict",
            json!({"instances": [{"content": "hi"}]}),
            on_vertex("embeddings"),
        ),
        row(
            "cloudcode-pa.googleapis.com",
            "/v1internal:streamGenerateContent?alt=sse",
            json!({"model": "gemini-2.5-pro", "project": "p", "request": contents()}),
            gemini(generate, Some("gcp.gen_ai")),
        ),
        row(
            "cloudcode-pa.googleapis.com",
            "/v1internal:countTokens",
            json!({"request": contents()}),
            gemini("count_tokens", Some("gcp.gen_ai")),
        ),
        // A mistaken request is one all the same.
        row(home, "/v1beta/models/m:generateContent", json!({}), at_home(generate)),
        // A gateway and a local server.
        row("127.0.0.1", "/v1beta/models/m:generateContent", contents(), gemini(generate, None)),
        by_body("gateway.example", "/llm", contents(), gemini(generate, None)),
        // Others' calls.
        row(home, "/v1beta/models", json!({}), None),
        row(home, "/v1beta/models/imagen-4:predict", json!({"instances": [{"prompt": "p"}]}), None),
        row(
            vertex,
            "/v1/projects/p/locations/l/publishers/google/models/imagen-4:predict",
            json!({"instances": [{"prompt": "p"}]}),
            None,
        ),
        row("cloudcode-pa.googleapis.com", "/v1internal:loadCodeAssist", json!({}), None),
        row("mail.example", "/send", json!({"contents": ["text"]}), None),
        row("mail.example", "/send", json!({"contents": [{"parts": ["text"]}]}), None),
        row("mail.example", "/send", json!({"contents": []}), None),
        Row {
            host: home,
            path: "/v1beta/models/m:generateContent",
            body: json!([]),
            head: at_home(generate),
            whole: None,
        },
    ]);
}

#[test]
fn interactions() {
    let asked = || json!({"model": "gemini-3-flash-preview", "input": "hi"});
    let known = |provider| Some(("google.interactions", "chat", provider));
    check(&[
        row(
            "generativelanguage.googleapis.com",
            "/v1beta/interactions",
            asked(),
            known(Some("gcp.gemini")),
        ),
        by_body("localhost", "/v1beta/interactions", asked(), known(None)),
        by_body(
            "localhost",
            "/v1beta/interactions",
            json!({"input": "hi", "agent": "a"}),
            known(None),
        ),
        row("shop.example", "/api/interactions", json!({"input": "hi"}), None),
        row("shop.example", "/api/interactions", json!({"clicks": [1]}), None),
    ]);
}
