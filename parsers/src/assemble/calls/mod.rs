//! Exchanges, put together from the messages of JSON-RPC.

mod call;
mod early;

use std::collections::VecDeque;

use serde_json::Value;
use serde_json::value::RawValue;

use self::call::Call;
use self::early::{Early, Waiting};
use super::Ledger;
use crate::llm::{self, Dialect, RequestHead, jsonrpc};
use crate::stdio::Line;
use crate::{Direction, Event, Exchange, Limits, Protocol, Role, State, Timestamp, Verdict};

/// Makes an exchange of each call with its response, told by the call's id, and of each
/// notification. Either end may call the other.
///
/// Driven by [`line`](Self::line) and its like, then [`close`](Self::close). Where
/// messages are missing, a response whose call was not seen is told alone, and a call
/// whose response may be among them stays open until the end.
pub(crate) struct Calls {
    limits: Limits,
    joined_midway: bool,
    /// Messages were lost: of those sent, of those received.
    torn: [bool; 2],
    /// Bytes of them that are of no exchange so far.
    lost: u64,
    dialect: Option<&'static dyn Dialect>,
    /// In the order in which they were made.
    open: Vec<Call>,
    early: Early,
    /// Calls that were cancelled: who made them, and their ids. One that is answered all
    /// the same is over already.
    cancelled: VecDeque<(Direction, String)>,
    /// Lines before the first message.
    noise: u32,
    /// A message was seen.
    speaks: bool,
}

/// Lines that are no messages before a process is known to say something else.
const PATIENCE: u32 = 8;
/// Calls that are remembered to have been cancelled.
const CANCELLED: usize = 64;

/// A message, and what moved it.
#[derive(Clone, Copy)]
struct Said<'a> {
    from: Direction,
    value: &'a Value,
    line: Line<'a>,
}

impl std::fmt::Debug for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Calls").field("open", &self.open).finish_non_exhaustive()
    }
}

impl Calls {
    pub(crate) fn new(limits: Limits, joined_midway: bool) -> Self {
        Calls {
            limits,
            joined_midway,
            torn: [false; 2],
            lost: 0,
            dialect: None,
            open: Vec::new(),
            early: Early::default(),
            cancelled: VecDeque::new(),
            noise: 0,
            speaks: false,
        }
    }

    /// A line of `from`: a message, or a batch of them (as MCP had it until 2025-06-18).
    pub(crate) fn line(&mut self, from: Direction, line: Line<'_>, ledger: &mut Ledger<'_>) {
        if !line.bytes.starts_with(b"[") {
            return self.message(from, line, ledger);
        }
        match serde_json::from_slice::<Vec<&RawValue>>(line.bytes) {
            // Each may become an exchange.
            Ok(batch) if batch.len() <= self.limits.open_exchanges.max(1) => {
                for one in batch {
                    self.message(from, Line { bytes: one.get().as_bytes(), ..line }, ledger);
                }
            }
            _ => self.noise(ledger),
        }
    }

    fn message(&mut self, from: Direction, line: Line<'_>, ledger: &mut Ledger<'_>) {
        let value = llm::parse(line.bytes).filter(jsonrpc::is_message);
        let Some(value) = value else { return self.noise(ledger) };
        let said = Said { from, value: &value, line };
        if value.get("method").is_some_and(Value::is_string) {
            self.ask(said, ledger);
        } else if jsonrpc::is_response(&value) {
            self.answer(said, ledger);
        } else {
            return self.noise(ledger);
        }
        self.speaks = true;
        let verdict = ledger.worth.message(true);
        ledger.told(verdict);
    }

    /// A line that is no message: a greeting, what somebody printed, another protocol.
    fn noise(&mut self, ledger: &mut Ledger<'_>) {
        self.noise = self.noise.saturating_add(1);
        if !self.speaks && self.noise > PATIENCE {
            let verdict = ledger.worth.judge(Verdict::Unknown);
            ledger.told(verdict);
        }
    }

