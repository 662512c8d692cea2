//! `cohere.classify`: which label fits a text
//! (<https://docs.cohere.com/v1/reference/classify>), by models that one has tuned
//! for it. It is billed by the classification.

use serde_json::Value;

use super::answer::Answer;
use super::message::{Message, Part};
use super::{Dialect, Recognised, RequestFacts, RequestHead, cohere_usage, json, provider};

/// See the module.
#[derive(Debug)]
pub(super) struct CohereClassify;

impl Dialect for CohereClassify {
    fn name(&self) -> &'static str {
        "cohere.classify"
    }

    fn usual_operation(&self) -> &'static str {
        "classify"
    }

    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised> {
        let by_path = head.path.trim_end_matches('/').ends_with("/v1/classify");
        let provider = provider::of_host(head.host);
        // Others classify, too, and nothing in the body is Cohere's alone.
        let fits = provider == Some("cohere") && body.is_none_or(Value::is_object);
        (head.method == "POST" && by_path && fits)
            .then_some(Recognised { provider, operation: "classify" })
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

    fn messages(&self, body: &Value) -> Vec<Message> {
        let inputs = json::array(body, "inputs").iter().map(json::as_text);
        inputs.map(|text| Message::new("user", vec![Part::Text(text)])).collect()
    }
}
