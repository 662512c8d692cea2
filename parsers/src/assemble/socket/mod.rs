//! Exchanges, put together from the messages of a WebSocket.

mod asked;
mod elide;
mod handshake;
mod others;
mod talk;
mod tunnelled;
mod turns;

use std::collections::HashSet;

use self::asked::Asked;
use self::others::Others;
use self::talk::Talk;
use self::turns::Said;
use super::Ledger;
use crate::llm::{self, DIALECTS, Dialect, RequestFacts, Turn};
use crate::websocket::{self, Extensions, Message, close_name};
use crate::{ApiError, Event, Limits, Role, Timestamp};

pub(super) use handshake::{Handshake, PROTOCOL};
pub(super) use tunnelled::Tunnelled;

/// Makes an exchange of each question with its answer, as the dialect tells
/// them apart. Driven by [`tell`](Self::tell), then [`close`](Self::close).
///
/// What no dialect knows is not cut into exchanges: one for the whole socket
/// counts it. Where messages are missing, an answer whose end may be among them
/// does not take in what follows: it is told as far as it was seen.
pub(crate) struct Socket {
    limits: Limits,
    role: Role,
    stream: Option<u32>,
    handshake: Handshake,
    /// Its beginning was not seen.
    joined_midway: bool,
    dialect: Option<&'static dyn Dialect>,
    /// The model that answers, as was said last.
    model: Option<String>,
    /// The session that the exchanges are part of, once it has a name.
    session: Option<String>,
    talks: Vec<Talk>,
    asked: Asked,
    others: Others,
    /// The talk that the last message was read in, which said again what the one
    /// before it said there: one that does so, too, need not be told by its turn.
    steady: Option<usize>,
    /// Answers that began so far.
    answers: u64,
    /// Messages of the client were not seen since it last asked; so many bytes
    /// of them were lost.
    unseen: Option<u64>,
    /// Messages of the client were not seen: what was asked in them may be answered
    /// yet, whatever is asked in between.
    missed: bool,
    /// Where frames begin is not known since the last message: of the client, of
    /// the server.
    unframed: [bool; 2],
    /// Why the client closes it.
    closing: Option<String>,
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Socket")
            .field("dialect", &self.dialect.map(Dialect::name))
            .field("talks", &self.talks)
            .finish_non_exhaustive()
    }
}

impl Socket {
    /// `stream`: that of HTTP/2 which carries it.
    pub(super) fn new(
        limits: Limits,
        role: Role,
        stream: Option<u32>,
        handshake: Handshake,
    ) -> Self {
        Socket {
            limits,
            role,
            stream,
            handshake,
            joined_midway: false,
            dialect: None,
            model: None,
            session: None,
            talks: Vec::new(),
            asked: Asked::default(),
            others: Others::default(),
            steady: None,
            answers: 0,
            unseen: None,
            missed: false,
            unframed: [false; 2],
            closing: None,
        }
    }

    /// One whose handshake was not seen.
    pub(crate) fn joined(limits: Limits) -> Self {
        let socket = Socket::new(limits, Role::Client, None, Handshake::default());
        Socket { joined_midway: true, ..socket }
    }

    /// What the handshake agreed on.
    pub(crate) fn extensions(&self) -> Extensions {
        self.handshake.extensions
    }

    /// Which end the observed process is.
    pub(crate) fn set_role(&mut self, role: Role) {
        self.role = role;
    }

    /// Something happened on the socket.
    pub(crate) fn tell(
        &mut self,
        time: Timestamp,
        event: websocket::Event,
        ledger: &mut Ledger<'_>,
    ) {
        let steady = self.steady.take();
        match event {
            websocket::Event::Message { from, message } if message.is_whole() => {
                self.unframed[side(from)] = false;
                if let (Role::Server, Some(at)) = (from, steady)
                    && let Some(talk) = self.talks.get_mut(at)
                    && talk.again(time, &message, ledger.queue)
                {
                    self.steady = steady;
                    return;
                }
                self.message(time, from, &message, ledger);
            }
            websocket::Event::Message { from, message } => {
                self.unframed[side(from)] = false;
                self.missing(time, from, message.lost, ledger);
                for talk in &mut self.talks {
                    talk.exchange.note("unread_message", others::why(from, &message));
                }
                self.others.unread(from, &message);
                self.pass(time, message.wire, ledger);
            }
            websocket::Event::Lost { from, captured, missing } => {
                self.unframed[side(from)] = true;
                for talk in self.talks.iter_mut().filter(|_| missing == 0) {
                    talk.exchange.note(UNFRAMED, others::unframed(from));
                }
                self.missing(time, from, missing, ledger);
                self.others.lost(captured, missing);
                self.pass(time, captured, ledger);
            }
            websocket::Event::Close { from, code, reason } => {
                self.closed(time, from, code, reason, ledger);
            }
        }
    }

    /// The connection, or the stream, ended.
    pub(crate) fn close(&mut self, time: Timestamp, why: &str, ledger: &mut Ledger<'_>) {
        let closing = self.closing.take();
        self.abort(time, closing.as_deref().unwrap_or(why), ledger, |_| true);
        let why = closing.is_none().then_some(why);
        ledger.queue.extend(self.others.finish(time, why).map(Event::Finished));
    }

    /// Ends exchanges without their answers' ends.
    fn abort(
        &mut self,
        time: Timestamp,
        why: &str,
        ledger: &mut Ledger<'_>,
        which: impl Fn(&Talk) -> bool,
    ) {
        for talk in self.talks.extract_if(.., |talk| which(talk)) {
            ledger.finished(talk.finish(time, Some(why)));
        }
    }

