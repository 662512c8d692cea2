//! Choosing what an exchange is exported as.

use super::{App, Code, Effect, Key};
use crate::sink::export::Format;
use crate::store::ExchangeId;

/// The formats, with their keys. Enter takes the first.
const CHOICES: [(&str, char, &str, Format); 4] = [
    ("j", 'j', "JSON", Format::Json),
    ("h", 'h', "HAR", Format::Har),
    ("c", 'c', "curl", Format::Curl),
    ("m", 'm', "Markdown", Format::Markdown),
];

/// What the footer says meanwhile.
pub(super) fn offers() -> impl Iterator<Item = (&'static str, &'static str)> {
    let choices = CHOICES.iter().map(|&(key, _, name, _)| (key, name));
    std::iter::once(("export", "as")).chain(choices).chain([("Esc", "back")])
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
