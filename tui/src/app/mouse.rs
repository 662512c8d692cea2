//! What the mouse does.

use super::page::{Page, Tab};
use super::{App, Effect, Key, Mouse, MouseKind};
use crate::action::Action;
use crate::store::Store;
use crate::view::exchanges::By;
use crate::view::processes::Col;
use crate::view::{Content, Footer, Pane, Panel};

/// Rows that the wheel scrolls.
const WHEEL: isize = 3;

impl App {
    pub(super) fn mouse_event(&mut self, mouse: Mouse, store: &Store, effects: &mut Vec<Effect>) {
        if self.palette.is_some() {
            return self.mouse_on_commands(mouse, store, effects);
        }
        let over = self.drawn.panels.iter().any(|panel| panel.area.contains(mouse.x, mouse.y));
        match mouse.kind {
            // Over what does not scroll it scrolls what keys would.
            MouseKind::ScrollUp if !over => return self.step(store, -WHEEL),
            MouseKind::ScrollDown if !over => return self.step(store, WHEEL),
            _ => {}
        }
        let (footer, offers) = &self.drawn.footer;
        if let Footer::Keys(offers) = offers
            && footer.contains(mouse.x, mouse.y)
        {
            let offer = offers.at(mouse.x - footer.x, footer.width);
            let key = offer.and_then(|offer| Key::parse(&offer.key));
            if let Some(key) = key {
                self.key(key, store, effects);
            }
            return;
        }
        let hit = self.drawn.panels.iter().find(|panel| panel.area.contains(mouse.x, mouse.y));
        let Some(panel) = hit else {
            return;
        };
        let pane = panel.pane;
        if mouse.kind == MouseKind::Press
            && mouse.y == panel.area.y + 1
            && let Some(tab) = panel.tabs.as_ref().and_then(|tabs| tabs.at(mouse.x - panel.area.x))
        {
            return self.open_tab(tab);
        }
        let inner = panel.inner();
        if mouse.kind == MouseKind::Press
            && mouse.y == inner.y
            && let Some(pane @ (Pane::Processes | Pane::Exchanges)) = pane
            && let Content::Table(table) = &panel.content
        {
            let title = table.title_at(mouse.x - inner.x);
            self.main.focus = pane;
            return self.sort_by(pane, title);
        }
        let row = inner.contains(mouse.x, mouse.y).then(|| usize::from(mouse.y - inner.y));
        let shown = match &panel.content {
            // The first row of a table is its titles.
            Content::Table(table) => {
                let at = row.and_then(|row| row.checked_sub(1)).map(|row| table.progress.0 + row);
                at.filter(|&at| at < table.progress.0 + table.rows.len())
            }
            _ => row,
        };
        if let Some(pane) = pane {
            self.main.focus = pane;
        }
        match mouse.kind {
            MouseKind::ScrollUp => self.step(store, -WHEEL),
            MouseKind::ScrollDown => self.step(store, WHEEL),
            MouseKind::Press => {
                let block = match &panel.content {
                    Content::Text(window) => row.and_then(|row| window.blocks.get(row)).copied(),
                    _ => None,
                };
                match (pane, shown) {
                    (Some(pane), Some(at)) => self.click(pane, at, store, effects),
                    (None, _) => self.put_cursor(block),
                    _ => {}
                }
            }
        }
    }

    fn mouse_on_commands(&mut self, mouse: Mouse, store: &Store, effects: &mut Vec<Effect>) {
        match mouse.kind {
            MouseKind::ScrollUp => self.scroll_commands(-WHEEL),
            MouseKind::ScrollDown => self.scroll_commands(WHEEL),
            MouseKind::Press => {
                let inner = self.drawn.overlay.as_ref().map(Panel::inner);
                let inner = inner.filter(|inner| inner.contains(mouse.x, mouse.y));
                // The first row is the titles.
                let row = inner.and_then(|inner| (mouse.y - inner.y).checked_sub(1));
                self.click_command(row.map(usize::from), store, effects);
            }
        }
    }

    /// A click on a column's title sorts by it, if one can.
    fn sort_by(&mut self, pane: Pane, title: Option<&str>) {
        if pane == Pane::Processes {
            if let Some(col) = title.and_then(Col::titled) {
                self.main.processes.sort_by(col);
            }
        } else if let Some(by) = title.and_then(By::titled) {
            self.main.listing.sort_by(by);
            self.sorted_exchanges();
        }
    }

    /// A click selects a row; on the selected one, it opens it.
    fn click(&mut self, pane: Pane, at: usize, store: &Store, effects: &mut Vec<Effect>) {
        let reader = self.viewpoint.reader(store);
        let again = match pane {
            Pane::Processes => {
                let processes = &mut self.main.processes;
                let key = processes.order.get(at).map(|item| item.key.clone());
                processes.chosen = true;
                let again = processes.selected == key;
                processes.selected = key;
                again
            }
            Pane::Exchanges => {
                let before = self.main.exchanges.selected;
                self.main.select_row(&reader, at);
                before == self.main.exchanges.selected
            }
            Pane::Connections => std::mem::replace(&mut self.main.connections.selected, at) == at,
            Pane::Answer => false,
        };
        if again {
            self.act(Action::Open, store, effects);
        }
    }

    fn open_tab(&mut self, at: usize) {
        if let (Some(Page::Detail(detail)), Some(&tab)) = (self.pages.last_mut(), Tab::ALL.get(at))
        {
            detail.open(tab);
        }
    }

    fn put_cursor(&mut self, block: Option<usize>) {
        if let (Some(page), Some(block)) = (self.pages.last_mut(), block) {
            page.put_cursor(block);
        }
    }
}
