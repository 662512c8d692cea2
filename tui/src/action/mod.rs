//! The one table of actions: what a key does, what the footer and the command
//! palette offer and what `?` explains are all read from it.

mod context;

pub(crate) use context::{BESIDE_HELP, EVERYWHERE};
pub use context::{Context, PAGES};

use context::{A, C, D, E, FOLLOWING, H, HELPED, INNER, J, K, MAIN, O, P, PANES, READING, S, V, X};

/// Something a person can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the table below explains each")]
pub enum Action {
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    Bottom,
    PreviousBlock,
    NextBlock,
    Open,
    Detail,
    Back,
    NextPane,
    PreviousPane,
    Processes,
    Exchanges,
    Answer,
    Connections,
    Overview,
    Zoom,
    NextTab,
    PreviousTab,
    AsSent,
    Fold,
    FoldAll,
    Follow,
    Pause,
    Earlier,
    Later,
    JustBefore,
    JustAfter,
    Filter,
    Search,
    SearchNext,
    SearchPrevious,
    Show,
    Sort,
    SortBack,
    SortReverse,
    Columns,
    ShowColumn,
    ColumnLeft,
    ColumnRight,
    Theme,
    Tree,
    Ended,
    Group,
    Compare,
    Export,
    Signal,
    Pager,
    Editor,
    Play,
    Record,
    Copy,
    CopyPath,
    GoTo,
    Mouse,
    Palette,
    Help,
    Quit,
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it does.
    pub action: Action,
    /// Its stable name, for the configuration.
    pub name: &'static str,
    /// The keys that ask for it at first, in [`Key::parse`](crate::app::Key::parse)'s names.
    pub keys: &'static [&'static str],
    /// What the help says.
    pub help: &'static str,
    /// The footer's word for it, and the contexts in which it is offered there.
    pub footer: Option<(&'static str, &'static [Context])>,
    /// Where it means something.
    pub contexts: &'static [Context],
}

const fn entry(
    action: Action,
    name: &'static str,
    keys: &'static [&'static str],
    contexts: &'static [Context],
    help: &'static str,
) -> Entry {
    Entry { action, name, keys, help, footer: None, contexts }
}

impl Entry {
    const fn offered(mut self, word: &'static str, contexts: &'static [Context]) -> Self {
        self.footer = Some((word, contexts));
        self
    }
}

