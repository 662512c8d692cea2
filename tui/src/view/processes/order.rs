//! Which rows there are, in which order, and which is selected.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use llmtop_parsers::Timestamp;

use super::Col;
use super::cells::Latest;
use super::rows::Ended;
use super::tree::Forest;
use crate::store::{Facet, ProcessKey, ProcessTotals, Sums};
use crate::view::columns::Choice;
use crate::view::table::keep_visible;
use crate::view::{Chosen, Reader};

/// With up to so many processes rows are put in order at every change; with
/// more of them, once a second.
const PROMPT_ORDER: usize = 256;

/// Milliseconds for which an order stands still.
const REST: f64 = 1000.0;

/// What a row stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowKey {
    /// A process.
    Process(ProcessKey),
    /// The group of this name, as captured; empty: those that belong to none.
    Group(String),
    /// Processes of one command that have ended.
    Ended(Ended),
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it stands for.
    pub key: RowKey,
    /// In a tree: the lines that lead to it.
    pub branch: String,
    /// Of how many processes it is, where that is known and not one.
    pub many: usize,
}

impl Item {
    pub(super) fn new(key: RowKey) -> Self {
        Item { key, branch: String::new(), many: 0 }
    }
}

/// What rows stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "groups are called what they are made of")]
pub enum Grouping {
    #[default]
    Process,
    Command,
    Agent,
    Container,
    Model,
    Provider,
}

/// What of the list is on the screen, and its order. Putting many processes
/// in order takes time, so the order is kept, and stands still for a second.
#[derive(Clone, Debug, Default)]
pub struct Position {
    /// The selected row.
    pub selected: Option<RowKey>,
    /// The person chose it; else the first row is selected, whatever that is.
    pub chosen: bool,
    /// The first visible row.
    pub top: usize,
    /// By which column.
    pub sort: Col,
    /// The other way round.
    pub reverse: bool,
    /// Children stand below their parents.
    pub tree: bool,
    /// What rows stand for.
    pub grouping: Grouping,
    /// What of them is shown; empty: everything.
    pub columns: Choice,
    /// In order, as of `ordered`.
    pub order: Vec<Item>,
    /// How many processes they stand for.
    pub processes: usize,
    /// Processes that have ended stand each in a row of its own.
    pub unfolded: bool,
    /// Those of these commands do.
    pub(super) opened: BTreeSet<Ended>,
    /// The groups, if rows stand for them.
    groups: BTreeMap<String, Group>,
    /// The processes that are shown in one row.
    pub(super) ended: BTreeMap<Ended, Group>,
    ordered: Option<(Wanted, u64, Timestamp)>,
}

/// What the order depends on, beside the store.
type Wanted = (Col, bool, Tree, Grouping, bool, Option<Timestamp>, Option<u64>);

/// How processes that belong together are shown: as a tree, ended ones each.
type Tree = (bool, bool);

/// Several processes, or some of the exchanges.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    sums: Sums,
    /// The processes, where it is made of those.
    pub(super) of: Vec<ProcessKey>,
    /// How many that are, those that are folded into one counted each.
    pub(super) many: usize,
    /// Those below them, which have ended with them.
    within: Vec<ProcessKey>,
}

impl Group {
    pub(super) fn join(&mut self, process: &ProcessTotals, sums: &Sums) {
        self.sums.join(sums);
        self.of.push(process.key);
        self.many += process.many();
    }

    /// Takes in one below those that it is made of.
    pub(super) fn take_in(&mut self, key: ProcessKey, sums: Option<&Sums>) {
        sums.into_iter().for_each(|sums| self.sums.join(sums));
        self.within.push(key);
    }
}

impl Grouping {
    const ALL: [Grouping; 6] = [
        Grouping::Process,
        Grouping::Command,
        Grouping::Agent,
        Grouping::Container,
        Grouping::Model,
        Grouping::Provider,
    ];

    /// The next in turn.
    #[must_use]
    pub fn next(self) -> Self {
        Grouping::ALL[(self as usize + 1) % Grouping::ALL.len()]
    }

    /// The title of its column.
    pub fn title(self) -> &'static str {
        match self {
            Grouping::Process | Grouping::Command => "COMMAND",
            Grouping::Agent => "AGENT",
            Grouping::Container => "CONTAINER",
            Grouping::Model => "MODEL",
            Grouping::Provider => "PROVIDER",
        }
    }

    /// What the title of the list calls it, and what a filter does.
    pub fn name(self) -> &'static str {
        match self {
            Grouping::Process => "process",
            Grouping::Command => "command",
            Grouping::Agent => "agent",
            Grouping::Container => "container",
            Grouping::Model => "model",
            Grouping::Provider => "provider",
        }
    }

    /// What the store keeps it by.
    pub(in crate::view) fn facet(self) -> Option<Facet> {
        match self {
            Grouping::Process | Grouping::Command | Grouping::Container => None,
            Grouping::Agent => Some(Facet::Agent),
            Grouping::Model => Some(Facet::Model),
            Grouping::Provider => Some(Facet::Provider),
        }
    }
}

