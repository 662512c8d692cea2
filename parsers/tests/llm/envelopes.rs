//! Requests whose path says more than their body: Bedrock's and Cursor's.

use llmtop_parsers::llm::{self, RequestHead};
use serde_json::{Value, json};

/// Dialect, provider, operation, model, whether a stream is asked for.
type Told = (&'static str, Option<&'static str>, &'static str, Option<String>, Option<bool>);

fn told(method: &str, host: &str, path: &str, body: Option<&Value>) -> Option<Told> {
    let head = RequestHead { method, path, query: "", host, headers: &[] };
    let (dialect, recognised) = llm::recognise(&head, body)?;
    let facts = dialect.request(&head, body.unwrap_or(&Value::Null));
    let (provider, operation) = (recognised.provider, recognised.operation);
    Some((dialect.name(), provider, operation, facts.model, facts.stream))
}

#[test]
fn the_path_tells() {
    let bedrock = "bedrock-runtime.eu-west-1.amazonaws.com";
    let turns = json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]});
    let prompt = json!({"prompt": "hi"});
    let claude = json!({
        "anthropic_version": "bedrock-2023-05-31", "max_tokens": 9,
        "messages": [{"role": "user", "content": "hi"}],
    });
    let agent = json!({"1": {"2": {"1": "hi"}, "3": {"1": "claude-4.5-opus"}}});
    let cases = [
        (
            bedrock,
            "/model/eu.amazon.nova-pro-v1%3A0/converse",
            &turns,
            Some((
                "bedrock.converse",
                Some("aws.bedrock"),
                "chat",
                "eu.amazon.nova-pro-v1:0",
                false,
            )),
        ),
        (
            "gateway.example",
            "/bedrock/model/anthropic.claude-opus-4-7/converse-stream",
            &turns,
            Some(("bedrock.converse", None, "chat", "anthropic.claude-opus-4-7", true)),
        ),
        (
            bedrock,
            "/model/meta.llama3-8b-instruct-v1%3A0/invoke-with-response-stream",
            &prompt,
            Some((
                "bedrock.invoke",
                Some("aws.bedrock"),
                "chat",
                "meta.llama3-8b-instruct-v1:0",
                true,
            )),
        ),
        (
            bedrock,
            "/model/amazon.titan-embed-text-v2:0/invoke",
            &json!({"inputText": "hi"}),
            Some((
                "bedrock.invoke",
                Some("aws.bedrock"),
                "embeddings",
                "amazon.titan-embed-text-v2:0",
                false,
            )),
        ),
        (
            bedrock,
            "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Ainference-profile%2Feu.anthropic.claude-opus-4-7/invoke",
            &claude,
            Some((
                "anthropic.messages",
                Some("aws.bedrock"),
                "chat",
                "eu.anthropic.claude-opus-4-7",
                false,
            )),
        ),
        (
            "agentn.us.api5.cursor.sh",
            "/agent.v1.AgentService/Run",
            &agent,
            Some(("cursor.chat", Some("cursor"), "chat", "claude-4.5-opus", true)),
        ),
        (
            bedrock,
            "/model/anthropic.claude-opus-4-7/count-tokens",
            &json!({"input": {"converse": turns}}),
            Some((
                "bedrock.converse",
                Some("aws.bedrock"),
                "count_tokens",
                "anthropic.claude-opus-4-7",
                false,
            )),
        ),
        (
            bedrock,
            "/model/anthropic.claude-opus-4-7/count-tokens",
            &json!({"input": {"invokeModel": {"body": "e30="}}}),
            Some((
                "bedrock.invoke",
                Some("aws.bedrock"),
                "count_tokens",
                "anthropic.claude-opus-4-7",
                false,
            )),
        ),
        (bedrock, "/model/x/count-tokens", &turns, None),
        (bedrock, "/guardrail/x/version/1/apply", &turns, None),
        ("api2.cursor.sh", "/aiserver.v1.AiService/AvailableModels", &json!({}), None),
    ];
    for (host, path, body, expected) in cases {
        let expected = expected.map(|(dialect, provider, operation, model, stream)| {
            (dialect, provider, operation, Some(model.to_owned()), Some(stream))
        });
        assert_eq!(told("POST", host, path, Some(body)), expected, "{path}");
        assert_eq!(told("GET", host, path, Some(body)), None, "{path}");
        if expected.as_ref().is_some_and(|told| told.0 != "anthropic.messages") {
            assert!(told("POST", host, path, None).is_some(), "{path} by its head");
        }
    }
}
