//! What clients and gateways say of the conversation a request belongs to.

use serde_json::Value;

use super::Mark;
use crate::llm::{header, parse};

/// Headers that name one conversation.
const THREADS: &[&str] = &[
    "thread-id",
    "x-cylestio-conversation-id",
    "x-conversation-id",
    "conversation-id",
    "conversation_id",
    "mcp-session-id",
];

/// Headers that name a session: a conversation with what serves it.
const SESSIONS: &[&str] = &["x-claude-code-session-id", "session-id", "session_id"];

/// Headers that name a group of requests: gateways' traces and workflows, and all that
/// an editor asks for while it runs.
const GROUPS: &[&str] =
    &["x-cylestio-session-id", "helicone-session-id", "x-litellm-session-id", "x-session-id"];

/// Headers that name an agent within a session.
const AGENTS: &[&str] = &["x-claude-code-agent-id", "x-openai-subagent"];

/// The ids of a request.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// The response that the request continues.
    pub(super) previous_response: Option<String>,
    /// Its conversation.
    thread: Option<String>,
    /// Its session.
    session: Option<String>,
    /// The agent that asks; `None`: the session itself, or unknown.
    pub(super) agent: Option<String>,
    /// The agent that started it.
    parent_agent: Option<String>,
    /// The conversation that started it.
    parent_thread: Option<String>,
    /// The session groups what need have nothing to do with one another.
    is_group: bool,
    /// A client library says that it tries again.
    pub(super) retry: bool,
}

impl Ids {
    /// Reads headers and body.
    pub(super) fn of(headers: &[(String, String)], body: &Value) -> Self {
        let one_of = |names: &[&str]| {
            let value = names.iter().find_map(|name| header(headers, name))?.trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        let session = one_of(SESSIONS)
            .or_else(|| session_of_user(body.pointer("/metadata/user_id")?.as_str()?))
            .or_else(|| body.pointer("/request/session_id")?.as_str().map(str::to_owned));
        let text = |pointer| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        Ids {
            previous_response: text("/previous_response_id")
                .or_else(|| text("/previous_interaction_id")),
            thread: text("/conversation/id")
                .or_else(|| text("/conversation"))
                .or_else(|| text("/params/message/contextId"))
                .or_else(|| text("/message/contextId"))
                .or_else(|| one_of(THREADS)),
            is_group: session.is_none(),
            session: session.or_else(|| one_of(GROUPS)),
            agent: one_of(AGENTS),
            parent_agent: one_of(&["x-claude-code-parent-agent-id"]),
            parent_thread: one_of(&["x-codex-parent-thread-id"]),
            retry: one_of(&["x-stainless-retry-count"]).is_some_and(|count| count != "0"),
        }
    }

    /// The same, in a session of a WebSocket, which is one conversation if nobody
    /// names another.
    pub(super) fn or_session(self, session: Option<&str>) -> Self {
        let thread = self.thread.or_else(|| session.map(str::to_owned));
        Ids { thread, ..self }
    }

    /// The one conversation that the client names, if it does: a thread, or an
    /// agent of a session.
    pub(super) fn own(&self, process: u64) -> Option<Mark> {
        match (&self.thread, &self.session, &self.agent) {
            (Some(thread), _, agent) => Some(thread_mark(process, thread, agent.as_deref())),
            (None, Some(session), Some(agent)) => Some(agent_mark(process, session, agent)),
            _ => None,
        }
    }

    /// Whether its messages go on with what the server remembers: they are not the whole
    /// history, so that they tell nothing.
    pub(super) fn continue_elsewhere(&self) -> bool {
        self.previous_response.is_some() || self.thread.is_some()
    }

    /// Anything of the session.
    pub(super) fn session_mark(&self, process: u64) -> Option<Mark> {
        self.session.as_ref().map(|session| Mark::of("session", process, session))
    }

    /// What in the session has these tools: the conversation itself after its
    /// history was replaced, or one beside it.
    pub(super) fn of_session(&self, process: u64, tools: u64) -> Option<Mark> {
        let session = self.session.as_ref().filter(|_| self.agent.is_none() && !self.is_group)?;
        Some(Mark::of("setting", process, (session, tools)))
    }

    /// The session's own conversation, where no thread is named.
    pub(super) fn main_mark(&self, process: u64) -> Option<Mark> {
        let session = self.session.as_ref().filter(|_| self.thread.is_none() && !self.is_group)?;
        Some(Mark::of("main", process, session))
    }

    /// The conversation that started this one, where it is named.
    pub(super) fn parent(&self, process: u64) -> Option<Mark> {
        if let Some(parent) = &self.parent_thread {
            return Some(thread_mark(process, parent, None));
        }
        match (&self.thread, &self.session, &self.agent, &self.parent_agent) {
            (Some(thread), _, Some(_), _) => Some(thread_mark(process, thread, None)),
            (None, Some(session), _, Some(parent)) => Some(agent_mark(process, session, parent)),
            _ => None,
        }
    }
}

fn thread_mark(process: u64, thread: &str, agent: Option<&str>) -> Mark {
    Mark::of("thread", process, (thread, agent))
}

fn agent_mark(process: u64, session: &str, agent: &str) -> Mark {
    Mark::of("agent", process, (session, agent))
}

/// The session in Anthropic's `metadata.user_id`, as Claude Code writes it:
/// `user_..._session_<uuid>`, or a JSON object with `session_id`.
fn session_of_user(user: &str) -> Option<String> {
    if let Some(Value::Object(members)) = parse(user.as_bytes()) {
        return members.get("session_id")?.as_str().map(str::to_owned);
    }
    let (_, session) = user.rsplit_once("_session_")?;
    (!session.is_empty()).then(|| session.to_owned())
}
