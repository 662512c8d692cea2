//! The help: what keys do, here first, from the table of actions.

use super::text::{Look, TextDocument};
use super::{Role, Span};
use crate::action::{self, Context, Entry};
use crate::keymap::KeyMap;

/// Every action: what means something in this context, then what means
/// something elsewhere only, by page.
pub fn document(context: Context, keys: &KeyMap) -> TextDocument {
    let mut document = TextDocument::default();
    explain(&mut document, keys, action::help(context));
    for (page, contexts) in action::PAGES {
        let mut elsewhere = action::help_of(contexts, context).peekable();
        if elsewhere.peek().is_some() {
            document.blank();
            document.begin();
            document.line(vec![Span::new(*page, Role::Title)], Look::default());
            explain(&mut document, keys, elsewhere);
        }
    }
    document
}

fn explain(
    document: &mut TextDocument,
    keys: &KeyMap,
    entries: impl Iterator<Item = &'static Entry>,
) {
    for entry in entries {
        document.begin();
        let keys = match keys.names(entry.action) {
            none if none.is_empty() => keys.how(entry.action),
            some => some,
        };
        let look = Look { indent: 16, ..Look::default() };
        document.led(Span::new(format!(" {keys}"), Role::Accent), entry.help, look);
    }
}
