//! Which exchange a message belongs to.

use serde_json::Value;

use super::asked::Question;
use super::others::unframed;
use super::talk::Talk;
use super::{CLIENT, ENDLESS, Ledger, SERVER, Socket, UNFRAMED};
use crate::headers;
use crate::llm::{RequestFacts, Turn, TurnPart, header};
use crate::websocket::Message;
use crate::{Event, Exchange, Finding, Protocol, Role, Timestamp};

/// A message that a dialect knows, and what moved it.
pub(super) struct Said<'a> {
    pub(super) time: Timestamp,
    pub(super) from: Role,
    pub(super) turn: Turn<'a>,
    pub(super) value: &'a Value,
    pub(super) message: &'a Message,
}

impl Socket {
    /// Takes a message into the exchange that it belongs to.
    pub(super) fn spoken(&mut self, spoken: &Said<'_>, ledger: &mut Ledger<'_>) {
        let Said { turn, message, .. } = spoken;
        if let Some(model) = turn.model {
            self.model = Some(model.to_owned());
        }
        if self.session.is_none() {
            self.session = turn.session.map(str::to_owned);
        }
        match turn.part {
            TurnPart::Adds => self.asked.add(message, self.limits.body),
            TurnPart::Feeds => self.asked.feed(message),
            TurnPart::Asks => self.ask(spoken, ledger),
            TurnPart::Continues => match self.talks.iter_mut().find(|talk| talk.is_in(turn)) {
                Some(talk) => {
                    let sent = &mut talk.exchange.request.body_bytes;
                    *sent = sent.saturating_add(message.wire);
                }
                None => self.ask(spoken, ledger),
            },
            TurnPart::Begins | TurnPart::Tells | TurnPart::MayBegin => self.hear(spoken, ledger),
            TurnPart::Fails | TurnPart::Rejects | TurnPart::Complains => self.fail(spoken, ledger),
            TurnPart::Limits | TurnPart::Beside => {
                // Said while an answer comes, it is shown there.
                if let ([talk], Role::Server) = (&mut self.talks[..], spoken.from)
                    && (talk.begun.is_some() || turn.part == TurnPart::Limits)
                {
                    if talk.begun.is_some() {
                        talk.hear(message, 0);
                    }
                    talk.read(spoken.time, message, ledger.queue);
                }
            }
        }
    }

    fn ask(&mut self, spoken: &Said<'_>, ledger: &mut Ledger<'_>) {
        let Said { time, turn, value, message, .. } = spoken;
        // Who asks again had an answer, whose end was lost.
        self.abort(*time, ENDLESS, ledger, |talk| talk.is_in(turn) && talk.is_cut());
        self.asked.add(message, self.limits.body);
        let question = self.asked.take(*time);
        let facts = self.dialect.map(|dialect| dialect.request(&self.handshake.head(), value));
        let mut talk = self.talk(*time, facts.unwrap_or_default(), Some(question), ledger);
        if turn.part == TurnPart::Continues && self.answers == 0 {
            // What it continues was not seen.
            talk.exchange.joined_midway |= self.joined_midway;
        }
        // What was joined may be its answer: the two directions are not always
        // found at the same time.
        let joined = |other: &Talk| other.is_in(turn) && other.exchange.joined_midway;
        talk.torn[SERVER] = self.joined_midway && self.talks.iter().any(joined);
        talk.exchange.timing.sent = Some(*time);
        talk.lane = turn.lane.map(str::to_owned);
        talk.message = turn.message.map(str::to_owned);
        self.open(talk, *time, ledger);
    }

    /// Part of an answer comes.
    fn hear(&mut self, spoken: &Said<'_>, ledger: &mut Ledger<'_>) {
        let Said { time, turn, message, .. } = spoken;
        let at = self.find(turn).unwrap_or_else(|| {
            // Nobody was seen to ask for it: what was said may be the question.
            let question = (turn.part != TurnPart::Tells && !self.asked.is_empty())
                .then(|| self.asked.take(*time));
            let mut talk = self.talk(*time, RequestFacts::default(), question, ledger);
            talk.lane = turn.lane.map(str::to_owned);
            self.open(talk, *time, ledger)
        });
        let mut talk = self.talks.remove(at);
        if turn.part == TurnPart::Begins {
            let over = |other: &Talk| other.begun.is_some() && other.is_in(turn) && other.is_cut();
            self.abort(*time, ENDLESS, ledger, over);
        }
        if let Some(answer) = turn.answer {
            talk.answer_id.get_or_insert_with(|| answer.to_owned());
            talk.named |= turn.part == TurnPart::Tells;
        }
        if turn.part != TurnPart::Begins && talk.again(*time, message, ledger.queue) {
            self.talks.insert(at, talk);
            self.steady = Some(at);
            return;
        }
        if talk.hear(message, self.answers) {
            self.answers += 1;
            ledger.queue.push_back(Event::Updated(talk.snapshot()));
        }
        if talk.read(*time, message, ledger.queue) {
            ledger.finished(talk.finish(*time, None));
        } else {
            self.talks.insert(at.min(self.talks.len()), talk);
        }
    }

