//! Finds the files to probe: everything mapped now, everything executed or
//! mapped later, and what programs can be expected to use.
//!
//! Driving contract: [`Discovery::initial`] once, [`Discovery::exec`] and
//! [`Discovery::mapped`] as the kernel reports them, [`Discovery::rescan`] every
//! few seconds, [`Discovery::settled`] where all has to be known first, and
//! [`Discovery::scanned`] when [`Discovery::wake_by`]'s function was
//! called. Each returns the targets that were not known before. After each, and
//! before those are attached, the probes of the files that [`Discovery::retired`]
//! names must go: a file that was written over is named by both.
//!
//! Most files are judged by a few reads, at once. What those cannot tell is looked
//! through by a thread of its own, files of running processes first.

mod cache;
mod consider;
mod coverage;
mod explain;
mod file;
mod linker_cache;
mod maps;
mod mounts;
mod programs;
mod scans;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(crate) use coverage::Coverage;
pub use coverage::FileCoverage;
pub use explain::Explanation;
pub(crate) use explain::explain;
pub use file::Handle;

use crate::{FileId, Target};
use cache::Cache;
use consider::Candidate;
use file::{Root, Stamp, mount_namespace};
use maps::Mapping;
use scans::{Scans, Urgency};

const LINKER_CACHE: &str = "/etc/ld.so.cache";
/// Files remembered. A machine has some ten thousand libraries.
const MAX_KNOWN: usize = 1 << 16;
/// The most processes read in one scan.
const MAX_PROCESSES: usize = 1 << 16;
/// Time for the libraries of one container's cache, which the container writes.
const CACHE_BUDGET: Duration = Duration::from_millis(500);
/// A process whose mappings take longer to read than this is not read at each of
/// its events, but only as often as keeps the time for it below a twentieth.
const SLOW: Duration = Duration::from_millis(10);
const REST: u32 = 20;

/// Finds targets, and remembers what it has looked at. See the module's
/// documentation for how to drive it.
#[derive(Debug, Default)]
pub struct Discovery {
    known: HashMap<Stamp, Known>,
    /// In which state each target is one.
    targets: HashMap<FileId, Stamp>,
    /// What mapped files turned out to be; emptied by each rescan, since inode
    /// numbers are used again.
    mapped: HashMap<((u32, u32), u64), Stamp>,
    /// The processes that were looked at.
    seen: HashMap<u32, Seen>,
    /// The linker caches whose libraries were looked at.
    caches: HashSet<Stamp>,
    retired: Vec<FileId>,
    scans: Scans,
    cache: Cache,
    /// Files opened so far.
    examined: usize,
}

/// A process when it was last looked at.
#[derive(Debug)]
struct Seen {
    /// The size of its address space: a file mapped since then would show.
    pages: Option<u64>,
    /// The targets it had mapped, and files that may become some.
    targets: Vec<Stamp>,
    /// Not to be looked at before.
    rest_until: Option<Instant>,
}

/// What is known of a file.
#[derive(Debug)]
enum Known {
    /// No TLS stack that is known here.
    Without,
    /// Stacks that cannot be probed: why.
    Uncovered(Vec<String>),
    /// Nothing that a quick look tells, and not looked through.
    Unsearched,
    /// It is being looked through.
    Searched(Candidate),
    /// A target.
    Target {
        target: Target,
        /// Why other stacks in it cannot be probed.
        uncovered: Vec<String>,
        /// Where it was found: for people.
        found: Found,
        /// What it holds was known from an earlier run.
        cached: bool,
        /// The mount namespace it lies in, where not this one.
        namespace: Option<PathBuf>,
    },
}

/// How a target was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// A process had it mapped.
    Mapped,
    /// The dynamic linker's cache names it.
    LinkerCache,
    /// It is installed where such programs usually are.
    Installed,
    /// It is installed where programs that talk to models usually are.
    Client,
    /// A process had it mapped in an earlier run.
    Known,
}

impl Discovery {
    /// A discovery that has seen nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, which keeps what takes long to find out in the file `cache`. That
    /// is created, readable by this user alone, with its folder; a file that
    /// another user may have written is not used.
    pub fn with_cache(cache: PathBuf) -> Self {
        let mut discovery = Self::new();
        discovery.cache = Cache::load(cache);
        discovery
    }

