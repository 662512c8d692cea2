//! What tells two views of one exchange from views of two.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use llmtop_parsers::{Body, Exchange, Protocol, Role, State, Timestamp};

/// Of a body, so much of its beginning and of its end is compared.
const COMPARED: usize = 64 << 10;
/// Shorter answers tell too little.
const SHORTEST_ANSWER: u64 = 16;

/// What is known of an exchange in one view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Which end.
    pub role: Role,
    /// What carries it, which is the same at both ends.
    pub protocol: Protocol,
    /// Whose: any number that tells processes apart.
    pub process: u64,
    /// HTTP/2 stream.
    pub stream: Option<u32>,
    /// Hash of method, target and headers; `None`: not seen.
    pub head: Option<u64>,
    /// Length and hash of the body; `None`: not all of it was seen.
    pub body: Option<(u64, u64)>,
    /// Length and hash of the answer's body, once all of it was seen; `None`: it
    /// was not, or tells nothing.
    pub answer: Option<(u64, u64)>,
    /// Bytes were lost or not seen from the beginning: less can be compared.
    pub torn: bool,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

impl Facts {
    /// The facts of an exchange.
    pub fn of(process: u64, exchange: &Exchange) -> Self {
        let request = &exchange.request;
        let head = request
            .method
            .as_ref()
            .map(|method| hash(&(method, &request.target, &request.authority, &request.headers)));
        let response = &exchange.response;
        let body =
            exchange.timing.sent.map(|_| (request.body_bytes, ends(request.body.as_deref())));
        let told = exchange.state == State::Complete && response.body_bytes >= SHORTEST_ANSWER;
        let answer = told.then(|| (response.body_bytes, ends(response.body.as_deref())));
        Facts {
            role: exchange.role,
            protocol: exchange.protocol,
            process,
            stream: exchange.stream_id,
            head,
            body,
            answer,
            torn: exchange.joined_midway || exchange.lost_bytes > 0,
            started: exchange.timing.started,
            ended: exchange.timing.ended,
        }
    }

    /// Whether the request was seen to its end.
    pub(super) fn request_complete(&self) -> bool {
        self.body.is_some()
    }

    /// Whether a client's and a server's view on the same connection are one
    /// exchange: at the same time, and nothing speaks against it.
    pub(super) fn matches_on_one_connection(&self, server: &Facts, slack: Duration) -> bool {
        let torn = self.torn || server.torn;
        self.is_opposite(server)
            && same_if_known(self.stream, server.stream)
            && (torn || same_if_known(self.head, server.head))
            && (torn || same_if_known(self.body, server.body))
            // No answer ends before its request arrived: that would be the
            // next request, of which nothing is known yet.
            && self.ended.is_none_or(|ended| server.started <= ended)
            && self.at_the_time_of(server, slack)
    }

    /// Whether a client's and a server's view on connections that may or may
    /// not be the same are one exchange: the same request at the same time.
    pub(super) fn matches_by_request(&self, server: &Facts, slack: Duration) -> bool {
        let torn = self.torn || server.torn;
        // A process that calls itself writes before it reads; a gateway that
        // passes a request on reads before it writes.
        let slack_before = if self.process == server.process { Duration::ZERO } else { slack };
        self.is_opposite(server)
            && same_if_known(self.stream, server.stream)
            && self.head.is_some()
            && self.head == server.head
            && (torn || (self.body.is_some() && self.body == server.body))
            && self.started.0 <= plus(server.started, slack_before)
            && self.at_the_time_of(server, slack)
    }

    /// Whether a client's view that does not know what was asked may be the
    /// other end of a server's view, their processes known to be connected.
    pub(super) fn matches_by_process(&self, server: &Facts, slack: Duration) -> bool {
        self.is_opposite(server)
            && self.head.is_none()
            && same_if_known(self.stream, server.stream)
            && self.at_the_time_of(server, slack)
    }

    /// Whether a client's and a server's view, one of which does not know what was
    /// asked, are one exchange: the same answer at the same time.
    pub(super) fn matches_by_answer(&self, server: &Facts, slack: Duration) -> bool {
        self.is_opposite(server)
            && (self.head.is_none() || server.head.is_none())
            && same_if_known(self.stream, server.stream)
            && self.answer.is_some()
            && self.answer == server.answer
            && self.at_the_time_of(server, slack)
    }

    /// Whether these may be views of one exchange: from both ends, of what is seen there.
    /// Of pipes, only one end is.
    fn is_opposite(&self, server: &Facts) -> bool {
        let protocol = self.protocol;
        self.role != server.role && protocol == server.protocol && protocol != Protocol::Stdio
    }

    fn at_the_time_of(&self, other: &Facts, slack: Duration) -> bool {
        let end = |facts: &Facts| facts.ended.map_or(u64::MAX, |ended| plus(ended, slack));
        self.started.0 <= end(other) && other.started.0 <= end(self)
    }
}

fn same_if_known<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
    one.zip(other).is_none_or(|(one, other)| one == other)
}

fn plus(time: Timestamp, by: Duration) -> u64 {
    time.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX))
}

/// Of the beginning and the end of a body.
fn ends(body: Option<&Body>) -> u64 {
    let bytes = body.map_or(&[][..], |body| &body.bytes);
    let tail = bytes.len().saturating_sub(COMPARED);
    hash(&(&bytes[..bytes.len().min(COMPARED)], &bytes[tail..]))
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