impl Position {
    /// The selected process.
    pub fn process(&self) -> Option<ProcessKey> {
        match self.selected {
            Some(RowKey::Process(key)) => Some(key),
            _ => None,
        }
    }

    /// What the person chose, of which everything else is to be.
    pub fn chosen(&self) -> Option<Chosen> {
        let key = self.selected.clone().filter(|_| self.chosen)?;
        let group = match &key {
            RowKey::Ended(ended) => self.ended.get(ended),
            _ => None,
        };
        let (many, ended) = group.map_or((0, Vec::new()), |group| {
            (group.many, group.of.iter().chain(&group.within).copied().collect())
        });
        Some(Chosen { key, grouping: self.grouping, many, ended })
    }

    /// Shows the ended processes of the selected row each in a row of its own, or in one
    /// again. `false`: it is another row.
    pub fn open_ended(&mut self) -> bool {
        let Some(RowKey::Ended(ended)) = &self.selected else { return false };
        if !self.opened.remove(ended) {
            self.opened.insert(ended.clone());
        }
        self.ordered = None;
        true
    }

    /// What is not listed any more is not chosen: nothing takes its place unasked.
    pub fn drop_lost(&mut self) {
        self.chosen &= self.order.iter().any(|item| Some(&item.key) == self.selected.as_ref());
    }

    /// Nothing is chosen any more. `false`: nothing was.
    pub fn unchoose(&mut self) -> bool {
        std::mem::take(&mut self.chosen)
    }

    /// Sorts by a column; by the same one again: the other way round.
    pub fn sort_by(&mut self, col: Col) {
        self.reverse = self.sort == col && !self.reverse;
        self.sort = col;
    }

    /// Lists something else: what was selected is not there.
    pub fn group(&mut self, grouping: Grouping) {
        self.grouping = grouping;
        (self.selected, self.chosen, self.top) = (None, false, 0);
    }

    /// Whether the largest stand first.
    pub fn descends(&self) -> bool {
        self.reverse == matches!(self.sort, Col::Pid | Col::Command | Col::Model | Col::Quota)
    }

    /// The sums of a row.
    pub fn sums<'a>(&'a self, reader: &Reader<'a>, key: &RowKey) -> Option<&'a Sums> {
        match key {
            RowKey::Process(key) => reader.sums(*key),
            RowKey::Group(name) => self.groups.get(name).map(|group| &group.sums),
            RowKey::Ended(ended) => self.ended.get(ended).map(|group| &group.sums),
        }
    }

    /// Brings the order up to date. Processes that no exchange is credited to,
    /// such as the server at the other end of a local connection, are listed
    /// only if `all` are.
    pub fn put_in_order(&mut self, reader: &Reader<'_>, all: bool, now: Timestamp) {
        let version = reader.version();
        let question = reader.part().map(|part| part.question);
        let tree = (self.tree, self.unfolded);
        let wanted = (self.sort, self.reverse, tree, self.grouping, all, reader.paused(), question);
        let stands = self.ordered.is_some_and(|(had, seen, at)| {
            let rested = now.millis_since(at) >= REST;
            let many = reader.store().process_count() > PROMPT_ORDER;
            had == wanted && if many || seen == version { !rested } else { false }
        });
        if !stands {
            self.arrange(reader, all);
            self.ordered = Some((wanted, version, now));
        }
    }

    /// When the order is brought up to date, if it is not.
    pub fn stale(&self, reader: &Reader<'_>) -> Option<Timestamp> {
        let (_, seen, at) = self.ordered?;
        (seen != reader.version()).then(|| Timestamp(at.0 + REST as u64 * 1_000_000))
    }

    /// Brings the selection up to date with the order, for a window of `height`
    /// rows.
    pub fn settle(&mut self, height: usize) {
        let chosen = self.selected.as_ref().filter(|_| self.chosen);
        let place = |key: &RowKey| self.order.iter().position(|other| other.key == *key);
        let at = match chosen.map(place) {
            // It may be back once all is looked at.
            Some(None) => return,
            Some(Some(at)) => at,
            None => 0,
        };
        self.selected = self.order.get(at).map(|item| item.key.clone());
        self.top = keep_visible(self.top, at, self.order.len(), height);
    }