    /// Everything there is now: what the linker's caches name, what is installed
    /// in usual places, what was mapped in earlier runs, and what processes have
    /// mapped.
    pub fn initial(&mut self) -> Vec<Target> {
        let mut targets = Vec::new();
        self.linker_cache(&Root::Own, None, &mut targets);
        for (path, found) in programs::candidates() {
            let Some(path) = path.to_str() else { continue };
            if let Some(opened) = Root::Own.open(path) {
                targets.extend(self.consider(opened, path, &Root::Own, found, None));
            }
        }
        for path in self.cache.paths() {
            if let Some(opened) = Root::Own.open(&path) {
                targets.extend(self.consider(opened, &path, &Root::Own, Found::Known, None));
            } else {
                self.cache.gone(&path);
            }
        }
        for pid in processes() {
            self.process(pid, &mut targets);
        }
        targets
    }

    /// The process has executed another program. `wanted`: a warning is due where it says
    /// something before that can be seen.
    pub fn exec(&mut self, pid: u32, wanted: bool) -> Vec<Target> {
        let mut targets = Vec::new();
        self.process(pid, &mut targets);
        if wanted {
            self.missed(pid);
        }
        targets
    }

    /// The process has mapped a file executable. Of a process with very many
    /// mappings this may be left to the next rescan.
    pub fn mapped(&mut self, pid: u32, wanted: bool) -> Vec<Target> {
        let rest = self.seen.get(&pid).and_then(|seen| seen.rest_until);
        if rest.is_some_and(|until| Instant::now() < until) {
            return Vec::new();
        }
        self.exec(pid, wanted)
    }

    /// Looks again at what no event tells: linker caches, files that changed in
    /// place, processes whose events were lost. Some milliseconds.
    pub fn rescan(&mut self) -> Vec<Target> {
        self.mapped.clear();
        if self.known.len() > MAX_KNOWN {
            self.known.retain(|_, k| matches!(k, Known::Target { .. } | Known::Searched(_)));
            self.caches.clear();
        }
        let mut targets = Vec::new();
        let pids = processes();
        let running: HashSet<u32> = pids.iter().copied().collect();
        self.seen.retain(|pid, _| running.contains(pid));
        let namespaces: Namespaces =
            pids.iter().filter_map(|&pid| Some((mount_namespace(pid)?, pid))).collect();
        self.linker_cache(&Root::Own, None, &mut targets);
        self.written_over(&namespaces, &mut targets);
        for pid in pids {
            let pages = pages(pid);
            let seen = self.seen.get(&pid).map(|seen| seen.pages);
            if pages.is_none() || seen != Some(pages) {
                self.process(pid, &mut targets);
            }
            if seen.is_none() {
                // No event told of it, and so none whether anybody wants it.
                self.missed(pid);
            }
        }
        self.retire(&namespaces);
        self.cache.save();
        targets
    }

    /// The files that became useless since this was last called: deleted and
    /// mapped by nobody, or written over.
    pub fn retired(&mut self) -> Vec<FileId> {
        std::mem::take(&mut self.retired)
    }

    /// How many files were opened and examined so far.
    pub fn examined(&self) -> usize {
        self.examined
    }

    fn process(&mut self, pid: u32, targets: &mut Vec<Target>) {
        // Before the mappings: what comes in between shows next time.
        let pages = pages(pid);
        let start = Instant::now();
        let mappings = maps::of(pid);
        let took = start.elapsed();
        let rest_until = (took > SLOW).then(|| start + took * REST);
        let key = |m: &Mapping| (m.device, m.inode);
        if mappings.iter().any(|m| !self.mapped.contains_key(&key(m))) {
            self.examine(pid, &mappings, targets);
        }
        let stamps = mappings.iter().filter_map(|m| self.mapped.get(&key(m)));
        let is_target = |stamp: &&Stamp| {
            matches!(self.known.get(stamp), Some(Known::Target { .. } | Known::Searched(_)))
        };
        let targets = stamps.filter(is_target).copied().collect();
        let seen = Seen { pages, targets, rest_until };
        self.seen.insert(pid, seen);
    }

