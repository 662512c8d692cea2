//! What keys do.

use super::columns::{ColumnsPage, List};
use super::page::{Conversation, Detail, Help, OverviewPage, Page, Tab, to_neighbour};
use super::palette::Palette;
use super::prompt::{Prompt, Purpose, Typed};
use super::{App, Effect, Exit, Key, With, pause};
use crate::action::{Action, Context};
use crate::store::{ExchangeId, Store};
use crate::view::document::{Position, Scroll};
use crate::view::processes::{Grouping, RowKey};
use crate::view::{Pane, Pattern, Role, connections};

impl App {
    /// Where keys go now.
    pub(super) fn context(&self) -> Context {
        match (self.pages.last(), self.main.focus) {
            (Some(page), _) => page.context(),
            (None, Pane::Processes) => Context::Processes,
            (None, Pane::Exchanges) => Context::Exchanges,
            (None, Pane::Answer) => Context::Answer,
            (None, Pane::Connections) => Context::Connections,
        }
    }

    pub(super) fn key(&mut self, key: Key, store: &Store, effects: &mut Vec<Effect>) {
        self.message = None;
        if self.filtering.is_typed() {
            return self.type_filter(key, store);
        }
        if self.palette.is_some() {
            return self.type_command(key, store, effects);
        }
        if let Some(id) = self.exporting.take() {
            return self.export_as(id, key, effects);
        }
        if let Some(asking) = self.asking.take() {
            return self.answer_signal(asking, key, effects);
        }
        if let Some(prompt) = &mut self.prompt {
            match prompt.key(key) {
                Typed::On => {}
                Typed::Cancelled => self.prompt = None,
                Typed::Done => {
                    let (text, purpose) = (prompt.text().to_owned(), prompt.purpose);
                    self.prompt = None;
                    match purpose {
                        Purpose::Search => {}
                        Purpose::Path => return self.go_to(&text, store),
                        Purpose::Recording | Purpose::Record if text.is_empty() => return,
                        Purpose::Record => {
                            return effects.push(Effect::Record(Some(text.into())));
                        }
                        Purpose::Recording => return effects.push(Effect::Play(text.into())),
                    }
                    self.pattern = Pattern::new(&text);
                    if self.pattern.is_some() {
                        self.search(store, true, true);
                    }
                }
            }
            return;
        }
        if key == (Key { ctrl: true, ..Key::plain(super::Code::Char('z')) }) {
            effects.push(Effect::Suspend);
        } else if let Some(action) = self.meaning(key) {
            self.act(action, store, effects);
        } else if let Some(entry) = self.options.keys.elsewhere(key) {
            self.tell(&format!("{key} means nothing here; elsewhere: {}", entry.help), Role::Dim);
        }
    }

    /// What a key asks for now: while the screen is paused, some step back and forth.
    fn meaning(&self, key: Key) -> Option<Action> {
        let keys = &self.options.keys;
        let paused = self.viewpoint.frozen.as_ref().and_then(|_| keys.of_key(key, Context::Paused));
        paused.or_else(|| keys.of_key(key, self.context()))
    }

    /// Carries out an action.
    pub(super) fn act(&mut self, action: Action, store: &Store, effects: &mut Vec<Effect>) {
        match action {
            Action::Quit => effects.push(Effect::Exit(Exit::Quit)),
            Action::Back => self.back(),
            Action::Help => {
                let help = Help::new(self.context(), &self.options.keys);
                self.pages.push(Page::Help(help));
            }
            Action::Palette => {
                self.palette = Some(Palette::of(self.context(), self.viewpoint.frozen.is_some()));
            }
            Action::Pause => self.pause(store),
            Action::Earlier | Action::Later | Action::JustBefore | Action::JustAfter => {
                if self.viewpoint.frozen.is_none() {
                    self.pause(store);
                }
                let earlier = matches!(action, Action::Earlier | Action::JustBefore);
                let one = matches!(action, Action::JustBefore | Action::JustAfter);
                self.shift(store, earlier, if one { 0 } else { pause::STEP });
            }
            Action::Mouse => {
                self.mouse = !self.mouse;
                effects.push(Effect::Mouse(self.mouse));
            }
            Action::Theme => {
                self.options.theme = self.options.theme.next();
                self.theme_chosen = true;
                let name = self.options.theme.name();
                self.tell(&format!("theme: {name}"), Role::Dim);
            }
            Action::Search => self.prompt = Some(Prompt::default()),
            Action::Filter => self.ask_for_filter(store),
            Action::SearchNext => self.search(store, true, false),
            Action::SearchPrevious => self.search(store, false, false),
            Action::Export => match self.subject() {
                Some(id) => self.exporting = Some(id),
                None => self.tell("no exchange is selected", Role::Warning),
            },
            Action::Signal => self.ask_for_signal(store),
            Action::Pager => self.open_with(With::Pager, store, effects),
            Action::Editor => self.open_with(With::Editor, store, effects),
            Action::Compare => self.compare(store),
            Action::Overview => self.overview(),
            Action::Copy => self.copy(store, effects),
            Action::CopyPath => self.copy_path(effects),
            Action::GoTo => self.prompt = Some(Prompt::of(Purpose::Path)),
            Action::Play => self.prompt = Some(Prompt::of(Purpose::Recording)),
            Action::Record => self.record(effects),
            Action::Up => self.step(store, -1),
            Action::Down => self.step(store, 1),
            Action::PageUp => self.step(store, -self.page_rows()),
            Action::PageDown => self.step(store, self.page_rows()),
            Action::Top => self.edge(store, true),
            Action::Bottom => self.edge(store, false),
            _ if self.pages.is_empty() => self.act_main(action, store),
            _ => self.act_page(action, store),
        }
    }

