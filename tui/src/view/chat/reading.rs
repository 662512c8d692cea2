//! Reading requests: by a thread of their own, where that takes longer than a frame.

use std::collections::BTreeMap;
use std::sync::Arc;

use llmtop_parsers::Body;

use super::Chat;
use super::history::Told;
use super::turn;
use crate::store::{ExchangeId, Record};
use crate::view::Reader;
use crate::view::task::Task;

/// Bytes of requests that are read at once.
pub(super) const AT_ONCE: usize = 64 << 10;

/// A request that is to be read.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) id: ExchangeId,
    pub(super) dialect: &'static str,
    pub(super) body: Arc<Body>,
}

impl Wanted {
    /// An exchange's request, if there is one to be read.
    pub(super) fn of(record: &Record) -> Option<Self> {
        let body = Arc::clone(record.exchange.request.body.as_ref()?);
        Some(Wanted { id: record.id, dialect: record.exchange.dialect?, body })
    }
}

/// Requests that are being read.
#[derive(Debug)]
pub(super) struct Reading {
    of: Vec<Wanted>,
    task: Task<Vec<Option<Arc<Told>>>>,
}

/// Reads requests, the oldest first; `known` are those before and between that were.
fn read(wanted: &[Wanted], known: &mut BTreeMap<ExchangeId, Arc<Told>>) -> Vec<Option<Arc<Told>>> {
    let read = |Wanted { id, dialect, body }: &Wanted| {
        let before = known.range(..id).next_back().map(|(_, told)| told.as_ref());
        let told = Told::read(dialect, body, before).map(Arc::new);
        known.extend(told.iter().map(|told| (*id, Arc::clone(told))));
        told
    };
    wanted.iter().map(read).collect()
}

impl Chat {
    /// Reads what [`refresh`](Self::refresh) found missing, or has it read. `true`:
    /// something was.
    pub fn work(&mut self) -> bool {
        if let Some(sent) = &mut self.sent {
            return sent.work();
        }
        let linked = self.links.work();
        if let Some(first) = linked {
            self.draw_asked(first);
        }
        self.read_on() || linked.is_some()
    }

    /// Goes on reading requests. `true`: some are read.
    fn read_on(&mut self) -> bool {
        let (of, told) = match self.reading.take() {
            Some(reading) => match reading.task.take() {
                None => {
                    self.reading = Some(reading);
                    return false;
                }
                Some(told) => {
                    // Nothing came of it, in the worst case.
                    let told = told.unwrap_or_else(|| vec![None; reading.of.len()]);
                    (reading.of, told)
                }
            },
            None if self.wanted.is_empty() => return false,
            None => {
                let wanted = std::mem::take(&mut self.wanted);
                let told = self.told.iter();
                let known = told.filter_map(|(&id, (_, told))| Some((id, told.clone()?)));
                let mut known: BTreeMap<_, _> = known.collect();
                if wanted.iter().map(|it| it.body.bytes.len()).sum::<usize>() > AT_ONCE {
                    let of = wanted.clone();
                    let task = Task::begin(move || read(&wanted, &mut known));
                    self.reading = Some(Reading { of, task });
                    return false;
                }
                let told = read(&wanted, &mut known);
                (wanted, told)
            }
        };
        for (Wanted { id, body, .. }, told) in of.into_iter().zip(told) {
            self.is_told(id, told.as_deref());
            self.told.insert(id, (body, told));
        }
        true
    }

    /// Whether all of it is read.
    pub fn is_read(&self) -> bool {
        self.wanted.is_empty() && self.reading.is_none()
    }

    /// Whether a thread reads.
    pub fn is_reading(&self) -> bool {
        match &self.sent {
            Some(sent) => sent.is_reading(),
            None => self.reading.is_some() || self.links.is_reading(),
        }
    }

    /// Whether the request of an exchange is going to be read.
    pub(super) fn waits(&self, id: ExchangeId) -> bool {
        let reading = self.reading.as_ref().map_or(&[][..], |reading| &reading.of);
        let waits = |of: &[Wanted]| of.binary_search_by_key(&id, |it| it.id).is_ok();
        waits(&self.wanted) || waits(reading)
    }

    /// What of these members is not read yet is wanted.
    pub(super) fn want(&mut self, reader: &Reader<'_>, from: usize) {
        let being_read = |id: ExchangeId, body: &Arc<Body>| {
            let reading = self.reading.iter().flat_map(|reading| &reading.of);
            reading.chain(&self.wanted).any(|it| it.id == id && Arc::ptr_eq(&it.body, body))
        };
        let records = self.members.iter().skip(from).filter_map(|&id| reader.exchange(id));
        let missing = records.filter_map(Wanted::of).filter(|Wanted { id, body, .. }| {
            let read = self.told.get(id).is_some_and(|(of, _)| Arc::ptr_eq(of, body));
            !read && !being_read(*id, body)
        });
        let missing: Vec<Wanted> = missing.collect();
        self.wanted.retain(|wanted| !missing.iter().any(|it| it.id == wanted.id));
        self.wanted.extend(missing);
        self.wanted.sort_by_key(|wanted| wanted.id);
    }

    /// A request was read: what is shown from its turn on is another, or from where the
    /// tools were called that it tells the results of.
    fn is_told(&mut self, id: ExchangeId, told: Option<&Told>) {
        let mut first = id;
        for said in told.iter().flat_map(|told| &told.fresh).map(|(_, said)| said) {
            for call in turn::calls(said) {
                self.calls.insert(call, id);
            }
            for (call, outcome) in turn::outcomes(said) {
                let called = self.calls.get(&call).copied().or(self.echoes.caller(&call, id));
                first = first.min(called.unwrap_or(id));
                self.outcomes.insert(call, outcome);
            }
        }
        self.draw_from(self.members.partition_point(|&member| member < first));
    }

    /// What requests told is forgotten.
    pub(super) fn forget(&mut self) {
        self.told.clear();
        self.calls.clear();
        self.outcomes.clear();
        (self.wanted, self.reading) = (Vec::new(), None);
    }
}
