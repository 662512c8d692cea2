//! What is copied: the value, the answer, the row.

use super::page::Page;
use super::{App, Effect};
use crate::store::{Record, Store};
use crate::view::processes::{Ended, RowKey};
use crate::view::{Pane, Role, connections};

impl App {
    /// Copies where the cursor is.
    pub(super) fn copy_path(&mut self, effects: &mut Vec<Effect>) {
        let json = self.pages.last_mut().and_then(|page| page.json());
        if let Some((json, scroll)) = json {
            effects.push(Effect::Copy(json.path(scroll.cursor)));
        }
    }

    /// Copies what is shown, or selected.
    pub(super) fn copy(&mut self, store: &Store, effects: &mut Vec<Effect>) {
        match self.copied(store).filter(|text| !text.is_empty()) {
            Some(text) => effects.push(Effect::Copy(text)),
            None => self.tell("nothing to copy here", Role::Dim),
        }
    }

    /// What is to be copied.
    fn copied(&mut self, store: &Store) -> Option<String> {
        let reader = self.viewpoint.reader(store).within(self.narrowed.part(store));
        let answer = |record: &Record| {
            let response = &record.exchange.response;
            let calls = || response.tool_calls.first().map(|call| call.arguments.clone());
            response.text.clone().or_else(calls)
        };
        if let Some(page) = self.pages.last_mut() {
            if let Some((json, scroll)) = page.json() {
                return Some(json.value(scroll.cursor).to_owned());
            }
            if let Page::Compare(_) | Page::Overview(_) = page {
                let (document, _) = page.text()?;
                return Some(document.plain(&reader, crate::term::CLIPBOARD));
            }
            if let Page::Detail(detail) = page
                && detail.tab != super::page::Tab::Answer
            {
                let (document, _) = page.text()?;
                return Some(document.plain(&reader, crate::term::CLIPBOARD));
            }
            return reader.exchange(page.subject()?).and_then(answer);
        }
        match self.main.focus {
            Pane::Processes => {
                if let Some(RowKey::Group(name) | RowKey::Ended(Ended { name, .. })) =
                    &self.main.processes.selected
                {
                    return Some(name.clone());
                }
                let process = &reader.process(self.main.processes.process()?)?.process;
                let show = self.options.show_secrets;
                let hidden = || llmtop_parsers::redact::args(&process.args).join(" ");
                Some(if show { process.args.join(" ") } else { hidden() })
            }
            Pane::Connections => {
                let open = connections::open(&reader, self.main.lists_all());
                open.get(self.main.connections.selected).map(|it| connections::server(it))
            }
            Pane::Exchanges | Pane::Answer => {
                reader.exchange(self.main.exchanges.selected?).and_then(answer)
            }
        }
    }
}