    /// A message that can be read.
    fn message(&mut self, time: Timestamp, from: Role, message: &Message, ledger: &mut Ledger<'_>) {
        let value = llm::parse(&message.payload);
        let Some(value) = value.filter(|value| value.is_object() || value.is_array()) else {
            ledger.queue.extend(self.others.count(from, message, false));
            return self.pass(time, message.wire, ledger);
        };
        let verdict = ledger.worth.message(true);
        ledger.told(verdict);
        let head = self.handshake.head();
        let known = self.dialect.as_slice();
        let dialects = if known.is_empty() { DIALECTS } else { known };
        let turn = dialects.iter().find_map(|dialect| {
            let turn = dialect.turn(&head, from, &value)?;
            Some((*dialect, turn))
        });
        // What else is said where a dialect is spoken is of it, too.
        let turn = turn.or_else(|| Some((self.dialect?, Turn::default())));
        if let Some((dialect, turn)) = turn {
            self.dialect = Some(dialect);
            return self.spoken(&Said { time, from, turn, value: &value, message }, ledger);
        }
        if self.dialect.is_none() {
            self.show_others(time, ledger);
        }
        ledger.queue.extend(self.others.count(from, message, true));
    }

    /// Bytes pass that tell nothing.
    fn pass(&mut self, time: Timestamp, bytes: u64, ledger: &mut Ledger<'_>) {
        if self.others.has_unread() && self.dialect.is_none() {
            self.show_others(time, ledger);
        }
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let verdict = ledger.worth.bytes(self.dialect.is_some(), bytes);
        ledger.told(verdict);
    }

    /// What no dialect knows is to be shown.
    fn show_others(&mut self, time: Timestamp, ledger: &mut Ledger<'_>) {
        if !self.others.is_shown() {
            let mut exchange = self.exchange(time, ledger);
            exchange.joined_midway = self.joined_midway;
            let talk = Talk::new(exchange, None, &self.limits);
            ledger.queue.push_back(self.others.show(talk));
        }
    }

    /// Messages of `from` are missing, `lost` octets of them not captured.
    fn missing(&mut self, time: Timestamp, from: Role, lost: u64, ledger: &mut Ledger<'_>) {
        let alone = self.talks.len() == 1;
        for talk in &mut self.talks {
            talk.tear(from, if alone { lost } else { 0 });
            if lost > 0 && !alone {
                let who = super::name(from);
                let detail = format!("bytes of the {who} were lost while this was open");
                talk.exchange.note("bytes_lost", detail);
            }
        }
        if from == Role::Client {
            self.missed = true;
            let unseen = self.unseen.get_or_insert(0);
            *unseen = unseen.saturating_add(if alone { 0 } else { lost });
        }
        if from == Role::Server {
            self.abort_asked_again(time, ledger);
        }
        let why = "messages of both ends were lost: what follows may be of another answer";
        self.abort(time, why, ledger, Talk::is_adrift);
    }

    /// Messages of the server are missing: who has asked again since had an answer,
    /// whose end was among them.
    fn abort_asked_again(&mut self, time: Timestamp, ledger: &mut Ledger<'_>) {
        let mut lanes = HashSet::new();
        let mut over = HashSet::new();
        for talk in self.talks.iter().rev() {
            if !lanes.insert(talk.lane.as_deref()) && talk.is_cut() {
                over.insert(talk.exchange.seq);
            }
        }
        self.abort(time, ENDLESS, ledger, |talk| over.contains(&talk.exchange.seq));
    }

    /// One end closes the socket.
    fn closed(
        &mut self,
        time: Timestamp,
        from: Role,
        code: Option<u16>,
        reason: String,
        ledger: &mut Ledger<'_>,
    ) {
        if self.closing.is_none() {
            let code = code.map(|code| format!(" with {code} ({})", close_name(code)));
            let colon = if reason.is_empty() { "" } else { ": " };
            let (who, code) = (super::name(from), code.unwrap_or_default());
            self.closing = Some(format!("the {who} closed the WebSocket{code}{colon}{reason}"));
        }
        // A client may still be answered.
        let (Role::Server, Some(why)) = (from, self.closing.clone()) else { return };
        if let Some(code) = code.filter(|code| !matches!(code, 1000 | 1001)) {
            let message = (!reason.is_empty()).then_some(reason);
            let error = ApiError { kind: Some(code.to_string()), message };
            self.refused(time, &error, ledger);
        }
        self.abort(time, &why, ledger, |_| true);
    }

    /// The server closes the socket because of an error: of what is open, or of
    /// what was said last.
    fn refused(&mut self, time: Timestamp, error: &ApiError, ledger: &mut Ledger<'_>) {
        if self.talks.is_empty() && self.dialect.is_some() && !self.asked.is_empty() {
            let question = self.asked.take(time);
            let talk = self.talk(time, RequestFacts::default(), Some(question), ledger);
            self.open(talk, time, ledger);
        }
        for talk in &mut self.talks {
            talk.exchange.error.get_or_insert_with(|| error.clone());
        }
    }
}

/// The kind of finding that says that frames could not be told apart.
const UNFRAMED: &str = "unframed";

/// Why an exchange ends whose end nobody saw.
const ENDLESS: &str = "its end was lost";

/// Places of the two ends in a pair.
const CLIENT: usize = 0;
const SERVER: usize = 1;

fn side(role: Role) -> usize {
    match role {
        Role::Client => CLIENT,
        Role::Server => SERVER,
    }
}
