//! One turn of a chat: what is new in a request, and its answer.

use super::history::{Outcome, Piece, Said, Told};
use super::{Chat, Key, Target, Turn};
use crate::store::{ExchangeId, Record};
use crate::view::answer::{self, FOLDED, Fold, Shown};
use crate::view::text::{Look, TextDocument};
use crate::view::{Reader, Role, Span, format, gist};

impl Chat {
    /// Draws a turn.
    pub(super) fn turn(&mut self, reader: &Reader<'_>, at: usize) {
        let Some(&id) = self.members.get(at) else { return };
        let Some(record) = reader.exchange(id) else { return };
        self.space();
        match self.told.get(&id).and_then(|(_, told)| told.clone()) {
            Some(told) => self.asked(reader, record, &told),
            None => {
                let waits = self.wanted.iter().any(|(wanted, ..)| *wanted == id);
                self.begin(Target { exchange: id, link: None });
                self.unread(record, waits);
            }
        }
        let answer = (self.document.mark(), self.groups.len());
        let asked = record.exchange.request.body.is_some();
        self.turns.push(Turn { id, answer, shown: None, asked });
        self.answer(reader, at);
    }

    /// Draws a turn's answer, and the conversations that began meanwhile.
    pub(super) fn answer(&mut self, reader: &Reader<'_>, at: usize) {
        let Some(&id) = self.members.get(at) else { return };
        let Some(record) = reader.exchange(id) else { return };
        self.space();
        let key = self.begin(Target { exchange: id, link: None });
        let fold = Fold { all: self.folded(key, false) };
        let limit = self.limit(key);
        let outcomes = &self.outcomes;
        answer::push_with(&mut self.document, reader, record, fold, &mut |document, call| {
            if let Some(outcome) = call.id.as_deref().and_then(|id| outcomes.get(id)) {
                returned(document, outcome, limit);
            }
        });
        if let Some(turn) = self.turns.iter_mut().rev().find(|turn| turn.id == id) {
            turn.shown = Some(Shown::of(reader, record));
        }
        let next = self.members.get(at + 1).copied();
        self.linked(reader, id, next);
    }

    /// Lines of a result that is folded: as the message is, the other way round,
    /// for results are long.
    fn limit(&self, key: Key) -> Option<usize> {
        (!self.toggled.contains(&key) && self.all.unwrap_or(true)).then_some(FOLDED)
    }

    fn space(&mut self) {
        if !self.document.is_empty() && !self.document.ends_blank() {
            self.document.blank();
        }
    }

    /// Why a request's messages are not there.
    fn unread(&mut self, record: &Record, waits: bool) {
        let (text, role) = if waits {
            ("reading the request …", Role::Dim)
        } else if record.exchange.request.body.is_none() && record.exchange.timing.sent.is_none() {
            ("the request is being sent …", Role::Dim)
        } else {
            let text = "the request is not read here: its body is not (or not wholly) known; \
                its detail shows what there is";
            (text, Role::Warning)
        };
        self.document.own(text.into(), Look { role, ..Look::default() });
    }

    /// What is new in a request.
    fn asked(&mut self, reader: &Reader<'_>, record: &Record, told: &Told) {
        let target = Target { exchange: record.id, link: None };
        let note = |chat: &mut Chat, text: String, role| {
            chat.begin(target);
            chat.document.line(vec![Span::new(text, role)], Look::default());
        };
        if told.gone > 0 {
            let (gone, before) = (told.gone, told.before);
            let text = format!("─── {gone} of {before} earlier messages are not sent any more ───");
            note(self, text, Role::Faint);
        }
        if told.fresh.is_empty() {
            let text = match told.len() {
                0 => "no messages are in the request".to_owned(),
                _ => "the same messages again".to_owned(),
            };
            return note(self, text, Role::Dim);
        }
        let mut fresh = told.fresh.iter().map(|(_, said)| said).peekable();
        while let Some(said) = fresh.next() {
            if said.is_assistant() {
                let mut run = vec![said];
                while let Some(next) = fresh.next_if(|next| next.is_assistant()) {
                    run.push(next);
                }
                self.said_before(reader, record.id, &run);
            } else if !self.is_joined(said) {
                self.message(reader, said, target, None);
            }
        }
    }

    /// Messages that a client sends as the model's: shown, unless they were seen
    /// as an answer that is shown above.
    fn said_before(&mut self, reader: &Reader<'_>, id: ExchangeId, run: &[&Said]) {
        match self.echoes.of(run, id) {
            Some(seen) if self.turns.iter().any(|turn| turn.id == seen) => {}
            Some(seen) => {
                let target = Target { exchange: seen, link: None };
                let mut head = reader.exchange(seen);
                for said in run {
                    self.message(reader, said, target, head.take());
                }
            }
            // Cut into several, with tools' results between, say.
            None if run.len() > 1 => {
                run.iter().for_each(|said| self.said_before(reader, id, &[*said]));
            }
            None => {
                let target = Target { exchange: id, link: None };
                for said in run.iter().filter(|said| !said.parts.is_empty()) {
                    self.message(reader, said, target, None);
                }
            }
        }
    }

