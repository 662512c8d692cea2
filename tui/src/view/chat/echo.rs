//! Answers that clients send back with their next request: told apart from
//! what was never seen as an answer.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};

use super::Chat;
use super::history::{Piece, Said};
use crate::store::{ExchangeId, Record};
use crate::view::{Reader, is_over};

/// Bytes of answers that are read at once.
const AT_ONCE: usize = 256 << 10;

/// The answers of a conversation, by their calls' ids and by their text. Several may be
/// alike; they are in order.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    calls: HashMap<String, Vec<ExchangeId>>,
    texts: HashMap<u64, Vec<ExchangeId>>,
    /// The last answer that was read, and those before it that had not ended.
    last: Option<ExchangeId>,
    open: Vec<ExchangeId>,
}

impl Echoes {
    /// Takes in an answer. Gives what it took to read it.
    fn add(&mut self, record: &Record) -> usize {
        let put = |alike: &mut Vec<ExchangeId>| {
            if let Err(place) = alike.binary_search(&record.id) {
                alike.insert(place, record.id);
            }
        };
        let answer = &record.exchange.response;
        for id in answer.tool_calls.iter().filter_map(|call| call.id.clone()) {
            put(self.calls.entry(id).or_default());
        }
        let names = answer.tool_calls.iter().map(|call| call.name.as_deref());
        let text = answer.text.as_deref().unwrap_or("");
        if let Some(mark) = mark([text].into_iter(), names) {
            put(self.texts.entry(mark).or_default());
        }
        text.len() + 256
    }

    /// Whether a call is in one of the answers.
    pub(super) fn calls(&self, id: &str) -> bool {
        self.calls.contains_key(id)
    }

    /// The last answer before a request that has this call.
    pub(super) fn caller(&self, call: &str, request: ExchangeId) -> Option<ExchangeId> {
        last(self.calls.get(call)?, request)
    }

    /// The exchange whose answer these messages in a row are, which a request sends: the
    /// last one before it.
    pub(super) fn of(&self, run: &[&Said], request: ExchangeId) -> Option<ExchangeId> {
        let last = |alike: &Vec<ExchangeId>| last(alike, request);
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

/// The last of them before a request.
fn last(alike: &[ExchangeId], request: ExchangeId) -> Option<ExchangeId> {
    let before = alike.partition_point(|&id| id < request);
    alike.get(before.checked_sub(1)?).copied()
}

impl Chat {
    /// Reads the answers that came, as far as there is time. `true`: all of them.
    pub(super) fn echo(&mut self, reader: &Reader<'_>) -> bool {
        let echoes = &mut self.echoes;
        let from = self.members.partition_point(|id| Some(*id) <= echoes.last);
        let mut bytes = 0;
        if from < self.members.len() {
            // What has been said so far may be sent back already.
            for id in std::mem::take(&mut echoes.open) {
                let Some(record) = reader.exchange(id) else { continue };
                bytes += echoes.add(record);
                if !is_over(&record.exchange) {
                    echoes.open.push(id);
                }
            }
        }
        for id in self.members.iter().skip(from) {
            if bytes > AT_ONCE {
                return false;
            }
            if let Some(record) = reader.exchange(*id) {
                bytes += echoes.add(record);
                if !is_over(&record.exchange) {
                    echoes.open.push(*id);
                }
            }
            echoes.last = Some(*id);
        }
        true
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
        // The same, whatever pieces it is written in: the hash is of all bytes in a row.
        hasher.write(word.as_bytes());
    }
    for name in names {
        some = true;
        hasher.write_u8(0xff);
        hasher.write(name.unwrap_or("").as_bytes());
    }
    some.then(|| hasher.finish())
}
