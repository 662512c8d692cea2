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
        let look = Look { indent: 16, ..Look::default() };
        document.led(Span::new(format!(" {keys}"), Role::Accent), entry.help, look);
    }
    document
}
