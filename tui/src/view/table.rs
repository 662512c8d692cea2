//! A window of a table: columns that fit, rows that are visible.

use super::Span;

/// How wide a column is, and which go first when there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its title.
    pub title: &'static str,
    /// Columns of cells.
    pub width: u16,
    /// Figures stand at the right.
    pub right: bool,
    /// The highest go first; 0 never does.
    pub rank: u8,
    /// Takes what is left. At most one does.
    pub grows: bool,
    /// Columns that it should have, if it grows, before those of a higher rank than
    /// [`ESSENTIAL`] take any.
    pub wish: u16,
}

/// The highest rank of the columns that are worth more than a wide text.
pub const ESSENTIAL: u8 = 4;

impl Column {
    /// Text, from the left.
    pub const fn left(title: &'static str, width: u16, rank: u8) -> Self {
        Column { title, width, right: false, rank, grows: false, wish: 0 }
    }

    /// A figure, from the right.
    pub const fn right(title: &'static str, width: u16, rank: u8) -> Self {
        Column { title, width, right: true, rank, grows: false, wish: 0 }
    }

    /// Text that takes what is left, at least `width`.
    pub const fn growing(title: &'static str, width: u16, rank: u8) -> Self {
        Column { title, width, right: false, rank, grows: true, wish: width }
    }

    /// The same, that should have so many columns.
    #[must_use]
    pub const fn wishing(self, wish: u16) -> Self {
        Column { wish, ..self }
    }
}

/// The visible part of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The columns that fit, left to right, with their final widths.
    pub columns: Vec<Column>,
    /// The column by which rows are sorted, and whether descending.
    pub sorted: Option<(&'static str, bool)>,
    /// The visible rows.
    pub rows: Vec<Row>,
    /// Which of the visible rows is selected.
    pub selected: Option<usize>,
    /// (first visible row, all rows)
    pub progress: (usize, usize),
    /// What is said instead of rows where there are none.
    pub empty: Vec<String>,
}

impl Table {
    /// The title of the column at so many cells from the left.
    pub fn title_at(&self, x: u16) -> Option<&'static str> {
        let mut end = 1;
        let column = self.columns.iter().find(|column| {
            end += column.width + 1;
            x < end
        });
        column.map(|column| column.title)
    }
}

/// A row: one cell a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// The cells.
    pub cells: Vec<Vec<Span>>,
    /// Of lesser interest.
    pub dim: bool,
}

/// The columns of `all` that fit into `width`, one blank between two, with the
/// indices they had. That of `sorted`, by which rows are sorted, is always there.
pub fn fit(all: &[Column], sorted: Option<&str>, width: u16) -> Vec<(usize, Column)> {
    let rank = |column: &Column| if Some(column.title) == sorted { 0 } else { column.rank };
    let mut kept: Vec<(usize, Column)> = all.iter().copied().enumerate().collect();
    let needed = |kept: &[(usize, Column)]| -> u16 {
        let cells: u16 = kept.iter().map(|(_, column)| column.width).sum();
        cells + kept.len().saturating_sub(1) as u16
    };
    loop {
        let least = kept.iter().map(|(_, column)| rank(column)).max().unwrap_or(0);
        let wished = |(_, column): &(usize, Column)| column.wish.saturating_sub(column.width);
        let wished: u16 = kept.iter().map(wished).sum();
        let wished = if least > ESSENTIAL { wished } else { 0 };
        if needed(&kept) + wished <= width {
            break;
        }
        let Some(at) = kept.iter().rposition(|(_, column)| rank(column) == least && least > 0)
        else {
            break;
        };
        kept.remove(at);
    }
    let spare = width.saturating_sub(needed(&kept));
    if let Some((_, column)) = kept.iter_mut().find(|(_, column)| column.grows) {
        column.width += spare;
    }
    kept
}

/// The first row to show so that `selected` is visible, moving `top` as
/// little as possible.
pub fn keep_visible(top: usize, selected: usize, count: usize, height: usize) -> usize {
    let height = height.max(1);
    let top = if selected < top {
        selected
    } else if selected >= top + height {
        selected + 1 - height
    } else {
        top
    };
    top.min(count.saturating_sub(height))
}

#[cfg(test)]
mod tests {
    use super::{Column, fit, keep_visible};

    #[test]
    fn the_least_important_columns_go_first() {
        let all = [
            Column::left("a", 5, 0),
            Column::right("b", 5, 2),
            Column::right("c", 5, 1),
            Column::growing("d", 5, 0),
        ];
        let titles_of = |sorted, width| {
            fit(&all, sorted, width)
                .iter()
                .map(|(_, c)| format!("{}{}", c.title, c.width))
                .collect::<String>()
        };
        let titles = |width| titles_of(None, width);
        assert_eq!(titles(40), "a5b5c5d22");
        assert_eq!(titles(23), "a5b5c5d5");
        assert_eq!(titles(20), "a5c5d8");
        assert_eq!(titles(11), "a5d5");
        assert_eq!(titles(3), "a5d5");
        assert_eq!(titles_of(Some("b"), 20), "a5b5d8", "they are sorted by it");
    }

    #[test]
    fn a_wider_table_shows_no_less_of_a_text() {
        let all = [
            Column::left("a", 9, 1),
            Column::right("b", 6, 5),
            Column::right("c", 8, 6),
            Column::growing("d", 10, 0).wishing(30),
        ];
        let text = |width| fit(&all, None, width).last().map_or(0, |(_, column)| column.width);
        for width in 20..100 {
            assert!(text(width + 1).min(30) >= text(width).min(30), "{width}");
        }
        assert_eq!(fit(&all, None, 100).len(), all.len());
    }

    #[test]
    fn the_window_moves_as_little_as_needed() {
        assert_eq!(keep_visible(0, 5, 100, 10), 0);
        assert_eq!(keep_visible(0, 12, 100, 10), 3);
        assert_eq!(keep_visible(20, 12, 100, 10), 12);
        assert_eq!(keep_visible(95, 99, 100, 10), 90);
        assert_eq!(keep_visible(7, 0, 0, 10), 0);
    }
}
