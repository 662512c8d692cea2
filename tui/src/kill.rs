//! Signals to the processes that are watched, as kill(1) sends them, and never to
//! another one that has the same pid by now.

use llmtop_parsers::Timestamp;
use llmtop_probe::process;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Nanoseconds between two readings of when a process started: it is told in
/// hundredths of a second since boot, and the clock moves on between.
const SLACK: u64 = 100_000_000;

/// What can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kill {
    /// SIGSTOP: it stands still until it is told to go on.
    Stop,
    /// SIGCONT: it goes on.
    Continue,
    /// SIGTERM: it is asked to end.
    Terminate,
}

impl Kill {
    /// Its name in signal(7).
    pub fn name(self) -> &'static str {
        match self {
            Kill::Stop => "SIGSTOP",
            Kill::Continue => "SIGCONT",
            Kill::Terminate => "SIGTERM",
        }
    }

    fn signal(self) -> Signal {
        match self {
            Kill::Stop => Signal::STOP,
            Kill::Continue => Signal::CONT,
            Kill::Terminate => Signal::TERM,
        }
    }
}

/// Sends a signal to the process that has this pid and started at this time.
///
/// # Errors
/// Why it was not sent, in a few words.
pub fn send(kill: Kill, pid: u32, started: Option<Timestamp>) -> Result<(), String> {
    let gone = || format!("process {pid} has ended");
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(gone)?;
    let said = |error: Errno| match error {
        Errno::SRCH => gone(),
        Errno::PERM => format!("process {pid} belongs to somebody else"),
        other => format!("process {pid}: {}", std::io::Error::from(other)),
    };
    // From here on the descriptor names one process, whatever becomes of its pid:
    // if that is the one which was seen, it stays so.
    let descriptor = pidfd_open(number, PidfdFlags::empty()).map_err(said)?;
    let now = process::facts(pid).ok_or_else(gone)?.started;
    let same = started.zip(now).is_some_and(|(seen, now)| seen.0.abs_diff(now.0) <= SLACK);
    if !same {
        return Err(format!("pid {pid} is another process by now"));
    }
    pidfd_send_signal(&descriptor, kill.signal()).map_err(said)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;
    use std::time::{Duration, Instant};

    use llmtop_parsers::Timestamp;

    use super::{Kill, process, send};

    /// The letter that proc_pid_stat(5) has for a process's state.
    fn state(pid: u32) -> char {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat[stat.rfind(')').unwrap() + 2..].chars().next().unwrap()
    }

    fn comes_to(pid: u32, states: &str) {
        let begun = Instant::now();
        while !states.contains(state(pid)) {
            assert!(begun.elapsed() < Duration::from_secs(60), "{} is not {states}", state(pid));
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn a_process_is_stopped_goes_on_and_ends() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let pid = child.id();
        let started = process::facts(pid).unwrap().started.map(|at| Timestamp(at.0));
        send(Kill::Stop, pid, started).unwrap();
        comes_to(pid, "T");
        // Not if it is another one, or may be.
        let earlier = started.map(|at| Timestamp(at.0 - 1_000_000_000));
        for other in [earlier, None] {
            let error = send(Kill::Continue, pid, other).unwrap_err();
            assert!(error.contains("another process"), "{error}");
            assert_eq!(state(pid), 'T');
        }
        send(Kill::Continue, pid, started).unwrap();
        comes_to(pid, "SR");
        send(Kill::Terminate, pid, started).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(15));
        let error = send(Kill::Terminate, pid, started).unwrap_err();
        assert!(error.contains("has ended") || error.contains("another process"), "{error}");
    }
}
