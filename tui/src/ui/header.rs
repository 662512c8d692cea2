//! The header.
//!
//! ```text
//! llmtop  12 exchanges  2 active  1.2k → 85 tokens  $0.01  3 processes    LIVE
//! live  34 probes  only pid 4242
//! ```

use super::{Canvas, width};
use crate::view::header::Header;
use crate::view::{Area, Role, Span};

/// Draws as many facts as fit, the first ones first.
pub(super) fn render(canvas: &mut Canvas<'_>, area: Area, header: &Header) {
    if area.height == 0 {
        return;
    }
    let right = area.x + area.width;
    // One row: the badges only. Two rows: badges above, session below.
    let mut end = right;
    for badge in header.badges.iter().rev() {
        let columns = badge.text.chars().count() as u16 + 2;
        if end < area.x + columns + 8 {
            break;
        }
        end -= columns;
        let style = canvas.theme.badge(badge.role);
        canvas.put(end, area.y, &format!(" {} ", badge.text), columns, style);
        end = end.saturating_sub(1);
    }
    let name = canvas.theme.style(Role::Accent);
    let x = canvas.put(area.x, area.y, " llmtop", area.width, name);
    row(canvas, x + 2, area.y, end, &header.totals, "  ");
    if area.height > 1 {
        row(canvas, area.x + 1, area.y + 1, right, &header.session, " · ");
    }
}

fn row(canvas: &mut Canvas<'_>, x: u16, y: u16, end: u16, facts: &[Vec<Span>], between: &str) {
    let gap = between.chars().count() as u16;
    let mut at = x;
    for (index, fact) in facts.iter().enumerate() {
        let gap = if index == 0 { 0 } else { gap };
        if at + gap + width(fact) > end {
            // The first fact of a narrow screen is shown as far as it goes.
            if index == 0 {
                canvas.spans(at, y, fact, end);
            }
            return;
        }
        if gap > 0 {
            at = canvas.put(at, y, between, gap, canvas.theme.style(Role::Faint));
        }
        at = canvas.spans(at, y, fact, end);
    }
}
