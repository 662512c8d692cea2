mod echoes;
mod ids;

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    ApiError, Body, BodyKind, ExchangeSeq, Protocol, Request, Response, Role, Timestamp, ToolCall,
};

/// One process's exchanges, placed as they come.
#[derive(Default)]
struct Process {
    tracker: Tracker,
    pid: u64,
}

/// A request under way.
struct Asked {
    exchange: Exchange,
    place: ConversationId,
}

fn exchange(dialect: &'static str, body: &Value, headers: &[(&str, &str)]) -> Exchange {
    let bytes = serde_json::to_vec(body).unwrap();
    let body = Body { bytes, elided: Vec::new(), kind: BodyKind::Json };
    let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let request = Request { body: Some(Arc::new(body)), headers, ..Request::default() };
    Exchange {
        state: State::Complete,
        dialect: Some(dialect),
        request,
        ..Exchange::new(ExchangeSeq(0), Role::Client, Protocol::Http1, Timestamp(0))
    }
}

impl Process {
    fn ask(&mut self, dialect: &'static str, body: &Value, headers: &[(&str, &str)]) -> Asked {
        let exchange = exchange(dialect, body, headers);
        let place = self.tracker.place(self.pid, &exchange);
        Asked { exchange, place }
    }

    fn end(&mut self, mut asked: Asked, response: Response) -> ConversationId {
        asked.exchange.response = response;
        self.tracker.answered(self.pid, asked.place, &asked.exchange);
        asked.place
    }

    fn fail(&mut self, mut asked: Asked) -> ConversationId {
        asked.exchange.error = Some(ApiError::default());
        self.tracker.answered(self.pid, asked.place, &asked.exchange);
        asked.place
    }

    /// A chat of user and assistant in turn, the user's question last.
    fn chat(&mut self, turns: &[&str], answer: &str) -> ConversationId {
        let asked = self.ask("openai.chat", &chat(turns), &[]);
        self.end(asked, text(answer))
    }
}

fn chat(turns: &[&str]) -> Value {
    let roles = ["user", "assistant"].into_iter().cycle();
    let turns = turns.iter().zip(roles).map(|(text, role)| json!({"role": role, "content": text}));
    let system = json!({"role": "system", "content": "Be brief."});
    let messages: Vec<Value> = std::iter::once(system).chain(turns).collect();
    json!({"model": "m", "messages": messages})
}

fn text(answer: &str) -> Response {
    Response { text: Some(answer.into()), ..Response::default() }
}

#[test]
fn two_conversations_of_one_process_stay_apart() {
    let mut process = Process::default();
    let a = process.chat(&["What is red?"], "A colour.");
    let b = process.chat(&["What is a dog?"], "An animal.");
    assert_ne!(a, b);
    assert_eq!(process.chat(&["What is red?", "A colour.", "And blue?"], "Too."), a);
    assert_eq!(process.chat(&["What is a dog?", "An animal.", "A cat?"], "Too."), b);
    let longer = ["What is red?", "A colour.", "And blue?", "Too.", "Green?"];
    assert_eq!(process.chat(&longer, "Also."), a);
}

#[test]
fn conversations_that_begin_alike_are_told_apart_by_who_still_stands_there() {
    let mut process = Process::default();
    let a = process.chat(&["hi"], "Hello!");
    let b = process.chat(&["hi"], "Hello!");
    assert_ne!(a, b, "an answered request asked again is another conversation");
    assert_eq!(process.chat(&["hi", "Hello!", "one"], "1"), a, "the oldest goes on first");
    assert_eq!(process.chat(&["hi", "Hello!", "two"], "2"), b, "then the one still there");
}

#[test]
fn one_failure_makes_one_attempt() {
    let mut process = Process::default();
    let asked = process.ask("openai.chat", &chat(&["ping"]), &[]);
    let failed = process.fail(asked);
    assert_eq!(process.chat(&["ping"], "pong"), failed, "tried again");
    let later = process.chat(&["ping"], "pong");
    assert_ne!(later, failed);
    assert_ne!(process.chat(&["ping"], "pong"), later);
}

#[test]
fn vectors_of_the_same_text_are_nothing_that_goes_on() {
    let mut process = Process::default();
    let mut embed = || {
        let mut asked = process.ask("openai.embeddings", &json!({"model": "m", "input": "x"}), &[]);
        asked.exchange.operation = Some("embeddings");
        process.end(asked, Response::default())
    };
    assert_ne!(embed(), embed());
}

#[test]
fn processes_do_not_share_conversations() {
    let mut process = Process::default();
    let a = process.chat(&["hi"], "Hello!");
    process.pid = 2;
    assert_ne!(process.chat(&["hi", "Hello!", "one"], "1"), a);
}

#[test]
fn branches_stay() {
    let mut process = Process::default();
    let a = process.chat(&["q1"], "a1");
    assert_eq!(process.chat(&["q1", "a1", "q2"], "a2"), a);
    assert_eq!(process.chat(&["q1", "a1", "q2", "a2", "q3"], "a3"), a);
    assert_eq!(process.chat(&["q1", "a1", "another q2"], "b2"), a, "an edited question");
    assert_eq!(process.chat(&["q1", "a1", "q2"], "a2 again"), a, "an answer asked for anew");
    assert_eq!(process.chat(&["q1", "a1", "another q2", "b2", "q"], "b3"), a);
}

