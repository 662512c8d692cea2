//! The filter of the screen: typed, kept, and applied.

use llmtop_parsers::Timestamp;
use unicode_width::UnicodeWidthStr;

use super::prompt::{Prompt, Typed};
use super::{App, Code, Key};
use crate::filter::{self, Completion, Filter, FilterError, Names};
use crate::store::{ExchangeId, Scope, Seen, Sieve, Store};
use crate::view::{Footer, Hint, Role, Show, Span, shown};

/// Bytes of exchanges that are judged in one frame; the rest waits for the next.
pub(super) const BUDGET: usize = 256 << 10;

/// Milliseconds between two looks at an answer that grows.
const GROWTH_MS: f64 = 500.0;

/// Exchanges whose values are offered.
const OFFERED: usize = 300;

/// The filter of the screen.
#[derive(Debug, Default)]
pub(super) struct Filtering {
    names: Names,
    kept: Option<InForce>,
    draft: Option<Draft>,
    /// What the store judges by: a filter, and whether LLM exchanges only.
    applied: Option<(String, bool)>,
    /// To be judged again, whether they change or not.
    again: Vec<ExchangeId>,
    /// When growth was looked at.
    grown: Timestamp,
}

/// A filter with its text as it was typed.
#[derive(Clone, Debug)]
struct InForce {
    text: String,
    filter: Filter,
}

/// A filter that is being typed.
#[derive(Debug)]
struct Draft {
    prompt: Prompt,
    /// What holds meanwhile: the text as far as it could be read.
    holds: Option<InForce>,
    error: Option<FilterError>,
    completion: Completion,
    /// The candidate that was put in, and where its word began.
    chosen: Option<usize>,
}

impl Filtering {
    pub(super) fn new(names: Names, text: Option<&str>) -> Self {
        let mut filtering = Filtering { names, ..Filtering::default() };
        filtering.kept = text.and_then(|text| filtering.read(text).ok().flatten());
        filtering
    }

    fn read(&self, text: &str) -> Result<Option<InForce>, FilterError> {
        let filter = Filter::parse(text, &self.names)?;
        let in_force = InForce { text: text.trim().to_owned(), filter };
        Ok(Some(in_force).filter(|it| !it.filter.is_empty()))
    }

    fn in_force(&self) -> Option<&InForce> {
        self.draft.as_ref().map_or(self.kept.as_ref(), |draft| draft.holds.as_ref())
    }

    /// The text of what holds.
    pub(super) fn text(&self) -> Option<&str> {
        self.in_force().map(|it| it.text.as_str())
    }

    pub(super) fn is_typed(&self) -> bool {
        self.draft.is_some()
    }

    /// Ends the filter, if there is one.
    pub(super) fn drop_kept(&mut self) -> bool {
        self.kept.take().is_some()
    }

    /// The screen is not frozen any more: what went on meanwhile was not judged.
    pub(super) fn thaw(&mut self, ids: impl Iterator<Item = ExchangeId>) {
        self.again.extend(ids);
    }

    pub(super) fn paste(&mut self, text: &str, store: &Store) {
        if let Some(draft) = &mut self.draft {
            draft.prompt.paste(text);
            draft.chosen = None;
        }
        self.typed(store);
    }

    /// The text has changed.
    fn typed(&mut self, store: &Store) {
        let Some(mut draft) = self.draft.take() else { return };
        match self.read(draft.prompt.text()) {
            Ok(holds) => (draft.holds, draft.error) = (holds, None),
            // The word that is wrong, or not yet right, is left out.
            Err(error) => {
                let text = draft.prompt.text();
                let before = text.get(..error.at.start).unwrap_or("");
                let before = &before[..filter::word_start(before)];
                if let Ok(holds) = self.read(before) {
                    draft.holds = holds;
                }
                draft.error = Some(error);
            }
        }
        if draft.chosen.is_none() {
            let (text, cursor) = (draft.prompt.text(), draft.prompt.cursor());
            let seen = |key: &filter::Key| filter::values(key, latest(store));
            draft.completion = filter::complete(text, cursor, &self.names, &seen);
        }
        self.draft = Some(draft);
    }
}

/// The latest exchanges.
fn latest(store: &Store) -> impl Iterator<Item = Seen<'_>> {
    let count = store.count(Scope::All);
    let ranks = (count.saturating_sub(OFFERED)..count).rev();
    ranks
        .filter_map(|rank| store.exchange_at(Scope::All, rank))
        .filter_map(|record| Seen::of(store, record))
}

impl Draft {
    /// Puts the next candidate in the place of the word at the cursor.
    fn complete(&mut self, forward: bool) {
        let Completion { from, candidates } = &self.completion;
        let count = candidates.len();
        let next = match self.chosen {
            _ if count == 0 => return,
            None if forward => 0,
            None => count - 1,
            Some(at) if forward => (at + 1) % count,
            Some(at) => (at + count - 1) % count,
        };
        if let Some(candidate) = candidates.get(next) {
            self.prompt.put(*from, &candidate.text);
            // One that is alone was meant; what follows it may be completed.
            self.chosen = (count > 1).then_some(next);
        }
    }

