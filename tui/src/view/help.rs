//! The help: what keys do here, from the table of actions.

use super::text::{Look, TextDocument};
use super::{Role, Span};
use crate::action::{self, Context};

/// The help for a context.
pub fn document(context: Context) -> TextDocument {
    let mut document = TextDocument::default();
    for entry in action::help(context) {
        document.begin();
        let keys = entry.keys.join(" ");
        document.line(
            vec![Span::new(format!("{keys:<16}"), Role::Accent), Span::new(entry.help, Role::Text)],
            Look::default(),
        );
    }
    document
}
