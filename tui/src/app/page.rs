//! Pages above the main one.

use llmtop_parsers::BodyKind;

use super::columns::ColumnsPage;
use super::compare::Compare;
use crate::action::Context;
use crate::keymap::KeyMap;
use crate::store::{ExchangeId, ProcessKey, Record};
use crate::view::answer::Answer;
use crate::view::chat::{Chat, Which};
use crate::view::document::{Document, Position, Scroll};
use crate::view::events::Events;
use crate::view::json::JsonDocument;
use crate::view::overview::Overview;
use crate::view::text::TextDocument;
use crate::view::{Reader, Role, Span, context, facts, timing, usage};

/// Bytes of JSON that are laid out in one frame.
const LAYOUT: usize = 1 << 20;

/// A page above the main one.
#[derive(Debug)]
pub(super) enum Page {
    /// A conversation, read as a chat.
    Conversation(Box<Conversation>),
    /// One exchange, from every side.
    Detail(Detail),
    /// What differs between two exchanges.
    Compare(Compare),
    /// How much is going on.
    Overview(OverviewPage),
    /// Which columns a list has.
    Columns(ColumnsPage),
    /// What keys do.
    Help(Help),
}

/// A conversation, read as a chat.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) chat: Chat,
    pub(super) process: ProcessKey,
    pub(super) scroll: Scroll,
    /// Where to begin, once it is read.
    at: Option<ExchangeId>,
}

/// One exchange, from every side.
#[derive(Debug)]
pub(super) struct Detail {
    pub(super) id: ExchangeId,
    pub(super) tab: Tab,
    pub(super) side: Side,
    pub(super) scroll: Scroll,
    secrets: bool,
    shown: Option<crate::view::answer::Shown>,
}

/// How much is going on.
#[derive(Debug, Default)]
pub(super) struct OverviewPage {
    pub(super) overview: Overview,
    pub(super) scroll: Scroll,
}

/// Sides of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Answer,
    Request,
    Response,
    Events,
    Headers,
    Timing,
    Usage,
}

/// What a tab shows.
#[derive(Debug)]
pub(super) enum Side {
    Answer(Answer),
    Json(JsonDocument),
    Text(TextDocument),
    Events(Events),
}

/// What keys do, where the person comes from.
#[derive(Debug)]
pub(super) struct Help {
    pub(super) document: TextDocument,
    pub(super) scroll: Scroll,
}

impl Tab {
    pub(super) const ALL: [Tab; 7] = [
        Tab::Answer,
        Tab::Request,
        Tab::Response,
        Tab::Events,
        Tab::Headers,
        Tab::Timing,
        Tab::Usage,
    ];
    pub(super) const NAMES: [&'static str; 7] =
        ["Answer", "Request", "Response", "Events", "Headers", "Timing", "Usage"];

    pub(super) fn index(self) -> usize {
        Tab::ALL.iter().position(|&tab| tab == self).unwrap_or(0)
    }
}

impl Conversation {
    /// The conversation of an exchange, beginning at its words; the latest are
    /// followed.
    pub(super) fn of(record: &Record) -> Self {
        let which = record.conversation.map_or(Which::Single(record.id), Which::Conversation);
        Conversation {
            chat: Chat::new(which, record.process),
            process: record.process,
            scroll: Scroll::following(),
            at: Some(record.id),
        }
    }

    /// Another conversation, from its beginning on.
    pub(super) fn linked(which: Which, process: ProcessKey) -> Self {
        Conversation {
            chat: Chat::new(which, process),
            process,
            scroll: Scroll::following(),
            at: None,
        }
    }

    /// Shows the request under the cursor as it was sent, or the chat again.
    pub(super) fn toggle_sent(&mut self) {
        self.at = self.chat.toggle_sent(self.scroll.cursor);
        let sent = self.chat.is_sent();
        self.scroll = if sent { Scroll::default() } else { Scroll::following() };
    }

    pub(super) fn refresh(&mut self, reader: &Reader<'_>, size: (usize, usize)) {
        self.chat.refresh(reader);
        if self.chat.is_sent() {
            return;
        }
        let latest = self.latest(reader);
        if !self.chat.is_read() || self.chat.is_behind() {
            return;
        }
        if let Some(id) = self.at.take().filter(|&id| Some(id) != latest)
            && let Some(block) = self.chat.block_of(id)
        {
            self.scroll = Scroll::default();
            let at = Position { block, line: 0 };
            self.scroll.reveal(&mut self.chat.document, reader, at, size);
            self.scroll.top = at;
            self.scroll.cursor = block;
        }
    }

    fn latest(&self, reader: &Reader<'_>) -> Option<ExchangeId> {
        match self.chat.which {
            Which::Conversation(id) => reader.extent(id).map(|(_, last)| last),
            Which::Single(id) => Some(id),
        }
    }

