//! What moves on a WebSocket and belongs to no exchange that is known.

use std::sync::Arc;

use super::talk::Talk;
use super::{UNFRAMED, side};
use crate::websocket::{Defect, Message};
use crate::{Body, BodyKind, Event, Exchange, Finding, Role, Timestamp};

/// Counts it, in one exchange for the whole socket.
#[derive(Debug, Default)]
pub(super) struct Others {
    talk: Option<Box<Talk>>,
    /// Messages that could not be read, and their octets; of the client, of
    /// the server.
    unread: [(u64, u64); 2],
    /// Octets that passed in frames that could not be told.
    unframed: u64,
    lost: u64,
}

impl Others {
    /// Whether the exchange is there.
    pub(super) fn is_shown(&self) -> bool {
        self.talk.is_some()
    }

    /// Whether there is something that could not be read.
    pub(super) fn has_unread(&self) -> bool {
        self.unread.iter().any(|(messages, _)| *messages > 0)
    }

    /// From here on, it is.
    pub(super) fn show(&mut self, talk: Talk) -> Event {
        let started = Event::Started(talk.snapshot());
        self.talk = Some(Box::new(talk));
        started
    }

    /// A message that no dialect knows. What is now known, where it is to be
    /// told.
    pub(super) fn count(&mut self, from: Role, message: &Message, json: bool) -> Option<Event> {
        let talk = self.talk.as_mut()?;
        let news = match from {
            Role::Client => {
                let request = &mut talk.exchange.request;
                request.body_bytes = request.body_bytes.saturating_add(message.wire);
                let first = json && request.body.is_none();
                if first {
                    let bytes = message.payload.clone();
                    let body = Body { bytes, elided: Vec::new(), kind: BodyKind::Json };
                    request.body = Some(Arc::new(body));
                }
                first
            }
            Role::Server => talk.hear(message, 0),
        };
        news.then(|| Event::Updated(talk.snapshot()))
    }

    /// A message that cannot be read.
    pub(super) fn unread(&mut self, from: Role, message: &Message) {
        let (messages, octets) = &mut self.unread[side(from)];
        *messages += 1;
        *octets = octets.saturating_add(message.wire);
    }

    /// Octets of which nobody knows what they were.
    pub(super) fn lost(&mut self, captured: u64, missing: u64) {
        self.unframed = self.unframed.saturating_add(captured);
        self.lost = self.lost.saturating_add(missing);
    }

    /// The socket is over; `why` it was cut short, if it was.
    pub(super) fn finish(&mut self, time: Timestamp, why: Option<&str>) -> Option<Box<Exchange>> {
        let mut talk = self.talk.take()?;
        let [client, server] = self.unread;
        for ((messages, octets), who) in [(client, "client"), (server, "server")] {
            if messages > 0 {
                let detail = format!(
                    "{messages} messages of the {who}, {octets} bytes as sent, cannot be read: \
                     bytes of them, or of those they refer to, were not seen"
                );
                talk.exchange.findings.push(Finding { kind: "unread_messages", detail });
            }
        }
        if self.unframed > 0 {
            let detail = format!("{} bytes belong to frames that were not found", self.unframed);
            talk.exchange.findings.push(Finding { kind: UNFRAMED, detail });
        }
        talk.exchange.lost_bytes = self.lost;
        Some(talk.finish(time, why))
    }
}

/// Why a message cannot be read.
pub(super) fn why(from: Role, message: &Message) -> String {
    let who = super::super::name(from);
    let why = match message.defect {
        Some(Defect::Torn) => "was not seen whole",
        Some(Defect::Undecodable) => {
            "cannot be decompressed: it refers to what was not seen, or is corrupt"
        }
        Some(Defect::Bomb) => "decompresses to far too much",
        None => "is longer than what is kept of one",
    };
    format!("a message of the {who} {why}")
}

/// Why messages of an exchange may not have been found.
pub(super) fn unframed(from: Role) -> String {
    let who = super::super::name(from);
    format!("where frames of the {who} begin was not known while this was open")
}
