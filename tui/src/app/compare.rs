//! Two exchanges beside each other: one is marked, then another is chosen.

use llmtop_parsers::Timestamp;

use super::App;
use super::page::Page;
use crate::action::Action;
use crate::store::{ExchangeId, Store};
use crate::view::compare::{Comparing, Comparison};
use crate::view::document::Scroll;
use crate::view::{Reader, Role, Span, exchanges, format, is_over};

/// What differs between two exchanges.
#[derive(Debug)]
pub(super) struct Compare {
    pub(super) left: ExchangeId,
    pub(super) right: ExchangeId,
    pub(super) scroll: Scroll,
    pub(super) comparison: Comparison,
    comparing: Option<Comparing>,
    secrets: bool,
    /// Whether each had ended when they were compared, and the moment of a paused
    /// screen; `None`: not yet compared.
    compared: Option<([bool; 2], Option<Timestamp>)>,
}

impl Compare {
    fn new(left: ExchangeId, right: ExchangeId, secrets: bool) -> Self {
        let (scroll, comparison) = (Scroll::default(), Comparison::default());
        Compare { left, right, scroll, comparison, comparing: None, secrets, compared: None }
    }

    /// Compares them, once, and again when one has ended. What was known before is shown
    /// meanwhile.
    pub(super) fn refresh(&mut self, reader: &Reader<'_>) {
        if let Some(comparison) = self.comparing.as_ref().and_then(Comparing::take) {
            (self.comparison, self.comparing) = (comparison, None);
        }
        let records = [self.left, self.right].map(|id| reader.exchange(id));
        let [Some(left), Some(right)] = records else { return };
        let over = [left, right].map(|record| is_over(&record.exchange));
        let state = (over, reader.paused());
        if self.compared != Some(state) {
            self.compared = Some(state);
            self.comparing = None;
            match Comparison::new(reader, left, right, self.secrets) {
                Some(comparison) => self.comparison = comparison,
                None => {
                    let comparing = Comparing::begin(reader, left, right, self.secrets);
                    self.comparing = Some(comparing);
                }
            }
        }
    }

    /// Whether a thread compares them.
    pub(super) fn is_comparing(&self) -> bool {
        self.comparing.is_some()
    }

    pub(super) fn title(&self, reader: &Reader<'_>) -> String {
        let [left, right] = [self.left, self.right].map(|id| {
            reader.exchange(id).map_or("forgotten".to_owned(), |record| {
                let process = exchanges::process_name(reader, record.process);
                let clock = format::clock(record.exchange.timing.started, reader.utc_offset);
                format!("{process} {clock}")
            })
        });
        format!("{left} → {right}")
    }

    pub(super) fn note(&self) -> Vec<Span> {
        if self.is_comparing() {
            return vec![Span::new("comparing …", Role::Dim)];
        }
        let Comparison { removed, added, .. } = &self.comparison;
        vec![
            Span::new(format!("-{removed}"), Role::Error),
            Span::new(format!(" +{added}"), Role::Good),
        ]
    }
}

impl App {
    /// Marks what is looked at; compares it with what was marked before.
    pub(super) fn compare(&mut self, store: &Store) {
        let Some(id) = self.subject() else {
            return self.tell("no exchange is selected", Role::Warning);
        };
        let marked = self.main.exchanges.marked.filter(|&id| store.exchange(id).is_some());
        self.main.exchanges.marked = None;
        match marked {
            None => {
                self.main.exchanges.marked = Some(id);
                let key = self.options.keys.how(Action::Compare);
                self.tell(&format!("marked: {key} on another exchange compares them"), Role::Good);
            }
            Some(marked) if marked == id => self.tell("marked no more", Role::Dim),
            Some(marked) => {
                // What changed reads from the earlier one to the later.
                let (left, right) = (marked.min(id), marked.max(id));
                let secrets = self.options.show_secrets;
                self.pages.push(Page::Compare(Compare::new(left, right, secrets)));
            }
        }
    }
}
