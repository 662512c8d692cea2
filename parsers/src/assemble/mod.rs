//! Exchanges, put together from the messages of both directions.

mod answering;
mod calls;
mod incoming;
mod ledger;
mod open;
mod reader;
mod sinks;
mod socket;
mod spoken;
mod streams;
mod upgrade;
mod worth;

use std::collections::VecDeque;

use crate::{Event, ExchangeSeq, Limits, Role, State, Timestamp, Verdict};
use open::Open;
use sinks::{Requests, Responses};
use streams::name;
use upgrade::LeftFor;
use worth::Worth;

pub(crate) use calls::Calls;
pub(crate) use ledger::{Carried, Ledger};
pub(crate) use socket::Socket;
pub(crate) use streams::Streams;
pub(crate) use upgrade::Left;

/// Pairs responses with requests, in order (RFC 9112, section 9.3.2), and
/// says what becomes of each exchange.
///
/// Driven by two [`Sink`](crate::http1::Sink)s, [`requests`](Self::requests) and
/// [`responses`](Self::responses). Where bytes were lost it takes a client for
/// one that waits for its answer before it asks again, unless that client was
/// seen not to wait: then what cannot be paired for sure is told unpaired.
#[derive(Debug)]
pub(crate) struct Assembler {
    limits: Limits,
    role: Role,
    /// In the order of their requests.
    open: VecDeque<Open>,
    next: u64,
    queue: VecDeque<Event>,
    /// Lost of requests that nothing is known of: one of them may be what the
    /// next response answers.
    request_lost: u64,
    /// Lost of responses that nothing is known of: the oldest open exchange's,
    /// unless its response comes after all.
    response_lost: u64,
    /// Unknown bytes of requests passed, and no response since.
    asked_unseen: bool,
    /// Bytes of either direction were lost since the oldest open exchange began.
    torn: bool,
    /// Bytes of a response were: perhaps all of it.
    answer_torn: bool,
    /// Requests may have been sent before the first that was seen.
    joined_midway: bool,
    /// A request was seen, and answered.
    paired: bool,
    /// A second request was seen before the first was answered.
    pipelines: bool,
    /// Which response answers which request is not known any more.
    unpaired: bool,
    /// The body of the response that is passing belongs to `open[0]`.
    answering: bool,
    asking: bool,
    /// The peers agreed to go on in another protocol.
    left_for: Option<LeftFor>,
    /// A response that answers nothing yet waits for its request.
    patient: bool,
    /// One does.
    early: bool,
    worth: Worth,
}

impl Assembler {
    pub(crate) fn new(role: Role, limits: Limits, joined_midway: bool) -> Self {
        Assembler {
            limits,
            role,
            open: VecDeque::new(),
            next: 0,
            queue: VecDeque::new(),
            request_lost: 0,
            response_lost: 0,
            asked_unseen: false,
            torn: false,
            answer_torn: false,
            joined_midway,
            paired: false,
            pipelines: false,
            unpaired: false,
            answering: false,
            asking: false,
            left_for: None,
            patient: true,
            early: false,
            worth: Worth::default(),
        }
    }

    /// Whether the response to a request is still to begin, or to end.
    pub(crate) fn expects_answer(&self) -> bool {
        self.open.iter().any(|open| !open.response_done)
    }

    /// Whether a response waits for its request.
    pub(crate) fn set_early(&mut self, early: bool) {
        self.early = early;
    }

    /// From here on none does.
    pub(crate) fn lose_patience(&mut self) {
        self.patient = false;
    }

    pub(crate) fn is_patient(&self) -> bool {
        self.patient
    }

