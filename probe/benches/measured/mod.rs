//! What every bench here needs: a process that works, llmtop capturing from it,
//! and medians.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use llmtop_probe::live::{Config, Filters};
use llmtop_probe::{Capture, Discovery, Live, Outlet, Source, Totals};

/// The one in the middle.
pub(crate) fn median(mut figures: Vec<u64>) -> u64 {
    figures.sort_unstable();
    figures[figures.len() / 2]
}

/// The process that works; this one is never observed.
pub(crate) struct Work {
    pub(crate) child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// What it said first.
    pub(crate) said: String,
}

impl Work {
    /// This program again, with `--work`.
    pub(crate) fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("--work")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let said = line(&mut stdout);
        Self { child, stdin, stdout, said }
    }

    /// Its figure for an order.
    pub(crate) fn median(&mut self, order: impl std::fmt::Display) -> u64 {
        writeln!(self.stdin, "{order}").unwrap();
        line(&mut self.stdout).parse().unwrap()
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn line(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    line.trim().to_owned()
}

/// llmtop capturing.
pub(crate) struct Running {
    control: std::sync::Arc<dyn llmtop_probe::Control>,
    thread: std::thread::JoinHandle<Totals>,
    /// Descriptors of this process before.
    descriptors: usize,
}

impl Running {
    /// Returns when everything it attached is gone.
    pub(crate) fn stop(self) -> Totals {
        self.control.stop();
        drop(self.control);
        let totals = self.thread.join().unwrap();
        // Probes go after the last word, one by one; the next measure must not
        // have them.
        while descriptors() > self.descriptors {
            std::thread::sleep(Duration::from_millis(20));
        }
        totals
    }
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Captures from a process.
pub(crate) fn capture(pid: u32) -> Running {
    let descriptors = descriptors();
    let filters = Filters { pids: vec![pid], ..Filters::default() };
    let live =
        Live::start(&Config { ring_bytes: Some(64 << 20), filters }, Box::new(Discovery::new()))
            .unwrap();
    let control = live.control();
    let thread = std::thread::spawn(move || {
        let totals = Box::new(live).run(&mut Sink).unwrap();
        if totals.lost_bytes > 0 {
            println!("lost {} of {} bytes", totals.lost_bytes, totals.captured_bytes);
        }
        totals
    });
    std::thread::sleep(Duration::from_millis(50));
    Running { control, thread, descriptors }
}

/// Takes everything.
struct Sink;

impl Outlet for Sink {
    fn offer(&mut self, captures: &mut Vec<Capture>) -> bool {
        captures.clear();
        true
    }
    fn deliver(&mut self, captures: &mut Vec<Capture>) -> bool {
        self.offer(captures)
    }
}
