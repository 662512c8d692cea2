//! What the two directions of an HTTP/1 connection tell the [`Assembler`].

use super::Assembler;
use super::open::Open;
use super::socket::Handshake;
use super::upgrade::{LeftFor, switches_to};
use crate::http1::{Framing, Head, Sink, Start, of_request, of_response};
use crate::{Event, Timestamp};

/// The direction of the requests.
pub(crate) struct Requests<'a>(pub(super) &'a mut Assembler);

impl Sink for Requests<'_> {
    fn head(&mut self, head: Head, started: Timestamp, time: Timestamp) -> Framing {
        let all = &mut *self.0;
        all.before_request(time);
        let mut findings = Vec::new();
        let framing = of_request(&head, &mut findings);
        let seq = all.seq();
        let mut open = Open::request(seq, all.role, head, started, &all.limits);
        open.exchange.findings.append(&mut findings);
        // What was lost before it is none of its own.
        all.request_lost = 0;
        if all.open.is_empty() {
            all.response_lost = 0;
        }
        all.start(open, false);
        all.asking = true;
        if framing == Framing::Unknown {
            self.broken(time, 0, "nobody can tell where its body ends");
        }
        framing
    }

    fn data(&mut self, _time: Timestamp, bytes: &[u8]) {
        if !self.0.asking {
            return;
        }
        let Some(open) = self.0.open.back_mut() else { return };
        open.request_data(bytes);
        let telling = open.telling;
        self.0.weigh_bytes(telling, bytes.len());
    }

    fn hole(&mut self, _time: Timestamp, lost: u64) {
        match self.0.open.back_mut().filter(|_| self.0.asking) {
            Some(open) => open.request_hole(lost),
            None => self.0.request_lost = self.0.request_lost.saturating_add(lost),
        }
    }

    fn end(&mut self, time: Timestamp) {
        self.0.request_over(time, true);
    }

    fn broken(&mut self, time: Timestamp, lost: u64, why: &'static str) {
        if let Some(open) = self.0.open.back_mut().filter(|_| self.0.asking) {
            open.exchange.note("request_broken", why);
            open.exchange.lost_bytes = open.exchange.lost_bytes.saturating_add(lost);
            self.0.torn = true;
            self.0.request_over(time, false);
        }
    }

    fn astray(&mut self, time: Timestamp, lost: u64) {
        self.broken(time, lost, "bytes lost between two chunks");
    }

    fn lost(&mut self, _time: Timestamp, lost: u64) {
        let all = &mut *self.0;
        all.torn = true;
        all.request_lost = all.request_lost.saturating_add(lost);
    }

    fn waits(&self) -> bool {
        self.0.early && self.0.expects_answer()
    }

    fn skipped(&mut self, _time: Timestamp, _bytes: u64) {
        // The rest of a known request, or one that nothing is known of.
        self.0.asked_unseen = self.0.open.is_empty();
    }
}

/// The direction of the responses.
pub(crate) struct Responses<'a>(pub(super) &'a mut Assembler);