    /// Where the direction of the requests goes.
    pub(crate) fn requests(&mut self) -> Requests<'_> {
        Requests(self)
    }

    /// Where the direction of the responses goes.
    pub(crate) fn responses(&mut self) -> Responses<'_> {
        Responses(self)
    }

    pub(crate) fn poll(&mut self) -> Option<Event> {
        self.queue.pop_front()
    }

    /// What is now known of the connection's worth, told once.
    pub(crate) fn judge(&mut self, verdict: Verdict) {
        let verdict = self.worth.judge(verdict);
        self.told(verdict);
    }

    fn told(&mut self, verdict: Option<Verdict>) {
        if let Some(verdict) = verdict {
            self.queue.push_back(Event::Verdict(verdict));
        }
    }

    /// The connection ended.
    pub(crate) fn close(&mut self, time: Timestamp) {
        self.abort_all(time, "the connection ended first");
    }

    fn seq(&mut self) -> ExchangeSeq {
        let seq = ExchangeSeq(self.next);
        self.next += 1;
        seq
    }

    fn abort_all(&mut self, time: Timestamp, why: &str) {
        self.abort_first(self.open.len(), time, why);
    }

    /// Ends the `count` oldest exchanges, their messages unfinished.
    fn abort_first(&mut self, count: usize, time: Timestamp, why: &str) {
        for mut open in self.open.drain(..count) {
            // Of all that is open, the oldest lacks what was lost.
            open.exchange.lost_bytes =
                open.exchange.lost_bytes.saturating_add(std::mem::take(&mut self.response_lost));
            let exchange = open.cut(time, why, &mut self.queue);
            self.queue.push_back(Event::Finished(exchange));
        }
        if count > 0 {
            self.answering = false;
            self.asking &= !self.open.is_empty();
        }
        self.mend();
    }

    /// With the last exchange that a loss may have touched, the doubt ends.
    fn mend(&mut self) {
        self.torn &= !self.open.is_empty();
        self.answer_torn &= !self.open.is_empty();
    }

    /// The message whose head just told is worth a look, or is not.
    fn weigh(&mut self, telling: bool) {
        let verdict = self.worth.message(telling);
        self.told(verdict);
    }

    fn weigh_bytes(&mut self, telling: bool, bytes: usize) {
        let verdict = self.worth.bytes(telling, bytes);
        self.told(verdict);
    }

    /// Ends the oldest exchange if both its messages have.
    fn finish_first(&mut self, time: Timestamp) {
        let Some(first) = self.open.front() else { return };
        if !(first.request_done && first.response_done) {
            return;
        }
        let Some(first) = self.open.pop_front() else { return };
        self.paired |= first.exchange.request.method.is_some();
        let telling = first.telling;
        let exchange = first.finish(time, State::Complete, &mut self.queue);
        self.queue.push_back(Event::Finished(exchange));
        self.mend();
        let verdict = self.worth.exchange(telling);
        self.told(verdict);
    }

    fn start(&mut self, open: Open, first: bool) {
        self.queue.push_back(Event::Started(open.snapshot()));
        let telling = open.telling;
        if first {
            self.open.push_front(open);
        } else {
            self.open.push_back(open);
        }
        self.weigh(telling);
    }

    /// A request begins: what does that say of those before it?
    fn before_request(&mut self, time: Timestamp) {
        if self.open.len() >= self.limits.open_exchanges.max(1) {
            self.unpaired = true;
            self.abort_all(time, "too many requests at once");
        }
        if self.asked_unseen {
            // The unknown request before this one is not answered yet.
            self.unpaired = true;
        }
        if self.answer_torn && !self.pipelines {
            self.abort_all(time, "its response was lost");
        }
        let unanswered = self.open.iter().any(|open| !open.response_begun);
        if unanswered && !self.torn {
            // One that was sent before may be unanswered, too.
            self.unpaired |= self.joined_midway && !self.pipelines;
            self.pipelines = true;
        }
        if self.unpaired {
            let keep = usize::from(self.answering);
            while self.open.len() > keep {
                let Some(mut open) = self.open.pop_back() else { break };
                open.exchange.note("unpaired", "which response answers it cannot be told");
                let exchange = open.finish(time, State::Aborted, &mut self.queue);
                self.queue.push_back(Event::Finished(exchange));
            }
        }
    }

    /// Bytes of the responses' direction were lost outside any response that
    /// could still take them.
    fn responses_torn(&mut self, time: Timestamp) {
        if self.open.len() > 1 {
            if self.pipelines {
                self.unpaired = true;
                self.abort_all(time, "bytes lost: which response answers it cannot be told");
            } else {
                self.abort_first(self.open.len() - 1, time, "its response was lost");
            }
        }
        self.torn = !self.open.is_empty();
        self.answer_torn = self.torn;
    }

    /// The request that is passing is over.
    fn request_over(&mut self, time: Timestamp, whole: bool) {
        if !std::mem::take(&mut self.asking) {
            return;
        }
        let Some(open) = self.open.back_mut() else { return };
        open.request_end(time, whole);
        let telling = open.telling;
        self.queue.push_back(Event::Updated(open.snapshot()));
        self.weigh(telling);
        self.finish_first(time);
    }
}
