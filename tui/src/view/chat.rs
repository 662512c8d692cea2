//! A conversation read as a chat.
//!
//! Most APIs send the whole history with each request, so the latest request
//! is parsed and shown, and its answers are those of the exchanges before it.
//! Where a request holds no history (the server keeps it) or holds another
//! (the client summarised it), the exchanges before are read as well.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use llmtop_parsers::Body;
use llmtop_parsers::conversation::ConversationId;
use llmtop_parsers::llm::{Message, Part};

use super::answer::{self, FOLDED, Fold, Shown};
use super::text::{Look, Mark, TextDocument};
use super::{Reader, Role, Span, format, gist};
use crate::store::{ExchangeId, Record, messages};

/// Requests that are parsed for one chat.
const REQUESTS: usize = 200;

/// Bytes of them.
const BYTES: usize = 64 << 20;

/// Bytes of requests that are wanted before any of them is parsed.
const AT_ONCE: usize = 1 << 20;

/// How many exchanges there are, the latest, and its request's length: what a
/// chat was read from.
type Extent = (usize, ExchangeId, Option<usize>);

/// A body, and the messages that were found in it.
type Parsed = (Arc<Body>, Option<Arc<[Message]>>);

/// Which exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All of a conversation.
    Conversation(ConversationId),
    /// One that belongs to none.
    Single(ExchangeId),
}

/// A conversation as a document, kept up to date as it goes on.
#[derive(Debug)]
pub struct Chat {
    /// Which exchanges.
    pub which: Which,
    /// The text.
    pub document: TextDocument,
    /// The exchange of each group.
    groups: Vec<ExchangeId>,
    /// Before the latest answer, which may grow.
    fixed: (Mark, usize),
    shown: Option<Shown>,
    built: Option<Extent>,
    /// Requests that were parsed, with the body that was.
    parsed: HashMap<ExchangeId, Parsed>,
    /// Requests that have to be.
    wanted: Vec<(ExchangeId, &'static str, Arc<Body>)>,
    /// Groups that are not as folded as they are by default.
    toggled: HashSet<usize>,
    all: Option<bool>,
}

impl Chat {
    /// A chat; [`refresh`](Self::refresh) reads it.
    pub fn new(which: Which) -> Self {
        Chat {
            which,
            document: TextDocument::default(),
            groups: Vec::new(),
            fixed: (Mark::default(), 0),
            shown: None,
            built: None,
            parsed: HashMap::new(),
            wanted: Vec::new(),
            toggled: HashSet::new(),
            all: None,
        }
    }

    /// Takes in what is new: a longer answer costs its growth. The request of
    /// another exchange has to be parsed first, by [`work`](Self::work).
    pub fn refresh(&mut self, reader: &Reader<'_>) {
        let Some((count, last)) = self.extent(reader) else {
            return;
        };
        let body = reader.exchange(last).and_then(|record| record.exchange.request.body.as_ref());
        let extent = (count, last, body.map(|body| body.bytes.len()));
        if self.built != Some(extent) {
            self.read(reader, &self.members(reader));
            // Once everything is parsed, it is read again.
            self.built = self.wanted.is_empty().then_some(extent);
            self.shown = None;
        }
        let Some(record) = reader.exchange(last) else {
            return;
        };
        let shown = Shown::of(reader, record);
        if self.shown != Some(shown) {
            self.document.cut(self.fixed.0);
            self.groups.truncate(self.fixed.1);
            self.document.blank();
            self.answer(reader, record);
            self.shown = Some(shown);
        }
    }

    /// Parses what [`refresh`](Self::refresh) found missing. This needs no
    /// store, and may take a while. `true`: something was.
    pub fn work(&mut self) -> bool {
        let wanted = std::mem::take(&mut self.wanted);
        let found = !wanted.is_empty();
        for (id, dialect, body) in wanted {
            let messages = messages(dialect, &body).map(Arc::from);
            self.parsed.insert(id, (body, messages));
        }
        found
    }

    /// Whether all of it is there.
    pub fn is_read(&self) -> bool {
        self.wanted.is_empty()
    }

    /// The exchange that a block belongs to.
    pub fn exchange_of(&self, block: usize) -> Option<ExchangeId> {
        use super::document::Document;
        self.groups.get(self.document.group(block)).copied()
    }

    /// The first block of an exchange's own words.
    pub fn block_of(&self, id: ExchangeId) -> Option<usize> {
        let group = self.groups.iter().position(|&other| other == id)?;
        self.document.first_of(group)
    }

    /// Folds or unfolds the message that a block belongs to.
    pub fn toggle(&mut self, block: usize) {
        use super::document::Document;
        let group = self.document.group(block);
        if !self.toggled.remove(&group) {
            self.toggled.insert(group);
        }
        self.built = None;
    }

