//! `llamacpp.completion`: the llama.cpp server's own completion and infill
//! (<https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md>):
//! server-sent events without names, the last of which says `stop`.

use serde_json::Value;

use super::answer::{Answer, Slot, SlotKind};
use super::message::{Message, Part};
use super::{Dialect, Recognised, RequestFacts, RequestHead, json, provider};
use crate::usage::{Convention, Reported};

/// See the module.
#[derive(Debug)]
pub(super) struct LlamaCppCompletion;

impl Dialect for LlamaCppCompletion {
    fn name(&self) -> &'static str {
        "llamacpp.completion"
    }

    fn usual_operation(&self) -> &'static str {
        "text_completion"
    }

    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised> {
        let path = head.path.trim_end_matches('/');
        let any = |body: &Value, keys: &[&str]| keys.iter().any(|key| body.get(key).is_some());
        let own = ["n_predict", "cache_prompt", "id_slot", "n_probs"];
        let known = match (body, path.rsplit('/').next().unwrap_or_default()) {
            (None, "completion") => true,
            (Some(body), "completion") => any(body, &["prompt"]),
            (Some(body), "infill") => any(body, &["input_prefix", "input_suffix", "input_extra"]),
            // The same as its OpenAI-like neighbour under `/v1`.
            (Some(body), "completions") => any(body, &["prompt"]) && any(body, &own),
            _ => false,
        };
        let provider = provider::of_host(head.host);
        (head.method == "POST" && known && provider.is_none())
            .then_some(Recognised { provider, operation: "text_completion" })
    }

    fn is_local(&self) -> bool {
        true
    }

    fn request(&self, _head: &RequestHead<'_>, body: &Value) -> RequestFacts {
        RequestFacts { model: json::owned(body, "model"), stream: Some(json::flag(body, "stream")) }
    }

    fn event(&self, name: &str, data: &str, answer: &mut Answer) {
        if let Some(event) = json::object(data) {
            read(&event, 0, answer);
            if name == "error" && answer.error.is_none() {
                answer.error = Some(json::error_of(&event));
            }
        }
    }

    fn response(&self, body: &Value, answer: &mut Answer) {
        answer.done = true;
        match body.as_array() {
            // Several prompts at once.
            Some(all) => answer.read_all(all, read),
            None => read(body, 0, answer),
        }
    }

    fn answers(&self, value: &Value) -> bool {
        value.get("content").is_some_and(Value::is_string)
            && value.get("stop").is_some_and(Value::is_boolean)
            && ["tokens", "id_slot", "tokens_predicted"].iter().any(|k| value.get(k).is_some())
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        let extra = json::array(body, "input_extra").iter().filter_map(|one| one.get("text"));
        let keys = ["input_prefix", "prompt", "input_suffix"];
        let asked = extra.chain(keys.iter().filter_map(|key| body.get(key)));
        let parts: Vec<Part> = asked.flat_map(parts).collect();
        if parts.is_empty() { Vec::new() } else { vec![Message::new("user", parts)] }
    }
}

/// A prompt, also as one with pictures is sent.
fn parts(prompt: &Value) -> Vec<Part> {
    json::prompt(prompt.get("prompt_string").unwrap_or(prompt))
}

/// An event, or a whole completion: they look alike.
fn read(value: &Value, position: u64, answer: &mut Answer) {
    let choice = json::count(value, "index").unwrap_or(position);
    let slot = |kind| Slot { choice, item: 0, part: 0, kind };
    let piece = |key| json::text(value, key).unwrap_or_default();
    answer.add(slot(SlotKind::Reasoning), piece("reasoning_content"));
    answer.add(slot(SlotKind::Text), piece("content"));
    if let Some(model) = json::text(value, "model") {
        answer.model.get_or_insert_with(|| model.to_owned());
    }
    if value.get("stop").and_then(Value::as_bool) == Some(true) {
        answer.done = true;
        answer.finish_reason = json::owned(value, "stop_type").or(answer.finish_reason.take());
        // `tokens_cached` is what the cache holds now, not what was read.
        answer.reported.merge(Reported {
            convention: Convention::INCLUSIVE,
            input: json::count(value, "tokens_evaluated"),
            output: json::count(value, "tokens_predicted"),
            cache_read: json::count_in(value, "timings", "cache_n"),
            ..Reported::default()
        });
    }
    if let Some(error) = json::error(value) {
        answer.error = Some(error);
    }
}
