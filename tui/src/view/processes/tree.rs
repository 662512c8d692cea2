//! Processes below their parents.

use std::collections::{HashMap, HashSet};

use crate::store::{ProcessKey, ProcessTotals};
use crate::view::Reader;

/// Parents that are followed until one that is listed: a shell or a package
/// runner may stand between an agent and its tools.
const LONGEST: usize = 64;

/// Processes and those below them, in an order.
pub(super) struct Forest {
    /// Those that stand below none.
    pub(super) roots: Vec<ProcessKey>,
    /// Those that stand below a process; none is empty.
    pub(super) children: HashMap<ProcessKey, Vec<ProcessKey>>,
}

impl Forest {
    /// The listed processes, in the order given, children below their parents.
    pub(super) fn new(reader: &Reader<'_>, listed: &[&ProcessTotals]) -> Self {
        let known = Known::new(reader);
        let keys: HashSet<ProcessKey> = listed.iter().map(|process| process.key).collect();
        let mut forest = Forest { roots: Vec::new(), children: HashMap::new() };
        for process in listed {
            let siblings = match known.ancestor(process, &keys) {
                Some(parent) => forest.children.entry(parent).or_default(),
                None => &mut forest.roots,
            };
            siblings.push(process.key);
        }
        forest
    }

    /// The processes below one, however deep.
    pub(super) fn within(&self, key: ProcessKey) -> Vec<ProcessKey> {
        let below = |key: ProcessKey| self.children.get(&key).map_or(&[][..], Vec::as_slice);
        let mut within = below(key).to_vec();
        let mut at = 0;
        while let Some(&key) = within.get(at) {
            within.extend_from_slice(below(key));
            at += 1;
        }
        within
    }

    /// The listed processes, in the order given, none below another.
    pub(super) fn flat(listed: &[&ProcessTotals]) -> Self {
        let roots = listed.iter().map(|process| process.key).collect();
        Forest { roots, children: HashMap::new() }
    }
}

/// The processes with conversations that a process started, itself or by others
/// that have none.
pub fn below(reader: &Reader<'_>, process: ProcessKey) -> Vec<ProcessKey> {
    let known = Known::new(reader);
    let talks = |key: &ProcessKey| !reader.store().conversations_of(*key).is_empty();
    let talking: HashSet<ProcessKey> =
        reader.processes().map(|it| it.key).filter(|key| talks(key)).collect();
    let started = reader.processes().filter(|it| talking.contains(&it.key));
    started.filter(|it| known.ancestor(it, &talking) == Some(process)).map(|it| it.key).collect()
}

/// Every known process, by pid.
struct Known<'a> {
    by_pid: HashMap<u32, Vec<&'a ProcessTotals>>,
}

impl<'a> Known<'a> {
    fn new(reader: &Reader<'a>) -> Self {
        let mut by_pid: HashMap<u32, Vec<&ProcessTotals>> = HashMap::new();
        for process in reader.processes() {
            by_pid.entry(process.process.pid).or_default().push(process);
        }
        Known { by_pid }
    }

    /// The nearest listed process above.
    fn ancestor(
        &self,
        process: &'a ProcessTotals,
        listed: &HashSet<ProcessKey>,
    ) -> Option<ProcessKey> {
        let mut at = process;
        for _ in 0..LONGEST {
            at = self.parent(at)?;
            if at.key == process.key {
                return None;
            }
            if listed.contains(&at.key) {
                return Some(at.key);
            }
        }
        None
    }

    /// The parent: of those that had its pid, the last that started before.
    fn parent(&self, child: &ProcessTotals) -> Option<&'a ProcessTotals> {
        let same_pid = self.by_pid.get(&child.process.parent?)?;
        let before = same_pid.iter().rev().find(|parent| {
            let started = parent.process.started.zip(child.process.started);
            parent.key != child.key && started.is_none_or(|(parent, child)| parent <= child)
        });
        before.copied()
    }
}
