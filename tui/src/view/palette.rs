//! The command palette: what can be done here, to be found by its name.

use super::table::{Column, Row, Table, fit, keep_visible};
use super::{Role, Span, truncated};
use crate::action::{ACTIONS, Action, Context, Entry};

const COLUMNS: &[Column] = &[
    Column::left("KEY", 13, 0),
    Column::left("COMMAND", 15, 0),
    Column::growing("WHAT IT DOES", 20, 1),
];

/// The actions that mean something here and have every word of `text` in their
/// name or their help: those whose names begin with it first.
pub fn find(text: &str, contexts: &[Context]) -> Vec<&'static Entry> {
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let name = words.join("-");
    let rank = |entry: &Entry| match entry.name {
        known if known.starts_with(&name) => Some(0),
        known if words.iter().all(|word| known.contains(word)) => Some(1),
        known => {
            let help = entry.help.to_lowercase();
            let found = |word: &&str| known.contains(*word) || help.contains(*word);
            words.iter().all(found).then_some(2)
        }
    };
    let means = |entry: &&Entry| entry.contexts.iter().any(|it| contexts.contains(it));
    let here = ACTIONS.iter().filter(means).filter(|entry| entry.action != Action::Palette);
    let mut found: Vec<_> = here.filter_map(|entry| Some((rank(entry)?, entry))).collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, entry)| entry).collect()
}

/// The rows of `found` around the selected one, in a place of this size, with the
/// `keys` of each.
pub fn table(
    found: &[&'static Entry],
    keys: impl Fn(&Entry) -> String,
    selected: usize,
    top: usize,
    (width, height): (u16, u16),
) -> Table {
    let height = usize::from(height);
    let top = keep_visible(top, selected, found.len(), height);
    let columns = fit(COLUMNS, None, width);
    let row = |entry: &&'static Entry| {
        let cells = columns.iter().map(|(at, column)| {
            let (text, role) = match at {
                0 => (keys(entry), Role::Accent),
                1 => (entry.name.to_owned(), Role::Text),
                _ => (entry.help.to_owned(), Role::Dim),
            };
            vec![Span::new(truncated(&text, usize::from(column.width)), role)]
        });
        Row { cells: cells.collect(), dim: false }
    };
    Table {
        rows: found.iter().skip(top).take(height).map(row).collect(),
        selected: selected.checked_sub(top),
        progress: (top, found.len()),
        columns: columns.iter().map(|(_, column)| *column).collect(),
        ..Table::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Context, find};

    #[test]
    fn commands_are_found_by_name_and_by_what_they_do() {
        let first = |text, context| find(text, &[context]).first().map(|entry| entry.action);
        for (text, context, action) in [
            ("quit", Context::Json, Some(Action::Quit)),
            ("sort rev", Context::Processes, Some(Action::SortReverse)),
            ("SORT", Context::Processes, Some(Action::Sort)),
            ("rev sort", Context::Processes, Some(Action::SortReverse)),
            ("markdown", Context::Exchanges, Some(Action::Export)),
            ("sort", Context::Help, None),
            ("palette", Context::Exchanges, None),
        ] {
            assert_eq!(first(text, context), action, "{text} in {context:?}");
        }
        assert!(find("", &[Context::Help]).len() > 5);
    }
}