    fn act_main(&mut self, action: Action, store: &Store) {
        let focus = self.main.focus;
        match action {
            Action::Processes => self.main.focus = Pane::Processes,
            Action::Exchanges => self.main.focus = Pane::Exchanges,
            Action::Answer => self.main.focus = Pane::Answer,
            Action::Connections => self.main.focus = Pane::Connections,
            Action::NextPane => self.main.focus = Pane::ALL[focus.number() % Pane::ALL.len()],
            Action::PreviousPane => {
                self.main.focus = Pane::ALL[(focus.number() + 2) % Pane::ALL.len()];
            }
            Action::Zoom => self.main.zoom = !self.main.zoom,
            Action::Show => self.main.next_show(),
            Action::Sort | Action::SortBack if focus == Pane::Exchanges => {
                let next = self.main.listing.by.neighbour(action == Action::Sort);
                (self.main.listing.by, self.main.listing.reverse) = (next, false);
                self.sorted_exchanges();
            }
            Action::SortReverse if focus == Pane::Exchanges => {
                self.main.listing.reverse ^= true;
                self.sorted_exchanges();
            }
            Action::Columns => {
                let exchanges = focus == Pane::Exchanges;
                let list = if exchanges { List::Exchanges } else { List::Processes };
                self.pages.push(Page::Columns(ColumnsPage::new(list)));
            }
            Action::Sort | Action::SortBack => {
                let next = self.main.processes.sort.neighbour(action == Action::Sort);
                self.main.processes.sort = next;
                self.main.processes.reverse = false;
            }
            Action::Tree => {
                self.main.processes.tree = !self.main.processes.tree;
                // Groups have no children.
                if self.main.processes.grouping != Grouping::Process {
                    self.main.processes.group(Grouping::Process);
                    self.main.processes.tree = true;
                }
            }
            Action::Ended => {
                self.main.processes.unfolded ^= true;
                let each = self.main.processes.unfolded;
                let how = if each { "each in a row" } else { "those of one command in one row" };
                self.tell(&format!("ended processes: {how}"), Role::Dim);
            }
            Action::Group => {
                let next = self.main.processes.grouping.next();
                self.main.processes.group(next);
            }
            Action::SortReverse => self.main.processes.reverse = !self.main.processes.reverse,
            Action::Follow if focus == Pane::Answer => self.main.scroll.follow ^= true,
            Action::Follow if !self.main.listing.is_by_time() => {
                self.tell("only a list in order of time follows what is new", Role::Dim);
            }
            Action::Follow => self.main.exchanges.follow ^= true,
            Action::Open => self.open(store),
            Action::Detail => self.open_detail(),
            Action::NextBlock => self.next_block(store, true),
            Action::PreviousBlock => self.next_block(store, false),
            _ => {}
        }
    }

    /// The exchanges are in another order: what stands first is selected, or what
    /// is new.
    pub(super) fn sorted_exchanges(&mut self) {
        self.main.exchanges.follow = true;
        let name = self.main.listing.by.name();
        let first = if self.main.listing.descends() { "largest" } else { "smallest" };
        let text = match self.main.listing.is_by_time() {
            true => "in order of time".to_owned(),
            false => format!("by {name}, the {first} first"),
        };
        self.tell(&text, Role::Dim);
    }

    fn back(&mut self) {
        if let Some(Page::Conversation(page)) = self.pages.last_mut()
            && page.chat.is_sent()
        {
            return page.toggle_sent();
        }
        if self.pages.pop().is_none() {
            let leaves = self.pattern.take().is_some()
                || self.main.processes.unchoose()
                || self.filtering.drop_kept();
            if leaves {
                return;
            }
            if !self.main.zoom && self.main.focus == Pane::Exchanges {
                let quit = self.options.keys.how(Action::Quit);
                return self.tell(&format!("this is the main screen: {quit} quits"), Role::Dim);
            }
            self.main.zoom = false;
            self.main.focus = Pane::Exchanges;
        }
    }

    /// Opens the overview, or leaves it.
    fn overview(&mut self) {
        if matches!(self.pages.last(), Some(Page::Overview(_))) {
            return self.back();
        }
        self.pages.retain(|page| !matches!(page, Page::Overview(_)));
        self.pages.push(Page::Overview(OverviewPage::default()));
    }

    fn open_detail(&mut self) {
        if let Some(id) = self.subject() {
            self.pages.push(Page::Detail(Detail::new(id, self.options.show_secrets)));
        }
    }

