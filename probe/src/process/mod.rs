//! Facts about processes, from `/proc` (proc(5)).

mod container;
mod stat;
mod table;

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub(crate) use container::is_named as is_container;
pub use table::Processes;

use crate::{Process, Timestamp};

/// The most read of a command line: enough to tell what runs.
const MAX_ARGS: u64 = 16 << 10;
const MAX_FILE: u64 = 64 << 10;
/// Bytes of a name, as the kernel has them.
const COMM: usize = 15;
/// Nanoseconds of a clock tick: `USER_HZ` is 100 on x86_64 and aarch64.
const TICK: u64 = 10_000_000;

/// The facts of a process that runs now; `None` where it is gone.
pub fn facts(pid: u32) -> Option<Process> {
    read_facts(pid).map(|(process, _)| process)
}

/// The facts, and when the process started, in clock ticks since boot: with the
/// id, that names a process for ever.
fn read_facts(pid: u32) -> Option<(Process, u64)> {
    let proc = format!("/proc/{pid}");
    let stat = stat::parse(&read(&proc, "stat", MAX_FILE)?)?;
    let exe = exe(pid);
    let comm = named(stat.comm, || exe.clone());
    let process = Process {
        pid,
        parent: (stat.parent != 0).then_some(stat.parent),
        comm,
        exe,
        args: arguments(&read(&proc, "cmdline", MAX_ARGS).unwrap_or_default()),
        uid: uid(&proc)?,
        container: container(pid),
        started: Some(started(stat.start_ticks)),
    };
    Some((process, stat.start_ticks))
}

/// Path of the executable, as the process sees it.
fn exe(pid: u32) -> Option<String> {
    let path = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let path = path.to_string_lossy();
    Some(path.strip_suffix(" (deleted)").unwrap_or(&path).to_owned())
}

/// The name of a process: the kernel's, which is its first thread's. Since Node 24 that
/// is the same for whatever Node runs, so there it is the program's.
fn named(comm: String, exe: impl FnOnce() -> Option<String>) -> String {
    if comm != "MainThread" {
        return comm;
    }
    let Some(exe) = exe() else { return comm };
    let file = exe.rsplit('/').next().unwrap_or_default();
    let room = (1..=COMM).rev().find_map(|end| file.get(..end));
    room.or(Some(file)).filter(|name| !name.is_empty()).map_or(comm, str::to_owned)
}

/// The container that the process is in, by its id, or by its name where the runtime
/// has names.
pub(crate) fn container(pid: u32) -> Option<String> {
    let cgroup = read(&format!("/proc/{pid}"), "cgroup", MAX_FILE)?;
    container::id(&String::from_utf8_lossy(&cgroup))
}

/// When the process started, in clock ticks since boot; `None` where it is gone.
fn start_ticks(pid: u32) -> Option<u64> {
    Some(stat(pid)?.start_ticks)
}

/// Whether the process that runs now by that id started after `time`, by
/// `CLOCK_BOOTTIME`; `None` where there is none.
pub(crate) fn started_after(pid: u32, time: u64) -> Option<bool> {
    // Of the tick in which it started, it may have run the greater part.
    let started = start_ticks(pid)?.saturating_mul(TICK);
    Some(time != 0 && started > time)
}

/// Whether the process's leader is there, and has not ended.
pub(crate) fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|stat| !matches!(stat.state, 'Z' | 'X'))
}

/// What the process is called, and its parent, which is 0 where it has none; `None` where
/// it is gone.
pub(crate) fn name_and_parent(pid: u32) -> Option<(String, u32)> {
    let stat = stat(pid)?;
    Some((named(stat.comm, || exe(pid)), stat.parent))
}

/// The process's parent; `None` where it has none, or is gone.
pub(crate) fn parent(pid: u32) -> Option<u32> {
    Some(stat(pid)?.parent).filter(|&parent| parent != 0)
}

fn stat(pid: u32) -> Option<stat::Stat> {
    stat::parse(&read(&format!("/proc/{pid}"), "stat", MAX_FILE)?)
}

fn read(proc: &str, name: &str, limit: u64) -> Option<Vec<u8>> {
    let file = File::open(Path::new(proc).join(name)).ok()?;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The real user id.
fn uid(proc: &str) -> Option<u32> {
    let status = read(proc, "status", MAX_FILE)?;
    let line = |text: &str| {
        let mut words = text.strip_prefix("Uid:")?.split_whitespace();
        words.next()?.parse().ok()
    };
    String::from_utf8_lossy(&status)
        .lines()
        .find_map(line)
        // The directory belongs to the effective user.
        .or_else(|| Some(std::fs::metadata(proc).ok()?.uid()))
}

fn arguments(cmdline: &[u8]) -> Vec<String> {
    let whole = cmdline.strip_suffix(&[0]).unwrap_or(cmdline);
    if whole.is_empty() {
        return Vec::new();
    }
    let words = whole.split(|&b| b == 0);
    words.map(|w| String::from_utf8_lossy(w).into_owned()).collect()
}

fn started(ticks: u64) -> Timestamp {
    use rustix::time::{ClockId, Timespec, clock_gettime};
    let nanoseconds = |t: Timespec| {
        let seconds = u64::try_from(t.tv_sec).unwrap_or(0);
        seconds.saturating_mul(1_000_000_000) + u64::try_from(t.tv_nsec).unwrap_or(0)
    };
    let now = nanoseconds(clock_gettime(ClockId::Realtime));
    let boot = now.saturating_sub(nanoseconds(clock_gettime(ClockId::Boottime)));
    Timestamp(boot.saturating_add(ticks.saturating_mul(TICK)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_facts() {
        let facts = facts(std::process::id()).unwrap();
        assert_eq!(facts.pid, std::process::id());
        assert_eq!(facts.parent, Some(std::os::unix::process::parent_id()));
        let exe = std::env::current_exe().unwrap();
        assert_eq!(facts.exe.as_deref(), exe.to_str());
        let args: Vec<_> = std::env::args().collect();
        assert_eq!(facts.args, args);
        assert_eq!(facts.uid, rustix::process::getuid().as_raw());
        let started = facts.started.unwrap().0;
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
        assert!(now - started < 3_600_000_000_000, "{started} {now}");
    }

    #[test]
    fn nobody() {
        assert_eq!(facts(u32::MAX), None);
        assert_eq!(start_ticks(u32::MAX), None);
    }

    #[test]
    fn a_name_that_says_nothing_is_the_programs() {
        let called =
            |comm: &str, exe: Option<&str>| named(comm.to_owned(), || exe.map(str::to_owned));
        assert_eq!(called("MainThread", Some("/opt/node/bin/node")), "node");
        assert_eq!(called("MainThread", Some("/opt/a-name-of-éight-bytes")), "a-name-of-éigh");
        assert_eq!(called("MainThread", None), "MainThread");
        assert_eq!(called("claude", Some("/opt/node/bin/node")), "claude");
    }

    #[test]
    fn command_lines() {
        let check = |line: &[u8], expected: &[&str]| assert_eq!(arguments(line), expected);
        check(b"claude\0-p\0hi there\0", &["claude", "-p", "hi there"]);
        check(b"nginx: master process", &["nginx: master process"]);
        check(b"a\0\0b\0", &["a", "", "b"]);
        check(b"", &[]);
        check(b"\0", &[]);
        check(b"\xff\0", &["\u{fffd}"]);
    }
}