    /// What the process says is missed until the files that it has mapped are searched.
    fn missed(&mut self, pid: u32) {
        let files = self.seen.get(&pid).into_iter().flat_map(|seen| &seen.targets);
        for stamp in files {
            if let Some(candidate) = self.known.get_mut(stamp).and_then(Known::searched) {
                candidate.is_missed();
                self.scans.hurry(*stamp, Urgency::Missed);
            }
        }
    }

    fn examine(&mut self, pid: u32, mappings: &[Mapping], targets: &mut Vec<Target>) {
        let Some(root) = Root::of(pid) else { return };
        let namespace = match root {
            Root::Own => None,
            Root::Other(_) => mount_namespace(pid),
        };
        for mapping in mappings {
            let key = (mapping.device, mapping.inode);
            if self.mapped.contains_key(&key) {
                continue;
            }
            let Some(opened) = root.open_mapped(pid, mapping) else {
                continue;
            };
            self.mapped.insert(key, opened.stamp);
            let path = &mapping.path;
            targets.extend(self.consider(opened, path, &root, Found::Mapped, namespace.as_deref()));
        }
        if namespace.is_some() {
            self.linker_cache(&root, namespace.as_deref(), targets);
        }
    }

    /// Targets that are still the same file, with other bytes in it.
    fn written_over(&mut self, namespaces: &Namespaces, targets: &mut Vec<Target>) {
        let named: Vec<_> = self
            .targets
            .values()
            .filter_map(|stamp| match self.known.get(stamp)? {
                Known::Target { target, found, namespace, .. } => {
                    Some((*stamp, target.shown_path.clone(), *found, namespace.clone()))
                }
                _ => None,
            })
            .collect();
        for (stamp, path, found, namespace) in named {
            let Some(root) = root_of(namespace.as_deref(), namespaces) else { continue };
            let Some(opened) = root.open(&path) else { continue };
            if opened.stamp.id == stamp.id && opened.stamp != stamp {
                targets.extend(self.consider(opened, &path, &root, found, namespace.as_deref()));
            }
        }
    }

    fn linker_cache(&mut self, root: &Root, namespace: Option<&Path>, targets: &mut Vec<Target>) {
        let Some(cache) = root.open(LINKER_CACHE) else {
            return;
        };
        if !self.caches.insert(cache.stamp) {
            return;
        }
        let mut bytes = Vec::new();
        let mut reader = cache.file.take(linker_cache::MAX_SIZE);
        if reader.read_to_end(&mut bytes).is_err() {
            return;
        }
        let start = Instant::now();
        for path in linker_cache::libraries(&bytes) {
            if namespace.is_some() && start.elapsed() > CACHE_BUDGET {
                break;
            }
            if let Some(opened) = root.open(&path) {
                targets.extend(self.consider(opened, &path, root, Found::LinkerCache, namespace));
            }
        }
    }

    /// Forgets targets that nobody can reach any more.
    fn retire(&mut self, namespaces: &Namespaces) {
        let mapped: HashSet<Stamp> =
            self.seen.values().flat_map(|seen| seen.targets.iter().copied()).collect();
        let (known, retired) = (&mut self.known, &mut self.retired);
        self.targets.retain(|file, stamp| {
            let Some(Known::Target { target, namespace, .. }) = known.get(stamp) else {
                return false;
            };
            let reachable = mapped.contains(stamp)
                || root_of(namespace.as_deref(), namespaces)
                    .is_some_and(|root| !root.has_lost(&target.shown_path, *stamp));
            if !reachable {
                known.remove(stamp);
                retired.push(*file);
            }
            reachable
        });
    }
}

/// The mount namespaces there are, and a process in each.
type Namespaces = HashMap<PathBuf, u32>;

/// The root directory of a mount namespace, if it is there still; `None` is this one's.
fn root_of(namespace: Option<&Path>, namespaces: &Namespaces) -> Option<Root> {
    namespace.map_or(Some(Root::Own), |namespace| Root::of(*namespaces.get(namespace)?))
}

/// The size of the process's address space (the first field of proc_pid_statm(5)),
/// far cheaper to ask for than its mappings.
fn pages(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    text.split(' ').next()?.parse().ok()
}

/// The processes that run now, this one excepted.
pub(crate) fn processes() -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let own = std::process::id();
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|&pid| pid != own)
        .take(MAX_PROCESSES)
        .collect()
}
