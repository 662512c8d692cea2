//! Choosing what an exchange is exported as.

use super::{App, Code, Effect, Key};
use crate::sink::export::Format;
use crate::store::ExchangeId;
use crate::view::{Offers, Role, Span};

/// The formats, with their keys. Enter takes the first.
const CHOICES: [(&str, char, &str, Format); 4] = [
    ("j", 'j', "JSON", Format::Json),
    ("h", 'h', "HAR", Format::Har),
    ("c", 'c', "curl", Format::Curl),
    ("m", 'm', "chat", Format::Markdown),
];

/// What the footer says meanwhile.
pub(super) fn offers() -> Offers {
    let choices = CHOICES.iter().map(|&(key, _, name, _)| (key.to_owned(), name));
    let about = vec![Span::new("export as", Role::Title)];
    Offers { about, ..Offers::of(choices.chain([("Esc".to_owned(), "back")])) }
}

impl App {
    /// The key that says how: any other one exports nothing.
    pub(super) fn export_as(&mut self, id: ExchangeId, key: Key, effects: &mut Vec<Effect>) {
        let chosen = match key.code {
            Code::Enter => CHOICES.first(),
            Code::Char(pressed) if !key.ctrl && !key.alt => {
                CHOICES.iter().find(|(_, letter, ..)| *letter == pressed)
            }
            _ => None,
        };
        effects.extend(chosen.map(|&(.., format)| Effect::Export(id, format)));
    }
}
