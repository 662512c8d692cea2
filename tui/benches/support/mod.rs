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

/// User and system time of a process.
pub(crate) fn used(pid: u32) -> Duration {
    threads(pid).iter().map(|thread| thread.used).sum()
}

/// A thread that runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Thread {
    pub(crate) tid: u32,
    pub(crate) name: String,
    /// User and system time, in nanoseconds: the ticks of /proc/PID/stat are too coarse
    /// for a program that hardly runs.
    pub(crate) used: Duration,
    /// How often it slept, and was woken.
    pub(crate) woke: u64,
}

/// The threads of a process that run.
pub(crate) fn threads(pid: u32) -> Vec<Thread> {
    let all = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the process runs");
    let read = |folder: std::path::PathBuf| {
        let text = |name| std::fs::read_to_string(folder.join(name)).ok();
        let status = text("status")?;
        let woke = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        Some(Thread {
            tid: folder.file_name()?.to_str()?.parse().ok()?,
            name: text("comm")?.trim().to_owned(),
            used: Duration::from_nanos(text("schedstat")?.split_whitespace().next()?.parse().ok()?),
            woke: woke.trim().parse().ok()?,
        })
    };
    all.filter_map(|thread| read(thread.ok()?.path())).collect()
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
