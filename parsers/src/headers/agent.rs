//! Which agent of a client asks.

use serde::Serialize;

use crate::llm::header;

/// The agent, or sub-agent, that a request says it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Agent {
    /// Its id, as the client names it.
    pub id: Option<String>,
    /// The id of the agent that started it.
    pub parent_id: Option<String>,
    /// What it is for, in the client's words: `review`, `conversation-subagent`.
    pub kind: Option<String>,
}

/// The agent that Claude Code, Codex or Copilot name. `None`: none is named,
/// which is how Claude Code and Codex say that the session itself asks.
pub(crate) fn agent(headers: &[(String, String)]) -> Option<Agent> {
    let said = |name| {
        let value = header(headers, name)?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    };
    let kind = said("x-openai-subagent").or_else(|| said("x-interaction-type"));
    let billed = || {
        let billing = said("x-anthropic-billing-header")?.to_ascii_lowercase();
        let marked = ["cc_is_subagent=true", "cc_is_subagent=1"];
        marked.iter().any(|mark| billing.contains(mark)).then(|| "subagent".to_owned())
    };
    let thread = said("x-codex-parent-thread-id");
    // Codex numbers all its threads: one that serves another is an agent's.
    let own_thread = || {
        let serves = thread.is_some() || header(headers, "x-openai-subagent").is_some();
        serves.then(|| said("thread-id")).flatten()
    };
    let agent = Agent {
        id: said("x-claude-code-agent-id").or_else(own_thread).or_else(|| said("x-agent-task-id")),
        parent_id: said("x-claude-code-parent-agent-id").or(thread),
        kind: kind.or_else(billed),
    };
    (agent != Agent::default()).then_some(agent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_name_their_agents() {
        let agent_of = |headers: &[(&str, &str)]| {
            let headers: Vec<(String, String)> =
                headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            agent(&headers)
        };
        let some = |id: Option<&str>, parent: Option<&str>, kind: Option<&str>| {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            Some(Agent { id: owned(id), parent_id: owned(parent), kind: owned(kind) })
        };
        let claude = [("X-Claude-Code-Agent-Id", "a2"), ("X-Claude-Code-Parent-Agent-Id", "a1")];
        assert_eq!(agent_of(&claude), some(Some("a2"), Some("a1"), None));
        let codex = [
            ("x-openai-subagent", "review"),
            ("thread-id", "t2"),
            ("x-codex-parent-thread-id", "t1"),
        ];
        assert_eq!(agent_of(&codex), some(Some("t2"), Some("t1"), Some("review")));
        let copilot = [("X-Interaction-Type", "conversation-subagent"), ("X-Agent-Task-Id", "k")];
        assert_eq!(agent_of(&copilot), some(Some("k"), None, Some("conversation-subagent")));
        let billed = [("x-anthropic-billing-header", "cc_version=2.1; cc_is_subagent=true;")];
        assert_eq!(agent_of(&billed), some(None, None, Some("subagent")));
        // The session itself.
        assert_eq!(agent_of(&[("thread-id", "t1"), ("session-id", "s")]), None);
        assert_eq!(agent_of(&[("x-claude-code-agent-id", " ")]), None);
        assert_eq!(agent_of(&[]), None);
    }
}
