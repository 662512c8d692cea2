//! `cohere.embed`: vectors for texts and images
//! (<https://docs.cohere.com/reference/embed>), both versions. The vectors are
//! nobody's text: only what they cost is read.

use serde_json::Value;

use super::answer::Answer;
use super::message::Message;
use super::{Dialect, Recognised, RequestFacts, RequestHead, cohere_usage, json, provider};

/// See the module.
#[derive(Debug)]
pub(super) struct CohereEmbed;

/// What may be embedded: texts, images, or, in version 2, both in one.
const ASKED: [&str; 3] = ["texts", "images", "inputs"];

impl Dialect for CohereEmbed {
    fn name(&self) -> &'static str {
        "cohere.embed"
    }

    fn usual_operation(&self) -> &'static str {
        "embeddings"
    }

    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised> {
        let path = head.path.trim_end_matches('/');
        let by_path = path.ends_with("/v1/embed") || path.ends_with("/v2/embed");
        let provider = provider::of_host(head.host);
        let home = provider == Some("cohere");
        let fits = match body {
            None => home,
            Some(body) => {
                let asked = ASKED.iter().any(|key| body.get(key).is_some_and(Value::is_array));
                let model = json::text(body, "model").or_else(|| json::text(body, "input_type"));
                (home && body.is_object()) || (asked && model.is_some())
            }
        };
        (head.method == "POST" && by_path && fits)
            .then_some(Recognised { provider, operation: "embeddings" })
    }

    fn request(&self, _head: &RequestHead<'_>, body: &Value) -> RequestFacts {
        RequestFacts { model: json::owned(body, "model"), stream: Some(false) }
    }

    fn event(&self, _name: &str, data: &str, answer: &mut Answer) {
        if let Some(event) = json::object(data) {
            cohere_usage::read(&event, answer);
        }
    }

    fn response(&self, body: &Value, answer: &mut Answer) {
        cohere_usage::read(body, answer);
        answer.done = true;
    }

    fn answers(&self, value: &Value) -> bool {
        json::text(value, "response_type").is_some_and(|kind| kind.starts_with("embeddings_"))
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        let asked = ASKED.iter().flat_map(|key| json::array(body, key));
        let message = |asked: &Value| {
            let parts = match asked.get("content") {
                Some(Value::Array(parts)) => parts.iter().map(json::part).collect(),
                _ => vec![json::part(asked)],
            };
            Message::new("user", parts)
        };
        asked.map(message).collect()
    }
}