    /// A line of `from` is longer than what is kept of one.
    pub(crate) fn too_long(&mut self, from: Direction, ledger: &mut Ledger<'_>) {
        self.torn[side(from)] = true;
        for call in self.open.iter_mut().filter(|call| call.asker != from) {
            let detail = "a message longer than what is kept, perhaps the answer";
            call.exchange.note("message_too_long", detail);
        }
        if !self.speaks {
            self.noise(ledger);
        }
    }

    /// Bytes of `from` were lost.
    pub(crate) fn missing(&mut self, from: Direction, lost: u64) {
        self.torn[side(from)] = true;
        let mut waiting: Vec<_> = self.open.iter_mut().filter(|c| c.asker != from).collect();
        match &mut waiting[..] {
            [] => self.lost = self.lost.saturating_add(lost),
            [call] => {
                let bytes = &mut call.exchange.lost_bytes;
                *bytes = bytes.saturating_add(lost);
            }
            all => {
                for call in all {
                    call.exchange.note("bytes_lost", "bytes were lost while this was open");
                }
            }
        }
    }

    /// Time passes.
    pub(crate) fn pass(&mut self, time: Timestamp, ledger: &mut Ledger<'_>) {
        for waiting in self.early.overdue(time) {
            self.told_late(&waiting, ledger);
        }
    }

    /// Both ends are gone.
    pub(crate) fn close(&mut self, time: Timestamp, ledger: &mut Ledger<'_>) {
        for waiting in self.early.take_all() {
            self.told_late(&waiting, ledger);
        }
        for call in self.open.drain(..) {
            ledger.finished(call.cut(time, "the connection ended first"));
        }
    }

    /// A call, or a notification, which nobody answers.
    fn ask(&mut self, said: Said<'_>, ledger: &mut Ledger<'_>) {
        let Said { from, value, line } = said;
        let method = value.get("method").and_then(Value::as_str).unwrap_or_default();
        if method == "notifications/progress" && self.progress(said, ledger) {
            return;
        }
        let mut exchange = self.exchange(from, line.began, ledger);
        exchange.timing.sent = Some(line.ended);
        self.recognise(value, &mut exchange);
        let call = Call::new(exchange, said, self.dialect, self.limits.body);
        ledger.queue.push_back(Event::Started(call.snapshot()));
        let Some(id) = call.id.clone() else {
            let finished = call.finish(line.ended, State::Complete);
            ledger.finished(finished);
            if method == "notifications/cancelled" {
                self.cancel(said, ledger);
            }
            return;
        };
        if let Some(before) = self.take(from, &id) {
            ledger.finished(before.cut(line.began, "its id was used again"));
        }
        if self.open.len() >= self.limits.open_exchanges.max(1) {
            ledger.finished(self.open.remove(0).cut(line.began, "too many calls at once"));
        }
        self.open.push(call);
        if let Some(waiting) = self.early.take(from, &id) {
            self.told_late(&waiting, ledger);
        }
    }

    /// What becomes of a response.
    fn answer(&mut self, said: Said<'_>, ledger: &mut Ledger<'_>) {
        let Said { from, value, line } = said;
        let asker = from.opposite();
        let id = jsonrpc::id(value);
        if let Some(mut call) = id.as_ref().and_then(|id| self.take(asker, id)) {
            call.answer(value, line);
            return ledger.finished(call.finish(line.ended, State::Complete));
        }
        let Some(id) = id else { return self.orphan(said, ledger) };
        let known = self.cancelled.iter().position(|(who, which)| *who == asker && *which == id);
        if let Some(at) = known {
            self.cancelled.remove(at);
            return;
        }
        // A write is seen where it returns, and another thread may have read by then.
        if asker == Direction::Sent && !self.torn[side(asker)] && !self.joined_midway {
            let over = self.early.push(asker, id, line);
            return over.iter().for_each(|waiting| self.told_late(waiting, ledger));
        }
        self.orphan(said, ledger);
    }

