//! What looking at system calls costs: nanoseconds for a `write` and the `read`
//! of the same 64 bytes.
//!
//! `sudo cargo bench -p llmtop-probe --bench syscall_pair` prints the median
//! without llmtop, with an empty program where llmtop's is, with llmtop watching
//! another process, and with llmtop capturing from this one. Run it on a quiet
//! machine.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench")]

#[path = "../measured/mod.rs"]
mod measured;
mod work;

use std::fs::File;
use std::io::{BufRead, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use llmtop_probe::Discovery;
use measured::{attach_syscall_exit, capture, median, programs};
use work::Work;

/// What is written to and read from. On the last, the socket's first bytes were
/// those of an HTTP message.
const WAYS: [&str; 4] = ["/dev", "pipe", "tcp", "http"];
const ROUNDS: usize = 5;

fn main() {
    if std::env::args().any(|arg| arg == "--work") {
        return serve();
    }
    if !rustix::process::geteuid().is_root() {
        println!("syscall_pair: skipped, needs root");
        return;
    }
    let mut figures = [[(); 4]; 4].map(|row| row.map(|()| Vec::new()));
    for _ in 0..ROUNDS {
        let mut work = Work::start();
        measure(&mut work, &mut figures[0]);
        let mut empty = programs();
        attach_syscall_exit(&mut empty, "empty_syscall_exit");
        measure(&mut work, &mut figures[1]);
        drop(empty);
        let live = capture(vec![std::process::id()], Box::new(Discovery::new()));
        measure(&mut work, &mut figures[2]);
        live.stop();
        // Anew: what it has open has to be seen from its first bytes on.
        let mut work = Work::start();
        let live = capture(vec![work.child.id()], Box::new(Discovery::new()));
        measure(&mut work, &mut figures[3]);
        assert!(live.stop().captured_bytes > 0);
    }
    let figures = figures.map(|row| row.map(median));
    let names = ["no llmtop", "empty program", "llmtop, another process", "llmtop capturing"];
    println!("{:<28}{}", "ns a pair (median)", WAYS.map(|way| format!("{way:>10}")).concat());
    for (name, row) in names.iter().zip(&figures) {
        println!("{name:<28}{}", row.map(|figure| format!("{figure:>10}")).concat());
    }
    for (name, row) in names.iter().zip(&figures).skip(1) {
        let ratios: Vec<String> = row
            .iter()
            .zip(&figures[0])
            .map(|(with, without)| format!("{:>10.2}", *with as f64 / (*without).max(1) as f64))
            .collect();
        println!("{:<28}{}", format!("{name} : no llmtop"), ratios.concat());
    }
}

fn measure(work: &mut Work, row: &mut [Vec<u64>; 4]) {
    for (figures, way) in row.iter_mut().zip(WAYS) {
        figures.push(work.median(way));
    }
}

/// The working end: for each way on stdin, the median of what a pair takes.
fn serve() {
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let figure = match line.unwrap().as_str() {
            "/dev" => {
                let zero = File::open("/dev/zero").unwrap();
                time(&mut File::options().write(true).open("/dev/null").unwrap(), &zero)
            }
            "pipe" => {
                let (reader, mut writer) = std::io::pipe().unwrap();
                time(&mut writer, reader)
            }
            way => {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
                client.set_nodelay(true).unwrap();
                let mut server = listener.accept().unwrap().0;
                let first = if way == "http" { &b"GET / HTTP/1.1\r\n\r\n"[..] } else { b"hello" };
                client.write_all(first).unwrap();
                server.read_exact(&mut vec![0; first.len()]).unwrap();
                time(&mut client, server)
            }
        };
        println!("{figure}");
    }
}

fn time(writer: &mut impl Write, mut reader: impl Read) -> u64 {
    const BATCH: u32 = 64;
    const TIME: Duration = Duration::from_millis(200);
    let (sent, mut got) = ([b'x'; 64], [0; 64]);
    let mut times = Vec::new();
    let start = Instant::now();
    while start.elapsed() < TIME {
        let batch = Instant::now();
        for _ in 0..BATCH {
            writer.write_all(&sent).unwrap();
            reader.read_exact(&mut got).unwrap();
        }
        times.push(batch.elapsed() / BATCH);
    }
    times.sort_unstable();
    u64::try_from(times[times.len() / 2].as_nanos()).unwrap()
}
