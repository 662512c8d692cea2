//! `openai.embeddings`: vectors for texts
//! (<https://platform.openai.com/docs/api-reference/embeddings>), as Azure,
//! Mistral, Ollama, vLLM and others have them too. The vectors, numbers or
//! base64, are nobody's text: only what they cost is read.

use serde_json::Value;

use super::answer::Answer;
use super::message::{Message, Part};
use super::{Dialect, Recognised, RequestFacts, RequestHead, json, openai_chat, provider};

/// See the module.
#[derive(Debug)]
pub(super) struct OpenAiEmbeddings;

impl Dialect for OpenAiEmbeddings {
    fn name(&self) -> &'static str {
        "openai.embeddings"
    }

    fn usual_operation(&self) -> &'static str {
        "embeddings"
    }

    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised> {
        let path = head.path.trim_end_matches('/');
        let by_path = head.method == "POST"
            && path.ends_with("/embeddings")
            && !path.ends_with("/api/embeddings");
        let provider = provider::of_host(head.host);
        let ours = path.ends_with("/v1/embeddings")
            || path.contains("/deployments/")
            || provider.is_some();
        let fits = match body {
            None => ours,
            Some(body) => {
                let asked = body.get("input").is_some();
                body.is_object() && (ours || (asked && json::text(body, "model").is_some()))
            }
        };
        (by_path && fits).then_some(Recognised { provider, operation: "embeddings" })
    }

    fn request(&self, head: &RequestHead<'_>, body: &Value) -> RequestFacts {
        RequestFacts {
            model: json::owned(body, "model").or_else(|| openai_chat::model_in_url(head.path)),
            stream: Some(false),
        }
    }

    fn event(&self, _name: &str, data: &str, answer: &mut Answer) {
        if let Some(event) = json::object(data) {
            read(&event, answer);
        }
    }

    fn response(&self, body: &Value, answer: &mut Answer) {
        read(body, answer);
        answer.done = true;
    }

    fn answers(&self, value: &Value) -> bool {
        let first = json::array(value, "data").first();
        first.is_some_and(|first| json::text(first, "object") == Some("embedding"))
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        let parts = match body.get("input") {
            // A list of texts; a list of tokens is one text.
            Some(Value::Array(inputs)) if !inputs.iter().all(Value::is_number) => {
                inputs.iter().flat_map(json::prompt).collect()
            }
            input => input.map(json::prompt).unwrap_or_default(),
        };
        parts.into_iter().map(|part: Part| Message::new("user", vec![part])).collect()
    }
}

fn read(body: &Value, answer: &mut Answer) {
    answer.model = json::owned(body, "model");
    answer.id = json::owned(body, "id");
    if let Some(usage) = body.get("usage").filter(|usage| usage.is_object()) {
        let reported = openai_chat::reported(usage);
        // Some say that the output is 0: there is none.
        answer.reported.merge(crate::usage::Reported { output: None, ..reported });
        answer.cost = openai_chat::cost(usage).or(answer.cost);
    }
    if let Some(error) = json::error(body) {
        answer.error = Some(error);
    }
}
