//! One turn of a chat: what is new in a request, and its answer.

use std::iter;

use super::drawing::Cursor;
use super::history::{Outcome, Piece, Said, Told};
use super::{Chat, Key, Target, Turn};
use crate::store::{ExchangeId, Record};
use crate::view::answer::{self, FOLDED, Fold, Shown};
use crate::view::text::{Look, TextDocument};
use crate::view::{Reader, Role, Span, format, gist};

impl Chat {
    /// Draws a turn, or goes on to, until the budget is used up.
    pub(super) fn turn(&mut self, reader: &Reader<'_>, at: &mut Cursor, budget: &mut usize) {
        let Some(&id) = self.members.get(at.turn) else { return };
        if at.message == 0 {
            at.begun = (self.document.mark(), self.groups.len());
        }
        let mut turn = Turn { id, begun: at.begun, answer: at.begun, shown: None, asked: false };
        if let Some(record) = reader.exchange(id) {
            if at.message == 0 {
                self.space();
            }
            match self.told.get(&id).and_then(|(_, told)| told.clone()) {
                Some(told) => {
                    if !self.asked(reader, record, &told, &mut at.message, budget) {
                        return;
                    }
                }
                None => {
                    self.begin(Target { exchange: id, link: None });
                    self.unread(record, self.waits(id));
                }
            }
            turn.answer = (self.document.mark(), self.groups.len());
            turn.asked = record.exchange.request.body.is_some();
        }
        self.turns.push(turn);
        self.answer(reader, at.turn);
        *at = Cursor { turn: at.turn + 1, ..Cursor::default() };
        *budget = budget.saturating_sub(1);
    }

    /// Draws a turn's answer, and the conversations that began meanwhile: those of which it
    /// is told which call began them, below that.
    pub(super) fn answer(&mut self, reader: &Reader<'_>, at: usize) {
        let Some(&id) = self.members.get(at) else { return };
        let Some(record) = reader.exchange(id) else { return };
        self.space();
        let target = Target { exchange: id, link: None };
        let key = self.begin(target);
        let fold = Fold { all: self.folded(key, false) };
        let limit = self.limit(key);
        let next = self.members.get(at + 1).copied();
        let begun = self.begun_by(reader, record, next);
        answer::words(&mut self.document, reader, record, fold);
        for (place, call) in record.exchange.response.tool_calls.iter().enumerate() {
            answer::tool_call(&mut self.document, call, answer::LOOK, fold.limit());
            if let Some(outcome) = call.id.as_deref().and_then(|id| self.outcomes.get(id)) {
                returned(&mut self.document, outcome, limit);
            }
            for (_, link) in begun.iter().filter(|(call, _)| *call == place) {
                self.link(reader, *link, 0);
                self.begin_folding(target, key);
            }
        }
        answer::end(&mut self.document, &record.exchange);
        if let Some(turn) = self.turns.get_mut(at) {
            turn.shown = Some(Shown::of(reader, record));
        }
        self.linked(reader, id, next, &begun);
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

    /// What is new in a request, from a message on, until the budget is used up. `true`:
    /// all of it.
    fn asked(
        &mut self,
        reader: &Reader<'_>,
        record: &Record,
        told: &Told,
        at: &mut usize,
        budget: &mut usize,
    ) -> bool {
        let target = Target { exchange: record.id, link: None };
        if *at == 0 {
            for (text, role) in told.notes() {
                self.begin(target);
                self.document.line(vec![Span::new(text, role)], Look::default());
            }
        }
        while let Some((_, said)) = told.fresh.get(*at) {
            if *budget == 0 {
                return false;
            }
            let begun = *at;
            *at += 1;
            if said.is_assistant() {
                let rest = told.fresh.iter().skip(*at).map(|(_, said)| said);
                let run: Vec<&Said> =
                    iter::once(said).chain(rest.take_while(|said| said.is_assistant())).collect();
                *at = begun + run.len();
                self.said_before(reader, record.id, &run);
            } else if !self.is_joined(said) {
                self.message(reader, said, target, None);
            }
            *budget = budget.saturating_sub(*at - begun);
        }
        true
    }

    /// Messages that a client sends as the model's: shown, unless they were seen
    /// as an answer that is shown above.
    fn said_before(&mut self, reader: &Reader<'_>, id: ExchangeId, run: &[&Said]) {
        match self.echoes.of(run, id) {
            Some(seen) if self.turns.binary_search_by_key(&seen, |turn| turn.id).is_ok() => {}
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
            Piece::Result(Outcome { id: Some(id), .. }) => {
                self.calls.contains_key(id) || self.echoes.calls(id)
            }
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