    /// The exchange that the person is looking at.
    pub(super) fn subject(&self) -> Option<ExchangeId> {
        match self.pages.last() {
            Some(page) => page.subject(),
            None => self.main.exchanges.selected,
        }
    }

    /// Opens what is selected.
    fn open(&mut self, store: &Store) {
        if self.main.focus == Pane::Processes
            && let Some(RowKey::Group(_)) = &self.main.processes.selected
        {
            self.main.processes.chosen = true;
            self.main.focus = Pane::Exchanges;
            return;
        }
        if self.main.focus == Pane::Processes && self.main.processes.open_ended() {
            return;
        }
        let reader = self.narrowed_reader(store);
        let record = match self.main.focus {
            Pane::Processes => {
                let latest = self.main.processes.process().map(|key| reader.latest_of(key, 1));
                latest.and_then(|latest| latest.first().copied())
            }
            Pane::Exchanges | Pane::Answer => {
                self.main.exchanges.selected.and_then(|id| reader.exchange(id))
            }
            Pane::Connections => {
                let open = connections::open(&reader, self.main.lists_all());
                let connection = open.get(self.main.connections.selected);
                connection.and_then(|connection| reader.latest_on(connection))
            }
        };
        match record {
            Some(record) if record.exchange.dialect.is_some() => {
                self.pages.push(Page::Conversation(Box::new(Conversation::of(record))));
            }
            Some(record) => {
                let detail = Detail::new(record.id, self.options.show_secrets);
                self.pages.push(Page::Detail(detail));
            }
            None => self.tell("no exchange to open yet", Role::Dim),
        }
    }

    fn act_page(&mut self, action: Action, store: &Store) {
        let reader = self.viewpoint.reader(store);
        let size = self.visible();
        if self.context() == Context::Columns {
            return self.choose_column(action);
        }
        let Some(page) = self.pages.last_mut() else {
            return;
        };
        match (action, page) {
            (Action::Open | Action::Detail, Page::Conversation(page)) => {
                match page.link().filter(|_| action == Action::Open) {
                    Some((which, process)) => {
                        let page = Conversation::linked(which, process);
                        self.pages.push(Page::Conversation(Box::new(page)));
                    }
                    None => self.open_detail(),
                }
            }
            (Action::AsSent, Page::Conversation(page)) => page.toggle_sent(),
            (Action::NextTab | Action::PreviousTab, Page::Conversation(page)) => {
                if let Some(which) = page.neighbour(&reader, action == Action::NextTab) {
                    page.switch(which);
                } else {
                    self.tell("the process has no other conversation there", Role::Dim);
                }
            }
            (Action::NextTab, Page::Detail(detail)) => {
                detail.open(Tab::ALL[(detail.tab.index() + 1) % Tab::ALL.len()]);
            }
            (Action::PreviousTab, Page::Detail(detail)) => {
                let before = detail.tab.index() + Tab::ALL.len() - 1;
                detail.open(Tab::ALL[before % Tab::ALL.len()]);
            }
            (Action::Fold, Page::Conversation(page)) => {
                page.chat.toggle(page.scroll.cursor);
                page.scroll.follow = false;
            }
            (Action::FoldAll, Page::Conversation(page)) => page.chat.toggle_all(),
            (Action::Fold | Action::Open, page @ Page::Detail(_)) => {
                if let Some((json, scroll)) = page.json()
                    && let Some(line) = json.toggle(scroll.cursor)
                {
                    scroll.reveal(json, &reader, Position { block: line, line: 0 }, size);
                    scroll.cursor = line;
                }
            }
            (Action::FoldAll, page @ Page::Detail(_)) => {
                if let Some((json, scroll)) = page.json() {
                    json.toggle_all();
                    *scroll = Scroll::default();
                }
            }
            (
                Action::Processes | Action::Exchanges | Action::Answer | Action::Connections,
                Page::Overview(_),
            ) => {
                self.pages.clear();
                self.act_main(action, store);
            }
            (Action::Follow, page) => {
                let (_, scroll) = page.reading();
                scroll.follow ^= true;
            }
            (Action::NextBlock | Action::PreviousBlock, page) => {
                let forward = action == Action::NextBlock;
                match page.text() {
                    Some((document, scroll)) => {
                        to_neighbour(document, scroll, &reader, forward, size)
                    }
                    None => page.step(&reader, if forward { 1 } else { -1 }, size),
                }
            }
            _ => {}
        }
    }

    /// Puts the cursor on the value at a path.
    fn go_to(&mut self, path: &str, store: &Store) {
        let reader = self.viewpoint.reader(store);
        let size = self.visible();
        let Some((json, scroll)) = self.pages.last_mut().and_then(|page| page.json()) else {
            return;
        };
        // What is asked for may lie beyond what was laid out so far.
        while json.lay_out(usize::MAX) {}
        match json.find(path) {
            Ok(line) => {
                json.unhide(line);
                scroll.reveal(json, &reader, Position { block: line, line: 0 }, size);
                scroll.cursor = line;
            }
            Err(why) => self.tell(&why, Role::Warning),
        }
    }
}
