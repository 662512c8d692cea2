//! What becomes of a file: looked at, searched where that may tell more, and a
//! target where it holds a TLS stack.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::file::{Handle, Opened, Root, Stamp};
use super::scans::{Urgency, Wake};
use super::{Discovery, Found, Known};
use crate::Target;
use crate::elf::Elf;
use crate::stack::{self, Contents};

/// A file that may become a target.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// By which everybody in this mount namespace can open it.
    path: Option<PathBuf>,
    /// The path as its users see it.
    shown: String,
    found: Found,
    /// What it holds was known from an earlier run.
    cached: bool,
    /// A warning is due once it is searched.
    missed: bool,
    /// The mount namespace it lies in, where not this one.
    namespace: Option<PathBuf>,
}

impl Discovery {
    /// Has `wake` called when [`scanned`](Self::scanned) has something to tell.
    pub fn wake_by(&mut self, wake: Wake) {
        self.scans.wake_by(wake);
    }

    /// What the searches of whole files brought since this was last called.
    pub fn scanned(&mut self) -> Vec<Target> {
        let mut targets = Vec::new();
        while let Some(searched) = self.scans.answer(|stamp| is_mapped(&self.known, stamp)) {
            let known = self.known.get(&searched.stamp);
            let missed = matches!(known, Some(Known::Searched(candidate)) if candidate.missed);
            let Some(target) = self.answered(searched) else { continue };
            if missed {
                let path = &target.shown_path;
                log::warn!(
                    "{path}: looked through while it ran; what it said until now is missing"
                );
            }
            targets.push(target);
        }
        self.cache.save();
        targets
    }

