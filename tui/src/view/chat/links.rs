//! Conversations that another one started: sub-agents, and programs that it ran.

use llmtop_parsers::conversation::ConversationId;

use super::asked::{Asked, GIST};
use super::{Chat, Target, Which};
use crate::store::{ExchangeId, ProcessKey, Record, Scope, Tally, grown, is_over};
use crate::view::answer::{self, Fold};
use crate::view::text::Look;
use crate::view::{Reader, Role, Span, exchanges, format, gist, processes};

/// Conversations that are shown below another one.
const LINKS: usize = 256;

/// Exchanges of one that are added up.
const SUMMED: usize = 1000;

/// Exchanges among which the one is looked for that started a program.
const LOOKED_BACK: usize = 64;

/// The latest answers of one that are shown where it is unfolded.
const NESTED: usize = 100;

/// Conversations within conversations that are shown within one another.
const DEEPEST: usize = 4;

/// Columns by which what is within is moved in.
const STEP: usize = 4;

/// The message of its first exchange by which a conversation is folded: none.
const WHOLE: usize = usize::MAX;

/// What a conversation started, in order.
#[derive(Debug, Default)]
pub(super) struct Links {
    all: Vec<Link>,
    /// Processes below the conversation's own; how many there were, and exchanges,
    /// when that was looked into.
    below: ((usize, usize), Vec<ProcessKey>),
    /// What each was asked first, by its first exchange.
    pub(super) asked: Asked,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) id: ConversationId,
    process: ProcessKey,
    pub(super) first: ExchangeId,
    pub(super) last: ExchangeId,
    count: usize,
    over: bool,
    /// How far its latest answer has come.
    grown: usize,
}

impl Links {
    /// Looks for them anew. Which one is the first that changed: its first exchange.
    pub(super) fn refresh(
        &mut self,
        reader: &Reader<'_>,
        which: Which,
        process: ProcessKey,
    ) -> Option<ExchangeId> {
        let Which::Conversation(own) = which else { return None };
        let store = reader.store();
        let known = (store.process_count(), reader.count(Scope::Llm));
        if self.below.0 != known {
            self.below = (known, processes::below(reader, process));
        }
        let told = store.children_of(own).iter().copied();
        let run = self.below.1.iter().flat_map(|&process| store.conversations_of(process));
        let run = run.copied().filter(|&id| store.parent_of(id).is_none()).take(LINKS);
        let run = run.filter_map(|id| Link::of(reader, id));
        let run = run.filter(|link| starter(reader, process, link.first) == Some(own));
        let told = told.take(LINKS).filter_map(|id| Link::of(reader, id));
        let mut all: Vec<Link> = told.chain(run).collect();
        all.sort_by_key(|link| link.first);
        all.dedup_by_key(|link| link.id);
        let alike = self.all.iter().zip(&all).take_while(|(one, other)| one == other).count();
        let changed = [self.all.get(alike), all.get(alike)].into_iter().flatten();
        let changed = changed.map(|link| link.first).min();
        all.iter()
            .filter_map(|link| reader.exchange(link.first))
            .for_each(|it| self.asked.want(it));
        self.all = all;
        changed
    }
}

impl Links {
    /// Reads on what they were asked. Which one is the first of which that is known now:
    /// its first exchange.
    pub(super) fn work(&mut self) -> Option<ExchangeId> {
        let told = self.asked.work();
        // One within another is drawn with that.
        let around = |id: &ExchangeId| self.all.iter().all(|link| link.first != *id);
        let first = self.all.first().filter(|_| told.iter().any(around)).map(|link| link.first);
        first.or(told.into_iter().min())
    }

    /// Whether that is read, or going to be.
    pub(super) fn is_reading(&self) -> bool {
        self.asked.is_reading()
    }

    /// Those that began after one exchange and before the next.
    pub(super) fn between(&self, after: ExchangeId, next: Option<ExchangeId>) -> Vec<Link> {
        let from = self.all.partition_point(|link| link.first <= after);
        let before = |link: &&Link| next.is_none_or(|next| link.first < next);
        self.all.iter().skip(from).take_while(before).copied().collect()
    }
}

/// The conversation of a process that is taken to have started what began with
/// `first`: the one whose answer called tools last before.
fn starter(reader: &Reader<'_>, process: ProcessKey, first: ExchangeId) -> Option<ConversationId> {
    let scope = Scope::ProcessLlm(process);
    let before = reader.rank_of(scope, first);
    let records = (before.saturating_sub(LOOKED_BACK)..before).rev();
    let mut records = records.filter_map(|rank| reader.exchange_at(scope, rank));
    let calls = |record: &&Record| !record.exchange.response.tool_calls.is_empty();
    records.find(calls).and_then(|record| record.conversation)
}

impl Link {
    fn of(reader: &Reader<'_>, id: ConversationId) -> Option<Self> {
        let (count, last) = reader.extent(id)?;
        let first = *reader.store().conversation(id).first()?;
        let record = reader.exchange(last)?;
        Some(Link {
            id,
            process: record.process,
            first,
            last,
            count,
            over: is_over(&record.exchange),
            // Redrawn for each line's worth, not for each token.
            grown: grown(&record.exchange).min(GIST) / 16 + grown(&record.exchange) / GIST,
        })
    }
}

