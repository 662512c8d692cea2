//! `cohere.rerank`: which of many texts answer a question
//! (<https://docs.cohere.com/reference/rerank>), both versions, and as Jina, vLLM,
//! llama.cpp and gateways have it. Cohere bills searches; others count tokens.

use serde_json::Value;

use super::answer::Answer;
use super::message::{Message, Part};
use super::{
    Dialect, Recognised, RequestFacts, RequestHead, cohere_usage, json, openai_chat, provider,
};
use crate::usage::Reported;

/// See the module.
#[derive(Debug)]
pub(super) struct CohereRerank;

impl Dialect for CohereRerank {
    fn name(&self) -> &'static str {
        "cohere.rerank"
    }

    fn usual_operation(&self) -> &'static str {
        "rerank"
    }

    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised> {
        let path = head.path.trim_end_matches('/');
        let provider = provider::of_host(head.host);
        let home = provider == Some("cohere");
        let fits = match body {
            None => home,
            Some(body) => {
                let asked = body.get("query").is_some_and(Value::is_string);
                let of = body.get("documents").is_some_and(Value::is_array);
                (home && body.is_object()) || (asked && of)
            }
        };
        (head.method == "POST" && path.ends_with("/rerank") && fits)
            .then_some(Recognised { provider, operation: "rerank" })
    }

    fn request(&self, _head: &RequestHead<'_>, body: &Value) -> RequestFacts {
        RequestFacts { model: json::owned(body, "model"), stream: Some(false) }
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
        json::array(value, "results").first().is_some_and(|first| {
            first.get("relevance_score").is_some_and(Value::is_number)
                && json::count(first, "index").is_some()
        })
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        let query =
            json::owned(body, "query").map(|text| Message::new("user", vec![Part::Text(text)]));
        let documents = json::array(body, "documents")
            .iter()
            .map(|document| Message::new("document", vec![Part::Text(text_of(document))]));
        query.into_iter().chain(documents).collect()
    }
}

fn read(body: &Value, answer: &mut Answer) {
    cohere_usage::read(body, answer);
    answer.model = json::owned(body, "model");
    if let Some(usage) = body.get("usage") {
        // All tokens are input: nothing is written.
        let input =
            json::count(usage, "prompt_tokens").or_else(|| json::count(usage, "total_tokens"));
        let search_units = json::count(usage, "search_units");
        answer.reported.merge(Reported { input, search_units, ..Reported::default() });
        answer.cost = openai_chat::cost(usage);
    }
}

/// A document: a text, or an object with its text among other members.
fn text_of(document: &Value) -> String {
    json::owned(document, "text").unwrap_or_else(|| json::as_text(document))
}
