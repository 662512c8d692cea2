//! Live capture of a real OpenSSL: python3 moves bytes between two TLS objects
//! over memory BIOs, and says what it moved. Needs root; without, each test says
//! so and passes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use llmtop_probe::live::{Config, Filters};
use llmtop_probe::{Capture, ConnId, Direction, Discovery, Error, Live, Outlet, Source, Totals};

/// A TLS client and server in one process, driven by lines on its stdin.
const PAIR: &str = r#"
import ssl, sys, os, subprocess, socket, threading
ctx_s = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
ctx_s.load_cert_chain(sys.argv[1])
ctx_c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ctx_c.check_hostname = False
ctx_c.verify_mode = ssl.CERT_NONE

class Pair:
    def __init__(self):
        self.a, self.b = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.c = ctx_c.wrap_bio(self.b, self.a, server_hostname="example.test")
        self.s = ctx_s.wrap_bio(self.a, self.b, server_side=True)
        done = set()
        while len(done) < 2:
            for end in (self.c, self.s):
                try:
                    end.do_handshake()
                    done.add(end)
                except ssl.SSLWantReadError:
                    pass
        # Session tickets: a read that gives nothing.
        self.starve(self.c)
    def starve(self, end):
        try:
            end.read(10)
            raise SystemExit("unexpected bytes")
        except ssl.SSLWantReadError:
            pass
    def move(self, data):
        view = memoryview(data)
        got = bytearray()
        sent = 0
        while len(got) < len(data):
            if sent < len(data):
                sent += self.c.write(view[sent:])
            while True:
                try:
                    got += self.s.read(1 << 20)
                except ssl.SSLWantReadError:
                    break
        assert bytes(got) == bytes(data)

pairs = {}
def pair(name):
    if name not in pairs:
        pairs[name] = Pair()
    return pairs[name]

