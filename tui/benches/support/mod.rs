//! What the benches of the whole program measure by.
#![allow(dead_code, reason = "each bench uses a part")]

use std::time::Duration;

/// The processor time of processes, from a moment on.
pub(crate) struct Cpu {
    pids: Vec<u32>,
    before: Duration,
}

impl Cpu {
    pub(crate) fn of(pid: u32) -> Self {
        Cpu { pids: vec![pid], before: used(pid) }
    }

    /// All that this process has started and that still run.
    pub(crate) fn of_children(pid: u32) -> Self {
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let pids: Vec<u32> = children
            .expect("the process runs")
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .collect();
        let before = pids.iter().map(|&pid| used(pid)).sum();
        Cpu { pids, before }
    }

    /// Per cent of one core, over this time.
    pub(crate) fn share(&self, over: Duration) -> f64 {
        let now: Duration = self.pids.iter().map(|&pid| used(pid)).sum();
        100.0 * (now - self.before).as_secs_f64() / over.as_secs_f64()
    }
}

/// User and system time of a process: of its threads that run, in nanoseconds, as
/// the ticks of /proc/PID/stat are too coarse for a program that hardly runs.
fn used(pid: u32) -> Duration {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the process runs");
    let nanoseconds = threads.filter_map(|thread| {
        let said = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        said.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// The resident memory of a process, in bytes.
pub(crate) fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.expect("a size") << 10
}

/// The value below which `percent` of the sorted values lie.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}
