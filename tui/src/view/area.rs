//! Where things are on the screen.

/// A rectangle of cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "columns and rows, from the top left corner")]
pub struct Area {
    pub x: u16,
    pub y: u16,
    pub width: u16,
    pub height: u16,
}

impl Area {
    /// From the corner of a screen.
    pub fn screen(width: u16, height: u16) -> Self {
        Area { x: 0, y: 0, width, height }
    }

    /// Whether a cell lies in it.
    pub fn contains(&self, x: u16, y: u16) -> bool {
        (self.x..self.x.saturating_add(self.width)).contains(&x)
            && (self.y..self.y.saturating_add(self.height)).contains(&y)
    }

    /// Cuts `rows` off the top: those, and the rest.
    pub fn split_top(self, rows: u16) -> (Area, Area) {
        let rows = rows.min(self.height);
        (
            Area { height: rows, ..self },
            Area { y: self.y + rows, height: self.height - rows, ..self },
        )
    }

    /// Cuts `columns` off the left: those, and the rest.
    pub fn split_left(self, columns: u16) -> (Area, Area) {
        let columns = columns.min(self.width);
        (
            Area { width: columns, ..self },
            Area { x: self.x + columns, width: self.width - columns, ..self },
        )
    }

    /// What is inside once the title's row is taken.
    pub fn below_title(self) -> Area {
        self.split_top(1).1
    }
}

/// The four panes of the main screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "panes are called what they show")]
pub enum Pane {
    Processes,
    #[default]
    Exchanges,
    Answer,
    Connections,
}

impl Pane {
    /// In the order in which one leads to the next.
    pub const ALL: [Pane; 4] = [Pane::Processes, Pane::Exchanges, Pane::Answer, Pane::Connections];

    /// Its place in that order, from 1.
    pub fn number(self) -> usize {
        Pane::ALL.iter().position(|&pane| pane == self).map_or(0, |at| at + 1)
    }
}

/// Where the parts of a screen are: header, body, footer.
///
/// ```text
/// header  1 or 2 rows
/// body
/// footer  1 row, 2 with a hint
/// ```
pub fn frame(screen: Area, hint: bool) -> (Area, Area, Area) {
    let header = match screen.height {
        0..=4 => 0,
        5..=15 => 1,
        _ => 2,
    };
    let (header, rest) = screen.split_top(header);
    let footer = u16::from(rest.height > 3) + u16::from(hint && rest.height > 4);
    let (body, footer) = rest.split_top(rest.height - footer);
    (header, body, footer)
}

/// From so many columns on, the answer stands beside the lists: with less, too many of
/// their columns would have no room.
const WIDE: u16 = 160;

/// Where the panes are.
///
/// ```text
/// wide: processes    | answer      tall: processes     small: the focused one
///       exchanges    |                   exchanges
///       connections  |                   answer (or connections)
/// ```
pub fn panes(body: Area, focus: Pane, zoom: bool, processes: usize) -> Vec<(Pane, Area)> {
    if zoom || body.height < 12 || body.width < 30 {
        return vec![(focus, body)];
    }
    let wanted = |share: u16| (processes as u16).saturating_add(2).clamp(3, share.max(3));
    if body.width < WIDE || body.height < 16 {
        let (top, rest) = body.split_top(wanted(body.height / 4));
        let (middle, bottom) = rest.split_top(rest.height.div_ceil(2));
        let last = if focus == Pane::Connections { Pane::Connections } else { Pane::Answer };
        return vec![(Pane::Processes, top), (Pane::Exchanges, middle), (last, bottom)];
    }
    let (left, right) = body.split_left(body.width * 3 / 5);
    let (top, rest) = left.split_top(wanted(left.height / 3));
    let connections = (rest.height / 4).clamp(4, 12);
    let (middle, bottom) = rest.split_top(rest.height - connections);
    // A column between left and right stays free for the line.
    let (_, right) = right.split_left(1);
    vec![
        (Pane::Processes, top),
        (Pane::Exchanges, middle),
        (Pane::Answer, right),
        (Pane::Connections, bottom),
    ]
}

/// The place of a panel's content.
pub fn inner(area: Area, tabs: bool) -> Area {
    let below = area.below_title();
    if tabs && below.height > 4 { below.split_top(1).1 } else { below }
}

/// Columns and rows of text in a place: its last column is the scroll bar's.
pub fn text_size(area: Area) -> (usize, usize) {
    (usize::from(area.width.saturating_sub(1)), usize::from(area.height))
}

/// Columns and rows of a table in a panel: two columns are the selection's mark and
/// the scroll bar, a row is the titles'.
pub fn table_size(panel: Area) -> (u16, u16) {
    let inner = inner(panel, false);
    (inner.width.saturating_sub(2), inner.height.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::{Area, Pane, frame, panes};

    #[test]
    fn nothing_overlaps_and_nothing_is_outside() {
        for width in (0..320).step_by(7) {
            for height in 0..110 {
                for focus in Pane::ALL {
                    let (header, body, footer) =
                        frame(Area::screen(width, height), height % 2 == 0);
                    assert_eq!(header.height + body.height + footer.height, height);
                    let panes = panes(body, focus, false, 5);
                    assert!(panes.iter().any(|(pane, _)| *pane == focus));
                    let cells: u32 = panes
                        .iter()
                        .map(|(_, area)| u32::from(area.width) * u32::from(area.height))
                        .sum();
                    assert!(cells <= u32::from(body.width) * u32::from(body.height));
                    for (_, area) in panes {
                        assert!(area.x + area.width <= width);
                        assert!(area.y >= body.y && area.y + area.height <= body.y + body.height);
                    }
                }
            }
        }
    }
}