    fn arrange(&mut self, reader: &Reader<'_>, all: bool) {
        // Of a part, only who has a part in it.
        let all = all && reader.part().is_none();
        self.groups.clear();
        self.ended.clear();
        if self.grouping != Grouping::Process {
            let talking = reader.processes().filter(|it| reader.talks(it.key));
            self.processes = talking.map(ProcessTotals::many).sum();
            return self.arrange_groups(reader);
        }
        let mut processes: Vec<&ProcessTotals> =
            reader.processes().filter(|it| all || reader.talks(it.key)).collect();
        self.processes = processes.iter().map(|process| process.many()).sum();
        let sort = Sort { by: self.sort, descends: self.descends(), now: reader.now() };
        processes.sort_by_cached_key(|process| {
            let ProcessTotals { key, process, sums, .. } = process;
            let sums = reader.sums(*key).unwrap_or(sums);
            let latest = match self.sort {
                Col::Model | Col::Rate => Latest::of_process(reader, *key),
                _ => Latest::default(),
            };
            let name = match self.sort {
                Col::Model => latest.models(),
                _ => process.comm.clone(),
            };
            sort.key(&name, process.pid, sums, latest.rate(), key.0)
        });
        let forest = match self.tree {
            true => Forest::new(reader, &processes),
            false => Forest::flat(&processes),
        };
        self.order = self.rows(reader, forest);
    }

    fn arrange_groups(&mut self, reader: &Reader<'_>) {
        match self.grouping.facet() {
            Some(facet) => {
                let group = |(name, sums)| (name, Group { sums, ..Group::default() });
                self.groups.extend(reader.groups(facet).into_iter().map(group));
            }
            None => {
                for process in reader.processes() {
                    let sums = reader.sums(process.key);
                    let Some(sums) = sums.filter(|sums| sums.tally.exchanges > 0) else { continue };
                    let facts = &process.process;
                    let name = match self.grouping {
                        Grouping::Command => facts.comm.clone(),
                        _ => facts.container.clone().unwrap_or_default(),
                    };
                    self.groups.entry(name).or_default().join(process, sums);
                }
            }
        }
        let sort = Sort { by: self.sort, descends: self.descends(), now: reader.now() };
        let latest = match self.sort {
            Col::Rate => Latest::of_groups(reader, self),
            _ => HashMap::new(),
        };
        let mut groups: Vec<(&String, &Group)> = self.groups.iter().collect();
        groups.sort_by_cached_key(|(name, group)| {
            let rate = latest.get(name.as_str()).map_or(0.0, Latest::rate);
            sort.key(name, 0, &group.sums, rate, 0)
        });
        let item = |(name, group): (&String, &Group)| Item {
            many: group.many,
            ..Item::new(RowKey::Group(name.clone()))
        };
        self.order = groups.into_iter().map(item).collect();
    }
}

/// By what rows are put in order.
#[derive(Clone, Copy)]
struct Sort {
    by: Col,
    descends: bool,
    now: Timestamp,
}

/// A place in an order.
#[derive(PartialEq)]
struct Rank {
    figure: f64,
    text: String,
    descends: bool,
    /// Of those that are alike.
    last: u64,
}

impl Eq for Rank {}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> Ordering {
        let first = self.figure.total_cmp(&other.figure).then_with(|| self.text.cmp(&other.text));
        let first = if self.descends { first.reverse() } else { first };
        first.then(self.last.cmp(&other.last))
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Sort {
    fn key(&self, name: &str, pid: u32, sums: &Sums, rate: f64, last: u64) -> Rank {
        let tally = &sums.tally;
        // Seconds are fine enough, and fit: what runs stands above all that ended.
        let activity = || {
            let running = if tally.active > 0 { 1e12 } else { 0.0 };
            sums.last_active.0 as f64 / 1e9 + running
        };
        let figure = match self.by {
            Col::Pid => f64::from(pid),
            Col::Command | Col::Model => 0.0,
            Col::Exchanges => tally.exchanges as f64,
            Col::Active => activity(),
            Col::Input => tally.input_tokens as f64,
            Col::Output => tally.output_tokens as f64,
            Col::Cache => tally.cache_read_tokens as f64 / tally.input_tokens.max(1) as f64,
            Col::Rate => rate,
            Col::Pulse => sums.pulse.rate(self.now),
            Col::Cost => tally.usd,
            Col::Burn => sums.pulse.usd_per_hour(self.now),
            // Those of which nothing is known come last.
            Col::Quota => sums.quota.map_or(2.0, |quota| quota.left),
            Col::Errors => tally.errors as f64,
            Col::Retries => tally.retries as f64,
        };
        let text = if matches!(self.by, Col::Command | Col::Model) { name } else { "" };
        Rank { figure, text: text.to_owned(), descends: self.descends, last }
    }
}
