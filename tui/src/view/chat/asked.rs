//! What conversations were asked first. A whole request is parsed for it: once, and by a
//! thread.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use llmtop_parsers::Body;

use super::reading::Wanted;
use crate::store::{ExchangeId, Record};
use crate::view::asked;
use crate::view::task::Task;

/// Columns of what was asked.
pub(super) const GIST: usize = 200;

/// What exchanges were asked, as far as their requests were read.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// With the body that tells it, or does not.
    known: HashMap<ExchangeId, (Weak<Body>, Option<String>)>,
    wanted: Vec<Wanted>,
    reading: Option<Reading>,
}

/// Requests that are being read.
#[derive(Debug)]
struct Reading {
    of: Vec<ExchangeId>,
    task: Task<Vec<Option<String>>>,
}

impl Asked {
    /// It has to be known what this exchange was asked.
    pub(super) fn want(&mut self, record: &Record) {
        let Some(wanted) = Wanted::of(record) else { return };
        let of = Arc::as_ptr(&wanted.body);
        match self.known.get_mut(&record.id) {
            Some((known, _)) if known.as_ptr() == of => return,
            Some((known, _)) => *known = Arc::downgrade(&wanted.body),
            None => {
                self.known.insert(record.id, (Arc::downgrade(&wanted.body), None));
            }
        }
        self.wanted.push(wanted);
    }

    /// What an exchange was asked, in a line; `None`: not read yet, or not told.
    pub(super) fn of(&self, id: ExchangeId) -> Option<&str> {
        self.known.get(&id).and_then(|(_, asked)| asked.as_deref())
    }

    /// Has what is wanted read. Of which exchanges more is known now.
    pub(super) fn work(&mut self) -> Vec<ExchangeId> {
        if let Some(reading) = self.reading.take() {
            let Some(read) = reading.task.take() else {
                self.reading = Some(reading);
                return Vec::new();
            };
            let of = reading.of;
            // Nothing came of it, in the worst case.
            for (&id, told) in of.iter().zip(read.unwrap_or_default()) {
                if let Some((_, asked)) = self.known.get_mut(&id) {
                    *asked = told.or(asked.take());
                }
            }
            return of;
        }
        if !self.wanted.is_empty() {
            let wanted = std::mem::take(&mut self.wanted);
            let of = wanted.iter().map(|it| it.id).collect();
            let read = |it: &Wanted| asked(it.dialect, &it.body, GIST);
            let task = Task::begin(move || wanted.iter().map(read).collect());
            self.reading = Some(Reading { of, task });
        }
        Vec::new()
    }

    /// Whether something is read, or going to be.
    pub(super) fn is_reading(&self) -> bool {
        self.reading.is_some() || !self.wanted.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{asks, pending};

    /// Works until there is nothing to do.
    fn work(asked: &mut Asked) -> Vec<ExchangeId> {
        let mut told = asked.work();
        while asked.is_reading() {
            std::thread::yield_now();
            told.extend(asked.work());
        }
        told
    }

    #[test]
    fn a_request_is_read_once_and_never_where_it_is_wanted() {
        let mut asked = Asked::default();
        let mut record = pending(1, 1, 0, asks("why?"));
        let silent = pending(2, 1, 0, serde_json::json!(7));
        for record in [&record, &silent] {
            asked.want(record);
            assert_eq!((asked.of(record.id), asked.is_reading()), (None, true));
        }
        assert_eq!(work(&mut asked), [ExchangeId(1), ExchangeId(2)]);
        assert_eq!((asked.of(ExchangeId(1)), asked.of(ExchangeId(2))), (Some("why?"), None));
        // What does not tell is not read again and again.
        [&record, &silent].into_iter().for_each(|record| asked.want(record));
        assert!(!asked.is_reading());
        // Another body is.
        record.exchange.request.body = pending(1, 1, 0, asks("how?")).exchange.request.body;
        asked.want(&record);
        assert_eq!(asked.of(ExchangeId(1)), Some("why?"));
        assert_eq!(work(&mut asked), [ExchangeId(1)]);
        assert_eq!(asked.of(ExchangeId(1)), Some("how?"));
    }
}
