//! Frames as peers write them, and what a bystander makes of them.

use std::collections::BTreeMap;

use llmtop_parsers::http2::{Event, Head, Http2};
use llmtop_parsers::{Direction, Limits, Role, Timestamp};

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;
pub(crate) const PADDED: u8 = 0x8;
pub(crate) const WITH_PRIORITY: u8 = 0x20;

/// Bytes of a connection as they moved, a frame a chunk.
pub(crate) type Chunks = Vec<(Direction, Vec<u8>)>;

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Two peers; the client's bytes are [`Direction::Sent`].
pub(crate) struct Peers {
    pub(crate) chunks: Chunks,
    client: loona_hpack::Encoder<'static>,
    server: loona_hpack::Encoder<'static>,
}

impl Peers {
    /// Peers that have greeted each other.
    pub(crate) fn new() -> Self {
        let mut peers = Peers {
            chunks: Vec::new(),
            client: loona_hpack::Encoder::new(),
            server: loona_hpack::Encoder::new(),
        };
        peers.chunks.push((Direction::Sent, PREFACE.to_vec()));
        peers.client(SETTINGS, 0, 0, &[0, 2, 0, 0, 0, 0]);
        peers.server(SETTINGS, 0, 0, &[0, 5, 0, 0, 0x80, 0]);
        peers.client(SETTINGS, 1, 0, &[]);
        peers.server(SETTINGS, 1, 0, &[]);
        peers
    }

    pub(crate) fn client(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.chunks.push((Direction::Sent, frame(kind, flags, stream, payload)));
    }

    pub(crate) fn server(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.chunks.push((Direction::Received, frame(kind, flags, stream, payload)));
    }

    pub(crate) fn client_block(&mut self, fields: &[(&str, &str)]) -> Vec<u8> {
        self.client.encode(fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
    }

    pub(crate) fn server_block(&mut self, fields: &[(&str, &str)]) -> Vec<u8> {
        self.server.encode(fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
    }

    pub(crate) fn request(&mut self, stream: u32, body: &[u8]) {
        let length = body.len().to_string();
        let block = self.client_block(&[
            (":method", "POST"),
            (":scheme", "https"),
            (":authority", "api.example.com"),
            (":path", "/v1/chat/completions"),
            ("content-type", "application/json"),
            ("content-length", &length),
            ("x-request-number", &stream.to_string()),
        ]);
        self.client(HEADERS, END_HEADERS, stream, &block);
        self.client(DATA, END_STREAM, stream, body);
    }

    pub(crate) fn response(&mut self, stream: u32, status: &str) {
        let block = self.server_block(&[
            (":status", status),
            ("content-type", "text/event-stream"),
            ("x-request-id", &format!("req_{stream}")),
        ]);
        self.server(HEADERS, END_HEADERS, stream, &block);
    }
}

/// A message as it was told.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Message {
    pub(crate) head: Option<Box<Head>>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Option<Box<Head>>,
    pub(crate) ended: bool,
    pub(crate) lost: Option<u64>,
    /// Bytes may be missing, nobody knows how many.
    pub(crate) torn: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stream {
    pub(crate) request: Message,
    pub(crate) response: Message,
    pub(crate) reset: Option<(Role, String)>,
    pub(crate) forgotten: bool,
}

/// Everything that was told of a connection.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Told {
    pub(crate) streams: BTreeMap<u32, Stream>,
    pub(crate) go_away: Vec<(Role, String, String)>,
}

impl Told {
    fn message(&mut self, stream: u32, from: Role) -> &mut Message {
        let stream = self.streams.entry(stream).or_default();
        match from {
            Role::Client => &mut stream.request,
            Role::Server => &mut stream.response,
        }
    }

    pub(crate) fn tell(&mut self, event: Event<'_>) {
        match event {
            Event::Role(_) => {}
            Event::Request { stream, head } => {
                let message = self.message(stream, Role::Client);
                assert_eq!(message.head, None, "a second request on {stream}");
                message.head = Some(head);
            }
            Event::Response { stream, head } => {
                let message = self.message(stream, Role::Server);
                assert_eq!(message.head, None, "a second response on {stream}");
                message.head = Some(head);
            }
            Event::Data { stream, from, bytes } => {
                assert!(!bytes.is_empty());
                let message = self.message(stream, from);
                assert!(!message.ended, "data after the end of {stream}");
                message.body.extend(bytes);
            }
            Event::Lost { stream, from, bytes: Some(bytes) } => {
                *self.message(stream, from).lost.get_or_insert_default() += bytes;
            }
            Event::Lost { stream, from, bytes: None } => self.message(stream, from).torn = true,
            Event::Trailers { stream, from, head } => {
                self.message(stream, from).trailers = Some(head);
            }
            Event::End { stream, from } => {
                let message = self.message(stream, from);
                assert!(!message.ended, "{stream} ended twice");
                message.ended = true;
            }
            Event::Reset { stream, from, code } => {
                let stream = self.streams.entry(stream).or_default();
                assert_eq!(stream.reset, None);
                stream.reset = Some((from, code.to_string()));
            }
            Event::GoAway { from, code, debug } => {
                self.go_away.push((from, code.to_string(), debug));
            }
            Event::Forgotten { stream } => {
                self.streams.entry(stream).or_default().forgotten = true;
            }
        }
    }
}

/// Follows chunks, each cut into pieces of at most `piece` bytes.
pub(crate) fn follow(joined_midway: bool, chunks: &[(Direction, Vec<u8>)], piece: usize) -> Told {
    let mut told = Told::default();
    let mut http2 = Http2::new(Limits::default(), joined_midway);
    for (direction, bytes) in chunks {
        for piece in bytes.chunks(piece) {
            http2.receive(*direction, Timestamp(0), piece, |_, event| told.tell(event));
        }
    }
    http2.close(|_, event| told.tell(event));
    told
}

/// Panics unless all that `seen` says of a message is so in `truth`, of which
/// the beginning may have been missed.
pub(crate) fn is_honest(seen: &Message, truth: &Message, context: &str) {
    assert!(
        truth.body.ends_with(&seen.body),
        "{context}: {:?} of {:?}",
        String::from_utf8_lossy(&seen.body),
        String::from_utf8_lossy(&truth.body)
    );
    assert!(!seen.ended || truth.ended, "{context}: end");
    for (seen, truth) in [(&seen.head, &truth.head), (&seen.trailers, &truth.trailers)] {
        let Some(seen) = seen else { continue };
        let Some(truth) = truth else { panic!("{context}: no such head: {seen:?}") };
        let fields = |head: &Head| {
            let pseudo = [&head.method, &head.scheme, &head.authority, &head.path, &head.protocol];
            let mut fields: Vec<_> =
                pseudo.into_iter().flatten().map(|value| (String::new(), value.clone())).collect();
            fields.extend(head.status.map(|status| (":status".into(), status.to_string())));
            fields.extend(head.headers.iter().cloned());
            fields
        };
        let (seen_fields, truth_fields) = (fields(seen), fields(truth));
        let count = seen_fields.len() + seen.unknown;
        let complete = count == truth_fields.len() || (seen.broken && count < truth_fields.len());
        assert!(complete, "{context}: {seen:?}");
        let mut rest = truth_fields.iter();
        for field in &seen_fields {
            assert!(rest.any(|truth| truth == field), "{context}: {field:?} of {truth_fields:?}");
        }
    }
}
