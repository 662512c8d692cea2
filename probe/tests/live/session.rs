//! Live capture under test, and what came of it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use llmtop_probe::live::{Config, Filters};
use llmtop_probe::{
    Capture, ConnId, Control, Direction, Discovery, Error, Live, Outlet, Source, Totals,
};

/// Sends everything to a test.
struct Channel(mpsc::Sender<Capture>);

impl Outlet for Channel {
    fn offer(&mut self, captures: &mut Vec<Capture>) -> bool {
        captures.drain(..).all(|capture| self.0.send(capture).is_ok())
    }
    fn deliver(&mut self, captures: &mut Vec<Capture>) -> bool {
        self.offer(captures)
    }
}

/// Live capture under test.
pub(crate) struct Session {
    pub(crate) control: Arc<dyn Control>,
    thread: JoinHandle<Result<Totals, Error>>,
    captures: mpsc::Receiver<Capture>,
    pub(crate) seen: Vec<Capture>,
}

impl Session {
    pub(crate) fn start(filters: Filters, ring_bytes: Option<u32>) -> Self {
        let config = Config { ring_bytes, filters, stdio: false };
        // Searching all that runs here once is enough.
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("stacks.json");
        let discovery = Discovery::with_cache(cache);
        let live = Live::start(&config, Box::new(discovery)).unwrap();
        assert_eq!(live.problems(), [""; 0]);
        assert!(!live.attached().is_empty());
        Self::run(live)
    }

    fn run(live: Live) -> Self {
        let (sender, captures) = mpsc::channel();
        let control = live.control();
        let thread = std::thread::spawn(move || Box::new(live).run(&mut Channel(sender)));
        Self { control, thread, captures, seen: Vec::new() }
    }

    /// Takes captures until one is as wanted.
    pub(crate) fn until(&mut self, wanted: impl Fn(&Capture) -> bool) -> Capture {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let capture = self.captures.recv_timeout(left).expect("it never came");
            self.seen.push(capture.clone());
            if wanted(&capture) {
                return capture;
            }
        }
    }

    pub(crate) fn stop(mut self) -> (Vec<Capture>, Totals) {
        self.control.stop();
        let totals = self.thread.join().unwrap().unwrap();
        self.seen.extend(self.captures.iter());
        (self.seen, totals)
    }
}

pub(crate) fn only(pid: u32) -> Filters {
    Filters { pids: vec![pid], ..Filters::default() }
}

/// What was captured of each connection and direction: bytes, and lost ones.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Stream {
    pub(crate) pid: u32,
    pub(crate) bytes: Vec<u8>,
    pub(crate) lost: u64,
}

pub(crate) type Streams = HashMap<(ConnId, Direction), Stream>;

pub(crate) fn streams(captures: &[Capture]) -> Streams {
    let mut pids = HashMap::new();
    let mut streams: HashMap<_, Stream> = HashMap::new();
    for capture in captures {
        match capture {
            Capture::Open(open) => {
                assert!(pids.insert(open.conn, open.pid).is_none(), "opened twice");
            }
            Capture::Chunk(chunk) => {
                let stream = streams.entry((chunk.conn, chunk.direction)).or_default();
                stream.pid = pids[&chunk.conn];
                assert_eq!(chunk.offset, stream.bytes.len() as u64 + stream.lost);
                stream.bytes.extend(&chunk.bytes);
            }
            Capture::Gap(gap) => {
                let stream = streams.entry((gap.conn, gap.direction)).or_default();
                stream.pid = pids[&gap.conn];
                stream.lost += gap.lost;
            }
            Capture::Close { conn, .. } => {
                assert!(pids.remove(conn).is_some(), "closed twice or unopened");
            }
            _ => {}
        }
    }
    assert!(pids.is_empty(), "left open");
    streams
}

/// The bytes that the scripts move.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    let unit: Vec<u8> = (0..length.min(65536)).map(|i| ((i * 7 + i / 256) % 256) as u8).collect();
    unit.iter().copied().cycle().take(length).collect()
}

pub(crate) fn said<'a>(streams: &'a Streams, text: &str) -> Vec<&'a Stream> {
    streams.values().filter(|s| s.bytes == text.as_bytes()).collect()
}
