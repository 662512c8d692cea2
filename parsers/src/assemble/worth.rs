//! Whether a connection is worth copying, from what it carries.

use crate::Verdict;

/// Exchanges without JSON after which a connection is unremarkable.
const DULL_EXCHANGES: u32 = 8;
/// Bytes of bodies without JSON after which it is.
const DULL_BYTES: u64 = 4 << 20;

/// Weighs what passes. Each answers the verdict where it is a new one.
#[derive(Debug, Default)]
pub(crate) struct Worth {
    verdict: Option<Verdict>,
    dull_exchanges: u32,
    dull_bytes: u64,
}

impl Worth {
    /// It is known.
    #[must_use]
    pub(crate) fn judge(&mut self, verdict: Verdict) -> Option<Verdict> {
        let new = self.verdict != Some(verdict);
        self.verdict = Some(verdict);
        new.then_some(verdict)
    }

    /// A message; `telling`: JSON or events were seen in its exchange.
    #[must_use]
    pub(crate) fn message(&mut self, telling: bool) -> Option<Verdict> {
        if telling { self.judge(Verdict::Interesting) } else { None }
    }

    /// Bytes of a body.
    #[must_use]
    pub(crate) fn bytes(&mut self, telling: bool, bytes: usize) -> Option<Verdict> {
        if telling || self.verdict.is_some() {
            return None;
        }
        self.dull_bytes += bytes as u64;
        if self.dull_bytes > DULL_BYTES { self.judge(Verdict::Unremarkable) } else { None }
    }

    /// An exchange that is over.
    #[must_use]
    pub(crate) fn exchange(&mut self, telling: bool) -> Option<Verdict> {
        if telling || self.verdict.is_some() {
            return self.message(telling);
        }
        self.dull_exchanges += 1;
        if self.dull_exchanges >= DULL_EXCHANGES { self.judge(Verdict::Unremarkable) } else { None }
    }
}
