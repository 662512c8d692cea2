//! What watching costs, and how late it is: llmtop's screen in a terminal of
//! 200x50, on real clients of a local server, through the kernel.
//!
//! `sudo cargo bench -p llmtop --bench live` prints
//!
//! - how long after the client's `SSL_read` returned a piece of an answer stands on
//!   the screen (aim: under 50 ms for 99 of 100),
//! - the processor time of llmtop while fifty answers stream at a hundred tokens a
//!   second each (aim: under a tenth of a core), beside that of the clients and the server,
//! - and while nothing happens (aim: under 0.3 % of a core).

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench")]

#[allow(dead_code, unused_imports, reason = "shared with the tests, which use all of it")]
#[path = "../../tests/harness/mod.rs"]
mod harness;
mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use harness::{Certificates, Gated, Load, Round, Server, Terminal, command, python, tests_folder};
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use support::{Cpu, percentile};

const SIZE: (u16, u16) = (200, 50);
/// Of the stream whose pieces are waited for.
const PIECES: usize = 1500;
const STREAMS: usize = 50;
/// Tokens of each of the streams, one every hundredth of a second.
const TOKENS: &str = "tokens=2000 delay_ms=10";
const IDLE: Duration = Duration::from_secs(60);

fn main() {
    if !rustix::process::geteuid().is_root() {
        println!("live: skipped, needs root");
        return;
    }
    let server = Server::start();
    latency(&server);
    streams(&server);
}

/// A piece of the answer, as its client got it.
#[derive(Deserialize)]
struct Arrival {
    /// Nanoseconds of `CLOCK_MONOTONIC`.
    at: u64,
    text: String,
}

/// llmtop's screen, watching a process.
fn watch(pid: u32) -> Terminal {
    let mut llmtop = command();
    llmtop.args(["-p", &pid.to_string()]);
    let terminal = Terminal::open(&llmtop, SIZE.0, SIZE.1);
    harness::eventually("the screen", || terminal.is_taken().then_some(()));
    // The probes are there before the screen is; what it draws first, is drawn.
    std::thread::sleep(Duration::from_secs(1));
    terminal
}

fn latency(server: &Server) {
    let prompt = format!("marker=late tokens={PIECES} delay_ms=20");
    let authority = Certificates::of_this_run().authority();
    let script = tests_folder().join("clients/arrivals.py");
    let arguments = [
        script.as_os_str(),
        "--base".as_ref(),
        server.https().as_ref(),
        "--ca".as_ref(),
        authority.as_os_str(),
        "--prompt".as_ref(),
        prompt.as_ref(),
    ]
    .map(ToOwned::to_owned);
    let mut client = Gated::spawn(&python(), arguments, &[]);
    let screen = watch(client.pid());
    client.go();
    let (sender, arrivals) = std::sync::mpsc::channel();
    let output = BufReader::new(client.stdout());
    std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            let _ = sender.send(serde_json::from_str::<Arrival>(&line).expect("a piece"));
        }
    });
    let mut late = Vec::new();
    for Arrival { at, text } in arrivals {
        // Some pieces are signs that stand elsewhere, too, or another text when drawn.
        let word = text.trim();
        if !["alpha", "omega"].iter().any(|known| word.starts_with(known)) {
            continue;
        }
        while !screen.screen().contains(word) {
            std::thread::sleep(Duration::from_micros(500));
            assert!(now() - at < 10_000_000_000, "{word} is not drawn\n{}", screen.screen());
        }
        late.push(Duration::from_nanos(now() - at));
    }
    client.finish();
    late.sort_unstable();
    println!(
        "from SSL_read to the screen, {} pieces: median {:.1?}, 99 of 100 {:.1?}, slowest {:.1?}",
        late.len(),
        percentile(&late, 50),
        percentile(&late, 99),
        percentile(&late, 100),
    );
}

fn streams(server: &Server) {
    let mut load = Load::start(&server.https(), STREAMS);
    let screen = watch(load.pid());
    load.round(Round { marker: "warm", calls: 1, options: "tokens=3", padding: 0 });
    let (llmtop, at_server, clients) =
        (Cpu::of(screen.pid()), Cpu::of(server.pid()), Cpu::of_children(load.pid()));
    let begun = Instant::now();
    let calls = load.round(Round { marker: "stream", calls: 1, options: TOKENS, padding: 0 }).len();
    let took = begun.elapsed();
    let shares = [llmtop.share(took), at_server.share(took), clients.share(took)];
    println!(
        "{calls} answers at {:.0} tokens a second each: llmtop {:.1} % of a core, the server {:.1} %, the clients {:.1} %",
        2000.0 / took.as_secs_f64(),
        shares[0],
        shares[1],
        shares[2],
    );

    std::thread::sleep(Duration::from_secs(5));
    let llmtop = Cpu::of(screen.pid());
    std::thread::sleep(IDLE);
    println!("nothing happening: llmtop {:.2} % of a core", llmtop.share(IDLE));
    assert!(Path::new(&format!("/proc/{}", screen.pid())).exists(), "llmtop has ended");
    load.finish();
}

/// Nanoseconds of `CLOCK_MONOTONIC`.
fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
