//! A conversation read as a chat: turns, what clients leave out, sub-agents.

use std::sync::Arc;

use llmtop_parsers::conversation::ConversationId;
use llmtop_parsers::{Agent, ApiError, Delta, DeltaKind, ToolCall};
use serde_json::{Value, json};

use super::Person;
use super::fixture::{ago, answered, asks, machine, pending, process, streaming};
use crate::app::Event;
use crate::store::{ExchangeId, ProcessKey, Record, Store};

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn model(text: &str) -> Value {
    json!({"role": "assistant", "content": text})
}

fn call(id: &str, name: &str) -> ToolCall {
    let arguments = r#"{"prompt":"Review the parser"}"#.into();
    ToolCall { id: Some(id.into()), name: Some(name.into()), arguments }
}

fn failed(mut record: Record) -> Record {
    record = answered(record, "", 300);
    record.exchange.response.text = None;
    record.exchange.response.status = Some(529);
    record.exchange.usage = Default::default();
    record.exchange.cost = Default::default();
    record.exchange.error = Some(ApiError {
        kind: Some("overloaded_error".into()),
        message: Some("Overloaded".into()),
    });
    record
}

/// An agent with a sub-agent and a program that it runs, which was refused once,
/// and whose client replaced its history by a summary.
pub(super) fn agents() -> Store {
    let mut store = machine();
    process(&mut store, 1, 4242, "claude");
    let mut program = (*store.process(ProcessKey(1)).unwrap().process).clone();
    (program.pid, program.parent, program.comm) = (4300, Some(4242), "codex".into());
    let now = llmtop_probe::Timestamp(ago(40_000).0);
    process(&mut store, 4, 4300, "codex");
    store.put_process(ProcessKey(4), Arc::new(program), now);
    let of = |mut record: Record, conversation: u64| {
        record.conversation = Some(ConversationId(conversation));
        record
    };
    let asked = user("Review the change, and test it");
    let mut calls = answered(pending(8, 1, 60_000, json!([asked])), "Two things to do.", 1000);
    calls.exchange.response.tool_calls = vec![call("t1", "task"), call("t2", "shell")];
    store.put_exchange(of(calls, 11));

    let mut review = pending(9, 1, 58_000, asks("Review the parser"));
    review.exchange.request.agent =
        Some(Agent { id: Some("a1".into()), parent_id: None, kind: Some("review".into()) });
    let review = of(review, 12);
    store.set_parent(ConversationId(12), ConversationId(11));
    streaming(&mut store, review, "The parser looks sound", 3000);
    let run = answered(pending(10, 4, 50_000, asks("Run the tests")), "All 12 pass.", 900);
    store.put_exchange(of(run, 13));

    let tools = json!({"role": "assistant", "content": [
        {"type": "text", "text": "Two things  to do.\n"},
        {"type": "tool_use", "id": "t1", "name": "task", "input": {"prompt": "Review the parser"}},
        {"type": "tool_use", "id": "t2", "name": "shell", "input": {"prompt": "Review the parser"}},
    ]});
    let results = json!({"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "t1", "content": "the review is done"},
        {"type": "tool_result", "tool_use_id": "t2", "content": "exit 1", "is_error": true},
        {"type": "text", "text": "Is it good?"},
    ]});
    let history = json!([asked, tools, results]);
    store.put_exchange(of(failed(pending(11, 1, 30_000, history.clone())), 11));
    let answer = answered(pending(12, 1, 25_000, history), "It is good.", 700);
    store.put_exchange(of(answer, 11));

    let summary = json!([
        user("So far: the change was reviewed."),
        model("Understood."),
        user("Write it down"),
    ]);
    streaming(&mut store, of(pending(13, 1, 2000, summary), 11), "I write", 1000);
    store
}

