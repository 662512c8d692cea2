//! Processes below their parents.

use std::collections::{HashMap, HashSet};

use super::{Item, RowKey};
use crate::store::{ProcessKey, ProcessTotals};
use crate::view::Reader;

/// Parents that are followed until one that is listed: a shell or a package
/// runner may stand between an agent and its tools.
const LONGEST: usize = 64;

/// The listed processes, in the order given, children below their parents.
pub(super) fn items(reader: &Reader<'_>, listed: &[&ProcessTotals]) -> Vec<Item> {
    let known = Known::new(reader);
    let keys: HashSet<ProcessKey> = listed.iter().map(|process| process.key).collect();
    let mut roots = Vec::new();
    let mut children: HashMap<ProcessKey, Vec<ProcessKey>> = HashMap::new();
    for process in listed {
        match known.ancestor(process, &keys) {
            Some(parent) => children.entry(parent).or_default().push(process.key),
            None => roots.push(process.key),
        }
    }
    let mut items = Vec::with_capacity(listed.len());
    // Depth first, without recursion: the depth is what processes make it.
    let mut stack: Vec<(ProcessKey, String, String)> =
        roots.into_iter().rev().map(|key| (key, String::new(), String::new())).collect();
    while let Some((key, branch, below)) = stack.pop() {
        items.push(Item { key: RowKey::Process(key), branch, many: 0 });
        let Some(below_it) = children.remove(&key) else { continue };
        let last = below_it.len() - 1;
        for (at, child) in below_it.into_iter().enumerate().rev() {
            let (turn, line) = if at == last { ("└ ", "  ") } else { ("├ ", "│ ") };
            stack.push((child, format!("{below}{turn}"), format!("{below}{line}")));
        }
    }
    items
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
