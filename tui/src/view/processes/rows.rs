//! The rows of a list or a tree of processes. Those of one command that have ended are one
//! row, unless they are asked for each.

use std::collections::HashMap;

use super::tree::Forest;
use super::{Item, Position, RowKey};
use crate::store::ProcessKey;
use crate::view::Reader;

/// Processes that have ended, of one command; in a tree, below one parent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ended {
    /// The command, as captured.
    pub name: String,
    /// The process that they stand below, if there is one.
    pub below: Option<ProcessKey>,
}

impl Position {
    /// The rows, each with the lines that lead to it.
    pub(super) fn rows(&mut self, reader: &Reader<'_>, mut forest: Forest) -> Vec<Item> {
        let folded = self.fold(reader, &forest);
        // Those that are folded stand where the first of them does.
        let rows = |siblings: Vec<ProcessKey>| -> Vec<RowKey> {
            let row = |key: ProcessKey| match folded.get(&key) {
                None => Some(RowKey::Process(key)),
                Some(ended) => {
                    let first = self.ended.get(ended)?.of.first() == Some(&key);
                    first.then(|| RowKey::Ended(ended.clone()))
                }
            };
            siblings.into_iter().filter_map(row).collect()
        };
        let mut items = Vec::new();
        // Depth first, without recursion: the depth is what processes make it.
        let mut stack: Vec<(RowKey, String, String)> = Vec::new();
        let roots = rows(std::mem::take(&mut forest.roots)).into_iter().rev();
        stack.extend(roots.map(|key| (key, String::new(), String::new())));
        while let Some((key, mut branch, below)) = stack.pop() {
            let mut many = 0;
            let children = match &key {
                RowKey::Process(process) => {
                    many = reader.process(*process).map_or(0, |process| process.folded);
                    rows(forest.children.remove(process).unwrap_or_default())
                }
                RowKey::Ended(ended) => {
                    let group = self.ended.get(ended);
                    let of = group.map_or(&[][..], |group| &group.of);
                    many = group.map_or(0, |group| group.many);
                    let open = self.opened.contains(ended);
                    branch += if open { "▾ " } else { "▸ " };
                    of.iter().filter(|_| open).map(|&key| RowKey::Process(key)).collect()
                }
                RowKey::Group(_) => Vec::new(),
            };
            items.push(Item { branch, many, ..Item::new(key) });
            let last = children.len().saturating_sub(1);
            for (at, child) in children.into_iter().enumerate().rev() {
                let (turn, line) = match at == last {
                    _ if !self.tree => ("  ", "  "),
                    true => ("└ ", "  "),
                    false => ("├ ", "│ "),
                };
                stack.push((child, format!("{below}{turn}"), format!("{below}{line}")));
            }
        }
        items
    }

    /// Which processes are shown in one row with others: those of one command that have
    /// ended, as has everything below them. One that is chosen keeps its own.
    fn fold(&mut self, reader: &Reader<'_>, forest: &Forest) -> HashMap<ProcessKey, Ended> {
        if self.unfolded {
            return HashMap::new();
        }
        let chosen = self.process().filter(|_| self.chosen);
        let roots = forest.roots.iter().map(|key| (None, *key));
        let below = forest.children.iter();
        let below = below.flat_map(|(parent, keys)| keys.iter().map(|key| (Some(*parent), *key)));
        for (below, key) in roots.chain(below) {
            let within = forest.within(key);
            let ended = |key: &ProcessKey| reader.process(*key).filter(|it| it.ended.is_some());
            let Some(process) = ended(&key).filter(|_| within.iter().all(|it| ended(it).is_some()))
            else {
                continue;
            };
            let ended = Ended { name: process.process.comm.clone(), below };
            let shown = |of: ProcessKey| of == key || within.contains(&of);
            if chosen.is_some_and(shown) && !self.opened.contains(&ended) {
                continue;
            }
            let group = self.ended.entry(ended).or_default();
            group.join(process, reader.sums(key).unwrap_or(&process.sums));
            within.into_iter().for_each(|key| group.take_in(key, reader.sums(key)));
        }
        self.ended.retain(|_, group| group.of.len() > 1);
        let of = |(ended, group): (&Ended, &super::order::Group)| {
            group.of.iter().map(|&key| (key, ended.clone())).collect::<Vec<_>>()
        };
        self.ended.iter().flat_map(of).collect()
    }
}
