//! One direction: frames, and the messages they are pieces of.

use super::frame::{self, Frame, Opcode, Parsed};
use super::inflate::{Inflater, Problem};
use super::search::Search;
use super::{Defect, Kind, Message};
use crate::Timestamp;

/// What a direction tells.
#[derive(Debug)]
pub(super) enum Told {
    Message(Message),
    /// The closing handshake begins, or is answered.
    Close {
        code: Option<u16>,
        reason: String,
    },
    /// Octets are missing between frames, or passed where no frame could be
    /// told: messages may be among them, and among what follows until the next
    /// message.
    Lost {
        captured: u64,
        missing: u64,
    },
}

/// Reads one direction. Drive it with [`receive`](Self::receive) and
/// [`gap`](Self::gap) in order. Holds one message, as far as it fits.
#[derive(Debug)]
pub(super) struct Half {
    state: State,
    /// Whether frames are masked, where that is known.
    masked: Option<bool>,
    /// Octets of a message that are kept.
    limit: usize,
    message: Option<Open>,
    inflater: Inflater,
    /// The payload of a control frame.
    control: Vec<u8>,
    /// A call's octets, unmasked.
    scratch: Vec<u8>,
    /// Frames were found by what they say, or since the handshake.
    proven: bool,
    /// So many frames were read in a row.
    frames: u64,
    /// Lengths that they had.
    lengths: Vec<u64>,
}

/// Lengths of frames that are told apart.
pub(super) const LENGTHS: usize = 6;

#[derive(Debug)]
enum State {
    /// At a frame's beginning, or inside its header.
    Header(Vec<u8>),
    /// Inside a frame, `at` octets into its payload; `torn`: some are missing.
    Payload {
        frame: Frame,
        at: u64,
        torn: bool,
    },
    Searching(Search),
}

/// A message on its way in.
#[derive(Debug)]
struct Open {
    message: Message,
    compressed: bool,
}

impl Half {
    /// `found`: its octets begin with a frame. `forgets`: its messages are
    /// agreed not to refer to one another.
    pub(super) fn new(found: bool, masked: Option<bool>, limit: usize, forgets: bool) -> Self {
        let state =
            if found { State::Header(Vec::new()) } else { State::Searching(Search::new(masked)) };
        Half {
            state,
            masked,
            limit,
            message: None,
            inflater: Inflater::new(limit, forgets),
            control: Vec::new(),
            scratch: Vec::new(),
            proven: found,
            frames: 0,
            lengths: Vec::new(),
        }
    }

    /// Whether its frames are masked, as far as it is known.
    pub(super) fn masked(&self) -> Option<bool> {
        self.masked
    }

    /// Who writes it is known: only such frames are its own.
    pub(super) fn expect(&mut self, masked: bool) {
        if self.masked.is_none() {
            self.masked = Some(masked);
            if let State::Searching(search) = &mut self.state {
                search.expect(masked);
            }
        }
    }