    /// Folds every message, or unfolds every one.
    pub fn toggle_all(&mut self) {
        self.all = Some(!self.all.unwrap_or(true));
        self.toggled.clear();
        self.built = None;
    }

    /// How many exchanges there are, and the latest.
    fn extent(&self, reader: &Reader<'_>) -> Option<(usize, ExchangeId)> {
        match self.which {
            Which::Single(id) => Some((1, id)),
            Which::Conversation(id) => reader.extent(id),
        }
    }

    fn members(&self, reader: &Reader<'_>) -> Vec<ExchangeId> {
        match self.which {
            Which::Single(id) => vec![id],
            Which::Conversation(id) => reader.members(id),
        }
    }

    fn folded(&self, group: usize, by_default: bool) -> bool {
        self.all.unwrap_or(by_default) ^ self.toggled.contains(&group)
    }

    fn read(&mut self, reader: &Reader<'_>, members: &[ExchangeId]) {
        self.document = TextDocument::default();
        self.groups.clear();
        let segments = self.segments(reader, members);
        if let Some(first) = segments.first()
            && first.from > 0
        {
            let earlier = format!("… {} earlier exchanges are not read here", first.from);
            self.begin(members[0]);
            self.document.line(vec![Span::new(earlier, Role::Faint)], Look::default());
        }
        for (at, segment) in segments.iter().enumerate() {
            self.segment(reader, members, segment);
            let own = members.get(segment.at).and_then(|&id| reader.exchange(id));
            if at + 1 < segments.len()
                && let Some(record) = own
            {
                self.document.blank();
                self.answer(reader, record);
                let next = segments.get(at + 1);
                if next.is_some_and(|next| next.from < next.at && next.messages.is_some()) {
                    let text = "─── from here on the client sends another history ───";
                    self.document.blank();
                    self.document.line(vec![Span::new(text, Role::Faint)], Look::default());
                }
            }
        }
        self.fixed = (self.document.mark(), self.groups.len());
    }

    /// The requests that hold the whole history between them, in order. What
    /// is not parsed yet is wanted, and missing.
    fn segments(&mut self, reader: &Reader<'_>, members: &[ExchangeId]) -> Vec<Segment> {
        let mut segments = Vec::new();
        let mut next = members.len();
        let mut bytes = 0;
        while next > 0 && segments.len() < REQUESTS && bytes < BYTES {
            let at = next - 1;
            let record = members.get(at).and_then(|&id| reader.exchange(id));
            let body = record.and_then(|record| record.exchange.request.body.as_ref());
            bytes += body.map_or(0, |body| body.bytes.len());
            let messages = record.and_then(|record| self.messages(record));
            let answers = messages.as_deref().map_or(0, answers);
            let from = at - answers.min(at);
            segments.push(Segment { at, from, messages });
            // What comes before depends on what a long request holds. Short
            // ones that hold no history come in numbers: all are wanted at once.
            if !self.wanted.is_empty() && bytes > AT_ONCE {
                break;
            }
            next = from;
        }
        segments.reverse();
        segments
    }

    fn messages(&mut self, record: &Record) -> Option<Arc<[Message]>> {
        let body = record.exchange.request.body.as_ref()?;
        match self.parsed.get(&record.id) {
            Some((parsed, messages)) if Arc::ptr_eq(parsed, body) => messages.clone(),
            _ => {
                self.wanted.push((record.id, record.exchange.dialect?, Arc::clone(body)));
                None
            }
        }
    }

    fn begin(&mut self, id: ExchangeId) -> usize {
        let group = self.document.begin();
        self.groups.truncate(group);
        self.groups.push(id);
        group
    }

    fn answer(&mut self, reader: &Reader<'_>, record: &Record) {
        let group = self.begin(record.id);
        let fold = Fold { all: self.folded(group, false) };
        answer::push(&mut self.document, reader, record, fold);
    }

    /// The messages of one request.
    fn segment(&mut self, reader: &Reader<'_>, members: &[ExchangeId], segment: &Segment) {
        let Some(&own) = members.get(segment.at) else {
            return;
        };
        let Some(messages) = &segment.messages else {
            self.begin(own);
            if self.wanted.iter().any(|(id, ..)| *id == own) {
                let text = "reading the request …";
                self.document.line(vec![Span::new(text, Role::Dim)], Look::default());
                return;
            }
            let text = "the request is not read here: its body is not (or not wholly) known; \
                its detail shows what there is";
            self.document.line(vec![Span::new(text, Role::Warning)], Look::default());
            return;
        };
        let results = results(messages);
        let mut owner = segment.from;
        let mut before = "";
        for message in messages.iter() {
            let answers = message.role == "assistant";
            if !answers && before == "assistant" {
                owner += 1;
            }
            let id = members.get(owner.min(segment.at)).copied().unwrap_or(own);
            let heads = answers && before != "assistant" && owner < segment.at;
            before = &message.role;
            if message.role == "tool" && message.parts.iter().all(|part| is_joined(part, &results))
            {
                continue;
            }
            if !self.document.is_empty() {
                self.document.blank();
            }
            let head = reader.exchange(id).filter(|_| heads);
            self.message(reader, message, id, head, &results);
        }
    }

