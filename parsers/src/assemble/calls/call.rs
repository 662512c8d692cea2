//! One call that has no response yet.

use std::sync::Arc;

use serde_json::Value;

use super::Said;
use crate::body::Keeper;
use crate::llm::{Answer, Dialect, jsonrpc};
use crate::stdio::Line;
use crate::{Arrival, Body, BodyKind, Direction, Exchange, State, Timestamp, usage};

/// A call on its way.
pub(super) struct Call {
    pub(super) exchange: Exchange,
    /// Which way it went.
    pub(super) asker: Direction,
    /// By what its response is told; `None`: it has none.
    pub(super) id: Option<String>,
    /// By what is told what is said of it until then.
    pub(super) progress: Option<String>,
    dialect: Option<&'static dyn Dialect>,
    answer: Answer,
    body: Keeper,
    /// Messages of the answer.
    heard: u64,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("exchange", &self.exchange).finish_non_exhaustive()
    }
}

impl Call {
    /// `limit`: bytes that are kept of the answer.
    pub(super) fn new(
        mut exchange: Exchange,
        said: Said<'_>,
        dialect: Option<&'static dyn Dialect>,
        limit: usize,
    ) -> Self {
        let Said { from, value, line } = said;
        let bytes = line.bytes.to_vec();
        let body = Body { bytes, elided: Vec::new(), kind: BodyKind::Json };
        exchange.request.body = Some(Arc::new(body));
        exchange.request.body_bytes = line.bytes.len() as u64;
        let token = value.pointer("/params/_meta/progressToken");
        Call {
            id: jsonrpc::id(value),
            progress: token.map(Value::to_string),
            ..Call::unseen(exchange, from, dialect, limit)
        }
    }

    /// One of which nothing was seen.
    pub(super) fn unseen(
        exchange: Exchange,
        asker: Direction,
        dialect: Option<&'static dyn Dialect>,
        limit: usize,
    ) -> Self {
        Call {
            exchange,
            asker,
            id: None,
            progress: None,
            dialect,
            answer: Answer::with_limit(limit),
            body: Keeper::new(limit),
            heard: 0,
        }
    }

    /// A message that belongs to the answer. Whether it is the first.
    pub(super) fn hear(&mut self, line: Line<'_>) -> bool {
        self.heard += 1;
        let first = self.heard == 1;
        if first {
            self.exchange.state = State::Streaming;
            self.exchange.timing.first_byte = Some(line.began);
        } else {
            self.body.push(b"\n");
        }
        self.body.push(line.bytes);
        let response = &mut self.exchange.response;
        response.arrived(Arrival::new(line.began, line.bytes.len(), None));
        response.body_bytes = response.body_bytes.saturating_add(line.bytes.len() as u64);
        first
    }

    /// The response.
    pub(super) fn answer(&mut self, value: &Value, line: Line<'_>) {
        self.hear(line);
        match self.dialect {
            Some(dialect) => dialect.response(value, &mut self.answer),
            None => self.exchange.error = jsonrpc::error(value),
        }
        // It came at once: there is nothing to watch grow.
        self.answer.deltas.clear();
    }

    /// What is known so far.
    pub(super) fn snapshot(&self) -> Box<Exchange> {
        let mut exchange = self.exchange.clone();
        if self.dialect.is_some() {
            self.answer.fill(&mut exchange);
        }
        // A response alone is no stream.
        exchange.response.events = if self.heard > 1 { self.heard } else { 0 };
        if self.heard < 2 {
            exchange.response.arrivals = Vec::new();
        }
        Box::new(exchange)
    }

    /// The exchange, cut short, and why.
    pub(super) fn cut(mut self, time: Timestamp, why: &str) -> Box<Exchange> {
        self.exchange.note("aborted", why);
        self.finish(time, State::Aborted)
    }

    /// The exchange, over.
    pub(super) fn finish(self, time: Timestamp, state: State) -> Box<Exchange> {
        let mut exchange = self.snapshot();
        exchange.state = state;
        exchange.timing.ended = Some(time);
        exchange.response.body = self.body.finish(&mut exchange.findings).map(Arc::new);
        usage::settle(&mut exchange);
        exchange
    }
}
