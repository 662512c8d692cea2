//! A message body after decoding, bounded in memory.

/// A decoded body. Larger than the memory budget, it keeps its head and its
/// tail and says how much is missing between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// What was kept: all of it, or the head directly followed by the tail.
    pub bytes: Vec<u8>,
    /// Where bytes are missing, if they are.
    pub elided: Vec<Elided>,
    /// What the bytes are.
    pub kind: BodyKind,
}

/// A hole in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elided {
    /// Index into [`Body::bytes`] before which bytes are missing.
    pub at: usize,
    /// How many decoded bytes; `None`: unknown (lost before decoding).
    pub bytes: Option<u64>,
    /// Lost in capture, rather than dropped to stay inside the budget.
    pub lost: bool,
}

/// What a body is, judged by its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyKind {
    /// One valid JSON value.
    Json,
    /// UTF-8 text.
    Text,
    /// Neither.
    #[default]
    Binary,
}

impl Body {
    /// Whether every byte is there.
    pub fn is_whole(&self) -> bool {
        self.elided.is_empty()
    }
}