    /// Whether all of a message is shown beside the calls that it answers.
    fn is_joined(&self, said: &Said) -> bool {
        let joined = |part: &Piece| match part {
            Piece::Result(Outcome { id: Some(id), .. }) => self.calls.contains(id),
            _ => false,
        };
        said.role == "tool" && said.parts.iter().all(joined)
    }

    fn message(
        &mut self,
        reader: &Reader<'_>,
        said: &Said,
        target: Target,
        answers: Option<&Record>,
    ) {
        self.space();
        let key = self.begin(target);
        let head = match answers {
            Some(record) => answer::head(reader, &record.exchange),
            None => {
                let mut head = vec![Span::new(gist(&said.role, 24), role(said))];
                if said.is_assistant() {
                    head.push(Span::new("  as the client sends it", Role::Dim));
                } else if let Some(record) = reader.exchange(target.exchange)
                    && said.role == "user"
                {
                    let at = format::clock(record.exchange.timing.started, reader.utc_offset);
                    head.push(Span::new(format!("  {at}"), Role::Dim));
                }
                head
            }
        };
        let folded = self.folded(key, matches!(role(said), Role::System | Role::Tool));
        let limit = self.limit(key);
        let outcomes = &self.outcomes;
        push(&mut self.document, said, head, folded, &mut |document, id| {
            if let Some(outcome) = outcomes.get(id) {
                returned(document, outcome, limit);
            }
        });
    }
}

/// Adds a message to a document. `results` adds what a call returned.
pub(super) fn push(
    document: &mut TextDocument,
    said: &Said,
    head: Vec<Span>,
    folded: bool,
    results: &mut dyn FnMut(&mut TextDocument, &str),
) {
    let role = role(said);
    let look = Look { bar: role, ..Look::default() };
    let short = folded.then_some(FOLDED);
    document.line(head, look);
    for part in &said.parts {
        match part {
            Piece::Text(text) => {
                let prose = matches!(role, Role::User | Role::Assistant);
                let role = if role == Role::System { Role::Dim } else { Role::Text };
                document.own(text.clone(), Look { role, prose, limit: short, ..look });
            }
            Piece::Reasoning(text) => {
                let look = Look { role: Role::Reasoning, limit: Some(FOLDED), ..look };
                document.own(text.clone(), look);
            }
            Piece::Call(call) => {
                answer::tool_call(document, call, look, short);
                if let Some(id) = &call.id {
                    results(document, id);
                }
            }
            Piece::Result(outcome) => returned(document, outcome, short),
            Piece::Other { kind, bytes } => {
                let text = format!("[{}, {}]", gist(kind, 40), format::bytes(*bytes));
                document.line(vec![Span::new(text, Role::Dim)], look);
            }
        }
    }
}

/// The results in a message, by their calls' ids.
pub(super) fn outcomes(said: &Said) -> impl Iterator<Item = (String, Outcome)> {
    said.parts.iter().filter_map(|part| match part {
        Piece::Result(outcome) => Some((outcome.id.clone()?, outcome.clone())),
        _ => None,
    })
}

/// The ids of the calls in a message.
pub(super) fn calls(said: &Said) -> impl Iterator<Item = String> {
    said.parts.iter().filter_map(|part| match part {
        Piece::Call(call) => call.id.clone(),
        _ => None,
    })
}

fn returned(document: &mut TextDocument, outcome: &Outcome, limit: Option<usize>) {
    let (mark, role) = if outcome.error { ("✗", Role::Error) } else { ("↳", Role::Tool) };
    let look = Look { bar: Role::Tool, indent: 2, ..Look::default() };
    let size = format::bytes(outcome.text.len() as u64);
    document.line(
        vec![Span::new(format!("{mark} "), role), Span::new(format!("result, {size}"), Role::Dim)],
        look,
    );
    if !outcome.text.is_empty() {
        let role = if outcome.error { Role::Error } else { Role::Dim };
        document.own(outcome.text.clone(), Look { role, indent: 4, limit, ..look });
    }
}

pub(super) fn role(said: &Said) -> Role {
    match said.role.as_str() {
        "assistant" | "model" => Role::Assistant,
        "user" => Role::User,
        "tool" | "function" => Role::Tool,
        _ => Role::System,
    }
}
