//! One direction of a connection: frames, and the header blocks in them.

use super::frame::{DEFAULT_LONGEST, Frame, HEADER, Kind, PREFACE};
use super::head::Head;
use super::hpack::Decoder;
use super::payload::{Data, GoAway, max_frame_size};
use super::search::Search;

/// Payload allowed on a connection whose settings were not seen: what Go's
/// servers allow, the largest of those in use.
const LONGEST_UNSEEN: usize = 1 << 20;
/// Bytes of a control frame that are looked at.
const CONTROL: usize = 1 << 10;
/// Bytes of heads that each byte of frames allows for. An octet can stand for a
/// field of any length, but no peer says much more than that: with the table
/// that encoders have at first, 4 KiB, a request of nothing but such octets
/// still has some 30 of them.
const HEADS_A_BYTE: usize = 128;
/// Bytes of heads that may be allowed for at once.
const HEADS: usize = 4 << 20;

/// What a direction is made of.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    /// The client's connection preface.
    Preface,
    /// A header block is complete.
    Head { stream: u32, promised: Option<u32>, head: Box<Head>, ends_stream: bool },
    /// Some of a DATA frame's data.
    Data { stream: u32, bytes: &'a [u8] },
    /// A DATA frame with END_STREAM is complete.
    End { stream: u32 },
    /// Data of a stream is missing here; `None`: nobody knows how much.
    Hole { stream: u32, lost: Option<u64> },
    /// RST_STREAM.
    Reset { stream: u32, code: u32 },
    /// The longest payload that the sender accepts.
    MaxFrameSize(usize),
    /// GOAWAY.
    GoAway(GoAway),
    /// The framing is lost: anything may be missing here.
    Unframed,
}

impl Piece<'_> {
    /// The stream that it is of.
    pub(super) fn stream(&self) -> Option<u32> {
        match self {
            Piece::Head { stream, promised: None, .. }
            | Piece::Data { stream, .. }
            | Piece::End { stream }
            | Piece::Hole { stream, .. }
            | Piece::Reset { stream, .. } => Some(*stream),
            Piece::Head { .. }
            | Piece::Preface
            | Piece::MaxFrameSize(_)
            | Piece::GoAway(_)
            | Piece::Unframed => None,
        }
    }
}

/// Takes the bytes of one direction apart.
///
/// Call [`next`](Self::next) until it is `None`. Bytes may then be left over:
/// those that [`find`](Self::find) must look through before it goes on.
#[derive(Debug)]
pub(super) struct Half {
    state: State,
    hpack: Decoder,
    /// The header block that CONTINUATION frames go on with.
    block: Option<Block>,
    /// The payload of the frame that is passing.
    payload: Vec<u8>,
    search: Search,
    /// The longest payload the peer is known to accept.
    longest: usize,
    /// All bytes were seen.
    whole: bool,
    /// Bytes of a head that are kept.
    limit: usize,
    /// Bytes of heads that are allowed for.
    room: usize,
}

#[derive(Debug)]
enum State {
    /// Nothing but the beginning of the preface was seen.
    Start {
        matched: usize,
    },
    Header {
        have: usize,
        octets: [u8; HEADER],
    },
    Data(Data),
    Payload {
        frame: Frame,
        left: usize,
        whole: bool,
    },
    Searching,
}

const HEADER_NEXT: State = State::Header { have: 0, octets: [0; HEADER] };

#[derive(Debug)]
struct Block {
    stream: u32,
    promised: Option<u32>,
    ends_stream: bool,
    octets: Vec<u8>,
    whole: bool,
}

impl Half {
    /// A direction; `whole`: its first byte will be seen.
    pub(super) fn new(whole: bool, limit: usize) -> Self {
        Half {
            state: State::Start { matched: 0 },
            hpack: if whole { Decoder::new() } else { Decoder::midway() },
            block: None,
            payload: Vec::new(),
            search: Search::default(),
            longest: DEFAULT_LONGEST,
            whole,
            limit,
            room: HEADS,
        }
    }

