//! An answer that is sent back, as clients do for the next question, is the same answer,
//! whatever else stands in it.

use super::*;

/// Asks, and asks on with `echo` in the place of the answer: one conversation.
#[track_caller]
fn goes_on(
    dialect: &'static str,
    body: impl Fn(Vec<Value>) -> Value,
    [question, echo, more]: [Value; 3],
    answer: Response,
) {
    let mut process = Process::default();
    let asked = process.ask(dialect, &body(vec![question.clone()]), &[]);
    let first = process.end(asked, answer);
    let next = process.ask(dialect, &body(vec![question, echo, more]), &[]);
    assert_eq!(next.place, first, "{dialect}");
}

fn messages(messages: Vec<Value>) -> Value {
    json!({"model": "m", "max_tokens": 9, "messages": messages})
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn call(name: &str, arguments: &str) -> Response {
    let call =
        ToolCall { id: Some("c1".into()), name: Some(name.into()), arguments: arguments.into() };
    Response { tool_calls: vec![call], ..Response::default() }
}

#[test]
fn the_providers_own_tools() {
    let echo = json!({"role": "assistant", "content": [
        {"type": "redacted_thinking", "data": "x"},
        {"type": "server_tool_use", "id": "c1", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "c1", "content": []},
        {"type": "text", "text": "Found."}]});
    let answer = Response { text: Some("Found.".into()), ..call("web_search", r#"{"query":"q"}"#) };
    goes_on("anthropic.messages", messages, [user("Search."), echo, user("More.")], answer);

    let contents = |contents| json!({"contents": contents});
    let said = |role: &str, parts: Value| json!({"role": role, "parts": parts});
    let echo = said(
        "model",
        json!([
        {"executableCode": {"language": "PYTHON", "code": "1+1"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}},
        {"inlineData": {"mimeType": "image/png", "data": "x"}},
        {"text": "2"}]),
    );
    let code = r#"{"language":"PYTHON","code":"1+1"}"#;
    let answer = Response { text: Some("2".into()), ..call("code_execution", code) };
    let turn = |text| said("user", json!([{"text": text}]));
    goes_on("google.gemini", contents, [turn("1+1?"), echo, turn("More.")], answer);
}

#[test]
fn what_the_responses_api_keeps_for_itself() {
    let mut process = Process::default();
    let question = json!({"role": "user", "content": "Ask."});
    let asked =
        process.ask("openai.responses", &json!({"model": "m", "input": [question.clone()]}), &[]);
    let first = process.end(asked, Response { text: Some("Done.".into()), ..call("f", "{}") });
    let input = json!({"model": "m", "input": [question,
        {"type": "mcp_list_tools", "id": "l1", "server_label": "s", "tools": []},
        {"type": "mcp_call", "id": "c1", "name": "f", "arguments": "{}", "output": "x"},
        {"type": "compaction", "id": "k1", "encrypted_content": "x"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Done."}]},
        {"role": "user", "content": "More."}]});
    assert_eq!(process.ask("openai.responses", &input, &[]).place, first);
}

#[test]
fn where_a_cache_begins() {
    let turn = |role: &str, content: Value| json!({"role": role, "content": content});
    let cached = turn("user", json!([{"text": "One."}, {"cachePoint": {"type": "default"}}]));
    let mut process = Process::default();
    let asked = process.ask("bedrock.converse", &json!({"messages": [cached]}), &[]);
    let first = process.end(asked, text("1"));
    let next = json!({"messages": [
        turn("user", json!([{"text": "One."}])),
        turn("assistant", json!([{"text": "1"}])),
        turn("user", json!([{"text": "Two."}, {"cachePoint": {"type": "default"}}]))]});
    assert_eq!(process.ask("bedrock.converse", &next, &[]).place, first);
}

#[test]
fn thoughts_that_are_left_out_and_arguments_that_are_none() {
    let echo = json!({"role": "assistant", "content": "Blue."});
    let answer = text("<think>The sky.</think>\n\nBlue.");
    goes_on("openai.chat", messages, [user("Colour?"), echo, user("Why?")], answer);
    let echo = json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "now", "arguments": "{}"}}]});
    let result = json!({"role": "tool", "tool_call_id": "c1", "content": "12:00"});
    goes_on("openai.chat", messages, [user("When?"), echo, result], call("now", ""));
}