    fn message(
        &mut self,
        reader: &Reader<'_>,
        message: &Message,
        id: ExchangeId,
        answers: Option<&Record>,
        results: &HashMap<&str, &Part>,
    ) {
        let group = self.begin(id);
        let role = role(&message.role);
        let look = Look { bar: role, ..Look::default() };
        let folded = self.folded(group, matches!(role, Role::System | Role::Tool));
        let document = &mut self.document;
        match answers {
            Some(record) => document.line(answer::head(reader, &record.exchange), look),
            None => document.line(vec![Span::new(gist(&message.role, 24), role)], look),
        }
        let short = folded.then_some(FOLDED);
        for part in &message.parts {
            match part {
                Part::Text(text) => {
                    let role = if role == Role::System { Role::Dim } else { Role::Text };
                    document.own(text.as_str().into(), Look { role, limit: short, ..look });
                }
                Part::Reasoning(text) => {
                    let look = Look { role: Role::Reasoning, limit: Some(FOLDED), ..look };
                    document.own(text.as_str().into(), look);
                }
                Part::ToolCall(call) => {
                    answer::tool_call(document, call, look, folded.then_some(FOLDED));
                    let result = call.id.as_deref().and_then(|id| results.get(id));
                    if let Some(result) = result {
                        // Results are long: as folded as the call, the other way round.
                        let limit = (!self.toggled.contains(&group) && self.all.unwrap_or(true))
                            .then_some(FOLDED);
                        tool_result(document, result, limit);
                    }
                }
                Part::ToolResult { .. } => tool_result(document, part, short),
                Part::Other { kind, bytes } => {
                    let text = format!("[{}, {}]", gist(kind, 40), format::bytes(*bytes));
                    document.line(vec![Span::new(text, Role::Dim)], look);
                }
            }
        }
    }
}

fn tool_result(document: &mut TextDocument, part: &Part, limit: Option<usize>) {
    let Part::ToolResult { text, error, .. } = part else {
        return;
    };
    let (mark, role) = if *error { ("✗", Role::Error) } else { ("↳", Role::Tool) };
    let look = Look { bar: Role::Tool, indent: 2, ..Look::default() };
    let size = format::bytes(text.len() as u64);
    document.line(
        vec![Span::new(format!("{mark} "), role), Span::new(format!("result, {size}"), Role::Dim)],
        look,
    );
    if !text.is_empty() {
        let role = if *error { Role::Error } else { Role::Dim };
        document.own(text.as_str().into(), Look { role, indent: 4, limit, ..look });
    }
}

/// The results of tools, by the call's id.
fn results(messages: &[Message]) -> HashMap<&str, &Part> {
    let calls: HashSet<&str> = messages
        .iter()
        .flat_map(|message| &message.parts)
        .filter_map(|part| match part {
            Part::ToolCall(call) => call.id.as_deref(),
            _ => None,
        })
        .collect();
    let parts = messages.iter().flat_map(|message| &message.parts);
    parts
        .filter_map(|part| match part {
            Part::ToolResult { id: Some(id), .. } if calls.contains(id.as_str()) => {
                Some((id.as_str(), part))
            }
            _ => None,
        })
        .collect()
}

/// Whether a part is shown beside its call.
fn is_joined(part: &Part, results: &HashMap<&str, &Part>) -> bool {
    match part {
        Part::ToolResult { id: Some(id), .. } => results.contains_key(id.as_str()),
        _ => false,
    }
}

fn role(name: &str) -> Role {
    match name {
        "assistant" | "model" => Role::Assistant,
        "user" => Role::User,
        "tool" | "function" => Role::Tool,
        _ => Role::System,
    }
}

/// One request's messages, and the exchanges whose answers are among them.
struct Segment {
    /// Index of the exchange itself.
    at: usize,
    /// Index of the first exchange whose answer its messages hold.
    from: usize,
    messages: Option<Arc<[Message]>>,
}

/// How many answers a history holds: runs of the assistant's messages.
fn answers(messages: &[Message]) -> usize {
    let mut runs = 0;
    let mut before = "";
    for message in messages {
        runs += usize::from(message.role == "assistant" && before != "assistant");
        before = &message.role;
    }
    runs
}
