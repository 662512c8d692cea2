//! Builds what is drawn.

use super::main_page::unfiltered;
use super::page::{Page, Side, Tab};
use super::{App, Key};
use crate::action::{Action, Context};
use crate::keymap::KeyMap;
use crate::store::{Record, Scope, Session, Store};
use crate::view::area::{frame, inner, panes, table_size, text_size};
use crate::view::header::{Setting, header};
use crate::view::processes::Grouping;
use crate::view::waiting::{Unlisted, waiting};
use crate::view::{
    Area, Content, Footer, Offers, Pane, Panel, Reader, Role, Screen, Span, TabBar, connections,
    exchanges, facts, format, gist, is_over, processes,
};

impl App {
    pub(super) fn build(&mut self, store: &Store, session: &Session) -> Screen {
        let (width, height) = self.size;
        let (top, body, bottom) = frame(Area::screen(width, height), self.filtering.is_typed());
        self.behind = false;
        let (panels, divider) = if self.pages.is_empty() {
            self.main_panels(store, session, body)
        } else {
            (self.page_panels(store, session, body), None)
        };
        let chosen = self.narrowed.part(store).filter(|_| self.narrowed.is_chosen());
        let processes =
            chosen.map_or(self.main.processes.processes, |part| part.figures.processes().len());
        let setting = Setting {
            of: self.scope(store),
            counting: self.narrowed.is_behind(store),
            processes,
            paused: self
                .viewpoint
                .frozen
                .as_ref()
                .map(|frozen| (frozen.before_pause(), self.past.kept())),
            follow: self.follows(),
            show: self.main.show,
            secrets: self.options.show_secrets,
            mouse_off: !self.mouse,
        };
        let reader = self.narrowed_reader(store);
        let head = header(&reader, session, setting);
        let overlay = self.palette_panel(body);
        let footer = (bottom, self.footer(store));
        Screen { header: (top, head), panels, footer, divider, overlay }
    }

    /// Whether what `f` works on here stays at its end.
    fn follows(&self) -> bool {
        match self.pages.last() {
            Some(page) => page.follows(),
            None if self.main.focus == Pane::Answer => self.main.scroll.follow,
            // In another order what is new may be anywhere.
            None => self.main.exchanges.follow && self.main.listing.is_by_time(),
        }
    }

    fn footer(&self, store: &Store) -> Footer {
        if let Some(footer) = self.filter_footer(store).or_else(|| self.palette_footer()) {
            return footer;
        }
        if let Some(prompt) = &self.prompt {
            let (before, after) = prompt.parts();
            let [before, after] = [before, after].map(|text| vec![Span::new(text, Role::Text)]);
            return Footer::Prompt {
                label: prompt.purpose.label(self.options.live),
                before,
                after,
                hint: None,
            };
        }
        if self.exporting.is_some() {
            return Footer::Keys(super::export::offers());
        }
        if let Some(asking) = &self.asking {
            return Footer::Keys(asking.offers());
        }
        if let Some((message, _)) = &self.message {
            return Footer::Message(message.clone());
        }
        let keys = &self.options.keys;
        let here = keys.footer(self.context());
        // First how to leave, which must have room.
        let key = |action| keys.of(action).first().map(Key::to_string);
        let narrowed = self.pages.is_empty() && self.narrowed.is_narrow();
        let all = key(Action::Back).filter(|_| narrowed).map(|key| (key, "show all"));
        if self.viewpoint.frozen.is_none() {
            return Footer::Keys(Offers::of(all.into_iter().chain(here)));
        }
        let go_on = key(Action::Pause).map(|key| (key, "go on"));
        let here = here.filter(|(_, word)| *word != "pause");
        Footer::Keys(Offers::of(
            go_on.into_iter().chain(all).chain(keys.footer(Context::Paused)).chain(here),
        ))
    }

