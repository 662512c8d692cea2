//! Conversations that providers and agents name.

use super::*;

#[test]
fn response_ids_are_followed() {
    let mut process = Process::default();
    let response = |id: &str| Response { id: Some(id.into()), ..text("answer") };
    let asked = process.ask("openai.responses", &json!({"model": "m", "input": "one"}), &[]);
    let a = process.end(asked, response("resp_1"));
    let next = json!({"model": "m", "input": "two", "previous_response_id": "resp_1"});
    let asked = process.ask("openai.responses", &next, &[]);
    assert_eq!(process.end(asked, response("resp_2")), a);
    let branch = json!({"model": "m", "input": "three", "previous_response_id": "resp_1"});
    assert_eq!(process.ask("openai.responses", &branch, &[]).place, a);
    let stranger = json!({"model": "m", "input": "two", "previous_response_id": "resp_9"});
    assert_ne!(process.ask("openai.responses", &stranger, &[]).place, a);
}

#[test]
fn named_conversations_are_followed_whatever_they_say() {
    let mut process = Process::default();
    let mut at = |body: Value, headers: &[(&str, &str)]| {
        let asked = process.ask("openai.responses", &body, headers);
        process.end(asked, text("a"))
    };
    let a = at(json!({"model": "m", "input": "x"}), &[("thread-id", "t1")]);
    let b = at(json!({"model": "m", "input": "x"}), &[("Thread-Id", "t2")]);
    assert_ne!(a, b);
    assert_eq!(at(json!({"model": "m", "input": "other"}), &[("thread-id", "t1")]), a);
    let review = at(
        json!({"model": "m", "input": "review"}),
        &[("thread-id", "t3"), ("x-openai-subagent", "review"), ("x-codex-parent-thread-id", "t1")],
    );
    let body = json!({"model": "m", "input": "x", "conversation": {"id": "conv_1"}});
    let c = at(body, &[]);
    let body = json!({"model": "m", "input": "y", "conversation": "conv_1"});
    assert_eq!(at(body, &[]), c);
    assert_eq!(process.tracker.parent(review), Some(a));
    assert_eq!(process.tracker.parent(a), None);
}

#[test]
fn a_coding_agents_session_has_agents_and_side_requests() {
    let mut process = Process::default();
    let body = |question: &str, tools: &[&str]| {
        let tools: Vec<Value> =
            tools.iter().map(|name| json!({"name": name, "input_schema": {}})).collect();
        json!({"model": "m", "max_tokens": 9, "tools": tools,
            "messages": [{"role": "user", "content": question}]})
    };
    let mut at = |body: &Value, headers: &[(&str, &str)]| {
        let headers = [&[("X-Claude-Code-Session-Id", "s")], headers].concat();
        let asked = process.ask("anthropic.messages", body, &headers);
        process.end(asked, text("ok"))
    };
    let title = at(&body("Write a title", &[]), &[]);
    let main = at(&body("Fix the bug", &["Read", "Bash"]), &[]);
    let agent = at(&body("Find files", &["Read"]), &[("x-claude-code-agent-id", "a1")]);
    let nested = at(
        &body("Find more", &["Read"]),
        &[("x-claude-code-agent-id", "a2"), ("x-claude-code-parent-agent-id", "a1")],
    );
    assert_eq!(
        at(&body("Find other files", &["Read"]), &[("x-claude-code-agent-id", "a1")]),
        agent
    );
    assert_eq!(at(&body("Write another title", &[]), &[]), title);
    assert_eq!(at(&body("Summary so far. Go on.", &["Bash", "Read"]), &[]), main, "compacted");
    let all = std::collections::HashSet::from([title, main, agent, nested]);
    assert_eq!(all.len(), 4);
    let parent = |id| process.tracker.parent(id);
    assert_eq!(parent(main), None);
    assert_eq!(parent(title), Some(main));
    assert_eq!(parent(agent), Some(main));
    assert_eq!(parent(nested), Some(agent));
}

