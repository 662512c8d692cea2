//! Which exchanges continue one another.
//!
//! What a client or provider says of it comes first (`ids`): a conversation
//! id, a response id that the request continues, a session with its agents.
//! Where nothing is said, the message history tells (`history`): a request
//! continues the exchange whose messages and answer it begins with. System
//! prompts are left out of the history, as many change with every request.
//!
//! - Where the server remembers what is said on a WebSocket, the socket is one
//!   conversation.
//! - A branch (an earlier message edited, an answer asked for anew) stays in
//!   its conversation.
//! - The same first request again is the same conversation only as a retry:
//!   the one before failed, or a header says so. Else it is another one that
//!   begins alike.
//! - A client that replaces the history by a summary begins a new
//!   conversation, unless ids say otherwise.
//! - An agent within a session, and requests beside its conversation (a title,
//!   a summary; told by other tools and a history of their own) are
//!   conversations of their own, whose [`parent`](Tracker::parent) is the
//!   session's.

mod history;
mod ids;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use crate::{Exchange, State, llm};
use history::History;
use ids::Ids;

/// Names a conversation within one [`Tracker`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationId(pub u64);

/// Conversations that are remembered.
const CONVERSATIONS: usize = 4096;

/// Marks (ids, states of the history) of one conversation that are remembered.
const MARKS: usize = 256;

/// Conversations that one mark may point to.
const NAMESAKES: usize = 16;

/// Sorts exchanges into conversations. Bounded: the conversations least
/// recently continued are forgotten. Placing an exchange costs as much as its
/// request is long.
#[derive(Debug, Default)]
pub struct Tracker {
    next: u64,
    clock: u64,
    conversations: HashMap<ConversationId, Conversation>,
    marks: HashMap<Mark, Vec<ConversationId>>,
    by_age: BTreeMap<u64, ConversationId>,
}

/// Something that leads to a conversation, hashed with its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Mark(u64);

#[derive(Debug)]
struct Conversation {
    marks: VecDeque<Mark>,
    /// The latest state of its history.
    tip: Option<Mark>,
    /// Its system prompt and tools: tells conversations apart that say the same.
    setting: (u64, u64),
    session: Option<Mark>,
    /// What leads to the conversation it serves, the nearest first.
    parents: Vec<Mark>,
    age: u64,
}

/// All that is read from a request to place it.
struct Reading {
    ids: Ids,
    history: History,
    tools: u64,
}

impl Tracker {
    /// The conversation of an exchange whose request is complete. `process`
    /// is any number that tells processes apart: a conversation never spans two.
    pub fn place(&mut self, process: u64, exchange: &Exchange) -> ConversationId {
        let reading = Reading::of(exchange);
        let id = match self.find(process, &reading) {
            Some(id) => id,
            None => self.begin(process, &reading),
        };
        self.touch(id);
        self.learn(process, id, &reading);
        id
    }

    /// The exchange ended: its answer belongs to the history that a
    /// continuation starts with.
    pub fn answered(&mut self, process: u64, conversation: ConversationId, exchange: &Exchange) {
        if !self.conversations.contains_key(&conversation) {
            return;
        }
        let Reading { ids, mut history, .. } = Reading::of(exchange);
        if let Some(id) = &exchange.response.id {
            self.mark(conversation, Mark::of("response", process, id));
        }
        let Some(asked) = history.state().filter(|_| !ids.continue_elsewhere()) else {
            return;
        };
        self.unmark(conversation, Mark::of("asked", process, asked));
        let answered = history.answer(&exchange.response);
        let failed = Mark::of("failed", process, asked);
        let silent = !answered && !exchange.operation.is_some_and(|of| WORDLESS.contains(&of));
        if silent || exchange.error.is_some() || exchange.state == State::Aborted {
            self.mark(conversation, failed);
        } else {
            // The same again is not another attempt any more.
            self.unmark(conversation, failed);
        }
        if answered && let Some(state) = history.state() {
            let state = Mark::of("answered", process, state);
            self.mark(conversation, state);
            if let Some(conversation) = self.conversations.get_mut(&conversation) {
                conversation.tip = Some(state);
            }
        }
    }