    /// Whether no byte came yet.
    pub(super) fn is_untouched(&self) -> bool {
        matches!(self.state, State::Start { matched: 0 })
    }

    /// Whether it is known where frames begin.
    pub(super) fn is_framed(&self) -> bool {
        !matches!(self.state, State::Start { .. } | State::Searching)
    }

    /// The peer accepts payloads this long.
    pub(super) fn allow(&mut self, longest: usize) {
        self.longest = self.longest.max(longest);
    }

    /// The next piece of `input`.
    pub(super) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Option<Piece<'a>> {
        loop {
            match &mut self.state {
                State::Start { matched } => {
                    let expected = &PREFACE[*matched..];
                    let length = expected.len().min(input.len());
                    if length == 0 {
                        return None;
                    }
                    if input[..length] == expected[..length] {
                        *matched += length;
                        *input = &input[length..];
                        if *matched == PREFACE.len() {
                            self.state = HEADER_NEXT;
                            self.hpack = Decoder::new();
                            self.whole = true;
                            return Some(Piece::Preface);
                        }
                        return None;
                    }
                    let matched = *matched;
                    self.state = if self.whole { HEADER_NEXT } else { State::Searching };
                    if matched > 0 {
                        // Not even the start of frames.
                        return Some(self.unframe(&PREFACE[..matched]));
                    }
                }
                State::Header { have, octets } => {
                    let length = (HEADER - *have).min(input.len());
                    octets[*have..*have + length].copy_from_slice(&input[..length]);
                    *have += length;
                    *input = &input[length..];
                    if *have < HEADER {
                        return None;
                    }
                    let octets = *octets;
                    if let Some(piece) = self.begin(&octets) {
                        return Some(piece);
                    }
                }
                State::Data(data) => {
                    if data.is_over() {
                        let (stream, ends_stream) = (data.stream, data.ends_stream);
                        self.state = HEADER_NEXT;
                        if ends_stream {
                            return Some(Piece::End { stream });
                        }
                        continue;
                    }
                    if input.is_empty() {
                        return None;
                    }
                    if let Some(bytes) = data.take(input) {
                        return Some(Piece::Data { stream: data.stream, bytes });
                    }
                }
                State::Payload { frame, left, whole } => {
                    let length = (*left).min(input.len());
                    if *whole {
                        let room = self.limit.max(CONTROL).saturating_sub(self.payload.len());
                        self.payload.extend_from_slice(&input[..length.min(room)]);
                        *whole = length <= room;
                    }
                    *left -= length;
                    *input = &input[length..];
                    if *left > 0 {
                        return None;
                    }
                    let (frame, whole) = (*frame, *whole);
                    self.state = HEADER_NEXT;
                    if let Some(piece) = self.finish(frame, whole) {
                        return Some(piece);
                    }
                }
                State::Searching => return None,
            }
        }
    }

    /// Looks for frames in what [`next`](Self::next) left over. `None`: all of
    /// `input` was taken, and more is needed. Else the bytes returned come
    /// next, then `input`.
    pub(super) fn find(&mut self, input: &mut &[u8]) -> Option<Vec<u8>> {
        if !matches!(self.state, State::Searching) {
            return None;
        }
        let found = self.search.feed(input, self.longest)?;
        self.state = HEADER_NEXT;
        Some(found)
    }

    /// Says that the protocol is this one for sure, so that less proof does.
    /// The bytes returned come next.
    pub(super) fn settle(&mut self) -> Option<Vec<u8>> {
        if !matches!(self.state, State::Searching) {
            return None;
        }
        let found = self.search.ends_here(1)?;
        self.state = HEADER_NEXT;
        Some(found)
    }

    /// Bytes are missing here.
    pub(super) fn gap(&mut self, lost: u64, mut tell: impl FnMut(Piece<'static>)) {
        let missing = usize::try_from(lost).unwrap_or(usize::MAX);
        let inside = match &mut self.state {
            State::Data(data) => {
                let stream = data.stream;
                let (inside, lost) = data.skip(missing);
                if lost != Some(0) {
                    tell(Piece::Hole { stream, lost });
                }
                inside
            }
            State::Payload { left, whole, .. } => {
                let inside = missing.min(*left);
                *left -= inside;
                *whole = false;
                inside
            }
            State::Start { .. } | State::Header { .. } | State::Searching => 0,
        };
        // The frame that is over by now may have ended something.
        while let Some(piece) = self.next(&mut &[][..]) {
            tell(piece);
        }
        if missing > inside || missing == 0 {
            tell(self.unframe(&[]));
        }
    }

    /// The framing is lost; `octets` may be the beginning of what comes.
    fn unframe(&mut self, mut octets: &[u8]) -> Piece<'static> {
        self.state = State::Searching;
        self.hpack.lost();
        self.block = None;
        self.whole = false;
        self.search.clear();
        self.search.feed(&mut octets, self.longest);
        Piece::Unframed
    }

    /// A frame's header was read.
    fn begin(&mut self, octets: &[u8; HEADER]) -> Option<Piece<'static>> {
        let longest = if self.whole { self.longest } else { self.longest.max(LONGEST_UNSEEN) };
        let Some(frame) = Frame::parse(octets, longest) else {
            return Some(self.unframe(octets));
        };
        self.room = HEADS.min(self.room + (HEADER + frame.length) * HEADS_A_BYTE);
        self.state = if frame.kind == Kind::Data {
            State::Data(Data::new(&frame))
        } else {
            self.payload.clear();
            State::Payload { frame, left: frame.length, whole: true }
        };
        // Nothing may come between a header block's pieces (RFC 9113, 6.10).
        let goes_on = frame.kind == Kind::Continuation;
        let mut broken = self.block.take_if(|block| !goes_on || block.stream != frame.stream)?;
        broken.whole = false;
        Some(self.decode(broken))
    }

    /// A frame's payload has passed; `whole`: as far as it matters.
    fn finish(&mut self, frame: Frame, whole: bool) -> Option<Piece<'static>> {
        let payload = std::mem::take(&mut self.payload);
        let piece = match frame.kind {
            Kind::Headers | Kind::PushPromise | Kind::Continuation => {
                self.fragment(frame, &payload, whole)
            }
            Kind::ResetStream if whole => payload
                .first_chunk()
                .map(|code| Piece::Reset { stream: frame.stream, code: u32::from_be_bytes(*code) }),
            Kind::Settings if whole => max_frame_size(&payload).map(Piece::MaxFrameSize),
            Kind::GoAway => GoAway::parse(&payload).map(Piece::GoAway),
            _ => None,
        };
        self.payload = payload;
        self.payload.clear();
        self.payload.shrink_to(CONTROL);
        piece
    }

    fn fragment(&mut self, frame: Frame, payload: &[u8], whole: bool) -> Option<Piece<'static>> {
        let mut block = match (frame.kind, self.block.take()) {
            (Kind::Continuation, Some(block)) => block,
            (Kind::Continuation, None) => {
                // Its beginning was not seen.
                self.hpack.lost();
                return None;
            }
            _ => Block {
                stream: frame.stream,
                promised: frame.promised(payload),
                ends_stream: frame.ends_stream(),
                octets: Vec::new(),
                whole: true,
            },
        };
        if block.whole {
            let fragment = frame.fragment(payload);
            let room = self.limit.saturating_sub(block.octets.len());
            block.octets.extend_from_slice(&fragment[..fragment.len().min(room)]);
            block.whole = whole && fragment.len() <= room;
        }
        if frame.ends_headers() {
            return Some(self.decode(block));
        }
        self.block = Some(block);
        None
    }

    fn decode(&mut self, block: Block) -> Piece<'static> {
        let mut head = Box::<Head>::default();
        let most = self.limit.min(self.room);
        let mut left = most;
        let result = self.hpack.decode(&block.octets, |field| head.push(field, &mut left));
        self.room -= most - left;
        if !block.whole {
            self.hpack.lost();
        }
        head.broken = result.is_err() || !block.whole;
        let Block { stream, promised, ends_stream, .. } = block;
        Piece::Head { stream, promised, head, ends_stream }
    }
}
