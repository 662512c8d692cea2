//! What no API would send: any JSON made of the words the dialects know, in
//! any shape and order.

use llmtop_parsers::DeltaKind;
use llmtop_parsers::llm::{self, Answer, RequestHead};
use proptest::prelude::*;
use serde_json::{Map, Value};

const KEYS: &[&str] = &[
    "append",
    "args",
    "arguments",
    "artifact",
    "artifactId",
    "artifactUpdate",
    "artifacts",
    "audio",
    "billed_units",
    "blockReason",
    "call_id",
    "candidates",
    "candidatesTokenCount",
    "chat_history",
    "choices",
    "code",
    "completion",
    "completion_tokens",
    "connector_tokens",
    "content",
    "content_block",
    "content_index",
    "contents",
    "conversation",
    "cost",
    "custom",
    "data",
    "delta",
    "detail",
    "details",
    "done",
    "embedding",
    "embeddings",
    "error",
    "eval_count",
    "event",
    "event_type",
    "finishReason",
    "finish_reason",
    "function",
    "functionCall",
    "functionResponse",
    "function_call",
    "generated_text",
    "generations",
    "id",
    "images",
    "index",
    "input",
    "input_tokens",
    "inputs",
    "instances",
    "instructions",
    "interaction",
    "isError",
    "item",
    "jsonrpc",
    "kind",
    "max_tokens",
    "message",
    "messageId",
    "messages",
    "meta",
    "metadata",
    "method",
    "model",
    "name",
    "output",
    "output_index",
    "output_tokens",
    "outputs",
    "parameters",
    "params",
    "partial_json",
    "parts",
    "predictions",
    "prompt",
    "promptFeedback",
    "promptTokenCount",
    "prompt_eval_count",
    "prompt_tokens",
    "prompt_tokens_details",
    "reasoning",
    "reasoning_content",
    "refusal",
    "request",
    "requests",
    "response",
    "result",
    "role",
    "special",
    "state",
    "statistics",
    "status",
    "statusUpdate",
    "step",
    "steps",
    "stop",
    "stop_reason",
    "structuredContent",
    "summary",
    "summary_index",
    "system",
    "systemInstruction",
    "text",
    "thinking",
    "thought",
    "thoughtsTokenCount",
    "timings",
    "token",
    "tokens",
    "tokens_evaluated",
    "tool_call_delta",
    "tool_calls",
    "tool_plan",
    "tool_results",
    "tools",
    "totalTokenCount",
    "totalTokens",
    "total_input_tokens",
    "total_thought_tokens",
    "total_tokens",
    "transcript",
    "type",
    "usage",
    "usageMetadata",
    "x_groq",
];

const WORDS: &[&str] = &[
    "2.0",
    "STOP",
    "arguments_delta",
    "artifact-update",
    "assistant",
    "completed",
    "completion",
    "content-delta",
    "content_block_delta",
    "content_block_start",
    "content_block_stop",
    "conversation.response.done",
    "custom",
    "error",
    "failed",
    "function",
    "function.call",
    "function.call.delta",
    "function_call",
    "function_call_output",
    "input_json_delta",
    "interaction.completed",
    "message",
    "message-end",
    "message.output",
    "message.output.delta",
    "message/send",
    "message_delta",
    "message_start",
    "message_stop",
    "model",
    "model_output",
    "output_text",
    "reasoning",
    "refusal",
    "response.completed",
    "response.created",
    "response.failed",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_text.delta",
    "response.output_text.done",
    "response.reasoning_summary_text.delta",
    "response.reasoning_summary_text.done",
    "response.refusal.done",
    "status-update",
    "step.delta",
    "step.start",
    "stream-end",
    "system",
    "task",
    "text",
    "text-generation",
    "text_delta",
    "thinking",
    "thinking_delta",
    "thought",
    "thought_summary",
    "tool",
    "tool-call-delta",
    "tool-call-start",
    "tool-calls-chunk",
    "tool-calls-generation",
    "tool-plan-delta",
    "tool_result",
    "tool_use",
    "tools/call",
    "user",
    "working",
];

/// Dialects that say things again, perhaps otherwise: the repetition wins.
const REPEATING: &[&str] = &["openai.responses", "cohere.chat", "tgi.generate", "a2a"];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => prop::sample::select(WORDS).prop_map(Value::from),
        2 => "[a-z🌍 \\n]{0,6}".prop_map(Value::from),
        2 => (0..4_u64).prop_map(Value::from),
        1 => prop::sample::select(&[u64::MAX, 1_000_000_000][..]).prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => (-3..0_i64).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        let member = (prop::sample::select(KEYS), inner.clone());
        prop_oneof![
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::from),
            3 => prop::collection::vec(member, 0..6).prop_map(|members| {
                Value::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Map<_, _>>())
            }),
        ]
    })
}

/// An event that at least names its type.
fn any_event() -> impl Strategy<Value = Value> {
    (prop::sample::select(WORDS), any_json()).prop_map(|(kind, mut event)| {
        if let Some(members) = event.as_object_mut() {
            members.insert("type".into(), kind.into());
        }
        event
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// No panic, no text beyond the limit, and as long as nothing is said
    /// twice the deltas add up to the answer.
    #[test]
    fn streams(events in prop::collection::vec(any_event(), 0..8), limit in 0..64_usize) {
        for dialect in llm::DIALECTS {
            let mut answer = Answer::with_limit(limit);
            for event in &events {
                dialect.event("", &event.to_string(), &mut answer);
            }
            let told: usize = answer
                .deltas
                .iter()
                .filter(|(kind, _)| *kind == DeltaKind::Text)
                .map(|(_, text)| text.len())
                .sum();
            let mut exchange = crate::exchange();
            answer.fill(&mut exchange);
            let response = &exchange.response;
            let text = response.text.as_deref().unwrap_or_default();
            prop_assert!(text.len() <= limit);
            let calls: usize = response
                .tool_calls
                .iter()
                .map(|call| {
                    let (id, name) = (call.id.as_deref(), call.name.as_deref());
                    call.arguments.len() + id.map_or(0, str::len) + name.map_or(0, str::len)
                })
                .sum();
            prop_assert!(calls <= limit);
            if !REPEATING.contains(&dialect.name()) {
                prop_assert!(told <= limit, "{}", dialect.name());
            }
        }
    }

    #[test]
    fn bodies(body in any_json()) {
        for dialect in llm::DIALECTS {
            let head = RequestHead { method: "POST", path: "/", query: "", host: "", headers: &[] };
            let _ = dialect.recognise(&head, Some(&body));
            let _ = dialect.request(&head, &body);
            let _ = dialect.messages(&body);
            let mut answer = Answer::default();
            dialect.response(&body, &mut answer);
            prop_assert!(answer.done);
        }
    }
}
