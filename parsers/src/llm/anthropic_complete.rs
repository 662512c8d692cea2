//! `anthropic.complete`: Anthropic's Text Completions
//! (<https://docs.anthropic.com/en/api/complete>), from before Messages.

use serde_json::Value;

use super::answer::{Answer, Slot, SlotKind};
use super::message::{Message, Part};
use super::{Dialect, Recognised, RequestFacts, RequestHead, json, provider};

/// See the module.
#[derive(Debug)]
pub(super) struct AnthropicComplete;

impl Dialect for AnthropicComplete {
    fn name(&self) -> &'static str {
        "anthropic.complete"
    }

    fn usual_operation(&self) -> &'static str {
        "text_completion"
    }

    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised> {
        let path = head.path.trim_end_matches('/');
        let by_path = head.method == "POST" && path.ends_with("/v1/complete");
        let provider = provider::of_host(head.host);
        let says_so = head.header("anthropic-version").is_some() || provider == Some("anthropic");
        let fits = match body {
            None => says_so,
            Some(body) => {
                let limited = body.get("max_tokens_to_sample").is_some();
                body.is_object() && (says_so || (limited && body.get("prompt").is_some()))
            }
        };
        (by_path && fits).then_some(Recognised { provider, operation: "text_completion" })
    }

    fn request(&self, _head: &RequestHead<'_>, body: &Value) -> RequestFacts {
        RequestFacts { model: json::owned(body, "model"), stream: Some(json::flag(body, "stream")) }
    }

    fn event(&self, name: &str, data: &str, answer: &mut Answer) {
        if let Some(event) = json::object(data)
            && json::text(&event, "type").unwrap_or(name) != "ping"
        {
            read(&event, answer);
            answer.done |= answer.finish_reason.is_some();
        }
    }

    fn response(&self, body: &Value, answer: &mut Answer) {
        read(body, answer);
        answer.done = true;
    }

    fn answers(&self, value: &Value) -> bool {
        json::text(value, "type") == Some("completion")
            && value.get("completion").is_some_and(Value::is_string)
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        let prompt = json::owned(body, "prompt").map(Part::Text);
        prompt.map(|prompt| Message::new("user", vec![prompt])).into_iter().collect()
    }
}

/// An event, or a whole completion: they look alike.
fn read(value: &Value, answer: &mut Answer) {
    let text = json::text(value, "completion").unwrap_or_default();
    answer.add(Slot::of_item(0, SlotKind::Text), text);
    answer.id = answer.id.take().or_else(|| json::owned(value, "id"));
    answer.model = answer.model.take().or_else(|| json::owned(value, "model"));
    answer.finish_reason = json::owned(value, "stop_reason").or(answer.finish_reason.take());
    if let Some(error) = json::error(value) {
        answer.error = Some(error);
    }
}
