//! Opening what is shown in a pager or an editor.

use super::{App, Effect};
use crate::sink::export::{self, Format};
use crate::store::Store;
use crate::view::{Pane, Role};

/// Bytes of a text that is opened, about: as much as a message may have.
const MOST: usize = 256 << 20;

/// What a text is opened with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With {
    /// `$PAGER`.
    Pager,
    /// `$EDITOR`.
    Editor,
}

/// The programs that texts are opened with: words of a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// A pager.
    pub pager: String,
    /// An editor.
    pub editor: String,
}

impl Default for Programs {
    /// What everybody has.
    fn default() -> Self {
        Programs { pager: "less".to_owned(), editor: "vi".to_owned() }
    }
}

impl Programs {
    /// The one asked for.
    pub fn of(&self, with: With) -> &str {
        match with {
            With::Pager => &self.pager,
            With::Editor => &self.editor,
        }
    }
}

impl App {
    /// Opens what is shown.
    pub(super) fn open_with(&mut self, with: With, store: &Store, effects: &mut Vec<Effect>) {
        match self.whole(store) {
            Ok((extension, text)) => effects.push(Effect::Open { with, extension, text }),
            Err(why) => self.tell(why, Role::Warning),
        }
    }

    /// All of the page or the answer; elsewhere the selected exchange. And how a
    /// file of it is called.
    fn whole(&mut self, store: &Store) -> Result<(&'static str, String), &'static str> {
        let reader = self.viewpoint.reader(store);
        if let Some(page) = self.pages.last_mut() {
            if let Some((json, _)) = page.json() {
                return Ok(("json", json.whole()));
            }
            let (document, _) = page.text().ok_or("there is nothing to open here")?;
            return Ok(("txt", document.plain(&reader, MOST)));
        }
        let selected = self.main.exchanges.selected.ok_or("no exchange is selected")?;
        if self.main.focus == Pane::Answer {
            return Ok(("txt", self.main.answer.document.plain(&reader, MOST)));
        }
        let secrets = self.options.show_secrets;
        let (_, text) = export::one(store, selected, Format::Markdown, secrets)?;
        Ok(("md", String::from_utf8_lossy(&text).into_owned()))
    }
}