    /// A response whose call was not seen.
    fn orphan(&mut self, said: Said<'_>, ledger: &mut Ledger<'_>) {
        let Said { from, value, line } = said;
        let asker = from.opposite();
        let mut exchange = self.exchange(asker, line.began, ledger);
        exchange.joined_midway = self.joined_midway || self.torn[side(asker)];
        exchange.dialect = self.dialect.map(Dialect::name);
        exchange.operation = self.dialect.map(Dialect::usual_operation);
        let mut call = Call::unseen(exchange, asker, self.dialect, self.limits.body);
        ledger.queue.push_back(Event::Started(call.snapshot()));
        call.answer(value, line);
        ledger.finished(call.finish(line.ended, State::Complete));
    }

    /// A response that waited for its call, which came or does not come.
    fn told_late(&mut self, waiting: &Waiting, ledger: &mut Ledger<'_>) {
        let Some(value) = llm::parse(&waiting.bytes) else { return };
        let said = Said { from: waiting.asker.opposite(), value: &value, line: waiting.line() };
        match self.take(waiting.asker, &waiting.id) {
            Some(mut call) => {
                call.answer(&value, said.line);
                let ended = said.line.ended.max(call.exchange.timing.started);
                ledger.finished(call.finish(ended, State::Complete));
            }
            None => self.orphan(said, ledger),
        }
    }

    /// What is said of a call on its way belongs to it. `false`: none is known.
    fn progress(&mut self, said: Said<'_>, ledger: &mut Ledger<'_>) -> bool {
        let token = said.value.pointer("/params/progressToken").map(Value::to_string);
        let of = |call: &&mut Call| call.asker != said.from && call.progress == token;
        let Some(call) = token.as_ref().and_then(|_| self.open.iter_mut().find(of)) else {
            return false;
        };
        if call.hear(said.line) {
            ledger.queue.push_back(Event::Updated(call.snapshot()));
        }
        true
    }

    /// Who called wants no answer any more.
    fn cancel(&mut self, said: Said<'_>, ledger: &mut Ledger<'_>) {
        let params = said.value.get("params").unwrap_or(&Value::Null);
        let Some(id) = params.get("requestId").and_then(jsonrpc::id_of) else { return };
        let Some(call) = self.take(said.from, &id) else { return };
        let reason = params.get("reason").and_then(Value::as_str).filter(|why| !why.is_empty());
        let reason = reason.map(|why| format!(": {why}")).unwrap_or_default();
        ledger.finished(call.cut(said.line.ended, &format!("cancelled by its caller{reason}")));
        self.cancelled.push_back((said.from, id));
        if self.cancelled.len() > CANCELLED {
            self.cancelled.pop_front();
        }
    }

    /// Takes an open call out.
    fn take(&mut self, asker: Direction, id: &str) -> Option<Call> {
        let is_it = |call: &Call| call.asker == asker && call.id.as_deref() == Some(id);
        self.open.iter().position(is_it).map(|at| self.open.remove(at))
    }

    fn exchange(
        &mut self,
        asker: Direction,
        began: Timestamp,
        ledger: &mut Ledger<'_>,
    ) -> Exchange {
        let role = if asker == Direction::Sent { Role::Client } else { Role::Server };
        let mut exchange = Exchange::new(ledger.seq(), role, Protocol::Stdio, began);
        exchange.lost_bytes = std::mem::take(&mut self.lost);
        exchange
    }

    /// Tells the dialect of a message by what a server on the network would be posted.
    fn recognise(&mut self, value: &Value, exchange: &mut Exchange) {
        let head = RequestHead { method: "POST", path: "", query: "", host: "", headers: &[] };
        let known = llm::recognise(&head, Some(value)).filter(|(dialect, _)| !dialect.is_model());
        if let Some((dialect, recognised)) = known {
            self.dialect = Some(dialect);
            exchange.operation = Some(recognised.operation);
        } else {
            // What else is said where a dialect is spoken is of it, too.
            exchange.operation = self.dialect.map(Dialect::usual_operation);
        }
        exchange.dialect = self.dialect.map(Dialect::name);
    }
}

/// Places of the two directions in a pair.
fn side(direction: Direction) -> usize {
    match direction {
        Direction::Sent => 0,
        Direction::Received => 1,
    }
}