    /// The exchange whose answer a message is part of.
    fn find(&self, turn: &Turn<'_>) -> Option<usize> {
        let named = |talk: &Talk| turn.answer.is_some() && talk.answer_id.as_deref() == turn.answer;
        if let Some(at) = self.talks.iter().position(named) {
            return Some(at);
        }
        // An answer with another name is another.
        let may_be =
            |talk: &Talk| talk.is_in(turn) && (turn.answer.is_none() || talk.answer_id.is_none());
        let waits = |talk: &Talk| may_be(talk) && talk.begun.is_none();
        let waiting = self.talks.iter().position(waits);
        if turn.part == TurnPart::Begins {
            return waiting;
        }
        let begun = self.talks.iter().enumerate().filter(|(_, talk)| may_be(talk));
        let latest = begun.filter_map(|(at, talk)| Some((talk.begun?, at))).max();
        // The message that began it may be among those that were lost.
        let waiting =
            waiting.filter(|at| turn.part == TurnPart::MayBegin || self.talks[*at].torn[SERVER]);
        latest.map(|(_, at)| at).or(waiting)
    }

    /// An error comes.
    fn fail(&mut self, spoken: &Said<'_>, ledger: &mut Ledger<'_>) {
        let Said { time, turn, message, .. } = spoken;
        let waiting =
            || self.talks.iter().position(|talk| talk.is_in(turn) && talk.begun.is_none());
        let at = match (turn.part, turn.message) {
            (TurnPart::Rejects, Some(message)) => {
                self.talks.iter().position(|talk| talk.message.as_deref() == Some(message))
            }
            (TurnPart::Rejects, None) => waiting(),
            (TurnPart::Fails, _) => {
                let begun = self.talks.iter().enumerate().filter(|(_, talk)| talk.is_in(turn));
                let latest = begun.filter_map(|(at, talk)| Some((talk.begun?, at))).max();
                latest.map(|(_, at)| at).or_else(waiting)
            }
            _ => None,
        };
        let at = at.unwrap_or_else(|| {
            let talk = self.talk(*time, RequestFacts::default(), None, ledger);
            self.open(talk, *time, ledger)
        });
        let mut talk = self.talks.remove(at);
        talk.exchange.response.status = turn.status;
        let mut room = self.limits.head;
        let fits = |(name, value): &&(String, String)| {
            let left = room.checked_sub(name.len() + value.len());
            room = left.unwrap_or(0);
            left.is_some()
        };
        let response = &mut talk.exchange.response;
        response.headers.extend(turn.headers.iter().take_while(fits).cloned());
        response.limits = headers::limits(&response.headers);
        response.retry_after_ms = headers::retry_after_ms(&response.headers, message.began);
        talk.hear(message, self.answers);
        talk.read(*time, message, ledger.queue);
        ledger.finished(talk.finish(*time, None));
    }

    /// A new exchange of the dialect that is spoken.
    pub(super) fn talk(
        &mut self,
        time: Timestamp,
        facts: RequestFacts,
        question: Option<Question>,
        ledger: &mut Ledger<'_>,
    ) -> Talk {
        let mut exchange = self.exchange(time, ledger);
        // Where one may speak and be answered, an answer without a question is none
        // to wonder at, once the next has come.
        let asks = self.dialect.is_some_and(|dialect| !dialect.keeps_history());
        let missed = self.unseen.is_some() || self.unframed[CLIENT] || (asks && self.missed);
        exchange.joined_midway = question.is_none() && (self.joined_midway || missed);
        if let Some(dialect) = self.dialect {
            exchange.dialect = Some(dialect.name());
            exchange.operation = Some("chat");
            exchange.provider = self.handshake.provider;
            exchange.session = dialect.keeps_history().then(|| self.session(time));
            exchange.request.model = facts.model.or_else(|| self.model.clone());
            exchange.request.stream = Some(true);
        }
        if let Some(lost) = self.unseen.take() {
            exchange.lost_bytes = lost;
            if question.is_some() {
                let detail = "messages of the client before it were not seen".to_owned();
                exchange.findings.push(Finding { kind: "unread_messages", detail });
            }
        }
        let mut talk = Talk::new(exchange, self.dialect, &self.limits);
        if self.unframed[SERVER] {
            talk.exchange.note(UNFRAMED, unframed(Role::Server));
        }
        if let Some(question) = question {
            talk.ask(question);
        }
        talk
    }

    /// What this socket's session is called. Where nobody has named it, it is
    /// called by what no other socket of the process has.
    fn session(&mut self, time: Timestamp) -> String {
        let key = header(&self.handshake.request.headers, "sec-websocket-key");
        let stream = self.stream.unwrap_or_default();
        let name = || key.map_or_else(|| format!("{}-{stream}", time.0), str::to_owned);
        self.session.get_or_insert_with(name).clone()
    }

    /// An exchange of this socket.
    pub(super) fn exchange(&self, time: Timestamp, ledger: &mut Ledger<'_>) -> Exchange {
        let seq = ledger.seq();
        let mut exchange = Exchange::new(seq, self.role, Protocol::WebSocket, time);
        exchange.stream_id = self.stream;
        exchange.request = self.handshake.request.clone();
        exchange
    }

    /// The exchange begins. Where it is.
    pub(super) fn open(&mut self, talk: Talk, time: Timestamp, ledger: &mut Ledger<'_>) -> usize {
        if self.talks.len() >= self.limits.open_exchanges.max(1) {
            let oldest = self.talks.remove(0);
            ledger.finished(oldest.finish(time, Some("too many exchanges at once")));
        }
        ledger.queue.push_back(Event::Started(talk.snapshot()));
        self.talks.push(talk);
        self.talks.len() - 1
    }
}
