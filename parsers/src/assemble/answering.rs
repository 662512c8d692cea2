//! A response body read as an answer: events as they arrive, or the whole at
//! its end.

use super::reader::{Reader, Telling};
use crate::framing::Piece;
use crate::llm::{self, Dialect};
use crate::lossy::text;
use crate::usage::Reported;
use crate::{Arrival, DeltaKind, Exchange, Finding};

/// Reads the answer of one exchange.
pub(crate) struct Answering {
    reader: Reader,
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
    pub(super) dialect: Option<&'static dyn Dialect>,
    pub(super) telling: Telling<'a>,
}

impl Answering {
    /// `limit`: bytes of text that are kept. `at_once`: though in pieces, it is
    /// one message, to be read as a [`whole`](Self::whole).
    pub(crate) fn new(limit: usize, at_once: bool) -> Self {
        Answering { reader: Reader::new(limit), events: 0, at_once, dialect: None }
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
        self.reader.answer.done
    }

    /// The next piece of a body that comes in pieces.
    pub(crate) fn piece(&mut self, piece: Piece<'_>, context: &mut Context<'_>) {
        match piece {
            Piece::Event { .. } if self.at_once => {}
            Piece::Event { name, data } => self.event(name, data, context),
            Piece::Cut { name, data } => {
                let detail = "the stream ended inside an event".into();
                context
                    .telling
                    .exchange
                    .findings
                    .push(Finding { kind: "incomplete_event", detail });
                if !data.is_empty() {
                    self.event(name, data, context);
                }
            }
            Piece::Fields(fields) => context.telling.exchange.response.headers.extend(fields),
            Piece::Failed(error) => self.reader.answer.error = Some(error),
            Piece::Shown(_) | Piece::Raw(_) => {}
        }
    }

    /// Reads a whole body.
    pub(crate) fn whole(&mut self, bytes: &[u8], context: &mut Context<'_>) {
        if context.dialect.is_none() && !is_unasked(context.telling.exchange) {
            return;
        }
        if let Some(value) = llm::parse(bytes)
            && let Some(dialect) = context.dialect.or_else(|| self.recognise(&value, context))
        {
            dialect.response(&value, &mut self.reader.answer);
            // It came at once: there is nothing to watch grow.
            self.reader.answer.deltas.clear();
        }
    }

    /// Reads what the fields before and after the body tell of it.
    pub(crate) fn fields(&mut self, fields: &[(String, String)]) {
        llm::told_by_fields(fields, &mut self.reader.answer);
        if let Some(counted) = llm::counted_by_headers(fields) {
            self.counted(counted);
        }
    }

    /// Figures from the response's head, for an answer that told none itself.
    fn counted(&mut self, reported: Reported) {
        if self.reader.answer.reported.input.is_none()
            && self.reader.answer.reported.output.is_none()
        {
            self.reader.answer.reported = reported;
        }
    }

    /// Copies what was read into the exchange.
    pub(crate) fn show(&self, exchange: &mut Exchange) {
        self.reader.answer.fill(exchange);
        exchange.response.events = self.events;
    }

    /// Looks whether an event tells the dialect that nobody was seen to ask for.
    fn glance(&mut self, data: &[u8], context: &mut Context<'_>) -> Option<&'static dyn Dialect> {
        if self.events > GLANCES || !is_unasked(context.telling.exchange) {
            return None;
        }
        self.recognise(&llm::parse(text(data).as_bytes())?, context)
    }

    fn recognise(
        &mut self,
        value: &serde_json::Value,
        context: &mut Context<'_>,
    ) -> Option<&'static dyn Dialect> {
        let dialect = llm::recognise_answer(value)?;
        self.dialect = Some(dialect);
        let exchange = &mut *context.telling.exchange;
        exchange.dialect = Some(dialect.name());
        exchange.operation = Some(dialect.usual_operation());
        exchange.provider = llm::provider::of_response(&exchange.response.headers);
        Some(dialect)
    }

    fn event(&mut self, name: &[u8], data: &[u8], context: &mut Context<'_>) {
        self.events += 1;
        let told = self.read(name, data, context);
        let Telling { exchange, time, .. } = &mut context.telling;
        exchange.response.arrived(Arrival::new(*time, data.len(), told));
    }

    /// Reads an event. Of what it is a piece, if of anything.
    fn read(&mut self, name: &[u8], data: &[u8], context: &mut Context<'_>) -> Option<DeltaKind> {
        let unwrapped = llm::bedrock::unwrap_chunk(name, data);
        let (name, data) = match &unwrapped {
            Some(data) => (&b""[..], data.as_bytes()),
            None => (name, data),
        };
        let known = context.dialect.or(self.dialect);
        let dialect = known.or_else(|| self.glance(data, context))?;
        self.reader.event(dialect, name, data, &mut context.telling)
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
