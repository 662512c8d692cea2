//! What the screen is of: the exchanges that pass the filter, and of those the ones that
//! belong to what is chosen among the processes. Lists, figures and graphs are of these
//! alone, and the header says so.

use super::App;
use super::page::Page;
use crate::store::{Seen, Sieve, Store};
use crate::view::{Chosen, Counting, Part, Reader, Role, Show, Span, gist};

/// What it costs to tell whether an exchange belongs to what is chosen, of a frame's
/// budget.
const COST: usize = 768;

/// Columns of a name, and of a filter, in the header.
const NAME: usize = 32;

/// What the screen is of, with its figures.
#[derive(Debug, Default)]
pub(super) struct Narrowed {
    /// Only what passes the filter is shown.
    filtered: bool,
    /// What the store judges by: what is chosen, and whether LLM exchanges only.
    applied: Option<(Chosen, bool)>,
    /// The figures of the moment that a paused screen shows.
    then: Option<[Counting; 2]>,
}

impl Narrowed {
    /// What the processes are of; `None`: everything.
    pub(super) fn passing<'a>(&'a self, store: &'a Store) -> Option<Part<'a>> {
        self.filtered.then(|| self.of(store, Sieve::Filter))
    }

    /// What all else is of; `None`: everything.
    pub(super) fn part<'a>(&'a self, store: &'a Store) -> Option<Part<'a>> {
        match self.is_chosen() {
            true => Some(self.of(store, Sieve::Choice)),
            false => self.passing(store),
        }
    }

    fn of<'a>(&'a self, store: &'a Store, sieve: Sieve) -> Part<'a> {
        match &self.then {
            Some(then) => then[sieve as usize].part(),
            None => Part::now(store, sieve),
        }
    }

    /// Whether something is chosen.
    pub(super) fn is_chosen(&self) -> bool {
        self.applied.is_some()
    }

    /// Whether anything is left out.
    pub(super) fn is_narrow(&self) -> bool {
        self.filtered || self.is_chosen()
    }

    /// Whether its figures are not known yet.
    pub(super) fn is_behind(&self, store: &Store) -> bool {
        let counts = |then: &[Counting; 2]| {
            self.filtered && then[Sieve::Filter as usize].is_behind()
                || self.is_chosen() && then[Sieve::Choice as usize].is_behind()
        };
        store.unjudged() > 0 || self.then.as_ref().is_some_and(counts)
    }

    /// The screen is paused: from now on figures are those of a moment.
    pub(super) fn freeze(&mut self, store: &Store, moment: llmtop_parsers::Timestamp) {
        self.then = Some(Sieve::ALL.map(|sieve| Counting::new(store, sieve, moment)));
    }

    /// It goes on.
    pub(super) fn thaw(&mut self) {
        self.then = None;
    }

    /// Counts what passes at the moment that is shown, as far as there is time.
    fn count(&mut self, reader: &Reader<'_>) {
        let Some([filter, choice]) = &mut self.then else { return };
        if self.filtered {
            filter.refresh(reader);
        }
        if self.applied.is_some() {
            choice.refresh(reader);
        }
    }
}

impl App {
    /// Brings up to date what the screen is of, as far as a frame has time.
    pub(super) fn narrow(&mut self, store: &mut Store) {
        let left = self.judge(store);
        self.narrowed.filtered = self.main.filtered;
        let reader = self.viewpoint.reader(store);
        let listed = reader.within(self.narrowed.passing(store));
        self.main.processes.put_in_order(&listed, self.main.lists_all(), self.viewpoint.now);
        // What passes is not known yet, or not said.
        let unknown = self.narrowed.is_behind(store);
        if !unknown && !self.filtering.is_typed() {
            self.main.processes.drop_lost();
        }
        let llm_only = self.main.show == Show::LlmOnly;
        let wanted = self.main.processes.chosen().map(|chosen| (chosen, llm_only));
        if wanted != self.narrowed.applied {
            match wanted {
                Some(_) => store.judge_all(Sieve::Choice),
                None => store.stop_judging(Sieve::Choice),
            }
            self.narrowed.applied = wanted;
        }
        if let Some((chosen, _)) = &self.narrowed.applied {
            store.judge(Sieve::Choice, left, |seen: Seen<'_>| {
                let of_kind = !llm_only || seen.record.exchange.dialect.is_some();
                (of_kind && chosen.holds(&seen), COST)
            });
        }
        self.main.narrowed = self.narrowed.is_chosen();
        self.narrowed.count(&self.viewpoint.reader(store));
        self.arrange(store);
    }

    /// Brings the order of the exchanges up to date, as far as a frame has time.
    fn arrange(&mut self, store: &mut Store) {
        let main = &mut self.main;
        if main.listing.is_by_time() {
            store.forget_changes();
        } else {
            main.listing.note(store.take_changes());
        }
        let scope = main.scope();
        main.listing.put_in_order(&self.viewpoint.reader(store), scope);
    }

    /// Whether lists and figures are not up to date: there is more to look at than a
    /// frame has time for.
    pub(super) fn lags(&self, store: &Store) -> bool {
        let draws =
            matches!(self.pages.last(), Some(Page::Conversation(it)) if it.chat.is_behind());
        draws
            || self.seek.is_some()
            || self.narrowed.is_behind(store)
            || self.main.listing.is_behind()
    }

    /// Does a part of what does not fit into a frame. Call it between frames while
    /// [`is_behind`](Self::is_behind).
    pub fn catch_up(&mut self, store: &mut Store) {
        if self.behind_store {
            self.narrow(store);
            if let Some(Page::Conversation(page)) = self.pages.last_mut() {
                page.chat.draw_on(&self.viewpoint.reader(store));
            }
            self.seek_on(store);
            self.behind_store = self.lags(store);
            self.dirty = true;
        }
    }

    /// Whether [`catch_up`](Self::catch_up) has something to do.
    pub fn is_behind(&self) -> bool {
        self.behind_store
    }

    /// Whether a thread reads what is shown once it is read.
    pub fn is_reading(&self) -> bool {
        match self.pages.last() {
            Some(Page::Conversation(page)) => page.chat.is_reading(),
            Some(Page::Compare(page)) => page.is_comparing(),
            _ => false,
        }
    }

    /// The store as it is seen from here, with the figures of what the screen is of.
    pub(super) fn narrowed_reader<'a>(&'a self, store: &'a Store) -> Reader<'a> {
        self.viewpoint.reader(store).within(self.narrowed.part(store))
    }

    /// What the screen is of, in words; nothing: everything.
    pub(super) fn scope(&self, store: &Store) -> Vec<Span> {
        let reader = self.viewpoint.reader(store);
        let chosen = self.narrowed.applied.as_ref().map(|(chosen, _)| chosen.name(&reader));
        let filter = self.filtering.text();
        let mut said = Vec::new();
        for what in chosen.as_deref().into_iter().chain(filter) {
            let between = if said.is_empty() { "" } else { " · " };
            said.push(Span::new(between, Role::Dim));
            said.push(Span::new(gist(what, NAME), Role::Match));
        }
        said
    }
}