/// The screen says these, in this order.
fn says(screen: &str, parts: &[&str]) {
    let mut rest = screen;
    for part in parts {
        let Some(at) = rest.find(part) else {
            panic!("{part:?} is missing, or not there: {screen}")
        };
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn turns_stay_whatever_the_client_leaves_out() {
    let mut person = Person::with(agents(), 120, 100);
    let screen = person.keys("Enter g").look();
    says(
        &screen,
        &[
            "Review the change",
            "Two things to do.",
            "⚒ task",
            "the review is done",
            // Below the call that asked for it.
            "⤷ sub-agent review",
            "→ The parser looks sound",
            "⚒ shell",
            "✗ result",
            "exit 1",
            "⤷ codex",
            "→ All 12 pass.",
            "Is it good?",
            "✗ overloaded_error",
            "the same messages again",
            "It is good.",
            "4 of 4 earlier messages are not sent any more",
            "So far: the change was reviewed.",
            "as the client sends it",
            "Understood.",
            "Write it down",
            "I write",
        ],
    );
    for once in ["Review the change", "Two things to do.", "It is good.", "exit 1"] {
        assert_eq!(screen.matches(once).count(), 1, "{once}: {screen}");
    }
}

#[test]
fn it_grows_live_and_so_do_the_conversations_it_started() {
    let mut person = Person::with(agents(), 120, 100);
    person.keys("Enter");
    let mut grows = |id, text: &str| {
        let delta = Delta::new(person.now, DeltaKind::Text, text.into());
        person.store.add_delta(ExchangeId(id), &delta);
        person.does(Event::StoreChanged).look()
    };
    assert!(grows(13, " it all down").contains("I write it all down"));
    assert!(grows(9, " and is well tested").contains("looks sound and is well tested"));
    // Its next request comes: the answer that was seen is not said twice.
    let next = json!([
        user("So far: the change was reviewed."),
        model("Understood."),
        user("Write it down"),
        model("I write it all down"),
        user("Thanks"),
    ]);
    let mut record = pending(14, 1, 100, next);
    record.conversation = Some(ConversationId(11));
    person.store.put_exchange(record);
    let screen = person.does(Event::StoreChanged).look();
    says(&screen, &["I write it all down", "Thanks", "waiting for the first byte"]);
    assert_eq!(screen.matches("I write it all down").count(), 1, "{screen}");
    assert_eq!(screen.matches("Understood.").count(), 1, "{screen}");
}

#[test]
fn what_a_sub_agent_took_is_added_up_like_every_other_sum() {
    let mut store = agents();
    let of_review = |mut record: Record| {
        record.conversation = Some(ConversationId(12));
        record
    };
    let ask = |id| answered(pending(id, 1, 57_000 - 100 * id, asks("more")), "", 10);
    // Asking how many tokens something is uses none, and neither does what was refused.
    let mut counts = ask(20);
    counts.exchange.operation = Some("count_tokens");
    counts.exchange.usage.input_tokens = Some(70_000);
    counts.exchange.cost = Default::default();
    store.put_exchange(of_review(counts));
    store.put_exchange(of_review(failed(ask(21))));
    let mut paid = ask(22);
    paid.exchange.usage.input_tokens = Some(2000);
    paid.exchange.usage.output_tokens = Some(30);
    paid.exchange.cost.usd = Some(0.25);
    store.put_exchange(of_review(paid));
    let mut person = Person::with(store, 120, 100);
    let screen = person.keys("Enter g Enter").look();
    assert!(screen.contains("4 exchanges · 2.0k → 30 · $0.25 · "), "{screen}");

    let mut most = ask(23);
    most.exchange.usage.input_tokens = Some(u64::MAX);
    most.exchange.cost = Default::default();
    person.store.put_exchange(of_review(most));
    let screen = person.does(Event::StoreChanged).look();
    assert!(screen.contains("5 exchanges") && screen.contains("→ 30 · $0.25+ · "), "{screen}");
}

#[test]
fn a_sub_agent_that_begins_after_later_turns_stands_below_its_call() {
    let mut store = agents();
    // Its call is the first turn's; two more have come since.
    let late = |record: Record, conversation: u64| Record {
        conversation: Some(ConversationId(conversation)),
        ..record
    };
    let other = answered(pending(30, 1, 1500, asks("Nobody asked for it")), "Alone.", 100);
    store.put_exchange(late(other, 15));
    store.set_parent(ConversationId(15), ConversationId(11));
    let record = answered(pending(31, 1, 1400, asks("Review the parser")), "Twice.", 100);
    store.put_exchange(late(record, 14));
    store.set_parent(ConversationId(14), ConversationId(11));
    let mut person = Person::with(store, 120, 100);
    let screen = person.keys("Enter g Enter").look();
    says(&screen, &["⚒ task", "→ Twice.", "⚒ shell", "I write", "→ Alone."]);
    assert_eq!(screen.matches("→ Twice.").count(), 1, "{screen}");
}

#[test]
fn sub_agents_are_opened_and_lead_back() {
    let mut person = Person::with(agents(), 120, 100);
    person.keys("Enter g");
    person.types("/sub-agent review").keys("Enter");
    let child = person.keys("Enter").look();
    says(&child, &["it serves another conversation", "Review the parser", "looks sound"]);
    let parent = person.keys("g Enter").look();
    assert!(parent.contains("Review the change"), "{parent}");
    assert!(person.keys("Esc").look().contains("it serves another"));
    assert!(person.keys("Esc").look().contains("⤷ codex"));
    person.keys("g").types("/⤷ codex").keys("Enter Enter");
    assert!(person.look().contains("codex · conversation"), "{}", person.look());
}

#[test]
fn a_request_is_shown_as_it_was_sent() {
    let mut person = Person::with(agents(), 120, 100);
    let chat = person.keys("Enter").look();
    let sent = person.keys("w").look();
    let head = "as it was sent: 3 messages, 3 new";
    says(&sent, &["request as sent", head, "max_tokens", "1 of 3  new", "2 of 3", "Write it down"]);
    assert_eq!(person.keys("w").look(), chat);
    // Of one in the middle, what is new is marked; Esc leads back to it.
    person.types("/overloaded").keys("Enter w");
    let sent = person.look();
    says(&sent, &["4 messages, 3 new", "user  1 of 4", "assistant  2 of 4  new", "tool"]);
    assert!(!sent.contains("1 of 4  new"), "{sent}");
    let back = person.keys("Esc").look();
    assert!(back.contains("· conversation") && back.contains("✗ overloaded_error"), "{back}");
    assert!(person.keys("Esc").look().contains("Exchanges"));
}

#[test]
fn a_history_that_began_earlier_names_no_answers_that_were_not_seen() {
    let mut store = Store::default();
    process(&mut store, 1, 100, "client");
    let old = json!([user("one"), model("1"), user("two"), model("2"), user("three")]);
    store.put_exchange(answered(pending(1, 1, 9000, old), "3", 500));
    let next = json!([
        user("one"),
        model("1"),
        user("two"),
        model("2"),
        user("three"),
        model("3"),
        user("four"),
    ]);
    let mut second = answered(pending(2, 1, 5000, next), "4", 500);
    second.exchange.usage.input_tokens = Some(46_000);
    store.put_exchange(second);
    let mut person = Person::with(store, 120, 60);
    let screen = person.keys("Enter g").look();
    assert_eq!(screen.matches("as the client sends it").count(), 2, "{screen}");
    assert_eq!(screen.matches("assistant  claude-sonnet-4-5").count(), 2, "{screen}");
    // Without a table of models, the window's size is not known.
    assert!(screen.contains("context 46k of ? ") && !screen.contains('%'), "{screen}");
}

#[test]
fn answers_that_are_alike_are_each_shown_once() {
    let mut store = Store::default();
    process(&mut store, 1, 100, "client");
    let mut history = Vec::new();
    for turn in 1..=4 {
        history.push(user(&format!("step {turn}")));
        let asks = json!(history);
        store.put_exchange(answered(pending(turn, 1, 9000 - 1000 * turn, asks), "Done.", 500));
        history.push(model("Done."));
    }
    let mut person = Person::with(store, 120, 80);
    let screen = person.keys("Enter g").look();
    assert_eq!(screen.matches("Done.").count(), 4, "{screen}");
    assert!(!screen.contains("as the client sends it"), "{screen}");
}
