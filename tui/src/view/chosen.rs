//! What is chosen among the processes: everything else on the screen is of it alone.

use super::processes::{Grouping, RowKey};
use super::{Reader, shown};
use crate::store::Seen;

/// A process, or a group of exchanges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Its row.
    pub key: RowKey,
    /// What rows stand for.
    pub grouping: Grouping,
}

impl Chosen {
    /// Whether an exchange belongs to it.
    pub fn holds(&self, seen: &Seen<'_>) -> bool {
        let exchange = &seen.record.exchange;
        let name = match &self.key {
            RowKey::Process(key) => return seen.record.process == *key,
            RowKey::Group(name) => name.as_str(),
        };
        match self.grouping {
            Grouping::Process => false,
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
                format!("{} {}", shown(&process.process.comm), process.process.pid)
            }),
            RowKey::Group(name) if name.is_empty() => format!("no {}", self.grouping.name()),
            RowKey::Group(name) => format!("{} {}", self.grouping.name(), shown(name)),
        }
    }
}
