//! Where the exchanges of a connection go.

use std::collections::VecDeque;

use super::worth::Worth;
use crate::{Event, Exchange, ExchangeSeq, Verdict};

/// What outlives a change of protocol: how exchanges are numbered, and what is
/// told of them.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    pub(super) next: u64,
    pub(super) queue: VecDeque<Event>,
    pub(super) worth: Worth,
}

impl Carried {
    pub(crate) fn poll(&mut self) -> Option<Event> {
        self.queue.pop_front()
    }

    pub(crate) fn ledger(&mut self) -> Ledger<'_> {
        Ledger { next: &mut self.next, queue: &mut self.queue, worth: &mut self.worth }
    }
}

/// The same, lent to who makes exchanges.
#[derive(Debug)]
pub(crate) struct Ledger<'a> {
    pub(super) next: &'a mut u64,
    pub(super) queue: &'a mut VecDeque<Event>,
    pub(super) worth: &'a mut Worth,
}

impl Ledger<'_> {
    pub(super) fn seq(&mut self) -> ExchangeSeq {
        let seq = ExchangeSeq(*self.next);
        *self.next += 1;
        seq
    }

    pub(super) fn told(&mut self, verdict: Option<Verdict>) {
        if let Some(verdict) = verdict {
            self.queue.push_back(Event::Verdict(verdict));
        }
    }

    pub(super) fn finished(&mut self, exchange: Box<Exchange>) {
        self.queue.push_back(Event::Finished(exchange));
    }
}
