//! Answers that clients send back with their next request: told apart from
//! what was never seen as an answer.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};

use super::history::{Piece, Said};
use crate::store::ExchangeId;
use crate::view::Reader;

/// Answers that are remembered, the latest.
const ANSWERS: usize = 4000;

/// The answers of a conversation, by their calls' ids and by their text. Several may be
/// alike; they are in order.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    calls: HashMap<String, Vec<ExchangeId>>,
    texts: HashMap<u64, Vec<ExchangeId>>,
}

impl Echoes {
    pub(super) fn new(reader: &Reader<'_>, members: &[ExchangeId]) -> Self {
        let mut echoes = Echoes::default();
        let from = members.len().saturating_sub(ANSWERS);
        let records = members.iter().skip(from).filter_map(|&id| reader.exchange(id));
        for record in records {
            let answer = &record.exchange.response;
            for id in answer.tool_calls.iter().filter_map(|call| call.id.clone()) {
                echoes.calls.entry(id).or_default().push(record.id);
            }
            let names = answer.tool_calls.iter().map(|call| call.name.as_deref());
            let text = answer.text.as_deref().unwrap_or("");
            if let Some(mark) = mark([text].into_iter(), names) {
                echoes.texts.entry(mark).or_default().push(record.id);
            }
        }
        echoes
    }

    /// The ids of all calls.
    pub(super) fn calls(&self) -> impl Iterator<Item = String> {
        self.calls.keys().cloned()
    }

    /// The exchange whose answer these messages in a row are, which a request sends: the
    /// last one before it.
    pub(super) fn of(&self, run: &[&Said], request: ExchangeId) -> Option<ExchangeId> {
        let last = |alike: &Vec<ExchangeId>| {
            let before = alike.partition_point(|&id| id < request);
            alike.get(before.checked_sub(1)?).copied()
        };
        let parts = || run.iter().flat_map(|said| &said.parts);
        let by_call = parts().find_map(|part| match part {
            Piece::Call(call) => self.calls.get(call.id.as_deref()?).and_then(last),
            _ => None,
        });
        by_call.or_else(|| {
            let texts = parts().filter_map(|part| match part {
                Piece::Text(text) => Some(&**text),
                _ => None,
            });
            let names = parts().filter_map(|part| match part {
                Piece::Call(call) => Some(call.name.as_deref()),
                _ => None,
            });
            self.texts.get(&mark(texts, names)?).and_then(last)
        })
    }
}

/// What a text and calls are told by, white space aside: clients trim it, and
/// cut texts into parts. `None`: there is nothing.
fn mark<'a>(
    texts: impl Iterator<Item = &'a str>,
    names: impl Iterator<Item = Option<&'a str>>,
) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    let mut some = false;
    for word in texts.flat_map(str::split_whitespace) {
        some = true;
        word.bytes().for_each(|byte| hasher.write_u8(byte));
    }
    for name in names {
        some = true;
        hasher.write_u8(0xff);
        hasher.write(name.unwrap_or("").as_bytes());
    }
    some.then(|| hasher.finish())
}
