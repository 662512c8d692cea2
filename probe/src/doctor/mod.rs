//! What capture would see on this machine, and what not and why.

mod talkers;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::discovery::{self, Coverage, Discovery, FileCoverage};
use crate::privileges::System;
use crate::{FileId, kernel, process};

/// The whole answer, as plain data; its `Display` fits 80 columns.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The machine, and what this process may do.
    pub system: System,
    /// Why capture cannot work, where it cannot: one line with the remedy.
    pub problem: Option<String>,
    /// Why HTTP without TLS is not seen, where it is not.
    pub plain_problem: Option<String>,
    /// The covered files, and who uses them.
    pub files: Vec<File>,
    /// What runs and is not covered.
    pub uncovered: Vec<Uncovered>,
    /// How many programs run into which this process may not look.
    pub hidden: usize,
}

/// A covered file.
#[derive(Clone, Debug, Serialize)]
pub struct File {
    /// The file, how it was found, and where it would be probed.
    #[serde(flatten)]
    pub coverage: FileCoverage,
    /// The processes that have it mapped; none where it only waits for its
    /// first user.
    pub users: Vec<User>,
}

/// A process, named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// Process id.
    pub pid: u32,
    /// Command name.
    pub comm: String,
    /// Container id, where it runs in one.
    pub container: Option<String>,
}

/// A process of which something is not covered.
#[derive(Clone, Debug, Serialize)]
pub struct Uncovered {
    /// The process.
    #[serde(flatten)]
    pub process: User,
    /// What, and why.
    pub reasons: Vec<String>,
}

/// How long a report waits for files to be searched.
const PATIENCE: Duration = Duration::from_secs(120);

/// Looks at everything now. Needs no privileges, but sees without them only
/// what the user may see. `cache` is as for [`Discovery::with_cache`].
pub fn report(cache: Option<PathBuf>) -> Report {
    let system = System::read();
    let mut discovery = cache.map_or_else(Discovery::new, Discovery::with_cache);
    discovery.initial();
    discovery.settled(PATIENCE);
    let coverage = discovery.coverage();
    Report {
        problem: system.verdict().err().map(|e| e.to_string()),
        plain_problem: kernel::plain_sockets(),
        system,
        files: files(&coverage, discovery.idle()),
        uncovered: uncovered(coverage),
        hidden: discovery.hidden(),
    }
}

/// What was looked at in the files of one process, and what follows: for people.
/// Searches them anew.
pub fn explain(pid: u32) -> String {
    text::Explained { pid, files: discovery::explain(pid) }.to_string()
}

fn uncovered(coverage: Vec<Coverage>) -> Vec<Uncovered> {
    let mut reasons: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    let mut unexplained = BTreeSet::from_iter(discovery::processes());
    for process in coverage {
        unexplained.remove(&process.pid);
        if !process.uncovered.is_empty() {
            reasons.insert(process.pid, process.uncovered);
        }
    }
    for (pid, peer) in talkers::of(unexplained.into_iter()) {
        let why = format!("talks to {peer} without a TLS library that this version knows");
        reasons.insert(pid, vec![why]);
    }
    let named = |(pid, reasons)| Uncovered { process: user(pid), reasons };
    reasons.into_iter().map(named).collect()
}

/// Used files first, each group by path.
fn files(coverage: &[Coverage], idle: Vec<FileCoverage>) -> Vec<File> {
    let mut used: BTreeMap<(String, FileId), File> = BTreeMap::new();
    for process in coverage {
        for file in &process.covered {
            let key = (file.target.shown_path.clone(), file.target.file);
            let entry = used
                .entry(key)
                .or_insert_with(|| File { coverage: file.clone(), users: Vec::new() });
            entry.users.push(user(process.pid));
        }
    }
    let idle = idle.into_iter().map(|coverage| File { coverage, users: Vec::new() });
    used.into_values().chain(idle).collect()
}

fn user(pid: u32) -> User {
    let facts = process::facts(pid).unwrap_or_default();
    User { pid, comm: facts.comm, container: facts.container }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn names_a_talker_without_a_library() {
        // Needs the port: not to be had without privileges, or where it is taken.
        let Ok(listener) = std::net::TcpListener::bind("127.0.0.77:443") else { return };
        let mut bash = Command::new("bash")
            .args(["-c", "exec 3<>/dev/tcp/127.0.0.77/443; exec cat <&3"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let connection = listener.accept().unwrap();
        let report = report(None);
        drop(connection);
        bash.wait().unwrap();
        let found = report.uncovered.iter().find(|u| u.process.pid == bash.id()).unwrap();
        assert!(found.reasons[0].contains("127.0.0.77:443"), "{found:?}");
    }

    #[test]
    fn names_a_running_user_of_libssl() {
        let mut python = Command::new("python3")
            .args(["-c", "import ssl, sys; print(flush=True); sys.stdin.read()"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = [0];
        std::io::Read::read_exact(python.stdout.as_mut().unwrap(), &mut line).unwrap();
        let report = report(None);
        drop(python.stdin.take());
        python.wait().unwrap();
        let pid = python.id();
        let uses = |f: &&File| f.users.iter().any(|u| u.pid == pid);
        let file = report.files.iter().find(uses).expect("not covered");
        assert!(!file.coverage.target.stacks[0].sites.is_empty());
        let text = report.to_string();
        assert!(text.lines().all(|l| l.chars().count() <= 80 || !l.trim().contains(' ')), "{text}");
        assert!(text.contains(&file.coverage.target.shown_path), "{text}");
        let json = serde_json::to_value(&report).unwrap();
        assert!(json["files"][0]["stacks"][0]["sites"].is_array(), "{json}");
    }
}
