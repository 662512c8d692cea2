//! A window of text, with a scroll bar where it is not all of it.

use super::Canvas;
use crate::view::document::Window;
use crate::view::{Area, Role};

/// Draws the lines. What the cursor is on has a heavier bar at its left.
pub(super) fn render(canvas: &mut Canvas<'_>, area: Area, window: &Window, focused: bool) {
    let end = area.x + area.width;
    for (y, line) in (area.y..area.y + area.height).zip(&window.lines) {
        canvas.spans(area.x, y, &line.spans, end.saturating_sub(1));
        if focused && line.cursor {
            canvas.put(area.x, y, "▌", 1, canvas.theme.style(Role::Accent));
        }
    }
    if !window.whole {
        scrollbar(canvas, area, window.progress);
    }
}

/// Draws where `first..last` of `all` is.
pub(super) fn scrollbar(
    canvas: &mut Canvas<'_>,
    area: Area,
    (first, last, all): (usize, usize, usize),
) {
    let rows = u64::from(area.height);
    if all == 0 || rows == 0 || area.width == 0 {
        return;
    }
    let scale = |n: usize| (n.min(all) as u64 * rows / all as u64).min(rows);
    let length = (scale(last) - scale(first).min(scale(last))).max(1);
    let from = if last >= all { rows - length } else { scale(first).min(rows - length) };
    let x = area.x + area.width - 1;
    for row in from..from + length {
        canvas.put(x, area.y + row as u16, "▐", 1, canvas.theme.style(Role::Faint));
    }
}
