//! What the screen is of: the exchanges that pass the filter, and of those the ones that
//! belong to what is chosen among the processes. Lists, figures and graphs are of these
//! alone, and the header says so.

use super::App;
use crate::store::{Scope, Seen, Sieve, Store};
use crate::view::{Chosen, Counting, Part, Reader, Role, Show, Span, gist};

/// Exchanges are told apart by little: bytes that one counts as, of those that are
/// judged in one frame.
const COST: usize = 256;

/// Columns of a name, and of a filter, in the header.
const NAME: usize = 32;

/// What the screen is of, with its figures.
#[derive(Debug, Default)]
pub(super) struct Narrowed {
    /// What the store judges by: what is chosen, and whether LLM exchanges only.
    applied: Option<(Chosen, bool)>,
    /// What passes the filter, of which the processes are.
    passing: Counting,
    /// What of it belongs to what is chosen.
    chosen: Counting,
}

impl Narrowed {
    /// What the processes are of; `None`: everything.
    pub(super) fn passing(&self) -> Option<&Part> {
        self.passing.part()
    }

    /// What all else is of; `None`: everything.
    pub(super) fn part(&self) -> Option<&Part> {
        self.chosen.part().or(self.passing.part())
    }

    /// Whether something is chosen.
    pub(super) fn is_chosen(&self) -> bool {
        self.applied.is_some()
    }

    /// Whether its figures are not known yet.
    pub(super) fn is_behind(&self, store: &Store) -> bool {
        store.unjudged() > 0 || self.passing.is_behind() || self.chosen.is_behind()
    }
}

impl App {
    /// Brings up to date what the screen is of, as far as a frame has time.
    pub(super) fn narrow(&mut self, store: &mut Store) {
        self.judge(store);
        let reader = self.viewpoint.reader(store);
        let narrowed = &mut self.narrowed;
        narrowed.passing.refresh(&reader, self.main.filtered.then_some(Scope::Matching));
        let listed = reader.within(narrowed.passing());
        self.main.processes.put_in_order(&listed, self.main.lists_all());
        // What passes is not known yet, or not said.
        let unknown = store.unjudged() > 0 || narrowed.passing.is_behind();
        if !unknown && !self.filtering.is_typed() {
            self.main.processes.drop_lost();
        }
        let llm_only = self.main.show == Show::LlmOnly;
        let wanted = self.main.processes.chosen().map(|chosen| (chosen, llm_only));
        if wanted != narrowed.applied {
            match wanted {
                Some(_) => store.judge_all(Sieve::Choice),
                None => store.stop_judging(Sieve::Choice),
            }
            narrowed.applied = wanted;
        }
        if let Some((chosen, _)) = &narrowed.applied {
            store.judge(Sieve::Choice, super::filter::BUDGET, |seen: Seen<'_>| {
                let of_kind = !llm_only || seen.record.exchange.dialect.is_some();
                (of_kind && chosen.holds(&seen), COST)
            });
        }
        let reader = self.viewpoint.reader(store);
        self.main.narrowed = narrowed.is_chosen();
        narrowed.chosen.refresh(&reader, self.main.narrowed.then_some(Scope::Chosen));
    }

    /// The store as it is seen from here, with the figures of what the screen is of.
    pub(super) fn narrowed_reader<'a>(&'a self, store: &'a Store) -> Reader<'a> {
        self.viewpoint.reader(store).within(self.narrowed.part())
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
