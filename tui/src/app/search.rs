//! Searching: in the text that is read, or through the lists.

use super::App;
use super::main_page::MainPage;
use super::tally::Tally;
use llmtop_parsers::Exchange;

use crate::action::Action;
use crate::store::{Connection, Record, Store};
use crate::view::document::{Document, Position, Scroll};
use crate::view::json::JsonDocument;
use crate::view::processes::{Ended, RowKey};
use crate::view::text::TextDocument;
use crate::view::{Pane, Pattern, Reader, Role, connections};

impl App {
    /// To the next match, or the previous one. `fresh`: what the cursor is on
    /// counts too.
    pub(super) fn search(&mut self, store: &Store, forward: bool, fresh: bool) {
        let Some(pattern) = self.pattern.clone() else {
            let asks = self.options.keys.how(Action::Search);
            return self.tell(&format!("nothing to search for: {asks} asks"), Role::Dim);
        };
        let reader = self.viewpoint.reader(store).within(self.narrowed.part(store));
        let size = self.visible();
        let found = if let Some(page) = self.pages.last_mut() {
            match page.json() {
                Some((json, scroll)) => {
                    in_json(&pattern, json, scroll, &reader, forward, fresh, size)
                }
                None => page.text().is_some_and(|(document, scroll)| {
                    in_text(&pattern, document, scroll, &reader, forward, fresh, size)
                }),
            }
        } else {
            match self.main.focus {
                Pane::Answer => in_text(
                    &pattern,
                    &mut self.main.answer.document,
                    &mut self.main.scroll,
                    &reader,
                    forward,
                    fresh,
                    size,
                ),
                Pane::Exchanges => return self.seek(store, pattern, forward, fresh),
                Pane::Processes => self.main.in_processes(&pattern, &reader, forward, fresh),
                Pane::Connections => self.main.in_connections(&pattern, &reader, forward, fresh),
            }
        };
        if !found {
            return self.tell(&format!("not found here: {}", pattern.text()), Role::Warning);
        }
        let tally = self.tally(&pattern, store);
        self.tell(&format!("/{}  {tally}", pattern.text()), Role::Text);
    }

    /// Which of all matches was gone to.
    fn tally(&mut self, pattern: &Pattern, store: &Store) -> Tally {
        let reader = self.viewpoint.reader(store).within(self.narrowed.part(store));
        let (width, _) = self.visible();
        let main = &mut self.main;
        let (document, scroll) = match self.pages.last_mut() {
            Some(page) => {
                if let Some((json, scroll)) = page.json() {
                    let (lines, more) = json.matches(pattern);
                    return Tally::of(&lines, &scroll.cursor, more);
                }
                match page.text() {
                    Some(text) => text,
                    None => return Tally::default(),
                }
            }
            None => match main.focus {
                Pane::Answer => (&mut main.answer.document, &mut main.scroll),
                Pane::Exchanges => return Tally::default(),
                Pane::Processes => {
                    let hits = main.matching_processes(pattern, &reader);
                    let selected = main.processes.selected.as_ref();
                    return Tally::of(&hits.iter().map(Some).collect::<Vec<_>>(), &selected, false);
                }
                Pane::Connections => {
                    let hits = main.matching_connections(pattern, &reader);
                    return Tally::of(&hits, &main.connections.selected, false);
                }
            },
        };
        let (found, more) = document.matches(&reader, width, pattern);
        Tally::of(&found, &scroll.found.unwrap_or_default(), more)
    }

    /// Marks what was searched for, where it is shown.
    pub(super) fn mark_matches(&self, screen: &mut crate::view::Screen) {
        let Some(pattern) = &self.pattern else {
            return;
        };
        for panel in &mut screen.panels {
            if let crate::view::Content::Text(window) = &mut panel.content {
                // A line's bar and indent come first and never match.
                window.lines.iter_mut().for_each(|line| pattern.mark(line));
            }
        }
    }
}

impl MainPage {
    fn in_processes(
        &mut self,
        pattern: &Pattern,
        reader: &Reader<'_>,
        forward: bool,
        fresh: bool,
    ) -> bool {
        let list = &mut self.processes;
        let selected = list.selected.as_ref();
        let start = list.order.iter().position(|item| Some(&item.key) == selected).unwrap_or(0);
        let found = around(start, list.order.len(), forward, fresh).find_map(|at| {
            let key = &list.order.get(at)?.key;
            process_matches(pattern, reader, key).then(|| key.clone())
        });
        let hit = found.is_some();
        list.selected = found.or(list.selected.take());
        list.chosen |= hit;
        hit
    }

    fn in_connections(
        &mut self,
        pattern: &Pattern,
        reader: &Reader<'_>,
        forward: bool,
        fresh: bool,
    ) -> bool {
        let open = connections::open(reader, self.lists_all());
        let row = &mut self.connections.selected;
        let found = around(*row, open.len(), forward, fresh)
            .find(|&at| connection_matches(pattern, open[at]));
        *row = found.unwrap_or(*row);
        found.is_some()
    }

    fn matching_processes(&self, pattern: &Pattern, reader: &Reader<'_>) -> Vec<RowKey> {
        let keys = self.processes.order.iter().map(|item| &item.key);
        keys.filter(|key| process_matches(pattern, reader, key)).cloned().collect()
    }

