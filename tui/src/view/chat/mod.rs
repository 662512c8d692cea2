//! A conversation read as a chat: turn by turn, what was new in each request,
//! and how it was answered.
//!
//! Most APIs send the whole history with each request. Of each, only what the
//! one before it had not is shown, so that what was seen once stays, whatever
//! clients leave out of later requests; answers are shown as they were seen.
//! The first request that is read is shown whole: what came before it is known
//! from there alone.

mod asked;
mod drawing;
mod echo;
mod history;
mod links;
mod origin;
mod reading;
mod sent;
mod turn;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use llmtop_parsers::Body;
use llmtop_parsers::conversation::ConversationId;

use super::Reader;
use super::answer::Shown;
use super::document::Document;
use super::task::Task;
use super::text::{Mark, TextDocument};
use crate::store::{ExchangeId, ProcessKey, Record};
use drawing::Drawing;
use echo::Echoes;
use history::{Outcome, Told};
use links::Links;
use origin::Origins;
use reading::{Reading, Wanted};
use sent::Sent;

/// Requests that are read for one chat.
const REQUESTS: usize = 1000;

/// Bytes of them.
const BYTES: usize = 64 << 20;

/// Requests of one conversation that may be answered at the same time, as far as
/// is watched.
const WATCHED: usize = 16;

/// How many exchanges there are, the latest, and its request's length: what a
/// chat was read from.
type Extent = (usize, ExchangeId, Option<usize>);

/// Which exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All of a conversation.
    Conversation(ConversationId),
    /// One that belongs to none.
    Single(ExchangeId),
}

/// What a block of a chat is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The exchange.
    pub exchange: ExchangeId,
    /// Another conversation, which it belongs to.
    pub link: Option<(Which, ProcessKey)>,
}

/// A conversation as a document, kept up to date as it goes on.
#[derive(Debug)]
pub struct Chat {
    /// Which exchanges.
    pub which: Which,
    /// The text.
    pub document: TextDocument,
    /// Whose it is.
    process: ProcessKey,
    /// One request as it was sent, in the chat's stead.
    sent: Option<Sent>,
    groups: Vec<Group>,
    turns: Vec<Turn>,
    /// The first exchange whose request is read.
    first: Option<ExchangeId>,
    /// The exchanges from there on, in order.
    members: Vec<ExchangeId>,
    /// The first exchange, and how many are not read, if there are such.
    earlier: Option<(ExchangeId, usize)>,
    built: Option<Extent>,
    links: Links,
    origins: Origins,
    /// Requests that were read, with the body that was; `None`: in vain.
    told: HashMap<ExchangeId, (Arc<Body>, Option<Arc<Told>>)>,
    /// Requests that have to be, the oldest first, and those that a thread reads.
    wanted: Vec<Wanted>,
    reading: Option<Reading>,
    /// What tools returned, by the call's id.
    outcomes: HashMap<String, Outcome>,
    /// Calls that requests tell of, by id, and the exchange in which that is shown.
    calls: HashMap<String, ExchangeId>,
    echoes: Echoes,
    /// A new drawing, while it is made; or the turn from which on this one is another.
    drawing: Option<Drawing>,
    from: Option<usize>,
    /// Messages that are not as folded as they are by default.
    toggled: HashSet<Key>,
    all: Option<bool>,
}

/// A message, or an answer.
#[derive(Debug)]
struct Group {
    target: Target,
    /// What is folded with it.
    key: Key,
}

/// What is folded as one: an exchange, and which of its messages, or what it began.
type Key = (ExchangeId, usize);

/// One exchange of the chat.
#[derive(Debug)]
struct Turn {
    id: ExchangeId,
    /// Where it begins.
    begun: (Mark, usize),
    /// Before its answer, which may grow.
    answer: (Mark, usize),
    shown: Option<Shown>,
    /// Its request was there.
    asked: bool,
}

