//! A titled part of the body.
//!
//! ```text
//! ─ 2 Exchanges ─────────────────────────── 12 ─
//! content
//! ```

use super::{Canvas, table, text, width};
use crate::view::{Area, Content, Line, Panel, Role, Span, TabBar};

/// Draws the title, the tabs, and the content.
pub(super) fn render(canvas: &mut Canvas<'_>, panel: &Panel) {
    let area = panel.area;
    if area.width < 4 || area.height == 0 {
        return;
    }
    title(canvas, panel);
    let inner = panel.inner();
    if let Some(tabs) = &panel.tabs
        && inner.y > area.y + 1
    {
        tab_bar(canvas, Area { y: area.y + 1, height: 1, ..area }, tabs);
    }
    match &panel.content {
        Content::Table(content) => table::render(canvas, inner, content, panel.focused),
        Content::Text(window) => text::render(canvas, inner, window, panel.focused),
        Content::Notice(lines) => notice(canvas, inner, lines),
    }
}

fn title(canvas: &mut Canvas<'_>, panel: &Panel) {
    let Area { x, y, width: columns, .. } = panel.area;
    let end = x + columns;
    let rule = if panel.focused { Role::Accent } else { Role::Faint };
    let rule = canvas.theme.style(rule);
    for at in x..end {
        canvas.put(at, y, "─", 1, rule);
    }
    let mut at = canvas.put(x + 1, y, " ", 1, rule);
    if let Some(key) = &panel.key {
        let style = canvas.theme.style(Role::Dim);
        at = canvas.put(at, y, &format!("{key} "), end.saturating_sub(at), style);
    }
    let note = width(&panel.note);
    let fits = at + width(&panel.title) + note + 6 <= end;
    let limit = if fits { end - note - 4 } else { end - 1 };
    let title = Line::from(panel.title.clone()).cut(usize::from(limit.saturating_sub(at)));
    at = canvas.spans(at, y, &title.spans, limit);
    canvas.put(at, y, " ", 1, rule);
    if fits && note > 0 {
        let from = end - note - 3;
        canvas.put(from, y, " ", 1, rule);
        let at = canvas.spans(from + 1, y, &panel.note, end - 1);
        canvas.put(at, y, " ", 1, rule);
    }
}

fn tab_bar(canvas: &mut Canvas<'_>, area: Area, tabs: &TabBar) {
    let mut at = area.x + 1;
    let end = area.x + area.width;
    let dim = canvas.theme.style(Role::Dim);
    if tabs.first > 0 {
        canvas.put(area.x, area.y, "‹", 1, dim);
    }
    for (index, name) in tabs.names.iter().enumerate().skip(tabs.first) {
        let style = if index == tabs.open { canvas.theme.badge(Role::Accent) } else { dim };
        let room = end.saturating_sub(at);
        at = canvas.put(at, area.y, &format!(" {name} "), room, style);
        if usize::from(room) < name.len() + 2 {
            // There are more.
            canvas.put(end.saturating_sub(1), area.y, "›", 1, dim);
            break;
        }
    }
}

/// A few words, in the middle.
fn notice(canvas: &mut Canvas<'_>, area: Area, lines: &[Vec<Span>]) {
    let above = area.height.saturating_sub(lines.len() as u16) / 2;
    for (row, line) in (area.y + above..area.y + area.height).zip(lines) {
        let left = area.width.saturating_sub(width(line)) / 2;
        canvas.spans(area.x + left, row, line, area.x + area.width);
    }
}
