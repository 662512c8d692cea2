//! Processes by key, of which moments keep copies: what did not change is shared.

use std::collections::BTreeMap;
use std::sync::Arc;

use llmtop_probe::Process;

use super::{ProcessKey, ProcessTotals, Sums};

/// Keys on a page.
const PAGE: u64 = 64;

/// Processes with their sums, in order of their keys. A clone shares with this one every
/// page on which nothing changes.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    /// By key, over [`PAGE`]. None is empty.
    pages: Arc<BTreeMap<u64, Page>>,
    len: usize,
    bytes: u64,
}

/// In order of their keys.
type Page = Arc<Vec<Arc<ProcessTotals>>>;

impl Roster {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes that they take, about.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// In order of their keys.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &ProcessTotals> {
        self.pages.values().flat_map(|page| page.iter()).map(Arc::as_ref)
    }

    /// One of them.
    pub fn get(&self, key: ProcessKey) -> Option<&ProcessTotals> {
        self.shared(key).map(Arc::as_ref)
    }

    fn shared(&self, key: ProcessKey) -> Option<&Arc<ProcessTotals>> {
        let page = self.pages.get(&(key.0 / PAGE))?;
        page.get(place(page, key).ok()?)
    }

    /// Changes the sums of one.
    pub(super) fn sums(&mut self, key: ProcessKey) -> Option<&mut Sums> {
        self.get_mut(key).map(|totals| &mut totals.sums)
    }

    fn get_mut(&mut self, key: ProcessKey) -> Option<&mut ProcessTotals> {
        let place = place(self.pages.get(&(key.0 / PAGE))?, key).ok()?;
        let page = Arc::make_mut(&mut self.pages).get_mut(&(key.0 / PAGE))?;
        Arc::make_mut(page).get_mut(place).map(Arc::make_mut)
    }

    /// Changes more of one than its sums.
    pub(super) fn change(&mut self, key: ProcessKey, change: impl FnOnce(&mut ProcessTotals)) {
        let Some(totals) = self.get_mut(key) else { return };
        let before = size(totals);
        change(totals);
        let after = size(totals);
        self.bytes = self.bytes - before + after;
    }

    /// Adds one, or puts it in the place of another.
    pub(super) fn put(&mut self, totals: ProcessTotals) {
        self.remove(totals.key);
        self.len += 1;
        self.bytes += size(&totals);
        let page = Arc::make_mut(&mut self.pages).entry(totals.key.0 / PAGE).or_default();
        let page = Arc::make_mut(page);
        let place = place(page, totals.key).unwrap_or_else(|place| place);
        page.insert(place, Arc::new(totals));
    }

    /// Takes one away.
    pub(super) fn remove(&mut self, key: ProcessKey) -> Option<Arc<ProcessTotals>> {
        let number = key.0 / PAGE;
        let place = place(self.pages.get(&number)?, key).ok()?;
        let pages = Arc::make_mut(&mut self.pages);
        let page = Arc::make_mut(pages.get_mut(&number)?);
        let gone = page.remove(place);
        if page.is_empty() {
            pages.remove(&number);
        }
        self.len -= 1;
        self.bytes -= size(&gone);
        Some(gone)
    }

    /// Bytes that it shares neither with anything that is kept nor with `next`, which this
    /// one has become.
    pub(super) fn left_behind(&self, next: &Roster) -> u64 {
        let changed = self.pages.iter().filter(|(number, page)| {
            next.pages.get(number).is_none_or(|other| !Arc::ptr_eq(page, other))
        });
        let bytes = changed.map(|(_, page)| {
            let gone = page
                .iter()
                .filter(|it| next.shared(it.key).is_none_or(|other| !Arc::ptr_eq(it, other)));
            page.len() as u64 * 8 + gone.map(|it| size(it)).sum::<u64>()
        });
        bytes.sum()
    }
}

fn place(page: &[Arc<ProcessTotals>], key: ProcessKey) -> Result<usize, usize> {
    page.binary_search_by_key(&key, |totals| totals.key)
}

/// What a process takes; its facts are often shared with others, which does not matter.
fn size(totals: &ProcessTotals) -> u64 {
    let Process { comm, exe, args, container, .. } = &*totals.process;
    let args: usize = args.iter().map(|arg| size_of::<String>() + arg.capacity()).sum();
    let texts = [Some(comm), exe.as_ref(), container.as_ref()];
    let texts: usize = texts.into_iter().flatten().map(String::capacity).sum();
    (size_of::<ProcessTotals>() + Sums::HEAP + size_of::<Process>() + texts + args) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn totals(key: u64) -> ProcessTotals {
        let process = Arc::new(Process { comm: key.to_string(), ..Process::default() });
        let sums = Sums::default();
        ProcessTotals { key: ProcessKey(key), process, ended: None, sums, folded: 0 }
    }

    proptest! {
        #[test]
        fn it_is_a_map_whose_copies_stay_what_they_were(
            moves in prop::collection::vec((0..3, 0u64..200), 0..400)
        ) {
            let (mut roster, mut map) = (Roster::default(), BTreeMap::new());
            let mut copies = Vec::new();
            for (at, (what, key)) in moves.into_iter().enumerate() {
                match what {
                    0 => {
                        roster.put(totals(key));
                        map.insert(key, 0);
                    }
                    1 => {
                        let gone = roster.remove(ProcessKey(key)).is_some();
                        prop_assert_eq!(gone, map.remove(&key).is_some());
                    }
                    _ => {
                        let sums = roster.sums(ProcessKey(key));
                        sums.into_iter().for_each(|sums| sums.tally.exchanges += 1);
                        map.entry(key).and_modify(|count| *count += 1);
                    }
                }
                if at % 50 == 0 {
                    copies.push((roster.clone(), map.clone()));
                }
            }
            copies.push((roster, map));
            for (roster, map) in copies {
                let all: Vec<_> = roster.iter().map(|it| (it.key.0, it.sums.tally.exchanges)).collect();
                prop_assert_eq!(all, map.into_iter().collect::<Vec<_>>());
                prop_assert_eq!(roster.iter().count(), roster.len());
                prop_assert_eq!(roster.iter().map(size).sum::<u64>(), roster.bytes());
            }
        }
    }

    #[test]
    fn a_copy_shares_what_did_not_change() {
        let mut roster = Roster::default();
        (0..6400).for_each(|key| roster.put(totals(key)));
        let before = roster.clone();
        assert_eq!(before.left_behind(&roster), 0);
        roster.sums(ProcessKey(4000)).unwrap().tally.exchanges += 1;
        let one = size(&totals(4000));
        assert!((one..2 * one).contains(&before.left_behind(&roster)));
        roster.remove(ProcessKey(4000));
        assert!((one..2 * one).contains(&before.left_behind(&roster)));
        assert_eq!(before.get(ProcessKey(4000)).unwrap().sums.tally.exchanges, 0);
    }
}