impl Chat {
    /// A chat of this process; [`refresh`](Self::refresh) reads it.
    pub fn new(which: Which, process: ProcessKey) -> Self {
        Chat {
            which,
            document: TextDocument::default(),
            process,
            sent: None,
            groups: Vec::new(),
            turns: Vec::new(),
            first: None,
            members: Vec::new(),
            built: None,
            links: Links::default(),
            origins: Origins::default(),
            told: HashMap::new(),
            earlier: None,
            wanted: Vec::new(),
            reading: None,
            outcomes: HashMap::new(),
            calls: HashMap::new(),
            echoes: Echoes::default(),
            drawing: None,
            from: None,
            toggled: HashSet::new(),
            all: None,
        }
    }

    /// Takes in what is new: a longer answer costs its growth. The request of
    /// another exchange has to be read first, by [`work`](Self::work).
    pub fn refresh(&mut self, reader: &Reader<'_>) {
        if self.sent.is_some() {
            return self.refresh_sent(reader);
        }
        let Some((count, last)) = self.extent(reader) else {
            return;
        };
        let body = reader.exchange(last).and_then(|record| record.exchange.request.body.as_ref());
        let extent = (count, last, body.map(|body| body.bytes.len()));
        let linked = self.links.refresh(reader, self.which, self.process);
        if self.built != Some(extent) {
            self.read(reader);
            self.built = Some(extent);
        }
        if let Some(first) = linked {
            self.draw_link(first);
        }
        let from = self.turns.len().saturating_sub(WATCHED);
        let mut watched = self.turns.iter().enumerate().skip(from);
        if let Some((turn, _)) = watched.find(|(_, it)| !it.asked && is_asked(reader, it.id)) {
            self.want(reader, turn);
            self.draw_from(turn);
        }
        if self.is_behind() {
            self.draw_on(reader);
        } else if let Some(at) = self.changed(reader) {
            self.draw_answers(reader, at);
        }
    }

    /// What a block is about.
    pub fn target(&self, block: usize) -> Option<Target> {
        self.groups.get(self.document.group(block)).map(|group| group.target)
    }

    /// The first block of an exchange's own words.
    pub fn block_of(&self, id: ExchangeId) -> Option<usize> {
        let own = Target { exchange: id, link: None };
        let group = self.groups.iter().position(|group| group.target == own)?;
        self.document.first_of(group)
    }

    /// Folds or unfolds the message that a block belongs to.
    pub fn toggle(&mut self, block: usize) {
        if let Some(group) = self.groups.get(self.document.group(block)) {
            let key = group.key;
            if !self.toggled.remove(&key) {
                self.toggled.insert(key);
            }
        }
        self.draw_anew();
    }

    /// Folds every message, or unfolds every one.
    pub fn toggle_all(&mut self) {
        self.all = Some(!self.all.unwrap_or(true));
        self.toggled.clear();
        self.draw_anew();
    }

    fn draw_anew(&mut self) {
        match &mut self.sent {
            Some(_) => (self.built, self.drawing) = (None, None),
            None => self.draw_all(),
        }
    }

    /// Shows the request that a block belongs to as it was sent, or the chat
    /// again: the exchange whose request it was.
    pub fn toggle_sent(&mut self, block: usize) -> Option<ExchangeId> {
        let target = self.target(block);
        self.document = TextDocument::default();
        (self.turns, self.groups, self.built) = (Vec::new(), Vec::new(), None);
        (self.drawing, self.from) = (None, None);
        (self.toggled, self.all) = (HashSet::new(), None);
        let shown = self.sent.take();
        if shown.is_none() {
            self.sent = target.map(|target| Sent::new(target.exchange));
        }
        let id = shown.as_ref().map(|sent| sent.id);
        // To forget fifty megabytes takes longer than a frame.
        let _ = Task::begin(move || drop(shown));
        id
    }

    /// Whether a request is shown as it was sent.
    pub fn is_sent(&self) -> bool {
        self.sent.is_some()
    }