    fn matching_connections(&self, pattern: &Pattern, reader: &Reader<'_>) -> Vec<usize> {
        let open = connections::open(reader, self.lists_all());
        (0..open.len()).filter(|&at| connection_matches(pattern, open[at])).collect()
    }
}

/// Whether a process's name, arguments or pid match, or a group's name.
fn process_matches(pattern: &Pattern, reader: &Reader<'_>, key: &RowKey) -> bool {
    let finds = |text: &str| pattern.find(text.as_bytes()).is_some();
    match key {
        RowKey::Group(name) | RowKey::Ended(Ended { name, .. }) => finds(name),
        RowKey::Process(process) => reader.process(*process).is_some_and(|totals| {
            let (process, folded) = (&totals.process, totals.folded);
            finds(&process.comm)
                || process.exe.as_deref().is_some_and(finds)
                || process.args.iter().any(|arg| finds(arg))
                || (folded == 0 && finds(&process.pid.to_string()))
        }),
    }
}

fn connection_matches(pattern: &Pattern, connection: &Connection) -> bool {
    pattern.find(connections::server(connection).as_bytes()).is_some()
}

/// Indices of a list of `count` from `start` on, once around.
fn around(start: usize, count: usize, forward: bool, fresh: bool) -> impl Iterator<Item = usize> {
    let from = usize::from(!fresh);
    (from..count + from).map(move |step| {
        if forward { (start + step) % count } else { (start + count - step % count) % count }
    })
}

/// Bytes that searching an exchange looks at.
pub(super) fn weight(record: &Record) -> usize {
    let exchange = &record.exchange;
    let body = |body: &Option<std::sync::Arc<llmtop_parsers::Body>>| {
        body.as_ref().map_or(0, |body| body.bytes.len())
    };
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    256 + body(&exchange.request.body)
        + body(&exchange.response.body)
        + text(&exchange.response.text)
        + text(&exchange.response.reasoning)
}

/// Whether anything in an exchange of this process matches.
pub(super) fn matches(pattern: &Pattern, process: &str, exchange: &Exchange) -> bool {
    let (request, response) = (&exchange.request, &exchange.response);
    let short = [
        Some(process),
        request.model.as_deref(),
        response.model.as_deref(),
        request.authority.as_deref(),
        request.target.as_deref(),
        response.id.as_deref(),
        response.finish_reason.as_deref(),
        response.text.as_deref(),
        response.reasoning.as_deref(),
        exchange.error.as_ref().and_then(|error| error.message.as_deref()),
        exchange.error.as_ref().and_then(|error| error.kind.as_deref()),
    ];
    let calls = response
        .tool_calls
        .iter()
        .flat_map(|call| [call.name.as_deref(), Some(call.arguments.as_str())]);
    let bodies = [&request.body, &response.body];
    short.into_iter().chain(calls).flatten().any(|text| pattern.find(text.as_bytes()).is_some())
        || bodies.into_iter().flatten().any(|body| pattern.find(&body.bytes).is_some())
}

fn in_text(
    pattern: &Pattern,
    document: &mut TextDocument,
    scroll: &mut Scroll,
    reader: &Reader<'_>,
    forward: bool,
    fresh: bool,
    size: (usize, usize),
) -> bool {
    let count = document.blocks();
    let from = scroll.found.unwrap_or(Position { block: scroll.cursor, line: 0 });
    // Within the block of the last match first, beyond it.
    let within = scroll
        .found
        .filter(|_| !fresh)
        .and_then(|at| document.search_within(reader, at, size.0, pattern, forward));
    let start = from.block.min(count.saturating_sub(1));
    let found = within.or_else(|| {
        let mut blocks = around(start, count, forward, fresh);
        document.search(reader, &mut blocks, size.0, &|text| {
            if forward { pattern.find(text.as_bytes()) } else { pattern.rfind(text.as_bytes()) }
        })
    });
    if let Some(at) = found {
        scroll.reveal(document, reader, at, size);
        scroll.cursor = at.block;
    }
    scroll.found = found;
    found.is_some()
}

fn in_json(
    pattern: &Pattern,
    json: &mut JsonDocument,
    scroll: &mut Scroll,
    reader: &Reader<'_>,
    forward: bool,
    fresh: bool,
    size: (usize, usize),
) -> bool {
    let (start, bytes) = json.bytes_from(scroll.cursor);
    let (end, _) = json.bytes_from(scroll.cursor + 1);
    let end = if end <= start { bytes.len() } else { end };
    let found = if forward {
        let from = if fresh { start } else { end };
        let later = pattern.find(bytes.get(from..).unwrap_or(&[])).map(|at| from + at);
        later.or_else(|| pattern.find(&bytes[..from.min(bytes.len())]))
    } else {
        let earlier = pattern.rfind(&bytes[..start.min(bytes.len())]);
        earlier.or_else(|| pattern.rfind(bytes.get(start..).unwrap_or(&[])).map(|at| start + at))
    };
    let Some(byte) = found else {
        return false;
    };
    let line = json.line_of(byte);
    json.unhide(line);
    let row = json.row_of(line, byte, size.0);
    scroll.reveal(json, reader, Position { block: line, line: row }, size);
    scroll.cursor = line;
    true
}
