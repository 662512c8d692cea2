//! What is chosen among the processes: everything else on the screen is of it alone.

use super::processes::{Grouping, RowKey};
use super::{Reader, shown};
use crate::store::{ProcessKey, Seen};

/// A process, or a group of exchanges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Its row.
    pub key: RowKey,
    /// What rows stand for.
    pub grouping: Grouping,
    /// How many processes, if it is several that have ended.
    pub many: usize,
    /// Those, and what was below them.
    pub ended: Vec<ProcessKey>,
}

impl Chosen {
    /// Whether an exchange belongs to it.
    pub fn holds(&self, seen: &Seen<'_>) -> bool {
        let exchange = &seen.record.exchange;
        let name = match &self.key {
            RowKey::Process(key) => return seen.record.process == *key,
            RowKey::Ended(_) => return self.ended.contains(&seen.record.process),
            RowKey::Group(name) => name.as_str(),
        };
        match self.grouping {
            Grouping::Process => false,
            Grouping::Command => seen.process.comm == name,
            Grouping::Container => seen.process.container.as_deref().unwrap_or("") == name,
            Grouping::Agent | Grouping::Model | Grouping::Provider => {
                let facet = self.grouping.facet();
                facet.and_then(|facet| facet.of(exchange)).is_some_and(|its| its == name)
            }
        }
    }

    /// What it is called, fit to be shown.
    pub fn name(&self, reader: &Reader<'_>) -> String {
        match &self.key {
            RowKey::Process(key) => reader.process(*key).map_or(String::new(), |process| {
                let name = shown(&process.process.comm);
                match process.folded {
                    0 => format!("{name} {}", process.process.pid),
                    many => format!("{name} ×{many} ended"),
                }
            }),
            RowKey::Ended(it) => format!("{} ×{} ended", shown(&it.name), self.many),
            RowKey::Group(name) if name.is_empty() => format!("no {}", self.grouping.name()),
            RowKey::Group(name) => format!("{} {}", self.grouping.name(), shown(name)),
        }
    }
}