    /// The latest exchange of which it is known how many tokens it took.
    pub fn latest<'a>(&self, reader: &Reader<'a>) -> Option<&'a Record> {
        let turns = self.turns.iter().rev().take(8);
        turns
            .filter_map(|turn| reader.exchange(turn.id))
            .find(|record| record.exchange.usage.input_tokens.is_some())
    }

    /// How many exchanges there are, and the latest.
    fn extent(&self, reader: &Reader<'_>) -> Option<(usize, ExchangeId)> {
        match self.which {
            Which::Single(id) => Some((1, id)),
            Which::Conversation(id) => reader.extent(id),
        }
    }

    fn folded(&self, key: Key, by_default: bool) -> bool {
        self.all.unwrap_or(by_default) ^ self.toggled.contains(&key)
    }

    /// What began with this exchange, below one of ours, is to be drawn anew.
    fn draw_link(&mut self, first: ExchangeId) {
        let before = match self.origins.late(first) {
            Some(turn) => self.members.partition_point(|&member| member <= turn),
            None => self.members.partition_point(|&member| member < first),
        };
        match before.checked_sub(1) {
            Some(turn) => self.draw_from(turn),
            // Before all turns.
            None => self.draw_all(),
        }
    }

    /// It is known now what was asked first in what began with this exchange: it may belong
    /// to a call of an earlier turn.
    fn draw_asked(&mut self, first: ExchangeId) {
        match self.members.partition_point(|&member| member < first).checked_sub(1) {
            Some(turn) => self.draw_from(turn.saturating_sub(origin::LATE)),
            None => self.draw_all(),
        }
    }

    /// Looks which exchanges there are: those that came are drawn below the others.
    fn read(&mut self, reader: &Reader<'_>) {
        let all = match self.which {
            Which::Single(id) => vec![id],
            Which::Conversation(id) => reader.members(id),
        };
        if self.first.is_none_or(|first| all.binary_search(&first).is_err()) {
            self.forget();
            self.first = first_read(reader, &all);
        }
        let from = self.first.map_or(0, |first| all.partition_point(|&id| id < first));
        let earlier = all.first().filter(|_| from > 0).map(|&id| (id, from));
        let members = all.get(from..).unwrap_or_default();
        let known = self.members.len();
        let goes_on = self.built.is_some()
            && self.earlier == earlier
            && members.get(..known) == Some(&self.members);
        // What began since the last turn stands below that.
        let begun = if goes_on { known.saturating_sub(1) } else { 0 };
        self.members = members.to_vec();
        self.earlier = earlier;
        self.want(reader, begun);
        match goes_on {
            true => self.draw_from(begun),
            false => self.draw_all(),
        }
    }

    /// The first turn whose answer is another than is shown.
    fn changed(&self, reader: &Reader<'_>) -> Option<usize> {
        let grows = |turn: &Turn| {
            let Some(record) = reader.exchange(turn.id) else { return false };
            turn.shown != Some(Shown::of(reader, record))
        };
        // Those that grow are among the latest.
        let from = self.turns.len().saturating_sub(WATCHED);
        self.turns.iter().skip(from).position(grows).map(|at| from + at)
    }

    /// Draws a turn's answer anew, and the turns after it.
    fn draw_answers(&mut self, reader: &Reader<'_>, at: usize) {
        let Some(turn) = self.turns.get_mut(at) else { return };
        let (mark, groups) = turn.answer;
        self.document.cut(mark);
        self.groups.truncate(groups);
        self.turns.truncate(at + 1);
        self.answer(reader, at);
        self.draw_tail(reader, at + 1);
    }

    fn begin(&mut self, target: Target) -> Key {
        let own = self.groups.iter().rev().take_while(|it| it.target.exchange == target.exchange);
        let key = (target.exchange, own.count());
        self.begin_folding(target, key);
        key
    }

    /// Begins a group that is folded together with others of the same key.
    fn begin_folding(&mut self, target: Target, key: Key) {
        let group = self.document.begin();
        self.groups.truncate(group);
        self.groups.push(Group { target, key });
    }
}

fn is_asked(reader: &Reader<'_>, id: ExchangeId) -> bool {
    reader.exchange(id).is_some_and(|record| record.exchange.request.body.is_some())
}

/// The first exchange whose request is read: as many of the latest as there is
/// time and memory for.
fn first_read(reader: &Reader<'_>, all: &[ExchangeId]) -> Option<ExchangeId> {
    let mut first = None;
    let mut bytes = 0;
    for &id in all.iter().rev().take(REQUESTS) {
        let record = reader.exchange(id);
        let body = record.and_then(|record| record.exchange.request.body.as_ref());
        bytes += body.map_or(0, |body| body.bytes.len());
        if bytes > BYTES && first.is_some() {
            break;
        }
        first = Some(id);
    }
    first
}
