//! What of each running process is covered, and what is not and why.

use std::collections::HashSet;

use super::{Discovery, Found, Known, maps, processes};
use crate::Target;

/// What is covered of one process.
#[derive(Clone, Debug)]
pub(crate) struct Coverage {
    pub(crate) pid: u32,
    /// The files it has mapped whose TLS stack is covered.
    pub(crate) covered: Vec<FileCoverage>,
    /// What is not covered, and why.
    pub(crate) uncovered: Vec<String>,
}

/// A covered file.
#[derive(Clone, Debug, serde::Serialize)]
pub struct FileCoverage {
    /// How it was found.
    pub found: Found,
    /// What it holds was known from an earlier run.
    pub cached: bool,
    /// The file.
    #[serde(flatten)]
    pub target: Target,
}

impl Discovery {
    /// Every process that runs now and has something to say, by process id. To be
    /// asked right after [`initial`](Self::initial).
    pub(crate) fn coverage(&self) -> Vec<Coverage> {
        let mut all: Vec<_> =
            processes().into_iter().filter_map(|pid| self.coverage_of(pid)).collect();
        all.sort_unstable_by_key(|c| c.pid);
        all
    }

    /// How many programs run into which this process may not look.
    pub(crate) fn hidden(&self) -> usize {
        let is_hidden = |pid: &u32| {
            let maps = std::fs::File::open(format!("/proc/{pid}/maps"));
            // Kernel threads, which have no arguments, map nothing.
            maps.is_err_and(|e| e.kind() == std::io::ErrorKind::PermissionDenied)
                && std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|args| !args.is_empty())
        };
        processes().iter().filter(|pid| is_hidden(pid)).count()
    }

    /// The targets that no running process uses yet.
    pub(crate) fn idle(&self) -> Vec<FileCoverage> {
        let used: HashSet<_> = self.seen.values().flat_map(|seen| &seen.targets).collect();
        let idle = self.known.iter().filter(|(stamp, _)| !used.contains(stamp));
        let mut idle: Vec<_> = idle.filter_map(|(_, known)| known.covered()).collect();
        idle.sort_unstable_by(|a, b| a.target.shown_path.cmp(&b.target.shown_path));
        idle
    }

    fn coverage_of(&self, pid: u32) -> Option<Coverage> {
        let mut this = Coverage { pid, covered: Vec::new(), uncovered: Vec::new() };
        for mapping in maps::of(pid) {
            let stamp = self.mapped.get(&(mapping.device, mapping.inode));
            if let Some(known) = stamp.and_then(|s| self.known.get(s)) {
                this.covered.extend(known.covered());
                let reasons = known.uncovered();
                this.uncovered.extend(reasons.iter().map(|why| format!("{}: {why}", mapping.path)));
                if matches!(known, Known::Searched(_)) {
                    this.uncovered.push(format!("{}: is still being looked through", mapping.path));
                }
            }
        }
        (!this.covered.is_empty() || !this.uncovered.is_empty()).then_some(this)
    }
}

impl Known {
    fn covered(&self) -> Option<FileCoverage> {
        match self {
            Self::Target { target, found, cached, .. } => {
                Some(FileCoverage { found: *found, cached: *cached, target: target.clone() })
            }
            Self::Without | Self::Uncovered(_) | Self::Unsearched | Self::Searched(_) => None,
        }
    }

    fn uncovered(&self) -> &[String] {
        match self {
            Self::Target { uncovered, .. } | Self::Uncovered(uncovered) => uncovered,
            Self::Without | Self::Unsearched | Self::Searched(_) => &[],
        }
    }
}
