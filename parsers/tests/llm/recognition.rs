//! Which dialect a request speaks and what for: by path and body first, for
//! local servers speak several dialects on one port.

use llmtop_parsers::llm::{self, RequestHead};
use serde_json::{Value, json};

/// Dialect, operation and provider.
type Told = (&'static str, &'static str, Option<&'static str>);

/// One request, and what is to be told of it by its head alone and with its
/// body.
struct Row {
    host: &'static str,
    path: &'static str,
    body: Value,
    head: Option<Told>,
    whole: Option<Told>,
}

fn told(
    method: &str,
    host: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Option<Told> {
    let headers: Vec<(String, String)> =
        headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let head = RequestHead { method, path, query, host, headers: &headers };
    let (dialect, recognised) = llm::recognise(&head, body)?;
    Some((dialect.name(), recognised.operation, recognised.provider))
}

fn check(rows: &[Row]) {
    for Row { host, path, body, head, whole } in rows {
        assert_eq!(told("POST", host, path, &[], None), *head, "the head of {host}{path}");
        assert_eq!(told("POST", host, path, &[], Some(body)), *whole, "{host}{path} with {body}");
        for method in ["PUT", "OPTIONS", "", "post"] {
            assert_eq!(told(method, host, path, &[], Some(body)), None, "{method} {path}");
        }
    }
}

/// A request that its path tells alone.
fn row(host: &'static str, path: &'static str, body: Value, told: Option<Told>) -> Row {
    Row { host, path, body, head: told, whole: told }
}

/// A request that only its body tells, or tells to be another's.
fn by_body(host: &'static str, path: &'static str, body: Value, whole: Option<Told>) -> Row {
    Row { host, path, body, head: None, whole }
}

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
