//! The last row: what can be done, or what is being typed.

use unicode_width::UnicodeWidthStr;

use super::Canvas;
use crate::view::{Area, Footer, Role};

/// Draws it. Returns where the terminal's cursor belongs while typing.
pub(super) fn render(canvas: &mut Canvas<'_>, area: Area, footer: &Footer) -> Option<(u16, u16)> {
    if area.height == 0 {
        return None;
    }
    let end = area.x + area.width;
    let (key_style, word_style) = (canvas.theme.style(Role::Accent), canvas.theme.style(Role::Dim));
    match footer {
        Footer::Keys(keys) => {
            let mut at = area.x + 1;
            let columns = |(key, word): &(&str, &str)| (key.width() + word.width() + 3) as u16;
            // The last two, help and quit, are offered on every screen.
            let (first, last) = keys.split_at(keys.len().saturating_sub(2));
            let mut room = area.width.saturating_sub(last.iter().map(columns).sum());
            let fitting = first.iter().take_while(|offer| {
                room = room.saturating_sub(columns(offer));
                room > 0
            });
            for (key, word) in fitting.chain(last) {
                let columns = end.saturating_sub(at);
                at = canvas.put(at, area.y, key, columns, key_style);
                at = canvas.put(at + 1, area.y, word, columns, word_style) + 2;
            }
            None
        }
        Footer::Prompt { label, before, after, note } => {
            let mut at = canvas.put(area.x + 1, area.y, label, end, key_style);
            let room = end.saturating_sub(at + 1);
            // The end of a long text is what is being typed.
            let skipped = (before.width() as u16).saturating_sub(room);
            let visible: String = tail(before, usize::from(skipped));
            let text = canvas.theme.style(Role::Text);
            at = canvas.put(at, area.y, &visible, room, text);
            let cursor = (at.min(end.saturating_sub(1)), area.y);
            at = canvas.put(at, area.y, after, end.saturating_sub(at), text);
            if let Some(note) = note {
                let style = canvas.theme.style(note.role);
                canvas.put(at + 2, area.y, &note.text, end.saturating_sub(at + 2), style);
            }
            Some(cursor)
        }
        Footer::Message(message) => {
            let style = canvas.theme.style(message.role);
            canvas.put(area.x + 1, area.y, &message.text, area.width.saturating_sub(1), style);
            None
        }
    }
}

fn tail(text: &str, columns: usize) -> String {
    let mut skipped = 0;
    text.chars()
        .skip_while(|&character| {
            let skip = skipped < columns;
            skipped += unicode_width::UnicodeWidthChar::width(character).unwrap_or(0);
            skip
        })
        .collect()
}
