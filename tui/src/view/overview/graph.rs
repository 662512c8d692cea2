//! Graphs of the last minutes, in Braille: two moments a cell, four steps a row.

use llmtop_parsers::Timestamp;

use super::{padded, width_of};
use crate::store::{Second, Timeline};
use crate::view::{Role, Span};

/// The moments of a graph: equally long, and beginning at whole multiples of their
/// length, so that they stand still while time goes on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moments {
    /// Seconds of a moment.
    pub(super) step: u64,
    /// The first second of the first moment, counted from 1970.
    pub(super) begin: u64,
    /// What happened in each second, up to now.
    seconds: Vec<Second>,
    count: usize,
    /// The moment that is looked at, if it is not now.
    pub(super) cursor: Option<usize>,
    /// The seconds until then.
    seen: usize,
}

/// A graph with its title.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Graph {
    pub(super) title: Vec<Span>,
    /// At the right of the title.
    pub(super) note: String,
    /// A value a moment, the oldest first.
    pub(super) values: Vec<f32>,
    /// What its dots mean; `true`: the moment is one to be warned of.
    pub(super) role: Role,
    pub(super) warned: Vec<bool>,
    /// The moment that is looked at.
    pub(super) cursor: Option<usize>,
}

impl Moments {
    /// The latest moments until `until`, two a column; `now` is looked at.
    pub(super) fn new(
        timeline: &Timeline,
        (now, until): (Timestamp, Timestamp),
        columns: usize,
    ) -> Self {
        let count = (2 * columns).clamp(2, Timeline::SECONDS);
        let step = (Timeline::SECONDS / count).max(1) as u64;
        let last = until.0 / 1_000_000_000;
        let begin = ((last / step + 1) * step).saturating_sub(step * count as u64);
        let seconds = timeline.seconds(until, (last + 1 - begin) as usize);
        let looked_at = now.0 / 1_000_000_000;
        let seen = (looked_at + 1).saturating_sub(begin) as usize;
        let back = looked_at < last;
        let cursor = back.then(|| (looked_at.saturating_sub(begin) / step) as usize);
        Moments { step, begin, seconds, count, cursor, seen }
    }

    /// A value a moment.
    pub(super) fn each<T: Default + Clone>(&self, value: impl Fn(&[Second]) -> T) -> Vec<T> {
        let mut values: Vec<T> = self.seconds.chunks(self.step as usize).map(value).collect();
        values.resize(self.count, T::default());
        values
    }

    /// What happened in all of them until what is looked at.
    pub(super) fn sum<T: std::iter::Sum>(&self, of: impl Fn(&Second) -> T) -> T {
        self.seconds.iter().take(self.seen).map(of).sum()
    }
}

impl Graph {
    /// The title, and rows of dots below it.
    pub(super) fn lines(&self, columns: usize, rows: usize) -> Vec<Vec<Span>> {
        let used: usize = self.title.iter().map(|span| width_of(&span.text)).sum();
        let mut title = self.title.clone();
        let note = columns.saturating_sub(used + 1);
        if width_of(&self.note) <= note {
            title.push(Span::new(format!(" {:>note$}", self.note), Role::Dim));
        }
        let mut lines = vec![padded(title, columns)];
        let highest = self.values.iter().copied().fold(0.0, f32::max);
        for row in (0..rows).rev() {
            let mut spans: Vec<Span> = Vec::new();
            for column in 0..columns {
                let [left, right] = [2 * column, 2 * column + 1];
                let height = |at: usize| dots(self.values.get(at).copied(), highest, rows);
                let cell = braille(height(left), height(right), row);
                let warned = [left, right].iter().any(|&at| self.warned.get(at) == Some(&true));
                let (cell, role) = match self.cursor {
                    Some(at) if at / 2 == column => ('│', Role::Accent),
                    _ if warned => (cell, Role::Warning),
                    _ => (cell, self.role),
                };
                match spans.last_mut().filter(|span| span.role == role) {
                    Some(span) => span.text.push(cell),
                    None => spans.push(Span::new(cell.to_string(), role)),
                }
            }
            lines.push(spans);
        }
        lines
    }
}

/// How many dots high a value stands. Whatever is more than nothing is seen.
fn dots(value: Option<f32>, highest: f32, rows: usize) -> usize {
    match value {
        Some(value) if value > 0.0 && highest > 0.0 => {
            let steps = rows * 4;
            ((value / highest * steps as f32).round() as usize).clamp(1, steps)
        }
        _ => 0,
    }
}

/// The cell of a row, counted from below, of two columns of dots.
fn braille(left: usize, right: usize, row: usize) -> char {
    // From below: the bits of the left and the right column.
    const LEFT: [u32; 4] = [0x40, 0x04, 0x02, 0x01];
    const RIGHT: [u32; 4] = [0x80, 0x20, 0x10, 0x08];
    let bits = |height: usize, bits: [u32; 4]| -> u32 {
        bits.into_iter().take(height.saturating_sub(4 * row)).sum()
    };
    match bits(left, LEFT) + bits(right, RIGHT) {
        0 => ' ',
        bits => char::from_u32(0x2800 + bits).unwrap_or(' '),
    }
}

#[cfg(test)]
mod tests {
    use llmtop_parsers::Timestamp;

    use super::{Graph, Moments};
    use crate::store::{Store, Timeline};
    use crate::view::Role;

    fn drawn(values: &[f32], columns: usize, rows: usize) -> Vec<String> {
        let graph = Graph {
            title: Vec::new(),
            note: String::new(),
            values: values.to_vec(),
            role: Role::Live,
            warned: Vec::new(),
            cursor: None,
        };
        let lines = graph.lines(columns, rows).into_iter().skip(1);
        lines.map(|spans| spans.iter().map(|span| span.text.as_str()).collect()).collect()
    }

    #[test]
    fn dots_stand_as_high_as_values() {
        assert_eq!(drawn(&[0.0, 1.0, 2.0, 3.0, 4.0, 0.001], 3, 1), ["⢀⣴⣇"]);
        assert_eq!(drawn(&[8.0, 4.0], 1, 2), ["⡇", "⣿"]);
        assert_eq!(drawn(&[0.0; 4], 2, 1), ["  "]);
        assert_eq!(drawn(&[], 2, 1), ["  "]);
    }

    #[test]
    fn moments_are_whole_and_fill_the_graph() {
        let store = Store::default();
        for columns in [0, 1, 17, 36, 98, 450, 4000] {
            for now in [0, 1, 899, 1_767_362_600, u64::MAX / 1_000_000_000] {
                let at = Timestamp(now.saturating_mul(1_000_000_000));
                let moments = Moments::new(store.timeline(), (at, at), columns);
                let values = moments.each(|seconds| seconds.len() as u64);
                assert_eq!(values.len(), (2 * columns).clamp(2, Timeline::SECONDS));
                assert_eq!(moments.begin % moments.step, 0);
                let whole = values.iter().rev().skip(1).all(|&it| it == moments.step);
                assert!(now < 900 || whole, "{columns} {now}: {values:?}");
                assert!(values.iter().sum::<u64>() <= 900);
            }
        }
    }
}
