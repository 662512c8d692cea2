//! One direction of an HTTP/1 connection.

use memchr::memchr;

use super::chunked::{Chunked, Step};
use super::framing::Framing;
use super::head::Head;
use crate::Timestamp;
use crate::detect::{self, Kind, Match};
use crate::stream::Carry;

/// A start line is judged by this much of it, before it is whole.
const GLANCE: usize = 64;

/// What a [`Half`] tells.
///
/// For each message `head`, then `data`, `hole` and `astray` in order, then
/// one of `end` and `broken`. Between messages `lost` and `skipped`.
pub(crate) trait Sink {
    /// A message begins. `started` is when its first byte moved. Answers how
    /// its body ends: [`Framing::Empty`] is followed by `end` at once, while
    /// after [`Framing::Interim`], [`Framing::Upgrade`] and
    /// [`Framing::Unknown`] nothing more is told of the message.
    fn head(&mut self, head: Head, started: Timestamp, time: Timestamp) -> Framing;
    /// Bytes of the body, transfer coding removed.
    fn data(&mut self, time: Timestamp, bytes: &[u8]);
    /// Bytes of the body were lost.
    fn hole(&mut self, time: Timestamp, lost: u64);
    /// The message is over.
    fn end(&mut self, time: Timestamp);
    /// The message goes on, or ended, where nobody can tell.
    fn broken(&mut self, time: Timestamp, lost: u64, why: &'static str);
    /// Bytes of the body were lost, and with them the place in its coding;
    /// if it is found again, more of the body follows.
    fn astray(&mut self, time: Timestamp, lost: u64);
    /// Bytes were lost of messages that nothing is known of.
    fn lost(&mut self, time: Timestamp, lost: u64);
    /// Bytes passed that belong to messages that nothing is known of.
    fn skipped(&mut self, time: Timestamp, bytes: u64);
    /// Whether the message whose head was just told may have no body after
    /// all: a response to a request that was not seen and may have been HEAD.
    fn doubts_body(&self) -> bool {
        false
    }
    /// Whether what follows has to wait for the other direction. Asked where a
    /// message begins, and after the head of a request.
    fn waits(&self) -> bool {
        false
    }
}

/// Reads one direction. Drive it with [`receive`](Self::receive) and
/// [`gap`](Self::gap) in order, then [`close`](Self::close). After a loss
/// that leaves it nowhere, it goes on at the next chunk that begins a message.
/// Holds at most one unfinished head.
#[derive(Debug)]
pub(crate) struct Half {
    kind: Kind,
    /// Bound of a head.
    limit: usize,
    state: State,
    carry: Carry,
    search: Search,
    /// No byte of the body passed yet, and perhaps none will.
    doubtful: bool,
}

#[derive(Debug)]
enum State {
    /// At the beginning of a message, or inside its head. `sure`: because the
    /// message before ended here, not because it looks so.
    Head {
        sure: bool,
    },
    Length(u64),
    Chunked(Chunked),
    Close,
    /// In a chunked body, but not known where: until a chunk begins.
    Astray,
    /// Inside a message whose end nobody can tell, and which may imitate
    /// others: until the other end had its say.
    Blind,
    Opaque,
}

/// How far the search for a head's end has come.
#[derive(Debug, Default)]
struct Search {
    /// Bytes before this need not be looked at again.
    at: usize,
    /// The start line was judged.
    judged: bool,
}

enum Found {
    /// The head is so long.
    Head(usize),
    More,
    Nothing,
}

impl Half {
    pub(crate) fn new(kind: Kind, limit: usize) -> Self {
        Half {
            kind,
            limit,
            state: State::Head { sure: false },
            carry: Carry::default(),
            search: Search::default(),
            doubtful: false,
        }
    }

    /// From here on another protocol is spoken.
    pub(crate) fn make_opaque(&mut self) {
        self.state = State::Opaque;
        self.carry.clear();
    }

    pub(crate) fn is_opaque(&self) -> bool {
        matches!(self.state, State::Opaque)
    }

