//! Which call of an answer began another conversation, where that is told.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use llmtop_parsers::ToolCall;

use super::Chat;
use super::asked::GIST;
use super::links::Link;
use crate::store::{ExchangeId, Record, is_over};
use crate::view::{Reader, gist};

/// Bytes of a text by which a call and a conversation are told to belong together, at
/// least: a word says nothing.
const TELLING: usize = 8;

/// Bytes of a call's arguments that are looked at.
const PARSED: usize = 64 << 10;

/// Turns that may have come between a call and what it began.
pub(super) const LATE: usize = 16;

/// What calls ask for, so that each is read once.
#[derive(Debug, Default)]
pub(super) struct Origins {
    /// The texts among a call's arguments, with these arguments' length.
    texts: HashMap<(ExchangeId, usize), (usize, Vec<String>)>,
    /// In which turn stands what began later: by its first exchange.
    late: HashMap<ExchangeId, ExchangeId>,
}

impl Origins {
    /// The turn below whose call stands what began with this exchange, if that was not the
    /// last turn before.
    pub(super) fn late(&self, first: ExchangeId) -> Option<ExchangeId> {
        self.late.get(&first).copied()
    }

    /// Whether one of a call's arguments is what was asked.
    fn asks(&mut self, at: (ExchangeId, usize), call: &ToolCall, asked: &str) -> bool {
        let length = call.arguments.len();
        let entry = self.texts.entry(at);
        let texts = match entry {
            Entry::Occupied(known) if known.get().0 == length => &known.into_mut().1,
            entry => &entry.insert_entry((length, texts(call))).into_mut().1,
        };
        texts.iter().any(|text| text == asked)
    }
}

/// The texts among a call's arguments, a line of each.
fn texts(call: &ToolCall) -> Vec<String> {
    let arguments = (call.arguments.len() <= PARSED).then(|| serde_json::from_str(&call.arguments));
    let Some(Ok(serde_json::Value::Object(arguments))) = arguments else { return Vec::new() };
    let texts = arguments.values().filter_map(serde_json::Value::as_str);
    texts.map(|text| gist(text, GIST)).collect()
}

impl Chat {
    /// Which of an answer's calls began which of the conversations: of those that began
    /// before the next turn by what the call returned, or what it asked for; of later ones,
    /// which run beside the turns that follow, by the latter alone.
    pub(super) fn begun_by(
        &mut self,
        reader: &Reader<'_>,
        record: &Record,
        next: Option<ExchangeId>,
    ) -> Vec<(usize, Link)> {
        let calls = &record.exchange.response.tool_calls;
        let mut begun: Vec<(usize, Link)> = Vec::new();
        if calls.is_empty() {
            return begun;
        }
        for link in self.links.between(record.id, next) {
            let free = |place: &usize| begun.iter().all(|(taken, _)| taken != place);
            let places: Vec<usize> = (0..calls.len()).filter(free).collect();
            if let Some(place) = self.call_of(reader, record, &link, &places) {
                begun.push((place, link));
            }
        }
        let at = self.members.partition_point(|&member| member <= record.id);
        let until = self.members.get(at + LATE).copied();
        let later = next.map_or(Vec::new(), |next| self.links.between(next, until));
        for link in later {
            if let Some((turn, place)) = self.late_origin(reader, &link)
                && turn == record.id
            {
                self.origins.late.insert(link.first, turn);
                begun.push((place, link));
            }
        }
        begun
    }

    /// The turn before the last one before a conversation began, and which of its calls began
    /// it: the latest that asks for what was asked there.
    pub(super) fn late_origin(
        &mut self,
        reader: &Reader<'_>,
        link: &Link,
    ) -> Option<(ExchangeId, usize)> {
        let asked = self.links.asked.of(link.first).filter(|text| text.len() >= TELLING)?;
        let asked = asked.to_owned();
        let own = self.members.partition_point(|&member| member < link.first).checked_sub(1)?;
        let record = reader.exchange(self.members[own])?;
        let places: Vec<usize> = (0..record.exchange.response.tool_calls.len()).collect();
        if self.call_of(reader, record, link, &places).is_some() {
            return None;
        }
        for at in (own.saturating_sub(LATE)..own).rev() {
            let Some(record) = reader.exchange(self.members[at]) else { continue };
            let mut calls = record.exchange.response.tool_calls.iter().enumerate();
            let place =
                calls.find(|(place, call)| self.origins.asks((record.id, *place), call, &asked));
            if let Some((place, _)) = place {
                return Some((record.id, place));
            }
        }
        None
    }

    /// Which of these calls of an answer began a conversation.
    fn call_of(
        &mut self,
        reader: &Reader<'_>,
        record: &Record,
        link: &Link,
        places: &[usize],
    ) -> Option<usize> {
        let calls = &record.exchange.response.tool_calls;
        let answer = reader.exchange(link.last).filter(|it| is_over(&it.exchange));
        let answer = answer.and_then(|it| it.exchange.response.text.as_deref());
        let answer = answer.map(str::trim).filter(|text| text.len() >= TELLING);
        let asked = self.links.asked.of(link.first).filter(|text| text.len() >= TELLING);
        let returned = |place: &&usize| {
            let outcome = calls[**place].id.as_deref().and_then(|id| self.outcomes.get(id));
            answer.is_some_and(|text| outcome.is_some_and(|it| it.text.contains(text)))
        };
        if let Some(&place) = places.iter().find(returned) {
            return Some(place);
        }
        let asked = asked?;
        let origins = &mut self.origins;
        let mut asks = places.iter().copied();
        asks.find(|&place| origins.asks((record.id, place), &calls[place], asked))
    }
}
