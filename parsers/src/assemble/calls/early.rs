//! Responses that are seen before their calls.

use std::time::Duration;

use crate::stdio::Line;
use crate::{Direction, Timestamp};

/// How long one waits.
const LONGEST: Duration = Duration::from_secs(1);
/// How many do.
const MOST: usize = 16;

/// A response that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Who called.
    pub(super) asker: Direction,
    pub(super) id: String,
    pub(super) bytes: Vec<u8>,
    began: Timestamp,
    ended: Timestamp,
}

impl Waiting {
    pub(super) fn line(&self) -> Line<'_> {
        Line { bytes: &self.bytes, began: self.began, ended: self.ended }
    }
}

/// Those that wait, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Early(Vec<Waiting>);

impl Early {
    /// Another. Answers with what does not wait any more, as there are too many.
    pub(super) fn push(&mut self, asker: Direction, id: String, line: Line<'_>) -> Vec<Waiting> {
        let Line { bytes, began, ended } = line;
        self.0.push(Waiting { asker, id, bytes: bytes.to_vec(), began, ended });
        self.0.drain(..self.0.len().saturating_sub(MOST)).collect()
    }

    /// The response to a call that has come.
    pub(super) fn take(&mut self, asker: Direction, id: &str) -> Option<Waiting> {
        let at = self.0.iter().position(|one| one.asker == asker && one.id == id)?;
        Some(self.0.remove(at))
    }

    /// Those that have waited for too long at `time`.
    pub(super) fn overdue(&mut self, time: Timestamp) -> Vec<Waiting> {
        let waited = |one: &Waiting| Duration::from_nanos(time.0.saturating_sub(one.ended.0));
        self.0.extract_if(.., |one| waited(one) > LONGEST).collect()
    }

    pub(super) fn take_all(&mut self) -> Vec<Waiting> {
        std::mem::take(&mut self.0)
    }
}