    /// The process's conversation after this one, or before it; and its place
    /// among them.
    pub(super) fn neighbour(&self, reader: &Reader<'_>, forward: bool) -> Option<Which> {
        let Which::Conversation(id) = self.chat.which else {
            return None;
        };
        let all = reader.store().conversations_of(self.process);
        let at = all.iter().position(|&other| other == id)?;
        let at = if forward { at + 1 } else { at.checked_sub(1)? };
        all.get(at).copied().map(Which::Conversation)
    }

    /// The conversation that the cursor is on, which is another.
    pub(super) fn link(&self) -> Option<(Which, ProcessKey)> {
        self.chat.target(self.scroll.cursor)?.link
    }

    /// How full the model's context window is, and [`place`](Self::place).
    pub(super) fn note(&self, reader: &Reader<'_>) -> Vec<Span> {
        let latest = self.chat.latest(reader);
        let fill = latest.and_then(|record| context::fill(reader, &record.exchange));
        let fill = fill.filter(context::Fill::is_worth_telling);
        let mut note = fill.map_or(Vec::new(), |fill| fill.spans());
        let place = self.place(reader);
        if !note.is_empty() && !place.is_empty() {
            note.push(Span::new("  ", Role::Dim));
        }
        note.extend(place);
        note
    }

    /// Which of the process's conversations this is.
    fn place(&self, reader: &Reader<'_>) -> Vec<Span> {
        let all = reader.store().conversations_of(self.process);
        let at = match self.chat.which {
            Which::Conversation(id) => all.iter().position(|&other| other == id),
            Which::Single(_) => None,
        };
        match at {
            Some(at) if all.len() > 1 => {
                vec![Span::new(format!("[ {} of {} ]", at + 1, all.len()), Role::Dim)]
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn switch(&mut self, which: Which) {
        self.chat = Chat::new(which, self.process);
        self.scroll = Scroll::following();
    }
}

impl Detail {
    pub(super) fn new(id: ExchangeId, secrets: bool) -> Self {
        let side = Side::Answer(Answer::default());
        let scroll = Scroll::following();
        Detail { id, tab: Tab::Answer, side, scroll, secrets, shown: None }
    }

    pub(super) fn open(&mut self, tab: Tab) {
        self.tab = tab;
        self.scroll = Scroll { follow: tab == Tab::Answer, ..Scroll::default() };
        self.side = match tab {
            Tab::Answer => Side::Answer(Answer::default()),
            Tab::Events => Side::Events(Events::default()),
            _ => Side::Text(TextDocument::default()),
        };
        self.shown = None;
    }

    /// Brings the open tab up to date. `true`: there is more to lay out.
    pub(super) fn refresh(&mut self, reader: &Reader<'_>) -> bool {
        let Some(record) = reader.exchange(self.id) else {
            return false;
        };
        if let Side::Answer(answer) = &mut self.side {
            answer.show(reader, record);
            return false;
        }
        if let Side::Events(events) = &mut self.side {
            events.show(reader, record);
            return false;
        }
        let shown = crate::view::answer::Shown::of(reader, record);
        if self.shown != Some(shown) {
            self.shown = Some(shown);
            self.read(reader, record);
        }
        match &mut self.side {
            Side::Json(json) => json.lay_out(LAYOUT),
            _ => false,
        }
    }

    fn read(&mut self, reader: &Reader<'_>, record: &Record) {
        let body = match self.tab {
            Tab::Request => &record.exchange.request.body,
            Tab::Response => &record.exchange.response.body,
            _ => &None,
        };
        self.side = match self.tab {
            Tab::Headers => Side::Text(facts::headers(reader, record, self.secrets)),
            Tab::Timing => Side::Text(timing::timing(reader, record)),
            Tab::Usage => Side::Text(usage::usage(reader, record)),
            _ => match body.as_ref().filter(|body| body.kind == BodyKind::Json) {
                Some(body) => {
                    if matches!(&self.side, Side::Json(json) if json.shows(body)) {
                        return;
                    }
                    Side::Json(JsonDocument::new(body.clone()))
                }
                None => Side::Text(facts::body(record, self.tab == Tab::Response)),
            },
        };
    }

    pub(super) fn document(&mut self) -> &mut dyn Document {
        match &mut self.side {
            Side::Answer(answer) => &mut answer.document,
            Side::Json(json) => json,
            Side::Text(text) => text,
            Side::Events(events) => &mut events.document,
        }
    }
}

impl Help {
    pub(super) fn new(context: Context, keys: &KeyMap) -> Self {
        Help { document: crate::view::help::document(context, keys), scroll: Scroll::default() }
    }
}

impl Page {
    pub(super) fn context(&self) -> Context {
        match self {
            Page::Conversation(_) => Context::Conversation,
            Page::Detail(Detail { side: Side::Json(_), .. }) => Context::Json,
            Page::Detail(_) => Context::Detail,
            Page::Compare(_) => Context::Compare,
            Page::Overview(_) => Context::Overview,
            Page::Columns(_) => Context::Columns,
            Page::Help(_) => Context::Help,
        }
    }

    /// The exchange that the person is looking at.
    pub(super) fn subject(&self) -> Option<ExchangeId> {
        match self {
            Page::Conversation(page) => {
                page.chat.target(page.scroll.cursor).map(|target| target.exchange)
            }
            Page::Detail(detail) => Some(detail.id),
            Page::Compare(page) => Some(page.right),
            Page::Overview(_) | Page::Columns(_) | Page::Help(_) => None,
        }
    }

    /// Whether it stays at its end as that grows.
    pub(super) fn follows(&self) -> bool {
        match self {
            Page::Conversation(page) => page.scroll.follow,
            Page::Detail(detail) => detail.scroll.follow,
            Page::Compare(page) => page.scroll.follow,
            Page::Overview(page) => page.scroll.follow,
            Page::Columns(page) => page.scroll.follow,
            Page::Help(help) => help.scroll.follow,
        }
    }

    /// The exchanges that it is about. A conversation's latest request repeats
    /// the ones before, so it stands for all.
    pub(super) fn looks_at(&self, reader: &Reader<'_>) -> impl Iterator<Item = ExchangeId> {
        let other = match self {
            Page::Conversation(page) => page.latest(reader),
            Page::Compare(page) => Some(page.left),
            Page::Detail(_) | Page::Overview(_) | Page::Columns(_) | Page::Help(_) => None,
        };
        self.subject().into_iter().chain(other)
    }

    pub(super) fn reading(&mut self) -> (&mut dyn Document, &mut Scroll) {
        match self {
            Page::Conversation(page) => (&mut page.chat.document, &mut page.scroll),
            Page::Detail(detail) => {
                let document: &mut dyn Document = match &mut detail.side {
                    Side::Answer(answer) => &mut answer.document,
                    Side::Json(json) => json,
                    Side::Text(text) => text,
                    Side::Events(events) => &mut events.document,
                };
                (document, &mut detail.scroll)
            }
            Page::Compare(page) => (&mut page.comparison.document, &mut page.scroll),
            Page::Overview(page) => (&mut page.overview.document, &mut page.scroll),
            Page::Columns(page) => (&mut page.document, &mut page.scroll),
            Page::Help(help) => (&mut help.document, &mut help.scroll),
        }
    }

    pub(super) fn text(&mut self) -> Option<(&mut TextDocument, &mut Scroll)> {
        match self {
            Page::Conversation(page) => Some((&mut page.chat.document, &mut page.scroll)),
            Page::Detail(detail) => match &mut detail.side {
                Side::Answer(answer) => Some((&mut answer.document, &mut detail.scroll)),
                Side::Text(text) => Some((text, &mut detail.scroll)),
                Side::Events(events) => Some((&mut events.document, &mut detail.scroll)),
                Side::Json(_) => None,
            },
            Page::Compare(page) => Some((&mut page.comparison.document, &mut page.scroll)),
            Page::Overview(page) => Some((&mut page.overview.document, &mut page.scroll)),
            Page::Columns(page) => Some((&mut page.document, &mut page.scroll)),
            Page::Help(help) => Some((&mut help.document, &mut help.scroll)),
        }
    }

    pub(super) fn json(&mut self) -> Option<(&mut JsonDocument, &mut Scroll)> {
        match self {
            Page::Detail(Detail { side: Side::Json(json), scroll, .. }) => Some((json, scroll)),
            _ => None,
        }
    }

    /// Puts the cursor where the mouse clicked.
    pub(super) fn put_cursor(&mut self, block: usize) {
        let (_, scroll) = self.reading();
        scroll.cursor = block;
    }

    /// Moves by rows; in JSON, by one row moves the cursor.
    pub(super) fn step(&mut self, reader: &Reader<'_>, rows: isize, size: (usize, usize)) {
        if let Page::Columns(page) = self {
            for _ in 0..rows.unsigned_abs() {
                page.scroll.step_cursor(&mut page.document, reader, rows > 0, size);
            }
            return;
        }
        match self.json() {
            Some((json, scroll)) if rows.abs() == 1 => {
                scroll.step_cursor(json, reader, rows > 0, size);
            }
            _ => {
                let (document, scroll) = self.reading();
                scroll.by(document, reader, rows, size);
            }
        }
    }

    pub(super) fn edge(&mut self, first: bool) {
        let (_, scroll) = self.reading();
        *scroll = if first { Scroll::default() } else { Scroll::following() };
    }
}

/// Puts the cursor on the next group of a text, or the previous one, and its
/// beginning on the screen.
pub(super) fn to_neighbour(
    document: &mut TextDocument,
    scroll: &mut Scroll,
    reader: &Reader<'_>,
    forward: bool,
    size: (usize, usize),
) {
    let here = document.first_of(document.group(scroll.cursor));
    // Back to the beginning of this one first, if one is in its middle.
    let begun = here.filter(|&here| !forward && here < scroll.top.block);
    if let Some(block) = begun.or_else(|| document.neighbour(scroll.cursor, forward)) {
        scroll.reveal(document, reader, Position { block, line: 0 }, size);
        scroll.cursor = block;
    }
}