    /// Waits until the files of running processes were searched, not longer than
    /// `longest`.
    pub fn settled(&mut self, longest: Duration) -> Vec<Target> {
        let mut targets = Vec::new();
        let deadline = Instant::now() + longest;
        while self.scans.urgent() > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            let known = &self.known;
            let Some(searched) = self.scans.wait(left, |stamp| is_mapped(known, stamp)) else {
                break;
            };
            targets.extend(self.answered(searched));
        }
        if self.scans.urgent() > 0 {
            self.known.values_mut().filter_map(Known::searched).for_each(Candidate::is_missed);
        }
        self.cache.save();
        targets
    }

    /// Examines a file unless it is known. Returns it if it is a new target.
    pub(super) fn consider(
        &mut self,
        opened: Opened,
        shown: &str,
        root: &Root,
        found: Found,
        namespace: Option<&Path>,
    ) -> Option<Target> {
        let Opened { file, stamp, path } = opened;
        match self.known.get_mut(&stamp) {
            Some(Known::Unsearched) if found.is_worth_a_scan() => {}
            Some(Known::Searched(candidate)) if found == Found::Mapped => {
                if candidate.found != Found::Mapped {
                    candidate.found = Found::Mapped;
                    self.scans.runs(stamp);
                }
                return None;
            }
            Some(_) => return None,
            None => {
                self.examined += 1;
                self.replaced(stamp);
            }
        }
        let Ok(elf) = Elf::open(file) else {
            self.known.insert(stamp, Known::Without);
            return None;
        };
        let neighbour = |name: &str| {
            let path = Path::new(shown).parent()?.join(name);
            root.open(path.to_str()?).map(|opened| opened.file)
        };
        let mut candidate = Candidate {
            path,
            shown: shown.to_owned(),
            found,
            cached: false,
            missed: false,
            namespace: namespace.map(Path::to_owned),
        };
        let contents = stack::examine(&elf, &neighbour);
        if !contents.is_empty() || !stack::is_worth_a_scan(&elf) {
            return self.settle(stamp, elf, candidate, contents);
        }
        if let Some(contents) = self.cache.contents(&stamp, &elf) {
            candidate.cached = true;
            return self.settle(stamp, elf, candidate, contents);
        }
        self.search(stamp, elf, candidate);
        None
    }

    fn search(&mut self, stamp: Stamp, elf: Elf, candidate: Candidate) {
        let is_run = candidate.found == Found::Mapped;
        let urgency = if is_run { Urgency::Run } else { Urgency::Some };
        let known = if candidate.found.is_worth_a_scan() && self.scans.search(stamp, elf, urgency) {
            Known::Searched(candidate)
        } else {
            Known::Unsearched
        };
        self.known.insert(stamp, known);
    }

    fn answered(&mut self, searched: super::scans::Searched) -> Option<Target> {
        let super::scans::Searched { stamp, elf, contents } = searched;
        self.cache.remember(stamp, &elf, &contents);
        // It may have been forgotten meanwhile: then it is asked about again.
        let Some(Known::Searched(candidate)) = self.known.get(&stamp) else { return None };
        let candidate = candidate.clone();
        self.settle(stamp, elf, candidate, contents)
    }

    /// Remembers what a file holds. Returns it if it is a new target.
    fn settle(
        &mut self,
        stamp: Stamp,
        elf: Elf,
        candidate: Candidate,
        contents: Contents,
    ) -> Option<Target> {
        let Contents { found: stacks, uncovered } = contents;
        if stacks.is_empty() {
            let known =
                if uncovered.is_empty() { Known::Without } else { Known::Uncovered(uncovered) };
            self.known.insert(stamp, known);
            return None;
        }
        let Candidate { path, shown, found, cached, missed: _, namespace } = candidate;
        let handle = Handle::new(elf.into_file(), stamp);
        let named = path.is_some();
        // A library is known by the name of the file, not by that of a link to it.
        let canonical = path.as_deref().and_then(|p| p.canonicalize().ok());
        let path = canonical.or(path);
        let shown_path = path.as_deref().and_then(Path::to_str).map_or(shown, str::to_owned);
        let target = Target {
            file: stamp.id,
            shown_path,
            path: path.unwrap_or_else(|| handle.path()),
            handle: Some(handle),
            stacks,
        };
        if found == Found::Mapped && namespace.is_none() && named {
            self.cache.mapped(&target.shown_path);
        }
        let kept = Target { handle: None, ..target.clone() };
        let known = Known::Target { target: kept, uncovered, found, cached, namespace };
        self.known.insert(stamp, known);
        self.targets.insert(target.file, stamp);
        Some(target)
    }

    /// Probes must not stay in a file that is not what it was when it became a target.
    fn replaced(&mut self, stamp: Stamp) {
        if let Some(former) = self.targets.get(&stamp.id).filter(|former| **former != stamp) {
            self.known.remove(former);
            self.targets.remove(&stamp.id);
            self.retired.push(stamp.id);
        }
    }
}

impl Drop for Discovery {
    /// Says what nobody will find out any more.
    fn drop(&mut self) {
        let searched = self.known.values_mut().filter_map(Known::searched);
        for Candidate { shown, .. } in searched.filter(|candidate| candidate.missed) {
            log::warn!("{shown}: was not looked through in time; what it said, if any, is missing");
        }
    }
}

impl Candidate {
    /// Somebody wants what is said through it, and gets it only once it is searched.
    pub(super) fn is_missed(&mut self) {
        self.missed |= self.found == Found::Mapped;
    }
}

impl Known {
    pub(super) fn searched(&mut self) -> Option<&mut Candidate> {
        match self {
            Self::Searched(candidate) => Some(candidate),
            _ => None,
        }
    }
}

impl Found {
    /// Most of what is installed never speaks TLS, and is not looked through
    /// before a process runs it.
    fn is_worth_a_scan(self) -> bool {
        matches!(self, Self::Mapped | Self::Client | Self::Known)
    }
}

fn is_mapped(known: &std::collections::HashMap<Stamp, Known>, stamp: Stamp) -> bool {
    let is_mapped = |candidate: &Candidate| candidate.found == Found::Mapped;
    matches!(known.get(&stamp), Some(Known::Searched(candidate)) if is_mapped(candidate))
}