    /// The conversation that this one serves: the one that started a sub-agent
    /// or made a request on the side. `None` if headers do not tell.
    pub fn parent(&self, conversation: ConversationId) -> Option<ConversationId> {
        let parents = &self.conversations.get(&conversation)?.parents;
        let mut leads = parents.iter().filter_map(|mark| self.marked(*mark).last().copied());
        leads.find(|parent| *parent != conversation)
    }

    fn find(&self, process: u64, reading: &Reading) -> Option<ConversationId> {
        let ids = &reading.ids;
        if let Some(own) = ids.own(process) {
            // The client names its conversations: one it has not named yet is new.
            return self.marked(own).last().copied();
        }
        if let Some(previous) = &ids.previous_response
            && let Some(id) = self.marked(Mark::of("response", process, previous)).last()
        {
            return Some(*id);
        }
        let by_history =
            if ids.continue_elsewhere() { None } else { self.by_history(process, reading) };
        by_history.or_else(|| {
            let mark = ids.of_session(process, reading.tools)?;
            self.marked(mark).last().copied()
        })
    }

    /// The conversation whose history the request begins with, the longest
    /// such beginning first.
    fn by_history(&self, process: u64, reading: &Reading) -> Option<ConversationId> {
        let turns = reading.history.turns();
        let last = turns.len().checked_sub(1)?;
        for (at, turn) in turns.iter().enumerate().rev() {
            let kinds: &[&str] = match (turn.assistant, at == last) {
                (true, _) => &["answered"],
                (false, true) if reading.ids.retry => &["failed", "asked"],
                (false, true) => &["failed"],
                // An answer that was never seen whole: cut, or still coming.
                (false, false) => &["failed", "asked"],
            };
            let found = kinds
                .iter()
                .find_map(|kind| self.best(Mark::of(kind, process, turn.state), process, reading));
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Of several conversations with the same history: one in the same setting
    /// that still stands there, the oldest first; else the latest that went on.
    fn best(&self, mark: Mark, process: u64, reading: &Reading) -> Option<ConversationId> {
        let session = reading.ids.session_mark(process);
        let mut candidates = self.marked(mark).iter().filter(|id| {
            // Another session is another conversation, however alike.
            let theirs = self.conversations.get(id).and_then(|conversation| conversation.session);
            session.is_none() || theirs == session
        });
        let setting = reading.setting();
        let rank = |id: &&ConversationId| {
            let conversation = self.conversations.get(id)?;
            let here = conversation.tip == Some(mark);
            let age = if here { conversation.age } else { u64::MAX - conversation.age };
            Some((conversation.setting != setting, !here, age))
        };
        let first = candidates.next()?;
        let best =
            candidates.fold(first, |best, id| if rank(&id) < rank(&best) { id } else { best });
        Some(*best)
    }

    fn begin(&mut self, process: u64, reading: &Reading) -> ConversationId {
        if self.conversations.len() >= CONVERSATIONS
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.forget(oldest);
        }
        self.next += 1;
        let id = ConversationId(self.next);
        let conversation = Conversation {
            marks: VecDeque::new(),
            tip: None,
            setting: reading.setting(),
            session: reading.ids.session_mark(process),
            parents: Vec::new(),
            age: 0,
        };
        self.conversations.insert(id, conversation);
        id
    }

    fn touch(&mut self, id: ConversationId) {
        self.clock += 1;
        if let Some(conversation) = self.conversations.get_mut(&id) {
            self.by_age.remove(&conversation.age);
            conversation.age = self.clock;
            self.by_age.insert(self.clock, id);
        }
    }

    /// What the request says leads to its conversation from now on.
    fn learn(&mut self, process: u64, id: ConversationId, reading: &Reading) {
        let ids = &reading.ids;
        let state = reading.history.state().filter(|_| !ids.continue_elsewhere());
        let marks = [
            ids.own(process),
            ids.of_session(process, reading.tools),
            state.map(|state| Mark::of("asked", process, state)),
        ];
        for mark in marks.into_iter().flatten() {
            self.mark(id, mark);
        }
        let main = ids.main_mark(process);
        if let Some(main) = main
            && ids.agent.is_none()
        {
            // The first that has tools: a title may be asked for before.
            let begun = self.marked(main).first().copied();
            if begun.is_none_or(|begun| !self.has_tools(begun) && self.has_tools(id)) {
                begun.into_iter().for_each(|begun| self.unmark(begun, main));
            }
            if begun.is_none_or(|begun| begun == id || self.marked(main).is_empty()) {
                self.mark(id, main);
            }
        }
        if let Some(conversation) = self.conversations.get_mut(&id) {
            conversation.parents = ids.parent(process).into_iter().chain(main).collect();
        }
    }

    fn has_tools(&self, id: ConversationId) -> bool {
        self.conversations.get(&id).is_some_and(|conversation| conversation.setting.1 != NO_TOOLS)
    }

    fn marked(&self, mark: Mark) -> &[ConversationId] {
        self.marks.get(&mark).map_or(&[], Vec::as_slice)
    }

    fn mark(&mut self, id: ConversationId, mark: Mark) {
        let Some(conversation) = self.conversations.get_mut(&id) else {
            return;
        };
        let namesakes = self.marks.entry(mark).or_default();
        if namesakes.contains(&id) {
            // Used again: not the next to be worn out.
            conversation.marks.retain(|kept| *kept != mark);
            conversation.marks.push_back(mark);
            return;
        }
        namesakes.push(id);
        conversation.marks.push_back(mark);
        let crowded_out = (namesakes.len() > NAMESAKES).then(|| namesakes.remove(0));
        let worn_out =
            if conversation.marks.len() > MARKS { conversation.marks.pop_front() } else { None };
        if let Some(other) = crowded_out.and_then(|other| self.conversations.get_mut(&other)) {
            other.marks.retain(|kept| *kept != mark);
        }
        if let Some(old) = worn_out {
            self.erase(id, old);
        }
    }

    fn unmark(&mut self, id: ConversationId, mark: Mark) {
        if let Some(conversation) = self.conversations.get_mut(&id) {
            conversation.marks.retain(|kept| *kept != mark);
        }
        self.erase(id, mark);
    }

    fn erase(&mut self, id: ConversationId, mark: Mark) {
        if let Some(namesakes) = self.marks.get_mut(&mark) {
            namesakes.retain(|namesake| *namesake != id);
            if namesakes.is_empty() {
                self.marks.remove(&mark);
            }
        }
    }

    fn forget(&mut self, id: ConversationId) {
        if let Some(conversation) = self.conversations.remove(&id) {
            for mark in conversation.marks {
                self.erase(id, mark);
            }
        }
    }
}

impl Mark {
    fn of(kind: &str, process: u64, what: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        (kind, process, what).hash(&mut hasher);
        Mark(hasher.finish())
    }
}

/// What is answered with neither words nor calls.
const WORDLESS: &[&str] = &["classify", "embeddings", "rerank"];

/// The tools of a request that offers none.
const NO_TOOLS: u64 = 0;

impl Reading {
    fn of(exchange: &Exchange) -> Self {
        let body = exchange.request.body.as_ref().filter(|body| body.is_whole());
        let body: Value = body.and_then(|body| llm::parse(&body.bytes)).unwrap_or(Value::Null);
        let dialect = exchange.dialect.and_then(llm::by_name);
        let messages = dialect.map(|dialect| dialect.messages(&body)).unwrap_or_default();
        Reading {
            ids: Ids::of(&exchange.request.headers, &body).or_session(exchange.session.as_deref()),
            history: History::of(&messages),
            tools: tools(&body),
        }
    }

    fn setting(&self) -> (u64, u64) {
        (self.history.system(), self.tools)
    }
}

/// The names of the tools on offer, whatever their order.
fn tools(body: &Value) -> u64 {
    let tools = llm::tools(body).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let name = |tool: &Value| {
        let name = tool.get("name").or_else(|| tool.pointer("/function/name"));
        let name = name.or_else(|| tool.get("type")).and_then(Value::as_str).unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        hasher.finish() | 1
    };
    tools
        .iter()
        .flat_map(declared)
        .map(name)
        .fold(NO_TOOLS, |all, name| all.wrapping_add(name).max(1))
}

/// What a tool declares: Google puts several declarations into one.
fn declared(tool: &Value) -> &[Value] {
    let declarations = ["functionDeclarations", "function_declarations"];
    let declared = declarations.iter().find_map(|key| tool.get(key)?.as_array());
    declared.map_or(std::slice::from_ref(tool), Vec::as_slice)
}

#[cfg(test)]
mod tests;