    /// The next bytes. Answers how many at their end belong to another protocol,
    /// or wait.
    pub(crate) fn receive(&mut self, time: Timestamp, bytes: &[u8], sink: &mut impl Sink) -> usize {
        let mut rest = bytes;
        if std::mem::take(&mut self.doubtful)
            && detect::start_line(self.kind, rest, true) == Match::Yes
        {
            self.end(time, sink);
        }
        while !rest.is_empty() {
            match &mut self.state {
                State::Head { sure } => {
                    let sure = *sure;
                    let begins = self.carry.is_empty()
                        && detect::start_line(self.kind, rest, true) != Match::No;
                    if begins && sink.waits() {
                        return rest.len();
                    }
                    rest = self.head(time, rest, sure, sink);
                    if self.kind == Kind::Request && sink.waits() {
                        return rest.len();
                    }
                }
                State::Length(left) => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left -= taken as u64;
                    let over = *left == 0;
                    sink.data(time, &rest[..taken]);
                    if over {
                        self.end(time, sink);
                    }
                    rest = &rest[taken..];
                }
                State::Chunked(chunked) => match chunked.next(rest) {
                    Step::Framing(taken) => rest = &rest[taken..],
                    Step::Data(taken) => {
                        sink.data(time, &rest[..taken]);
                        rest = &rest[taken..];
                    }
                    Step::End(taken) => {
                        self.end(time, sink);
                        rest = &rest[taken..];
                    }
                    Step::Broken(why) => {
                        self.lose_place();
                        sink.broken(time, 0, why);
                        sink.skipped(time, rest.len() as u64);
                        return 0;
                    }
                },
                State::Close => {
                    sink.data(time, rest);
                    return 0;
                }
                State::Astray => {
                    if !self.find_chunk(time, rest, sink) {
                        return 0;
                    }
                    // The carried bytes end with those at hand.
                    let found = self.carry.take();
                    return self.receive(time, &found, sink);
                }
                State::Blind => {
                    sink.skipped(time, rest.len() as u64);
                    return 0;
                }
                State::Opaque => return rest.len(),
            }
        }
        0
    }

    /// Looks for the place in a chunked body that was lost: a chunk that
    /// begins where these bytes, or those carried before them, do. If it is
    /// found, or a message begins, the bytes from there on are carried.
    fn find_chunk(&mut self, time: Timestamp, bytes: &[u8], sink: &mut impl Sink) -> bool {
        let room = self.limit.saturating_sub(self.carry.len());
        let fresh = self.carry.is_empty();
        self.carry.extend(time, &bytes[..bytes.len().min(room)]);
        let begun = match Chunked::begins(self.carry.bytes()) {
            Match::Partial if bytes.len() > room => Match::No,
            begun => begun,
        };
        let message = detect::start_line(self.kind, self.carry.bytes(), true);
        match (begun, message) {
            (Match::Yes, _) => self.state = State::Chunked(Chunked::default()),
            (_, Match::Yes) => {
                self.state = State::Head { sure: false };
                sink.broken(time, 0, "its end was lost");
            }
            (Match::No, Match::No) => {
                self.carry.clear();
                return !fresh && self.find_chunk(time, bytes, sink);
            }
            _ => return false,
        }
        self.carry.extend(time, &bytes[bytes.len().min(room)..]);
        true
    }

    /// The other end wrote: what comes next may be a message again.
    pub(crate) fn turn(&mut self) {
        if matches!(self.state, State::Blind) {
            self.state = State::Head { sure: false };
        }
    }

    pub(crate) fn gap(&mut self, time: Timestamp, lost: u64, sink: &mut impl Sink) {
        self.doubtful = false;
        match &mut self.state {
            State::Head { .. } | State::Blind => {
                self.lose_place();
                sink.lost(time, lost);
            }
            State::Length(left) => {
                let inside = lost.min(*left);
                *left -= inside;
                let over = *left == 0;
                sink.hole(time, inside);
                if over {
                    self.end(time, sink);
                }
                if lost > inside {
                    self.lose_place();
                    sink.lost(time, lost - inside);
                }
            }
            State::Chunked(chunked) => {
                if chunked.skip(lost) {
                    sink.hole(time, lost);
                } else if self.kind == Kind::Response {
                    self.state = State::Astray;
                    sink.astray(time, lost);
                } else {
                    self.lose_place();
                    sink.broken(time, lost, "bytes lost between two chunks");
                }
            }
            State::Close => sink.hole(time, lost),
            State::Astray => {
                self.carry.clear();
                sink.astray(time, lost);
            }
            State::Opaque => {}
        }
    }

    /// The connection ended.
    pub(crate) fn close(&mut self, time: Timestamp, sink: &mut impl Sink) {
        match self.state {
            State::Close => self.end(time, sink),
            State::Length(_) | State::Chunked(_) | State::Astray => {
                self.lose_place();
                sink.broken(time, 0, "the connection ended first");
            }
            State::Head { .. } | State::Blind | State::Opaque => {}
        }
    }

    fn end(&mut self, time: Timestamp, sink: &mut impl Sink) {
        self.state = State::Head { sure: true };
        sink.end(time);
    }