    /// Of a message no more octets than these are kept.
    pub(super) fn bound(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Whether these are WebSocket frames for sure.
    pub(super) fn is_proven(&self) -> bool {
        self.proven
    }

    /// Frames read in a row.
    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    /// Of how many lengths they were, up to [`LENGTHS`].
    pub(super) fn lengths(&self) -> usize {
        self.lengths.len()
    }

    fn is_framed(&self) -> bool {
        !matches!(self.state, State::Searching(_))
    }

    /// The next octets.
    pub(super) fn receive(&mut self, time: Timestamp, octets: &[u8], tell: &mut dyn FnMut(Told)) {
        let mut rest = octets;
        loop {
            self.frames_of(time, &mut rest, tell);
            let State::Searching(search) = &mut self.state else { return };
            let Some(found) = search.feed(&mut rest) else { return };
            if found.passed > 0 {
                tell(Told::Lost { captured: found.passed, missing: 0 });
            }
            self.masked = Some(found.masked);
            self.proven = found.proven;
            self.state = State::Header(Vec::new());
            let mut held = &found.octets[..];
            self.frames_of(time, &mut held, tell);
            if let State::Searching(search) = &mut self.state {
                // The few octets behind the last frame that was told.
                search.feed(&mut held);
            }
        }
    }

    /// Octets are missing here; 0: nobody knows how many.
    pub(super) fn gap(&mut self, lost: u64, tell: &mut dyn FnMut(Told)) {
        let mut inside = 0;
        if let State::Payload { frame, at, torn } = &mut self.state {
            inside = lost.min(frame.length - *at);
            *at += inside;
            *torn = true;
            let control = frame.opcode.is_control();
            if let Some(open) = self.message.as_mut().filter(|_| !control) {
                open.tear(inside);
                self.inflater.lose();
            }
            self.end_frame(tell);
        }
        if lost > inside || lost == 0 {
            self.lose_place(lost - inside, tell);
        }
    }

    /// Where frames begin is not known any more.
    fn lose_place(&mut self, missing: u64, tell: &mut dyn FnMut(Told)) {
        self.frames = 0;
        self.lengths.clear();
        self.proven = false;
        let captured = match &mut self.state {
            State::Searching(search) => search.clear(),
            State::Header(carry) => carry.len() as u64,
            State::Payload { .. } => 0,
        };
        if let Some(mut open) = self.message.take() {
            // Whether it went on nobody knows.
            open.tear(0);
            tell(Told::Message(open.message));
        }
        self.inflater.lose();
        self.state = State::Searching(Search::new(self.masked));
        // Told at once, so that it does not depend on how octets come.
        tell(Told::Lost { captured, missing });
    }

    /// Reads one header, or what is there of one payload.
    fn read(&mut self, time: Timestamp, rest: &mut &[u8], tell: &mut dyn FnMut(Told)) {
        let expected = self.masked;
        match &mut self.state {
            State::Header(carry) => {
                let carried = carry.len();
                let taken = rest.len().min(frame::LONGEST - carried);
                carry.extend_from_slice(&rest[..taken]);
                match Frame::parse(carry) {
                    Parsed::Header(frame, length)
                        if expected.is_none_or(|masked| masked == frame.mask.is_some()) =>
                    {
                        *rest = &rest[length - carried..];
                        self.begin_frame(time, frame, tell);
                    }
                    Parsed::Partial => *rest = &rest[taken..],
                    _ => {
                        // What was carried of it may still be the end of something.
                        carry.truncate(carried);
                        self.lose_place(0, tell);
                    }
                }
            }
            State::Payload { frame, at, .. } => {
                let left = usize::try_from(frame.length - *at).unwrap_or(usize::MAX);
                let (octets, after) = rest.split_at(rest.len().min(left));
                let (frame, from) = (*frame, *at);
                *at += octets.len() as u64;
                *rest = after;
                self.payload(&frame, from, octets);
                self.end_frame(tell);
            }
            State::Searching(_) => {}
        }
    }

    /// Reads while frames follow one another.
    fn frames_of(&mut self, time: Timestamp, rest: &mut &[u8], tell: &mut dyn FnMut(Told)) {
        while !rest.is_empty() && self.is_framed() {
            self.read(time, rest, tell);
        }
    }

    fn begin_frame(&mut self, time: Timestamp, frame: Frame, tell: &mut dyn FnMut(Told)) {
        self.frames += 1;
        if self.lengths.len() < LENGTHS && !self.lengths.contains(&frame.length) {
            self.lengths.push(frame.length);
        }
        self.masked = Some(frame.mask.is_some());
        self.state = State::Payload { frame, at: 0, torn: false };
        match frame.opcode {
            Opcode::Text | Opcode::Binary => {
                if let Some(mut open) = self.message.take() {
                    // Its last frame was not seen.
                    open.tear(0);
                    self.inflater.lose();
                    tell(Told::Message(open.message));
                }
                let kind = if frame.opcode == Opcode::Text { Kind::Text } else { Kind::Binary };
                self.message = Some(Open::new(kind, time, frame.compressed));
                if frame.compressed {
                    self.inflater.begin();
                }
            }
            Opcode::Continuation if self.message.is_none() => {
                // The rest of one that nothing is known of.
                let mut open = Open::new(Kind::Binary, time, false);
                open.tear(0);
                self.inflater.lose();
                self.message = Some(open);
            }
            Opcode::Continuation => {}
            _ => self.control.clear(),
        }
        self.end_frame(tell);
    }

    fn payload(&mut self, frame: &Frame, from: u64, octets: &[u8]) {
        let mut scratch = std::mem::take(&mut self.scratch);
        let octets = match frame.mask {
            Some(mask) => {
                scratch.clear();
                scratch.extend_from_slice(octets);
                frame::unmask(&mut scratch, mask, from);
                &scratch[..]
            }
            None => octets,
        };
        if frame.opcode.is_control() {
            self.control.extend_from_slice(octets);
        } else if let Some(open) = &mut self.message {
            open.add(octets, &mut self.inflater, self.limit);
        }
        scratch.shrink_to(16 << 10);
        self.scratch = scratch;
    }

    /// If the frame is over, so may be its message.
    fn end_frame(&mut self, tell: &mut dyn FnMut(Told)) {
        let State::Payload { frame, at, torn } = self.state else { return };
        if at < frame.length {
            return;
        }
        self.state = State::Header(Vec::new());
        match frame.opcode {
            Opcode::Close => tell(self.close(torn)),
            Opcode::Ping | Opcode::Pong => {}
            _ if frame.ends => {
                if let Some(open) = self.message.take() {
                    tell(Told::Message(open.finish(&mut self.inflater, self.limit)));
                }
            }
            _ => {}
        }
    }

    /// RFC 6455 section 5.5.1: a code, and a reason in UTF-8.
    fn close(&self, torn: bool) -> Told {
        let (code, reason) = match self.control.split_first_chunk() {
            Some((code, reason)) if !torn => {
                let reason = String::from_utf8_lossy(reason).into_owned();
                (Some(u16::from_be_bytes(*code)), reason)
            }
            _ => (None, String::new()),
        };
        Told::Close { code, reason }
    }
}

impl Open {
    fn new(kind: Kind, time: Timestamp, compressed: bool) -> Self {
        let message = Message {
            kind,
            payload: Vec::new(),
            dropped: 0,
            wire: 0,
            lost: 0,
            began: time,
            defect: None,
        };
        Open { message, compressed }
    }

