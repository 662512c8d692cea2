//! `openai.completions`: OpenAI's completions of a prompt
//! (<https://platform.openai.com/docs/api-reference/completions>), with a
//! suffix as Mistral, DeepSeek and Copilot fill in the middle.

use serde_json::Value;

use super::answer::{Answer, Slot, SlotKind};
use super::message::{Message, Part};
use super::{Dialect, Recognised, RequestFacts, RequestHead, json, openai_chat, provider};

/// See the module.
#[derive(Debug)]
pub(super) struct OpenAiCompletions;

impl Dialect for OpenAiCompletions {
    fn name(&self) -> &'static str {
        "openai.completions"
    }

    fn usual_operation(&self) -> &'static str {
        "text_completion"
    }

    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised> {
        let path = head.path.trim_end_matches('/');
        let by_path = head.method == "POST"
            && path.ends_with("/completions")
            && !path.ends_with("/chat/completions")
            && !path.ends_with("/agents/completions");
        let provider = provider::of_host(head.host);
        // Others complete, too: the head alone must say more.
        let ours = path.ends_with("/v1/completions")
            || path.ends_with("/fim/completions")
            || path.contains("/engines/")
            || path.contains("/deployments/")
            || provider.is_some();
        let fits = match body {
            None => ours,
            Some(body) => {
                body.is_object() && (ours || (body.get("prompt").is_some() && has_model(body)))
            }
        };
        (by_path && fits).then_some(Recognised { provider, operation: "text_completion" })
    }

    fn request(&self, head: &RequestHead<'_>, body: &Value) -> RequestFacts {
        RequestFacts {
            model: json::owned(body, "model").or_else(|| openai_chat::model_in_url(head.path)),
            stream: Some(json::flag(body, "stream")),
        }
    }

    fn event(&self, name: &str, data: &str, answer: &mut Answer) {
        openai_chat::read_event(name, data, answer, read_texts);
    }

    fn response(&self, body: &Value, answer: &mut Answer) {
        openai_chat::read(body, "message", answer);
        read_texts(body, answer);
        answer.done = true;
    }

    fn answers(&self, value: &Value) -> bool {
        json::text(value, "object") == Some("text_completion")
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        let parts: Vec<Part> = ["prompt", "suffix"]
            .iter()
            .filter_map(|key| body.get(key))
            .flat_map(json::prompt)
            .collect();
        if parts.is_empty() { Vec::new() } else { vec![Message::new("user", parts)] }
    }
}

fn has_model(body: &Value) -> bool {
    json::text(body, "model").is_some()
}

/// What a choice has instead of a message.
fn read_texts(chunk: &Value, answer: &mut Answer) {
    for (position, choice) in json::array(chunk, "choices").iter().enumerate() {
        let index = json::count(choice, "index").unwrap_or(position as u64);
        let slot = Slot { choice: index, item: 0, part: 0, kind: SlotKind::Text };
        answer.add(slot, json::text(choice, "text").unwrap_or_default());
    }
}