impl Sink for Responses<'_> {
    fn head(&mut self, head: Head, started: Timestamp, time: Timestamp) -> Framing {
        let all = &mut *self.0;
        let Start::Response { status: Some(status) } = head.start else { return Framing::Unknown };
        let mut findings = Vec::new();
        let unseen = all.asked_unseen || all.unpaired;
        let first = all.open.front().filter(|open| !open.response_done && !unseen);
        let method = first.and_then(|open| open.exchange.request.method.as_deref());
        let framing = of_response(&head, status, method, &mut findings);
        if framing == Framing::Interim {
            return framing;
        }
        if status == 101 && switches_to(&head, "h2c") {
            // The response comes there.
            all.left_for = Some(LeftFor::Http2);
            return framing;
        }
        all.asked_unseen = false;
        let to_websocket = status == 101 && switches_to(&head, "websocket");
        if first.is_none() {
            let seq = all.seq();
            let mut orphan = Open::orphan(seq, all.role, started);
            orphan.exchange.lost_bytes = std::mem::take(&mut all.request_lost);
            all.start(orphan, true);
        }
        // What was lost before it was of others, unless it is one of theirs.
        let lost = std::mem::take(&mut all.response_lost);
        let doubtful = all.answer_torn && all.request_lost > 0;
        let Some(open) = all.open.front_mut() else { return Framing::Unknown };
        open.response_head(head, started, &all.limits);
        if doubtful {
            open.exchange.lost_bytes = open.exchange.lost_bytes.saturating_add(lost);
            open.exchange
                .note("unpaired", "requests and responses were lost before: it may be another's");
        }
        open.exchange.findings.append(&mut findings);
        if framing == Framing::Upgrade && !open.request_done {
            open.request_end(time, true);
            all.asking = false;
        }
        if to_websocket {
            let handshake = Handshake::of(&open.exchange);
            all.left_for = Some(LeftFor::WebSocket(Box::new(handshake)));
        }
        let telling = open.telling;
        all.queue.push_back(Event::Updated(open.snapshot()));
        all.weigh(telling);
        all.answering = true;
        match framing {
            Framing::Unknown => self.broken(time, 0, "nobody can tell where its body ends"),
            Framing::Upgrade => self.end(time),
            _ => {}
        }
        framing
    }

    fn data(&mut self, time: Timestamp, bytes: &[u8]) {
        let all = &mut *self.0;
        let Some(open) = all.open.front_mut().filter(|_| all.answering) else { return };
        open.response_data(time, bytes, &mut all.queue);
        let telling = open.telling;
        all.weigh_bytes(telling, bytes.len());
    }

    fn hole(&mut self, _time: Timestamp, lost: u64) {
        match self.0.open.front_mut().filter(|_| self.0.answering) {
            Some(open) => open.response_hole(lost),
            None => self.0.response_lost = self.0.response_lost.saturating_add(lost),
        }
    }

    fn end(&mut self, time: Timestamp) {
        let all = &mut *self.0;
        if !std::mem::take(&mut all.answering) {
            return;
        }
        let Some(open) = all.open.front_mut() else { return };
        open.response_end(time, true, &mut all.queue);
        all.finish_first(time);
    }

    fn broken(&mut self, time: Timestamp, lost: u64, why: &'static str) {
        let all = &mut *self.0;
        match all.open.front_mut().filter(|_| all.answering) {
            Some(open) => {
                if lost > 0 {
                    open.response_hole(lost);
                }
                all.abort_first(1, time, why);
            }
            None => all.response_lost = all.response_lost.saturating_add(lost),
        }
        all.responses_torn(time);
    }

    fn astray(&mut self, _time: Timestamp, lost: u64) {
        let all = &mut *self.0;
        // Its end may have been among them: the next request will tell.
        all.torn = true;
        all.answer_torn = true;
        match all.open.front_mut().filter(|_| all.answering) {
            Some(open) => {
                let bytes = &mut open.exchange.lost_bytes;
                *bytes = bytes.saturating_add(lost);
                // Part of them is framing: the body lacks fewer.
                open.response_hole(None);
            }
            None => all.response_lost = all.response_lost.saturating_add(lost),
        }
    }

    fn lost(&mut self, time: Timestamp, lost: u64) {
        let all = &mut *self.0;
        all.response_lost = all.response_lost.saturating_add(lost);
        all.responses_torn(time);
    }

    fn doubts_body(&self) -> bool {
        let first = self.0.open.front().filter(|_| self.0.answering);
        first.is_some_and(|open| open.exchange.request.method.is_none())
    }

    fn waits(&self) -> bool {
        let all = &*self.0;
        let before = all.joined_midway && !all.paired;
        let unseen = before || all.asked_unseen || all.request_lost > 0;
        let sure = !unseen && !all.torn && !all.unpaired && all.left_for.is_none();
        all.patient && sure && !all.expects_answer()
    }

    fn skipped(&mut self, _time: Timestamp, _bytes: u64) {
        let all = &mut *self.0;
        // Whatever they answer has been answered.
        all.asked_unseen = false;
        let sure = !all.torn && !all.joined_midway;
        if let Some(open) = all.open.front_mut().filter(|open| sure && !open.response_begun) {
            open.exchange
                .note("unread_response", "bytes came that begin none, or one of too long a head");
        }
    }
}
