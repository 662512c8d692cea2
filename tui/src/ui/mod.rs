//! Widgets: each draws one part of a [`Screen`] into a buffer.
//!
//! ```text
//! llmtop  12 exchanges  2 active  1.2k → 85 tokens  $0.01          LIVE
//! live · 34 probes
//! ─ 1 Processes ───────────────────────── 3 ─│─ 3 Answer ──────────────
//!     PID COMMAND      MODEL      ...        │ ▎assistant
//! ─ 2 Exchanges ───────────────────────────  │ ▎The answer as it grows
//! ...                                        │
//!  Enter open  / search  Space pause  ? help  q quit
//! ```

mod footer;
mod header;
mod panel;
mod table;
mod text;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use crate::theme::Theme;
use crate::view::{Area, Role, Screen, Span};

/// Draws a screen. Returns where the terminal's cursor belongs, if anywhere.
pub fn render(buffer: &mut Buffer, screen: &Screen, theme: &Theme) -> Option<(u16, u16)> {
    let canvas = &mut Canvas { buffer, theme };
    header::render(canvas, screen.header.0, &screen.header.1);
    for panel in &screen.panels {
        panel::render(canvas, panel);
    }
    if let Some(area) = screen.divider {
        for y in area.y..area.y + area.height {
            canvas.put(area.x, y, "│", 1, theme.style(Role::Faint));
        }
    }
    if let Some(panel) = &screen.overlay {
        canvas.clear(panel.area);
        panel::render(canvas, panel);
    }
    footer::render(canvas, screen.footer.0, &screen.footer.1)
}

/// A buffer that is never written outside of itself, and its theme.
struct Canvas<'a> {
    buffer: &'a mut Buffer,
    theme: &'a Theme,
}

impl Canvas<'_> {
    /// Writes text, at most `width` columns of it; returns the next column.
    fn put(&mut self, x: u16, y: u16, text: &str, width: u16, style: Style) -> u16 {
        let area = self.buffer.area;
        if x >= area.right() || y >= area.bottom() {
            return x;
        }
        self.buffer.set_stringn(x, y, text, usize::from(width), style).0
    }

    /// Writes pieces of text, at most up to column `end`.
    fn spans(&mut self, x: u16, y: u16, spans: &[Span], end: u16) -> u16 {
        let mut at = x;
        for span in spans {
            at = self.put(at, y, &span.text, end.saturating_sub(at), self.theme.style(span.role));
        }
        at
    }

    /// Leaves nothing of what was drawn there.
    fn clear(&mut self, area: Area) {
        let place = rect(area).intersection(self.buffer.area);
        for position in place.positions() {
            self.buffer[position].reset();
        }
    }

    /// Lays a style over cells.
    fn tint(&mut self, area: Area, style: Style) {
        self.buffer.set_style(rect(area), style);
    }
}

fn rect(area: Area) -> Rect {
    Rect { x: area.x, y: area.y, width: area.width, height: area.height }
}

/// Columns that pieces of text take.
fn width(spans: &[Span]) -> u16 {
    spans.iter().map(|span| span.text.width() as u16).sum()
}
