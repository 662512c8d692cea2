//! Who started a server that is spoken to on its standard input and output, and where
//! these are, if the server moved them away.

use std::path::{Path, PathBuf};

use rustix::net::sockopt::socket_peercred;

use super::descriptor;
use crate::process;

/// A server may be started by way of others: `npx`, a shell, `uv`.
const MAX_ANCESTORS: usize = 16;
/// Descriptors of a process that are looked at.
const MAX_DESCRIPTORS: usize = 1 << 16;

/// The process at the other end of a process's standard input. `None` where that is no
/// pipe, or where nobody is known to hold its other end.
///
/// It is an ancestor: of a pair of sockets the one that made it; of a pipe one that holds
/// it and does not read its own input from it, as those do by whose way the process was
/// started.
pub fn client_of_stdio(pid: u32) -> Option<u32> {
    nearest(pid).map(|(client, _)| client)
}

/// The inodes of the pipes that were a process's standard input and output, where it has
/// moved both to other descriptors: the only two that lead to its nearest ancestor of those
/// to which any lead, but for that of its messages for people.
pub(crate) fn moved_pipes(pid: u32) -> Option<[u64; 2]> {
    if is_pipe(&link(pid, 0)?) {
        return None;
    }
    let (_, mut found) = nearest(pid)?;
    found.sort_unstable();
    found.dedup();
    found.try_into().ok()
}

/// The nearest ancestor at the other end of a pipe that may be standard input, and the
/// inodes of those. Farther ones have left theirs to all that they started.
fn nearest(pid: u32) -> Option<(u32, Vec<u64>)> {
    let pipes = pipes(pid);
    let inodes = |ancestor| {
        let of = pipes.iter().filter(move |pipe| pipe.leads_to(pid, ancestor));
        of.filter_map(|pipe| inode(&pipe.link)).collect::<Vec<_>>()
    };
    let ancestors = std::iter::successors(process::parent(pid), |&child| process::parent(child));
    let mut found = ancestors.take(MAX_ANCESTORS).map(|ancestor| (ancestor, inodes(ancestor)));
    found.find(|(_, inodes)| !inodes.is_empty())
}

/// A descriptor that is a pipe, or a socket that may be one of a pair.
struct Pipe {
    number: i32,
    /// What names it: `pipe:[4242]`.
    link: PathBuf,
}

/// A process's standard input, or, where that is no pipe, all that it may have been.
fn pipes(pid: u32) -> Vec<Pipe> {
    if let Some(link) = link(pid, 0).filter(|link| is_pipe(link)) {
        return vec![Pipe { number: 0, link }];
    }
    let for_people = link(pid, 2);
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let moved = |entry: std::fs::DirEntry| {
        let number = entry.file_name().to_str()?.parse().ok()?;
        let link = std::fs::read_link(entry.path()).ok()?;
        let may_be = number > 2 && is_pipe(&link) && Some(&link) != for_people.as_ref();
        may_be.then_some(Pipe { number, link })
    };
    entries.take(MAX_DESCRIPTORS).filter_map(moved).collect()
}

impl Pipe {
    /// Whether an ancestor is at its other end.
    fn leads_to(&self, pid: u32, ancestor: u32) -> bool {
        let is_socket = self.link.to_str().is_some_and(|link| link.starts_with("socket:"));
        if is_socket {
            let made_by = descriptor(pid, self.number).and_then(|fd| socket_peercred(fd).ok());
            return made_by
                .is_some_and(|by| by.pid.as_raw_nonzero().get().cast_unsigned() == ancestor);
        }
        // What both inherited is no way from the one to the other.
        let other = access(pid, self.number).and_then(Access::other);
        link(ancestor, 0).as_ref() != Some(&self.link)
            && other.is_some_and(|other| holds(ancestor, &self.link, other))
    }
}

fn link(pid: u32, fd: i32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok()
}

fn is_pipe(link: &Path) -> bool {
    inode(link).is_some()
}

fn inode(link: &Path) -> Option<u64> {
    let (kind, number) = link.to_str()?.split_once(":[")?;
    matches!(kind, "pipe" | "socket").then(|| number.strip_suffix(']')?.parse().ok())?
}

/// Whether one of the process's descriptors is this end of a pipe.
fn holds(pid: u32, pipe: &Path, end: Access) -> bool {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    entries.take(MAX_DESCRIPTORS).any(|entry| {
        let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
        std::fs::read_link(entry.path()).is_ok_and(|link| link == pipe)
            && number.and_then(|number| access(pid, number)) == Some(end)
    })
}

/// What a descriptor is for: the lowest bits of its flags (open(2)).
#[derive(Clone, Copy, PartialEq)]
struct Access(u32);

impl Access {
    const READ: Self = Self(0);
    const WRITE: Self = Self(1);

    /// That of a pipe's other end.
    fn other(self) -> Option<Self> {
        match self {
            Self::READ => Some(Self::WRITE),
            Self::WRITE => Some(Self::READ),
            _ => None,
        }
    }
}

/// As proc_pid_fdinfo(5) tells it.
fn access(pid: u32, fd: i32) -> Option<Access> {
    const O_ACCMODE: u32 = 3;
    let text = std::fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).ok()?;
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:"))?;
    Some(Access(u32::from_str_radix(flags.trim(), 8).ok()? & O_ACCMODE))
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::process::{Command, Stdio};

    use super::*;

    fn check(command: &mut Command, expected: Option<u32>) {
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        let found = client_of_stdio(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found, expected);
    }

    #[test]
    fn who_holds_the_other_end() {
        let own = std::process::id();
        check(Command::new("cat").stdin(Stdio::piped()), Some(own));
        let (theirs, _ours) = UnixStream::pair().unwrap();
        check(Command::new("cat").stdin(OwnedFd::from(theirs)), Some(own));
        let mut sleep = Command::new("sleep").arg("9").stdin(Stdio::null()).spawn().unwrap();
        // Whoever started this test may have left a pipe to all that it started.
        let found = client_of_stdio(sleep.id());
        sleep.kill().unwrap();
        sleep.wait().unwrap();
        assert_ne!(found, Some(own));
        assert_eq!(client_of_stdio(u32::MAX), None);
    }

    /// Runs a script of a shell that writes the id of a process which reads its input.
    fn through_shells(script: &str, look: impl Fn(u32)) {
        let mut shell = Command::new("bash")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        look(line.trim().parse().unwrap());
        drop(shell.stdin.take());
        shell.wait().unwrap();
    }

    #[test]
    fn shells_in_between_are_not_the_client() {
        through_shells("bash -c 'echo $$; exec cat'; true", |pid| {
            assert_eq!(client_of_stdio(pid), Some(std::process::id()));
            assert_eq!(moved_pipes(pid), None, "they are where they were");
        });
    }

    #[test]
    fn standard_input_and_output_that_were_moved() {
        let script = "exec 7<&0 8>&1 0</dev/null 1>&2; echo $$ >&8; read -r -u 7 _";
        through_shells(script, |pid| {
            let inode_of = |fd| inode(&link(pid, fd).unwrap()).unwrap();
            let mut expected = [inode_of(7), inode_of(8)];
            expected.sort_unstable();
            assert_eq!(moved_pipes(pid), Some(expected));
            assert_eq!(client_of_stdio(pid), Some(std::process::id()));
        });
    }
}
