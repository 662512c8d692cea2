//! `bedrock.invoke`: Amazon Bedrock's InvokeModel and
//! InvokeModelWithResponseStream, whose bodies are the API of each model's
//! maker. Bodies of Anthropic and OpenAI are dialects of their own; what is left
//! (Amazon, Meta, Mistral, Cohere, AI21, DeepSeek and others) is read as far as
//! it says what it is. By "Amazon Bedrock User Guide", "Inference request
//! parameters and response fields". Counting (`CountTokens`) is of any of them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::answer::{Answer, Slot, SlotKind};
use super::anthropic_messages::AnthropicMessages;
use super::message::{Message, Part};
use super::openai_chat::{self, OpenAiChat};
use super::{Dialect, Recognised, RequestFacts, RequestHead};
use super::{bedrock, bedrock_converse, json, parse, provider};
use crate::usage::{Convention, Reported};

/// See the module.
#[derive(Debug)]
pub(super) struct BedrockInvoke;

const STREAM: &str = "invoke-with-response-stream";

impl Dialect for BedrockInvoke {
    fn name(&self) -> &'static str {
        "bedrock.invoke"
    }

    fn recognise(&self, head: &RequestHead<'_>, body: Option<&Value>) -> Option<Recognised> {
        let (model, call) = bedrock::model_and_call(head.path)?;
        let (fits, operation) = match call {
            "invoke" | STREAM => {
                let operation = if model.contains("embed") { "embeddings" } else { "chat" };
                (body.is_none_or(Value::is_object), operation)
            }
            // Without its body it may as well be Converse's.
            bedrock::COUNT => {
                (body.is_some_and(|body| bedrock::to_count(body, INVOKE).is_some()), "count_tokens")
            }
            _ => return None,
        };
        (head.method == "POST" && fits)
            .then(|| Recognised { provider: provider::of_host(head.host), operation })
    }

    fn request(&self, head: &RequestHead<'_>, _body: &Value) -> RequestFacts {
        let (model, call) = bedrock::model_and_call(head.path).unzip();
        RequestFacts { model, stream: call.map(|call| call == STREAM) }
    }

    fn event(&self, _name: &str, data: &str, answer: &mut Answer) {
        let Some(event) = json::object(data) else { return };
        // Nova's are those of Converse, each under its name.
        for name in CONVERSE {
            if let Some(inner) = event.get(name) {
                bedrock_converse::read_event(name, inner, answer);
            }
        }
        read(&event, answer);
        if let Some(metrics) = bedrock::metrics(&event) {
            answer.reported.merge(metrics);
            answer.done = true;
        }
    }

    fn response(&self, body: &Value, answer: &mut Answer) {
        answer.done = true;
        answer.error = json::error(body);
        answer.reported.merge(bedrock::counted(body));
        if body.pointer("/output/message").is_some() {
            bedrock_converse::read_response(body, answer);
        } else {
            read(body, answer);
        }
    }

    fn messages(&self, body: &Value) -> Vec<Message> {
        if let Some(counted) = bedrock::to_count(body, INVOKE) {
            return invoked(counted).map(|body| messages(&body)).unwrap_or_default();
        }
        messages(body)
    }
}

/// The request that is counted, where it is one of this API.
const INVOKE: &str = "invokeModel";

/// The body that a request to count holds.
fn invoked(counted: &Value) -> Option<Value> {
    let body = json::text(counted, "body")?;
    parse(&STANDARD.decode(body).ok()?)
}

/// The messages of a body in the API of a model's maker.
fn messages(body: &Value) -> Vec<Message> {
    if body.get("anthropic_version").is_some() {
        return AnthropicMessages.messages(body);
    }
    let prompt = ["prompt", "inputText", "message"].iter().find_map(|key| json::text(body, key));
    let chats = |message: &Value| {
        message.get("content").is_some_and(Value::is_string) || message.get("tool_calls").is_some()
    };
    match prompt {
        None if json::array(body, "messages").iter().any(chats) => OpenAiChat.messages(body),
        Some(prompt) => vec![Message::new("user", vec![Part::Text(prompt.to_owned())])],
        None => bedrock_converse::messages(body),
    }
}

/// The events of Converse.
const CONVERSE: [&str; 5] =
    ["contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"];

/// Where models put text: in the object itself, or in each of an array.
const TEXTS: [&str; 3] = ["generation", "outputText", "text"];
const ARRAYS: [&str; 4] = ["results", "outputs", "generations", "choices"];
/// And why they end.
const REASONS: [&str; 3] = ["stop_reason", "finish_reason", "completionReason"];

/// Reads a whole answer or a piece of one: the members are the same.
fn read(value: &Value, answer: &mut Answer) {
    // Models of many makers are spoken to as OpenAI's are.
    let chats = |choice: &Value| ["message", "delta"].iter().any(|key| choice.get(key).is_some());
    if json::array(value, "choices").iter().any(chats) {
        return openai_chat::read(value, "delta", answer);
    }
    read_choice(value, 0, answer);
    for key in ARRAYS {
        for (index, choice) in json::array(value, key).iter().enumerate() {
            let index = json::count(choice, "index").unwrap_or(index as u64);
            read_choice(choice, index, answer);
        }
    }
    let results = json::array(value, "results").first();
    let titan = results.and_then(|result| json::count(result, "tokenCount"));
    let usage = value.get("usage").unwrap_or(&Value::Null);
    let count = |key| json::count(value, key);
    answer.reported.merge(Reported {
        convention: Convention::INCLUSIVE,
        input: count("prompt_token_count")
            .or(count("inputTextTokenCount"))
            .or(json::count(usage, "prompt_tokens")),
        output: count("generation_token_count")
            .or(count("totalOutputTextTokenCount"))
            .or(titan)
            .or(json::count(usage, "completion_tokens")),
        ..Reported::default()
    });
}

fn read_choice(choice: &Value, index: u64, answer: &mut Answer) {
    let text = TEXTS.iter().find_map(|key| json::text(choice, key));
    let slot = Slot { choice: index, item: 0, part: 0, kind: SlotKind::Text };
    answer.add(slot, text.unwrap_or_default());
    if let Some(reason) = REASONS.iter().find_map(|key| json::owned(choice, key)) {
        answer.finish_reason = Some(reason);
    }
}
