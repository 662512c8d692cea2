//! What is remembered for the next run.

use super::App;
use super::columns::List as Which;
use crate::config::{List, Remembered};
use crate::view::columns::Choice;
use crate::view::exchanges::By;
use crate::view::processes::Col;

impl App {
    /// How the screen is set, as far as that is worth keeping.
    pub fn remembered(&self) -> Remembered {
        let main = &self.main;
        let (processes, listing) = (&main.processes, &main.listing);
        let sort = |name: &str, first: &str| (name != first).then(|| name.to_owned());
        Remembered {
            theme: self.theme_chosen.then(|| self.options.theme.name().to_owned()),
            processes: List {
                columns: processes.columns.names(Which::Processes.named()),
                sort: sort(processes.sort.key(), Col::default().key()),
                reverse: processes.reverse,
                tree: processes.tree,
            },
            exchanges: List {
                columns: main.columns.names(Which::Exchanges.named()),
                sort: sort(listing.by.name(), By::default().name()),
                reverse: listing.reverse,
                tree: false,
            },
        }
    }

    /// Sets the screen as it was. What is not known is left as it is.
    pub(super) fn recall(&mut self, remembered: &Remembered) {
        self.theme_chosen = remembered.theme.is_some();
        let main = &mut self.main;
        let columns = |list: &List, which: Which| match &list.columns {
            Some(names) => Choice::of_names(names, which.named()),
            None => Choice::all(which.named().len()),
        };
        let List { sort, reverse, tree, .. } = &remembered.processes;
        main.processes.columns = columns(&remembered.processes, Which::Processes);
        main.processes.sort = sort.as_deref().and_then(Col::keyed).unwrap_or_default();
        (main.processes.reverse, main.processes.tree) = (*reverse, *tree);
        let List { sort, reverse, .. } = &remembered.exchanges;
        main.columns = columns(&remembered.exchanges, Which::Exchanges);
        main.listing.by = sort.as_deref().and_then(By::named).unwrap_or_default();
        main.listing.reverse = *reverse;
    }
}
