//! What every bench here needs: llmtop capturing from processes, empty programs, and
//! medians.
#![allow(dead_code, reason = "each bench uses a part")]

use std::time::Duration;

use aya::programs::RawTracePoint;
use llmtop_probe::live::{Config, Discover, Filters};
use llmtop_probe::{Capture, Live, Outlet, Source, Totals};

/// The one in the middle.
pub(crate) fn median(mut figures: Vec<u64>) -> u64 {
    figures.sort_unstable();
    figures[figures.len() / 2]
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

/// Captures from processes.
pub(crate) fn capture(pids: Vec<u32>, discovery: Box<dyn Discover>) -> Running {
    let descriptors = descriptors();
    let filters = Filters { pids, ..Filters::default() };
    let live =
        Live::start(&Config { ring_bytes: Some(RING), filters, stdio: false }, discovery).unwrap();
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

/// The ring that llmtop has here, and what is compared with it.
const RING: u32 = 64 << 20;

/// The committed object.
pub(crate) fn object() -> Vec<u8> {
    let object = format!("{}/bpf/llmtop-{}.o", env!("CARGO_MANIFEST_DIR"), std::env::consts::ARCH);
    std::fs::read(object).unwrap()
}

/// The kernel programs, of which none is in the kernel yet.
pub(crate) fn programs() -> aya::Ebpf {
    aya::EbpfLoader::new().map_max_entries("EVENTS", RING).load(&object()).unwrap()
}

/// Attaches one that runs at the end of system calls.
pub(crate) fn attach_syscall_exit(bpf: &mut aya::Ebpf, name: &str) {
    let program: &mut RawTracePoint = bpf.program_mut(name).unwrap().try_into().unwrap();
    program.load().unwrap();
    program.attach("sys_exit").unwrap();
}
