//! `ollama.generate`: Ollama's completion of a prompt
//! (<https://docs.ollama.com/api/generate>), in lines as `ollama.chat` is.

use serde_json::Value;

use super::answer::{Answer, Slot, SlotKind};
use super::message::{Message, Part};
use super::ollama_chat::{facts, images, is_line, read_frame};
use super::{Dialect, Recognised, RequestFacts, RequestHead, json, provider};

/// See the module.
#[derive(Debug)]
pub(super) struct OllamaGenerate;

impl Dialect for OllamaGenerate {
    fn name(&self) -> &'static str {
        "ollama.generate"
    }

    fn usual_operation(&self) -> &'static str {
        "text_completion"
    }

    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised> {
        let path = head.path.trim_end_matches('/');
        let by_path = head.method == "POST" && path.ends_with("/api/generate");
        let fits = body.is_none_or(|body| json::text(body, "model").is_some());
        let provider = provider::of_host(head.host);
        (by_path && fits).then_some(Recognised { provider, operation: "text_completion" })
    }

    fn is_local(&self) -> bool {
        true
    }

    fn request(&self, _head: &RequestHead<'_>, body: &Value) -> RequestFacts {
        facts(body)
    }

    fn event(&self, _name: &str, data: &str, answer: &mut Answer) {
        if let Some(line) = json::object(data) {
            read(&line, answer);
        }
    }

    fn response(&self, body: &Value, answer: &mut Answer) {
        read(body, answer);
        answer.done = true;
    }

    fn answers(&self, value: &Value) -> bool {
        is_line(value) && value.get("response").is_some_and(Value::is_string)
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        let system = json::owned(body, "system").map(Part::Text);
        let system = system.map(|system| Message::new("system", vec![system]));
        let asked = ["prompt", "suffix"].iter().filter_map(|key| json::owned(body, key));
        let asked: Vec<Part> = asked.map(Part::Text).chain(images(body)).collect();
        let asked = (!asked.is_empty()).then(|| Message::new("user", asked));
        system.into_iter().chain(asked).collect()
    }
}

fn read(line: &Value, answer: &mut Answer) {
    read_frame(line, answer);
    let piece = |key| json::text(line, key).unwrap_or_default();
    answer.add(Slot::of_item(0, SlotKind::Reasoning), piece("thinking"));
    answer.add(Slot::of_item(0, SlotKind::Text), piece("response"));
}
