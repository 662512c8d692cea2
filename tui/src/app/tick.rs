//! When time alone changes the screen.

use llmtop_parsers::Timestamp;

use super::App;
use super::page::Page;
use crate::store::{Pulse, Scope, Store, Timeline};
use crate::view::{Pane, Panel, processes};

impl App {
    /// When time alone changes what was just built.
    pub(super) fn due(&self, store: &Store) -> Option<Timestamp> {
        let reader = self.narrowed_reader(store);
        let after = |ms: u64| Timestamp(self.viewpoint.now.0 + ms * 1_000_000);
        let message = self.message.as_ref().map(|(_, until)| *until);
        let more = (self.gists.behind() || self.behind).then(|| after(1));
        let spinner =
            (self.viewpoint.frozen.is_none()).then(|| self.spins(store)).flatten().map(after);
        let pulse = self.pulses(store).then(|| Pulse::next(self.viewpoint.moment()));
        let overview = match self.pages.last() {
            Some(Page::Overview(page)) if self.viewpoint.frozen.is_none() => Some(&page.overview),
            _ => None,
        };
        let graphs = overview.filter(|_| reader.timeline().moves(self.viewpoint.moment()));
        let graphs = graphs.map(|_| Timeline::next(self.viewpoint.moment()));
        let timed = pulse.into_iter().chain(graphs).min();
        let timed = timed.and_then(|moment| self.viewpoint.clock.machine(moment));
        let figures = overview.and_then(|overview| overview.stale(reader.version()));
        let listed = self.viewpoint.reader(store).within(self.narrowed.passing(store));
        let rows = self.main.processes.stale(&listed);
        [message, more, spinner, timed, figures, rows].into_iter().flatten().min()
    }

    /// Whether what processes did lately is visible, and not long ago.
    fn pulses(&self, store: &Store) -> bool {
        let of_processes = |panel: &&Panel| panel.pane == Some(Pane::Processes);
        let panel = self.drawn.panels.iter().find(of_processes);
        let width = panel.map(|panel| panel.inner().width.saturating_sub(2));
        let reader = self.viewpoint.reader(store).within(self.narrowed.passing(store));
        let moves = |width| processes::moves(&reader, &self.main.processes, width);
        self.viewpoint.frozen.is_none() && width.is_some_and(moves)
    }

    /// Milliseconds until a running exchange looks different: an eighth of a
    /// second while it moves, a second once it is silent.
    fn spins(&self, store: &Store) -> Option<u64> {
        if self.viewpoint.clock.stands() {
            return None;
        }
        let newest = store.count(Scope::Active).checked_sub(1)?;
        let record = store.exchange_at(Scope::Active, newest)?;
        let timing = &record.exchange.timing;
        let last = timing.last_token.unwrap_or(timing.started).max(timing.started);
        let silent = self.viewpoint.moment().millis_since(last);
        Some(if silent < 10_000.0 { 125 } else { 1000 })
    }
}
