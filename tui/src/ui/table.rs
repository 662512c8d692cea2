//! A table's visible rows.
//!
//! ```text
//!     PID COMMAND      MODEL              IN    OUT     COST
//!    4242 claude       claude-sonnet     12k    1.2k   $0.04
//! ```

use super::{Canvas, text, width};
use crate::view::table::Table;
use crate::view::{Area, Role, Span};

/// Draws the titles and the rows.
pub(super) fn render(canvas: &mut Canvas<'_>, area: Area, table: &Table, focused: bool) {
    let (head, body) = area.split_top(1);
    let mut x = head.x + 1;
    let end = (head.x + head.width).saturating_sub(1);
    let title = canvas.theme.style(Role::Faint);
    for column in &table.columns {
        let sorted = table.sorted.filter(|(name, _)| *name == column.title && !name.is_empty());
        let arrow = sorted.map_or("", |(_, down)| if down { "▾" } else { "▴" });
        let text = format!("{}{arrow}", column.title);
        let style = if sorted.is_some() { canvas.theme.style(Role::Dim) } else { title };
        let columns = text.chars().count() as u16;
        let from = if column.right { x + column.width.saturating_sub(columns) } else { x };
        canvas.put(
            from,
            head.y,
            &text,
            column.width.max(columns).min(end.saturating_sub(from)),
            style,
        );
        x += column.width + 1;
    }
    for (at, (y, row)) in (body.y..body.y + body.height).zip(&table.rows).enumerate() {
        let mut x = body.x + 1;
        for (column, cell) in table.columns.iter().zip(&row.cells) {
            let room = column.width.min(end.saturating_sub(x));
            let from = if column.right { x + room.saturating_sub(width(cell)) } else { x };
            cells(canvas, from, y, cell, x + room, row.dim);
            x += column.width + 1;
        }
        if table.selected == Some(at) {
            let line = Area { x: body.x, y, width: body.width, height: 1 };
            canvas.tint(line, canvas.theme.selection(focused));
            if focused {
                canvas.put(body.x, y, "▌", 1, canvas.theme.style(Role::Accent));
            }
        }
    }
    let (first, all) = table.progress;
    let shown = usize::from(body.height);
    if all > shown {
        text::scrollbar(canvas, body, (first, (first + shown).min(all), all));
    }
}

fn cells(canvas: &mut Canvas<'_>, x: u16, y: u16, cell: &[Span], end: u16, dim: bool) {
    let mut at = x;
    for span in cell {
        let role = if dim { Role::Faint } else { span.role };
        let style = canvas.theme.style(role);
        at = canvas.put(at, y, &span.text, end.saturating_sub(at), style);
    }
}
