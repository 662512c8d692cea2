//! One exchange on a WebSocket that is not over.

use std::collections::VecDeque;
use std::sync::Arc;

use super::asked::{Question, left_out};
use super::elide::{Piece, elide};
use super::{CLIENT, SERVER, side};
use crate::assemble::reader::{Reader, Telling};
use crate::body::Keeper;
use crate::llm::{Dialect, Turn};
use crate::websocket::Message;
use crate::{Arrival, DeltaKind, Event, Exchange, Limits, Role, State, Timestamp, usage};

/// An exchange on its way in.
pub(super) struct Talk {
    pub(super) exchange: Exchange,
    /// Which lane of the socket it has.
    pub(super) lane: Option<String>,
    /// What the client calls its question.
    pub(super) message: Option<String>,
    /// What the server calls its answer.
    pub(super) answer_id: Option<String>,
    /// Every part of the answer says so, too.
    pub(super) named: bool,
    /// Messages were lost since it began: of the client, of the server.
    pub(super) torn: [bool; 2],
    /// When its answer began, among all.
    pub(super) begun: Option<u64>,
    dialect: Option<&'static dyn Dialect>,
    reader: Reader,
    body: Keeper,
    /// Octets of base64 that are not kept of the answer.
    elided: u64,
}

impl std::fmt::Debug for Talk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Talk")
            .field("exchange", &self.exchange)
            .field("lane", &self.lane)
            .field("answer_id", &self.answer_id)
            .finish_non_exhaustive()
    }
}

impl Talk {
    pub(super) fn new(
        exchange: Exchange,
        dialect: Option<&'static dyn Dialect>,
        limits: &Limits,
    ) -> Self {
        Talk {
            exchange,
            lane: None,
            message: None,
            answer_id: None,
            named: false,
            torn: [false; 2],
            begun: None,
            dialect,
            reader: Reader::new(limits.body),
            body: Keeper::new(limits.body),
            elided: 0,
        }
    }

    /// What was asked.
    pub(super) fn ask(&mut self, question: Question) {
        let exchange = &mut self.exchange;
        exchange.request.body = question.body.map(Arc::new);
        exchange.request.body_bytes = question.wire;
        exchange.timing.started = question.began;
        exchange.findings.extend(question.findings);
    }

    /// Whether it is in the lane of a message.
    pub(super) fn is_in(&self, turn: &Turn<'_>) -> bool {
        self.lane.as_deref() == turn.lane
    }

    /// Whether its end may have been lost, so that what follows may be of
    /// another answer.
    pub(super) fn is_cut(&self) -> bool {
        self.torn[SERVER] && !self.named
    }

    /// Whether nobody can tell what follows from the next question's answer.
    pub(super) fn is_adrift(&self) -> bool {
        self.is_cut() && self.torn[CLIENT]
    }

    /// A message of the answer comes. Whether it is the first.
    pub(super) fn hear(&mut self, message: &Message, order: u64) -> bool {
        let first = self.begun.is_none();
        if first {
            self.begun = Some(order);
            self.exchange.state = State::Streaming;
            self.exchange.timing.first_byte = Some(message.began);
        }
        let response = &mut self.exchange.response;
        response.events += 1;
        response.arrived(Arrival::new(message.began, message.payload.len(), None));
        response.body_bytes = response.body_bytes.saturating_add(message.wire);
        let (body, elided) = (&mut self.body, &mut self.elided);
        elide(&message.payload, |piece| match piece {
            Piece::Kept(bytes) => body.push(bytes),
            Piece::LeftOut(octets) => {
                *elided += octets;
                body.leave_out(octets);
            }
        });
        body.push(b"\n");
        first
    }

    /// Reads a message of the answer. Whether it says that it is over.
    pub(super) fn read(
        &mut self,
        time: Timestamp,
        message: &Message,
        queue: &mut VecDeque<Event>,
    ) -> bool {
        let Some(dialect) = self.dialect else { return false };
        if std::str::from_utf8(&message.payload).is_err() {
            return false;
        }
        let mut telling = Telling { exchange: &mut self.exchange, time, queue };
        let told = self.reader.event(dialect, b"", &message.payload, &mut telling);
        self.told(told);
        self.reader.answer.done
    }

    /// Hears and reads a message that says again what the one before said. `false`:
    /// it does not.
    pub(super) fn again(
        &mut self,
        time: Timestamp,
        message: &Message,
        queue: &mut VecDeque<Event>,
    ) -> bool {
        let (Some(dialect), Some(order)) = (self.dialect, self.begun) else { return false };
        let mut telling = Telling { exchange: &mut self.exchange, time, queue };
        let told = self.reader.again(dialect, b"", &message.payload, &mut telling);
        let Some(told) = told else { return false };
        self.hear(message, order);
        self.told(told);
        true
    }

    /// What the message that was heard last is a piece of.
    fn told(&mut self, told: Option<DeltaKind>) {
        let response = &mut self.exchange.response;
        if response.events <= Arrival::MOST as u64
            && let Some(arrival) = response.arrivals.last_mut()
        {
            arrival.told = told;
        }
    }

    /// Messages of `from` are missing, `lost` octets of them not captured.
    pub(super) fn tear(&mut self, from: Role, lost: u64) {
        self.torn[side(from)] = true;
        self.exchange.lost_bytes = self.exchange.lost_bytes.saturating_add(lost);
    }

    /// What is known so far.
    pub(super) fn snapshot(&self) -> Box<Exchange> {
        let mut exchange = self.exchange.clone();
        if self.dialect.is_some() {
            // Of the messages, the answer knows nothing.
            let (status, events) = (exchange.response.status, exchange.response.events);
            self.reader.answer.fill(&mut exchange);
            (exchange.response.status, exchange.response.events) = (status, events);
        }
        Box::new(exchange)
    }

    /// The exchange, over; cut short if there is a reason why.
    pub(super) fn finish(mut self, time: Timestamp, why: Option<&str>) -> Box<Exchange> {
        if let Some(why) = why {
            self.exchange.note("aborted", why);
        }
        let mut exchange = self.snapshot();
        exchange.state = if why.is_some() { State::Aborted } else { State::Complete };
        exchange.timing.ended = Some(time);
        exchange.findings.extend(left_out(self.elided));
        exchange.response.body = self.body.finish(&mut exchange.findings).map(Arc::new);
        usage::settle(&mut exchange);
        exchange
    }
}