#[test]
fn retries_stay() {
    let mut process = Process::default();
    let first = process.ask("openai.chat", &chat(&["q"]), &[]);
    let first = process.fail(first);
    assert_eq!(process.chat(&["q"], "a"), first, "after a failure");

    let pending = process.ask("openai.chat", &chat(&["slow"]), &[]);
    let parallel = process.ask("openai.chat", &chat(&["slow"]), &[]);
    assert_ne!(pending.place, parallel.place, "asked at the same time");
    let retry = process.ask("openai.chat", &chat(&["slow"]), &[("X-Stainless-Retry-Count", "1")]);
    assert!([pending.place, parallel.place].contains(&retry.place), "a header says so");
}

#[test]
fn a_cut_answer_is_gone_on_from() {
    let mut process = Process::default();
    let mut cut = process.ask("openai.chat", &chat(&["q"]), &[]);
    cut.exchange.state = State::Aborted;
    let id = process.end(cut, text("Half an ans"));
    assert_eq!(process.chat(&["q", "Half an ans", "go on"], "wer"), id);
    let mut cut = process.ask("openai.chat", &chat(&["p"]), &[]);
    cut.exchange.state = State::Aborted;
    let id = process.end(cut, text("Half an ans"));
    assert_eq!(process.chat(&["p", "Half an", "go on"], "wer"), id, "the client saw less of it");
}

#[test]
fn a_summary_instead_of_the_history_is_a_new_conversation_unless_ids_say() {
    let mut process = Process::default();
    let a = process.chat(&["q1"], "a1");
    assert_ne!(process.chat(&["Summary: q1, a1. Go on."], "a2"), a);

    let session = [("session-id", "s1")];
    let asked = process.ask("openai.chat", &chat(&["r1"]), &session);
    let b = process.end(asked, text("a1"));
    let asked = process.ask("openai.chat", &chat(&["Summary: r1. Go on."]), &session);
    assert_eq!(process.end(asked, text("a2")), b);
}

#[test]
fn answers_come_back_in_other_words() {
    let mut process = Process::default();
    let question = json!({"role": "user", "content": "List and read."});
    let asked = process.ask(
        "anthropic.messages",
        &json!({"model": "m", "max_tokens": 9, "system": "It is 10:00.", "messages": [question]}),
        &[],
    );
    let call = |name: &str, arguments: &str| ToolCall {
        id: Some(format!("toolu_{name}")),
        name: Some(name.into()),
        arguments: arguments.into(),
    };
    let a = process.end(
        asked,
        Response {
            text: Some("I will look.\n".into()),
            reasoning: Some("hm".into()),
            tool_calls: vec![call("list", "{}"), call("read", r#"{"a": 1, "b": [2.0]}"#)],
            ..Response::default()
        },
    );
    let next = json!({
        "model": "m", "max_tokens": 9, "system": [{"type": "text", "text": "It is 10:01."}],
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "List and "}, {"type": "text", "text": "read."}]},
            {"role": "assistant", "content": [
                {"type": "text", "text": "I will look."},
                {"type": "tool_use", "id": "x", "name": "read", "input": {"b": [2.0], "a": 1}},
                {"type": "tool_use", "id": "y", "name": "list", "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "y", "content": "a.rs"},
                {"type": "tool_result", "tool_use_id": "x", "content": [{"type": "text", "text": "fn"}]}]},
        ]
    });
    let asked = process.ask("anthropic.messages", &next, &[]);
    assert_eq!(process.end(asked, text("Done.")), a);
}

