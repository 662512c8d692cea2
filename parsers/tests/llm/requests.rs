//! Which dialect a request speaks, to whom, and what it says.

use std::fs;
use std::path::Path;

use llmtop_parsers::llm::{self, Message, Part, RequestFacts, RequestHead};
use serde_json::{Value, json};

struct Case {
    host: &'static str,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: Option<Value>,
    /// Dialect and provider.
    expected: Option<(&'static str, Option<&'static str>)>,
}

fn recognised(method: &str, case: &Case) -> Option<(&'static str, Option<&'static str>)> {
    let headers: Vec<(String, String)> =
        case.headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let (path, query) = case.path.split_once('?').unwrap_or((case.path, ""));
    let head = RequestHead { method, path, query, host: case.host, headers: &headers };
    let (dialect, recognised) = llm::recognise(&head, case.body.as_ref())?;
    assert_eq!(recognised.operation, "chat");
    Some((dialect.name(), recognised.provider))
}

fn case(
    host: &'static str,
    path: &'static str,
    body: Option<Value>,
    expected: Option<(&'static str, Option<&'static str>)>,
) -> Case {
    Case { host, path, headers: &[], body, expected }
}

const CHAT: &str = "openai.chat";
const RESPONSES: &str = "openai.responses";
const MESSAGES: &str = "anthropic.messages";

#[test]
fn path_and_body_tell_the_dialect_and_the_host_the_provider() {
    let hi = || json!([{"role": "user", "content": "hi"}]);
    let chat = || Some(json!({"model": "m", "messages": hi()}));
    let messages = || Some(json!({"model": "m", "max_tokens": 9, "messages": hi()}));
    let ours = || Some(json!({"model": "m", "max_tokens": 9, "system": "s", "messages": hi()}));
    let responses = || Some(json!({"model": "m", "input": "hi"}));
    let cases = [
        // At home, by the head alone and with the body.
        case("api.openai.com", "/v1/chat/completions", None, Some((CHAT, Some("openai")))),
        case("api.openai.com", "/v1/chat/completions", chat(), Some((CHAT, Some("openai")))),
        case("api.openai.com", "/v1/responses", None, Some((RESPONSES, Some("openai")))),
        case(
            "api.openai.com",
            "/v1/responses?beta=true",
            responses(),
            Some((RESPONSES, Some("openai"))),
        ),
        case(
            "chatgpt.com",
            "/backend-api/codex/responses",
            None,
            Some((RESPONSES, Some("openai"))),
        ),
        case(
            "chatgpt.com",
            "/backend-api/codex/responses/compact",
            responses(),
            Some((RESPONSES, Some("openai"))),
        ),
        case(
            "api.anthropic.com",
            "/v1/messages?beta=true",
            None,
            Some((MESSAGES, Some("anthropic"))),
        ),
        case("api.anthropic.com", "/v1/messages", messages(), Some((MESSAGES, Some("anthropic")))),
        // Elsewhere.
        case(
            "r.openai.azure.com",
            "/openai/deployments/d/chat/completions?api-version=1",
            chat(),
            Some((CHAT, Some("azure.ai.openai"))),
        ),
        case(
            "r.openai.azure.com",
            "/openai/v1/responses",
            responses(),
            Some((RESPONSES, Some("azure.ai.openai"))),
        ),
        case(
            "r.services.ai.azure.com",
            "/anthropic/v1/messages",
            messages(),
            Some((MESSAGES, Some("azure.ai.inference"))),
        ),
        case("api.groq.com", "/openai/v1/chat/completions", chat(), Some((CHAT, Some("groq")))),
        case("openrouter.ai", "/api/v1/messages", messages(), Some((MESSAGES, Some("openrouter")))),
        case(
            "api.individual.githubcopilot.com",
            "/chat/completions",
            chat(),
            Some((CHAT, Some("github_copilot"))),
        ),
        case(
            "api.individual.githubcopilot.com",
            "/responses",
            None,
            Some((RESPONSES, Some("github_copilot"))),
        ),
        case("127.0.0.1", "/v1/messages", messages(), Some((MESSAGES, None))),
        case("localhost", "/v1/chat/completions", chat(), Some((CHAT, None))),
        case("gateway.example", "/team-a/v1/chat/completions/", chat(), Some((CHAT, None))),
        // By the body, where the path says nothing.
        case("gateway.example", "/llm", chat(), Some((CHAT, None))),
        case("gateway.example", "/llm", ours(), Some((MESSAGES, None))),
        case(
            "gateway.example",
            "/llm",
            Some(json!({"model": "m", "input": hi()})),
            Some((RESPONSES, None)),
        ),
        case("gateway.example", "/v1/chat/completions", ours(), Some((CHAT, None))),
        // In an envelope.
        case(
            "us-east5-aiplatform.googleapis.com",
            "/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-4-5@20251101:streamRawPredict",
            Some(
                json!({"anthropic_version": "vertex-2023-10-16", "max_tokens": 9, "messages": hi()}),
            ),
            Some((MESSAGES, Some("gcp.vertex_ai"))),
        ),
        case(
            "bedrock-runtime.us-east-1.amazonaws.com",
            "/model/us.anthropic.claude-opus-4-7/invoke",
            Some(
                json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": hi()}),
            ),
            Some((MESSAGES, Some("aws.bedrock"))),
        ),
        // Mistaken, but told apart.
        case("localhost", "/v1/chat/completions", Some(json!({})), Some((CHAT, None))),
        case("api.openai.com", "/v1/responses", Some(json!({})), Some((RESPONSES, Some("openai")))),
        case(
            "api.anthropic.com",
            "/v1/messages",
            Some(json!({})),
            Some((MESSAGES, Some("anthropic"))),
        ),
        // Something else.
        case("api.openai.com", "/v1/models", None, None),
        case("forms.example", "/forms/responses", None, None),
        case("forms.example", "/forms/responses", Some(json!({"answers": [1]})), None),
        case("sms.example", "/v1/messages", Some(json!({"to": "+1", "text": "hi"})), None),
        case("chat.example", "/post", Some(json!({"messages": [{"text": "hi"}]})), None),
        case("any.example", "/", Some(json!([1, 2])), None),
        case("any.example", "/", Some(json!({"model": "m", "messages": []})), None),
    ];
    for case in &cases {
        assert_eq!(
            recognised("POST", case),
            case.expected,
            "{} {} {:?}",
            case.host,
            case.path,
            case.body
        );
        assert_eq!(recognised("GET", case), None, "GET {}", case.path);
    }
    let headed = Case {
        headers: &[("Anthropic-Version", "2023-06-01")],
        ..case("gateway.example", "/claude/messages", messages(), Some((MESSAGES, None)))
    };
    assert_eq!(recognised("POST", &headed), headed.expected);
}