    fn main_panels(
        &mut self,
        store: &Store,
        session: &Session,
        body: Area,
    ) -> (Vec<Panel>, Option<Area>) {
        let of = self.scope(store);
        let reader = self.viewpoint.reader(store).within(self.narrowed.part(store));
        let counting = self.narrowed.is_behind(store);
        let main = &mut self.main;
        let rows = |area: Area| usize::from(table_size(area).1);
        let places = panes(body, main.focus, main.zoom, main.processes.order.len());
        let place = |pane| places.iter().find(|(other, _)| *other == pane).map(|(_, area)| *area);
        // The lists are brought up to date even where they are not visible:
        // what is selected decides what the answer shows.
        let scope = main.scope();
        exchanges::settle(
            &reader,
            scope,
            &main.listing,
            &mut main.exchanges,
            place(Pane::Exchanges).map_or(1, rows),
        );
        main.processes.settle(place(Pane::Processes).map_or(1, rows));
        let mut panels = Vec::new();
        for &(pane, area) in &places {
            let mut panel =
                Panel { pane: Some(pane), area, focused: main.focus == pane, ..Panel::default() };
            panel.key = self.options.keys.of(leads_to(pane)).first().map(Key::to_string);
            let (title, note) = match pane {
                Pane::Processes => {
                    let reader = reader.within(self.narrowed.passing(store));
                    let table = processes::table(&reader, &main.processes, table_size(area));
                    let note = listed_how(&main.processes);
                    let keys = &self.options.keys;
                    panel.content = listed(table, || no_process(&reader, keys));
                    let title = match main.processes.grouping {
                        Grouping::Process => "Processes",
                        Grouping::Command => "Commands",
                        Grouping::Agent => "Agents",
                        Grouping::Container => "Containers",
                        Grouping::Model => "Models",
                        Grouping::Provider => "Providers",
                    };
                    (title, note)
                }
                Pane::Exchanges => {
                    let size = table_size(area);
                    let what = exchanges::Listed {
                        scope,
                        show: main.show,
                        listing: &main.listing,
                        columns: &main.columns,
                    };
                    let gists = &mut self.gists;
                    let table = exchanges::table(&reader, what, &main.exchanges, gists, size);
                    let (_, all) = table.progress;
                    let rank = main.exchanges.selected.and_then(|id| main.row_of(&reader, id));
                    let rank = rank.map_or(0, |row| row + 1);
                    let keys = &self.options.keys;
                    let key = keys.how(Action::Show);
                    let unlisted = Unlisted { others: reader.count(Scope::All), key: &key };
                    panel.content = listed(table, || match of.is_empty() {
                        false => nothing_passes(counting, keys),
                        true => waiting(session, unlisted, usize::from(area.width)),
                    });
                    let note = match of.is_empty() {
                        false => format!("{rank}/{all} of {}", reader.count(unfiltered(main.show))),
                        true => format!("{rank}/{all}"),
                    };
                    ("Exchanges", note)
                }
                Pane::Connections => {
                    let both_ends = main.lists_all();
                    let table = connections::table(
                        &reader,
                        &mut main.connections,
                        both_ends,
                        table_size(area),
                    );
                    let note = format::count(table.progress.1 as u64);
                    panel.content =
                        listed(table, || vec![vec![Span::new("none is open", Role::Dim)]]);
                    ("Connections", note)
                }
                Pane::Answer => {
                    panel.content = answer(&reader, main, area);
                    let selected = main.exchanges.selected.and_then(|id| reader.exchange(id));
                    ("Answer", selected.map_or(String::new(), |record| pace(&reader, record)))
                }
            };
            panel.title =
                vec![Span::new(title, if panel.focused { Role::Accent } else { Role::Title })];
            // The processes are of what passes the filter; the answer is one exchange's.
            if matches!(pane, Pane::Exchanges | Pane::Connections) && !of.is_empty() {
                panel.title.push(Span::new(" of ", Role::Dim));
                panel.title.extend(of.iter().cloned());
            }
            panel.note = vec![Span::new(note, Role::Dim)];
            panels.push(panel);
        }
        let right = place(Pane::Answer).filter(|area| area.x > 0);
        let divider = right.map(|area| Area { x: area.x - 1, width: 1, ..area });
        (panels, divider)
    }