#[test]
fn items_of_a_responses_history_are_turns() {
    let mut process = Process::default();
    let user = json!({"role": "user", "content": [{"type": "input_text", "text": "read a"}]});
    let asked = process.ask("openai.responses", &json!({"model": "m", "input": [user]}), &[]);
    let call = ToolCall { id: None, name: Some("read".into()), arguments: r#"{"p":"a"}"#.into() };
    let response = Response { tool_calls: vec![call], ..text("Reading.") };
    let a = process.end(asked, response);
    let next = json!({"model": "m", "input": [
        user,
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Reading."}]},
        {"type": "function_call", "call_id": "c", "name": "read", "arguments": "{\"p\": \"a\"}"},
        {"type": "function_call_output", "call_id": "c", "output": "content"},
    ]});
    assert_eq!(process.ask("openai.responses", &next, &[]).place, a);
}

#[test]
fn memory_is_bounded() {
    let mut process = Process::default();
    let first = process.chat(&["question 0"], "a");
    for number in 1..=CONVERSATIONS {
        process.chat(&[&format!("question {number}")], "a");
    }
    let tracker = &process.tracker;
    assert_eq!(tracker.conversations.len(), CONVERSATIONS);
    assert_eq!(tracker.by_age.len(), CONVERSATIONS);
    let marks: usize = tracker.conversations.values().map(|c| c.marks.len()).sum();
    let leads: usize = tracker.marks.values().map(Vec::len).sum();
    assert_eq!(marks, leads, "no mark leads to a conversation that is forgotten");
    assert_ne!(process.chat(&["question 0", "a", "more"], "b"), first, "it was forgotten");

    let mut turns = vec!["a".to_owned()];
    let mut places = std::collections::HashSet::new();
    for number in 0..MARKS + 32 {
        let borrowed: Vec<&str> = turns.iter().map(String::as_str).collect();
        let answer = format!("answer {number}");
        places.insert(process.chat(&borrowed, &answer));
        turns.extend([answer, format!("question {number}")]);
    }
    assert_eq!(places.len(), 1, "a long conversation stays one");
    let longest = process.tracker.conversations.values().map(|c| c.marks.len()).max();
    assert_eq!(longest, Some(MARKS));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However conversations interleave, branch and fail, each stays whole and
    /// apart from the others.
    #[test]
    fn interleaved_conversations_are_sorted(
        steps in prop::collection::vec((0..4_usize, any::<prop::sample::Index>(), 0..4_u8), 1..40)
    ) {
        let mut process = Process::default();
        // Of each conversation: the histories that were answered, and its place.
        let mut histories: HashMap<usize, Vec<Vec<String>>> = HashMap::new();
        let mut places: HashMap<usize, ConversationId> = HashMap::new();
        for (number, (which, from, luck)) in steps.iter().enumerate() {
            let known = histories.entry(*which).or_default();
            let mut turns = match known.len() {
                0 => Vec::new(),
                // Any answered history: the latest goes on, an older one branches.
                count => known[from.index(count)].clone(),
            };
            // Nothing to go on from: the same question again, a retry.
            turns.push(match turns.is_empty() {
                true => format!("first question of {which}"),
                false => format!("question {number}"),
            });
            let borrowed: Vec<&str> = turns.iter().map(String::as_str).collect();
            let asked = process.ask("openai.chat", &chat(&borrowed), &[]);
            let place = if *luck == 0 {
                process.fail(asked)
            } else {
                // Many answers are alike.
                let answer = format!("answer {}", luck % 2);
                let place = process.end(asked, text(&answer));
                turns.push(answer);
                known.push(turns);
                place
            };
            prop_assert_eq!(*places.entry(*which).or_insert(place), place);
        }
        let distinct: std::collections::HashSet<_> = places.values().collect();
        prop_assert_eq!(distinct.len(), places.len());
    }
}

/// Whatever the dialect: a history, a session, an id that is continued.
#[test]
fn other_dialects_have_conversations_too() {
    let mut process = Process::default();
    let contents = |more: &[Value]| {
        let first = json!({"role": "user", "parts": [{"text": "How warm is it?"}]});
        let tools = json!([{"functionDeclarations": [{"name": "weather"}, {"name": "clock"}]}]);
        let all: Vec<Value> = std::iter::once(first).chain(more.iter().cloned()).collect();
        json!({"contents": all, "tools": tools})
    };
    let call = |arguments: &str| ToolCall {
        id: None,
        name: Some("weather".into()),
        arguments: arguments.into(),
    };
    let asked = process.ask("google.gemini", &contents(&[]), &[]);
    let calls = vec![call(r#"{"city": "Kyiv"}"#)];
    let first = process.end(asked, Response { tool_calls: calls, ..Response::default() });
    let second = contents(&[
        json!({"role": "model", "parts": [
            {"functionCall": {"name": "weather", "args": {"city": "Kyiv"}}, "thoughtSignature": "x"}]}),
        json!({"role": "user", "parts": [
            {"functionResponse": {"name": "weather", "response": {"output": "21 C"}}}]}),
    ]);
    assert_eq!(process.ask("google.gemini", &second, &[]).place, first);

    let turn = |previous: Option<&str>| json!({"model": "m", "input": "Go on.", "previous_interaction_id": previous});
    let asked = process.ask("google.interactions", &turn(None), &[]);
    let answer = Response { id: Some("v1_a".into()), ..text("Yes.") };
    let begun = process.end(asked, answer);
    assert_eq!(process.ask("google.interactions", &turn(Some("v1_a")), &[]).place, begun);

    let listed = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let called =
        json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "t"}});
    let session = [("Mcp-Session-Id", "s1")];
    let first = process.ask("mcp", &listed, &session).place;
    assert_eq!(process.ask("mcp", &called, &session).place, first);
    assert_ne!(process.ask("mcp", &called, &[("mcp-session-id", "s2")]).place, first);

    let sent = |text: &str| {
        json!({"jsonrpc": "2.0", "id": 1, "method": "message/send", "params": {"message": {
            "role": "user", "contextId": "c1", "parts": [{"kind": "text", "text": text}]}}})
    };
    let first = process.ask("a2a", &sent("Book a room."), &[]).place;
    assert_eq!(process.ask("a2a", &sent("For two."), &[]).place, first);
}
