//! The streams of a connection, and how far each has come.

use std::collections::{BTreeMap, VecDeque};

use crate::Role;

/// Streams that are remembered as over: frames sent before the other end knew
/// may still come.
const REMEMBERED: usize = 128;

/// How far a message has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    Head,
    Body,
    /// Nothing was seen of it when the other end had answered: nearly always it
    /// is over, but where both talk at once.
    Unseen,
    Ended,
}

impl Phase {
    /// Whether nothing of the message is waited for.
    pub(super) fn is_past(self) -> bool {
        matches!(self, Phase::Unseen | Phase::Ended)
    }
}

/// A request and its response.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) client: Phase,
    pub(super) server: Phase,
}

impl Stream {
    /// The phase of the message that `from` writes.
    pub(super) fn phase(&mut self, from: Role) -> &mut Phase {
        match from {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }
}

/// The open streams, bounded, and the last that are over.
#[derive(Debug)]
pub(super) struct Streams {
    open: BTreeMap<u32, Stream>,
    over: VecDeque<u32>,
    limit: usize,
}

impl Streams {
    /// At most `limit` streams, one at least.
    pub(super) fn new(limit: usize) -> Self {
        Streams { open: BTreeMap::new(), over: VecDeque::new(), limit: limit.max(1) }
    }

    pub(super) fn get(&mut self, id: u32) -> Option<&mut Stream> {
        self.open.get_mut(&id)
    }

    /// Whether a stream was open, not long ago.
    pub(super) fn is_over(&self, id: u32) -> bool {
        self.over.contains(&id)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = u32> {
        self.open.keys().copied()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut Stream)> {
        self.open.iter_mut().map(|(id, stream)| (*id, stream))
    }

    /// Opens a stream; the oldest, if there are too many now.
    pub(super) fn begin(&mut self, id: u32, stream: Stream) -> Option<u32> {
        self.open.insert(id, stream);
        if self.open.len() <= self.limit {
            return None;
        }
        let oldest = self.ids().find(|oldest| *oldest != id)?;
        self.forget(oldest);
        Some(oldest)
    }

    /// Nothing more is told of a stream; whether there was one.
    pub(super) fn forget(&mut self, id: u32) -> bool {
        self.over.push_back(id);
        if self.over.len() > REMEMBERED {
            self.over.pop_front();
        }
        self.open.remove(&id).is_some()
    }
}
