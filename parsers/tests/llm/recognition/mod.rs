//! Which dialect a request speaks and what for: by path and body first, for
//! local servers speak several dialects on one port.

mod google;
mod local;
mod providers;
mod rpc;

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

fn hi() -> Value {
    json!([{"role": "user", "content": "hi"}])
}

/// Nothing that a body may hold makes a dialect of its path alone, nor a
/// panic.
#[test]
fn hostile_bodies() {
    let bodies = [
        json!(null),
        json!(7),
        json!("text"),
        json!([]),
        json!([null]),
        json!({"messages": {"role": "user"}, "model": ["m"]}),
        json!({"contents": [[]], "prompt": null, "input": null, "inputs": [7]}),
        json!({"jsonrpc": ["2.0"], "method": 7, "params": null}),
    ];
    let paths = [
        "",
        "/",
        "//",
        ":",
        "/:generateContent",
        "/models/:",
        "/%",
        "/v1/%3",
        "/api/chat",
        "/model//invoke",
        "/deployments//embeddings",
        "\u{1f30d}:\u{1f30d}",
    ];
    for body in &bodies {
        for path in paths {
            let found = told("POST", "", path, &[], Some(body));
            let by_path_alone = path == "/:generateContent" || path.starts_with("/deployments/");
            assert!(
                found.is_none() || (by_path_alone && body.is_object()),
                "{path} {body} {found:?}"
            );
        }
    }
}