def run(words):
    what = words[0]
    if what == "move":      # NAME LENGTH COUNT
        length, count = int(words[2]), int(words[3])
        data = bytes((i * 7 + i // 256) % 256 for i in range(min(length, 65536)))
        data = (data * (length // max(len(data), 1) + 1))[:length]
        p = pair(words[1])
        for _ in range(count):
            p.move(data)
    elif what == "say":     # NAME TEXT
        pair(words[1]).move(words[2].encode())
    elif what == "starve":  # NAME
        pair(words[1]).starve(pair(words[1]).s)
    elif what == "drop":    # NAME
        del pairs[words[1]]
    elif what == "tcp":     # TEXT, to a server in this process
        listener = socket.create_server(("127.0.0.1", 0))
        def serve():
            conn, _ = listener.accept()
            with ctx_s.wrap_socket(conn, server_side=True) as tls:
                tls.sendall(tls.recv(100).upper())
        thread = threading.Thread(target=serve)
        thread.start()
        with socket.create_connection(listener.getsockname()) as conn:
            with ctx_c.wrap_socket(conn) as tls:
                tls.sendall(words[1].encode())
                assert tls.recv(100) == words[1].upper().encode()
        thread.join()
        listener.close()
    elif what == "fork":    # the rest, in a child
        pid = os.fork()
        if pid == 0:
            run(words[1:])
            os._exit(0)
        os.waitpid(pid, 0)
    elif what == "exec":    # the same program anew, which runs the rest
        subprocess.run([sys.executable, "-c", SOURCE, sys.argv[1]],
                       input=" ".join(words[1:]) + "\n", text=True, check=True,
                       stdout=subprocess.DEVNULL)

print("ready", flush=True)
for line in sys.stdin:
    run(line.split())
    print("done", flush=True)
"#;

/// The driven process.
struct Pair {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Pair {
    fn start(folder: &std::path::Path) -> Self {
        let pem = folder.join("pair.pem");
        if !pem.exists() {
            let made = Command::new("openssl")
                .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
                .args(["-subj", "/CN=example.test", "-keyout"])
                .arg(folder.join("key.pem"))
                .arg("-out")
                .arg(folder.join("cert.pem"))
                .stderr(Stdio::null())
                .status()
                .unwrap();
            assert!(made.success());
            let mut both = std::fs::read(folder.join("key.pem")).unwrap();
            both.extend(std::fs::read(folder.join("cert.pem")).unwrap());
            std::fs::write(&pem, both).unwrap();
        }
        let source = format!("SOURCE = {PAIR:?}\n{PAIR}");
        let mut child = Command::new("/usr/bin/python3")
            .args(["-c", &source])
            .arg(&pem)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut this = Self { child, stdin, stdout };
        this.expect("ready");
        this
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    fn run(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
        self.expect("done");
    }

    fn expect(&mut self, word: &str) {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), word);
    }

    fn end(mut self) {
        drop(self.stdin);
        assert!(self.child.wait().unwrap().success());
    }
}

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
struct Session {
    control: std::sync::Arc<dyn llmtop_probe::Control>,
    thread: JoinHandle<Result<Totals, Error>>,
    captures: mpsc::Receiver<Capture>,
    seen: Vec<Capture>,
}

impl Session {
    fn start(filters: Filters, ring_bytes: Option<u32>) -> Self {
        let config = Config { ring_bytes, filters };
        let live = Live::start(&config, Box::new(Discovery::new())).unwrap();
        assert_eq!(live.problems(), [""; 0]);
        assert!(live.attached().iter().any(|t| t.shown_path.contains("libssl")));
        Self::run(live)
    }

    fn run(live: Live) -> Self {
        let (sender, captures) = mpsc::channel();
        let control = live.control();
        let thread = std::thread::spawn(move || Box::new(live).run(&mut Channel(sender)));
        Self { control, thread, captures, seen: Vec::new() }
    }

    /// Takes captures until one is as wanted.
    fn until(&mut self, wanted: impl Fn(&Capture) -> bool) -> Capture {
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

    fn stop(mut self) -> (Vec<Capture>, Totals) {
        self.control.stop();
        let totals = self.thread.join().unwrap().unwrap();
        self.seen.extend(self.captures.iter());
        (self.seen, totals)
    }
}

fn only(pid: u32) -> Filters {
    Filters { pids: vec![pid], ..Filters::default() }
}

/// What was captured of each connection and direction: bytes, and lost ones.
#[derive(Debug, Default, PartialEq)]
struct Stream {
    pid: u32,
    bytes: Vec<u8>,
    lost: u64,
}

fn streams(captures: &[Capture]) -> HashMap<(ConnId, Direction), Stream> {
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

/// What `move` moves.
fn pattern(length: usize) -> Vec<u8> {
    let unit: Vec<u8> = (0..length.min(65536)).map(|i| ((i * 7 + i / 256) % 256) as u8).collect();
    unit.iter().copied().cycle().take(length).collect()
}

fn said<'a>(streams: &'a HashMap<(ConnId, Direction), Stream>, text: &str) -> Vec<&'a Stream> {
    streams.values().filter(|s| s.bytes == text.as_bytes()).collect()
}

/// Held while a test runs: they compete for two cores and count what is loaded.
static ALONE: Mutex<()> = Mutex::new(());

/// Whether there are the privileges; says so where not.
fn root() -> Option<MutexGuard<'static, ()>> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: needs root");
        return None;
    }
    Some(ALONE.lock().unwrap_or_else(|e| e.into_inner()))
}

#[test]
fn every_byte_of_both_ends() {
    let Some(_alone) = root() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut pair = Pair::start(folder.path());
    let session = Session::start(only(pair.pid()), None);
    let sizes = [1, 255, 256, 257, 2048, 2049, 16384, 16385, 100_000, 3_000_000, 16 << 20];
    for (name, size) in sizes.iter().enumerate() {
        pair.run(&format!("move {name} {size} 2"));
        pair.run(&format!("starve {name}"));
        pair.run(&format!("drop {name}"));
    }
    let (captures, totals) = session.stop();
    pair.end();
    let streams = streams(&captures);
    let moved: usize = sizes.iter().sum::<usize>() * 2;
    for direction in [Direction::Sent, Direction::Received] {
        let mut lengths: Vec<usize> = streams
            .iter()
            .filter(|((_, d), _)| *d == direction)
            .map(|(_, s)| {
                assert_eq!(s.lost, 0);
                assert!(s.bytes == pattern(s.bytes.len() / 2).repeat(2), "{}", s.bytes.len());
                s.bytes.len() / 2
            })
            .collect();
        lengths.sort_unstable();
        assert_eq!(lengths, sizes, "{direction:?}");
    }
    assert_eq!(totals.captured_bytes, 2 * moved as u64);
    assert_eq!((totals.lost_bytes, totals.ignored_bytes), (0, 0));
    assert!(captures.iter().any(|c| matches!(c, Capture::Process(p) if p.comm == "python3")));
    let named = captures.iter().filter(|c| {
        matches!(c, Capture::Open(o) if o.endpoint.server_name.as_deref() == Some("example.test"))
    });
    assert_eq!(named.count(), sizes.len(), "each client named its server");
    assert!(!captures.iter().any(|c| matches!(c, Capture::Open(o) if o.joined_midway)));
}

#[test]
fn a_tiny_ring_loses_and_says_so() {
    let Some(_alone) = root() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut pair = Pair::start(folder.path());
    let session = Session::start(only(pair.pid()), Some(64 << 10));
    pair.run("move a 1000000 20");
    pair.run("say b clean");
    pair.run("move a 1000000 1");
    let (captures, totals) = session.stop();
    pair.end();
    assert!(totals.lost_bytes > 0);
    assert_eq!(totals.captured_bytes + totals.lost_bytes, 2 * (21_000_000 + 5));
    let streams = streams(&captures);
    for stream in streams.values() {
        let moved = stream.bytes.len() as u64 + stream.lost;
        assert!(moved == 21_000_000 || moved == 5, "{moved}");
    }
    let lost: u64 = streams.values().map(|s| s.lost).sum();
    assert_eq!(lost, totals.lost_bytes);
}

#[test]
fn filters_apply_in_the_kernel() {
    let Some(_alone) = root() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (mut one, mut other) = (Pair::start(folder.path()), Pair::start(folder.path()));
    let session = Session::start(only(one.pid()), None);
    one.run("say a mine");
    other.run("say a theirs");
    one.run("fork say b child");
    one.run("exec say c grandchild");
    let (captures, _) = session.stop();
    let streams = streams(&captures);
    assert_eq!(said(&streams, "mine").len(), 2);
    assert_eq!(said(&streams, "theirs").len(), 0);
    assert_eq!(said(&streams, "child").len(), 2);
    assert_eq!(said(&streams, "grandchild").len(), 2);
    assert!(said(&streams, "child").iter().all(|s| s.pid != one.pid()));

    let uid = Filters { uids: vec![12345], pids: vec![one.pid()], ..Filters::default() };
    let session = Session::start(uid, None);
    one.run("say d nobody");
    assert_eq!(session.stop().1, Totals::default());

    let named =
        Filters { comms: vec!["python3".to_owned()], pids: vec![one.pid()], ..Filters::default() };
    let session = Session::start(named, None);
    one.run("say e named");
    assert_eq!(said(&self::streams(&session.stop().0), "named").len(), 2);
    one.end();
    other.end();
}

#[test]
fn ignored_connections_are_counted() {
    let Some(_alone) = root() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut pair = Pair::start(folder.path());
    let mut session = Session::start(only(pair.pid()), None);
    pair.run("say a hello");
    let mut conns = Vec::new();
    while conns.len() < 2 {
        if let Capture::Open(open) = session.until(|c| matches!(c, Capture::Open(_))) {
            conns.push(open.conn);
        }
    }
    for conn in conns {
        session.control.ignore(conn);
    }
    std::thread::sleep(Duration::from_millis(3000));
    pair.run("move a 100000 3");
    pair.run("say b other");
    let (captures, totals) = session.stop();
    pair.end();
    assert_eq!(totals, Totals { captured_bytes: 20, lost_bytes: 0, ignored_bytes: 600_000 });
    let ignored: u64 = captures
        .iter()
        .map(|c| if let Capture::Close { ignored, .. } = c { *ignored } else { 0 })
        .sum();
    assert_eq!(ignored, 600_000);
    streams(&captures);
}

#[test]
fn both_ends_of_a_socket_are_known() {
    let Some(_alone) = root() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut pair = Pair::start(folder.path());
    let session = Session::start(only(pair.pid()), None);
    pair.run("tcp hello");
    let (captures, _) = session.stop();
    pair.end();
    let mut ends: HashMap<ConnId, (Option<SocketAddr>, Option<SocketAddr>)> = HashMap::new();
    for capture in &captures {
        let (conn, endpoint) = match capture {
            Capture::Open(open) => (open.conn, &open.endpoint),
            Capture::Endpoint { conn, endpoint } => (*conn, endpoint),
            _ => continue,
        };
        let known = ends.entry(conn).or_default();
        known.0 = endpoint.local.or(known.0);
        known.1 = endpoint.peer.or(known.1);
    }
    let ends: Vec<_> = ends.into_values().collect();
    assert_eq!(ends.len(), 2, "{captures:?}");
    assert!(ends[0].0.is_some() && ends[0].1.is_some(), "{ends:?}");
    assert_eq!(ends[0], (ends[1].1, ends[1].0));
    let streams = streams(&captures);
    assert_eq!(said(&streams, "hello").len(), 2);
    assert_eq!(said(&streams, "HELLO").len(), 2);
}

#[test]
fn an_exit_closes_what_is_open() {
    let Some(_alone) = root() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut pair = Pair::start(folder.path());
    let pid = pair.pid();
    let mut session = Session::start(only(pid), None);
    pair.run("say a hello");
    pair.child.kill().unwrap();
    pair.child.wait().unwrap();
    session.until(|c| matches!(c, Capture::Exit { pid: p, .. } if *p == pid));
    let closed = session.seen.iter().filter(|c| matches!(c, Capture::Close { .. }));
    assert_eq!(closed.count(), 2, "before the exit");
    session.stop();
}

#[test]
fn nothing_is_left_behind() {
    let Some(_alone) = root() else { return };
    // The kernel's ids of the programs this process holds.
    let held = || {
        let infos = std::fs::read_dir("/proc/self/fdinfo").unwrap().flatten();
        let texts = infos.filter_map(|info| std::fs::read_to_string(info.path()).ok());
        let id = |text: String| {
            let id = text.lines().find_map(|line| line.strip_prefix("prog_id:"))?;
            id.trim().parse::<u32>().ok()
        };
        texts.filter_map(id).collect::<HashSet<_>>()
    };
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let before = descriptors();
    let mut ids = HashSet::new();
    for _ in 0..3 {
        let session = Session::start(Filters { uids: vec![12345], ..Filters::default() }, None);
        ids.extend(held());
        session.stop();
    }
    assert!(ids.len() > 10, "{}", ids.len());
    // Probes go one by one, each after a grace period.
    let deadline = Instant::now() + Duration::from_secs(120);
    let left = || {
        let loaded = aya::programs::loaded_programs().flatten();
        loaded.map(|program| program.id()).filter(|id| ids.contains(id)).count()
    };
    while left() > 0 || descriptors() > before {
        assert!(Instant::now() < deadline, "{} programs are left", left());
        std::thread::sleep(Duration::from_millis(50));
    }
}
