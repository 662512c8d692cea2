//! `tgi.generate`: HuggingFace's Text Generation Inference
//! (<https://huggingface.co/docs/text-generation-inference>): an event a token;
//! the last repeats the whole and says why it ended. A plain answer's figures
//! are in its head.

use serde_json::Value;

use super::answer::{Answer, Slot, SlotKind};
use super::message::{Message, Part};
use super::{Dialect, Recognised, RequestFacts, RequestHead, header, json, provider};
use crate::usage::{Convention, Reported};

/// See the module.
#[derive(Debug)]
pub(super) struct TgiGenerate;

impl Dialect for TgiGenerate {
    fn name(&self) -> &'static str {
        "tgi.generate"
    }

    fn usual_operation(&self) -> &'static str {
        "text_completion"
    }

    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised> {
        let path = head.path.trim_end_matches('/');
        let own = path.ends_with("/generate_stream");
        let shared = path.is_empty()
            || path.ends_with("/generate")
            || path.ends_with("/invocations")
            || path.contains("/models/");
        let known = match body {
            None => own,
            Some(body) => {
                let asked = body.get("inputs").is_some_and(Value::is_string);
                asked && (own || (shared && generates(body)))
            }
        };
        let provider = provider::of_host(head.host);
        (head.method == "POST" && known)
            .then_some(Recognised { provider, operation: "text_completion" })
    }

    fn is_local(&self) -> bool {
        true
    }

    fn request(&self, head: &RequestHead<'_>, body: &Value) -> RequestFacts {
        let model = head.path.split_once("/models/").map(|(_, model)| model.trim_end_matches('/'));
        let by_path = head.path.trim_end_matches('/').ends_with("/generate_stream");
        let asked = json::flag(body, "stream");
        RequestFacts {
            model: model.filter(|model| !model.is_empty()).map(str::to_owned),
            stream: Some(by_path || asked),
        }
    }

    fn event(&self, _name: &str, data: &str, answer: &mut Answer) {
        if data.trim() == "[DONE]" {
            answer.done = true;
            return;
        }
        let Some(event) = json::object(data) else {
            return;
        };
        if let Some(token) = event.get("token")
            && token.get("special").and_then(Value::as_bool) != Some(true)
        {
            answer.add(TEXT, json::text(token, "text").unwrap_or_default());
        }
        read(&event, TEXT, answer);
    }

    fn response(&self, body: &Value, answer: &mut Answer) {
        answer.done = true;
        match body.as_array() {
            Some(all) => answer.read_all(all, |one, choice, answer| {
                read(one, Slot { choice, ..TEXT }, answer);
            }),
            None => read(body, TEXT, answer),
        }
    }

    fn answers(&self, value: &Value) -> bool {
        value.get("token").is_some_and(|token| json::count(token, "id").is_some())
            && value.get("generated_text").is_some()
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        let asked = json::owned(body, "inputs").map(Part::Text);
        asked.map(|asked| Message::new("user", vec![asked])).into_iter().collect()
    }
}

/// Figures that are told in the headers of an answer that is no stream.
pub(super) fn counted_by_headers(headers: &[(String, String)]) -> Option<Reported> {
    let count = |name| header(headers, name)?.trim().parse().ok();
    let (input, output) = (count("x-prompt-tokens"), count("x-generated-tokens"));
    let convention = Convention::INCLUSIVE;
    (input.is_some() || output.is_some()).then(|| Reported {
        convention,
        input,
        output,
        ..Reported::default()
    })
}

const TEXT: Slot = Slot { choice: 0, item: 0, part: 0, kind: SlotKind::Text };

/// Whether a body asks for text: the same paths serve models of other kinds.
fn generates(body: &Value) -> bool {
    let parameters = body.get("parameters");
    let ours = ["max_new_tokens", "do_sample", "return_full_text", "decoder_input_details"];
    body.get("stream").is_some_and(Value::is_boolean)
        || parameters.is_some_and(|given| ours.iter().any(|key| given.get(key).is_some()))
}

/// The end of a stream, or a whole answer.
fn read(value: &Value, slot: Slot, answer: &mut Answer) {
    if let Some(text) = json::text(value, "generated_text") {
        answer.replace(slot, text);
        answer.done = true;
    }
    if let Some(details) = value.get("details").filter(|details| details.is_object()) {
        let reason = json::owned(details, "finish_reason");
        answer.finish_reason = answer.finish_reason.take().or(reason);
        let prefill = details.get("prefill").and_then(Value::as_array).map(Vec::len);
        let prefill = prefill.filter(|tokens| *tokens > 0).map(|tokens| tokens as u64);
        answer.reported.merge(Reported {
            convention: Convention::INCLUSIVE,
            input: json::count(details, "input_length").or(prefill),
            output: json::count(details, "generated_tokens"),
            ..Reported::default()
        });
    }
    if let Some(error) = json::error(value) {
        answer.error = Some(error);
    }
}
