//! Watching what an event does to an answer.

use std::collections::BTreeMap;

use super::{Answer, Slot};
use crate::ApiError;
use crate::headers::RateLimit;
use crate::usage::{Pass, Reported};

/// What became of the content while it was [watched](Answer::watch).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Growth {
    /// None.
    None,
    /// One piece was added, here.
    Once(Slot),
    /// More than that, or it changed.
    More,
}

/// All of an answer but its content, to be compared.
pub(in crate::llm) type Facts =
    ([Option<String>; 4], Reported, Option<f64>, Option<ApiError>, Quotas, Beside, bool);

/// What is left of quotas, and how long to wait.
type Quotas = (Vec<RateLimit>, Option<u64>);

/// How often a model was run, and what deserves a second look.
type Beside = (Vec<Pass>, BTreeMap<&'static str, String>);

/// Watching, for the reader of events that repeat one another.
impl Answer {
    /// From here on, [`grown`](Self::grown) counts.
    pub(in crate::llm) fn watch(&mut self) {
        self.growth = Growth::None;
    }

    /// Where a piece was added since, if the content did not change otherwise.
    pub(in crate::llm) fn grown(&self) -> Option<Slot> {
        match self.growth {
            Growth::Once(slot) => Some(slot),
            Growth::None | Growth::More => None,
        }
    }

    /// What the slot holds, if there is no other.
    pub(in crate::llm) fn only(&self, slot: Slot) -> Option<&String> {
        match &self.slots[..] {
            [content] if content.slot == slot => Some(&content.text),
            _ => None,
        }
    }

    /// All but the content.
    pub(in crate::llm) fn facts(&self) -> Facts {
        // Every member is named, so that a new one is thought of here.
        let Answer {
            model,
            id,
            finish_reason,
            reported,
            cost,
            tier,
            error,
            limits,
            retry_after_ms,
            done,
            deltas: _,
            slots: _,
            places: _,
            room: _,
            truncated: _,
            told: _,
            muted: _,
            reasons: _,
            recent: _,
            growth: _,
            arriving: _,
            broken: _,
            passes,
            notes,
        } = self;
        let names = [model.clone(), id.clone(), finish_reason.clone(), tier.clone()];
        let quotas = (limits.clone(), *retry_after_ms);
        let beside = (passes.clone(), notes.clone());
        (names, *reported, *cost, error.clone(), quotas, beside, *done)
    }
}
