//! The last row: what can be done, or what is being typed.

use super::{Canvas, width};
use crate::view::{Area, Footer, Hint, Line, Role, Span};

/// Draws it. Returns where the terminal's cursor belongs while typing.
pub(super) fn render(canvas: &mut Canvas<'_>, area: Area, footer: &Footer) -> Option<(u16, u16)> {
    if area.height == 0 {
        return None;
    }
    let end = area.x + area.width;
    let (key_style, word_style) = (canvas.theme.style(Role::Accent), canvas.theme.style(Role::Dim));
    match footer {
        Footer::Keys(offers) => {
            let (about, places) = offers.places(area.width);
            canvas.spans(area.x + 1, area.y, &about.spans, end);
            for (from, offer) in places {
                let at = canvas.put(area.x + from, area.y, &offer.key, area.width, key_style);
                canvas.put(at + 1, area.y, offer.word, area.width, word_style);
            }
            None
        }
        Footer::Prompt { label, before, after, hint } => {
            let y = area.y + area.height - 1;
            if let Some(hint) = hint.as_ref().filter(|_| area.height > 1) {
                hinted(canvas, area, hint);
            }
            let mut at = canvas.put(area.x + 1, y, label, end, key_style);
            let room = end.saturating_sub(at + 1);
            // The end of a long text is what is being typed.
            let skipped = width(before).saturating_sub(room);
            at = canvas.spans(at, y, &tail(before, usize::from(skipped)), end);
            let cursor = (at.min(end.saturating_sub(1)), y);
            canvas.spans(at, y, after, end);
            Some(cursor)
        }
        Footer::Message(message) => {
            let style = canvas.theme.style(message.role);
            canvas.put(area.x + 1, area.y, &message.text, area.width.saturating_sub(1), style);
            None
        }
    }
}

/// What helps at the left, what it does at the right, which is shorter.
fn hinted(canvas: &mut Canvas<'_>, area: Area, hint: &Hint) {
    let end = area.x + area.width;
    let note = width(&hint.note);
    let from = end.saturating_sub(note + 1).max(area.x);
    let text = Line::from(hint.text.clone()).cut(usize::from(from.saturating_sub(area.x + 3)));
    canvas.spans(area.x + 1, area.y, &text.spans, from);
    canvas.spans(from, area.y, &hint.note, end);
}

/// What is left of a text without its first columns.
fn tail(spans: &[Span], columns: usize) -> Vec<Span> {
    let mut skipped = 0;
    let mut cut = |text: &str| -> String {
        text.chars()
            .skip_while(|&character| {
                let skip = skipped < columns;
                if skip {
                    skipped += unicode_width::UnicodeWidthChar::width(character).unwrap_or(0);
                }
                skip
            })
            .collect()
    };
    spans.iter().map(|span| Span::new(cut(&span.text), span.role)).collect()
}
