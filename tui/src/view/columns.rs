//! Which columns of a table are shown, and in which order.

use super::text::{Look, TextDocument};
use super::{Role, Span};

/// The columns of a table, by their places in its own list of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    columns: Vec<(usize, bool)>,
}

/// What a column is called, and what it shows.
pub type Named = (&'static str, &'static str);

impl Choice {
    /// All of so many, in their own order.
    pub fn all(count: usize) -> Self {
        Choice { columns: (0..count).map(|at| (at, true)).collect() }
    }

    /// Those that are shown, in order.
    pub fn shown(&self) -> impl Iterator<Item = usize> {
        self.columns.iter().filter(|(_, shown)| *shown).map(|(column, _)| *column)
    }

    /// Those, and this one even if it is hidden: rows are sorted by it.
    pub fn shown_and(&self, also: Option<usize>) -> impl Iterator<Item = usize> {
        let wanted = move |&(column, shown): &(usize, bool)| shown || Some(column) == also;
        self.columns.iter().copied().filter(wanted).map(|(column, _)| column)
    }

    /// How many there are, shown or not.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Shows the column of a row of the list, or hides it; the last one stays.
    pub fn toggle(&mut self, row: usize) {
        let lone = self.shown().nth(1).is_none();
        if let Some((_, shown)) = self.columns.get_mut(row)
            && !(*shown && lone)
        {
            *shown = !*shown;
        }
    }

    /// Moves the column of a row to the right, or to the left. Its row then.
    pub fn shift(&mut self, row: usize, right: bool) -> usize {
        let to = if right { row + 1 } else { row.saturating_sub(1) };
        if to < self.columns.len() && row < self.columns.len() {
            self.columns.swap(row, to);
            return to;
        }
        row
    }

    /// The names of those that are shown; `None`: it is as it was at first.
    pub fn names(&self, named: &[Named]) -> Option<Vec<String>> {
        (*self != Choice::all(self.columns.len())).then(|| {
            let name = |column: usize| named.get(column).map(|(name, _)| (*name).to_owned());
            self.shown().filter_map(name).collect()
        })
    }

    /// Shows those of these names, in this order. Names that there are none of
    /// mean nothing; where none is left, all are shown.
    pub fn of_names(names: &[String], named: &[Named]) -> Self {
        let place = |name: &String| named.iter().position(|(its, _)| its == name);
        let mut columns: Vec<(usize, bool)> = Vec::new();
        for at in names.iter().filter_map(place) {
            if !columns.iter().any(|(known, _)| *known == at) {
                columns.push((at, true));
            }
        }
        if columns.is_empty() {
            return Choice::all(named.len());
        }
        let hidden = (0..named.len()).filter(|at| !columns.iter().any(|(known, _)| known == at));
        let hidden: Vec<_> = hidden.map(|at| (at, false)).collect();
        // Back where they stand by themselves, as far as that can be told.
        for (at, shown) in hidden {
            let after = columns.iter().rposition(|(known, _)| *known < at);
            columns.insert(after.map_or(0, |after| after + 1), (at, shown));
        }
        Choice { columns }
    }

    /// The list to choose from: one column a row. Those that are chosen and not among
    /// `fitting` are said to have no room.
    pub fn document(&self, named: &[Named], fitting: &[usize]) -> TextDocument {
        let mut document = TextDocument::default();
        for (column, shown) in &self.columns {
            let Some((name, says)) = named.get(*column) else { continue };
            let fits = fitting.contains(column);
            let (mark, role) = match (*shown, fits) {
                (true, true) => ("[x] ", Role::Good),
                (true, false) => ("[x] ", Role::Warning),
                (false, _) => ("[ ] ", Role::Dim),
            };
            let room = if *shown && !fits { "no room: " } else { "" };
            let called = if *shown { Role::Title } else { Role::Dim };
            document.begin();
            document.line(
                vec![
                    Span::new(mark, role),
                    Span::new(format!("{name:<12}"), called),
                    Span::new(room, Role::Warning),
                    Span::new(*says, Role::Dim),
                ],
                Look::default(),
            );
        }
        document
    }
}

#[cfg(test)]
mod tests {
    use super::{Choice, Named};

    const NAMED: [Named; 4] = [("a", ""), ("b", ""), ("c", ""), ("d", "")];

    #[test]
    fn columns_are_hidden_moved_and_remembered() {
        let mut choice = Choice::all(4);
        assert_eq!(choice.names(&NAMED), None);
        choice.toggle(1);
        assert_eq!(choice.shift(3, false), 2);
        assert_eq!((choice.shift(0, false), choice.shift(3, true)), (0, 3));
        let names = choice.names(&NAMED).unwrap();
        assert_eq!(names, ["a", "d", "c"]);
        let again = Choice::of_names(&names, &NAMED);
        assert_eq!(again.shown().collect::<Vec<_>>(), [0, 3, 2]);
        assert_eq!(again.len(), 4);
        let odd = ["nonsense".to_owned(), "c".to_owned(), "c".to_owned()];
        assert_eq!(Choice::of_names(&odd, &NAMED).shown().collect::<Vec<_>>(), [2]);
        assert_eq!(Choice::of_names(&odd[..1], &NAMED), Choice::all(4));
    }

    #[test]
    fn one_column_stays() {
        let mut choice = Choice::all(2);
        choice.toggle(0);
        choice.toggle(1);
        assert_eq!(choice.shown().collect::<Vec<_>>(), [1]);
    }
}