    /// Octets of it are missing.
    fn tear(&mut self, lost: u64) {
        self.message.lost = self.message.lost.saturating_add(lost);
        self.message.wire = self.message.wire.saturating_add(lost);
        self.message.defect.get_or_insert(Defect::Torn);
    }

    fn add(&mut self, octets: &[u8], inflater: &mut Inflater, limit: usize) {
        self.message.wire = self.message.wire.saturating_add(octets.len() as u64);
        if self.message.defect.is_some() {
            return;
        }
        let message = &mut self.message;
        let mut keep = |octets: &[u8]| message.keep(octets, limit);
        let result = if self.compressed {
            inflater.push(octets, &mut keep)
        } else {
            keep(octets);
            Ok(())
        };
        self.judge(result);
    }

    fn finish(mut self, inflater: &mut Inflater, limit: usize) -> Message {
        if self.compressed && self.message.defect.is_none() {
            let message = &mut self.message;
            let result = inflater.finish(&mut |octets| message.keep(octets, limit));
            self.judge(result);
        }
        self.message
    }

    fn judge(&mut self, result: Result<(), Problem>) {
        self.message.defect = match result {
            Ok(()) => return,
            Err(Problem::Refers) => Some(Defect::Undecodable),
            Err(Problem::Bomb) => Some(Defect::Bomb),
        };
    }
}