#[test]
fn sessions_are_read_from_user_ids() {
    let mut process = Process::default();
    let mut at = |user: &str, question: &str| {
        let body = json!({"model": "m", "max_tokens": 1, "metadata": {"user_id": user},
            "messages": [{"role": "user", "content": question}]});
        let asked = process.ask("anthropic.messages", &body, &[]);
        process.end(asked, text("ok"))
    };
    let a = at("user_1_account_2_session_aaa", "x");
    assert_eq!(at("user_1_account_2_session_aaa", "y"), a);
    assert_ne!(at("user_1_account_2_session_bbb", "y"), a);
    assert_eq!(at(r#"{"device_id": "d", "session_id": "aaa"}"#, "z"), a);
}

#[test]
fn title_requests_without_ids_are_on_their_own() {
    let mut process = Process::default();
    let a = process.chat(&["Fix the bug"], "Fixed.");
    let title = json!({"model": "small", "messages": [
        {"role": "system", "content": "Write a title."}, {"role": "user", "content": "Fix the bug"}]});
    let asked = process.ask("openai.chat", &title, &[]);
    assert_ne!(process.end(asked, text("Bug fix")), a);
    assert_eq!(process.chat(&["Fix the bug", "Fixed.", "Thanks"], "!"), a);
}

#[test]
fn a_session_on_a_websocket_is_one_conversation() {
    let mut process = Process::default();
    let mut say = |session: &str, text: &str| {
        let item = json!({"type": "message", "role": "user",
            "content": [{"type": "input_text", "text": text}]});
        let body = json!([{"type": "conversation.item.create", "item": item}]);
        let exchange = Exchange {
            session: Some(session.to_owned()),
            ..exchange("openai.realtime", &body, &[])
        };
        process.tracker.place(process.pid, &exchange)
    };
    let first = say("sess_1", "Hello");
    assert_eq!(say("sess_1", "And now?"), first, "no history is repeated");
    let other = say("sess_2", "Hello");
    assert_ne!(other, first, "it begins alike");
    assert_eq!(say("sess_1", "Bye"), first);
    assert_eq!(say("sess_2", "Bye"), other);
}

#[test]
fn a_group_of_requests_is_no_conversation() {
    for header in ["x-session-id", "helicone-session-id", "x-litellm-session-id"] {
        let mut process = Process::default();
        let mut at = |turns: &[&str], answer: &str| {
            let asked = process.ask("openai.chat", &chat(turns), &[(header, "s1")]);
            process.end(asked, text(answer))
        };
        let a = at(&["What is red?"], "A colour.");
        let b = at(&["What is a dog?"], "An animal.");
        assert_ne!(a, b, "{header}");
        assert_eq!(at(&["What is red?", "A colour.", "And blue?"], "Too."), a, "{header}");
        assert_eq!(process.tracker.parent(b), None, "{header}");
    }
}

/// What is added to a history that the server keeps is not a history of its own.
#[test]
fn what_is_added_elsewhere_leads_nowhere() {
    let mut process = Process::default();
    let response = |id: &str, answer: &str| Response { id: Some(id.into()), ..text(answer) };
    let asked = process.ask("openai.responses", &json!({"model": "m", "input": "start A"}), &[]);
    let a = process.end(asked, response("a1", "begun"));
    let next = json!({"model": "m", "input": "continue", "previous_response_id": "a1"});
    let asked = process.ask("openai.responses", &next, &[]);
    assert_eq!(process.end(asked, response("a2", "done")), a);
    let whole = json!({"model": "m", "input": [
        {"role": "user", "content": "continue"},
        {"role": "assistant", "content": "done"},
        {"role": "user", "content": "x"}]});
    assert_ne!(process.ask("openai.responses", &whole, &[]).place, a);
    let asked = process.ask("openai.responses", &next, &[]);
    assert_eq!(process.fail(asked), a);
    let unseen = json!({"model": "m", "input": "continue", "previous_response_id": "b7"});
    assert_ne!(process.ask("openai.responses", &unseen, &[]).place, a);
}
