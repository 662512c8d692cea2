//! A search through the exchanges that are listed, some at a time: it goes on between
//! frames, and a long exchange is looked through by a thread.

use super::App;
use super::main_page::MainPage;
use super::search::{matches, weight};
use super::tally::Tally;
use crate::store::{ExchangeId, Record, Store};
use crate::view::{Pattern, Reader, Role, Task, exchanges};

/// Bytes of exchanges that are looked through at once.
const PIECE: usize = 512 << 10;

/// A search that goes on.
#[derive(Debug)]
pub(super) struct Seek {
    pattern: Pattern,
    forward: bool,
    /// The exchange that was looked at last, and its row.
    last: Option<(ExchangeId, usize)>,
    /// How many are left to be looked at.
    left: usize,
    /// The match that was gone to: from then on, all are counted.
    found: Option<ExchangeId>,
    tally: Tally,
    /// A thread looks through the next one.
    reading: Option<Task<bool>>,
}

/// What came of a piece.
enum Came {
    /// There is more.
    More,
    /// It was found: all are counted next.
    Found,
    /// All were looked at.
    Done,
}

impl App {
    /// Searches through the exchanges, from the selected one on, once around.
    pub(super) fn seek(&mut self, store: &Store, pattern: Pattern, forward: bool, fresh: bool) {
        let reader = self.viewpoint.reader(store).within(self.narrowed.part(store));
        let count = self.main.count(&reader);
        let selected = self.main.exchanges.selected;
        let start = selected.and_then(|id| Some((id, self.main.row_of(&reader, id)?)));
        let mut seek = Seek {
            pattern,
            forward,
            last: start,
            left: count,
            found: None,
            tally: Tally::default(),
            reading: None,
        };
        if fresh && let Some((_, row)) = start {
            // The selected one counts, too: it comes next.
            seek.last = seek
                .row_after(row, count, !forward)
                .and_then(|row| Some((self.main.at(&reader, row)?.id, row)));
        }
        self.seek = Some(seek);
        self.seek_on(store);
    }

    /// Searches on, for as long as a piece may take.
    pub(super) fn seek_on(&mut self, store: &Store) {
        let Some(mut seek) = self.seek.take() else { return };
        let reader = self.viewpoint.reader(store).within(self.narrowed.part(store));
        let came = seek.go_on(&self.main, &reader);
        let text = seek.pattern.text().to_owned();
        match came {
            Came::Done if seek.found.is_none() => {
                return self.tell(&format!("not found: {text}"), Role::Warning);
            }
            Came::Done => {
                let tally = seek.tally;
                return self.tell(&format!("/{text}  {tally}"), Role::Text);
            }
            Came::Found => {
                let row = seek.found.and_then(|id| self.main.row_of(&reader, id));
                row.into_iter().for_each(|row| self.main.select_row(&reader, row));
                self.tell(&format!("/{text}  …"), Role::Text);
            }
            Came::More if seek.found.is_none() => {
                let left = exchanges_left(seek.left);
                self.tell(&format!("searching: {left} left"), Role::Dim);
            }
            Came::More => {}
        }
        self.seek = Some(seek);
    }
}

fn exchanges_left(count: usize) -> String {
    if count == 1 { "1 exchange".to_owned() } else { format!("{count} exchanges") }
}

impl Seek {
    fn go_on(&mut self, main: &MainPage, reader: &Reader<'_>) -> Came {
        let mut bytes = 0;
        while bytes <= PIECE {
            if self.left == 0 {
                return Came::Done;
            }
            let count = main.count(reader);
            // What was looked at last may have been forgotten, and others moved up.
            let last = self.last.map(|(id, row)| main.row_of(reader, id).unwrap_or(row));
            let row = match last {
                Some(row) => self.row_after(row, count, self.forward),
                None => (count > 0).then(|| if self.forward { 0 } else { count - 1 }),
            };
            let Some(record) = row.and_then(|row| main.at(reader, row)) else {
                return Came::Done;
            };
            let Some(hit) = self.matches(reader, record) else { return Came::More };
            bytes += weight(record).min(PIECE);
            self.last = Some((record.id, row.unwrap_or_default()));
            self.left -= 1;
            match self.found {
                Some(found) => self.tally.count(hit, record.id == found),
                None if hit => {
                    (self.found, self.last, self.left) = (Some(record.id), None, count);
                    self.forward = true;
                    return Came::Found;
                }
                None => {}
            }
        }
        Came::More
    }

    /// The row after one, or before it; once around.
    fn row_after(&self, row: usize, count: usize, forward: bool) -> Option<usize> {
        let step = if forward { 1 } else { count.checked_sub(1)? };
        (row + step).checked_rem(count)
    }

    /// Whether an exchange matches; `None`: that is not known yet.
    fn matches(&mut self, reader: &Reader<'_>, record: &Record) -> Option<bool> {
        let process = exchanges::process_name(reader, record.process);
        if weight(record) <= PIECE {
            return Some(matches(&self.pattern, &process, &record.exchange));
        }
        let Some(reading) = self.reading.take() else {
            let (pattern, exchange) = (self.pattern.clone(), record.exchange.clone());
            self.reading = Some(Task::begin(move || matches(&pattern, &process, &exchange)));
            return None;
        };
        match reading.take() {
            // Without a thread it was not looked through.
            Some(hit) => Some(hit.unwrap_or(false)),
            None => {
                self.reading = Some(reading);
                None
            }
        }
    }
}
