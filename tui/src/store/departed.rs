//! Processes that have ended, and of which nothing is kept but their sums: those of one
//! command become one.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use llmtop_probe::Process;

use super::tally::Tally;
use super::{OTHERS, ProcessKey, ProcessTotals, Store};

/// The latest processes to which nothing refers any more: they are kept as they were.
const KEPT: usize = 256;

/// Commands that are told apart; processes of more than these are added to [`OTHERS`].
const COMMANDS: usize = 256;

/// A command, and the container that it ran in.
type Command = (String, Option<String>);

/// What refers to processes, and who stands for those that are gone.
#[derive(Debug, Default)]
pub(super) struct Departed {
    /// How many exchanges and connections that are kept are of a process.
    referred: HashMap<ProcessKey, usize>,
    /// How many processes that are kept have the parent of this pid.
    children: HashMap<u32, usize>,
    /// Those that nothing referred to, the longest ago first.
    queue: VecDeque<ProcessKey>,
    /// The one that is looked at.
    watched: Option<ProcessKey>,
    /// Who stands for the gone ones of a command.
    heirs: BTreeMap<Command, ProcessKey>,
}

impl Store {
    /// An exchange, or a connection, of this process is kept.
    pub(super) fn refer(&mut self, key: ProcessKey) {
        *self.departed.referred.entry(key).or_default() += 1;
    }

    /// It is kept no more.
    pub(super) fn unrefer(&mut self, key: ProcessKey) {
        let Some(count) = self.departed.referred.get_mut(&key) else { return };
        *count -= 1;
        if *count == 0 {
            self.departed.referred.remove(&key);
            self.depart(key);
        }
    }

    /// This process is looked at: it stays as it is until another one is.
    pub fn watch(&mut self, key: Option<ProcessKey>) {
        self.departed.watched = key;
    }

    /// A process that is kept has another parent than before.
    pub(super) fn reparent(&mut self, before: Option<u32>, now: Option<u32>) {
        let children = &mut self.departed.children;
        if let Some(pid) = before
            && let Some(count) = children.get_mut(&pid)
        {
            *count -= 1;
            if *count == 0 {
                children.remove(&pid);
            }
        }
        if let Some(pid) = now {
            *children.entry(pid).or_default() += 1;
        }
    }

    /// If a process has ended and nothing refers to it, it goes once so many others have.
    pub(super) fn depart(&mut self, key: ProcessKey) {
        let ended = self.processes.get(key).is_some_and(|it| it.ended.is_some() && it.folded == 0);
        if !ended || self.departed.referred.contains_key(&key) {
            return;
        }
        self.departed.queue.push_back(key);
        // One for this one, and one for those that had to wait.
        for _ in 0..2 {
            if self.departed.queue.len() > KEPT
                && let Some(oldest) = self.departed.queue.pop_front()
            {
                self.fold(oldest);
            }
        }
    }