impl Chat {
    /// Draws what began after one exchange and before the next, unless it stands elsewhere.
    pub(super) fn linked(
        &mut self,
        reader: &Reader<'_>,
        after: ExchangeId,
        next: Option<ExchangeId>,
        but: &[(usize, Link)],
    ) {
        for link in self.links.between(after, next) {
            let elsewhere = but.iter().any(|(_, other)| other.id == link.id);
            if !elsewhere && self.late_origin(reader, &link).is_none() {
                self.link(reader, link, 0);
            }
        }
    }

    /// Draws what another conversation is, and, unfolded, what was said in it.
    pub(super) fn link(&mut self, reader: &Reader<'_>, link: Link, depth: usize) {
        let (Some(first), Some(last)) = (reader.exchange(link.first), reader.exchange(link.last))
        else {
            return;
        };
        let look = Look { bar: Role::Tool, indent: 2, ..Look::default() };
        self.document.blank();
        let to = (Which::Conversation(link.id), link.process);
        let key = (link.first, WHOLE);
        let folded = self.folded(key, true);
        self.begin_folding(Target { exchange: link.last, link: Some(to) }, key);
        let agent = last.exchange.request.agent.as_ref();
        let kind = agent.and_then(|agent| agent.kind.as_deref());
        let kind = match (kind, link.process == self.process) {
            (Some(kind), _) => format!("sub-agent {}", gist(kind, 40)),
            (None, true) => "sub-agent".to_owned(),
            (None, false) => exchanges::process_name(reader, link.process),
        };
        let sign = if folded { "▸" } else { "▾" };
        let mut head = vec![Span::new(format!("{sign} ⤷ {kind}"), Role::Tool)];
        for (text, role) in sums(reader, link) {
            head.push(Span::new(" · ", Role::Faint));
            head.push(Span::new(text, role));
        }
        head.push(Span::new(" · opens", Role::Faint));
        self.document.line(head, look);
        self.links.asked.want(first);
        if let Some(asked) = self.links.asked.of(link.first) {
            let asked = vec![Span::new(asked, Role::Dim)];
            self.document.line(asked, Look { indent: 4, ..look });
        }
        if !folded {
            self.nested(reader, link, depth);
            return;
        }
        let answer = last.exchange.response.text.as_deref().map(|text| gist(text, GIST));
        if let Some(answer) = answer.filter(|answer| !answer.is_empty()) {
            let answer = vec![Span::new(format!("→ {answer}"), Role::Text)];
            self.document.line(answer, Look { indent: 4, ..look });
        }
    }

    /// Draws the answers of another conversation, moved in, and what those began.
    fn nested(&mut self, reader: &Reader<'_>, link: Link, depth: usize) {
        let to = Some((Which::Conversation(link.id), link.process));
        let members = reader.members(link.id);
        let from = members.len().saturating_sub(NESTED);
        let children = reader.store().children_of(link.id).iter();
        let children = children.filter(|_| depth + 1 < DEEPEST).take(LINKS);
        let children: Vec<Link> = children.filter_map(|&id| Link::of(reader, id)).collect();
        self.document.shift(STEP * (depth + 1));
        if from > 0 {
            let text = format!("… {from} earlier exchanges: it has them, opened");
            self.document.line(vec![Span::new(text, Role::Faint)], Look::default());
        }
        for (at, &id) in members.iter().enumerate().skip(from) {
            let Some(record) = reader.exchange(id) else { continue };
            self.document.blank();
            self.begin_folding(Target { exchange: id, link: to }, (link.first, WHOLE));
            answer::push(&mut self.document, reader, record, Fold { all: true });
            let next = members.get(at + 1).copied();
            let meanwhile =
                |child: &&Link| child.first > id && next.is_none_or(|next| child.first < next);
            for child in children.iter().filter(meanwhile) {
                self.link(reader, *child, depth + 1);
            }
        }
        self.document.shift(STEP * depth);
    }

    /// Draws whom the conversation serves, where that is told.
    pub(super) fn parent(&mut self, reader: &Reader<'_>) {
        let Which::Conversation(own) = self.which else { return };
        let Some(parent) = reader.store().parent_of(own) else { return };
        let Some(record) = reader.extent(parent).and_then(|(_, last)| reader.exchange(last)) else {
            return;
        };
        let to = (Which::Conversation(parent), record.process);
        self.begin(Target { exchange: record.id, link: Some(to) });
        let text = "⤴ it serves another conversation";
        self.document.line(
            vec![Span::new(text, Role::Tool), Span::new(" · open this to go there", Role::Faint)],
            Look { bar: Role::Tool, ..Look::default() },
        );
    }
}

/// How many exchanges, tokens and dollars.
fn sums(reader: &Reader<'_>, link: Link) -> Vec<(String, Role)> {
    let members = reader.members(link.id);
    let whole = members.len() <= SUMMED;
    let mut tally = Tally::default();
    for record in members.iter().take(SUMMED).filter_map(|&id| reader.exchange(id)) {
        tally.add(&Tally::of(record));
    }
    let exchanges = if link.count == 1 { "exchange" } else { "exchanges" };
    let mut facts = vec![(format!("{} {exchanges}", link.count), Role::Dim)];
    if whole && (tally.input_tokens > 0 || tally.output_tokens > 0) {
        let tokens = |tokens| format::tokens_of(tokens, &tally);
        let tokens = [tally.input_tokens, tally.output_tokens].map(tokens);
        facts.push((tokens.join(" → "), Role::Dim));
    }
    if let Some(cost) = format::cost_of(&tally).filter(|_| whole) {
        facts.push((cost, Role::Money));
    }
    if !link.over {
        facts.push(("runs".to_owned(), Role::Live));
    }
    facts
}
