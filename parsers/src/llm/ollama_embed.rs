//! `ollama.embed`: Ollama's embeddings
//! (<https://docs.ollama.com/api/embed>), and those of one text that it had
//! before.

use serde_json::Value;

use super::answer::Answer;
use super::message::{Message, Part};
use super::ollama_chat::read_frame;
use super::{Dialect, Recognised, RequestFacts, RequestHead, json, provider};

/// See the module.
#[derive(Debug)]
pub(super) struct OllamaEmbed;

impl Dialect for OllamaEmbed {
    fn name(&self) -> &'static str {
        "ollama.embed"
    }

    fn usual_operation(&self) -> &'static str {
        "embeddings"
    }

    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised> {
        let path = head.path.trim_end_matches('/');
        let asked = if path.ends_with("/api/embed") {
            "input"
        } else if path.ends_with("/api/embeddings") {
            "prompt"
        } else {
            return None;
        };
        let fits = body
            .is_none_or(|body| json::text(body, "model").is_some() && body.get(asked).is_some());
        let provider = provider::of_host(head.host);
        (head.method == "POST" && fits).then_some(Recognised { provider, operation: "embeddings" })
    }

    fn is_local(&self) -> bool {
        true
    }

    fn request(&self, _head: &RequestHead<'_>, body: &Value) -> RequestFacts {
        RequestFacts { model: json::owned(body, "model"), stream: Some(false) }
    }

    fn event(&self, _name: &str, data: &str, answer: &mut Answer) {
        if let Some(line) = json::object(data) {
            read_frame(&line, answer);
        }
    }

    fn response(&self, body: &Value, answer: &mut Answer) {
        read_frame(body, answer);
        answer.done = true;
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        let texts = match body.get("input").or_else(|| body.get("prompt")) {
            Some(Value::Array(texts)) => texts.iter().map(json::as_text).collect(),
            Some(text) => vec![json::as_text(text)],
            None => Vec::new(),
        };
        let user = |text| Message::new("user", vec![Part::Text(text)]);
        texts.into_iter().map(user).collect()
    }
}