/// Every action, in the order in which footer and help name them.
pub static ACTIONS: &[Entry] = &[
    entry(
        Action::Open,
        "open",
        &["Enter"],
        &[P, E, A, C, V, J],
        "open: a process's or an exchange's conversation, then a turn's detail; fold JSON",
    )
    .offered("open", &[P, E, A, C]),
    entry(
        Action::Back,
        "back",
        &["Esc", "Backspace"],
        EVERYWHERE,
        "back to where you came from; on the main screen, what narrows it ends",
    )
    .offered("back", &[V, D, J, X, O, K, H]),
    entry(Action::NextPane, "next-pane", &["Tab", "Right", "l"], MAIN, "next pane")
        .offered("pane", MAIN),
    entry(Action::PreviousPane, "previous-pane", &["S-Tab", "Left", "h"], MAIN, "previous pane"),
    entry(
        Action::Detail,
        "detail",
        &["d", "i"],
        &[E, A, V],
        "everything about the exchange: answer, JSON, headers, timing, price",
    )
    .offered("detail", &[E, A, V]),
    entry(
        Action::NextTab,
        "next-tab",
        &["]", "Right", "l", "Tab"],
        INNER,
        "next tab, or the process's next conversation",
    )
    .offered("tabs", &[D, J]),
    entry(
        Action::PreviousTab,
        "previous-tab",
        &["[", "Left", "h", "S-Tab"],
        INNER,
        "previous tab or conversation",
    ),
    entry(
        Action::AsSent,
        "as-sent",
        &["w"],
        &[V],
        "the request as it was sent, whole; again: what was new in it",
    )
    .offered("as sent", &[V]),
    entry(Action::Fold, "fold", &["o", "z"], &[V, J], "fold or unfold what the cursor is on")
        .offered("fold", &[V, J]),
    entry(Action::FoldAll, "fold-all", &["O", "Z"], &[V, J], "fold or unfold everything"),
    entry(Action::Search, "search", &["/"], EVERYWHERE, "search; small letters match capitals too")
        .offered("search", BESIDE_HELP),
    entry(
        Action::Filter,
        "filter",
        &["\\", "F4"],
        MAIN,
        "show only what passes: proc:claude tokens>5k !status:200",
    )
    .offered("filter", &[P, E]),
    entry(Action::SearchNext, "search-next", &["n"], EVERYWHERE, "next match"),
    entry(Action::SearchPrevious, "search-previous", &["N"], EVERYWHERE, "previous match"),
    entry(Action::Pause, "pause", &["Space"], BESIDE_HELP, "freeze the screen; capture goes on")
        .offered("pause", BESIDE_HELP),
    entry(
        Action::Earlier,
        "earlier",
        &["Left"],
        &[S],
        "pause, and the whole screen as it was five seconds before; ten minutes are kept",
    )
    .offered("earlier", &[S]),
    entry(Action::Later, "later", &["Right"], &[S], "five seconds later, up to the pause")
        .offered("later", &[S]),
    entry(
        Action::JustBefore,
        "just-before",
        &[","],
        &[S],
        "the moment before: a second, further back than two minutes five",
    )
    .offered("by 1 s", &[S]),
    entry(Action::JustAfter, "just-after", &["."], &[S], "the moment after"),
    entry(
        Action::Follow,
        "follow",
        &["f", "F"],
        FOLLOWING,
        "follow what is new; scrolling stops it",
    )
    .offered("follow", &[E, A, V]),
    entry(Action::Sort, "sort", &["s", ">"], &[P, E], "sort by the next column")
        .offered("sort", &[P]),
    entry(Action::SortBack, "sort-back", &["<"], &[P, E], "sort by the column before"),
    entry(Action::SortReverse, "sort-reverse", &["S", "r"], &[P, E], "reverse the order"),
    entry(Action::Columns, "columns", &["C"], &[P, E], "choose the columns"),
    entry(Action::ShowColumn, "show-column", &["Enter"], &[K], "show the column, or hide it")
        .offered("toggle", &[K]),
    entry(Action::ColumnLeft, "column-left", &["<", "{"], &[K], "the column further to the left")
        .offered("left", &[K]),
    entry(
        Action::ColumnRight,
        "column-right",
        &[">", "}"],
        &[K],
        "the column further to the right",
    )
    .offered("right", &[K]),
    entry(Action::Tree, "tree", &["t", "F5"], &[P], "processes below their parents, or as a list")
        .offered("tree", &[P]),
    entry(
        Action::Ended,
        "ended",
        &["o"],
        &[P],
        "ended processes each in a row, or those of one command in one; Enter opens such a row",
    ),
    entry(
        Action::Group,
        "group",
        &["b"],
        &[P],
        "group by process, command, agent, container, model, provider; the selected one is shown alone",
    )
    .offered("group", &[P]),
    entry(
        Action::Show,
        "show",
        &["a"],
        MAIN,
        "show: LLM exchanges with others dimmed, LLM only, everything",
    )
    .offered("show", &[P, E]),
    entry(
        Action::Compare,
        "compare",
        &["x"],
        &[E, A, V, D, J],
        "mark the exchange; on another one: compare them, what was asked and answered",
    )
    .offered("compare", &[E, V]),
    entry(
        Action::Export,
        "export",
        &["e"],
        &[E, A, V, D, J],
        "write the exchange to a file: JSON, HAR, a curl command, the conversation as Markdown",
    )
    .offered("export", &[E, D, J]),
    entry(
        Action::Signal,
        "signal",
        &["F9", "!"],
        &[P, E, A, C, V, D, J],
        "stop the process (SIGSTOP), let it go on, or ask it to end (SIGTERM), once confirmed",
    )
    .offered("signal", &[P]),
    entry(
        Action::Pager,
        "pager",
        &["v"],
        EVERYWHERE,
        "read what is shown, or the selected exchange, in a pager ($PAGER)",
    ),
    entry(Action::Editor, "editor", &["E"], EVERYWHERE, "the same in an editor ($EDITOR)"),
    entry(
        Action::Play,
        "play",
        &["L"],
        MAIN,
        "play a recording (one that -w wrote) in the place of what is captured or played",
    ),
    entry(
        Action::Record,
        "record",
        &["R"],
        BESIDE_HELP,
        "record what is captured from now on to a file; again: no more",
    )
    .offered("record", MAIN),
    entry(
        Action::Copy,
        "copy",
        &["y"],
        &[P, E, A, C, V, D, J, X, O],
        "copy to the clipboard (OSC 52): the answer, the value, the row",
    )
    .offered("copy", &[D, J, V]),
    entry(
        Action::CopyPath,
        "copy-path",
        &["Y"],
        &[J],
        "copy where the value is, as jq writes it: .messages[2].content",
    ),
    entry(Action::GoTo, "go-to", &["p", "."], &[J], "go to a path: .messages[2].content")
        .offered("path", &[J]),
    entry(Action::Processes, "processes", &["1"], PANES, "the processes"),
    entry(Action::Exchanges, "exchanges", &["2"], PANES, "the exchanges"),
    entry(Action::Answer, "answer", &["3"], PANES, "the selected exchange's answer"),
    entry(Action::Connections, "connections", &["4"], PANES, "the live connections"),
    entry(
        Action::Overview,
        "overview",
        &["5"],
        BESIDE_HELP,
        "the overview: graphs, latency, spenders, limits, failures; again: back",
    )
    .offered("overview", MAIN),
    entry(Action::Zoom, "zoom", &["z"], MAIN, "give the pane the whole screen, or take it back"),
    entry(Action::Up, "up", &["k", "Up"], EVERYWHERE, "up"),
    entry(Action::Down, "down", &["j", "Down"], EVERYWHERE, "down"),
    entry(Action::PageUp, "page-up", &["PgUp", "C-b", "C-u"], EVERYWHERE, "a page up"),
    entry(Action::PageDown, "page-down", &["PgDn", "C-f", "C-d"], EVERYWHERE, "a page down"),
    entry(Action::Top, "top", &["g", "Home"], EVERYWHERE, "to the first"),
    entry(Action::Bottom, "bottom", &["G", "End"], EVERYWHERE, "to the last"),
    entry(Action::PreviousBlock, "previous-block", &["{", "K"], READING, "previous message"),
    entry(Action::NextBlock, "next-block", &["}", "J"], READING, "next message"),
    entry(
        Action::Mouse,
        "mouse",
        &["m"],
        EVERYWHERE,
        "mouse on or off (off: select text as usual)",
    ),
    entry(
        Action::Palette,
        "palette",
        &[":"],
        EVERYWHERE,
        "every command that means something here, to be found by its name",
    )
    .offered("commands", BESIDE_HELP),
    entry(Action::Theme, "theme", &["T"], EVERYWHERE, "other colours; they are remembered"),
    entry(Action::Help, "help", &["?", "F1"], EVERYWHERE, "this help").offered("help", HELPED),
    entry(Action::Quit, "quit", &["q", "C-c"], EVERYWHERE, "quit").offered("quit", EVERYWHERE),
];

/// What means something here.
pub fn help(context: Context) -> impl Iterator<Item = &'static Entry> {
    ACTIONS.iter().filter(move |entry| entry.contexts.contains(&context))
}

/// What the help adds of a page's contexts for somebody in context `here`: what
/// means nothing there.
pub fn help_of(page: &[Context], here: Context) -> impl Iterator<Item = &'static Entry> {
    ACTIONS.iter().filter(move |entry| {
        let contexts = entry.contexts;
        !contexts.contains(&here) && contexts.iter().any(|context| page.contains(context))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{ACTIONS, EVERYWHERE, PAGES, help, help_of};

    #[test]
    fn names_are_unique() {
        let names: HashSet<_> = ACTIONS.iter().map(|entry| entry.name).collect();
        assert_eq!(names.len(), ACTIONS.len());
    }

    #[test]
    fn the_help_explains_every_action_wherever_one_asks() {
        for &here in EVERYWHERE {
            let elsewhere = PAGES.iter().flat_map(|(_, page)| help_of(page, here));
            let explained: HashSet<_> = help(here).chain(elsewhere).map(|it| it.name).collect();
            assert_eq!(explained.len(), ACTIONS.len(), "{here:?}");
        }
    }
}