    fn page_panels(&mut self, store: &Store, session: &Session, body: Area) -> Vec<Panel> {
        let of = self.scope(store);
        let reader = self.viewpoint.reader(store);
        let mut panel = Panel { area: body, focused: true, ..Panel::default() };
        let place = inner(body, matches!(self.pages.last(), Some(Page::Detail(_))));
        let size = text_size(place);
        let title = |text: &str| vec![Span::new(text, Role::Accent)];
        match self.pages.last_mut() {
            Some(Page::Conversation(page)) => {
                page.refresh(&reader, size);
                self.behind = page.chat.is_reading();
                let process = exchanges::process_name(&reader, page.process);
                let what = if page.chat.is_sent() { "request as sent" } else { "conversation" };
                panel.title = title(&format!("{process} · {what}"));
                panel.note = page.note(&reader);
                panel.content =
                    Content::Text(page.scroll.window(&mut page.chat.document, &reader, size));
            }
            Some(Page::Detail(detail)) => {
                self.behind = detail.refresh(&reader);
                panel.title = match reader.exchange(detail.id) {
                    Some(record) => facts::title(&reader, record),
                    None if !reader.has_begun(detail.id) => title("had not begun at this moment"),
                    None => title("forgotten, to stay inside the memory budget"),
                };
                panel.tabs = Some(TabBar::fit(&Tab::NAMES, detail.tab.index(), body.width));
                if let Side::Json(json) = &detail.side {
                    let path = gist(&json.path(detail.scroll.cursor), 60);
                    panel.note = vec![Span::new(path, Role::Dim)];
                }
                let mut scroll = detail.scroll;
                panel.content = Content::Text(scroll.window(detail.document(), &reader, size));
                detail.scroll = scroll;
            }
            Some(Page::Compare(page)) => {
                page.refresh(&reader);
                self.behind = page.is_comparing();
                panel.title = title(&page.title(&reader));
                panel.note = page.note();
                let window = page.scroll.window(&mut page.comparison.document, &reader, size);
                panel.content = Content::Text(window);
            }
            Some(Page::Overview(_)) if nothing(&reader) => {
                panel.title = title("Overview");
                let columns = usize::from(body.width);
                panel.content = Content::Notice(waiting(session, Unlisted::default(), columns));
            }
            Some(Page::Overview(page)) => {
                let part = reader.within(self.narrowed.part(store));
                page.overview.refresh(&part, size, self.viewpoint.now);
                panel.title = title("Overview");
                if !of.is_empty() {
                    panel.title.push(Span::new(" of ", Role::Dim));
                    panel.title.extend(of);
                }
                let window = page.scroll.window(&mut page.overview.document, &reader, size);
                panel.content = Content::Text(window);
            }
            Some(Page::Columns(page)) => {
                panel.title = title(page.title());
                page.refresh(&self.main, body);
                let window = page.scroll.window(&mut page.document, &reader, size);
                panel.content = Content::Text(window);
            }
            Some(Page::Help(help)) => {
                panel.title = title("Help: the keys here, then elsewhere");
                let window = help.scroll.window(&mut help.document, &reader, size);
                panel.content = Content::Text(window);
            }
            None => {}
        }
        vec![panel]
    }
}

fn answer(reader: &Reader<'_>, main: &mut super::MainPage, area: Area) -> Content {
    let record = main.exchanges.selected.and_then(|id| reader.exchange(id));
    let Some(record) = record else {
        main.answer.clear();
        let text = "the selected exchange's answer is read here";
        return Content::Notice(vec![vec![Span::new(text, Role::Dim)]]);
    };
    if main.answer.show(reader, record) {
        main.scroll = crate::view::document::Scroll::following();
    }
    let size = text_size(inner(area, false));
    Content::Text(main.scroll.window(&mut main.answer.document, reader, size))
}

/// Whether there is nothing to tell of yet.
fn nothing(reader: &Reader<'_>) -> bool {
    reader.totals().tally.exchanges == 0
}

/// How fast an answer grows, for its head may have scrolled away.
fn pace(reader: &Reader<'_>, record: &Record) -> String {
    let output = reader.output(&record.exchange);
    match (is_over(&record.exchange), output.tokens, output.rate) {
        (false, Some(tokens), Some(rate)) => {
            format!("~{} tokens, {}", format::count(tokens), format::rate(rate))
        }
        _ => String::new(),
    }
}

fn listed(table: crate::view::table::Table, empty: impl Fn() -> Vec<Vec<Span>>) -> Content {
    if table.rows.is_empty() { Content::Notice(empty()) } else { Content::Table(table) }
}

/// Why no process is listed, and what to do.
fn no_process(reader: &Reader<'_>, keys: &KeyMap) -> Vec<Vec<Span>> {
    let why = match reader.count(Scope::All) {
        _ if reader.part().is_some() => "none has an exchange that passes".to_owned(),
        0 => "none yet".to_owned(),
        _ => format!("none talks to an LLM; {} changes what is shown", keys.how(Action::Show)),
    };
    vec![vec![Span::new(why, Role::Dim)]]
}

/// How many processes or groups there are, and in which order.
fn listed_how(position: &processes::Position) -> String {
    let tree = position.tree && position.grouping == Grouping::Process;
    let how = if tree { "tree, by" } else { "by" };
    format!("{} {how} {}", position.order.len(), position.sort.name())
}

/// What leads to a pane.
fn leads_to(pane: Pane) -> Action {
    match pane {
        Pane::Processes => Action::Processes,
        Pane::Exchanges => Action::Exchanges,
        Pane::Answer => Action::Answer,
        Pane::Connections => Action::Connections,
    }
}

/// Why the filter leaves nothing, and what to do.
fn nothing_passes(counting: bool, keys: &KeyMap) -> Vec<Vec<Span>> {
    if counting {
        return vec![vec![Span::new("looking …", Role::Dim)]];
    }
    vec![
        vec![Span::new("no exchange passes", Role::Text)],
        vec![Span::new(
            format!(
                "{} changes the filter, {} shows all",
                keys.how(Action::Filter),
                keys.how(Action::Back)
            ),
            Role::Dim,
        )],
    ]
}
