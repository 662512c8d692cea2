//! A response body read as an answer: events as they arrive, or the whole at
//! its end.

use std::collections::VecDeque;

use super::incoming::{is_events, is_lines};
use crate::llm::{self, Answer, Dialect};
use crate::{Delta, Event, Exchange, Finding, Limits, Timestamp};
use crate::{ndjson, sse};

/// Reads the answer of one exchange.
#[derive(Debug)]
pub(crate) struct Answering {
    form: Form,
    told: Told,
}

/// How the body is cut.
#[derive(Debug)]
enum Form {
    /// Not at all: read when it is whole.
    Whole,
    /// Perhaps events: its beginning tells.
    Undecided,
    Events(sse::Parser),
    Lines(ndjson::Parser),
}

/// What was read.
struct Told {
    answer: Answer,
    events: u64,
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
    /// For a response of this content type. `likely`: the request asked an
    /// LLM for a stream, so that a wrong content type does not hide it.
    pub(crate) fn new(content_type: &str, likely: bool, limits: &Limits) -> Self {
        let form = if is_events(content_type) {
            Form::Events(sse::Parser::new(limits.event))
        } else if is_lines(content_type) {
            Form::Lines(ndjson::Parser::new(limits.event))
        } else if likely {
            Form::Undecided
        } else {
            Form::Whole
        };
        let told = Told { answer: Answer::with_limit(limits.body), events: 0, dialect: None };
        Answering { form, told }
    }

    /// Whether the answer comes in events.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(self.form, Form::Events(_) | Form::Lines(_))
    }

    /// Whether the stream has said that it is over (`[DONE]`, `message_stop`).
    pub(crate) fn is_done(&self) -> bool {
        self.is_stream() && self.told.answer.done
    }

    /// The next decoded bytes.
    pub(crate) fn push(&mut self, bytes: &[u8], context: &mut Context<'_>) {
        let told = &mut self.told;
        match &mut self.form {
            Form::Whole | Form::Undecided => {}
            Form::Events(parser) => {
                parser.push(bytes, &mut |event| told.event(&event.name, &event.data, context));
            }
            Form::Lines(parser) => {
                parser.push(bytes, &mut |line| told.event("", &line, context));
            }
        }
    }

    /// Looks whether a body of undecided form, of which `head` is there, is a
    /// stream of events; if so, reads it.
    pub(crate) fn decide(&mut self, head: &[u8], event_limit: usize, context: &mut Context<'_>) {
        if !matches!(self.form, Form::Undecided) || head.len() < 6 {
            return;
        }
        let begins = |with: &[u8]| head.starts_with(with);
        if begins(b"data:") || begins(b"event:") || begins(b"retry:") || begins(b": ") {
            self.form = Form::Events(sse::Parser::new(event_limit));
            self.push(head, context);
        } else {
            self.form = Form::Whole;
        }
    }

    /// Bytes are missing here.
    pub(crate) fn hole(&mut self) {
        match &mut self.form {
            Form::Whole | Form::Undecided => {}
            Form::Events(parser) => parser.hole(),
            Form::Lines(parser) => parser.hole(),
        }
    }

    /// The body is over. What an unfinished last event says still counts, as
    /// far as it is there.
    pub(crate) fn finish(&mut self, context: &mut Context<'_>) {
        let told = &mut self.told;
        let mut incomplete = false;
        match std::mem::replace(&mut self.form, Form::Whole) {
            Form::Whole | Form::Undecided => {}
            Form::Events(parser) => parser.finish(&mut |event| {
                incomplete = true;
                told.event(&event.name, &event.data, context);
            }),
            Form::Lines(parser) => parser.finish(&mut |line| told.event("", &line, context)),
        }
        if incomplete {
            let detail = "the stream ended inside an event".into();
            context.exchange.findings.push(Finding { kind: "incomplete_event", detail });
        }
    }

    /// Reads a whole body.
    pub(crate) fn whole(&mut self, bytes: &[u8], context: &mut Context<'_>) {
        if context.dialect.is_none() && !is_unasked(context.exchange) {
            return;
        }
        if let Some(value) = llm::parse(bytes)
            && let Some(dialect) = context.dialect.or_else(|| self.told.recognise(&value, context))
        {
            dialect.response(&value, &mut self.told.answer);
            // It came at once: there is nothing to watch grow.
            self.told.answer.deltas.clear();
        }
    }

    /// Copies what was read into the exchange.
    pub(crate) fn show(&self, exchange: &mut Exchange) {
        self.told.answer.fill(exchange);
        exchange.response.events = self.told.events;
    }
}

/// Whether nothing is known of a request.
fn is_unasked(exchange: &Exchange) -> bool {
    exchange.request.method.is_none() && exchange.request.body.is_none()
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Told").field("events", &self.events).finish_non_exhaustive()
    }
}

impl Told {
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
        exchange.operation = Some("chat");
        exchange.provider = llm::provider::of_response(&exchange.response.headers);
        Some(dialect)
    }

    fn event(&mut self, name: &str, data: &str, context: &mut Context<'_>) {
        self.events += 1;
        let known = context.dialect.or(self.dialect);
        let Some(dialect) = known.or_else(|| self.glance(data, context)) else { return };
        dialect.event(name, data, &mut self.answer);
        for (kind, text) in self.answer.deltas.drain(..) {
            let timing = &mut context.exchange.timing;
            timing.first_token.get_or_insert(context.time);
            timing.last_token = Some(context.time);
            let delta = Delta { at: context.time, kind, text };
            context.queue.push_back(Event::Delta(context.exchange.seq, delta));
        }
    }
}