    /// A process becomes one with the others of its command, unless something refers to it.
    fn fold(&mut self, key: ProcessKey) {
        let departed = &mut self.departed;
        let known = self.processes.get(key).filter(|it| it.folded == 0);
        let Some(known) = known.filter(|_| !departed.referred.contains_key(&key)) else { return };
        let parent = departed.children.contains_key(&known.process.pid);
        if parent || departed.watched == Some(key) {
            departed.queue.push_back(key);
            return;
        }
        let Some(gone) = self.processes.remove(key) else { return };
        self.version += 1;
        self.reparent(gone.process.parent, None);
        if gone.sums.tally == Tally::default() {
            return;
        }
        let heirs = &mut self.departed.heirs;
        let mut command = (gone.process.comm.clone(), gone.process.container.clone());
        if heirs.len() >= COMMANDS && !heirs.contains_key(&command) {
            command = (OTHERS.to_owned(), None);
        }
        if let Some(&heir) = heirs.get(&command) {
            return self.processes.change(heir, |heir| {
                heir.sums.join(&gone.sums);
                heir.folded += 1;
                heir.ended = heir.ended.max(gone.ended);
            });
        }
        let (comm, container) = command.clone();
        heirs.insert(command, key);
        let process = Arc::new(Process { comm, container, ..Process::default() });
        let (ended, sums) = (gone.ended, gone.sums.clone());
        self.processes.put(ProcessTotals { key, process, ended, sums, folded: 1 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{NOW, answered, asks, pending};
    use crate::store::{Facet, Sums};

    const AT: llmtop_probe::Timestamp = llmtop_probe::Timestamp(NOW.0);

    /// A process of this command that began, asked something, and ended.
    fn run(store: &mut Store, key: u64, comm: &str, parent: u32) {
        let pid = 1000 + key as u32;
        let process =
            Process { pid, parent: Some(parent), comm: comm.into(), ..Process::default() };
        store.put_process(ProcessKey(key), process.into(), AT);
        let record = answered(pending(key, key, 1000, asks("one thing")), "said", 900);
        let id = record.id;
        store.put_exchange(record);
        store.settle(id);
        store.end_process(ProcessKey(key), AT);
    }

    fn sums(store: &Store) -> Tally {
        let mut sums = Tally::default();
        store.processes().for_each(|it| sums.add(&it.sums.tally));
        Tally { usd: (sums.usd * 1e6).round() / 1e6, ..sums }
    }

    #[test]
    fn those_that_ended_are_bounded_and_their_sums_stay() {
        let mut store = Store::with_budget(0);
        for key in 1..=5000 {
            run(&mut store, key, if key % 2 == 0 { "even" } else { "odd" }, 1);
        }
        assert_eq!(store.processes().count(), KEPT + 2);
        assert_eq!(store.processes().map(ProcessTotals::many).sum::<usize>(), 5000);
        let models = store.groups(Facet::Model).map(|(_, sums): (_, &Sums)| sums.tally);
        let whole = models.map(|tally| Tally { usd: (tally.usd * 1e6).round() / 1e6, ..tally });
        assert_eq!(vec![sums(&store)], whole.collect::<Vec<_>>());
        assert_eq!(sums(&store).exchanges, 5000);
        let Departed { referred, children, queue, heirs, .. } = &store.departed;
        assert_eq!((referred.len(), children[&1], queue.len(), heirs.len()), (0, KEPT, KEPT, 2));
        assert!(store.processes.bytes() < 2000 * (KEPT as u64 + 2));
    }

    #[test]
    fn commands_without_end_are_bounded_too() {
        let mut store = Store::with_budget(0);
        (1..=2000).for_each(|key| run(&mut store, key, &format!("job-{key}"), 1));
        assert_eq!(store.processes().count(), KEPT + COMMANDS + 1);
        let others = store.processes().find(|it| it.process.comm == OTHERS).unwrap();
        assert_eq!(others.many(), 2000 - KEPT - COMMANDS);
        assert_eq!(sums(&store).exchanges, 2000);
    }

    #[test]
    fn who_is_referred_to_stays() {
        let mut store = Store::with_budget(u64::MAX);
        // Its exchange is kept, or a child of it lives, or it is looked at.
        run(&mut store, 1, "asked", 1);
        store.budget.limit(0);
        run(&mut store, 2, "parent", 1);
        let child = Process { pid: 7, parent: Some(1002), ..Process::default() };
        store.put_process(ProcessKey(3), child.into(), AT);
        store.pin([crate::store::ExchangeId(1)]);
        run(&mut store, 4, "watched", 1);
        store.watch(Some(ProcessKey(4)));
        (10..2000).for_each(|key| run(&mut store, key, "job", 1));
        let here = |store: &Store, key| store.process(ProcessKey(key)).is_some();
        assert!([1, 2, 3, 4].iter().all(|key| here(&store, *key)));
        assert!(!here(&store, 11));
        store.pin([]);
        store.watch(None);
        store.end_process(ProcessKey(3), AT);
        (3000..6000).for_each(|key| run(&mut store, key, "job", 1));
        assert!(!here(&store, 3));
        let folded = |key| store.process(ProcessKey(key)).map(|it| (it.folded, it.process.pid));
        assert_eq!([1, 2, 4].map(folded), [Some((1, 0)); 3]);
        assert!(store.departed.queue.len() <= KEPT);
    }
}
