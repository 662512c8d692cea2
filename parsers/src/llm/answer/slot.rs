//! Where the pieces of an answer go.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::DeltaKind;

/// Where a piece of the answer belongs, by the API's own numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// Which of several alternative answers; 0 for APIs that give one.
    pub choice: u64,
    /// Which item (content block, output item, tool call) of the choice.
    pub item: u64,
    /// Which part of the item.
    pub part: u64,
    /// What it holds.
    pub kind: SlotKind,
}

/// What a [`Slot`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlotKind {
    /// Text.
    Text,
    /// A refusal: shown as text.
    Refusal,
    /// Reasoning.
    Reasoning,
    /// A summary of reasoning, shown as reasoning.
    Summary,
    /// What was said before, summed up: shown as reasoning, as it is no answer.
    Compaction,
    /// A tool call: its arguments.
    ToolCall,
}

/// What a slot holds so far.
#[derive(Clone, Debug)]
pub(super) struct Content {
    pub(super) slot: Slot,
    pub(super) text: String,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
}

impl Content {
    pub(super) fn size(&self) -> usize {
        let id = self.id.as_ref().map_or(0, String::len);
        self.text.len() + id + self.name.as_ref().map_or(0, String::len)
    }
}

impl Slot {
    /// Part 0 of an item of the only choice.
    pub fn of_item(item: u64, kind: SlotKind) -> Self {
        Slot { choice: 0, item, part: 0, kind }
    }

    /// The same, of an item that has a name instead of a number.
    pub(in crate::llm) fn of_name(name: &str, kind: SlotKind) -> Self {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        Slot::of_item(hasher.finish(), kind)
    }
}

impl SlotKind {
    pub(super) fn delta(self) -> DeltaKind {
        match self {
            SlotKind::Text | SlotKind::Refusal => DeltaKind::Text,
            SlotKind::Reasoning | SlotKind::Summary | SlotKind::Compaction => DeltaKind::Reasoning,
            SlotKind::ToolCall => DeltaKind::ToolCall,
        }
    }
}
