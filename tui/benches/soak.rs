//! A day in minutes: the screen plays a recording of 24 hours at ten exchanges a
//! second as fast as it can, and its memory is looked at.
//!
//! `cargo bench -p llmtop --bench soak` prints the resident memory on the way, and
//! exits with 1 where it exceeds `--memory`. `SOAK_HOURS=2` makes the day shorter.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench")]

#[allow(dead_code, unused_imports, reason = "shared with the tests, which use all of it")]
#[path = "../../tests/harness/mod.rs"]
mod harness;
mod support;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::time::Instant;

use harness::{Scratch, Terminal, command};
use llmtop_probe::recording::{Header, Writer};
use llmtop_probe::{
    Capture, Chunk, ConnId, Direction, Endpoint, Open, Process, Timestamp, Tls, Totals,
};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};
use support::resident;

/// 2026-01-02 00:00:00 UTC.
const BEGIN: u64 = 1_767_312_000_000_000_000;
const MEMORY: u64 = 256 << 20;
const A_SECOND: u64 = 10;
/// Exchanges of a connection, and connections of a process, one after another.
const KEPT: u64 = 20;
const CONNECTIONS: u64 = 10;
/// Processes at work at the same time.
const AT_ONCE: u64 = 12;
/// Requests of a conversation.
const TURNS: u64 = 25;
const ASKED: &str = "What does the function that was changed last do, who calls it, and does a \
    test of it still pass? Say what you have looked at, and what you have left alone.";

fn main() {
    let hours = std::env::var("SOAK_HOURS").map_or(24, |hours| hours.parse().expect("hours"));
    let exchanges = hours * 3600 * A_SECOND;
    let folder = Scratch::new();
    let path = folder.file("day.llmtop");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
    let mut llmtop = command();
    llmtop.arg("-r").arg(&path).args(["--memory", &MEMORY.to_string()]);
    let screen = Terminal::open(&llmtop, 200, 50);
    let pid = screen.pid();

    let begun = Instant::now();
    let mut most = 0;
    let mut day = Day::new(BufWriter::with_capacity(1 << 20, File::create(&path).expect("opened")));
    for number in 0..exchanges {
        day.exchange(number).expect("llmtop reads");
        if number.is_multiple_of((exchanges / 24).max(1)) {
            let now = resident(pid);
            most = most.max(now);
            println!("{number:>8} exchanges: {:>5} MiB", now >> 20);
        }
        if number.is_multiple_of(1000) {
            most = most.max(resident(pid));
        }
    }
    let moved = day.moved;
    day.end().expect("llmtop reads");
    std::thread::sleep(std::time::Duration::from_secs(5));
    most = most.max(resident(pid));
    println!("{}", screen.screen().lines().take(3).collect::<Vec<_>>().join("\n"));
    println!(
        "{exchanges} exchanges, {} MiB, in {:.0} s: at most {} MiB of {} MiB",
        moved >> 20,
        begun.elapsed().as_secs_f64(),
        most >> 20,
        MEMORY >> 20,
    );
    if most > MEMORY {
        std::process::exit(1);
    }
}

/// The recording of it, as it is written.
struct Day<W: Write> {
    to: Writer<W>,
    lanes: Vec<Lane>,
    /// Bytes of all exchanges.
    moved: u64,
}

/// One process after another, each with one connection after another.
#[derive(Default)]
struct Lane {
    /// Bytes moved on the connection, sent and received.
    offsets: [u64; 2],
    /// What has been said in the conversation.
    said: Vec<Value>,
}

impl<W: Write> Day<W> {
    fn new(to: W) -> Self {
        let header = Header { started: Timestamp(BEGIN), ..Header::default() };
        let to = Writer::new(to, &header).expect("llmtop reads");
        Day { to, lanes: (0..AT_ONCE).map(|_| Lane::default()).collect(), moved: 0 }
    }

    /// One exchange of one of the processes at work, whole.
    fn exchange(&mut self, number: u64) -> io::Result<()> {
        let (lane, turn) = (number % AT_ONCE, number / AT_ONCE);
        let life = KEPT * CONNECTIONS;
        let pid = 1000 + (lane + AT_ONCE * (turn / life)) as u32;
        let conn = ConnId(1 + lane + AT_ONCE * (turn / KEPT));
        let time = |ms: u64| Timestamp(BEGIN + number * 1_000_000_000 / A_SECOND + ms * 1_000_000);
        if turn.is_multiple_of(life) {
            let comm = ["claude", "codex", "python3", "node"][lane as usize % 4].to_owned();
            let process = Process { pid, comm, ..Process::default() };
            self.to.capture(&Capture::Process(process))?;
        }
        if turn.is_multiple_of(KEPT) {
            self.lanes[lane as usize].offsets = [0; 2];
            self.to.capture(&Capture::Open(open(conn, pid, time(0))))?;
        }
        let lane = &mut self.lanes[lane as usize];
        if turn.is_multiple_of(TURNS) {
            lane.said.clear();
        }
        lane.said.push(json!({"role": "user", "content": format!("{number}: {ASKED}")}));
        let request = (Direction::Sent, request(&lane.said));
        let answer = answer(number).into_iter().map(|event| (Direction::Received, event));
        for (at, (direction, bytes)) in std::iter::once(request).chain(answer).enumerate() {
            let length = bytes.len() as u64;
            let offset = &mut lane.offsets[usize::from(direction == Direction::Received)];
            let chunk =
                Chunk { conn, direction, time: time(at as u64 * 20), offset: *offset, bytes };
            self.to.capture(&Capture::Chunk(chunk))?;
            *offset += length;
            self.moved += length;
        }
        lane.said.push(json!({"role": "assistant", "content": words(number).concat()}));
        if turn % KEPT == KEPT - 1 {
            self.to.capture(&Capture::Close { conn, time: time(900), ignored: 0 })?;
        }
        if turn % life == life - 1 {
            self.to.capture(&Capture::Exit { pid, time: time(950) })?;
        }
        Ok(())
    }

    fn end(self) -> io::Result<()> {
        self.to.end(&Totals::default())?.flush()
    }
}

fn open(conn: ConnId, pid: u32, time: Timestamp) -> Open {
    let endpoint =
        Endpoint { server_name: Some("api.openai.com".to_owned()), ..Endpoint::default() };
    Open {
        conn,
        pid,
        tid: pid,
        time,
        tls: Tls::Openssl,
        stdio: false,
        joined_midway: false,
        endpoint,
    }
}

fn request(said: &[Value]) -> Vec<u8> {
    let usage = json!({"include_usage": true});
    let body = json!({
        "model": "gpt-4.1", "stream": true, "stream_options": usage, "messages": said,
    })
    .to_string();
    let length = body.len();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The head of an answer, and its events, each as it arrives.
fn answer(number: u64) -> Vec<Vec<u8>> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    let event = |value: Value| {
        let mut value = value;
        value["id"] = json!(format!("chatcmpl-{number:024}"));
        value["model"] = json!("gpt-4.1-2025-04-14");
        let data = format!("data: {value}\n\n");
        format!("{:x}\r\n{data}\r\n", data.len()).into_bytes()
    };
    let text = words(number).into_iter().map(|word| {
        event(json!({"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": null}]}))
    });
    let stop = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 900, "completion_tokens": 20}});
    let done = "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";
    std::iter::once(head.as_bytes().to_vec())
        .chain(text)
        .chain([event(stop), event(usage), done.as_bytes().to_vec()])
        .collect()
}

fn words(number: u64) -> Vec<String> {
    (0..20).map(|at| format!("word{} ", (number * 31 + at * 7919) % 100_000)).collect()
}
