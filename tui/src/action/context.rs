//! Where actions mean something.

/// Where an action means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// The list of processes.
    Processes,
    /// The list of exchanges.
    Exchanges,
    /// The answer beside the lists.
    Answer,
    /// The list of connections.
    Connections,
    /// A conversation read as a chat.
    Conversation,
    /// One exchange, text tabs.
    Detail,
    /// One exchange, JSON tabs.
    Json,
    /// What differs between two exchanges.
    Compare,
    /// The overview.
    Overview,
    /// Any page of a paused screen, before what its own context says.
    Paused,
    /// The choice of columns.
    Columns,
    /// The help.
    Help,
}

pub(super) use Context::{
    Answer as A, Columns as K, Compare as X, Connections as C, Conversation as V, Detail as D,
    Exchanges as E, Help as H, Json as J, Overview as O, Paused as S, Processes as P,
};

pub(crate) const EVERYWHERE: &[Context] = &[P, E, A, C, V, D, J, X, O, K, H];
pub(super) const MAIN: &[Context] = &[P, E, A, C];

pub(super) const READING: &[Context] = &[A, V, D, J, X, O];
/// The panes, and what stands beside them.
pub(super) const PANES: &[Context] = &[P, E, A, C, O];
pub(super) const INNER: &[Context] = &[V, D, J];
/// What may grow at its end.
pub(super) const FOLLOWING: &[Context] = &[P, E, A, C, V, D, J, X];
/// Where there is something to read, which can be paused.
pub(crate) const BESIDE_HELP: &[Context] = &[P, E, A, C, V, D, J, X, O];
pub(super) const HELPED: &[Context] = &[P, E, A, C, V, D, J, X, O, K];

/// The pages as the help names them, and what each has.
pub const PAGES: &[(&str, &[Context])] = &[
    ("On the main screen", MAIN),
    ("In a conversation", &[V]),
    ("In an exchange's detail", &[D, J]),
    ("In a comparison", &[X]),
    ("In the overview", &[O]),
    ("While the screen is paused", &[S]),
    ("Choosing columns", &[K]),
];