    fn spans(&self) -> (Vec<Span>, Vec<Span>) {
        let (text, cursor) = (self.prompt.text(), self.prompt.cursor());
        let wrong = self.error.as_ref().map_or(0..0, |error| error.at.clone());
        let cut = |from: usize, to: usize| -> Vec<Span> {
            let edges = [from, wrong.start.clamp(from, to), wrong.end.clamp(from, to), to];
            let roles = [Role::Text, Role::Error, Role::Text];
            let pieces = edges.windows(2).zip(roles);
            pieces
                .filter_map(|(edge, role)| Some((text.get(edge[0]..edge[1])?, role)))
                .filter(|(piece, _)| !piece.is_empty())
                .map(|(piece, role)| Span::shown(piece, role))
                .collect()
        };
        (cut(0, cursor), cut(cursor, text.len()))
    }

    /// What is wrong, or what may come next.
    fn hint(&self) -> Vec<Span> {
        // While a word is begun, what it may become says more than that it is
        // not there yet.
        let begun = self.error.as_ref().is_none_or(|error| error.at.is_empty());
        if let Some(error) = &self.error
            && (!begun || self.completion.candidates.is_empty())
        {
            let column = error.column(self.prompt.text());
            return vec![Span::new(
                format!("column {column}: {}", shown(&error.message)),
                Role::Error,
            )];
        }
        if let [only] = self.completion.candidates.as_slice() {
            let text = Span::shown(&only.text, Role::Accent);
            return vec![text, Span::shown(&format!("  {}", only.help), Role::Dim)];
        }
        let candidates = self.completion.candidates.iter().enumerate();
        candidates
            .flat_map(|(at, candidate)| {
                let role = if self.chosen == Some(at) { Role::Accent } else { Role::Dim };
                [Span::shown(&candidate.text, role), Span::new("  ", Role::Dim)]
            })
            .skip(self.chosen.map_or(0, |at| at.saturating_sub(4) * 2))
            .take(80)
            .collect()
    }
}

impl App {
    /// Begins to type a filter: the one in force, to be changed.
    pub(super) fn ask_for_filter(&mut self, store: &Store) {
        let filtering = &mut self.filtering;
        let text = filtering.text().unwrap_or("").to_owned();
        filtering.draft = Some(Draft {
            prompt: Prompt::with(&text, filter::LONGEST),
            holds: filtering.kept.clone(),
            error: None,
            completion: Completion::default(),
            chosen: None,
        });
        filtering.typed(store);
    }

    /// A key while a filter is typed.
    pub(super) fn type_filter(&mut self, key: Key, store: &Store) {
        let Some(draft) = &mut self.filtering.draft else { return };
        match key.code {
            Code::Tab | Code::BackTab => {
                draft.complete(key.code == Code::Tab);
                return self.filtering.typed(store);
            }
            _ => draft.chosen = None,
        }
        match draft.prompt.key(key) {
            Typed::On => self.filtering.typed(store),
            Typed::Cancelled => self.filtering.draft = None,
            // What is wrong stays, to be put right.
            Typed::Done if draft.error.is_some() => {
                draft.completion = Completion::default();
            }
            Typed::Done => {
                let draft = self.filtering.draft.take();
                self.filtering.kept = draft.and_then(|draft| draft.holds);
            }
        }
    }

    /// Brings the list of what passes up to date, as far as a frame has time.
    /// Gives what is left of the time.
    pub(super) fn judge(&mut self, store: &mut Store) -> usize {
        let llm_only = self.main.show == Show::LlmOnly;
        let filtering = &mut self.filtering;
        let wanted = filtering.text().map(|text| (text.to_owned(), llm_only));
        if wanted != filtering.applied {
            if wanted.is_some() {
                store.judge_all(Sieve::Filter);
            } else {
                store.stop_judging(Sieve::Filter);
            }
            filtering.applied = wanted;
        }
        let again = std::mem::take(&mut filtering.again);
        self.main.filtered = filtering.applied.is_some();
        let Some(InForce { filter, .. }) = filtering.in_force() else { return BUDGET };
        store.judge_again(again);
        let looks = self.viewpoint.now.millis_since(filtering.grown) >= GROWTH_MS;
        if looks {
            store.judge_grown();
        }
        let frozen = self.viewpoint.frozen.as_ref();
        let left = store.judge(Sieve::Filter, BUDGET, |seen| {
            let kept = frozen.and_then(|frozen| frozen.exchange(seen.record.id));
            let seen = Seen { record: kept.unwrap_or(seen.record), ..seen };
            let of_kind = !llm_only || seen.record.exchange.dialect.is_some();
            (of_kind && filter.matches(&seen), filter.cost(&seen))
        });
        if looks {
            self.filtering.grown = self.viewpoint.now;
        }
        left
    }

    /// The last rows while a filter is typed.
    pub(super) fn filter_footer(&self, store: &Store) -> Option<Footer> {
        let draft = self.filtering.draft.as_ref()?;
        let (before, after) = draft.spans();
        let all = store.count(super::main_page::unfiltered(self.main.show));
        let note = match (self.main.filtered, store.unjudged()) {
            (false, _) => format!("{all} exchanges"),
            (true, 0) => format!("{} of {all} pass", store.count(Scope::Matching)),
            (true, _) => format!("{} of {all} pass …", store.count(Scope::Matching)),
        };
        let text = draft.hint();
        let wide = |text: &[Span]| text.iter().map(|span| span.text.width()).sum::<usize>();
        let wrong = text.first().is_some_and(|span| span.role == Role::Error);
        let mut note = vec![Span::new(note, Role::Title)];
        // What is wrong has to be read, rather than what is listed still.
        if wrong && wide(&text) + wide(&note) + 4 > usize::from(self.size.0) {
            note.clear();
        }
        let hint = Hint { text, note };
        Some(Footer::Prompt { label: "filter: ", before, after, hint: Some(hint) })
    }
}