fn facts(path: &str, body: &Value, dialect: &str) -> RequestFacts {
    let head = RequestHead { method: "POST", path, query: "", host: "", headers: &[] };
    llm::by_name(dialect).unwrap().request(&head, body)
}

#[test]
fn the_model_may_stand_in_the_path() {
    let model = |path, dialect| facts(path, &json!({}), dialect).model;
    let vertex = "/v1/projects/p/locations/l/publishers/anthropic/models/claude-opus-4-5@20251101:rawPredict";
    assert_eq!(model(vertex, MESSAGES).as_deref(), Some("claude-opus-4-5@20251101"));
    let bedrock = "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke";
    assert_eq!(
        model(bedrock, MESSAGES).as_deref(),
        Some("us.anthropic.claude-sonnet-4-5-20250929-v1:0")
    );
    assert_eq!(model("/openai/deployments/mine/chat/completions", CHAT).as_deref(), Some("mine"));
    assert_eq!(model("/v1/chat/completions", CHAT), None);
    assert_eq!(model("/v1/messages", MESSAGES), None);
}

#[test]
fn a_stream_is_asked_for_by_body_or_path() {
    let stream = |path, body: &Value, dialect| facts(path, body, dialect).stream;
    assert_eq!(stream("/", &json!({"stream": true}), CHAT), Some(true));
    assert_eq!(stream("/", &json!({"stream": null}), RESPONSES), Some(false));
    assert_eq!(stream("/", &json!({}), MESSAGES), Some(false));
    let path = "/v1/projects/p/publishers/anthropic/models/claude-x:streamRawPredict";
    assert_eq!(stream(path, &json!({}), MESSAGES), Some(true));
}

fn shown(part: &Part) -> Value {
    match part {
        Part::Text(text) => json!({"text": text}),
        Part::Reasoning(text) => json!({"reasoning": text}),
        Part::ToolCall(call) => json!({"call": [call.id, call.name, call.arguments]}),
        Part::ToolResult { id, text, error } => json!({"result": [id, text, error]}),
        Part::Other { kind, bytes } => json!({"other": [kind, bytes]}),
    }
}

#[test]
fn requests_read_as_messages() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus/llm");
    for dialect in llm::DIALECTS {
        let folder = corpus.join(dialect.name()).join("requests");
        let mut read = 0;
        for file in fs::read_dir(&folder).expect("every dialect has requests") {
            let file = file.unwrap().path();
            if file.extension().is_none_or(|end| end != "json") {
                continue;
            }
            let body = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            let facts = facts("/", &body, dialect.name());
            let messages = dialect.messages(&body);
            let messages = messages.iter().map(|Message { role, parts }| {
                json!([role, parts.iter().map(shown).collect::<Vec<_>>()])
            });
            let all = json!({
                "model": facts.model,
                "stream": facts.stream,
                "messages": messages.collect::<Vec<_>>(),
            });
            let mut settings = insta::Settings::clone_current();
            settings.set_snapshot_path(folder.canonicalize().unwrap());
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            let name = file.file_name().unwrap().to_str().unwrap().to_owned();
            settings.bind(|| insta::assert_json_snapshot!(name, all));
            read += 1;
        }
        assert!(read >= 3, "{}", folder.display());
    }
}
