//! A response body read as an answer: events as they arrive, or the whole at
//! its end.

use std::collections::VecDeque;

use crate::framing::Piece;
use crate::llm::{self, Answer, Dialect, Repeat};
use crate::usage::Reported;
use crate::{Arrival, Delta, Event, Exchange, Finding, Timestamp};

/// Reads the answer of one exchange.
pub(crate) struct Answering {
    answer: Answer,
    repeat: Repeat,
    events: u64,
    /// Its body is read when it is whole.
    at_once: bool,
    /// The dialect, as the answer itself tells it.
    dialect: Option<&'static dyn Dialect>,
}

/// Events that are looked at for the dialect of an answer whose request was
/// not seen.
const GLANCES: u64 = 16;

/// Where and when an answer is read.
pub(crate) struct Context<'a> {
    pub(crate) dialect: Option<&'static dyn Dialect>,
    pub(crate) exchange: &'a mut Exchange,
    pub(crate) time: Timestamp,
    pub(crate) queue: &'a mut VecDeque<Event>,
}

impl Answering {
    /// `limit`: bytes of text that are kept. `at_once`: though in pieces, it is
    /// one message, to be read as a [`whole`](Self::whole).
    pub(crate) fn new(limit: usize, at_once: bool) -> Self {
        let answer = Answer::with_limit(limit);
        Answering { answer, repeat: Repeat::default(), events: 0, at_once, dialect: None }
    }

    pub(crate) fn is_at_once(&self) -> bool {
        self.at_once
    }

    /// Events so far.
    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    /// What looked like events were none.
    pub(crate) fn forget_events(&mut self) {
        self.events = 0;
    }

    /// Whether the answer has said that it is over (`[DONE]`, `message_stop`).
    pub(crate) fn is_done(&self) -> bool {
        self.answer.done
    }

    /// The next piece of a body that comes in pieces.
    pub(crate) fn piece(&mut self, piece: Piece<'_>, context: &mut Context<'_>) {
        match piece {
            Piece::Event { .. } if self.at_once => {}
            Piece::Event { name, data } => self.event(name, data, context),
            Piece::Cut { name, data } => {
                let detail = "the stream ended inside an event".into();
                context.exchange.findings.push(Finding { kind: "incomplete_event", detail });
                if !data.is_empty() {
                    self.event(name, data, context);
                }
            }
            Piece::Fields(fields) => context.exchange.response.headers.extend(fields),
            Piece::Failed(error) => self.answer.error = Some(error),
            Piece::Shown(_) | Piece::Raw(_) => {}
        }
    }

    /// Reads a whole body.
    pub(crate) fn whole(&mut self, bytes: &[u8], context: &mut Context<'_>) {
        if context.dialect.is_none() && !is_unasked(context.exchange) {
            return;
        }
        if let Some(value) = llm::parse(bytes)
            && let Some(dialect) = context.dialect.or_else(|| self.recognise(&value, context))
        {
            dialect.response(&value, &mut self.answer);
            // It came at once: there is nothing to watch grow.
            self.answer.deltas.clear();
        }
    }

    /// Figures from the response's head, for an answer that told none itself.
    pub(crate) fn counted(&mut self, reported: Reported) {
        if self.answer.reported.input.is_none() && self.answer.reported.output.is_none() {
            self.answer.reported = reported;
        }
    }

    /// Copies what was read into the exchange.
    pub(crate) fn show(&self, exchange: &mut Exchange) {
        self.answer.fill(exchange);
        exchange.response.events = self.events;
    }

    /// Looks whether an event tells the dialect that nobody was seen to ask for.
    fn glance(&mut self, data: &str, context: &mut Context<'_>) -> Option<&'static dyn Dialect> {
        if self.events > GLANCES || !is_unasked(context.exchange) {
            return None;
        }
        self.recognise(&llm::parse(data.as_bytes())?, context)
    }

    fn recognise(
        &mut self,
        value: &serde_json::Value,
        context: &mut Context<'_>,
    ) -> Option<&'static dyn Dialect> {
        let dialect = llm::recognise_answer(value)?;
        self.dialect = Some(dialect);
        let exchange = &mut *context.exchange;
        exchange.dialect = Some(dialect.name());
        exchange.operation = Some(dialect.usual_operation());
        exchange.provider = llm::provider::of_response(&exchange.response.headers);
        Some(dialect)
    }

    fn event(&mut self, name: &str, data: &str, context: &mut Context<'_>) {
        self.events += 1;
        let arrival = Arrival::new(context.time, data.len(), None);
        context.exchange.response.arrived(arrival);
        let unwrapped = llm::bedrock::unwrap_chunk(name, data);
        let (name, data) = match &unwrapped {
            Some(data) => ("", data.as_str()),
            None => (name, data),
        };
        let known = context.dialect.or(self.dialect);
        let Some(dialect) = known.or_else(|| self.glance(data, context)) else { return };
        self.repeat.event(dialect, name, data, &mut self.answer);
        if self.events <= Arrival::MOST as u64
            && let Some(arrival) = context.exchange.response.arrivals.last_mut()
        {
            arrival.told = self.answer.deltas.first().map(|(kind, _)| *kind);
        }
        for (kind, text) in self.answer.deltas.drain(..) {
            let timing = &mut context.exchange.timing;
            timing.first_token.get_or_insert(context.time);
            timing.last_token = Some(context.time);
            let delta = Delta { at: context.time, kind, text };
            context.queue.push_back(Event::Delta(context.exchange.seq, delta));
        }
    }
}

/// Whether it is not known what was called: the answer may tell.
pub(super) fn is_unasked(exchange: &Exchange) -> bool {
    exchange.request.target.is_none()
}

impl std::fmt::Debug for Answering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answering").field("events", &self.events).finish_non_exhaustive()
    }
}