    fn lose_place(&mut self) {
        self.state = State::Head { sure: false };
        self.forget();
    }

    fn forget(&mut self) {
        self.carry.clear();
        self.search = Search::default();
    }

    /// Reads on in a head, and what of `bytes` is left after it.
    fn head<'a>(
        &mut self,
        time: Timestamp,
        bytes: &'a [u8],
        sure: bool,
        sink: &mut impl Sink,
    ) -> &'a [u8] {
        if self.carry.is_empty() {
            let bytes = detect::skip_empty_lines(bytes);
            return match self.search.look(self.kind, bytes, sure) {
                Found::Head(length) if length <= self.limit => {
                    self.begin(time, time, &bytes[..length], sink);
                    self.after_head(time, &bytes[length..], sink)
                }
                Found::More if bytes.len() <= self.limit => {
                    self.carry.extend(time, bytes);
                    &[]
                }
                _ => self.give_up(time, bytes, sink),
            };
        }
        let before = self.carry.len();
        let room = self.limit.saturating_sub(before);
        self.carry.extend(time, &bytes[..bytes.len().min(room)]);
        match self.search.look(self.kind, self.carry.bytes(), sure) {
            Found::Head(length) => {
                let started = self.carry.since();
                let head = self.carry.take();
                self.begin(started, time, &head[..length], sink);
                // The carried bytes alone held no whole head.
                let rest = &bytes[length.saturating_sub(before).min(bytes.len())..];
                self.after_head(time, rest, sink)
            }
            Found::More if bytes.len() <= room => &[],
            _ => {
                sink.skipped(time, before as u64);
                self.lose_place();
                // This chunk may itself begin a message.
                match detect::start_line(self.kind, bytes, true) {
                    Match::No => self.give_up(time, bytes, sink),
                    _ => bytes,
                }
            }
        }
    }

    /// What follows a head in its chunk is of use only if the head was.
    fn after_head<'a>(
        &mut self,
        time: Timestamp,
        rest: &'a [u8],
        sink: &mut impl Sink,
    ) -> &'a [u8] {
        self.doubtful &= rest.is_empty();
        match self.state {
            State::Head { sure: false } => self.give_up(time, rest, sink),
            _ => rest,
        }
    }

    /// These bytes begin no message: neither does the rest of the chunk.
    fn give_up<'a>(&mut self, time: Timestamp, bytes: &[u8], sink: &mut impl Sink) -> &'a [u8] {
        self.lose_place();
        if !bytes.is_empty() {
            sink.skipped(time, bytes.len() as u64);
        }
        &[]
    }

    fn begin(&mut self, started: Timestamp, time: Timestamp, bytes: &[u8], sink: &mut impl Sink) {
        self.forget();
        let Some(head) = Head::parse(self.kind, bytes) else {
            self.lose_place();
            return sink.skipped(time, bytes.len() as u64);
        };
        let framing = sink.head(head, started, time);
        self.doubtful = sink.doubts_body();
        match framing {
            Framing::Empty => self.end(time, sink),
            Framing::Length(length) => self.state = State::Length(length),
            Framing::Chunked => self.state = State::Chunked(Chunked::default()),
            Framing::Close => self.state = State::Close,
            Framing::Interim => self.state = State::Head { sure: true },
            Framing::Upgrade => self.make_opaque(),
            Framing::Unknown => self.state = State::Blind,
        }
    }
}

impl Search {
    /// Looks for the end of the head that `bytes` begin with; they only grow
    /// from call to call, and no byte is looked at more than a few times.
    fn look(&mut self, kind: Kind, bytes: &[u8], sure: bool) -> Found {
        if !self.judged {
            let end = memchr(b'\n', &bytes[self.at..]).map(|end| self.at + end);
            if (end.is_some() || self.at < GLANCE)
                && detect::start_line(kind, bytes, !sure) == Match::No
            {
                return Found::Nothing;
            }
            let Some(end) = end else {
                self.at = bytes.len();
                return Found::More;
            };
            self.judged = true;
            self.at = end;
        }
        while let Some(end) = memchr(b'\n', &bytes[self.at..]) {
            let end = self.at + end;
            match &bytes[end + 1..] {
                [b'\n', ..] => return Found::Head(end + 2),
                [b'\r', b'\n', ..] => return Found::Head(end + 3),
                [] | [b'\r'] => {
                    self.at = end;
                    return Found::More;
                }
                _ => self.at = end + 1,
            }
        }
        self.at = bytes.len();
        Found::More
    }
}
